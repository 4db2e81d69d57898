"""What every operation stands on: requests, the credential, errors, and lists by offset."""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from otabridge.plugin import (
    Backend,
    Complaint,
    Credential,
    NotFoundError,
    OtaBridgeError,
    Page,
    Pairs,
    Reader,
    Request,
    Response,
    Steps,
    World,
    decode,
    encoded_query,
    flow,
    not_understood,
    offset_page,
    quote3986,
    send,
    settled,
)
from otabridge_hawkbit import __version__, schema
from otabridge_hawkbit.keys import Keys, Named
from otabridge_hawkbit.settings import HawkbitSettings
from otabridge_hawkbit.signing import BasicSigner
from otabridge_hawkbit.tables import BASE, HINTS, LARGEST_PAGE, TYPES

T = TypeVar("T")
R = TypeVar("R")
Rows = Callable[[Sequence[R]], Steps[Sequence[T]]]


class Calls(Backend):
    """The dialect below the operations."""

    config: HawkbitSettings
    settings: ClassVar[type[HawkbitSettings]] = HawkbitSettings

    def __init__(self, config: HawkbitSettings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        self.keys = Keys(config)

    @flow
    def credential(self) -> Steps[Credential]:
        """The user's name and password."""
        yield from ()
        signer = BasicSigner(self.config.username, self.config.password.get_secret_value())
        return Credential(signer, secrets=(signer.token,))

    def complaint(self, request: Request, response: Response) -> Complaint | None:
        """The server's own error, or what its framework says."""
        return schema.complaint(response, HINTS)

    def judge(self, request: Request, response: Response) -> OtaBridgeError | None:
        """The error that an answer is. A 404 without a code of the server's is of another one."""
        error = super().judge(request, response)
        if isinstance(error, NotFoundError) and not error.code and response.body:
            return not_understood(request, response, "a 404 that is not the server's own: check the endpoint")
        return error

    def _request(
        self, operation: str, *path: str | int, method: str = "GET", query: Pairs = (), body: bytes = b""
    ) -> Request:
        """One call. To send a PUT again is harmless."""
        located = "/".join((BASE, *(quote3986(str(part)) for part in path)))
        kind = (("Content-Type", "application/json"),) if body else ()
        return Request(
            operation=operation,
            method=method,
            origin=self.config.endpoint,
            path="/".join((BASE, *map(str, path))),
            # Made here, since a slash within a name is no separator.
            target=f"{located}?{encoded_query(query)}" if query else located,
            headers=(("Accept", "application/json"), ("User-Agent", f"otabridge/{__version__}"), *kind),
            body=body,
            read=method in ("GET", "PUT"),
            pace="read" if method == "GET" else "write",
        )

    def _one(self, operation: str, reader: Reader[T], *path: str | int, query: Pairs = ()) -> Steps[T]:
        request = self._request(operation, *path, query=query)
        return decode(reader, request, (yield from send(request)))

    def _made(self, request: Request, look: Callable[[], Steps[T | None]], reader: Reader[tuple[T]]) -> Steps[T]:
        """What a write made, read from its answer, or looked for where that is lost."""
        return (yield from settled(request, look, read=lambda reply: decode(reader, request, reply)[0]))

    def _page(
        self,
        operation: str,
        path: str,
        reader: Reader[schema.Listed[R]],
        cursor: str | None,
        limit: int,
        rows: "Rows[R, T]",
        *,
        where: str = "",
        counted: bool = False,
    ) -> Steps[Page[T]]:
        def fetch(offset: int) -> Steps[tuple[Sequence[R], int]]:
            query = schema.query(offset=offset, limit=limit, where=where)
            found = yield from self._one(operation, reader, path, query=query)
            return found.content, found.total

        return (yield from offset_page(cursor, fetch, rows, counted=counted))

    def _found(self, operation: str, path: str, reader: Reader[schema.Listed[R]], where: str) -> Steps[list[R]]:
        """Everything that a search finds."""
        found: list[R] = []
        while True:
            query = schema.query(offset=len(found), limit=LARGEST_PAGE, where=where)
            page = yield from self._one(operation, reader, path, query=query)
            found += page.content
            if not page.content or len(found) >= page.total:
                return found

    def _modules(self, product: str | None = None) -> Steps[list[Named]]:
        """Every module there is, of one product or of all."""
        self.keys.check(product)
        found = yield from self._found("getTypes", TYPES, schema.MODULES, "")
        modules = filter(None, map(self.keys.module, found))
        return [(each.product, each.name) for each in modules if product in (None, each.product)]
