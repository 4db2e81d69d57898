"""Files of packages, to the facade's objects and back: in one piece and in parts, signed each way, with faults."""

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otabridge_huawei.artifacts import Parts
from otabridge_huawei.backend import HuaweiBackend
from otabridge_huawei.obs_calls import SplitSigner
from otabridge_huawei.obs_signing import V4Signer
from otabridge_huawei.settings import HuaweiSettings

from otabridge._exchange import Exchange
from otabridge.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    IntegrityError,
    NotFoundError,
    OtaBridgeError,
    UnsupportedError,
    ValidationError,
)
from otabridge.models import Artifact, ObjectLocation, Package, UrlLocation
from otabridge.serve import Fault, Server, running
from otabridge.signing import World
from otabridge.wire import Request
from tests.support.runner import COLOURS

BYTES = bytes(range(256)) * 9000
DIGEST = sha256(BYTES).hexdigest()
PART = 1 << 20
_versions = (f"1.{number}" for number in itertools.count())
PARTS = ["UploadPart"] * 3


async def _at_once(_: float) -> None:
    pass


class User:
    """A client of a server, in one colour, and the calls that it has made."""

    def __init__(self, server: Server, colour: str, transport: Any = None, **changes: Any) -> None:
        self.calls: list[str] = []
        given = {name: value for name, value in (server.settings("huawei") | changes).items() if value is not None}
        world = World(sleep=lambda _: None, asleep=_at_once)
        given.pop("backend")
        self.backend = HuaweiBackend(HuaweiSettings(**given), world=world)
        exchange = Exchange(self.backend, observe=lambda event: self.calls.append(event.operation))
        self.made = COLOURS[colour](exchange, transport)

    def publish(self, file: Path) -> Package:
        """A package of a file, of a version that there is not yet."""
        draft = {"product": "p1", "module": "mcu", "version": next(_versions)}
        return self._done(self.made.client.packages.publish(file, **draft))

    def stage(self, file: Path, filename: str = "app.bin") -> Artifact:
        return self.made.run(self.backend.stage_artifact(path=file, filename=filename))

    def download(self, package: Package, folder: Path) -> tuple[Path, ...]:
        return self._done(self.made.client.packages.download(package.id, folder))

    def open(self, artifact: Artifact, folder: Path) -> Path:
        return self.made.run(self.backend.open_artifact(artifact=artifact, folder=folder))

    def _done(self, result: Any) -> Any:
        return self.made.loop.run(result) if hasattr(self.made, "loop") else result


