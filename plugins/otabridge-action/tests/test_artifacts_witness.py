"""Witnesses of the form upload that are not ours: S3's client signs the same policy, moto's S3 server reads our form.

OSS has taken both over from S3's browser uploads: the policy in Base64, its HMAC-SHA1, the file as the last part.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from otabridge_action.schema_uploads import Grant
from otabridge_action.signing import oss_signature

from otabridge._exchange import Exchange
from otabridge.objects import UPLOADS
from otabridge.registry import Registry
from otabridge.serve import running
from tests.support.moto import moto_server
from tests.support.runner import COLOURS

BYTES = bytes(range(256)) * 9000
SECRET = "SkExample000000000000000000002"


def s3(url: str, key: str, secret: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(signature_version="s3", s3={"addressing_style": "path"}),
    )


def test_a_policy_is_signed_as_s3s_client_signs_it() -> None:
    client = s3("http://127.0.0.1:1", "AK", SECRET)
    fields = client.generate_presigned_post("firmware", "ota/a.bin", Conditions=[["content-length-range", 0, 9]])[
        "fields"
    ]
    assert oss_signature(SECRET, fields["policy"]) == fields["signature"]
    client.close()


@pytest.mark.parametrize("name", ["tuya", "aliyun"])
@pytest.mark.parametrize(("wrong", "status"), [("", 204), ("x", 403)])
def test_the_facade_takes_a_form_that_others_made_and_signed(name: str, wrong: str, status: int) -> None:
    with running(name) as server:
        client = s3(server.url, server.access_key, server.secret_key + wrong)
        fields = client.generate_presigned_post(UPLOADS, "ota/theirs/app.bin")["fields"]
        fields["OSSAccessKeyId"] = fields.pop("AWSAccessKeyId")
        answer = requests.post(f"{server.url}/", data=fields, files={"file": BYTES}, timeout=20)
        client.close()
    assert answer.status_code == status


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    """S3's client of the server, which has a bucket."""
    with moto_server() as (url, _):
        client = s3(url, "AK", SECRET)
        client.create_bucket(Bucket="firmware")
        yield client
        client.close()


@pytest.mark.parametrize("name", ["tuya", "aliyun"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_s3s_server_reads_the_form_that_we_send(
    moto: Any, name: str, colour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = tmp_path / "app.bin", moto.meta.endpoint_url
    path.write_bytes(BYTES)
    kind: Any = Registry().backend(name)
    backend = kind(kind.settings(endpoint=url, access_key_id="AK", access_key_secret=SECRET))
    made = moto.generate_presigned_post("firmware", f"ota/{name} {colour}/主控.bin")["fields"]

    def granted(_: str) -> Any:
        yield from ()
        place = {"host": f"{url}/firmware", "url": f"{url}/firmware/{made['key']}", "access_key": "AK"}
        return Grant(**place, key=made["key"], policy=made["policy"], signature=made["signature"])

    monkeypatch.setattr(backend, "_grant", granted)
    user = COLOURS[colour](Exchange(backend))
    staged = user.run(backend.stage_artifact(path=path, filename="app.bin"))
    user.close()
    assert moto.get_object(Bucket="firmware", Key=made["key"])["Body"].read() == BYTES
    assert (staged.name, staged.size) == ("主控.bin", len(BYTES))
