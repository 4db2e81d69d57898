"""What these tests share: both clouds, a service that answers from a script, and clients of both colours."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from otabridge_action.backend import ActionBackend, AliyunBackend, TuyaBackend
from otabridge_action.signing import RpcSigner

from otabridge._connect import prepare
from otabridge._exchange import Exchange
from otabridge._runners import AsyncRunner, Runner
from otabridge.aio import AsyncClient
from otabridge.client import Client
from otabridge.errors import OtaBridgeError
from otabridge.facade import Account, Answer, Call, Site, Table
from otabridge.flow import Flow, Sleep
from otabridge.models import ModuleVersion
from otabridge.objects import UPLOADS, Stored
from otabridge.registry import Registry
from otabridge.serve.kept import Keeper
from otabridge.signing import World
from otabridge.wire import Pairs, Request, Response
from tests.support.action import BYTES, OURS

KEYS = {"access_key_id": "AK", "access_key_secret": "SkExample000000000000000000002"}
CLOUDS: dict[str, tuple[type[ActionBackend], dict[str, Any]]] = {
    "tuya": (TuyaBackend, {"endpoint": "si-0123456789abcdef0123.tuyacloud.com:8686"}),
    "aliyun": (AliyunBackend, {"region": "cn-shanghai"}),
}
COMMON: Pairs = (("Version", "2018-01-20"), ("SignatureVersion", "1.0"), ("Format", "JSON"))
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


# --- facades --------------------------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOST = "127.0.0.1:8080"


class Mirror:
    """A facade over a store in memory, asked as a host asks it, with no host. `cloud` is a client of that store."""

    def __init__(self, name: str, *, strict: bool = False, on: str = "memory:", **changes: Any) -> None:
        self.now = NOON
        self.world = World(now=lambda: self.now)
        _, exchange = prepare(on, changes, file=None, world=self.world)
        self.runner = Runner(exchange)
        self.cloud = Client(on, self.runner)
        self.objects: dict[str, Stored] = {}
        self.site = Site(
            accounts=Table(10),
            master=Account(access_key="AK", secret_key="SkExample000000000000000000002"),
            world=self.world,
            kept=Keeper(None).table,
            objects=self,
            strict=strict,
        )
        self.facade = Registry().facade(name)(exchange.backend, self.site)

    def find(self, bucket: str, key: str) -> Stored | None:
        """An object of the host's storage."""
        return self.objects.get(key)

    def upload(self, folder: Path, url: str = OURS, data: bytes = BYTES) -> str:
        """An object in the host's storage, as an upload leaves it there."""
        key = urlsplit(url).path[1:]
        path = folder / str(len(self.objects))
        path.write_bytes(data)
        digests = {"md5": md5(data).hexdigest(), "sha256": sha256(data).hexdigest()}
        self.objects[key] = Stored(
            bucket=UPLOADS, key=key, size=len(data), etag=digests["md5"], modified=self.now, path=path, **digests
        )
        return url

    def report(self, *rows: ModuleVersion) -> None:
        """Versions that devices report to the store."""
        self.cloud.devices.report_versions(rows)

    def call(self, method: str, target: str, *, body: bytes = b"", **headers: str) -> Answer:
        """What a host makes of one request."""
        facade, named = self.facade, {name.replace("_", "-"): value for name, value in headers.items()}
        call = Call(
            method=method,
            target=target,
            headers={"host": HOST} | named,
            body=body,
            now=self.now,
            id=self.world.nonce(),
            origin=f"http://{HOST}",
        )
        self.last = call
        asked = facade.read(call)
        verdict = self.verdict = facade.verify(call, asked)
        if verdict.refusal:
            return facade.refuse(call, verdict.refusal, verdict.message, verdict=verdict)
        if not asked.operation:
            return facade.refuse(call, "no such call")
        try:
            return self.runner.run(Flow(facade.perform(call, asked), asked.operation))
        except OtaBridgeError as error:
            return facade.explain(call, asked, error)
        finally:
            self.site.changes += asked.write

    def send(self, action: str, pairs: Pairs, *, method: str = "GET", common: Pairs = COMMON, **sent: Any) -> Answer:
        """What becomes of a signed request."""
        signer = RpcSigner(self.site.master.access_key, self.site.master.secret_key, common=common)
        request = Request(operation=action, method=method, query=pairs)
        signed = signer.sign(request, now=self.now, nonce=self.world.nonce())
        return self.call(method, signed.target, **sent)

    def ask(self, action: str, **parameters: object) -> dict[str, Any]:
        """The members of an answer in JSON, in Aliyun's spelling."""
        answer = self.send(action, tuple((name, str(value)) for name, value in parameters.items()))
        assert answer.status in (200, 400, 404), answer
        return raised(json.loads(answer.body))

    def refused(self, action: str, **parameters: object) -> str:
        """The code of a refusal."""
        told = self.ask(action, **parameters)
        assert not told.get("Success"), told
        return str(told["Code"])


def raised(value: Any) -> Any:
    """An answer of either cloud, with Aliyun's first letters."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: raised(item) for name, item in value.items()}
    return [raised(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def make_mirror() -> Iterator[Callable[..., Mirror]]:
    """A maker of facades: `make_mirror("tuya", strict=True)`."""
    made: list[Mirror] = []

    def make(name: str, **changes: Any) -> Mirror:
        made.append(Mirror(name, **changes))
        return made[-1]

    yield make
    for mirror in made:
        mirror.cloud.close()


@pytest.fixture(scope="module")
def lasting_mirrors() -> Iterator[dict[str, Mirror]]:
    """Both clouds' facades, for all tests of a file."""
    mirrors = {name: Mirror(name) for name in CLOUDS}
    yield mirrors
    for mirror in mirrors.values():
        mirror.cloud.close()


@pytest.fixture
def mirror(make_mirror: Callable[..., Mirror], cloud_name: str) -> Mirror:
    """Either cloud's facade."""
    return make_mirror(cloud_name)


@pytest.fixture
def mcu(mirror: Mirror, tmp_path: Path) -> Mirror:
    """A facade over a store with a module, and with a file uploaded."""
    mirror.cloud.modules.create("mcu", product="p1")
    mirror.upload(tmp_path)
    return mirror
