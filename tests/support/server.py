"""A server on loopback that keeps every byte it is sent, and answers, hangs or breaks as it is told."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

Behaviour = bytes | str | Callable[[bytes], bytes]
CERTIFICATE = Path(__file__).parent / "loopback.pem"  # made for these tests, with its key, for 127.0.0.1 alone
DROP = "drop"  # close the connection without an answer
HANG = "hang"  # never answer


class Last(bytes):
    """Bytes after which the server closes the connection, whatever they promised."""


def reply(body: bytes = b"{}", status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """A whole HTTP/1.1 answer that keeps the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class RawServer:
    """Each request takes the next behaviour, the last one again and again. `requests` are as they came."""

    def __init__(self, *behaviours: Behaviour, tls: bool = False) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._tls:
            self._tls.load_cert_chain(CERTIFICATE)
        self._behaviours = list(behaviours) or [reply()]
        self.requests: list[bytes] = []
        self.connections = 0
        self.ended = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            self._spawn(lambda connection=connection: self._serve(connection))

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            with connection:
                self._talk(connection)
        except OSError:
            connection.close()
        with self._lock:
            self._open.discard(connection)
        self.ended.release()

    def _talk(self, connection: socket.socket) -> None:
        while request := _whole(connection):
            with self._lock:
                self.requests.append(request)
                behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            self.asked.release()
            if behaviour == HANG:
                self._over.wait(10)
            if isinstance(behaviour, str):
                return
            answer = behaviour if isinstance(behaviour, bytes) else behaviour(request)
            connection.sendall(answer)
            if isinstance(answer, Last) or b"Connection: close" in answer:
                return


def _whole(connection: socket.socket) -> bytes:
    """One request with its body, or nothing at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def head_of(request: bytes) -> tuple[str, dict[str, str]]:
    """The request line, and the headers by their names as written."""
    line, *headers = request.partition(b"\r\n\r\n")[0].decode("utf-8").split("\r\n")
    pairs = [header.partition(": ") for header in headers]
    assert len({name.lower() for name, _, _ in pairs}) == len(pairs), "a header was sent twice"
    return line, {name: value for name, _, value in pairs}
