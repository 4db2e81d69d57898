"""The connection: what is no request, what is too large, too slow or broken off, and what is allowed and unusual."""

import json
import re
import socket
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from otabridge import connect
from otabridge.serve import Server, listening, protocol
from otabridge.serve.desk import Desk
from tests.serve.raw import ASK, LAST, answer, connected, exchange, rest, statuses
from tests.serve.toy import CREATE, LARGEST, ask, hold, toy

HEAD = b"GET /Echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with toy() as server:
        yield server


@pytest.fixture(autouse=True)
def alive(server: Server) -> Iterator[None]:
    """After every test the server answers as before."""
    yield
    assert ask(server, "Echo").status_code == 200


def echoed(received: bytes) -> Any:
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), received
    return json.loads(body)


# --- what is no request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /Echo HTTP/9.9\r\n\r\n",
        b"GET /Echo HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /Echo HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET /Ec\x00ho HTTP/1.1\r\nhost: h\r\n\r\n",
        b"GET /Echo HTTP/1.1\r\nhost: h\r\nx: a\x00b\r\n\r\n",
        b"GET / two words HTTP/1.1\r\nhost: h\r\n\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: h\r\n\r\n",
        b"FROBNICATE /Echo HTTP/1.1\r\nhost: h\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nhost: h\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: ten\r\n\r\n",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999999999999999999999\r\n\r\n",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_with_400_and_the_connection_ends(server: Server, sent: bytes) -> None:
    assert statuses(exchange(server, sent, finished=False)) == [400]


@pytest.mark.parametrize("length", range(1, len(ASK)))
def test_half_a_request_is_waited_for_until_its_client_goes(server: Server, length: int) -> None:
    assert exchange(server, ASK[:length]) == b""


@pytest.mark.parametrize(
    "sent", [b"*", b"h:443", b"//", b"http://", b"?", b"#", b"/%", b"/%zz%00%ff", b"/" + b"a/" * 9000]
)
def test_an_absurd_target_gets_an_answer_and_no_500(server: Server, sent: bytes) -> None:
    (status,) = statuses(exchange(server, b"GET " + sent + b" HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"))
    assert status in (200, 400, 404)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND", "PATCH", "DELETE", "M-SEARCH"])
def test_every_method_reaches_the_facade(server: Server, method: str) -> None:
    sent = LAST.replace(b"GET", method.encode())
    assert echoed(exchange(server, sent))["method"] == method


def test_garbage_after_a_request_ends_the_connection(server: Server) -> None:
    assert statuses(exchange(server, ASK + b"\x00garbage\r\n\r\n", finished=False))[-1] == 400


# --- what is unusual and allowed --------------------------------------------------------------------------------------


def test_an_absolute_target_is_read_as_its_path_and_query(server: Server) -> None:
    said = echoed(exchange(server, HEAD.replace(b"/Echo", b"http://other.test:9/Echo?") + b"\r\n"))
    assert said["target"] == "/Echo"


def test_http_1_0_is_answered_and_the_connection_ends(server: Server) -> None:
    assert echoed(exchange(server, b"GET /Echo HTTP/1.0\r\n\r\n", finished=False))["method"] == "GET"


def test_a_body_in_chunks_is_one_body(server: Server) -> None:
    chunks = b"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\ntrailer: t\r\n\r\n"
    sent = HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n" + chunks
    assert echoed(exchange(server, sent))["length"] == 8


def test_a_body_that_comes_byte_by_byte_is_one_body(server: Server) -> None:
    sent = HEAD.replace(b"GET", b"POST") + b"content-length: 9\r\n\r\n123456789"
    assert echoed(exchange(server, *(bytes([byte]) for byte in sent)))["length"] == 9


def test_a_header_that_is_no_utf_8_can_be_told_from_every_other(server: Server) -> None:
    said = echoed(exchange(server, HEAD + b"x: \xff\xc3\xa9\r\n\r\n"))
    assert said["x"].encode("utf-8", "surrogateescape") == b"\xff\xc3\xa9"


def test_a_header_that_is_there_twice_is_joined(server: Server) -> None:
    assert echoed(exchange(server, HEAD + b"x: a\r\nX: b\r\n\r\n"))["x"] == "a, b"


def test_expect_100_continue_is_answered_before_the_body(server: Server) -> None:
    with connected(server) as sock:
        head = HEAD.replace(b"GET", b"POST") + b"content-length: 3\r\nexpect: 100-continue\r\n\r\n"
        sock.sendall(head)
        assert answer(sock)[0] == 100
        sock.sendall(b"abc")
        assert echoed(rest(sock))["length"] == 3


