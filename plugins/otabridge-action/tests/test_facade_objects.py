"""Files to and from the facade: the form upload that a grant allows, and the signed URLs of the files of packages."""

import hmac
import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from otabridge_action.facade_objects import OssDialect
from otabridge_action.signing import oss_signature, oss_string_to_sign

from otabridge.facade import Account, Call
from otabridge.objects import PACKAGES, UPLOADS, Outcome
from otabridge.serve import Server, running
from otabridge.signing import World

BYTES = b"firmware of the mcu"
CLOUDS = ("aliyun", "tuya")


class Clock:
    """The server's time. It moves only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def server(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = f"local:{tmp_path_factory.mktemp('depot')}"
    with running(*CLOUDS, on=place, world=World(now=lambda: clock.now)) as server:
        server.cloud.modules.create("mcu", product="p1")
        yield server


@pytest.fixture(params=CLOUDS)
def url(request: pytest.FixtureRequest, server: Server) -> str:
    """Where a facade is reached."""
    return server.urls[request.param]


def granted(server: Server, clock: Clock, *conditions: Any, key: str = "ota/a/b.bin", **more: str) -> dict[str, str]:
    """The fields of a form, with a policy that is signed."""
    until = (clock.now + timedelta(minutes=1)).isoformat(timespec="milliseconds")
    rules = conditions or (["content-length-range", 0, 100], ["starts-with", "$key", "ota/"])
    policy = b64encode(json.dumps({"expiration": until, "conditions": rules}).encode()).decode()
    return signed(server, policy, key=key, **more)


def signed(server: Server, policy: str, **more: str) -> dict[str, str]:
    signature = oss_signature(server.secret_key, policy)
    return {"OSSAccessKeyId": server.access_key, "policy": policy, "signature": signature, **more}


def posted(url: str, fields: dict[str, str], data: bytes = BYTES) -> httpx.Response:
    return httpx.post(f"{url}/", data=fields, files={"file": ("app.bin", data)})


def code(answer: httpx.Response | requests.Response) -> str:
    return ElementTree.fromstring(answer.content).findtext("Code") or ""


def fetched(server: Server, clock: Clock, url: str, key: str, *, bucket: str = UPLOADS, method: str = "GET") -> Any:
    """An object by its signed URL."""
    expires = int(clock.now.timestamp()) + 60
    signature = oss_signature(server.secret_key, oss_string_to_sign(method, expires, bucket, key))
    query = {"Expires": str(expires), "OSSAccessKeyId": server.access_key, "Signature": signature}
    place = key if bucket == UPLOADS else f"{bucket}/{key}"
    return httpx.request(method, f"{url}/{place}", params=query)


# --- uploads ----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_uploaded_can_be_fetched(server: Server, clock: Clock, url: str) -> None:
    answer = posted(url, granted(server, clock))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["etag"] == f'"{md5(BYTES).hexdigest().upper()}"'
    assert fetched(server, clock, url, "ota/a/b.bin").content == BYTES


def test_a_boundary_that_is_too_long_makes_no_form(url: str, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"content-type": f"multipart/form-data; boundary={'b' * 300}"}
    assert httpx.post(f"{url}/", headers=headers, content=b"--b").status_code == 400
    assert caplog.records == []


def test_a_form_that_is_broken_off_leaves_no_file(clock: Clock, tmp_path: Path) -> None:
    with running("tuya", on=f"local:{tmp_path}", world=World(now=lambda: clock.now)) as server:
        fields = granted(server, clock, ["content-length-range", 0, 9 << 20], ["starts-with", "$key", "ota/"])
        request = httpx.Request("POST", f"{server.url}/", data=fields, files={"file": ("a.bin", b"a" * (3 << 20))})
        whole = request.read()
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection((request.url.host, request.url.port), 20) as sock:
            sock.sendall(f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + whole[: 2 << 20])
        assert posted(server.url, granted(server, clock)).status_code == 204
    kept = [path.read_bytes() for path in (tmp_path / "serve" / "objects").rglob("*") if path.is_file()]
    assert [data for data in kept if data.startswith(b"aa")] == []
    assert BYTES in kept


@pytest.mark.parametrize(("wished", "status"), [("200", 200), ("201", 201), ("204", 204), ("302", 204), ("", 204)])
def test_success_has_the_status_that_is_wished(
    server: Server, clock: Clock, url: str, wished: str, status: int
) -> None:
    answer = posted(url, granted(server, clock, success_action_status=wished))
    assert answer.status_code == status
    if status == 201:
        assert ElementTree.fromstring(answer.content).findtext("Key") == "ota/a/b.bin"


def test_the_clients_of_the_documents_upload(server: Server, clock: Clock, url: str) -> None:
    fields = granted(server, clock, success_action_status="200")
    for post in (requests.post, httpx.post):
        answer: Any = post(f"{url}/", data=fields, files={"file": ("app.bin", BYTES, "application/octet-stream")})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ((["content-length-range", 0, len(BYTES)],), ""),
        ((["content-length-range", 0, len(BYTES) - 1],), "EntityTooLarge"),
        ((["content-length-range", len(BYTES), 100],), ""),
        ((["content-length-range", len(BYTES) + 1, 100],), "EntityTooSmall"),
        ((["starts-with", "$key", "ota/a/"],), ""),
        ((["starts-with", "$key", "ota/b/"],), "AccessDenied"),
        ((["eq", "$key", "ota/a/b.bin"],), ""),
        ((["eq", "$key", "ota/a/b"],), "AccessDenied"),
        (({"key": "ota/a/b.bin"},), ""),
        (({"key": "ota/a/b"},), "AccessDenied"),
        ((["eq", "$x-oss-acl", "private"],), "AccessDenied"),
        (({"bucket": UPLOADS},), ""),
        (({"bucket": "another"},), "AccessDenied"),
        ((["like", "$key", "ota/a/b.bin"],), "InvalidPolicyDocument"),
        ((["eq"],), "InvalidPolicyDocument"),
        (("eq",), "InvalidPolicyDocument"),
        (({},), "InvalidPolicyDocument"),
        ((["content-length-range", "x", 1],), "InvalidPolicyDocument"),
        ((["content-length-range", 0, float("inf")],), "InvalidPolicyDocument"),
        ((["content-length-range", float("nan"), 1],), "InvalidPolicyDocument"),
    ],
)
def test_a_policy_says_what_may_come(
    server: Server, clock: Clock, url: str, conditions: tuple[Any, ...], expected: str
) -> None:
    answer = posted(url, granted(server, clock, *conditions))
    assert (answer.status_code == 204) is (not expected)
    assert not expected or code(answer) == expected


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "no base64",
        "AAAA",
        "W10=",
        "e30=",
        b64encode(b'{"expiration": "x", "conditions": []}').decode(),
        "W1tb" * 5000,
    ],
)
def test_a_policy_that_cannot_be_read_allows_nothing(server: Server, url: str, policy: str) -> None:
    answer = posted(url, signed(server, policy, key="ota/a/b.bin"))
    assert code(answer) == ("InvalidPolicyDocument" if policy else "AccessDenied")


def test_a_policy_ends(server: Server, clock: Clock, url: str) -> None:
    fields = granted(server, clock)
    clock.now += timedelta(seconds=61)
    answer = posted(url, fields)
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    assert b"Policy expired" in answer.content


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"signature": "wrong"}, "SignatureDoesNotMatch"),
        ({"signature": "é"}, "SignatureDoesNotMatch"),
        ({"signature": ""}, "AccessDenied"),
        ({"OSSAccessKeyId": "stranger"}, "InvalidAccessKeyId"),
        ({"OSSAccessKeyId": ""}, "AccessDenied"),
        ({"key": ""}, "InvalidArgument"),
        ({"key": "ota/" + "k" * 1020}, "InvalidArgument"),
    ],
)
def test_a_form_that_is_not_right_is_refused(
    server: Server, clock: Clock, url: str, change: dict[str, str], expected: str
) -> None:
    size_alone = ["content-length-range", 0, 100]
    answer = posted(url, granted(server, clock, size_alone) | change)
    assert code(answer) == expected
    error = ElementTree.fromstring(answer.content)
    assert (error.tag, error.findtext("RequestId")) == ("Error", answer.headers["x-oss-request-id"])


def test_the_names_of_a_forms_fields_may_be_in_any_case(server: Server, clock: Clock, url: str) -> None:
    fields = {name.upper(): value for name, value in granted(server, clock).items()}
    assert posted(url, fields).status_code == 204


def test_a_form_without_a_file_is_refused(server: Server, clock: Clock, url: str) -> None:
    fields = {name: (None, value) for name, value in granted(server, clock).items()}
    assert code(httpx.post(f"{url}/", files=fields)) == "MalformedPOSTRequest"


def test_fields_after_the_file_do_not_count(server: Server, clock: Clock, url: str) -> None:
    parts = [*((name, (None, value)) for name, value in granted(server, clock).items()), ("file", ("a", BYTES))]
    assert httpx.post(f"{url}/", files=[*parts, ("key", (None, "ota/other"))]).status_code == 204
    assert code(httpx.post(f"{url}/", files=[parts[-1], *parts[:-1]])) == "AccessDenied"


def test_a_refused_file_leaves_nothing(server: Server, clock: Clock, url: str) -> None:
    folder = Path(server.serving.on.removeprefix("local:")) / "serve" / "objects" / "files"
    before = {*folder.iterdir()}
    posted(url, granted(server, clock, ["content-length-range", 0, 5]), BYTES * 100_000)
    assert {*folder.iterdir()} == before


def test_forms_of_the_api_are_the_apis(url: str) -> None:
    answer = httpx.post(f"{url}/", data={"Action": "ListOTAModuleByProduct"})
    assert b"MissingAccessKeyId" in answer.content
    assert "x-oss-request-id" not in answer.headers


def test_a_usual_mistake_with_a_policy_is_recognized(server: Server, clock: Clock, url: str) -> None:
    fields = granted(server, clock)
    key = f"{server.secret_key}&".encode()
    fields["signature"] = b64encode(hmac.digest(key, fields["policy"].encode(), "sha1")).decode()
    assert code(posted(url, fields)) == "SignatureDoesNotMatch"
    verdict = server.record.entries[-1].verdict
    assert verdict.message == "in what the client signed, the secret key has an & at its end"
    assert verdict.expected == fields["policy"]


# --- downloads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(server: Server, tmp_path: Path) -> Iterator[str]:
    """The key of the file of a package in the store."""
    path = tmp_path / "app v1.bin"
    path.write_bytes(BYTES)
    package = server.cloud.packages.publish(path, product="p1", module="mcu", version="1")
    yield f"{package.id}/0/app v1.bin"
    server.cloud.packages.delete(package.id)


def test_the_file_of_a_package_can_be_fetched(server: Server, clock: Clock, url: str, key: str) -> None:
    answer = fetched(server, clock, url, key, bucket=PACKAGES)
    assert answer.content == BYTES
    assert answer.headers["content-length"] == str(len(BYTES))
    head = fetched(server, clock, url, key, bucket=PACKAGES, method="HEAD")
    assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])


def test_a_url_is_of_one_object_and_one_method(server: Server, clock: Clock, url: str, key: str) -> None:
    answer = fetched(server, clock, url, key, bucket=PACKAGES)
    signed = str(answer.request.url)
    assert code(httpx.get(signed.replace("app%20v1", "app%20v2"))) == "SignatureDoesNotMatch"
    assert httpx.head(signed).status_code == 403
    assert server.record.entries[-1].verdict.message == "in what the client signed, the method is GET"
    assert code(httpx.put(signed, content=b"")) == "MethodNotAllowed"
    assert code(httpx.get(signed.partition("?")[0])) == "AccessDenied"
    assert code(httpx.get(signed.replace("Expires=", "Expires=x"))) == "InvalidArgument"
    assert code(httpx.get(signed.replace(server.access_key, "stranger"))) == "InvalidAccessKeyId"


def test_a_url_ends(server: Server, clock: Clock, url: str, key: str) -> None:
    signed = str(fetched(server, clock, url, key, bucket=PACKAGES).request.url)
    clock.now += timedelta(seconds=61)
    late = httpx.get(signed)
    assert (late.status_code, code(late)) == (403, "AccessDenied")
    assert b"Request has expired" in late.content


def test_what_is_not_there_is_told(server: Server, clock: Clock, url: str) -> None:
    assert code(fetched(server, clock, url, "ota/nothing")) == "NoSuchKey"
    assert code(fetched(server, clock, url, "nothing/0/app.bin", bucket=PACKAGES)) == "NoSuchKey"


def test_an_upload_goes_after_an_hour(server: Server, clock: Clock, url: str) -> None:
    posted(url, granted(server, clock, key="ota/old"))
    clock.now += timedelta(hours=1, seconds=1)
    posted(url, granted(server, clock, key="ota/new"))
    assert code(fetched(server, clock, url, "ota/old")) == "NoSuchKey"
    assert fetched(server, clock, url, "ota/new").content == BYTES


def test_a_query_with_too_many_parameters_is_refused(url: str) -> None:
    assert code(httpx.get(f"{url}/ota/a?{'a&' * 3000}")) == "InvalidArgument"


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "POST"]),
    st.lists(
        st.sampled_from(["/", "ota/", PACKAGES, "?", "&", "Expires=", "9", "OSSAccessKeyId=AK", "Signature=", "%", "é"])
    ),
    st.dictionaries(st.sampled_from(["key", "policy", "signature", "ossaccesskeyid", "bucket"]), st.text()),
)
def test_nothing_breaks_the_dialect(method: str, words: list[str], fields: dict[str, str]) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    site: Any = SimpleNamespace(account=lambda key: Account(access_key=key, secret_key="SK"))
    kind = {"content-type": "multipart/form-data; boundary=b"}
    call = Call(method=method, target=f"/{''.join(words)}", headers=kind, now=now, id="id", origin="http://h")
    dialect = OssDialect(site)
    asked = dialect.read(call)
    if asked is not None and asked.action == "form":
        asked = dialect.admit(call, asked, fields)
    if asked is not None and asked.verdict.refusal:
        answer = dialect.answer(call, asked, Outcome(trouble=asked.verdict.refusal, message=asked.verdict.message))
        assert 400 <= answer.status < 500
        ElementTree.fromstring(answer.body)
