"""The floor: a bare socket that sends prepared bytes, again and again, and only finds the end of each answer."""

import re
import socket
from typing import Any, ClassVar

from benchmarks import answers
from benchmarks.peers import Peer, Place, handwritten

LENGTH = re.compile(rb"Content-Length: (\d+)").search


class Raw(Peer):
    """One kept connection. Its rows are the one that everybody else reads, made beforehand."""

    members: ClassVar = handwritten.MEMBERS

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        self._socket = socket.create_connection(("127.0.0.1", place.port))
        self._show = self._request("GET", handwritten.SHOW)
        self._few = self._request("POST", handwritten.few_target())
        self._module = handwritten.Module(*answers.expected("module", 0))  # type: ignore[arg-type]
        self._versions = [
            handwritten.Version(*answers.expected("version", number, answers.SMALL))  # type: ignore[arg-type]
            for number in range(answers.FEW)
        ]

    def _request(self, method: str, target: str) -> bytes:
        headers = handwritten.signed_headers(method, target, self.place.host)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode()

    def _sent(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        received = self._socket.recv(65536)
        end = received.index(b"\r\n\r\n") + 4
        found = LENGTH(received)
        assert found
        missing = end + int(found[1]) - len(received)
        while missing > 0:
            more = self._socket.recv(missing)
            received, missing = received + more, missing - len(more)
        return received

    def show_module(self) -> Any:
        self._sent(self._show)
        return self._module

    def few_versions(self) -> list[Any]:
        self._sent(self._few)
        return self._versions

    def close(self) -> None:
        self._socket.close()
