"""The sync connection: which answers are whole, which are unclear, and where it connects to."""

import socket
import ssl
import time

import pytest

from otabridge._connection import Connection, Unconnected
from tests.support.server import Last, RawServer

WHOLE = {
    "nothing, and the connection ends": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "nothing, by status": b"HTTP/1.1 204 No Content\r\n\r\n",
    "early hints first": b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a length said twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
}
UNCLEAR = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
    "a length beyond all sense": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "a piece of less than nothing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    "a head cut off in its length": b"HTTP/1.1 200 OK\r\nContent-Length:",
}


def exchanged(answer: bytes, method: str = "GET") -> tuple[int, bytes]:
    """Status and body that the sync connection makes of raw bytes."""
    with RawServer(Last(answer)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        link = Connection(
            ("http", host, int(port)),
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            {"connect": 5.0, "read": 5.0},
            keep=30.0,
            clock=time.monotonic,
        )
        try:
            status, _, body = link.exchange(method, "/", [(b"Host", b"a.test")], b"")
        finally:
            link.close()
        return status, body


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_an_answer_is_whole_however_it_says_where_it_ends(answer: bytes) -> None:
    status, body = exchanged(answer)
    assert (status // 100, body) in ((2, b""), (2, b"{}"))


@pytest.mark.parametrize("status", [b"404 Not Found", b"200 OK"])
def test_the_answer_to_head_needs_no_length(status: bytes) -> None:
    assert exchanged(b"HTTP/1.1 " + status + b"\r\n\r\n", "HEAD") == (int(status[:3]), b"")


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
def test_an_answer_that_is_unclear_is_a_broken_connection(answer: bytes) -> None:
    with pytest.raises(ConnectionError):
        exchanged(answer)


def test_a_head_with_a_line_that_is_none_is_a_broken_connection() -> None:
    with pytest.raises(ConnectionError, match="whose head cannot be read"):
        exchanged(b"HTTP/1.1 200 OK\r\nServer : x\r\nContent-Length: 9\r\n\r\nok")


def test_an_ipv6_endpoint_has_its_default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refused(where: object, *more: object) -> None:
        asked.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refused)
    link = Connection(
        ("https", "2001:db8::abcd", None),
        ssl.create_default_context(),
        {"connect": 5.0, "read": 5.0},
        keep=30.0,
        clock=time.monotonic,
    )
    with pytest.raises(Unconnected):
        link.exchange("GET", "/", [], b"")
    assert asked == [("2001:db8::abcd", 443)]
