"""Files of packages, to the facades and back, in both colours: grants that expire, faults, and who may be asked."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from otabridge_action.backend import ActionBackend

from otabridge._exchange import Exchange
from otabridge.errors import (
    ApiError,
    AuthenticationError,
    ForbiddenError,
    IntegrityError,
    OtaBridgeError,
    ProtocolError,
    ServerError,
    UnsupportedError,
)
from otabridge.models import Artifact, LocalLocation, Package, UrlLocation
from otabridge.registry import Registry
from otabridge.serve import Fault, Server, running
from otabridge.signing import World
from tests.support.runner import COLOURS

BYTES = bytes(range(256)) * 9000  # more than two chunks
DIGEST = sha256(BYTES).hexdigest()
_versions = (f"1.{number}" for number in itertools.count())


class Clock:
    """The server's time, which moves only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)


class User:
    """A client of a server, in one colour, and the calls that it has made."""

    def __init__(
        self, server: Server, name: str, colour: str, transport: Any = None, clock: Clock | None = None
    ) -> None:
        self.calls: list[str] = []
        given = server.settings(name)
        kind: Any = Registry().backend(given.pop("backend"))
        now = (lambda: clock.now) if clock else lambda: datetime.now(UTC)
        world = World(now=now, sleep=lambda _: None, asleep=_at_once)
        backend: ActionBackend = kind(kind.settings(**given), world=world)
        exchange = Exchange(backend, observe=lambda event: self.calls.append(event.operation))
        self.made = COLOURS[colour](exchange, transport)
        self.backend = backend

    def publish(self, file: Path, **more: Any) -> Package:
        """A package of a file, of a version that there is not yet."""
        draft = {"product": "p1", "module": "mcu", "version": next(_versions)} | more
        return self._done(self.made.client.packages.publish(file, **draft))

    def download(self, package: Package, folder: Path) -> tuple[Path, ...]:
        return self._done(self.made.client.packages.download(package.id, folder))

    def open(self, artifact: Artifact, folder: Path) -> Path:
        return self.made.run(self.backend.open_artifact(artifact=artifact, folder=folder))

    def _done(self, result: Any) -> Any:
        return self.made.loop.run(result) if hasattr(self.made, "loop") else result


async def _at_once(_: float) -> None:
    pass