@contextmanager
def served(*faults: Fault) -> Iterator[Server]:
    with running("huawei", faults=faults) as server:
        server.cloud.modules.create("mcu", product="p1")
        yield server
        server.faults.check()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.tar.gz"
    path.write_bytes(BYTES)
    return path


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this test go up in parts."""
    monkeypatch.setattr("otabridge_huawei.artifacts.ONE_PIECE", PART)
    monkeypatch.setattr("otabridge_huawei.artifacts.PART", PART)


@pytest.fixture(params=["sync", "async"])
def use(request: pytest.FixtureRequest) -> Iterator[Callable[..., User]]:
    """A maker of users, all of one colour."""
    users: list[User] = []

    def make(server: Server, **more: Any) -> User:
        users.append(User(server, request.param, **more))
        return users[-1]

    yield make
    for user in users:
        user.made.close()


def objects(server: Server, user: User) -> list[str]:
    """The keys in the bucket."""
    signer = V4Signer(server.access_key, server.secret_key, region="r")
    request = Request(operation="ListObjects", origin=server.url, path=f"/{user.backend.config.bucket}")
    sent = signer.sign(request, now=World().now(), nonce="")
    answer = httpx.get(server.url + sent.target, headers=dict(sent.headers))
    return [part.partition("</Key>")[0] for part in answer.text.split("<Key>")[1:]]


def test_a_file_is_published_and_comes_back(use: Callable[..., User], file: Path, tmp_path: Path) -> None:
    with served() as server:
        user = use(server, obs_prefix="ota/")
        package = user.publish(file)
        (path,) = user.download(package, tmp_path / "out")
    assert (path.name, path.read_bytes()) == (f"{DIGEST}.tar.gz", BYTES)
    (artifact,) = package.artifacts
    assert artifact.checksum
    assert artifact.checksum.hex == DIGEST
    bucket = server.hints["huawei"]["bucket"]
    key = f"ota/{DIGEST}/app.tar.gz"
    assert artifact.location == ObjectLocation(region="cn-north-4", bucket=bucket, key=key)
    assert user.calls == ["PutObject", "CreateOtaPackage", "ShowOtaPackage", "GetObject"]


def test_a_large_file_goes_up_in_parts(use: Callable[..., User], in_parts: None, file: Path, tmp_path: Path) -> None:
    with served() as server:
        user = use(server)
        (path,) = user.download(user.publish(file), tmp_path / "out")
    assert path.read_bytes() == BYTES
    assert user.calls[:5] == ["InitiateMultipartUpload", *PARTS, "CompleteMultipartUpload"]


def test_a_repeat_writes_the_same_bytes_in_the_same_place(use: Callable[..., User], file: Path) -> None:
    with served() as server:
        user = use(server)
        assert user.stage(file) == user.stage(file)
        assert objects(server, user) == [f"{DIGEST}/app.bin"]


def test_an_empty_file_is_one(use: Callable[..., User], tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with served() as server:
        user = use(server)
        staged = user.stage(path)
        found = user.open(staged, tmp_path / "out")
    assert (staged.size, found.read_bytes()) == (0, b"")


@pytest.mark.parametrize("filename", ["固件 v1~+&=%2F?#.bin", "..\\x.bin", "a/b.bin", "." * 9 + "bin"])
def test_a_name_of_any_kind_is_a_key_and_no_path(
    use: Callable[..., User], file: Path, tmp_path: Path, filename: str
) -> None:
    with served() as server:
        user = use(server)
        staged = user.stage(file, filename)
        found = user.open(staged, tmp_path / "out")
    assert staged.location
    assert found.name == f"{DIGEST}.bin"


@pytest.fixture
def local_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name below `localhost` be this machine, as resolvers should."""
    real = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **more: Any) -> Any:
        named = host.decode() if isinstance(host, bytes) else str(host)
        return real("127.0.0.1" if named.endswith(".localhost") else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.mark.parametrize("signature", ["v4", "v2", "obs"])
@pytest.mark.parametrize("addressing", ["virtual", "path"])
@pytest.mark.parametrize("parts", [False, True])
def test_each_signature_is_understood_with_either_addressing(
    use: Callable[..., User],
    file: Path,
    tmp_path: Path,
    local_names: None,
    request: pytest.FixtureRequest,
    signature: str,
    addressing: str,
    parts: bool,
) -> None:
    if parts:
        request.getfixturevalue("in_parts")
    with served() as server:
        store = server.url.replace("127.0.0.1", "obs.localhost")
        user = use(server, obs_endpoint=store, obs_signature=signature, obs_addressing=addressing)
        found = user.open(user.stage(file), tmp_path / "out")
    assert found.read_bytes() == BYTES


def test_a_file_of_another_bucket_comes_too(use: Callable[..., User], file: Path, tmp_path: Path) -> None:
    with served() as server:
        staged = use(server, bucket="another-one").stage(file)
        assert use(server).open(staged, tmp_path / "out").read_bytes() == BYTES


# --- what is missing or wrong -----------------------------------------------------------------------------------------

MISSING = {
    "bucket": ({"bucket": None}, "settings bucket and region"),
    "keys": (
        {"access_key": None, "secret_key": None, "username": "u", "password": "p", "domain": "d"},
        "settings access_key and secret_key",
    ),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_setting_that_is_missing_is_told_before_anything_is_sent(
    use: Callable[..., User], file: Path, case: str
) -> None:
    changes, words = MISSING[case]
    with served() as server:
        user = use(server, **changes)
        with pytest.raises(ConfigurationError, match=words):
            user.stage(file)
    assert user.calls == []


@pytest.mark.parametrize(
    ("region", "bucket", "key"),
    [
        ("cn-north-4", "evil.test/", "a.bin"),
        ("cn-north-4", "evil.test#", "a.bin"),
        ("cn-north-4", "user@evil", "a.bin"),
        ("r.evil.test/", "abc", "a.bin"),
        ("", "abc", "a.bin"),
        ("cn-north-4", "abc", ""),
        ("cn-north-4", "abc", "../../a.bin"),
    ],
)
def test_names_from_a_cloud_lead_nowhere_else(
    use: Callable[..., User], tmp_path: Path, region: str, bucket: str, key: str
) -> None:
    location = ObjectLocation(region=region, bucket=bucket, key=key)
    with served() as server, pytest.raises(ValidationError):
        use(server, validate="off").open(Artifact(name="a.bin", location=location), tmp_path / "out")


def test_what_is_no_object_is_refused_in_words(use: Callable[..., User], tmp_path: Path) -> None:
    with served() as server, pytest.raises(UnsupportedError, match="no object in a bucket"):
        use(server).open(Artifact(name="a.bin", location=UrlLocation(url="https://a.test/a.bin")), tmp_path)


def test_an_object_that_is_not_there_is_not_found(use: Callable[..., User], tmp_path: Path) -> None:
    location = ObjectLocation(region="cn-north-4", bucket="abc", key="none.bin")
    with served() as server, pytest.raises(NotFoundError):
        use(server).open(Artifact(name="none.bin", location=location), tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []


def test_a_wrong_key_is_refused_and_nothing_is_told_of_it(use: Callable[..., User], file: Path) -> None:
    with served() as server, pytest.raises(AuthenticationError) as caught:
        use(server, secret_key="wrong-secret-key").stage(file)
    assert "wrong-secret-key" not in repr(vars(caught.value))


def test_a_signer_of_both_is_neither_copied_nor_shown(use: Callable[..., User]) -> None:
    with served() as server:
        user = use(server)
        signer = user.made.run(user.backend.credential()).signer
    assert isinstance(signer, SplitSigner)
    assert server.secret_key not in repr(signer)
    with pytest.raises(TypeError, match="cannot be pickled"):
        signer.__reduce__()


# --- faults -----------------------------------------------------------------------------------------------------------

WHOLE, PARTED = ("PutObject",), ("InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
RIDDEN_OUT = [
    *(Fault(kind=kind, operation=each, call=1) for kind in ("drop", "lose", "truncate") for each in (*WHOLE, *PARTED)),
    *(Fault(kind="answer", status=503, operation=each, call=1) for each in (*WHOLE, *PARTED, "GetObject")),
    *(Fault(kind="throttle", operation=each, call=1, retry_after=0) for each in (*WHOLE, *PARTED, "GetObject")),
    Fault(kind="answer", status=200, code="InternalError", operation="CompleteMultipartUpload", call=1),
    *(Fault(kind=kind, operation="GetObject", call=1) for kind in ("drop", "truncate")),
]


@pytest.mark.parametrize("fault", RIDDEN_OUT, ids=lambda fault: f"{fault.kind} {fault.operation} {fault.status}")
def test_a_fault_that_passes_is_ridden_out(
    use: Callable[..., User], request: pytest.FixtureRequest, file: Path, tmp_path: Path, fault: Fault
) -> None:
    if fault.operation in PARTED:
        request.getfixturevalue("in_parts")
    with served(fault) as server:
        user = use(server)
        (path,) = user.download(user.publish(file), tmp_path / "out")
    assert path.read_bytes() == BYTES
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("operation", PARTED)
def test_an_upload_in_parts_that_fails_leaves_nothing(
    use: Callable[..., User], in_parts: None, file: Path, operation: str
) -> None:
    with served(Fault(kind="answer", status=500, operation=operation)) as server:
        user = use(server)
        with pytest.raises(OtaBridgeError):
            user.publish(file)
        assert objects(server, user) == []
    assert "CreateOtaPackage" not in user.calls
    assert (user.calls[-1] == "AbortMultipartUpload") == (operation != PARTED[0])


def test_a_completed_upload_whose_answer_is_an_error_is_none(
    use: Callable[..., User], in_parts: None, file: Path
) -> None:
    """S3's stores say 200 before they know, and then an error in the body."""
    fault = Fault(kind="answer", status=200, code="InternalError", operation="CompleteMultipartUpload")
    with served(fault) as server:
        user = use(server)
        with pytest.raises(ApiError, match="InternalError"):
            user.publish(file)
        assert objects(server, user) == []


class Flipping(httpx.HTTPTransport):
    """Turns one bit of what goes up, or of what comes down."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        of_object = request.method == self._method and DIGEST in request.url.path
        if of_object and self._method == "PUT":
            request.stream = httpx.ByteStream(flipped(b"".join(request.stream)))  # type: ignore[arg-type]
        reply = super().handle_request(request)
        if of_object and self._method == "GET":
            reply = httpx.Response(
                reply.status_code, headers=reply.headers, stream=httpx.ByteStream(flipped(reply.read()))
            )
        return reply


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_flipped_bit_is_noticed(
    request: pytest.FixtureRequest, file: Path, tmp_path: Path, method: str, parts: bool
) -> None:
    if parts:
        request.getfixturevalue("in_parts")
    with served() as server, Flipping(method) as transport:
        user = User(server, "sync", transport)
        with pytest.raises(ApiError if method == "PUT" else IntegrityError):
            user.download(user.publish(file), tmp_path / "out")
        assert bool(objects(server, user)) == (method == "GET")
        user.made.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


@pytest.mark.parametrize("parts", [False, True])
def test_a_file_that_changes_as_it_is_uploaded_is_no_object(
    use: Callable[..., User], request: pytest.FixtureRequest, file: Path, monkeypatch: pytest.MonkeyPatch, parts: bool
) -> None:
    if parts:
        request.getfixturevalue("in_parts")
    with served() as server:
        user = use(server)
        hidden = user.backend._checked

        def changed(location: ObjectLocation) -> ObjectLocation:
            file.write_bytes(flipped(BYTES))
            return hidden(location)

        monkeypatch.setattr(user.backend, "_checked", changed)
        with pytest.raises(IntegrityError, match="changed while it was sent"):
            user.publish(file)
        assert objects(server, user) == []


@settings(deadline=None)
@given(chunks=st.lists(st.binary(max_size=30)), size=st.integers(1, 9))
def test_the_parts_of_a_file_are_all_of_it_and_none_is_longer(chunks: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otabridge_huawei.artifacts.PART", size)
        parts = Parts()
        for chunk in chunks:
            parts(chunk)
        bodies = parts.bodies(Path("app.bin"))
    data = b"".join(chunks)
    assert [body.offset for body in bodies] == [*range(0, len(bodies) * size, size)]
    assert [body.size for body in bodies[:-1]] == [size] * (len(bodies) - 1)
    assert bodies[-1].offset + bodies[-1].size == len(data)
