"""The facade: the cloud's API as a server speaks it, over any store. It is what the backend is proven against."""

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import unquote

from otabridge.facade import Answer, Asked, Call, Facade, Reason, Site, Table, Verdict
from otabridge.plugin import (
    Backend,
    Capability,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    PagingError,
    QuotaExceededError,
    RateLimitError,
    Steps,
    UnsupportedError,
    ValidationError,
    broken,
)
from otabridge.windows import Keep, Listed, count, window

from otabridge_example import schema, signing
from otabridge_example.tables import BASE, BUILTINS, LIMITS, PAGE, QUOTAS, ROUTES

SKEW = timedelta(minutes=15)
_PATHS = {
    operation: (method, re.compile(path.replace("{}", "([^/]+)"))) for operation, (method, path) in ROUTES.items()
}
_NUMBER = re.compile("[0-9]{1,9}").fullmatch

REASONS: Mapping[Reason, tuple[int, str]] = {
    "no such call": (404, "not_found"),
    "bad request": (400, "invalid_argument"),
    "no credential": (401, "unauthenticated"),
    "unknown key": (401, "unauthenticated"),
    "bad signature": (401, "unauthenticated"),
    "bad time": (401, "unauthenticated"),
    "nonce used": (401, "unauthenticated"),
    "bad token": (401, "unauthenticated"),
    "expired token": (401, "unauthenticated"),
    "throttled": (429, "rate_limited"),
    "too large": (413, "invalid_argument"),
    "unavailable": (503, "unavailable"),
    "failed": (500, "unavailable"),
}
# What an operation raised, the first that fits; what is left is the store's trouble, and none of the client's.
RAISED: Mapping[type[OtaBridgeError], tuple[int, str]] = {
    ValidationError: (400, "invalid_argument"),
    InvalidRequestError: (400, "invalid_argument"),
    PagingError: (400, "invalid_argument"),
    ForbiddenError: (403, "permission_denied"),
    NotFoundError: (404, "not_found"),
    ConflictError: (409, "conflict"),
    QuotaExceededError: (409, "quota_exceeded"),
    UnsupportedError: (422, "not_supported"),
    RateLimitError: (429, "rate_limited"),
    OtaBridgeError: (503, "unavailable"),
}


