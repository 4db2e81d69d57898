"""The drivers on real sockets: the exact bytes, and what HTTP libraries must not do by themselves."""

import gzip
import socket
from typing import Any

import pytest

from otabridge.errors import (
    ConfigurationError,
    ConnectError,
    ProtocolError,
    RequestTimeoutError,
    TransportError,
    ValidationError,
)
from otabridge.retry import RetryPolicy
from tests.support.server import CERTIFICATE, DROP, HANG, Behaviour, Last, RawServer, free_port, head_of, reply
from tests.support.wire import Wire

# --- the exact bytes ------------------------------------------------------------------------------------------------

TARGETS = [
    "/",
    "/a%20b",
    "/%2A~%7E-_.",
    "/?q=%2A~%20%2B",
    "/?a=&b=%E4%B8%AD",
    "/?a=1&a=2&Signature=x%3D%3D",
    "/a%2Fb//c/",
    "/%e4%b8%ad",
    "/a:b@c!$&'()*,;=",
    "/?q=a/b?c:d@e",
    "/?x=%27%22",
]


@pytest.mark.parametrize("target", TARGETS)
def test_the_target_goes_out_as_it_was_signed(wire: Wire, target: str) -> None:
    with RawServer() as server:
        wire.ask(wire.client(server), target)
        line, _ = head_of(server.requests[0])
        wire.bench.close()
    assert line == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize("target", ["/a/../b", "/a/./b", "/a/..", "/..", "/a b", "/é", "/" + "x" * 70_000, "*"])
def test_a_target_that_would_be_written_otherwise_is_refused(wire: Wire, target: str) -> None:
    with RawServer() as server:
        client = wire.client(server)
        with pytest.raises(ValidationError, match="cannot be sent"):
            wire.ask(client, target)
        wire.bench.close()
    assert server.requests == []


def test_no_header_is_added_but_what_http_demands(wire: Wire) -> None:
    with RawServer() as server:
        client = wire.client(server)
        wire.ask(client, headers=(("X-Date", "now"), ("authorization", "mine")))
        _, headers = head_of(server.requests[0])
        wire.bench.close()
    allowed = {"Host": f"127.0.0.1:{server.port}", "X-Date": "now", "authorization": "mine"}
    assert headers == allowed


@pytest.mark.parametrize("body", [b"{}", b"\x00\xff" * 1000, b""])
def test_a_body_goes_out_as_it_is_with_its_length_and_no_content_type(wire: Wire, body: bytes) -> None:
    with RawServer() as server:
        wire.ask(wire.client(server), method="POST", body=body)
        _, headers = head_of(server.requests[0])
        sent = server.requests[0].partition(b"\r\n\r\n")[2]
        wire.bench.close()
    assert sent == body
    assert headers == {"Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(body))}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_every_method_is_sent(wire: Wire, method: str) -> None:
    with RawServer() as server:
        wire.ask(wire.client(server), method=method)
        line, _ = head_of(server.requests[0])
        wire.bench.close()
    assert line == f"{method} /r HTTP/1.1"


def test_headers_beyond_ascii_go_out_as_utf_8(wire: Wire) -> None:
    with RawServer() as server:
        wire.ask(wire.client(server), headers=(("X-Name", "Gerät 中"),))
        _, headers = head_of(server.requests[0])
        wire.bench.close()
    assert headers["X-Name"] == "Gerät 中"


def test_a_host_header_of_the_signer_is_the_only_one(wire: Wire) -> None:
    with RawServer() as server:
        wire.ask(wire.client(server), headers=(("Host", "signed.example"),))
        _, headers = head_of(server.requests[0])
        wire.bench.close()
    assert headers == {"Host": "signed.example"}


@pytest.mark.parametrize("value", ["line\nbreak s3cret", "line\r\nX-Evil: s3cret", "nul\0 s3cret"])
def test_a_header_with_a_line_end_is_refused_without_its_value(wire: Wire, value: str) -> None:
    with RawServer() as server:
        client = wire.client(server)
        with pytest.raises(ConfigurationError, match="no header may have") as caught:
            wire.ask(client, headers=(("X-Key", value),))
        wire.bench.close()
    assert "s3cret" not in str(caught.value)
    assert server.requests == []


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_answer_comes_back_with_status_headers_and_body(wire: Wire) -> None:
    with RawServer(reply(b"\x00\xff", "203 Fine", "X-Request-Id: r1", "X-Name: Gerät")) as server:
        answer = wire.ask(wire.client(server))
        wire.bench.close()
    assert (answer.status, answer.body, answer.header("x-request-id")) == (203, b"\x00\xff", "r1")
    assert (answer.header("X-Name") or "").encode("latin-1").decode() == "Gerät"


def test_a_compressed_answer_is_unpacked(wire: Wire) -> None:
    with RawServer(reply(gzip.compress(b'{"a":1}'), "200 OK", "Content-Encoding: gzip")) as server:
        assert wire.ask(wire.client(server)).body == b'{"a":1}'
        wire.bench.close()


def test_an_answer_in_chunks_is_put_together(wire: Wire) -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with RawServer(chunks) as server:
        assert wire.ask(wire.client(server)).body == b"abcde"
        wire.bench.close()


def test_an_answer_that_cannot_be_unpacked_is_a_protocol_error(wire: Wire) -> None:
    error = wire.fails(reply(b"not gzip", "200 OK", "Content-Encoding: gzip"))
    assert type(error) is ProtocolError
    assert "decompressed" in str(error)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_is_not_followed(wire: Wire, status: str) -> None:
    with RawServer(reply(b"", status, "Location: /elsewhere")) as server:
        with pytest.raises(ProtocolError, match="redirect"):
            wire.ask(wire.client(server))
        wire.bench.close()
    assert len(server.requests) == 1


def test_cookies_are_not_kept(wire: Wire) -> None:
    with RawServer(reply(b"{}", "200 OK", "Set-Cookie: a=b; Path=/")) as server:
        client = wire.client(server)
        wire.ask(client)
        wire.ask(client)
        wire.bench.close()
    assert b"ookie" not in server.requests[1]


# --- faults ---------------------------------------------------------------------------------------------------------


def test_a_refused_connection_is_a_connect_error(wire: Wire) -> None:
    client = wire.client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ConnectError, match="no connection to http://127"):
        wire.ask(client)