@pytest.fixture(params=["tuya", "aliyun"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.tar.gz"
    path.write_bytes(BYTES)
    return path


@contextmanager
def served(name: str, *faults: Fault, clock: Clock | None = None) -> Iterator[Server]:
    world = World(now=lambda: clock.now) if clock else None
    with running(name, faults=faults, world=world) as server:
        server.cloud.modules.create("mcu", product="p1")
        yield server
        server.faults.check()


@pytest.fixture(params=["sync", "async"])
def use(request: pytest.FixtureRequest) -> Iterator[Callable[..., User]]:
    """A maker of users, all of one colour."""
    users: list[User] = []

    def make(server: Server, name: str, **more: Any) -> User:
        users.append(User(server, name, request.param, **more))
        return users[-1]

    yield make
    for user in users:
        user.made.close()


def test_a_file_is_published_and_comes_back(use: Callable[..., User], name: str, file: Path, tmp_path: Path) -> None:
    with served(name) as server:
        user = use(server, name)
        package = user.publish(file)
        (path,) = user.download(package, tmp_path / "out")
        (kept,) = server.cloud.packages.get(package.id).artifacts
    assert (path.name, path.read_bytes()) == (f"{DIGEST}.tar.gz", BYTES)
    assert (kept.size, kept.checksum and kept.checksum.hex) == (len(BYTES), DIGEST)
    (artifact,) = package.artifacts
    digest = DIGEST if name == "tuya" else md5(BYTES).hexdigest()
    assert (artifact.size, artifact.checksum and artifact.checksum.hex) == (len(BYTES), digest)
    assert user.calls == [
        *("GenerateOTAUploadURL", "PostObject", "CreateOTAFirmware"),
        *("QueryOTAFirmware", "GetObject"),
    ]


def test_a_file_that_cannot_become_a_package_is_not_uploaded(
    use: Callable[..., User], name: str, tmp_path: Path
) -> None:
    path = tmp_path / "app.exe"
    path.write_bytes(BYTES)
    with served(name) as server:
        user = use(server, name)
        with pytest.raises(OtaBridgeError, match="ends in one of"):
            user.publish(path)
    assert user.calls == []


# --- grants -----------------------------------------------------------------------------------------------------------


def test_a_grant_that_has_expired_is_asked_for_anew(use: Callable[..., User], name: str, file: Path) -> None:
    clock = Clock()
    with served(name, clock=clock) as server:
        user = use(server, name)
        hidden = user.backend._grant

        def late(filename: str) -> Any:
            grant = yield from hidden(filename)
            clock.now += timedelta(minutes=2) if user.calls == ["GenerateOTAUploadURL"] else timedelta()
            return grant

        user.backend._grant = late  # type: ignore[method-assign]
        package = user.publish(file)
    assert package.artifacts[0].size == len(BYTES)
    assert user.calls == [
        "GenerateOTAUploadURL",
        "PostObject",
        "GenerateOTAUploadURL",
        "PostObject",
        "CreateOTAFirmware",
    ]


def test_a_grant_that_is_refused_twice_is_the_end(use: Callable[..., User], name: str, file: Path) -> None:
    with served(name, Fault(kind="expire", operation="PostObject")) as server:
        user = use(server, name)
        with pytest.raises(AuthenticationError):
            user.publish(file)
        assert [*server.cloud.packages.list(product="p1")] == []
    assert user.calls.count("PostObject") == 2


def test_an_upload_goes_to_hosts_that_are_known_alone(use: Callable[..., User], name: str, file: Path) -> None:
    with served(name) as server:
        user = use(server, name)
        hidden = user.backend._grant

        def elsewhere(filename: str) -> Any:
            return replace((yield from hidden(filename)), host="https://evil.test")

        user.backend._grant = elsewhere  # type: ignore[method-assign]
        with pytest.raises(ProtocolError, match=r"evil\.test is no host that is known"):
            user.publish(file)
    assert user.calls == ["GenerateOTAUploadURL"]


# --- URLs -------------------------------------------------------------------------------------------------------------


def stale(user: User, package: Package) -> Artifact:
    """The artifact of a package, as it was told of some time ago."""
    (artifact,) = user.made.run(user.backend.get_package(package_id=package.id)).artifacts
    return artifact


def test_a_url_that_has_expired_is_asked_for_anew_where_its_package_is_known(
    use: Callable[..., User], name: str, file: Path, tmp_path: Path
) -> None:
    clock = Clock()
    with served(name, clock=clock) as server:
        user = use(server, name, clock=clock)
        artifact = stale(user, user.publish(file))
        clock.now += timedelta(hours=2)
        path = user.open(artifact, tmp_path / "out")
    assert path.read_bytes() == BYTES
    assert user.calls[-3:] == ["GetObject", "QueryOTAFirmware", "GetObject"]


def test_a_url_that_has_expired_is_refused_where_its_package_is_not_known(
    use: Callable[..., User], name: str, file: Path, tmp_path: Path
) -> None:
    clock = Clock()
    with served(name, clock=clock) as server:
        artifact = stale(first := use(server, name), first.publish(file))
        clock.now += timedelta(hours=2)
        with pytest.raises(ForbiddenError):
            use(server, name).open(artifact, tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []


def test_the_urls_of_no_more_packages_than_that_are_remembered(
    use: Callable[..., User], name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otabridge_action.artifacts.REMEMBERED", 2)
    with served(name) as server:
        user = use(server, name)
        packages = [user.publish(file) for _ in range(4)]
        for package in packages:
            stale(user, package)
    assert [*user.backend._owners.values()] == [package.id for package in packages[2:]]


@pytest.mark.parametrize("url", ["https://evil.test/a.bin", "https://10.0.0.1/a.bin", "file:///etc/passwd"])
def test_a_url_of_another_host_is_not_fetched(use: Callable[..., User], name: str, tmp_path: Path, url: str) -> None:
    with served(name) as server:
        user = use(server, name)
        with pytest.raises(ProtocolError, match="not asked"):
            user.open(Artifact(name="a.bin", location=UrlLocation(url=url)), tmp_path / "out")
    assert user.calls == []


def test_a_file_that_has_no_url_is_refused_in_words(use: Callable[..., User], name: str, tmp_path: Path) -> None:
    with served(name) as server, pytest.raises(UnsupportedError, match="has no URL"):
        use(server, name).open(Artifact(name="a.bin", location=LocalLocation(sha256=DIGEST)), tmp_path)


# --- faults -----------------------------------------------------------------------------------------------------------

RIDDEN_OUT = [
    *(Fault(kind="answer", status=503, operation=each, call=1) for each in ("GenerateOTAUploadURL", "PostObject")),
    *(Fault(kind=kind, operation="PostObject", call=1) for kind in ("drop", "lose", "truncate", "expire")),
    *(Fault(kind="lose", operation=each, call=1) for each in ("GenerateOTAUploadURL", "CreateOTAFirmware")),
    Fault(kind="answer", status=503, operation="GetObject", call=1),
    *(Fault(kind=kind, operation="GetObject", call=1) for kind in ("drop", "truncate")),
]


@pytest.mark.parametrize("fault", RIDDEN_OUT, ids=lambda fault: f"{fault.kind} {fault.operation}")
def test_a_fault_that_passes_is_ridden_out(
    use: Callable[..., User], name: str, file: Path, tmp_path: Path, fault: Fault
) -> None:
    with served(name, fault) as server:
        user = use(server, name)
        (path,) = user.download(user.publish(file), tmp_path / "out")
        assert len([*server.cloud.packages.list(product="p1")]) == 1
    assert path.read_bytes() == BYTES
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("kind", ["drop", "lose", "truncate"])
def test_an_upload_that_never_ends_well_makes_no_package(
    use: Callable[..., User], name: str, file: Path, kind: Any
) -> None:
    with served(name, Fault(kind=kind, operation="PostObject")) as server:
        user = use(server, name)
        with pytest.raises(OtaBridgeError):
            user.publish(file)
        assert [*server.cloud.packages.list(product="p1")] == []
    assert "CreateOTAFirmware" not in user.calls


@pytest.mark.parametrize("fault", [Fault(kind="drop"), Fault(kind="answer", status=500)], ids=lambda fault: fault.kind)
def test_a_download_that_never_ends_well_leaves_nothing(
    use: Callable[..., User], name: str, file: Path, tmp_path: Path, fault: Fault
) -> None:
    with served(name, fault.model_copy(update={"operation": "GetObject"})) as server:
        user = use(server, name)
        with pytest.raises((ServerError, OtaBridgeError)):
            user.download(user.publish(file), tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []


class Flipping(httpx.HTTPTransport):
    """Turns one bit of what goes up in a form, or of what comes down with a file."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self._way = way

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if (
            self._way == "up"
            and request.url.path == "/"
            and request.method == "POST"
            and "boundary" in str(request.headers)
        ):
            sent = b"".join(request.stream)  # type: ignore[arg-type]
            place = sent.index(BYTES[:1000])
            request.stream = httpx.ByteStream(flipped(sent, place))
        reply = super().handle_request(request)
        if self._way == "down" and request.method == "GET" and "otabridge-packages" in request.url.path:
            reply = httpx.Response(
                reply.status_code, headers=reply.headers, stream=httpx.ByteStream(flipped(reply.read(), 7))
            )
        return reply


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_flipped_bit_is_noticed(name: str, file: Path, tmp_path: Path, way: str) -> None:
    with served(name) as server, Flipping(way) as transport:
        user = User(server, name, "sync", transport)
        with pytest.raises(IntegrityError if way == "down" else ApiError):
            user.download(user.publish(file), tmp_path / "out")
        assert len([*server.cloud.packages.list(product="p1")]) == (way == "down")
        user.made.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_a_file_that_changes_as_it_is_uploaded_makes_no_package(
    use: Callable[..., User], name: str, file: Path
) -> None:
    with served(name) as server:
        user = use(server, name)
        hidden = user.backend._grant

        def changed(filename: str) -> Any:
            file.write_bytes(flipped(BYTES, len(BYTES) - 1))
            return (yield from hidden(filename))

        user.backend._grant = changed  # type: ignore[method-assign]
        with pytest.raises(IntegrityError, match="changed while it was sent"):
            user.publish(file)
        assert [*server.cloud.packages.list(product="p1")] == []


# --- several files ----------------------------------------------------------------------------------------------------


def several(user: User, folder: Path) -> tuple[Package, list[bytes]]:
    """A package of three files, and their bytes."""
    datas = [BYTES + bytes([number]) for number in range(3)]
    staged = []
    for number, data in enumerate(datas):
        (folder / f"{number}.bin").write_bytes(data)
        flow = user.backend.stage_artifact(path=folder / f"{number}.bin", filename=f"{number}.bin")
        staged.append(user.made.run(flow))
    draft = {"product": "p1", "module": "mcu", "version": next(_versions), "artifacts": staged}
    return user._done(user.made.client.packages.create(**draft)), datas


def test_several_files_of_a_package_come_down_in_order(use: Callable[..., User], tmp_path: Path) -> None:
    with served("aliyun") as server:
        user = use(server, "aliyun")
        package, datas = several(user, tmp_path)
        paths = user.download(package, tmp_path / "out")
    assert [path.read_bytes() for path in paths] == datas


def test_where_one_file_does_not_come_none_is_left_but_what_was_there(use: Callable[..., User], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with served("aliyun", Fault(kind="answer", status=500, operation="GetObject", calls="3-")) as server:
        user = use(server, "aliyun")
        package, (first, *_) = several(user, tmp_path)
        there = out / f"{sha256(first).hexdigest()}.bin"
        there.write_bytes(first)
        (out / "other").touch()
        with pytest.raises(ServerError):
            user.download(package, out)
    assert {path.name for path in out.iterdir()} == {there.name, "other"}
    assert user.calls.count("GetObject") > 2