class ExampleFacade(Facade):
    """The cloud `example`, served."""

    name: ClassVar[str] = "example"
    contract: ClassVar[int] = 1
    limits = LIMITS
    quotas = QUOTAS

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        # Where the store's list goes on behind the rows of a page that was told.
        self._places: Table[tuple[object, ...], str] = Table(1000)

    def read(self, call: Call) -> Asked:
        """The operation, by method and path."""
        operation, _ = _routed(call)
        return Asked(operation=operation, write=call.method != "GET")

    def verify(self, call: Call, asked: Asked) -> Verdict:
        """Whether the call is signed by the account's key, just now, and for the first time."""
        header = call.headers.get("authorization")
        if header is None:
            return Verdict(refusal="no credential")
        claims = signing.claims(header)
        if claims is None:
            return Verdict(refusal="bad signature", message=f"Authorization is not of {signing.SCHEME}")
        date, nonce = claims["date"], claims["nonce"]
        text = signing.string_to_sign(call.method, call.target, date=date, nonce=nonce, body=call.body)
        refusal = self._refusal(call, claims, text)
        return Verdict(scheme=signing.SCHEME, account=claims["key"], refusal=refusal, expected=text)

    def _refusal(self, call: Call, claims: Mapping[str, str], text: str) -> Reason | None:
        master = self.site.master
        if claims["key"] != master.access_key:
            return "unknown key"
        try:
            date = datetime.strptime(claims["date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return "bad time"
        if abs(call.now - date) > SKEW:
            return "bad time"
        if not hmac.compare_digest(signing.signature(master.secret_key, text), claims["signature"]):
            return "bad signature"
        fresh = self.site.nonces.spend(f"{self.name}\n{claims['nonce']}", call.now)
        return None if fresh else "nonce used"

    def perform(self, call: Call, asked: Asked) -> Steps[Answer]:
        """Do what is asked."""
        _, ids = _routed(call)
        if asked.operation in LISTS:
            return (yield from self._list(call, asked.operation, *ids))
        return (yield from OPERATIONS[asked.operation](self, call, *ids))

    def refuse(
        self,
        call: Call,
        reason: Reason,
        message: str = "",
        *,
        verdict: Verdict | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> Answer:
        """The cloud's error for a reason."""
        usual, word = REASONS[reason]
        return _failed(call, status or usual, code or word, message or reason)

    def explain(self, call: Call, asked: Asked, error: OtaBridgeError) -> Answer:
        """The cloud's error for what an operation raised."""
        status, word = next(told for kind, told in RAISED.items() if isinstance(error, kind))
        wait = getattr(error, "retry_after", None)
        more = (("Retry-After", f"{wait:.0f}"),) if wait else ()
        return _failed(call, status, word, str(getattr(error, "message", error)), *more)

    # --- operations ---------------------------------------------------------------------------------------------------

    def _list(self, call: Call, operation: str, *ids: str) -> Steps[Answer]:
        """A page of one of the store's lists; the place behind it is remembered for whoever goes on from there."""
        capability, words, names = LISTS[operation]
        query = _query(call)
        given = dict(zip(words, ids, strict=True)) if ids else query
        filters = {word: given[word] for word in words if word in given}
        offset, size = _number(query.get("offset", "0")), _number(query.get("limit", str(PAGE)))
        if not 1 <= size <= PAGE:
            raise broken("limit", f"1 to {PAGE}", str(size), "ask for fewer rows")
        listed: Listed[Any] = self._listed(capability, filters)
        key = (operation, *ids, *sorted(filters.items()), self.site.changes)
        place = self._places.get((*key, offset))
        part = yield from window(listed, place, size, skip=0 if place else offset)
        total = part.total if part.total is not None else (yield from count(listed))
        if part.cursor:
            self._places.put((*key, offset + len(part.rows)), part.cursor)
        return _answered(call, 200, schema.listing([schema.written(names, row) for row in part.rows], total))

    def _listed(self, capability: Capability, filters: Mapping[str, str], keep: Keep[Any] | None = None) -> Listed[Any]:
        fetch = getattr(self.store, capability)
        return Listed(
            fetch=lambda cursor, limit: fetch(**filters, cursor=cursor, limit=limit),
            largest=self.store.limits.page_size.get(capability, PAGE),
            keep=keep,
        )

    def get_module(self, call: Call, product: str, name: str) -> Steps[Answer]:
        module = yield from self.store.get_module(product=product, name=name)
        return _answered(call, 200, schema.written(schema.MODULE_TOLD, module))

    def create_module(self, call: Call) -> Steps[Answer]:
        """Make a module, if the product may have one more."""
        wanted = schema.body(schema.MODULE, call.body)
        _check({"product.id": wanted.product, "module.name": wanted.name})
        _check({"module.alias": wanted.alias, "module.description": wanted.description})
        most = LIMITS.counts["modules per product"]
        own = self._listed(Capability.LIST_MODULES, {"product": wanted.product}, lambda row: not row.builtin)
        there = {row.name for row in (yield from window(own, None, most)).rows}
        if wanted.name not in there and len(there) >= most:
            raise QuotaExceededError(f"a product has at most {most} modules")
        made = yield from self.store.create_module(
            product=wanted.product, name=wanted.name, alias=wanted.alias, description=wanted.description
        )
        return _answered(call, 201, schema.written(schema.MODULE_TOLD, made))

    def update_module(self, call: Call, product: str, name: str) -> Steps[Answer]:
        change = schema.body(schema.CHANGE, call.body)
        _check({"module.alias": change.alias, "module.description": change.description})
        changed = yield from self.store.update_module(
            product=product, name=name, alias=change.alias, description=change.description
        )
        return _answered(call, 200, schema.written(schema.MODULE_TOLD, changed))

    def delete_module(self, call: Call, product: str, name: str) -> Steps[Answer]:
        yield from self.store.delete_module(product=product, name=name)
        return _answered(call, 204)

    def get_package(self, call: Call, package_id: str) -> Steps[Answer]:
        package = yield from self.store.get_package(package_id=package_id)
        return _answered(call, 200, schema.written(schema.PACKAGE_TOLD, package))

    def create_package(self, call: Call) -> Steps[Answer]:
        draft = schema.body(schema.DRAFT, call.body)
        LIMITS.check_draft(draft, skip="module.name" if draft.module in BUILTINS else "")
        made = yield from self.store.create_package(draft=draft)
        return _answered(call, 201, schema.written(schema.PACKAGE_TOLD, made))

    def delete_package(self, call: Call, package_id: str) -> Steps[Answer]:
        yield from self.store.delete_package(package_id=package_id)
        return _answered(call, 204)

    def get_device(self, call: Call, product: str, name: str) -> Steps[Answer]:
        device = yield from self.store.get_device(product=product, device=name)
        return _answered(call, 200, schema.written(schema.DEVICE_NAMES, device))


# A list -> the store's, what it is of, and the names of a row's members.
LISTS: Mapping[str, tuple[Capability, tuple[str, ...], schema.Names]] = {
    "products.list": (Capability.LIST_PRODUCTS, (), schema.PRODUCT_NAMES),
    "modules.list": (Capability.LIST_MODULES, ("product",), schema.MODULE_TOLD),
    "packages.list": (Capability.LIST_PACKAGES, ("product", "module", "version"), schema.PACKAGE_TOLD),
    "devices.list": (Capability.LIST_DEVICES, ("product",), schema.DEVICE_NAMES),
    "devices.versions": (Capability.LIST_MODULE_VERSIONS, ("product", "device"), schema.VERSION_NAMES),
}
OPERATIONS: Mapping[str, Callable[..., Steps[Answer]]] = {
    "modules.create": ExampleFacade.create_module,
    "modules.get": ExampleFacade.get_module,
    "modules.update": ExampleFacade.update_module,
    "modules.delete": ExampleFacade.delete_module,
    "packages.create": ExampleFacade.create_package,
    "packages.get": ExampleFacade.get_package,
    "packages.delete": ExampleFacade.delete_package,
    "devices.get": ExampleFacade.get_device,
}


def _routed(call: Call) -> tuple[str, tuple[str, ...]]:
    """The operation that a call is of, empty if it is of none, and the ids in its path."""
    path = call.path.removeprefix(BASE) if call.path.startswith(BASE) else ""
    for operation, (method, pattern) in _PATHS.items():
        if call.method == method and (found := pattern.fullmatch(path)):
            return operation, tuple(map(unquote, found.groups()))
    return "", ()


def _query(call: Call) -> dict[str, str]:
    try:
        return schema.asked(call.query)
    except ValueError:
        raise broken("query", "at most a few parameters", "", "send fewer") from None


def _number(text: str) -> int:
    if not _NUMBER(text):
        raise broken("number", "digits alone", text, "write it in digits")
    return int(text)


def _check(texts: Mapping[str, str | None]) -> None:
    for field, value in texts.items():
        LIMITS.check_text(field, value)


def _answered(call: Call, status: int, told: schema.Json | None = None) -> Answer:
    request_id = ("X-Request-Id", call.id)
    if told is None:
        return Answer(status=status, headers=(request_id,))
    return Answer(status=status, headers=(request_id, ("Content-Type", "application/json")), body=schema.text(told))


def _failed(call: Call, status: int, code: str, message: str, *more: tuple[str, str]) -> Answer:
    told = _answered(call, status, schema.error(code, message))
    return Answer(status=status, headers=(*told.headers, *more), body=told.body, code=code)
