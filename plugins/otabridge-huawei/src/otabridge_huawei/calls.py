"""What every operation stands on: requests, credentials, errors, and the reading of lists by marker."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

from pydantic import SecretStr

from otabridge.plugin import (
    Backend,
    Complaint,
    ConfigurationError,
    Credential,
    OtaBridgeError,
    Page,
    PagingError,
    Pairs,
    Reader,
    Request,
    Response,
    Steps,
    decode,
    flow,
    json_object,
    not_understood,
    removed,
    send,
    settled,
)
from otabridge_huawei import __version__, obs_calls, schema
from otabridge_huawei.obs_calls import CALLS, SplitSigner
from otabridge_huawei.settings import HuaweiSettings
from otabridge_huawei.signing import DerivedSigner, PlainSigner, TokenSigner
from otabridge_huawei.tables import PAGE

T = TypeVar("T")
AGENT = ("User-Agent", f"otabridge/{__version__}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list, as a cursor holds it: the marker, and what of the list lies before it."""

    marker: str | None = None
    seen: int = 0
    least: int | None = None
    anchor: str | None = None

    def onward(self, marker: str | None, rows: int, count: int | None) -> "Place":
        """The place after a page. PagingError if the markers run in a circle."""
        if rows and marker and marker in (self.marker, self.anchor):
            raise PagingError(f"the cloud repeated a marker after {self.seen} rows: the list would never end")
        seen = self.seen + rows
        counts = [known for known in (self.least, count) if known is not None]
        # Brent: the anchor moves as often as the rows double, so that a circle of any length comes back to it.
        anchor = marker if seen.bit_length() > self.seen.bit_length() else self.anchor
        return Place(marker, seen, min(counts, default=None), anchor)

    def check_complete(self) -> None:
        """At the end of a list: PagingError if it gave fewer rows than the fewest that it announced."""
        if self.seen < (self.least or 0):
            raise PagingError(f"the list gave {self.seen} rows of {self.least}: read it again")

    def text(self) -> str:
        """The cursor of this place."""
        return json.dumps([self.marker, self.seen, self.least, self.anchor], separators=(",", ":"))


def place_at(cursor: str | None) -> Place:
    """The place that a cursor names. PagingError if it is none of ours."""
    if not cursor:
        return Place()
    try:
        match json.loads(cursor):
            case [str(marker), int(seen), int() | None as least, str() | None as anchor]:
                return Place(marker, seen, least, anchor)
    except ValueError:
        pass
    raise PagingError(f"not a cursor of this list: {cursor[:60]!r}")


@dataclass(frozen=True, slots=True)
class Stretch(Generic[T]):
    """The rows of one page, where it ends, and whether the list does."""

    rows: tuple[T, ...]
    count: int | None
    after: Place
    ended: bool

    def page(self) -> Page[T]:
        before = self.after.seen - len(self.rows)
        return Page(self.rows, None if self.ended else self.after.text(), self.count, before)


