"""Ports, and uvicorn's server on each of them: started and stopped by us, with an eye on slow clients."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from otabridge.errors import ConfigurationError
from otabridge.serve.protocol import PATIENCE, Protocol
from otabridge.serve.serving import LOOPBACK

TICK = 1.0  # seconds between two looks at slow clients
KEEP_ALIVE = 60  # seconds between two requests
GRACE = 5.0  # seconds for calls at work, once the end has come
_ANYWHERE = {"0.0.0.0": LOOPBACK, "::": "[::1]"}


class Listener(uvicorn.Server):
    """One application on one port, from `open` to `aclose`. Signals are not its business."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        super().__init__(_config(app))
        self._socket = sock
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen. What goes wrong is raised here."""
        self._task = asyncio.create_task(self.serve(sockets=[self._socket]))
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([self._task, ready], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            ready.cancel()
            self._task.result()

    def end(self) -> None:
        """Take no more calls; those at work go on. A client that has sent half a request is not waited for."""
        self._over.set()
        self._hurry(0.0)

    async def aclose(self) -> None:
        """End, and wait for the calls at work, but not longer than `GRACE`."""
        self.end()
        if self._task:
            await self._task

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cut = asyncio.get_running_loop().call_later(GRACE, self._cut)
        await super().shutdown(sockets)
        cut.cancel()

    async def main_loop(self) -> None:
        while not self._over.is_set():
            try:
                async with asyncio.timeout(TICK):
                    await self._over.wait()
            except TimeoutError:
                self._hurry(PATIENCE)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def _hurry(self, patience: float) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol):
                connection.hurry(patience)

    def _cut(self) -> None:
        # First the connections: whether the work is done nobody knows, so no client may read that it is not.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()


def bound(host: str, port: int, name: str) -> socket.socket:
    """A socket for the facade of that name. ConfigurationError if the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        told = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"serve: {name} cannot listen on {host} port {port} ({told}): name another port, or 0 for any"
        ) from None
    return sock


def reachable(host: str) -> str:
    """The address that a client on this machine takes."""
    return _ANYWHERE.get(host) or (f"[{host}]" if ":" in host else host)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # it tells of every request that is none; what goes wrong in a call is logged by us
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
