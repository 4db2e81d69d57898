"""Bytes between a file and a server, on real sockets: streamed, resumed, checked, and nothing half-written left."""

import hashlib
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otabridge.errors import (
    ConfigurationError,
    ForbiddenError,
    IntegrityError,
    NotFoundError,
    OtaBridgeError,
    ProtocolError,
    TransportError,
    ValidationError,
)
from otabridge.files import CHUNK, digests_of
from otabridge.flow import Flow, Steps
from otabridge.models import Artifact, Checksum
from otabridge.retry import RetryPolicy
from otabridge.transfers import Incoming, Outgoing, fetched, form_with_file
from otabridge.wire import FileBody, Request
from tests.support.server import DROP, Behaviour, Last, RawServer, head_of, reply
from tests.support.wire import ONCE, Wire

BYTES = bytes(range(256)) * 1000
SHA256 = Checksum(algorithm="sha256", hex=hashlib.sha256(BYTES).hexdigest())
TWICE = RetryPolicy(attempts=2, base=0.0)
WHOLE = reply(BYTES, "200 OK", 'ETag: "one"')
HALF = len(BYTES) // 2
BROKEN = Last(reply(BYTES[:HALF], "200 OK", 'ETag: "one"', length=len(BYTES)))


def rest(request: bytes, most: int = len(BYTES)) -> bytes:
    """What was asked for, or no more than the first of it."""
    start = int(head_of(request)[1]["Range"].removeprefix("bytes=").removesuffix("-"))
    where = f"Content-Range: bytes {start}-255999/256000"
    part = BYTES[start : start + most]
    return Last(reply(part, "206 Partial Content", 'ETag: "one"', where, length=len(BYTES) - start))


def little(request: bytes) -> bytes:
    return rest(request, 20000)


def elsewhere(request: bytes) -> bytes:
    return rest(request).replace(b"bytes 1", b"bytes 2")


def nowhere(request: bytes) -> bytes:
    return rest(request).replace(b"Content-Range", b"X-Range")


def artifact(data: bytes = BYTES, *, algorithm: str = "sha256", size: int | None = len(BYTES)) -> Artifact:
    checksum = Checksum(algorithm=algorithm, hex=hashlib.new(algorithm, data).hexdigest())  # type: ignore[arg-type]
    return Artifact(name="../../etc/app.tar.gz", size=size, checksum=checksum)


def download(
    wire: Wire, folder: Path, *behaviours: Behaviour, of: Artifact | None = None, policy: RetryPolicy = ONCE
) -> tuple[Path | OtaBridgeError, list[bytes]]:
    """The path of what was downloaded, or the error; and the requests."""
    with RawServer(*behaviours) as server:
        client = wire.client(server, policy=policy)
        request = Request(operation="Download", origin=server.url, path="/file", auth=False)
        steps = fetched(request, of or artifact(), folder, nonce="n0")
        try:
            found: Path | OtaBridgeError = client.run(Flow(steps, "download"))
        except OtaBridgeError as error:
            found = error
        wire.bench.close()
    return found, server.requests


def test_a_file_is_saved_under_its_digest_and_its_own_suffix(wire: Wire, tmp_path: Path) -> None:
    found, _ = download(wire, tmp_path / "new" / "folder", WHOLE)
    assert isinstance(found, Path)
    assert found.read_bytes() == BYTES
    assert found == tmp_path / "new" / "folder" / f"{hashlib.sha256(BYTES).hexdigest()}.tar.gz"
    assert [*found.parent.iterdir()] == [found]


def test_a_file_that_is_there_already_is_not_asked_for(wire: Wire, tmp_path: Path) -> None:
    first, _ = download(wire, tmp_path, WHOLE)
    again, requests = download(wire, tmp_path, DROP)
    assert (again, requests) == (first, [])


def test_a_download_goes_on_where_it_broke(wire: Wire, tmp_path: Path) -> None:
    found, requests = download(wire, tmp_path, BROKEN, rest)
    assert isinstance(found, Path)
    assert found.read_bytes() == BYTES
    headers = head_of(requests[1])[1]
    assert HALF - 100 < int(headers["Range"].strip("bytes=-")) <= HALF
    assert headers["If-Range"] == '"one"'


def test_a_download_goes_on_as_long_as_each_attempt_brings_something(wire: Wire, tmp_path: Path) -> None:
    found, requests = download(wire, tmp_path, BROKEN, little)
    assert isinstance(found, Path)
    assert found.read_bytes() == BYTES
    assert len(requests) > 6


def test_a_file_that_changed_meanwhile_is_read_from_its_start(wire: Wire, tmp_path: Path) -> None:
    other = b"another file"
    found, _ = download(wire, tmp_path, BROKEN, reply(other, "200 OK", 'ETag: "two"'), of=artifact(other, size=None))
    assert isinstance(found, Path)
    assert found.read_bytes() == other


