"""The facade's object storage: how bodies may be signed, and what is asked for but cannot be."""

import zlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5, sha256
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from otabridge_huawei import obs_signing as signing
from otabridge_huawei.obs_signing import LegacySigner

from otabridge.serve import Server, running
from otabridge.wire import Pairs, Request
from tests.support.objects import Corner, Got

BYTES = b"bytes"


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with running("huawei", strict=True) as server:
        Corner(server).ask("PUT", "/abc")
        yield server


@pytest.fixture
def corner(server: Server) -> Corner:
    return Corner(server)


# --- bodies that are signed -------------------------------------------------------------------------------------------


def hashed(corner: Corner, payload: str, body: bytes, extra: Pairs = ()) -> Got:
    """Put with some `x-amz-content-sha256`."""
    date = signing.v4_date(datetime.now(UTC))
    headers = {"host": corner.place, "x-amz-content-sha256": payload, "x-amz-date": date, **dict(extra)}
    canonical = signing.canonical_request("PUT", "/abc/k", [], headers, payload)
    scope = f"{date[:8]}/any/s3/aws4_request"
    key = signing.v4_key(corner.signer._key, scope)
    signature = signing.v4_signature(key, signing.v4_string(canonical, date=date, scope=scope))
    if payload.startswith("STREAMING-AWS4"):
        body = chunked(body, key=key, before=signature, date=date, scope=scope)
    claim = f"Credential={corner.signer.access_key}/{scope}, SignedHeaders={';'.join(sorted(headers))}"
    headers["Authorization"] = f"{signing.V4} {claim}, Signature={signature}"
    return corner.send("PUT", "/abc/k", headers, body)


def chunked(body: bytes, *, key: bytes, before: str, **when: str) -> bytes:
    """A body in signed chunks, as S3 documents it."""
    made = b""
    for chunk in (body[:3], body[3:], b""):
        before = signing.v4_signature(key, signing.chunk_string(before, sha256(chunk).hexdigest(), **when))
        made += f"{len(chunk):x};chunk-signature={before}\r\n".encode() + chunk + b"\r\n"
    return made


SIZE: Pairs = (("x-amz-decoded-content-length", "5"),)


def test_a_body_has_the_digest_that_is_signed(corner: Corner) -> None:
    assert hashed(corner, sha256(BYTES).hexdigest(), BYTES).status == 200
    assert hashed(corner, sha256(BYTES).hexdigest(), b"bytez").code == "BadDigest"


def test_a_body_may_come_in_signed_chunks(server: Server, strict: Server) -> None:
    for each in (server, strict):
        assert hashed(Corner(each), signing.SIGNED_CHUNKS, BYTES, SIZE).status == 200
        assert Corner(each).ask("GET", "/abc/k").body == BYTES


def test_the_chunks_must_have_the_promised_size(corner: Corner) -> None:
    longer: Pairs = (("x-amz-decoded-content-length", "6"),)
    assert hashed(corner, signing.SIGNED_CHUNKS, BYTES, longer).code == "IncompleteBody"
    assert hashed(corner, signing.SIGNED_CHUNKS, BYTES).code == "MissingContentLength"


def test_a_trailer_has_the_digest_of_an_unsigned_body(corner: Corner) -> None:
    crc = b64encode(zlib.crc32(BYTES).to_bytes(4)).decode()
    extra = (*SIZE, ("x-amz-trailer", "x-amz-checksum-crc32"))
    for checksum, code in ((crc, ""), ("AAAAAA==", "BadDigest")):
        body = b"5\r\n" + BYTES + f"\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
        assert hashed(corner, signing.UNSIGNED_TRAILER, body, extra).code == code


@pytest.mark.parametrize(
    ("payload", "body", "extra"),
    [
        (sha256(BYTES).hexdigest(), BYTES, ()),
        (signing.UNSIGNED_TRAILER, b"5\r\nbytes\r\n0\r\n\r\n", SIZE),
    ],
)
def test_in_strict_mode_other_ways_to_sign_a_body_are_refused(
    server: Server, strict: Server, payload: str, body: bytes, extra: Pairs
) -> None:
    assert hashed(Corner(server), payload, body, extra).status == 200
    assert hashed(Corner(strict), payload, body, extra).code == "NotImplemented"
    assert hashed(Corner(strict), signing.UNSIGNED, BYTES).status == 200


@pytest.mark.parametrize(
    ("header", "digest", "code"),
    [
        ("Content-MD5", b64encode(md5(BYTES).digest()), ""),
        ("Content-MD5", b64encode(md5(b"other").digest()), "BadDigest"),
        ("Content-MD5", b"no digest", "InvalidDigest"),
        ("Content-MD5", b"AAAA", "InvalidDigest"),
        ("x-amz-checksum-sha256", b64encode(sha256(BYTES).digest()), ""),
        ("x-amz-checksum-sha256", b64encode(sha256(b"other").digest()), "BadDigest"),
        ("x-amz-checksum-crc32", b"AAAAAA==", "BadDigest"),
    ],
)
def test_a_digest_in_a_header_is_checked(corner: Corner, header: str, digest: bytes, code: str) -> None:
    assert corner.ask("PUT", "/abc/digest", BYTES, headers=((header, digest.decode()),)).code == code