def test_a_host_that_is_not_known_is_a_connect_error(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConnectError):
        wire.ask(wire.client("https://no-such-host.test"))


def test_an_answer_that_does_not_come_is_a_timeout(wire: Wire) -> None:
    assert type(wire.fails(HANG, timeout=0.05)) is RequestTimeoutError


BROKEN = {
    "no answer": DROP,
    "half a head": Last(b"HTTP/1.1 200 O"),
    "half a body": Last(reply(b"half", length=100)),
    "half a chunk": Last(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "no HTTP": Last(b"something else altogether\r\n\r\n"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_connection_that_breaks_is_a_transport_error(wire: Wire, broken: Behaviour) -> None:
    assert type(wire.fails(broken)) is TransportError


def test_a_kept_connection_is_used_again(wire: Wire) -> None:
    with RawServer() as server:
        client = wire.client(server)
        for _ in range(3):
            wire.ask(client)
        wire.bench.close()
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_get_is_not_sent_again_when_a_kept_connection_breaks(wire: Wire) -> None:
    with RawServer(reply(), DROP, reply()) as server:
        client = wire.client(server)
        wire.ask(client)
        with pytest.raises(TransportError):
            wire.ask(client)
        assert len(server.requests) == 2
        wire.ask(client)
        wire.bench.close()


def test_a_read_survives_a_kept_connection_that_was_closed_meanwhile(wire: Wire) -> None:
    with RawServer(reply(b"{}", "200 OK", "Connection: close"), reply(b"second")) as server:
        client = wire.client(server, policy=RetryPolicy())
        wire.ask(client)
        server.ended.acquire(timeout=5)
        assert wire.ask(client).body == b"second"
        wire.bench.close()


def test_a_connection_is_usable_after_a_timeout(wire: Wire) -> None:
    with RawServer(HANG, reply(b"late"), reply(b"late")) as server:
        client = wire.client(server, timeout=0.05)
        with pytest.raises(RequestTimeoutError):
            wire.ask(client)
        assert wire.ask(client).body == b"late"
        wire.bench.close()


# --- proxies and trust ----------------------------------------------------------------------------------------------


def test_proxies_of_the_environment_are_ignored(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(reply(b"direct")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert wire.ask(wire.client(server)).body == b"direct"
        wire.bench.close()


def test_a_proxy_of_the_settings_is_used(wire: Wire) -> None:
    with RawServer(reply(b"by proxy")) as proxy:
        port = free_port()
        client = wire.client(f"http://localhost:{port}", proxy=f"http://user:pw@127.0.0.1:{proxy.port}")
        assert wire.ask(client, "/x?y=%2A").body == b"by proxy"
        line, headers = head_of(proxy.requests[0])
        wire.bench.close()
    assert line == f"GET http://localhost:{port}/x?y=%2A HTTP/1.1"
    assert headers["Proxy-Authorization"] == "Basic dXNlcjpwdw=="


def test_a_proxy_that_refuses_the_tunnel_is_a_connect_error(wire: Wire) -> None:
    with RawServer(reply(b"", "407 Proxy Authentication Required", "Connection: close")) as proxy:
        client = wire.client("https://cloud.test", proxy=f"http://user:pw-s3cret@127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectError) as caught:
            wire.ask(client)
        wire.bench.close()
    assert proxy.requests[0].startswith(b"CONNECT cloud.test:443 ")
    assert "s3cret" not in str(caught.value)


def test_a_ca_file_that_is_none_is_a_configuration_error(wire: Wire, tmp_path: Any) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (empty, tmp_path / "missing.pem"):
        client = wire.client("https://127.0.0.1:1", ca_file=str(path))
        with pytest.raises(ConfigurationError, match="ca_file"):
            wire.ask(client)


def test_a_server_is_trusted_by_the_ca_file_of_the_settings(wire: Wire) -> None:
    with RawServer(reply(b"over TLS"), tls=True) as server:
        assert wire.ask(wire.client(server, ca_file=str(CERTIFICATE)), "/x?y=%2A~").body == b"over TLS"
        wire.bench.close()
    assert head_of(server.requests[0])[0] == "GET /x?y=%2A~ HTTP/1.1"


def test_a_server_that_nobody_vouches_for_is_a_connect_error(wire: Wire) -> None:
    with RawServer(tls=True) as server:
        with pytest.raises(ConnectError, match=r"(?i)certificate"):
            wire.ask(wire.client(server))
        wire.bench.close()
    assert server.requests == []


def test_a_server_without_a_certificate_is_a_connect_error(wire: Wire) -> None:
    with RawServer(b"plain text") as server:
        client = wire.client(f"https://127.0.0.1:{server.port}", timeout=0.2)
        with pytest.raises(ConnectError):
            wire.ask(client)
        wire.bench.close()
