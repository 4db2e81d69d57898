"""Witness: moto's S3 server, which shares no code with ours, checks our signatures and bytes and keeps our objects."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from otabridge_huawei.backend import HuaweiBackend
from otabridge_huawei.settings import HuaweiSettings

from otabridge._exchange import Exchange
from otabridge.errors import AuthenticationError, IntegrityError, NotFoundError, OtaBridgeError
from otabridge.models import Artifact, Checksum, ObjectLocation
from tests.support.moto import moto_server
from tests.support.runner import COLOURS

BYTES = bytes(range(256)) * (50 << 10)  # 12.5 MiB
PART = 5 << 20  # the least that S3 takes
REGION = "cn-north-4"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def moto() -> Iterator[SimpleNamespace]:
    """The server, with a bucket and a user whose keys are checked from now on; and S3's own client of it."""
    import boto3
    from botocore.config import Config

    with moto_server() as (url, ask):

        def client(service: str, key: str, secret: str) -> Any:
            return boto3.client(
                service,
                endpoint_url=url,
                region_name=REGION,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                config=Config(signature_version="s3v4" if service == "s3" else "v4", s3={"addressing_style": "path"}),
            )

        iam = client("iam", "any", "any")
        iam.create_user(UserName="maker")
        iam.put_user_policy(UserName="maker", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
        keys = iam.create_access_key(UserName="maker")["AccessKey"]
        key, secret = keys["AccessKeyId"], keys["SecretAccessKey"]
        s3 = client("s3", key, secret)
        s3.create_bucket(Bucket="firmware", CreateBucketConfiguration={"LocationConstraint": REGION})
        ask("reset-auth", "0")  # after so many calls signatures are checked
        yield SimpleNamespace(url=url, key=key, secret=secret, s3=s3)
        ask("reset-auth", "inf")
        iam.close()
        s3.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    return path


class User:
    """Our client of that server."""

    def __init__(self, moto: SimpleNamespace, colour: str, **changes: Any) -> None:
        given = {"region": REGION, "project_id": "p", "access_key": moto.key, "secret_key": moto.secret}
        more = {"bucket": "firmware", "obs_endpoint": moto.url} | changes
        self.backend = HuaweiBackend(HuaweiSettings(**(given | more)))
        self.calls: list[str] = []
        exchange = Exchange(self.backend, observe=lambda event: self.calls.append(event.operation))
        self.made = COLOURS[colour](exchange)

    def stage(self, file: Path, filename: str = "app.bin") -> Artifact:
        return self.made.run(self.backend.stage_artifact(path=file, filename=filename))

    def open(self, artifact: Artifact, folder: Path) -> Path:
        return self.made.run(self.backend.open_artifact(artifact=artifact, folder=folder))


@pytest.fixture(params=["sync", "async"])
def use(request: pytest.FixtureRequest, moto: SimpleNamespace) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def make(**changes: Any) -> User:
        users.append(User(moto, request.param, **changes))
        return users[-1]

    yield make
    for user in users:
        user.made.close()


@pytest.fixture(params=["whole", "in parts"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "in parts":
        monkeypatch.setattr("otabridge_huawei.artifacts.ONE_PIECE", PART)
        monkeypatch.setattr("otabridge_huawei.artifacts.PART", PART)
    return str(request.param)


@pytest.mark.parametrize("filename", ["app.bin", "固件 v1~+&=%2F.bin"])
def test_s3_has_what_we_bring_and_we_get_it_back(
    use: Callable[..., User], moto: SimpleNamespace, way: str, file: Path, tmp_path: Path, filename: str
) -> None:
    user = use(obs_prefix=f"{way}/")
    staged = user.stage(file, filename)
    key, digest = staged.location.key, sha256(BYTES).hexdigest()  # type: ignore[union-attr]
    found = moto.s3.get_object(Bucket="firmware", Key=key)
    assert key == f"{way}/{digest}/{filename}"
    assert found["Body"].read() == BYTES
    assert found["Metadata"] == {"sha256": digest}
    assert found["ETag"].endswith('-3"') == (way == "in parts")
    assert user.open(staged, tmp_path / "out").read_bytes() == BYTES


def test_what_s3_client_brings_we_get(use: Callable[..., User], moto: SimpleNamespace, tmp_path: Path) -> None:
    moto.s3.put_object(Bucket="firmware", Key="theirs/a b.bin", Body=b"theirs")
    location = ObjectLocation(region=REGION, bucket="firmware", key="theirs/a b.bin")
    checksum = Checksum(algorithm="sha256", hex=sha256(b"theirs").hexdigest())
    artifact = Artifact(name="a.bin", size=6, checksum=checksum, location=location)
    assert use().open(artifact, tmp_path / "out").read_bytes() == b"theirs"


@pytest.mark.parametrize("case", ["secret", "key"])
def test_s3_refuses_a_wrong_signature_and_an_unknown_key(
    use: Callable[..., User], file: Path, way: str, case: str
) -> None:
    wrong = {"secret": {"secret_key": "wrong"}, "key": {"access_key": "AKIANOBODY"}}[case]
    with pytest.raises(AuthenticationError):
        use(**wrong).stage(file)


def test_an_upload_that_fails_is_aborted(
    use: Callable[..., User], moto: SimpleNamespace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otabridge_huawei.artifacts.ONE_PIECE", PART)
    monkeypatch.setattr("otabridge_huawei.artifacts.PART", PART)
    user = use(obs_prefix="aborted/")
    hidden = user.backend._part

    def changed(*given: Any) -> Any:
        if given[2][0][1] == "3":
            file.write_bytes(BYTES[:-1] + b"x")
        return (yield from hidden(*given))

    monkeypatch.setattr(user.backend, "_part", changed)
    with pytest.raises(IntegrityError):
        user.stage(file)
    assert "Uploads" not in moto.s3.list_multipart_uploads(Bucket="firmware")
    assert "Contents" not in moto.s3.list_objects_v2(Bucket="firmware", Prefix="aborted/")


@pytest.mark.parametrize("lie", ["bytes", "length"])
def test_an_object_that_is_another_one_leaves_nothing(
    use: Callable[..., User], moto: SimpleNamespace, file: Path, tmp_path: Path, lie: str
) -> None:
    user = use(obs_prefix=f"{lie}/")
    staged = user.stage(file)
    other = BYTES[:-1] + (b"x" if lie == "bytes" else b"")
    moto.s3.put_object(Bucket="firmware", Key=staged.location.key, Body=other)  # type: ignore[union-attr]
    with pytest.raises(IntegrityError):
        user.open(staged, tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []


def test_what_is_gone_is_not_found(use: Callable[..., User], moto: SimpleNamespace, file: Path, tmp_path: Path) -> None:
    user = use(obs_prefix="gone/")
    staged = user.stage(file)
    moto.s3.delete_object(Bucket="firmware", Key=staged.location.key)  # type: ignore[union-attr]
    with pytest.raises(NotFoundError):
        user.open(staged, tmp_path / "out")
    with pytest.raises(OtaBridgeError, match="bucket"):
        use(bucket="no-such-bucket").stage(file)