def test_a_client_that_sends_no_more_still_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, go_on = hold(monkeypatch)
    with toy() as server, connected(server) as sock:
        sock.sendall(CREATE)
        assert at_work.wait(20)
        sock.shutdown(socket.SHUT_WR)
        ask(server, "Nothing")  # by now the server knows
        go_on.set()
        assert answer(sock)[0] == 200
        assert rest(sock) == b""


def test_an_upgrade_that_is_not_known_is_passed_over(server: Server) -> None:
    assert (
        echoed(exchange(server, HEAD.replace(b"close", b"upgrade, close") + b"upgrade: h2c\r\n\r\n"))["method"] == "GET"
    )


def test_requests_in_a_row_are_answered_in_order_on_one_connection(server: Server) -> None:
    with connected(server) as sock:
        for number in range(5):
            sock.sendall(ASK.replace(b"/Echo", b"/Echo#%d" % number) + b"")
            status, headers, _ = answer(sock)
            assert (status, headers.get("connection")) == (200, None)


def test_requests_that_are_sent_ahead_are_answered_in_order(server: Server) -> None:
    ahead = b"".join(ASK.replace(b"host: h", b"host: h%d" % number) for number in range(500))
    assert len(ahead) < protocol.LARGEST_HEAD < 4 * len(ahead)
    with connected(server) as sock:
        sock.sendall(ahead * 4)
        hosts = [json.loads(answer(sock)[2])["host"] for _ in range(2000)]
    assert hosts == [f"h{number}" for number in range(500)] * 4


def test_head_has_the_headers_of_get_and_no_body(server: Server) -> None:
    got, head = exchange(server, LAST), exchange(server, LAST.replace(b"GET", b"HEAD"))
    assert head.endswith(b"\r\n\r\n")
    # The body that a HEAD would have says HEAD where the other says GET.
    length = len(got.partition(b"\r\n\r\n")[2]) + 1
    assert b"\r\ncontent-length: %d\r\n" % length in head


def test_every_answer_has_a_date(server: Server) -> None:
    assert parsedate_to_datetime(ask(server, "Echo").headers["date"]).utcoffset() is not None


# --- what is too large ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"x: " + b"a" * (100 << 10) + b"\r\n\r\n",
        HEAD + b"".join(b"x%d: y\r\n" % number for number in range(20_000)) + b"\r\n",
        b"GET /" + b"a" * (100 << 10) + b" HTTP/1.1\r\nhost: h\r\n\r\n",
        ASK + HEAD + b"x: " + b"a" * (100 << 10),
        b"\r\n" * (100 << 10),
    ],
)
def test_a_head_that_is_too_large_is_answered_with_431(server: Server, head: bytes) -> None:
    assert statuses(exchange(server, head, finished=False))[-1] == 431


def test_a_head_of_nearly_the_largest_size_is_read(server: Server) -> None:
    sent = HEAD + b"x: " + b"a" * (protocol.LARGEST_HEAD - 200) + b"\r\n\r\n"
    assert len(echoed(exchange(server, sent))["x"]) == protocol.LARGEST_HEAD - 200


@pytest.mark.parametrize(
    "sent",
    [
        b"content-length: %d\r\n\r\n" % (1 << 40) + b"a" * 1000,
        b"content-length: %d\r\n\r\n" % (LARGEST + 1) + b"a" * (LARGEST + 1),
        b"transfer-encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 3,
        b"transfer-encoding: chunked\r\n\r\n" + b"f" * 15 + b"\r\n" + b"a" * 2 * LARGEST,
    ],
)
def test_a_body_that_is_too_large_is_refused_by_the_facade_and_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 0.05)
    received = exchange(server, HEAD.replace(b"GET", b"POST").replace(b"close", b"keep-alive") + sent, finished=False)
    assert statuses(received) == [413]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"] == "too large"


def test_a_client_that_waits_with_its_body_is_told_at_once_that_it_is_too_large(server: Server) -> None:
    sent = HEAD.replace(b"GET", b"POST") + b"content-length: 999999999\r\nexpect: 100-continue\r\n\r\n"
    assert statuses(exchange(server, sent, finished=False)) == [413]


def test_a_body_of_the_largest_size_is_read(server: Server) -> None:
    sent = HEAD.replace(b"GET", b"POST") + b"content-length: %d\r\n\r\n" % LARGEST + b"a" * LARGEST
    assert echoed(exchange(server, sent))["length"] == LARGEST


