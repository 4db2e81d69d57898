"""Bytes to a server and back, for what no client library would send."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from otabridge.serve import Server

PATIENCE = 20.0  # seconds until a server that does not answer fails a test
ASK = b"GET /Echo HTTP/1.1\r\nhost: h\r\n\r\n"
LAST = b"GET /Echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A connection to the server's first facade."""
    place = urlsplit(server.url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 0), timeout=PATIENCE) as sock:
        yield sock


def rest(sock: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection."""
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def exchange(server: Server, *parts: bytes, finished: bool = True) -> bytes:
    """What comes back for bytes on one connection; `finished` says that no more will come."""
    with connected(server) as sock:
        try:
            for part in parts:
                sock.sendall(part)
            if finished:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server ended it before it had read everything
        return rest(sock)


def answer(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer with a Content-Length: its status, headers and body."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = sock.recv(1)
        assert chunk, received
        received += chunk
    status, *lines = received.decode("latin-1").strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = b""
    while len(body) < int(headers.get("content-length", "0")):
        chunk = sock.recv(int(headers["content-length"]) - len(body))
        assert chunk, body
        body += chunk
    return int(status.split()[1]), headers, body


def statuses(received: bytes) -> list[int]:
    """The statuses of all the answers in a stream."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]
