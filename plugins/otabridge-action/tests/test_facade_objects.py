"""Files to and from the facade: the form upload that a grant allows, and the signed URLs that a package's files have."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
import requests
from otabridge_action.signing import oss_signature, oss_string_to_sign

from otabridge import connect
from otabridge.objects import PACKAGES, UPLOADS
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


def test_what_an_upload_brings_becomes_a_package_that_can_be_fetched(server: Server, url: str, tmp_path: Path) -> None:
    name = next(name for name in CLOUDS if server.urls[name] == url)
    keys = {"access_key_id": server.access_key, "access_key_secret": server.secret_key, "quotas": "off"}
    with connect(backend=name, endpoint=url, **keys) as cloud:
        backend = cloud._runner.exchange.backend
        assert backend.name == name
        (package_id,) = [created(server, url, name)]
        (path,) = cloud.packages.download(package_id, tmp_path)
        assert path.read_bytes() == BYTES