TRAILING = HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n"


def test_a_trailer_is_no_header(server: Server) -> None:
    said = echoed(exchange(server, TRAILING + b"1\r\na\r\n0\r\nx-key: stranger\r\nx: y\r\n\r\n"))
    assert (said["length"], "x-key" in said, "x" in said) == (1, False, False)


@pytest.mark.parametrize(
    "endless",
    [
        b"0\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(20_000)),
        b"0\r\nx: " + b"a" * (100 << 10),
        b"1;" + b"a" * (100 << 10),
        b"1\r\na\r\n" * 9 + b"0" * (100 << 10),
    ],
)
def test_trailers_and_lines_of_chunks_that_are_too_large_are_answered_with_431(server: Server, endless: bytes) -> None:
    assert statuses(exchange(server, TRAILING + endless, finished=False)) == [431]


def test_many_small_chunks_are_one_body(server: Server) -> None:
    sent = TRAILING + b"1;a=b\r\nx\r\n" * 50_000 + b"0\r\n\r\n"
    assert len(sent) > 2 * protocol.LARGEST_HEAD
    assert echoed(exchange(server, sent))["length"] == 50_000


# --- what is too slow, or broken off ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /Ec",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nabc",
        b"POST /Echo HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
    ],
)
def test_a_client_that_stops_in_the_middle_is_told_408(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(listening, "TICK", 0.01)
    monkeypatch.setattr(listening, "PATIENCE", 0.05)
    with toy() as server:
        assert statuses(exchange(server, sent, finished=False)) == [408]


def test_a_client_that_stops_after_an_answer_in_the_middle_of_the_next_request_is_told_408(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "TICK", 0.01)
    monkeypatch.setattr(listening, "PATIENCE", 0.05)
    with toy() as server:
        assert statuses(exchange(server, ASK + ASK[:9], finished=False)) == [200, 408]


def test_a_client_that_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "TICK", 0.01)
    monkeypatch.setattr(protocol, "PATIENCE", 0.2)
    with toy() as server, connected(server) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        long = HEAD.replace(b"close", b"keep-alive") + b"x: " + b"a" * 60_000 + b"\r\n\r\n"
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            sock.sendall(long * 1000)


def test_a_client_that_goes_before_its_body_is_whole_leaves_nothing(server: Server) -> None:
    before = server.record.calls.total()
    assert exchange(server, b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nabc") == b""
    assert ask(server, "Echo").status_code == 200
    assert server.record.calls.total() == before + 1


def test_a_client_that_goes_before_its_answer_leaves_the_work_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, go_on = hold(monkeypatch)
    on = f"local:{tmp_path / 'depot'}"
    with toy(on=on) as server:
        with connected(server) as sock:
            sock.sendall(CREATE)
            assert at_work.wait(20)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        go_on.set()
    with connect(on) as cloud:
        assert [row.name for row in cloud.modules.list(product="p") if not row.builtin] == ["m"]


# --- defects ----------------------------------------------------------------------------------------------------------


def test_a_defect_is_the_cloud_s_500_and_is_logged_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(server, "Break")
    assert (answer.status_code, answer.json()["error"]) == (500, "failed")
    assert [record.getMessage() for record in caplog.records] == ["toy: a call of Break was not understood"]


def test_a_defect_of_the_host_is_the_cloud_s_500_too(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Desk, "handle", None)
    answer = ask(server, "Echo")
    assert (answer.status_code, answer.json()["error"]) == (500, "failed")
    assert [record.getMessage() for record in caplog.records] == ["a request was not answered"]
    monkeypatch.undo()


@pytest.mark.parametrize("sent", [b"garbage\r\n\r\n", HEAD + b"x: " + b"a" * (100 << 10), b"GET /Ec"])
def test_what_is_refused_before_it_is_a_call_has_a_request_id_too(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(listening, "TICK", 0.01)
    monkeypatch.setattr(listening, "PATIENCE", 0.05)
    with toy() as server:
        ids = {
            re.findall(rb"\r\nx-request-id: ([0-9a-f]{32})\r\n", exchange(server, sent, finished=False))[0]
            for _ in "12"
        }
    assert len(ids) == 2


def test_what_is_no_request_is_not_logged(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    exchange(server, b"garbage\r\n\r\n", finished=False)
    assert (caplog.text, capfd.readouterr().err) == ("", "")
