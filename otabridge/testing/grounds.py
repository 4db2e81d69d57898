"""Laying the ground: a server of the plugin's facade, the backend's own store, or a real server."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from otabridge._exchange import Exchange
from otabridge._runners import Runner
from otabridge.backend import Backend
from otabridge.client import Client
from otabridge.testing.clock import Clock, RealClock
from otabridge.testing.ground import CANARY, Ground


@contextmanager
def laid(
    kind: type[Backend], facade: str | None, settings: Mapping[str, Any], *, folder: Path, **manners: Any
) -> Iterator[Ground]:
    """The ground for a backend, until the block ends. `{folder}` in a setting is a folder of its own."""
    clock = Clock()
    given: dict[str, Any] = {
        name: value.format(folder=folder) if isinstance(value, str) else value for name, value in settings.items()
    }
    with ExitStack() as stack:
        server = None
        if facade:
            from otabridge.serve import running

            server = stack.enter_context(running(facade, world=clock.world, secret_key=CANARY, access_key="kit-key"))
            given = {**server.settings(facade), **given}
            given.pop("backend")
            store = server.cloud
        else:
            behind = kind(kind.settings(**given), world=clock.world)
            store = stack.enter_context(Client(kind.name, Runner(Exchange(behind))))
        ground = Ground(kind, given, clock=clock, store=store, server=server, facade=facade, folder=folder, **manners)
        stack.callback(ground.close_clouds)
        yield ground


@contextmanager
def laid_live(kind: type[Backend], settings: Mapping[str, Any], **manners: Any) -> Iterator[Ground]:
    """A real server, in real time. What lies behind the backend is a second client of it."""
    clock = RealClock()
    backend = kind(kind.settings(**settings), world=clock.world)
    with ExitStack() as stack:
        store = stack.enter_context(Client(kind.name, Runner(Exchange(backend))))
        ground = Ground(kind, settings, clock=clock, store=store, **manners)
        stack.callback(ground.close_clouds)
        yield ground
