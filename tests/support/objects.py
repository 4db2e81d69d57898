"""A client of the object storages that is small enough to send anything: signed requests over http.client."""

import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import NamedTuple
from urllib.parse import urlsplit

from otabridge_huawei.obs_signing import V4Signer

from otabridge.serve import Server
from otabridge.wire import Pairs, Request


class Got(NamedTuple):
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


class Corner:
    """The object storage of a facade that speaks S3's dialect."""

    def __init__(self, server: Server, *, secret_key: str = "") -> None:
        self.place = urlsplit(server.url).netloc
        self.signer = V4Signer(server.access_key, secret_key or server.secret_key, region="any")

    def signed(self, method: str, path: str, query: Pairs = (), headers: Pairs = ()) -> Request:
        request = Request(
            operation="any", method=method, origin=f"http://{self.place}", path=path, query=query, headers=headers
        )
        return self.signer.sign(request, now=datetime.now(UTC), nonce="unused")

    def ask(self, method: str, path: str, body: bytes | Iterable[bytes] = b"", **more: Pairs) -> Got:
        """Send a signed request; `query` and `headers` are pairs."""
        request = self.signed(method, path, **more)
        return self.send(method, request.target, dict(request.headers), body)

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes | Iterable[bytes] = b"") -> Got:
        """Send a request as it is."""
        connection = HTTPConnection(self.place, timeout=20)
        try:
            connection.request(method, target, body=body or None, headers=headers)
            return got(connection.getresponse())
        finally:
            connection.close()

    def raw(self, method: str, path: str, headers: Pairs = ()) -> socket.socket:
        """A connection on which the head of a signed request has been sent."""
        request = self.signed(method, path, headers=headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
        host, _, port = self.place.rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        connection.sendall(f"{method} {request.target} HTTP/1.1\r\n{lines}\r\n".encode())
        return connection


def got(response: HTTPResponse) -> Got:
    return Got(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
