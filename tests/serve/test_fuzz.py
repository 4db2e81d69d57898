"""Requests by chance, from bytes that mean nothing to calls that are signed and nearly right: no 500, and no hang."""

import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge import connect
from otabridge.serve import Server, running
from otabridge.signing import fresh_nonce
from otabridge.wire import Request
from tests.serve.raw import rest, statuses
from tests.support.mirror import settings
from tests.support.scale import scaled

words = str.split
FACADES = ("huawei", "tuya", "aliyun")
ACTIONS = words(
    "CreateOTAModule UpdateOTAModule DeleteOTAModule ListOTAModuleByProduct CreateOTAFirmware "
    "DeleteOTAFirmware ListOTAFirmware QueryOTAFirmware ModifyOTAFirmware GenerateOTAUploadURL "
    "ListOTAModuleVersionsByDevice QueryDevice QueryDeviceDetail QueryDeviceBySQL QueryProductList "
    "Nothing"
)
NAMES = words(
    "Action Version Format AccessKeyId Signature SignatureMethod SignatureVersion SignatureNonce "
    "Timestamp RegionId ProductKey ModuleName AliasName Desc FirmwareId FirmwareName FirmwareUrl "
    "FirmwareSize FirmwareSign SignMethod Type SrcVersion DestVersion CurrentPage PageSize DeviceName "
    "IotId IotInstanceId SQL MultiFiles limit marker offset app_id product_id package_type version "
    "X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders X-Amz-Signature Expires "
    "AWSAccessKeyId OSSAccessKeyId uploads uploadId partNumber list-type max-keys prefix continuation-token "
    "response-content-type key policy signature success_action_status number mine product device refused"
)
HEADERS = words(
    "authorization x-sdk-date x-auth-token x-project-id x-acs-action x-acs-version x-acs-date "
    "x-acs-content-sha256 x-acs-signature-nonce content-type accept host date content-md5 range "
    "instance-id cookie expect te x-amz-date x-amz-content-sha256 x-amz-trailer x-amz-decoded-content-length "
    "x-amz-security-token x-obs-date content-encoding transfer-encoding if-match if-none-match if-modified-since"
)
PATHS = [
    "/",
    "/v5/iot/",
    "/v5/iot/p/ota-upgrades/modules",
    "/v3/auth/tokens",
    "/v3/projects",
    "/_otabridge/",
    "/bucket",
    "/bucket/key",
    "/otabridge-packages/a/0/b",
    "/_otabridge/request",
    "/_otabridge/product",
    "/_otabridge/device",
]

_word = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
_value = st.one_of(
    st.sampled_from(["", "0", "1", "-1", "200", "1e9", "mcu", "demo", "thermostat-T2", "null", "[]", "{}", "true"]),
    st.sampled_from(["SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x, Signature=", "ACS3-HMAC-SHA256 Credential=,,"]),
    st.sampled_from(["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request", "AWS a:b", "OBS a:b"]),
    st.sampled_from(["99991231T235959Z", "20260101T000000Z", "604800", "-1", "9" * 5000, "1e400", "Infinity"]),
    st.sampled_from(["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "aws-chunked", "chunked", "bytes=0-9", "a/b/c"]),
    st.sampled_from(["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json"]),
    _word,
)
_pairs = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), _word), _value), max_size=8)
_json: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _value),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(NAMES), _word), inner)
    ),
    max_leaves=12,
)


def _form(pairs: list[tuple[str, str]]) -> bytes:
    """A form in parts, the last of them a file."""
    parts = [f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs]
    file = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nbytes\r\n--x--\r\n'
    return "".join((*parts, file)).encode()


def _framed(chunks: list[bytes]) -> bytes:
    """A body in chunks, with a trailer."""
    return b"".join(b"%x\r\n%s\r\n" % (len(data), data) for data in (*chunks, b"")) + b"x-trailer: y\r\n\r\n"