class Calls(Backend):
    """The dialect below the operations."""

    config: HuaweiSettings
    settings: ClassVar[type[HuaweiSettings]] = HuaweiSettings

    @flow
    def credential(self) -> Steps[Credential]:
        """A signer from the keys, or a token that is fetched."""
        config = self.config
        if config.scheme == "token":
            held = yield from self._token()
            return replace(held, signer=SplitSigner(held.signer, config) if held.signer else None)
        key, secret, project = config.access_key or "", _revealed(config.secret_key), config.project_id
        session = _revealed(config.security_token) or None
        if config.scheme == "plain":
            return Credential(SplitSigner(PlainSigner(key, secret, project, session), config))
        derived = DerivedSigner(key, secret, project, session, region=config.region or "")
        return Credential(SplitSigner(derived, config))

    def _token(self) -> Steps[Credential]:
        config = self.config
        request = Request(
            operation="KeystoneCreateUserTokenByPassword",
            method="POST",
            origin=config.iam,
            path="/v3/auth/tokens",
            query=(("nocatalog", "true"),),
            headers=(("Content-Type", "application/json;charset=utf8"), AGENT),
            body=schema.login_body(
                username=config.username or "",
                password=_revealed(config.password),
                domain=config.domain or "",
                project={"name": config.region} if config.region else {"id": config.project_id},
            ),
            auth=False,
        )
        reply = yield from send(request)
        token = reply.header("x-subject-token")
        if not token:
            raise not_understood(request, reply, "no X-Subject-Token in it")
        return Credential(TokenSigner(token), schema.token_expiry(reply), (token,))

    def complaint(self, request: Request, response: Response) -> Complaint | None:
        """What the answer says went wrong."""
        return obs_calls.complaint(response) if request.operation in CALLS else schema.complaint(response)

    def judge(self, request: Request, response: Response) -> OtaBridgeError | None:
        """Also a write whose answer is no JSON: a proxy's page says nothing of what became of it."""
        error = super().judge(request, response)
        if request.operation in CALLS:
            return error
        silent = request.method == "DELETE" and not response.body
        if error is None and not request.read and not silent and json_object(response) is None:
            return not_understood(request, response, "not a JSON object")
        return error

    def _request(
        self, operation: str, path: str, *, method: str = "GET", query: Pairs = (), body: bytes = b"", read: bool = True
    ) -> Request:
        instance = self.config.instance_id
        return Request(
            operation=operation,
            method=method,
            origin=self.config.endpoint,
            path=f"/v5/iot/{self.config.project_id}/{path}",
            query=query,
            headers=(("Content-Type", "application/json"), AGENT, *((("Instance-Id", instance),) if instance else ())),
            body=body,
            read=read,
        )

    def _write(self, operation: str, path: str, *, method: str = "POST", body: bytes = b"") -> Request:
        return self._request(operation, path, method=method, body=body, read=False)

    def _shown(self, operation: str, path: str, reader: Reader[T]) -> Steps[T]:
        """One object."""
        request = self._request(operation, path)
        return decode(reader, request, (yield from send(request)))

    def _listed(
        self,
        operation: str,
        path: str,
        reader: Reader[schema.Listing[T]],
        place: Place,
        limit: int | None,
        **filters: str | None,
    ) -> Steps[Stretch[T]]:
        """One page of a list. The vendor's stop rule, but a short page ends no list that has announced more."""
        size = limit or PAGE
        request = self._request(operation, path, query=schema.query(**filters, marker=place.marker, size=str(size)))
        listing = decode(reader, request, (yield from send(request)))
        rows, mark = listing.rows or (), listing.page
        after = place.onward(mark.marker, len(rows), mark.count)
        ended = not rows or not mark.marker or (len(rows) < size and after.seen >= (mark.count or 0))
        return Stretch(rows, mark.count, after, ended)

    def _deleted(self, operation: str, path: str, show: Callable[[], Steps[object]]) -> Steps[None]:
        """Delete, and after a lost answer ask whether it is gone."""
        request = self._write(operation, path, method="DELETE")
        yield from removed(request, show, lag=self.traits.list_lag_seconds)

    def _settled(self, request: Request, look: Callable[[], Steps[T | None]], reader: Reader[T]) -> Steps[T]:
        """What a write made, read from its answer, or looked for where that is lost."""
        lag = self.traits.list_lag_seconds
        return (yield from settled(request, look, read=lambda reply: decode(reader, request, reply), lag=lag))

    def _app(self, product: str | None = None) -> str | None:
        """The resource space for a list: a product belongs to one, so it is named only where no product is."""
        return None if product else self.config.app_id

    def _needed_app(self, operation: str) -> str:
        if not self.config.app_id:
            raise ConfigurationError(f"{operation} needs the setting app_id: the id of the resource space")
        return self.config.app_id


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
