"""A way to a server on which a test may stand: it sees what passes, and may cut it off."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import httpx
import pytest
from hawkbit_server import Hawkbit

CHUNK = 1 << 16
METHODS = (b"GET ", b"POST ", b"PUT ", b"DELETE ")


class Passing:
    """One request on its way: its first line, its header, and how many bytes have come up from the client."""

    def __init__(self, start: bytes) -> None:
        self.head = start.split(b"\r\n\r\n")[0]
        self.line = start.split(b"\r\n")[0].decode()
        self.up = 0
        self.down = 0


class Passage:
    """Sends all to the server and back, unless `cut` says of a request, before its next bytes pass, that it ends."""

    def __init__(self, site: Hawkbit, cut: Callable[[Passing], bool]) -> None:
        if not site.url.startswith("http://"):
            pytest.skip("the server speaks TLS, and nobody can stand in between")
        self._site, self._cut = httpx.URL(site.url), cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen: list[Passing] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection((self._site.host, self._site.port or 80)) as server:
            now = [Passing(b"")]
            back = threading.Thread(target=self._pump, args=(server, client, now, "down"), daemon=True)
            back.start()
            self._pump(client, server, now, "up")
            back.join()

    def _pump(self, source: socket.socket, target: socket.socket, now: list[Passing], way: str) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                if way == "up" and data.startswith(METHODS):
                    now[0] = Passing(data)
                    self.seen.append(now[0])
                setattr(now[0], way, getattr(now[0], way) + len(data))
                if self._cut(now[0]):
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
