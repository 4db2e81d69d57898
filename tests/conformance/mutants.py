"""Backends with one mistake each, made of ones that are right. The kit must find every one of them."""

import inspect
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from otabridge_action.backend import AliyunBackend, TuyaBackend
from otabridge_huawei.backend import HuaweiBackend

from otabridge.errors import (
    ApiError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
)
from otabridge.flow import Flow, Steps, flow
from otabridge.models import Module, Page
from otabridge.signing import Credential
from otabridge.testing.ground import CANARY
from otabridge.wire import Request

Kind = type[Any]
Make = Callable[[Kind], Kind]
MUTANTS: dict[str, tuple[Kind, Make]] = {}


def mutant(base: Kind) -> Callable[[Make], Make]:
    """A row of the table: the function's name says the mistake, and it makes the class."""

    def row(make: Make) -> Make:
        MUTANTS[make.__name__] = base, make
        return make

    return row


def made(name: str) -> Kind:
    base, make = MUTANTS[name]
    return make(base)


def like(base: Kind, name: str) -> Callable[[Any], Any]:
    """Give an operation the signature of the right one."""

    def signed(operation: Any) -> Any:
        operation.__signature__ = inspect.signature(getattr(base, name))
        return operation

    return signed


def wrapped(name: str, change: Callable[..., Any]) -> Make:
    """A class whose operation `name` gives what `change(self, result, arguments)` makes of the right result."""

    def make(base: Kind) -> Kind:
        def operation(self: Any, **given: Any) -> Flow[Any]:
            def steps() -> Steps[Any]:
                return change(self, (yield from getattr(base, name)(self, **given)), given)

            return Flow(steps(), name)

        return type(base.__name__, (base,), {name: like(base, name)(operation)})

    return make