_body = st.one_of(
    st.just(b""),
    st.binary(max_size=200),
    _json.map(lambda value: json.dumps(value).encode()),
    _pairs.map(lambda pairs: str(httpx.QueryParams(pairs)).encode()),
    _pairs.map(_form),
    st.lists(st.binary(max_size=20), max_size=4).map(_framed),
)
_line = st.binary(max_size=40).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b""))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is framed rightly, mostly."""
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])).encode()
    path = draw(st.one_of(st.sampled_from(PATHS), _word.map(lambda word: f"/{word}"))).encode()
    query = str(httpx.QueryParams(draw(_pairs))).encode()
    names = draw(st.lists(st.one_of(st.sampled_from(HEADERS).map(str.encode), _line), max_size=6))
    lines = [name + b": " + draw(st.one_of(_line, _value.map(str.encode))) for name in names]
    body = draw(_body)
    length = draw(st.sampled_from([len(body)] * 8 + [0, 1, 10**6]))
    head = b"\r\n".join([method + b" " + path + b"?" + query + b" HTTP/1.1", b"content-length: %d" % length, *lines])
    return head + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*FACADES, seed="demo") as server:
        yield server


@pytest.fixture(autouse=True)
def quiet(server: Server, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The server logs no defect, and is alive at the end."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if "otabridge" in record.name] == []
    for url in server.urls.values():
        assert httpx.get(url, trust_env=False).status_code in (400, 401, 403, 404)


def sent(url: str, data: bytes) -> list[int]:
    """The statuses that come back; the server must end the connection by itself once nothing more can come."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return statuses(rest(sock))


@pytest.mark.parametrize("name", FACADES)
def test_bytes_that_mean_nothing_are_no_more_than_refused(server: Server, name: str) -> None:
    @scaled(50, 2000)
    @given(st.binary(max_size=300))
    def tried(data: bytes) -> None:
        assert all(status < 500 for status in sent(server.urls[name], data))

    tried()


@pytest.mark.parametrize("name", FACADES)
def test_requests_that_are_not_signed_are_no_more_than_refused(server: Server, name: str) -> None:
    @scaled(100, 3400)
    @given(requests())
    def tried(data: bytes) -> None:
        assert all(status < 500 for status in sent(server.urls[name], data)), data

    tried()


@pytest.mark.parametrize("name", FACADES)
def test_requests_that_are_signed_are_answered_below_500(server: Server, name: str) -> None:
    seen: set[int] = set()

    @scaled(100, 3400)
    @given(st.sampled_from(ACTIONS), _pairs, _json, st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.data())
    def tried(action: str, pairs: list[tuple[str, str]], body: Any, method: str, data: st.DataObject) -> None:
        if name == "huawei":
            project = server.hints[name]["project_id"]
            rest = data.draw(st.sampled_from(["modules", "packages", "modules/x", "packages/%", "modules/é", ""]))
            request = Request(
                operation="any",
                method=method,
                path=f"/v5/iot/{project}/ota-upgrades/{rest}",
                query=tuple(pairs),
                headers=(("Content-Type", "application/json"),),
                body=json.dumps(body).encode(),
            )
        else:
            given = {"Version": "2018-01-20", **dict(pairs), "Action": action}
            kept = {"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"}
            query = tuple((key, value) for key, value in given.items() if key not in kept)
            request = Request(operation=action, method="GET" if method == "GET" else "POST", query=query)
        answer = sign(request)
        seen.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        assert "Traceback" not in answer.text

    with signing(server, name) as sign:
        tried()
    assert seen - {401, 403}  # signed rightly, they come through


@contextmanager
def signing(server: Server, name: str) -> Iterator[Callable[[Request], httpx.Response]]:
    """A way to send a request that is signed as our own backend signs it."""
    with connect(**settings(server, name)) as own:
        runner = own._runner
        signer = runner.run(runner.exchange.backend.credential()).signer
    assert signer is not None

    def send(request: Request) -> httpx.Response:
        asked = Request(**{**_fields(request), "origin": server.urls[name]})
        signed = signer.sign(asked, now=datetime.now(UTC), nonce=fresh_nonce()).on_wire()
        url = httpx.URL(server.urls[name])
        made = client.build_request(signed.method, url, headers=list(signed.headers), content=signed.body)
        made.extensions["target"] = signed.target.encode()
        return client.send(made)

    with httpx.Client(trust_env=False, timeout=20) as client:
        yield send


def _fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("operation", "method", "path", "query", "headers", "body")}
