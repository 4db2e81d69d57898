"""What these tests share: settings, a cloud that answers from a script, and clients of both colours."""

import asyncio
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from otabridge_huawei.backend import HuaweiBackend
from otabridge_huawei.settings import HuaweiSettings

from otabridge._exchange import Exchange
from otabridge._runners import AsyncRunner, Runner
from otabridge.aio import AsyncClient
from otabridge.client import Client
from otabridge.flow import Flow, Sleep
from otabridge.signing import World
from otabridge.wire import Request, Response

GIVEN = {
    "region": "cn-north-4",
    "project_id": "0123456789abcdef0123456789abcdef",
    "app_id": "61f7e74d036aca5be29e1ed4",
    "access_key": "TESTAKEXAMPLE0000001",
    "secret_key": "TestSkExample00000000000000000000000000002",
}
Reply = dict[str, Any] | tuple[int, Any] | Response | Exception
Server = Callable[[Request], Reply]


def settings(**changes: Any) -> HuaweiSettings:
    """Settings that suffice, with changes; None leaves a field out."""
    values = GIVEN | changes
    return HuaweiSettings(**{name: value for name, value in values.items() if value is not None})


def answer(reply: Reply) -> Response | Exception:
    """A reply in short form: a dict is a JSON answer with 200, a pair has its status first."""
    if isinstance(reply, Response | Exception):
        return reply
    status, content = reply if isinstance(reply, tuple) else (200, reply)
    body = content.encode() if isinstance(content, str) else b"" if content is None else json.dumps(content).encode()
    return Response(status, {"content-type": "application/json"}, body)


class Cloud:
    """Runs flows by hand: each request is answered from the script, or by a function, and judged by the backend."""

    def __init__(self, *replies: Reply, server: Server | None = None, **changes: Any) -> None:
        self.backend = HuaweiBackend(settings(**changes))
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
            raise AssertionError(f"a request that the script does not know: {effect.method} {effect.path}")
        given = answer(reply)
        error = given if isinstance(given, Exception) else self.backend.judge(effect, given)
        return steps.throw(error) if error else steps.send(given)

    def sent(self) -> list[tuple[str, str]]:
        """Method and path below the project of every request."""
        return [(request.method, request.path.split("/", 4)[4]) for request in self.requests]


@pytest.fixture
def make_settings() -> Callable[..., HuaweiSettings]:
    return settings


@pytest.fixture
def make_cloud() -> type[Cloud]:
    return Cloud


class Clock:
    """A world whose time moves when it sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def world(self) -> World:
        return World(
            now=lambda: datetime.fromtimestamp(self.start.timestamp() + self.seconds, UTC),
            monotonic=lambda: self.seconds,
            jitter=lambda: 1.0,
            sleep=self.sleep,
            asleep=self.asleep,
        )

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    async def asleep(self, seconds: float) -> None:
        self.seconds += seconds


Use = Callable[[Any], Any]


def _sync(use: Use, config: HuaweiSettings, world: World, transport: Any) -> Any:
    driver = Runner(Exchange(HuaweiBackend(config, world=world)), transport)
    with Client("hw", driver) as client:
        return use(client)


def _async(use: Use, config: HuaweiSettings, world: World, transport: Any) -> Any:
    async def run() -> Any:
        driver = AsyncRunner(Exchange(HuaweiBackend(config, world=world)), transport)
        async with AsyncClient("hw", driver) as client:
            result = use(client)
            return await result if inspect.isawaitable(result) else result

    return asyncio.run(run())


@pytest.fixture(params=[_sync, _async], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Use a client of either colour: `drive(lambda client: ..., handler=..., **settings)` returns what it returns."""

    def run(use: Use, *, handler: Any = None, clock: Clock | None = None, **changes: Any) -> Any:
        transport = httpx.MockTransport(handler) if handler else None
        return request.param(use, settings(**changes), (clock or Clock()).world(), transport)

    return run


@pytest.fixture
def clock() -> Clock:
    return Clock()
