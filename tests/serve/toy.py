"""A facade without signatures, for tests of the host: `/{operation}?...` over the store, JSON in and out."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
import pytest

from otabridge.errors import NotFoundError, OtaBridgeError
from otabridge.facade import Answer, Asked, Call, Facade, Reason, Verdict
from otabridge.flow import Steps, local
from otabridge.pacing import EVERYTHING, Quota
from otabridge.registry import Registry
from otabridge.serve import Server, running

STATUSES: dict[Reason, int] = {"no such call": 404, "failed": 500, "throttled": 429, "too large": 413}
LARGEST = 100_000
CREATE = b"POST /CreateModule?product=p&name=m HTTP/1.1\r\nhost: h\r\n\r\n"


class ToyFacade(Facade):
    """The header `x-key` names the account, and any will do but `stranger`."""

    name = "toy"
    contract = 1
    quotas: ClassVar[Mapping[str, Quota]] = {"CreateModule": Quota(2), EVERYTHING: Quota(3, per="api")}
    largest_body = LARGEST

    def read(self, call: Call) -> Asked:
        operation = call.path.lstrip("/")
        known = hasattr(self, f"_{operation}")
        return Asked(operation=operation if known else "", write=operation.startswith("Create"))

    def verify(self, call: Call, asked: Asked) -> Verdict:
        key = call.headers.get("x-key", "")
        return Verdict(scheme="toy", account=key, refusal="unknown key" if key == "stranger" else None)

    def perform(self, call: Call, asked: Asked) -> Steps[Answer]:
        steps: Callable[..., Steps[Any]] = getattr(self, f"_{asked.operation}")
        said = yield from steps(call, **dict(call.query))
        headers = (("X-Now", call.now.isoformat()), ("X-Changes", str(self.site.changes)))
        return Answer(headers=headers, body=json.dumps(said).encode())

    def _ListModules(self, call: Call, **query: Any) -> Steps[Any]:  # noqa: N802  # operations are named so
        page = yield from self.store.list_modules(**{**query, "limit": int(query.get("limit", 50))})
        return {"rows": [row.name for row in page.items], "next": page.cursor, "total": page.total}

    def _CreateModule(self, call: Call, **query: str) -> Steps[Any]:  # noqa: N802
        return (yield from self.store.create_module(**query)).name

    def _Echo(self, call: Call) -> Steps[Any]:  # noqa: N802
        yield from ()
        return {"method": call.method, "target": call.target, "length": len(call.body), **call.headers}

    def _Break(self, call: Call) -> Steps[Any]:  # noqa: N802
        yield from ()
        raise RuntimeError("a defect")

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
        headers = (("Retry-After", "7"),) if reason == "throttled" else ()
        told = {"error": code or reason, "message": message}
        body = json.dumps(told).encode()
        return Answer(status=status or STATUSES.get(reason, 403), headers=headers, body=body, code=code or reason)

    def explain(self, call: Call, asked: Asked, error: OtaBridgeError) -> Answer:
        body = json.dumps({"error": type(error).__name__}).encode()
        return Answer(status=404 if isinstance(error, NotFoundError) else 400, body=body, code=type(error).__name__)


def register(patch: pytest.MonkeyPatch) -> None:
    """Let `toy`, and `toy2` of the same kind, be found beside the installed facades."""
    found = Registry.facade
    kinds = {"toy": ToyFacade, "toy2": type("Toy2Facade", (ToyFacade,), {"name": "toy2"})}
    patch.setattr(Registry, "facade", lambda self, name: kinds.get(name) or found(self, name))


@contextmanager
def toy(*more: str, **settings: Any) -> Iterator[Server]:
    """The toy, served."""
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        with running("toy", *more, **settings) as server:
            yield server


def hold(patch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let CreateModule say that it is at work, and go on when it is told to."""
    at_work, go_on = threading.Event(), threading.Event()
    create = ToyFacade._CreateModule

    def wait() -> None:
        at_work.set()
        assert go_on.wait(20)

    def held(self: ToyFacade, call: Call, **query: str) -> Steps[Any]:
        yield from local(wait)
        return (yield from create(self, call, **query))

    patch.setattr(ToyFacade, "_CreateModule", held)
    return at_work, go_on


def ask(server: Server, operation: str = "ListModules", *, key: str = "k", **query: str) -> httpx.Response:
    """One call, on a connection of its own."""
    return httpx.get(f"{server.url}/{operation}", params=query, headers={"x-key": key}, trust_env=False)


def make(server: Server, *names: str, product: str = "p") -> None:
    """Modules, put into the store."""
    for name in names:
        server.cloud.modules.create(name, product=product)
