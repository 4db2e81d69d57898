"""Serving: facades on ports, in a thread of their own for a program or a test, in the foreground for a shell."""

import asyncio
import os
import secrets
import signal
import string
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from otabridge._connect import prepare
from otabridge._exchange import Exchange
from otabridge._runners import Runner
from otabridge.client import Client
from otabridge.errors import ConfigurationError
from otabridge.facade import Account, Facade, Site, Table
from otabridge.registry import Registry
from otabridge.serve.app import Api, application
from otabridge.serve.desk import Desk
from otabridge.serve.faults import Faults, Script
from otabridge.serve.kept import Keeper
from otabridge.serve.listening import Listener, bound, reachable
from otabridge.serve.objects import Storage
from otabridge.serve.objects_http import ObjectHost
from otabridge.serve.page import Page
from otabridge.serve.page_views import Sight
from otabridge.serve.quota import QuotaRule, Throttle, quota_rule
from otabridge.serve.reach import reach
from otabridge.serve.record import Record
from otabridge.serve.seed import SEEDS
from otabridge.serve.serving import LOOPBACK, Serving, facade_ports
from otabridge.serve.shrinking import shrinkable
from otabridge.serve.working import Worker
from otabridge.signing import World

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ALPHABET = string.ascii_uppercase + string.digits