def asked(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Make:
    """A class whose operation `name` is asked for something else."""

    def make(base: Kind) -> Kind:
        def operation(self: Any, **given: Any) -> Any:
            return getattr(base, name)(self, **change(given))

        return type(base.__name__, (base,), {name: like(base, name)(operation)})

    return make


def stepping(name: str, perform: Callable[[Any, Any], Steps[Any]]) -> Make:
    """A class whose operation `name` has each of its effects performed by `perform(self, effect)`."""

    def make(base: Kind) -> Kind:
        def operation(self: Any, **given: Any) -> Flow[Any]:
            def steps() -> Steps[Any]:
                inner = iter(getattr(base, name)(self, **given))
                try:
                    effect = next(inner)
                    while True:
                        try:
                            result = yield from perform(self, effect)
                        except Exception as error:
                            effect = inner.throw(error)
                        else:
                            effect = inner.send(result)
                except StopIteration as done:
                    return done.value

            return Flow(steps(), name)

        return type(base.__name__, (base,), {name: like(base, name)(operation)})

    return make


def sending(name: str, change: Callable[[Request], Request]) -> Make:
    """A class whose operation `name` sends other requests."""

    def perform(self: Any, effect: Any) -> Steps[Any]:
        return (yield change(effect) if isinstance(effect, Request) else effect)

    return stepping(name, perform)


def signing(change: Callable[..., Request]) -> Make:
    """A class whose signer gives what `change(signer, request, now, nonce)` does."""

    def make(base: Kind) -> Kind:
        class Wrong:
            def __init__(self, inner: Any) -> None:
                self.inner = inner
                self.kept: dict[Any, Any] = {}

            def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
                return change(self, request, now, nonce)

        class Mutant(base):
            @flow
            def credential(self) -> Steps[Credential]:
                right = yield from base.credential(self)
                return replace(right, signer=Wrong(right.signer))

        return Mutant

    return make


def drafting(**changes: Any) -> Make:
    """A class that makes other packages than it is asked for."""
    return asked("create_package", lambda given: given | {"draft": replace(given["draft"], **changes)})


def having(**members: Any) -> Make:
    return lambda base: type(base.__name__, (base,), members)


def rows(change: Callable[[Any], Any]) -> Callable[..., Page[Any]]:
    return lambda self, page, given: replace(page, items=tuple(map(change, page.items)))


def row(name: str, base: Kind, make: Make) -> None:
    MUTANTS[name] = base, make


# --- paging -----------------------------------------------------------------------------------------------------------

row(
    "drops_the_last_page",
    TuyaBackend,
    wrapped("list_packages", lambda self, page, given: replace(page, cursor=None) if given.get("cursor") else page),
)
row(
    "repeats_a_cursor",
    HuaweiBackend,
    wrapped("list_devices", lambda self, page, given: replace(page, cursor=given.get("cursor") or page.cursor)),
)
row(
    "repeats_a_row_on_the_next_page",
    TuyaBackend,
    wrapped("list_devices", lambda self, page, given: replace(page, items=(*page.items, *page.items[-1:]))),
)
row(
    "loses_a_row_between_pages",
    TuyaBackend,
    wrapped(
        "list_module_versions",
        lambda self, page, given: replace(page, items=page.items[1:]) if given.get("cursor") else page,
    ),
)
row(
    "counts_a_page_as_the_total",
    TuyaBackend,
    wrapped("list_packages", lambda self, page, given: replace(page, total=len(page.items))),
)
row("gives_larger_pages_than_asked", TuyaBackend, asked("list_packages", lambda given: given | {"limit": None}))
row(
    "gives_an_empty_list_a_cursor",
    HuaweiBackend,
    wrapped("list_packages", lambda self, page, given: page if page.items else replace(page, cursor="0")),
)
row("ignores_the_product", HuaweiBackend, asked("list_packages", lambda given: given | {"product": None}))
row("ignores_the_version", TuyaBackend, asked("list_packages", lambda given: given | {"version": None}))


@mutant(TuyaBackend)
def keeps_its_cursors_to_itself(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_packages")
        def list_packages(self, *, cursor: str | None = None, **given: Any) -> Flow[Any]:
            known = self.__dict__.setdefault("_cursors", {})

            def steps() -> Steps[Any]:
                page = yield from base.list_packages(self, cursor=known.get(cursor), **given)
                if page.cursor is None:
                    return page
                known[str(len(known))] = page.cursor
                return replace(page, cursor=str(len(known) - 1))

            return Flow(steps(), "list_packages")

    return Mutant


# --- mapping ----------------------------------------------------------------------------------------------------------

row(
    "loses_the_zone_of_a_time",
    TuyaBackend,
    wrapped(
        "list_packages", rows(lambda it: replace(it, created_at=it.created_at and it.created_at.replace(tzinfo=None)))
    ),
)
row(
    "takes_a_time_for_another_zone_s",
    HuaweiBackend,
    wrapped(
        "list_modules", rows(lambda it: replace(it, created_at=it.created_at and it.created_at + timedelta(hours=8)))
    ),
)
row("tells_no_alias", HuaweiBackend, wrapped("list_modules", rows(lambda it: replace(it, alias=None))))
row(
    "tells_no_source_versions",
    TuyaBackend,
    wrapped("list_packages", rows(lambda it: replace(it, source_versions=()))),
)
row(
    "trims_unicode",
    HuaweiBackend,
    asked("create_module", lambda given: {k: v and v.encode("ascii", "ignore").decode() for k, v in given.items()}),
)
row(
    "strips_texts",
    AliyunBackend,
    asked("create_module", lambda given: {k: v and v.replace(" ", "") for k, v in given.items()}),
)
row(
    "clears_what_an_update_leaves_out",
    TuyaBackend,
    asked("update_module", lambda given: given | {"description": given.get("description") or " "}),
)
row(
    "tells_a_built_in_module_by_the_vendor_s_name",
    TuyaBackend,
    wrapped(
        "list_module_versions",
        rows(lambda it: replace(it, module="default") if it.module == "@default" else it),
    ),
)


@mutant(HuaweiBackend)
def deletes_nothing(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "delete_module")
        @flow
        def delete_module(self, **given: Any) -> Steps[None]:
            yield from base.get_module(self, **given)

    return Mutant


# --- errors -----------------------------------------------------------------------------------------------------------


@mutant(TuyaBackend)
def takes_success_false_for_success(base: Kind) -> Kind:
    return having(complaint=lambda self, request, response: None)(base)


@mutant(AliyunBackend)
def swallows_an_unknown_code(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return error if error is None or (error.code or "").lower() in self.ERRORS else None

    return Mutant


@mutant(HuaweiBackend)
def swallows_server_errors(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return None if isinstance(error, ServerError) else error

    return Mutant


@mutant(TuyaBackend)
def knows_no_conflicts(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return InvalidRequestError(str(error)) if isinstance(error, ConflictError) else error

    return Mutant


@mutant(HuaweiBackend)
def takes_every_404_for_a_missing_object(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            if response.status == 404:
                return NotFoundError("it is not there")
            return super().judge(request, response)

    return Mutant


@mutant(TuyaBackend)
def raises_what_json_raises(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            json.loads(response.body)["requestId"]
            return super().judge(request, response)

    return Mutant


@mutant(HuaweiBackend)
def tells_an_unknown_device_has_no_versions(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_module_versions")
        @flow
        def list_module_versions(self, **given: Any) -> Steps[Page[Any]]:
            try:
                return (yield from base.list_module_versions(self, **given))
            except NotFoundError:
                return Page(())

    return Mutant


@mutant(TuyaBackend)
def ignores_retry_after(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            if error is not None and hasattr(error, "retry_after"):
                error.retry_after = None
            return error

    return Mutant


# --- signing ----------------------------------------------------------------------------------------------------------


def once(signer: Any, request: Request, now: datetime, nonce: str) -> Request:
    key = (request.operation, request.path, request.query)
    return signer.kept.setdefault(key, signer.inner.sign(request, now=now, nonce=nonce))


row("signs_before_the_retry", TuyaBackend, signing(once))
row(
    "signs_with_one_nonce",
    AliyunBackend,
    signing(lambda signer, request, now, nonce: signer.inner.sign(request, now=now, nonce="0" * 32)),
)
row(
    "signs_with_the_time_of_its_first_call",
    HuaweiBackend,
    signing(
        lambda signer, request, now, nonce: signer.inner.sign(
            request, now=signer.kept.setdefault("now", now), nonce=nonce
        )
    ),
)
row(
    "encodes_a_tilde",
    TuyaBackend,
    signing(
        lambda signer, request, now, nonce: signer.inner.sign(
            replace(request, query=tuple((k, v.replace("~", "%7E")) for k, v in request.query)), now=now, nonce=nonce
        )
    ),
)
row(
    "sends_a_plus_for_a_space",
    TuyaBackend,
    signing(
        lambda signer, request, now, nonce: signer.inner.sign(
            replace(request, query=tuple((k, v.replace("+", " ")) for k, v in request.query)), now=now, nonce=nonce
        )
    ),
)


def leaking(signer: Any, request: Request, now: datetime, nonce: str) -> Request:
    signed = signer.inner.sign(request, now=now, nonce=nonce)
    return replace(signed, headers=(*signed.headers, ("X-Debug", str(getattr(signer.inner, "_secret", CANARY)))))


row("sends_its_secret", TuyaBackend, signing(leaking))


# --- retries ----------------------------------------------------------------------------------------------------------


def again(self: Any, effect: Any) -> Steps[Any]:
    try:
        return (yield effect)
    except OutcomeUnknownError:
        return (yield effect)


row("retries_a_create_blindly", TuyaBackend, stepping("create_module", again))
row("retries_a_delete_blindly", HuaweiBackend, stepping("delete_module", again))
row(
    "takes_a_create_for_a_read",
    HuaweiBackend,
    sending("create_module", lambda request: replace(request, read=True)),
)
row("takes_a_list_for_a_write", TuyaBackend, sending("list_modules", lambda request: replace(request, read=False)))
row(
    "takes_a_delete_for_a_read",
    HuaweiBackend,
    sending("delete_module", lambda request: replace(request, read=True)),
)


@mutant(HuaweiBackend)
def believes_whatever_it_finds_after_a_lost_create(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "create_module")
        @flow
        def create_module(self, **given: Any) -> Steps[Module]:
            try:
                return (yield from base.create_module(self, **given))
            except (ConflictError, OutcomeUnknownError):
                return (yield from base.get_module(self, product=given["product"], name=given["name"]))

    return Mutant


# --- pacing, lifecycle ------------------------------------------------------------------------------------------------

row(
    "names_its_requests_otherwise_than_its_rates",
    TuyaBackend,
    sending("list_modules", lambda request: replace(request, pace="Modules")),
)


@mutant(TuyaBackend)
def remembers_a_list_for_ever(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_modules")
        @flow
        def list_modules(self, **given: Any) -> Steps[Any]:
            known = self.__dict__.setdefault("_lists", {})
            key = tuple(sorted(given.items()))
            if key not in known:
                known[key] = yield from base.list_modules(self, **given)
            return known[key]

    return Mutant


@mutant(HuaweiBackend)
def cannot_be_closed_twice(base: Kind) -> Kind:
    class Mutant(base):
        def close(self) -> None:
            del self.config

    return Mutant


@mutant(HuaweiBackend)
def does_its_work_before_it_is_asked_to(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_modules")
        def list_modules(self, **given: Any) -> Any:
            return iter(base.list_modules(self, **given))

    return Mutant


# --- versions ---------------------------------------------------------------------------------------------------------

row(
    "counts_every_version",
    HuaweiBackend,
    asked("count_fleet_versions", lambda given: given | {"version": None}),
)
row(
    "loses_devices_of_a_fleet",
    HuaweiBackend,
    wrapped("list_fleet_versions", lambda self, page, given: replace(page, items=page.items[:-1])),
)

# --- declaration, limits, hygiene -------------------------------------------------------------------------------------

row("checks_no_limits", TuyaBackend, having(admit=lambda self, operation, arguments: None))
row("shows_its_secret_in_repr", TuyaBackend, having(__repr__=lambda self: f"<{self.config.secrets()}>"))


@mutant(HuaweiBackend)
def writes_codes_in_capitals(base: Kind) -> Kind:
    return having(ERRORS={code.upper(): kind for code, kind in base.ERRORS.items()})(base)


@mutant(TuyaBackend)
def says_nothing_of_what_is_missing(base: Kind) -> Kind:
    return having(capabilities={op: it for op, it in base.capabilities.items() if it.level.usable})(base)


@mutant(HuaweiBackend)
def prints(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            print(response.status)
            return super().judge(request, response)

    return Mutant


@mutant(TuyaBackend)
def logs_its_secret(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            logging.getLogger("a.plugin").debug("%s", self.config.secrets())
            return super().judge(request, response)

    return Mutant


# --- the cloud's own words, and packages ------------------------------------------------------------------------------


@mutant(TuyaBackend)
def takes_a_throttle_for_a_refusal(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return InvalidRequestError(str(error), code="x") if isinstance(error, RateLimitError) else error

    return Mutant


@mutant(AliyunBackend)
def loses_the_code(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            if error is not None and hasattr(error, "code"):
                error.code = None
            return error

    return Mutant


row("loses_custom_info", TuyaBackend, drafting(custom_info=None))
row("loses_source_versions", HuaweiBackend, drafting(source_versions=()))
row("makes_a_package_blindly", TuyaBackend, stepping("create_package", again))
row(
    "clears_a_package_s_info_as_it_describes_it",
    AliyunBackend,
    asked("update_package", lambda given: given | {"custom_info": given.get("custom_info") or "-"}),
)


# --- lists that end too early, and refusals that are asked again ------------------------------------------------------


@mutant(TuyaBackend)
def ends_a_list_where_a_page_fails(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_devices")
        @flow
        def list_devices(self, **given: Any) -> Steps[Any]:
            try:
                return (yield from base.list_devices(self, **given))
            except ServerError:
                return Page(())

    return Mutant


def insisting(self: Any, effect: Any) -> Steps[Any]:
    try:
        return (yield effect)
    except ApiError:
        return (yield effect)


row("asks_again_what_is_refused", HuaweiBackend, stepping("list_modules", insisting))
row(
    "forgets_further_pages_unless_a_size_is_asked_for",
    TuyaBackend,
    wrapped("list_devices", lambda self, page, given: page if given.get("limit") else replace(page, cursor=None)),
)