def test_without_a_tag_it_is_read_from_its_start(wire: Wire, tmp_path: Path) -> None:
    broken = Last(reply(BYTES[:HALF], length=len(BYTES)))
    found, requests = download(wire, tmp_path, broken, reply(BYTES))
    assert isinstance(found, Path)
    assert "Range" not in head_of(requests[1])[1]


REFUSED: dict[str, tuple[list[Behaviour], Artifact, type[OtaBridgeError]]] = {
    "other bytes": ([reply(BYTES[:-1] + b"x")], artifact(), IntegrityError),
    "other bytes by MD5": ([reply(BYTES[:-1] + b"x")], artifact(algorithm="md5"), IntegrityError),
    "another length": ([reply(BYTES)], artifact(size=5), IntegrityError),
    "another part": ([BROKEN, elsewhere], artifact(), ProtocolError),
    "no part": ([BROKEN, nowhere], artifact(), ProtocolError),
    "compressed": ([reply(BYTES, "200 OK", "Content-Encoding: gzip")], artifact(), ProtocolError),
    "not there": ([reply(b"{}", "404 Not Found")], artifact(), NotFoundError),
    "broken off, twice at one place": ([BROKEN, DROP], artifact(), TransportError),
    "moved": ([reply(b"", "302 Found", "Location: http://127.0.0.1:1/")], artifact(), ProtocolError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_the_file_leaves_nothing(wire: Wire, tmp_path: Path, case: str) -> None:
    behaviours, of, kind = REFUSED[case]
    found, _ = download(wire, tmp_path, *behaviours, of=of)
    assert isinstance(found, kind)
    assert [*tmp_path.iterdir()] == []


def test_a_break_is_tried_again_before_anything_has_come(wire: Wire, tmp_path: Path) -> None:
    found, requests = download(wire, tmp_path, DROP, WHOLE, policy=TWICE)
    assert isinstance(found, Path)
    assert len(requests) == 2


def test_a_folder_that_is_a_file_is_told_in_words(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    found, _ = download(wire, tmp_path / "taken", WHOLE)
    assert isinstance(found, ConfigurationError)
    assert str(tmp_path / "taken") in str(found)


def test_a_full_disk_is_told_in_words_and_leaves_nothing(wire: Wire) -> None:
    class Full(Incoming):
        def open(self) -> None:
            self._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115  # `discard` closes it

        def _restart(self) -> None:
            """No such file can be cut."""

    incoming = Full(artifact(), Path("/nowhere"), "n0")
    with RawServer(WHOLE) as server:
        client = wire.client(server)
        incoming.open()
        with pytest.raises(ConfigurationError, match="the disk is full"):
            wire.ask(client, save_to=incoming)
        wire.bench.close()
    incoming.discard()


def test_more_bytes_than_there_shall_be_are_not_taken_in(wire: Wire, tmp_path: Path) -> None:
    many = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(1 << 20)
    found, _ = download(wire, tmp_path, Last(many), of=Artifact(name="a.bin", size=10))
    assert isinstance(found, IntegrityError)
    assert "more than its 10 bytes" in str(found)
    assert [*tmp_path.iterdir()] == []


def renewing(wire: Wire, folder: Path, *behaviours: Behaviour, most: int) -> tuple[Path | OtaBridgeError, list[str]]:
    """A download whose address is told anew up to `most` times: what came of it, and the paths that were asked."""
    with RawServer(*behaviours) as server:
        client = wire.client(server, policy=ONCE)
        addresses = (f"/{number}" for number in range(1, most + 1))

        def request(path: str) -> Request:
            return Request(operation="Download", origin=server.url, path=path, auth=False)

        def renewed() -> Steps[Request | None]:
            yield from ()
            path = next(addresses, None)
            return request(path) if path else None

        steps = fetched(request("/0"), artifact(), folder, nonce="n0", renewed=renewed)
        try:
            found: Path | OtaBridgeError = client.run(Flow(steps, "download"))
        except OtaBridgeError as error:
            found = error
        wire.bench.close()
    return found, [head_of(sent)[0].split()[1] for sent in server.requests]


EXPIRED = reply(b"{}", "403 Forbidden")


def test_an_address_that_has_expired_is_told_anew(wire: Wire, tmp_path: Path) -> None:
    found, paths = renewing(wire, tmp_path, EXPIRED, WHOLE, most=9)
    assert isinstance(found, Path)
    assert paths == ["/0", "/1"]


def test_a_download_goes_on_at_an_address_that_is_told_anew(wire: Wire, tmp_path: Path) -> None:
    found, paths = renewing(wire, tmp_path, EXPIRED, BROKEN, EXPIRED, rest, most=9)
    assert isinstance(found, Path)
    assert found.read_bytes() == BYTES
    assert paths == ["/0", "/1", "/1", "/2"]


@pytest.mark.parametrize(("most", "asked"), [(0, ["/0"]), (9, ["/0", "/1"])])
def test_an_address_that_is_refused_again_is_the_end(wire: Wire, tmp_path: Path, most: int, asked: list[str]) -> None:
    found, paths = renewing(wire, tmp_path, EXPIRED, most=most)
    assert isinstance(found, ForbiddenError)
    assert paths == asked
    assert [*tmp_path.iterdir()] == []


# --- sending ----------------------------------------------------------------------------------------------------------


def test_a_file_is_sent_between_its_head_and_tail_with_its_length(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES * 10)
    seen: list[int] = []
    body = FileBody(path=path, size=CHUNK + 5, offset=3, head=b"<", tail=b">", watch=seen.append)
    with RawServer() as server:
        wire.ask(wire.client(server), method="PUT", file=body)
        wire.bench.close()
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == b"<" + (BYTES * 10)[3 : CHUNK + 8] + b">"
    assert f"Content-Length: {CHUNK + 7}".encode() in head
    assert b"Transfer-Encoding" not in head
    assert seen == [CHUNK, CHUNK + 5]


def test_each_attempt_sends_the_file_from_its_start(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    with RawServer(DROP, reply()) as server:
        client = wire.client(server, policy=TWICE)
        wire.ask(client, method="PUT", file=FileBody(path=path, size=len(BYTES)), read=True)
        wire.bench.close()
    assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [BYTES, BYTES]


FILES = {"gone": (None, ValidationError, "readable file"), "shorter": (b"ab", IntegrityError, "became shorter")}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_to_its_end_is_not_sent_as_if(wire: Wire, tmp_path: Path, case: str) -> None:
    data, kind, words = FILES[case]
    path = tmp_path / "app.bin"
    if data is not None:
        path.write_bytes(data)
    with RawServer() as server:
        with pytest.raises(kind, match=words):
            wire.ask(wire.client(server), method="PUT", file=FileBody(path=path, size=100))
        wire.bench.close()


def test_an_answer_that_comes_early_is_read(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    with RawServer(reply(b"{}", "404 Not Found")) as server:
        with pytest.raises(NotFoundError):
            wire.ask(wire.client(server), method="PUT", file=FileBody(path=path, size=len(BYTES)))
        wire.bench.close()


@pytest.mark.parametrize("offset", [0, 5])
def test_bytes_that_are_not_those_that_were_digested_are_not_sent_to_their_end(
    wire: Wire, tmp_path: Path, offset: int
) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    checksum = Checksum(algorithm="md5", hex=hashlib.md5(BYTES[offset:] + b"x").hexdigest())
    body = FileBody(path=path, size=len(BYTES) - offset, offset=offset, tail=b"tail", checksum=checksum)
    with RawServer() as server:
        with pytest.raises(IntegrityError, match="changed while it was sent"):
            wire.ask(wire.client(server), method="PUT", file=body)
        wire.bench.close()
    assert server.requests == []


def test_bytes_that_are_those_that_were_digested_are_sent(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    with RawServer() as server:
        wire.ask(wire.client(server), method="PUT", file=FileBody(path=path, size=len(BYTES), checksum=SHA256))
        wire.bench.close()
    assert server.requests[0].endswith(BYTES)


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)


@settings(deadline=None)
@given(fields=st.lists(st.tuples(NAMES, st.text(st.characters(blacklist_categories=("Cs", "Cc"))))), data=st.binary())
def test_a_form_is_what_a_mail_parser_reads(
    tmp_path_factory: pytest.TempPathFactory, fields: list[tuple[str, str]], data: bytes
) -> None:
    path = tmp_path_factory.mktemp("form") / "app.bin"
    path.write_bytes(data)
    (name, kind), body = form_with_file(tuple(fields), path, len(data), filename='a".bin', boundary="-b0undary-" * 2)
    raw = b"".join(Outgoing(body))
    assert len(raw) == body.length
    *texts, file = message_from_bytes(f"{name}: {kind}\r\n\r\n".encode() + raw).get_payload()
    assert [part.get_payload(decode=True) for part in texts] == [value.encode() for _, value in fields]
    assert (file.get_filename(), file.get_payload(decode=True)) == ("a%22.bin", data)


def test_the_digests_of_a_file_are_those_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    found = digests_of(path)
    assert (found.size, found.checksum("md5")) == (len(BYTES), artifact(algorithm="md5").checksum)
    assert found.checksum() == artifact().checksum
