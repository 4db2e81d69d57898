"""What these tests share: settings, a cloud that answers from a script, and clients of both colours."""

import asyncio
import importlib
import inspect
import itertools
import json
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from otabridge_huawei.backend import HuaweiBackend
from otabridge_huawei.facade import HuaweiFacade
from otabridge_huawei.settings import HuaweiSettings
from otabridge_huawei.signing import DerivedSigner, PlainSigner, TokenSigner

from otabridge._connect import prepare
from otabridge._exchange import Exchange
from otabridge._runners import AsyncRunner, Runner
from otabridge.aio import AsyncClient
from otabridge.client import Client
from otabridge.errors import OtaBridgeError
from otabridge.facade import Account, Answer, Call, Site, Table
from otabridge.flow import Flow, Sleep
from otabridge.objects import Stored
from otabridge.serve import Server as Served
from otabridge.serve import running
from otabridge.serve.kept import Keeper
from otabridge.signing import Signer, World
from otabridge.wire import Request, Response
from tests.support.huawei import made

GIVEN = {
    "region": "cn-north-4",
    "project_id": "0123456789abcdef0123456789abcdef",
    "app_id": "61f7e74d036aca5be29e1ed4",
    "access_key": "TESTAKEXAMPLE0000001",
    "secret_key": "TestSkExample00000000000000000000000000002",
}
WAYS = ("plain", "derived", "temporary")
_numbers = itertools.count()
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


# --- the facade -------------------------------------------------------------------------------------------------------


class Mirror:
    """The facade over a store, asked as a host asks it, with no host. `cloud` is a client of that store."""

    def __init__(self, *, strict: bool = False, on: str = "memory:", keeper: Keeper | None = None) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self.world = World(now=lambda: self.now)
        _, exchange = prepare(on, {}, file=None, world=self.world)
        self.runner = Runner(exchange)
        self.cloud = Client(on, self.runner)
        self.objects: dict[tuple[str, str], Stored] = {}
        self.site = Site(
            accounts=Table(10),
            master=Account(access_key=GIVEN["access_key"], secret_key=GIVEN["secret_key"]),
            world=self.world,
            kept=(keeper or Keeper(None)).table,
            objects=self,
            strict=strict,
        )
        self.facade = HuaweiFacade(exchange.backend, self.site)
        self.project = self.facade.hints()["project_id"]
        self.app = self.facade.hints()["app_id"]

    def find(self, bucket: str, key: str) -> Stored | None:
        """An object of the host's storage."""
        return self.objects.get((bucket, key))

    def signer(self, how: str = "plain", **keys: Any) -> Signer:
        """A signer of each kind, with the master key or another."""
        master = self.site.master
        given = (keys.get("access_key", master.access_key), keys.get("secret_key", master.secret_key), self.project)
        if how == "derived":
            return DerivedSigner(*given, keys.get("token"), region="cn-north-4")
        return TokenSigner(keys["token"]) if how == "token" else PlainSigner(*given, keys.get("token"))

    def signed(
        self, method: str, path: str, body: Any = None, *, signer: Signer | None = None, base: str = "", **query: str
    ) -> Call:
        """A call as an honest client makes it; `path` is below the project unless it begins with a slash."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(
            operation="any",
            method=method,
            origin="http://127.0.0.1:8080",
            path=path if path.startswith("/") else f"/v5/iot/{base or self.project}/{path}",
            query=tuple(query.items()),
            headers=(("Content-Type", "application/json"),),
            body=content,
        )
        sent = (signer or self.signer()).sign(request, now=self.now, nonce="")
        return self.call(method, sent.target, content, dict(sent.headers))

    def call(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Call:
        """A call as the host reads it from the wire."""
        lowered = {name.lower(): value for name, value in headers.items()}
        return Call(method=method, target=target, headers=lowered, body=body, now=self.now, id="r1", origin="http://x")

    def answer(self, call: Call) -> Answer:
        """What a host makes of one call."""
        facade, asked = self.facade, self.facade.read(call)
        self.verdict = facade.verify(call, asked)
        if self.verdict.refusal:
            return facade.refuse(call, self.verdict.refusal, self.verdict.message, verdict=self.verdict)
        if not asked.operation:
            return facade.refuse(call, "no such call")
        try:
            return self.runner.run(Flow(facade.perform(call, asked), asked.operation))
        except OtaBridgeError as error:
            return facade.explain(call, asked, error)
        finally:
            self.site.changes += asked.write

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer to an honest call."""
        answer = self.answer(self.signed(method, path, body, **more))
        return answer.status, json.loads(answer.body or b"{}")

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and code of a refusal."""
        status, told = self.ask(method, path, body, **more)
        assert told["error_msg"], told
        return status, told["error_code"]


@pytest.fixture
def make_mirror() -> Iterator[Callable[..., Mirror]]:
    """A maker of facades: `make_mirror(strict=True)`."""
    made: list[Mirror] = []

    def make(**changes: Any) -> Mirror:
        made.append(Mirror(**changes))
        return made[-1]

    yield make
    for mirror in made:
        mirror.cloud.close()


@pytest.fixture
def mirror(make_mirror: Callable[..., Mirror]) -> Mirror:
    return make_mirror()


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """The facade on a port."""
    with running("huawei") as server:
        yield server


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The vendor's SDK, which writes an id into the home folder when it is loaded."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("USERPROFILE", str(tmp_path_factory.mktemp("profile")))
        warnings.simplefilter("ignore", DeprecationWarning)
        names = {
            "v5": "huaweicloudsdkiotda.v5",
            "credentials": "huaweicloudsdkcore.auth.credentials",
            "region": "huaweicloudsdkcore.region.region",
            "errors": "huaweicloudsdkcore.exceptions.exceptions",
        }
        yield SimpleNamespace(**{name: importlib.import_module(module) for name, module in names.items()})


@pytest.fixture(params=WAYS)
def iotda(request: pytest.FixtureRequest, sdk: SimpleNamespace, server: Served) -> Any:
    return made(sdk, server, request.param)


@pytest.fixture
def product() -> str:
    """A product that no other test has."""
    return f"5ba24f5ebbe8f56f5a{next(_numbers):06x}"


@pytest.fixture
def app(server: Served) -> str:
    return server.hints["huawei"]["app_id"]


@pytest.fixture
def refused(sdk: SimpleNamespace) -> Callable[[Callable[[], Any]], Any]:
    """The SDK's exception of a call that is refused."""

    def refused(call: Callable[[], Any]) -> Any:
        with pytest.raises(sdk.errors.ServiceResponseException) as caught:
            call()
        assert caught.value.request_id
        assert caught.value.error_msg
        return caught.value.status_code, caught.value.error_code

    return refused