class Server:
    """Facades that are served, or will be once it is entered. `url` is that of the first one."""

    def __init__(self, serving: Serving, *, world: World | None = None) -> None:
        if bool(serving.access_key) != bool(serving.secret_key):
            raise ConfigurationError("serve: the access key and the secret key go together: give both, or neither")
        if serving.seed not in (None, *SEEDS):
            raise ConfigurationError(f"serve: no seed is called {serving.seed!r}; there are: {', '.join(SEEDS)}")
        self.serving = serving
        self.record = Record()
        self.faults = Faults(serving.faults)
        self.urls: dict[str, str] = {}
        self.hints: dict[str, Mapping[str, str]] = {}
        self.access_key = serving.access_key or _fresh_key(20)
        self.secret_key = serving.secret_key or _fresh_key(40)
        self._world = world or World()
        self._cloud: Client | None = None
        self._over = threading.Event()
        self._wake: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"<otabridge server of {', '.join(self.serving.facades)} on {self.serving.store}>"

    @property
    def url(self) -> str:
        return next(iter(self.urls.values()))

    def settings(self, name: str) -> dict[str, Any]:
        """What `connect` takes to reach a facade by the backend of its cloud, the secret key included.

        Unless the server has quotas itself, that backend keeps to none.
        """
        found = reach(name, self.urls[name], self.hints[name], self.access_key, self.secret_key)
        return found | ({"quotas": "off"} if self.serving.quota == "off" else {})

    @property
    def cloud(self) -> Client:
        """A client of the store behind the facades. It ends with the server."""
        assert self._cloud is not None, "the server is not running"
        return self._cloud

    # --- in a thread ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        started = threading.Event()

        def work() -> None:
            try:
                asyncio.run(self.serve(started.set))
            except BaseException as error:
                self._failure = error
            finally:
                started.set()

        self._thread = threading.Thread(target=work, name="otabridge-serve", daemon=True)
        self._thread.start()
        started.wait()
        if self._failure:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if self._thread:
            self._thread.join()
        if self._failure and error is None:
            raise self._failure

    def stop(self) -> None:
        """End serving; calls at work are finished first. It may be called from any thread."""
        self._over.set()
        self._wake()

    # --- in an event loop -------------------------------------------------------------------------------------------

    async def serve(self, started: Callable[[], None]) -> None:
        """Serve until `stop` is called; `started` is called when every port answers."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: serving is over
                loop.call_soon_threadsafe(over.set)

        self._wake = wake
        async with AsyncExitStack() as stack:
            listeners = await self._open(stack)
            started()
            if not self._over.is_set():
                await over.wait()
            for listener in listeners:
                listener.end()
            await asyncio.gather(*(listener.aclose() for listener in listeners))

    async def _open(self, stack: AsyncExitStack) -> list[Listener]:
        serving, registry = self.serving, Registry()
        kinds = {name: _facade(registry, name) for name in serving.facades}
        for fault in self.faults:
            if fault.facade not in (None, *kinds):
                raise ConfigurationError(f"serve: a fault is for {fault.facade}, which is not served: {fault}")
        name, settings = (serving.on, {}) if isinstance(serving.on, str) else (None, dict(serving.on))
        _, exchange = prepare(name, settings, file=serving.config, world=self._world)
        runner = Worker(exchange)
        stack.push_async_callback(runner.aclose)
        self._cloud = Client(serving.store, Runner(exchange))
        stack.callback(self._cloud.close)
        if serving.seed:
            SEEDS[serving.seed](self._cloud)
        site = self._site(stack, exchange)
        page = Page(Sight(server=self, site=site, runner=runner))
        store = (
            shrinkable(exchange.backend) if any(fault.kind == "shrink" for fault in self.faults) else exchange.backend
        )
        opened = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otabridge-opened-")))
        objects = ObjectHost(
            exchange.backend, runner, site.objects, folder=opened, record=self.record, faults=self.faults
        )
        rule, writing = quota_rule(serving.quota), asyncio.Lock()
        listeners = []
        for name, port in serving.facades.items():
            sock = stack.enter_context(bound(serving.host, port, name))
            self.urls[name] = f"http://{reachable(serving.host)}:{sock.getsockname()[1]}"
            facade = kinds[name](store, site)
            self.hints[name] = facade.hints()
            desk = Desk(
                facade,
                runner,
                record=self.record,
                writing=writing,
                faults=self.faults,
                throttle=Throttle(facade, rule, self._world.monotonic),
            )
            api = Api(desk, self.urls[name], objects.desk(facade))
            listeners.append(Listener(application(api, page.routes()), sock))
        for listener in listeners:
            stack.push_async_callback(listener.aclose)
            await listener.open()
        return listeners

    def _site(self, stack: AsyncExitStack, exchange: Exchange) -> Site:
        # Beside a local store what facades keep outlives them; elsewhere it ends with them.
        path = getattr(exchange.backend.config, "path", None)
        if path:
            folder = Path(path).expanduser() / "serve"
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otabridge-serve-")))
        keeper = Keeper(folder)
        stack.callback(keeper.close)
        storage = Storage(folder / "objects", self._world, strict=self.serving.strict)
        stack.callback(storage.close)
        return Site(
            accounts=Table(1000),
            master=Account(access_key=self.access_key, secret_key=self.secret_key),
            world=self._world,
            kept=keeper.table,
            objects=storage,
            strict=self.serving.strict,
        )


@contextmanager
def running(
    *facades: str,
    on: str | Mapping[str, Any] = "memory:",
    host: str = LOOPBACK,
    strict: bool = False,
    quota: QuotaRule = "off",
    faults: Script = (),
    seed: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    config: str | os.PathLike[str] | None = None,
    world: World | None = None,
) -> Iterator[Server]:
    """Serve facades, each `NAME` or `NAME:PORT`, while the block runs; `on` is a cloud's name or its settings.

    `quota` is off, documented or calls per second; `faults` a file or rows of `Fault`; `seed` may be demo.
    """
    serving = Serving(
        facades=facade_ports(facades),
        on=on,
        host=host,
        strict=strict,
        quota=quota,
        faults=faults,
        seed=seed,
        access_key=access_key,
        secret_key=secret_key,
        config=config,
    )
    with Server(serving, world=world) as server:
        yield server


def foreground(server: Server, started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; a second signal ends the process at once."""

    def ended(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        server.stop()

    before = {each: signal.signal(each, ended) for each in SIGNALS}
    try:
        asyncio.run(server.serve(started))
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _facade(registry: Registry, name: str) -> type[Facade]:
    try:
        return registry.facade(name)
    except ConfigurationError:
        known = ", ".join(Registry().facades()) or "none"
    raise ConfigurationError(f"serve: no facade is called {name!r}; installed: {known}")


def _fresh_key(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
