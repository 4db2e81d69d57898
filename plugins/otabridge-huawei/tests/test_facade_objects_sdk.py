"""S3's client and the vendor's own are content with the facade's object storage, in every way that they sign."""

import io
import shutil
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from obs import CompleteMultipartUploadRequest, CompletePart, GetObjectHeader, ObsClient

from otabridge.serve import Server

KEY = "bbb/固件 v1~+&=%2F.bin"
SMALL = 100 << 10


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name below `localhost` be this machine, as resolvers should."""
    real = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **more: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".localhost") else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def url_of(server: Server, style: str) -> str:
    return server.url if style == "path" else server.url.replace("127.0.0.1", "obs.localhost")


# --- S3's client ------------------------------------------------------------------------------------------------------


def s3_client(server: Server, version: str = "s3v4", style: str = "path", checksums: str = "when_supported") -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url_of(server, style),
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="cn-north-4",
        config=Config(
            signature_version=version,
            s3={"addressing_style": style},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            retries={"total_max_attempts": 1},
        ),
    )


@pytest.fixture(
    params=[
        ("s3v4", "path", "when_supported"),
        ("s3v4", "path", "when_required"),
        ("s3v4", "virtual", "when_supported"),
        ("s3", "path", "when_supported"),
        ("s3", "path", "when_required"),
        ("s3", "virtual", "when_required"),
    ],
    ids="-".join,
)
def s3(request: pytest.FixtureRequest, server: Server) -> Iterator[Any]:
    client = s3_client(server, *request.param)
    yield client
    client.close()


def test_s3_puts_and_gets(s3: Any) -> None:
    put = s3.put_object(Bucket="abc", Key=KEY, Body=b"bytes", Metadata={"a": "b  c"}, ContentType="text/plain")
    found = s3.get_object(Bucket="abc", Key=KEY)
    assert found["Body"].read() == b"bytes"
    assert found["ETag"] == put["ETag"] == '"4b3a6218bb3e3a7303e8a171a60fcf92"'
    assert (found["ContentType"], found["Metadata"], found["ContentLength"]) == ("text/plain", {"a": "b  c"}, 5)
    assert s3.head_object(Bucket="abc", Key=KEY)["LastModified"] == found["LastModified"]


def test_s3_gets_a_range_and_another_type(s3: Any) -> None:
    s3.put_object(Bucket="abc", Key=KEY, Body=b"bytes")
    found = s3.get_object(Bucket="abc", Key=KEY, Range="bytes=1-2", ResponseContentType="a/b; c=d")
    assert (found["Body"].read(), found["ContentRange"], found["ContentType"]) == (b"yt", "bytes 1-2/5", "a/b; c=d")


def test_s3_lists_page_by_page(s3: Any) -> None:
    keys = [f"list/{name}" for name in ("a", "b/1", "b/2", "c+ d", "固")]
    for key in keys:
        s3.put_object(Bucket="listed", Key=key, Body=b"1")
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket="listed", Prefix="list/", PaginationConfig={"PageSize": 2})
        assert [row["Key"] for page in pages for row in page["Contents"]] == keys
        pages = s3.get_paginator(operation).paginate(
            Bucket="listed", Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        found = [*pages]
        assert [row["Key"] for page in found for row in page.get("Contents", ())] == [keys[0], *keys[3:]]
        assert [row["Prefix"] for page in found for row in page.get("CommonPrefixes", ())] == ["list/b/"]
    (row,) = s3.list_objects_v2(Bucket="listed", Prefix="list/a")["Contents"]
    assert (row["Size"], row["ETag"]) == (1, '"c4ca4238a0b923820dcc509a6f75849b"')


def test_s3_makes_and_finds_buckets(s3: Any) -> None:
    s3.create_bucket(Bucket="made", CreateBucketConfiguration={"LocationConstraint": "cn-north-4"})
    assert s3.head_bucket(Bucket="made")["BucketRegion"] == "local"
    assert "made" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket="made")["LocationConstraint"] == "local"


def test_s3_deletes(s3: Any) -> None:
    s3.put_object(Bucket="abc", Key="gone", Body=b"1")
    s3.delete_object(Bucket="abc", Key="gone")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="abc", Key="gone")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="abc", Key="gone")


def test_s3_transfers_a_file_in_parts(s3: Any, tmp_path: Path) -> None:
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.write_bytes(bytes(range(256)) * (60 << 10))
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_file(str(sent), "abc", "parts", Config=config)
    s3.download_file("abc", "parts", str(back), Config=config)
    assert back.read_bytes() == sent.read_bytes()
    assert s3.head_object(Bucket="abc", Key="parts")["ETag"].endswith('-3"')


def test_s3_works_through_an_upload_by_hand(s3: Any) -> None:
    begun = s3.create_multipart_upload(Bucket="abc", Key="hand", Metadata={"a": "1"})
    place = {"Bucket": "abc", "Key": "hand", "UploadId": begun["UploadId"]}
    parts = []
    for number, size in ((1, SMALL), (2, 5)):
        part = s3.upload_part(**place, PartNumber=number, Body=io.BytesIO(b"1" * size))
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    assert [part["Size"] for part in s3.list_parts(**place)["Parts"]] == [SMALL, 5]
    done = s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    assert done["ETag"] == s3.head_object(Bucket="abc", Key="hand")["ETag"]
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.abort_multipart_upload(**place)


def test_s3_signs_urls_that_others_use(s3: Any) -> None:
    place = {"Bucket": "abc", "Key": KEY}
    for method, operation, body in (("PUT", "put_object", b"by url"), ("GET", "get_object", b"")):
        url = s3.generate_presigned_url(operation, Params=place, ExpiresIn=60)
        answer = httpx.request(method, url, content=body)
        assert answer.status_code == 200, answer.text
    assert answer.content == b"by url"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_fetches_by_url(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="abc", Key=KEY, Body=b"bytes")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "abc", "Key": KEY}, ExpiresIn=60)
    there = ["--connect-to", f"::127.0.0.1:{urlsplit(url).port}"]
    command = ["curl", "--silent", "--fail", *there, "--range", "1-", url]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"ytes"


def test_s3_is_told_what_is_wrong_with_its_key(server: Server) -> None:
    for change, code in (
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "wrong"}, "InvalidAccessKeyId"),
    ):
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key} | change
        client = boto3.client("s3", endpoint_url=server.url, region_name="any", **keys)
        with pytest.raises(ClientError, match=code):
            client.put_object(Bucket="abc", Key="k", Body=b"bytes")
        client.close()


def test_s3_with_a_token_is_understood(server: Server) -> None:
    for version in ("s3v4", "s3"):
        client = boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name="any",
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            aws_session_token="any-token",
            config=Config(signature_version=version, s3={"addressing_style": "path"}),
        )
        client.put_object(Bucket="abc", Key="k", Body=b"bytes")
        url = client.generate_presigned_url("get_object", Params={"Bucket": "abc", "Key": "k"})
        assert httpx.get(url).content == b"bytes"
        client.close()


# --- the vendor's client ----------------------------------------------------------------------------------------------


@pytest.fixture(params=[(way, style) for way in ("obs", "v2", "v4") for style in ("path", "virtual")], ids="-".join)
def sdk(request: pytest.FixtureRequest, server: Server) -> Iterator[ObsClient]:
    way, style = request.param
    client = ObsClient(
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        server=url_of(server, style),
        signature=way,
        path_style=style == "path",
        region="cn-north-4",
        is_signature_negotiation=False,
        max_retry_count=0,
    )
    yield client
    client.close()


def good(answer: Any) -> Any:
    assert answer.status < 300, (answer.status, answer.errorCode, answer.errorMessage)
    return answer.body


@pytest.mark.official_sdk("huawei", "PutObject", "GetObject")
def test_the_vendors_client_puts_and_gets(sdk: ObsClient) -> None:
    put = good(sdk.putContent("abc", KEY, b"bytes", metadata={"a": "b  c"}))
    assert put.etag == '"4b3a6218bb3e3a7303e8a171a60fcf92"'
    assert good(sdk.getObject("abc", KEY, loadStreamInMemory=True)).buffer == b"bytes"
    part = sdk.getObject("abc", KEY, loadStreamInMemory=True, headers=GetObjectHeader(range="1-2"))
    assert (part.status, part.body.buffer) == (206, b"yt")
    found = sdk.getObjectMetadata("abc", KEY)
    assert (found.body.contentLength, found.body.etag) == (5, put.etag)
    assert ("a", "b  c") in found.header


def test_the_vendors_client_puts_files_and_deletes(sdk: ObsClient, tmp_path: Path) -> None:
    path = tmp_path / "app.bin"
    path.write_bytes(b"1" * 300_000)
    good(sdk.putFile("abc", "file", str(path)))
    good(sdk.deleteObject("abc", "file"))
    gone = sdk.getObject("abc", "file", loadStreamInMemory=True)
    assert (gone.status, gone.errorCode) == (404, "NoSuchKey")
    assert sdk.getObjectMetadata("abc", "file").status == 404


def test_the_vendors_client_makes_and_lists(sdk: ObsClient) -> None:
    good(sdk.createBucket("vendor", location="cn-north-4"))
    good(sdk.headBucket("vendor"))
    good(sdk.putContent("vendor", KEY, b"bytes"))
    (row,) = good(sdk.listObjects("vendor", prefix="bbb/", max_keys=10)).contents
    assert (row.key, row.size, row.etag) == (KEY, 5, '"4b3a6218bb3e3a7303e8a171a60fcf92"')
    assert "vendor" in [bucket.name for bucket in good(sdk.listBuckets()).buckets]
    if sdk.signature == "obs":  # in S3's dialect this client looks for the place where S3 does not have it
        assert good(sdk.getBucketLocation("vendor")).location == "local"


def test_the_vendors_client_uploads_in_parts(sdk: ObsClient) -> None:
    upload = good(sdk.initiateMultipartUpload("abc", "big")).uploadId
    sizes = {1: SMALL, 2: 5}
    tags = {number: good(sdk.uploadPart("abc", "big", number, upload, b"1" * sizes[number])).etag for number in sizes}
    assert [part.size for part in good(sdk.listParts("abc", "big", upload)).parts] == [*sizes.values()]
    request = CompleteMultipartUploadRequest([CompletePart(number, tag) for number, tag in tags.items()])
    assert good(sdk.completeMultipartUpload("abc", "big", upload, request)).etag.endswith('-2"')
    assert good(sdk.getObjectMetadata("abc", "big")).contentLength == SMALL + 5
    second = good(sdk.initiateMultipartUpload("abc", "big")).uploadId
    good(sdk.abortMultipartUpload("abc", "big", second))


def test_the_vendors_client_signs_urls(sdk: ObsClient, server: Server) -> None:
    for method, body in (("PUT", b"by url"), ("GET", None)):
        signed = sdk.createSignedUrl(method, "abc", KEY, expires=60)
        connection = HTTPConnection(urlsplit(server.url).netloc, timeout=20)
        target = signed.signedUrl.split("/", 3)[3]
        connection.request(method, f"/{target}", body=body, headers=dict(signed.actualSignedRequestHeaders))
        answer = connection.getresponse()
        received = answer.read()
        connection.close()
        assert answer.status == 200, received
    assert received == b"by url"


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_vendors_client_asks_which_signature_is_understood(server: Server, style: str) -> None:
    client = ObsClient(
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        server=url_of(server, style),
        path_style=style == "path",
        max_retry_count=0,
    )
    assert good(client.putContent("abc", "k", b"bytes")).etag
    client.close()
    schemes = {"path": "AWS", "virtual": "OBS"}
    assert server.record.entries[-1].verdict.scheme == schemes[style]
