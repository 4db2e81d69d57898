"""Objects over real HTTP, whatever the dialect: bodies stream, ranges are exact, packages are objects, faults fire."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from http.client import HTTPResponse, IncompleteRead
from pathlib import Path

import pytest

from otabridge import Artifact, ObjectLocation, UrlLocation
from otabridge.models import Location
from otabridge.objects import PACKAGES
from otabridge.serve import Server, running
from otabridge.serve.faults import Fault
from tests.support.objects import Corner, Got, got

BYTES = bytes(range(256)) * 5000  # more than one piece of what is read at once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("huawei", on=f"local:{tmp_path_factory.mktemp('depot')}") as server:
        yield server


@pytest.fixture
def corner(server: Server) -> Corner:
    return Corner(server)


def test_what_is_put_is_what_is_got(corner: Corner) -> None:
    assert corner.ask("PUT", "/abc/k", BYTES).status == 200
    found = corner.ask("GET", "/abc/k")
    assert found.body == BYTES
    assert found.headers["content-length"] == str(len(BYTES))
    assert found.headers["accept-ranges"] == "bytes"


def test_a_body_may_come_in_chunks_of_http(corner: Corner) -> None:
    chunked = (("Transfer-Encoding", "chunked"),)
    pieces = (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (b"one", b"two"))
    assert corner.ask("PUT", "/abc/chunked", [b"".join(pieces) + b"0\r\n\r\n"], headers=chunked).status == 200
    assert corner.ask("GET", "/abc/chunked").body == b"onetwo"


def test_a_type_that_is_no_text_comes_back_as_it_was(corner: Corner) -> None:
    request = corner.signed("PUT", "/abc/odd")
    headers = {**dict(request.headers), "Content-Type": "a/\xff"}
    assert corner.send("PUT", request.target, headers, b"bytes").status == 200
    assert corner.ask("GET", "/abc/odd").headers["content-type"] == "a/\xff"


def test_a_head_has_the_length_and_no_body(corner: Corner) -> None:
    corner.ask("PUT", "/abc/k", BYTES)
    found = corner.ask("HEAD", "/abc/k")
    assert (found.status, found.headers["content-length"], found.body) == (200, str(len(BYTES)), b"")


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=5-300000", 5, 300_000), ("bytes=-5", len(BYTES) - 5, len(BYTES) - 1)],
)
def test_a_range_is_exact(corner: Corner, wanted: str, first: int, last: int) -> None:
    corner.ask("PUT", "/abc/k", BYTES)
    found = corner.ask("GET", "/abc/k", headers=(("Range", wanted),))
    assert (found.status, found.body) == (206, BYTES[first : last + 1])
    assert found.headers["content-range"] == f"bytes {first}-{last}/{len(BYTES)}"
    assert found.headers["content-length"] == str(last + 1 - first)


OLD, NEW = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
HELD = f'"{md5(BYTES).hexdigest()}"'


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If-Match", HELD, 200),
        ("If-Match", f'"other", {HELD}', 200),
        ("If-Match", "*", 200),
        ("If-Match", '"other"', 412),
        ("If-None-Match", HELD, 304),
        ("If-None-Match", f"W/{HELD}", 304),
        ("If-None-Match", '"other"', 200),
        ("If-Modified-Since", NEW, 304),
        ("If-Modified-Since", OLD, 200),
        ("If-Modified-Since", "nonsense", 200),
        ("If-Unmodified-Since", OLD, 412),
        ("If-Unmodified-Since", NEW, 200),
    ],
)
def test_a_condition_decides_whether_an_object_is_sent(
    corner: Corner, method: str, name: str, value: str, status: int
) -> None:
    corner.ask("PUT", "/abc/held", BYTES)
    found = corner.ask(method, "/abc/held", headers=((name, value),))
    assert found.status == status
    assert (found.body == BYTES) is (method == "GET" and status == 200)
    if status == 304:
        assert found.headers["etag"].lower() == HELD


@pytest.mark.parametrize(("known", "status"), [(HELD, 206), (NEW, 200), ('"other"', 200), (OLD, 200)])
def test_a_range_of_an_object_that_was_replaced_is_the_whole_of_the_new_one(
    corner: Corner, known: str, status: int
) -> None:
    corner.ask("PUT", "/abc/held", BYTES)
    found = corner.ask("GET", "/abc/held", headers=(("Range", "bytes=5-9"), ("If-Range", known)))
    assert (found.status, found.body) == (status, BYTES[5:10] if status == 206 else BYTES)


def test_an_object_whose_file_is_gone_is_not_found(tmp_path: Path) -> None:
    with running("huawei", on=f"local:{tmp_path}") as server:
        corner = Corner(server)
        corner.ask("PUT", "/abc/k", BYTES)
        for path in (tmp_path / "serve" / "objects" / "files").iterdir():
            path.unlink()
        found = corner.ask("GET", "/abc/k")
    assert (found.status, found.code) == (404, "NoSuchKey")


def test_a_range_behind_the_end_is_refused_with_the_size(corner: Corner) -> None:
    corner.ask("PUT", "/abc/k", b"12345")
    found = corner.ask("GET", "/abc/k", headers=(("Range", "bytes=5-"),))
    assert (found.status, found.code, found.headers["content-range"]) == (416, "InvalidRange", "bytes */5")


def test_an_empty_object_is_one(corner: Corner) -> None:
    corner.ask("PUT", "/abc/empty", headers=(("Content-Length", "0"),))
    found = corner.ask("GET", "/abc/empty")
    assert (found.status, found.headers["content-length"], found.body) == (200, "0", b"")


def test_a_put_without_a_length_is_refused(corner: Corner) -> None:
    with corner.raw("PUT", "/abc/k") as connection:
        assert answered(connection).code == "MissingContentLength"


def test_an_object_is_whole_while_others_replace_it(corner: Corner) -> None:
    versions = [bytes([number]) * 300_000 for number in range(1, 9)]
    corner.ask("PUT", "/abc/busy", versions[0])
    with ThreadPoolExecutor(8) as pool:
        puts = [pool.submit(corner.ask, "PUT", "/abc/busy", version) for version in versions]
        gets = [pool.submit(corner.ask, "GET", "/abc/busy") for _ in range(24)]
        assert [put.result().status for put in puts] == [200] * 8
        assert all(got.result().body in versions for got in gets)


# --- bodies that are not, or not wholly, read -------------------------------------------------------------------------


def answered(connection: socket.socket) -> Got:
    response = HTTPResponse(connection)
    response.begin()
    return got(response)


def test_who_waits_for_a_100_gets_one(corner: Corner) -> None:
    expecting = (("Expect", "100-continue"), ("Content-Length", "5"))
    with corner.raw("PUT", "/abc/patient", expecting) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"12345")
        assert answered(connection).status == 200


def test_who_waits_for_a_100_is_refused_without_one_and_the_connection_ends(server: Server) -> None:
    expecting = (("Expect", "100-continue"), ("Content-Length", "5"))
    with Corner(server, secret_key="wrong").raw("PUT", "/abc/patient", expecting) as connection:
        refused = answered(connection)
        assert (refused.status, refused.headers["connection"]) == (403, "close")
        assert connection.recv(1) == b""


def test_a_client_that_sends_all_the_same_comes_to_read_why(server: Server) -> None:
    refused = Corner(server, secret_key="wrong").ask("PUT", "/abc/k", BYTES * 8, headers=(("Connection", "close"),))
    assert refused.code == "SignatureDoesNotMatch"


def test_an_object_that_is_too_large_is_refused_before_it_comes(corner: Corner) -> None:
    with corner.raw(
        "PUT", "/abc/huge", (("Content-Length", str((1 << 30) + 1)), ("Expect", "100-continue"))
    ) as connection:
        assert answered(connection).code == "EntityTooLarge"


def test_half_a_body_leaves_nothing(server: Server, corner: Corner) -> None:
    folder = Path(server.serving.on.removeprefix("local:")) / "serve" / "objects" / "files"
    before = {*folder.iterdir()}
    with corner.raw("PUT", "/abc/half", (("Content-Length", "5000000"),)) as connection:
        connection.sendall(b"1" * 3_000_000)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    assert corner.ask("GET", "/abc/half").status == 404
    assert {*folder.iterdir()} == before


def test_a_connection_goes_on_after_an_object(corner: Corner) -> None:
    corner.ask("PUT", "/abc/k", BYTES)
    with corner.raw("GET", "/abc/k") as connection:
        assert answered(connection).body == BYTES
        again = corner.signed("GET", "/abc/k")
        lines = "".join(f"{name}: {value}\r\n" for name, value in again.headers)
        connection.sendall(f"GET {again.target} HTTP/1.1\r\n{lines}\r\n".encode())
        assert answered(connection).body == BYTES


# --- packages ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def module(server: Server) -> Iterator[str]:
    server.cloud.modules.create("mcu", product="p1")
    yield "mcu"
    for package in server.cloud.packages.list(product="p1"):
        server.cloud.packages.delete(package.id, missing_ok=True)
    server.cloud.modules.delete("mcu", product="p1")


def made(server: Server, location: Location | None) -> str:
    """The id of a package whose file `app.bin` lies there."""
    artifact = Artifact(name="app.bin", size=5, location=location)
    return server.cloud.packages.create(product="p1", module="mcu", version="1", artifacts=[artifact]).id


def test_the_artifact_of_a_package_is_an_object(server: Server, corner: Corner, module: str, tmp_path: Path) -> None:
    path = tmp_path / "app v1.bin"
    path.write_bytes(BYTES)
    package = server.cloud.packages.publish(path, product="p1", module=module, version="1")
    place = f"/{PACKAGES}/{package.id}/0/app v1.bin"
    found = corner.ask("GET", place)
    assert (found.body, found.headers["etag"]) == (BYTES, f'"{md5(BYTES).hexdigest()}"')
    assert corner.ask("GET", place, headers=(("Range", "bytes=1-2"),)).body == BYTES[1:3]
    assert corner.ask("HEAD", place).headers["content-length"] == str(len(BYTES))
    server.cloud.packages.delete(package.id)
    assert corner.ask("GET", place).code == "NoSuchKey"


def test_the_artifact_of_a_package_may_lie_in_a_bucket(server: Server, corner: Corner, module: str) -> None:
    package_id = made(server, ObjectLocation(region="local", bucket="abc", key="here"))
    assert corner.ask("GET", f"/{PACKAGES}/{package_id}/0/app.bin").code == "NoSuchKey"
    corner.ask("PUT", "/abc/here", b"bytes")
    assert corner.ask("GET", f"/{PACKAGES}/{package_id}/0/app.bin").body == b"bytes"


def test_an_artifact_that_lies_elsewhere_is_not_fetched(server: Server, corner: Corner, module: str) -> None:
    package_id = made(server, UrlLocation(url="http://127.0.0.1:9/app.bin"))
    assert corner.ask("GET", f"/{PACKAGES}/{package_id}/0/app.bin").code == "NoSuchKey"


@pytest.mark.parametrize("rest", ["0/other.bin", "1/app.bin", "-1/app.bin", "x/app.bin", "00/app.bin", "0", "", "0/"])
def test_a_key_that_names_no_artifact_is_none(server: Server, corner: Corner, module: str, rest: str) -> None:
    corner.ask("PUT", "/abc/here", b"bytes")
    package_id = made(server, ObjectLocation(region="local", bucket="abc", key="here"))
    assert corner.ask("GET", f"/{PACKAGES}/{package_id}/{rest}").code == "NoSuchKey"


@pytest.mark.parametrize("key", ["", "/0/app.bin", "nothing/0/app.bin", "é"])
def test_a_key_of_no_package_is_none(corner: Corner, key: str) -> None:
    assert corner.ask("GET", f"/{PACKAGES}/{key}").code == ("NoSuchKey" if key else "AccessDenied")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_bucket_of_packages_cannot_be_written(corner: Corner, method: str) -> None:
    assert corner.ask(method, f"/{PACKAGES}/p/0/app.bin", b"bytes").code == "AccessDenied"
    assert corner.ask("GET", f"/{PACKAGES}").code == "AccessDenied"


# --- the life of a server ---------------------------------------------------------------------------------------------


def test_objects_survive_a_restart_beside_a_local_store(tmp_path: Path) -> None:
    keys = {"access_key": "AK", "secret_key": "SK-of-a-test"}
    with running("huawei", on=f"local:{tmp_path}", **keys) as server:
        Corner(server).ask("PUT", "/abc/k", BYTES)
    with running("huawei", on=f"local:{tmp_path}", **keys) as server:
        assert Corner(server).ask("GET", "/abc/k").body == BYTES


def test_in_strict_mode_a_bucket_must_have_been_made() -> None:
    with running("huawei", strict=True) as server:
        corner = Corner(server)
        assert corner.ask("PUT", "/abc/k", b"bytes").code == "NoSuchBucket"
        assert corner.ask("HEAD", "/abc").status == 404
        assert corner.ask("PUT", "/abc").status == 200
        assert corner.ask("PUT", "/abc/k", b"bytes").status == 200


def test_calls_for_objects_are_on_record_without_a_secret(server: Server) -> None:
    Corner(server, secret_key="wrong-secret").ask("PUT", "/abc/k", b"bytes")
    entry = server.record.entries[-1]
    assert (entry.operation, entry.status, entry.code) == ("PutObject", 403, "SignatureDoesNotMatch")
    assert entry.verdict.expected.startswith("PUT\n/abc/k\n")
    assert server.secret_key not in repr(entry)
    assert "wrong-secret" not in repr(entry)


# --- faults -----------------------------------------------------------------------------------------------------------


def test_an_object_call_fails_as_the_script_says() -> None:
    script = [
        Fault(kind="answer", operation="GetObject", call=1, status=503, code="Busy"),
        Fault(kind="throttle", operation="GetObject", call=2, retry_after=3),
        Fault(kind="skew", operation="GetObject", call=3, seconds=3600),
    ]
    with running("huawei", faults=script) as server:
        corner = Corner(server)
        corner.ask("PUT", "/abc/k", b"bytes")
        answers = [corner.ask("GET", "/abc/k") for _ in range(4)]
        server.faults.check()
    assert [answer.status for answer in answers] == [503, 503, 403, 200]
    assert [answer.code for answer in answers] == ["Busy", "SlowDown", "RequestTimeTooSkewed", ""]
    assert answers[1].headers["retry-after"] == "3"


def test_a_connection_breaks_as_the_script_says() -> None:
    script = [
        Fault(kind="drop", operation="PutObject", call=1),
        Fault(kind="lose", operation="PutObject", call=2),
        Fault(kind="truncate", operation="GetObject", call=3),
    ]
    with running("huawei", faults=script) as server:
        corner = Corner(server)
        for expected in (404, 200):
            with pytest.raises(ConnectionError):
                corner.ask("PUT", "/abc/k", BYTES)
            assert corner.ask("GET", "/abc/k").status == expected
        with pytest.raises(IncompleteRead):
            corner.ask("GET", "/abc/k")
        server.faults.check()