# --- what cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/abc", ("acl", "")),
        ("GET", "/abc", ("uploads", "")),
        ("GET", "/abc", ("versions", "")),
        ("PUT", "/abc/k", ("tagging", "")),
        ("POST", "/abc", ("delete", "")),
        ("GET", "/abc/k", ("versionId", "1")),
        ("DELETE", "/abc", ("website", "")),
        ("DELETE", "/abc", ("a", "b")),
        ("POST", "/abc/k", ("a", "b")),
        ("POST", "/abc/k", ("append", "")),
        ("PATCH", "/abc/k", ("a", "b")),
    ],
)
def test_what_is_not_done_is_refused(corner: Corner, method: str, path: str, query: tuple[str, str]) -> None:
    refused = corner.ask(method, path, query=(query,))
    assert (refused.status, refused.code) == (501, "NotImplemented")


@pytest.mark.parametrize(
    "header", ["x-amz-copy-source", "x-obs-copy-source", "x-amz-server-side-encryption", "If-None-Match"]
)
def test_a_header_that_asks_for_more_is_refused(corner: Corner, header: str) -> None:
    assert corner.ask("PUT", "/abc/k", BYTES, headers=((header, "*"),)).code == "NotImplemented"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/Abc/k", "InvalidBucketName"),
        ("/a_b/k", "InvalidBucketName"),
        (f"/abc/{'k' * 1025}", "KeyTooLongError"),
        (f"/abc/{'é' * 513}", "KeyTooLongError"),
        ("/abc/a\0b", "InvalidURI"),
    ],
)
def test_a_name_that_cannot_be_is_refused(corner: Corner, path: str, code: str) -> None:
    assert corner.ask("PUT", path, BYTES).code == code


def test_a_key_that_is_no_utf8_is_refused(corner: Corner) -> None:
    request = Request(operation="any", method="GET", path="/abc/k")
    now = datetime.now(UTC)
    headers = dict(LegacySigner(corner.signer.access_key, corner.signer._key).sign(request, now=now, nonce="").headers)
    text = signing.legacy_string("GET", "/abc/%FF", {"date": headers["Date"]}, prefix="x-obs-")
    headers["Authorization"] = f"OBS {corner.signer.access_key}:{signing.legacy_signature(corner.signer._key, text)}"
    assert corner.send("GET", "/abc/%ff", headers).code == "InvalidURI"


@pytest.mark.parametrize(
    "query",
    [
        ("max-keys", "x"),
        ("max-keys", "-1"),
        ("encoding-type", "base64"),
    ],
)
def test_a_list_that_cannot_be_is_refused(corner: Corner, query: tuple[str, str]) -> None:
    assert corner.ask("GET", "/abc", query=(query,)).code == "InvalidArgument"


def test_a_token_of_another_server_is_refused(corner: Corner) -> None:
    assert corner.ask("GET", "/abc", query=(("list-type", "2"), ("continuation-token", "é"))).code == "InvalidArgument"


def test_a_list_may_be_of_nothing(corner: Corner) -> None:
    corner.ask("PUT", "/nothing/k", BYTES)
    page = corner.ask("GET", "/nothing", query=(("max-keys", "0"),)).body
    assert b"<IsTruncated>false</IsTruncated>" in page
    assert b"<Contents>" not in page


@pytest.mark.parametrize("number", ["0", "10001", "x", "", "1e3"])
def test_a_part_has_a_number(corner: Corner, number: str) -> None:
    query = (("partNumber", number), ("uploadId", "u"))
    assert corner.ask("PUT", "/abc/k", BYTES, query=query).code == "InvalidArgument"


DONE = "<CompleteMultipartUpload>{}</CompleteMultipartUpload>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "MalformedXML"),
        ("<a", "MalformedXML"),
        ("<a/>", "MalformedXML"),
        (DONE.format(""), "MalformedXML"),
        (DONE.format("<Part/>"), "MalformedXML"),
        (DONE.format("<Part><PartNumber>x</PartNumber></Part>"), "MalformedXML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "MalformedXML"),
        (DONE.format("<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"), "InvalidPart"),
    ],
)
def test_an_upload_that_is_finished_wrongly_goes_on(corner: Corner, body: str, code: str) -> None:
    begun = ElementTree.fromstring(corner.ask("POST", "/abc/big", query=(("uploads", ""),)).body)
    upload = (("uploadId", begun[2].text or ""),)
    assert corner.ask("POST", "/abc/big", body.encode(), query=upload).code == code
    assert corner.ask("DELETE", "/abc/big", query=upload).status == 204
    assert corner.ask("DELETE", "/abc/big", query=upload).code == "NoSuchUpload"


def test_a_header_that_is_wished_cannot_break_the_answer(corner: Corner) -> None:
    corner.ask("PUT", "/abc/k", BYTES)
    query = (("response-content-type", "a\r\nx-evil: 1"), ("response-evil", "1"))
    found = corner.ask("GET", "/abc/k", query=query)
    assert found.headers["content-type"] == "a  x-evil: 1"
    assert not {"x-evil", "evil"} & found.headers.keys()


def test_names_in_a_list_are_escaped(corner: Corner) -> None:
    corner.ask("PUT", "/escaped/<&>\r\x01", BYTES)
    page = ElementTree.fromstring(corner.ask("GET", "/escaped").body)
    assert [item.text for item in page.iter() if item.tag.endswith("}Key")] == ["<&>\r?"]
    page = ElementTree.fromstring(corner.ask("GET", "/escaped", query=(("encoding-type", "url"),)).body)
    assert [item.text for item in page.iter() if item.tag.endswith("}Key")] == [quote("<&>\r\x01")]
