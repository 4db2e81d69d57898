"""Bodies as they stream, however they are cut: signed and unsigned chunks with their trailers, forms, and ranges."""

import io
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

import httpx
import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given
from hypothesis import strategies as st

from otabridge.objects import Frames
from otabridge.serve.objects_errand import span
from otabridge.serve.objects_form import LARGEST_FIELD, MOST_FIELDS, Form
from otabridge.serve.objects_frames import Unframed
from otabridge.serve.objects_intake import ObjectTrouble

CRC = "x-amz-checksum-crc32"
CUTS = st.lists(st.integers(0, 400), max_size=8)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Bytes in pieces."""
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


class Sink(bytearray):
    def write(self, data: bytes) -> None:
        self.extend(data)


class Chain:
    """Signatures that a person can read: the number of the chunk and the begin of its digest."""

    def __init__(self) -> None:
        self.number = 0

    def signature(self, text: str) -> str:
        self.number += 1
        return f"{self.number}-{text[:8]}"

    def holds(self, signature: str, digest: str) -> bool:
        return signature == self.signature(digest)

    def closes(self, signature: str, trailer: str) -> bool:
        return signature == self.signature(trailer)


def framed(chunks: list[bytes], *, trailer: str = "") -> bytes:
    """Signed chunks, and a signed trailer."""
    chain, body = Chain(), b""
    for chunk in [*chunks, b""]:
        end = b"\r\n" if chunk else b""
        signature = chain.signature(sha256(chunk).hexdigest())
        body += f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk + end
    if trailer:
        body += f"{trailer}\r\nx-amz-trailer-signature:{chain.signature(f'{trailer}{chr(10)}')}\r\n".encode()
    return body + b"\r\n"


def unframed(frames: Frames, pieces: Iterable[bytes]) -> tuple[bytes, dict[str, str]]:
    sink = Sink()
    taken = Unframed(frames, sink)
    for piece in pieces:
        taken.write(piece)
    taken.close()
    return bytes(sink), taken.digests


@given(st.binary(max_size=300), st.integers(1, 100), CUTS)
def test_the_framing_of_s3s_client_is_taken_off(data: bytes, size: int, places: list[int]) -> None:
    wrapper = AwsChunkedWrapper(io.BytesIO(data), checksum_cls=Crc32Checksum, checksum_name=CRC, chunk_size=size)
    frames = Frames(size=len(data), trailing={CRC: "crc32"})
    checksum = Crc32Checksum()
    checksum.update(data)
    found, digests = unframed(frames, cut(wrapper.read(), places))
    assert found == data
    assert digests == {"crc32": checksum.digest().hex()}


@given(st.lists(st.binary(min_size=1, max_size=90), max_size=4), CUTS)
def test_signed_chunks_are_checked_one_by_one(chunks: list[bytes], places: list[int]) -> None:
    data = b"".join(chunks)
    found, _ = unframed(Frames(size=len(data), chain=Chain()), cut(framed(chunks), places))
    assert found == data


def test_a_signed_trailer_is_checked() -> None:
    body = framed([b"bytes"], trailer=f"{CRC}:{b64encode(b'1234').decode()}")
    frames = Frames(size=5, chain=Chain(), trailing={CRC: "crc32"})
    assert unframed(frames, [body])[1] == {"crc32": b"1234".hex()}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (framed([b"bytes"]).replace(b"bytes", b"bytez"), "bad signature"),
        (framed([b"bytes"]).replace(b"chunk-signature=2", b"chunk-signature=3"), "bad signature"),
        (framed([b"bytes"], trailer="a:b").replace(b"a:b", b"a:c"), "bad signature"),
        (b"5\r\nbytes\r\n0\r\n\r\n", "bad signature"),
    ],
)
def test_a_signature_that_does_not_follow_is_refused(body: bytes, expected: str) -> None:
    with pytest.raises(ObjectTrouble) as error:
        unframed(Frames(size=5, chain=Chain()), [body])
    assert error.value.trouble == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5\r\nbytes\r\n",
        b"5\r\nbytes\r\n0\r\n",
        b"5\r\nby",
        b"4\r\nbyte\r\n0\r\n\r\n",
        b"6\r\nbytess\r\n0\r\n\r\n",
        b"5\r\nbytesX\r\n0\r\n\r\n",
        b"x\r\nbytes\r\n0\r\n\r\n",
        b"-5\r\nbytes\r\n0\r\n\r\n",
        b"5" * 5000,
        b"5\r\nbytes\r\n0\r\n" + b"a:b\r\n" * 30 + b"\r\n",
        b"5\r\nbytes\r\n0\r\n\r\nmore",
    ],
)
def test_a_broken_framing_is_refused(body: bytes) -> None:
    with pytest.raises(ObjectTrouble) as error:
        unframed(Frames(size=5), [body])
    assert error.value.trouble == "bad body"


def test_a_trailer_that_lacks_the_promised_digest_is_refused() -> None:
    with pytest.raises(ObjectTrouble) as error:
        unframed(Frames(size=5, trailing={CRC: "crc32"}), [b"5\r\nbytes\r\n0\r\n\r\n"])
    assert error.value.trouble == "bad body"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_framing_otherwise(body: bytes) -> None:
    with pytest.raises(ObjectTrouble) as error:
        unframed(Frames(size=301), [body])
    assert error.value.trouble == "bad body"


# --- forms ------------------------------------------------------------------------------------------------------------


def form(data: bytes, content_type: str, places: Iterable[int] = ()) -> tuple[Form, bytes]:
    form, file = Form(content_type), b""
    for piece in cut(data, places):
        form.write(piece)
        file += form.taken()
    form.close()
    return form, file


def encoded(fields: dict[str, str], file: bytes, name: str = "file") -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://h/", data=fields, files={name: ("a.bin", file)})
    return request.read(), request.headers["content-type"]


@given(st.dictionaries(st.sampled_from(["key", "Policy", "x"]), st.text(max_size=20)), st.binary(max_size=300), CUTS)
def test_a_form_gives_its_fields_and_its_file(fields: dict[str, str], file: bytes, places: list[int]) -> None:
    found, data = form(*encoded(fields, file), places)
    assert data == file
    assert found.fields == {name.lower(): value for name, value in fields.items()}


BOUNDARY = "multipart/form-data; boundary=b"
PART = b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'


def test_what_follows_the_file_is_nothing() -> None:
    parts = [PART % pair for pair in ((b"key", b"1"), (b"file", b"bytes"), (b"key", b"2"), (b"file", b"more"))]
    found, data = form(b"".join(parts) + b"--b--\r\n", BOUNDARY)
    assert data == b"bytes"
    assert found.fields == {"key": "1"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "bad form"),
        (b"nothing", "bad form"),
        (PART % (b"key", b"1") + b"--b--\r\n", "bad form"),
        (b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nby', "bad length"),
        (PART % (b"key", b"\xff") + PART % (b"file", b"") + b"--b--\r\n", "bad form"),
        (PART % (b"key", b"1" * (LARGEST_FIELD + 1)), "bad form"),
        (b"".join(PART % (b"%d" % number, b"1") for number in range(MOST_FIELDS + 1)), "bad form"),
    ],
)
def test_a_broken_form_is_refused(body: bytes, expected: str) -> None:
    with pytest.raises(ObjectTrouble) as error:
        form(body, BOUNDARY)
    assert error.value.trouble == expected


@pytest.mark.parametrize("kind", ["", "multipart/form-data", "application/json; boundary=b"])
def test_what_is_no_form_is_refused(kind: str) -> None:
    with pytest.raises(ObjectTrouble) as error:
        Form(kind)
    assert error.value.trouble == "bad form"


# --- ranges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=2-99", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=٣-4", None),
    ],
)
def test_a_range_is_understood_or_ignored(text: str, expected: tuple[int, int] | None) -> None:
    assert span(text, 10) == expected


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_without_a_byte_is_refused(text: str, size: int) -> None:
    with pytest.raises(ValueError, match="no byte"):
        span(text, size)
