"""What these tests share: both clouds, a service that answers from a script, and clients of both colours."""

import asyncio
import inspect
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from otabridge_action.backend import ActionBackend, AliyunBackend, TuyaBackend

from otabridge._exchange import Exchange
from otabridge._runners import AsyncRunner, Runner
from otabridge.aio import AsyncClient
from otabridge.client import Client
from otabridge.flow import Flow, Sleep
from otabridge.signing import World
from otabridge.wire import Request, Response

KEYS = {"access_key_id": "AK", "access_key_secret": "SkExample000000000000000000002"}
CLOUDS: dict[str, tuple[type[ActionBackend], dict[str, Any]]] = {
    "tuya": (TuyaBackend, {"endpoint": "si-0123456789abcdef0123.tuyacloud.com:8686"}),
    "aliyun": (AliyunBackend, {"region": "cn-shanghai"}),
}
Reply = dict[str, Any] | tuple[int, Any] | Response | Exception
Server = Callable[[Request], Reply]


def backend(name: str, *, world: World | None = None, **changes: Any) -> ActionBackend:
    """A backend with settings that suffice, and changes."""
    kind, given = CLOUDS[name]
    return kind(kind.settings(**(KEYS | given | changes)), world=world)


def answer(reply: Reply) -> Response | Exception:
    """A reply in short form: a dict succeeds in a 200, a pair has its status first and is taken as it is."""
    if isinstance(reply, Response | Exception):
        return reply
    status, content = reply if isinstance(reply, tuple) else (200, {"RequestId": "R1", "Success": True} | reply)
    if isinstance(content, bytes | str):
        return Response(status, {}, content.encode() if isinstance(content, str) else content)
    return Response(status, {"content-type": "application/json"}, json.dumps(content).encode())


class Cloud:
    """Runs flows by hand: each request is answered from the script, or by a function, and judged by the backend."""

    def __init__(self, name: str, *replies: Reply, server: Server | None = None, **changes: Any) -> None:
        self.backend = backend(name, **changes)
        self.requests: list[Request] = []
        self.sleeps: list[float] = []
        self._replies = iter(replies)
        self._server = server

    def run(self, flow: Flow[Any]) -> Any:
        """The flow's result; an answer that is an error is raised into it."""
        steps = iter(flow)
        try:
            effect = next(steps)
            while True:
                effect = self._perform(steps, effect)
        except StopIteration as done:
            return done.value

    def _perform(self, steps: Any, effect: Any) -> Any:
        if isinstance(effect, Sleep):
            self.sleeps.append(effect.seconds)
            return steps.send(None)
        self.requests.append(effect)
        reply = self._server(effect) if self._server else next(self._replies, None)
        if reply is None:
            raise AssertionError(f"a request that the script does not know: {effect.operation}")
        given = answer(reply)
        error = given if isinstance(given, Exception) else self.backend.judge(effect, given)
        return steps.throw(error) if error else steps.send(given)

    @property
    def sent(self) -> list[tuple[str, dict[str, str]]]:
        """Action and parameters of every request."""
        return [(request.operation, dict(request.query + request.form)) for request in self.requests]

    def walked(self, fetch: Callable[[str | None], Flow[Any]], walk: Any) -> list[Any]:
        """Every row of a list, as a client reads it."""
        rows: list[Any] = []
        while not walk.done:
            rows += walk.take(self.run(fetch(walk.cursor)))
        return rows


@pytest.fixture
def make_cloud() -> type[Cloud]:
    return Cloud


@pytest.fixture
def make_backend() -> Callable[..., ActionBackend]:
    return backend


def honest(
    wrap: Callable[[list[dict[str, Any]]], dict[str, Any]], rows: list[dict[str, Any]], **changes: Any
) -> Callable[[Request], dict[str, Any]]:
    """A service that pages honestly, but for `changes`; `short` names a page that lacks its last row."""

    def serve(request: Request) -> dict[str, Any]:
        asked = dict(request.query)
        page, size = int(asked["CurrentPage"]), int(asked["PageSize"])
        found = rows[(page - 1) * size : page * size]
        if page == changes.get("short"):
            found = found[:-1]
        counts = {"CurrentPage": page, "PageSize": size, "PageCount": -(-len(rows) // size), "Total": len(rows)}
        return wrap(found) | {name: changes.get(name, value) for name, value in counts.items()}

    return serve


@pytest.fixture
def paged() -> Any:
    """A maker of services that page: `paged(wrap, rows, **changes)`."""
    return honest


@pytest.fixture(params=list(CLOUDS))
def cloud_name(request: pytest.FixtureRequest) -> str:
    """Either cloud's name: every test that takes it runs once with each."""
    name: str = request.param
    return name


Use = Callable[[Any], Any]


def _sync(use: Use, kind: ActionBackend, transport: Any) -> Any:
    with Client(kind.name, Runner(Exchange(kind), transport)) as client:
        return use(client)


def _async(use: Use, kind: ActionBackend, transport: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(kind.name, AsyncRunner(Exchange(kind), transport)) as client:
            result = use(client)
            return await result if inspect.isawaitable(result) else result

    return asyncio.run(run())


@pytest.fixture(params=[_sync, _async], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Use a client of either colour: `drive("tuya", lambda client: ..., handler=..., **settings)`, without waiting."""
    waits: list[float] = []

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    def run(name: str, use: Use, *, handler: Any = None, **changes: Any) -> Any:
        world = World(sleep=waits.append, asleep=asleep)
        transport = httpx.MockTransport(handler) if handler else None
        return request.param(use, backend(name, world=world, quotas="off", **changes), transport)

    return run
