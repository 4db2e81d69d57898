"""Packages of a local store and the files that they are made of."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import otabridge
from otabridge import (
    Artifact,
    Checksum,
    Client,
    ConflictError,
    IntegrityError,
    LocalLocation,
    NotFoundError,
    ObjectLocation,
    UnsupportedError,
    UrlLocation,
    ValidationError,
)
from otabridge.flow import Local
from otabridge.signing import World
from tests.local.helpers import NOON, Clock, files

BYTES = bytes(range(256)) * 5000  # more than one chunk
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.tar.gz"
    path.write_bytes(BYTES)
    return path


def publish(cloud: Client, file: Path, version: str = "1", **more: Any) -> otabridge.Package:
    return cloud.packages.publish(file, product="p", module="@default", version=version, **more)


def test_a_published_file_comes_back_byte_for_byte(cloud: Client, app: Path, tmp_path: Path) -> None:
    package = publish(cloud, app)
    (path,) = cloud.packages.download(package.id, tmp_path / "out")
    assert path == tmp_path / "out" / f"{SHA256}.tar.gz"
    assert path.read_bytes() == BYTES
    assert list((tmp_path / "out").iterdir()) == [path]


def test_a_package_keeps_every_field_of_its_draft(cloud: Client, app: Path) -> None:
    package = publish(
        cloud,
        app,
        "2.0",
        kind="delta",
        source_versions=["1.9", "1.8"],
        name="N",
        description="D\nd",
        custom_info='{"k": 1}',
    )
    artifact = Artifact(
        name="app.tar.gz",
        size=len(BYTES),
        checksum=Checksum(algorithm="sha256", hex=SHA256),
        location=LocalLocation(sha256=SHA256),
    )
    expected = otabridge.Package(
        id=package.id,
        product="p",
        module="@default",
        version="2.0",
        kind="delta",
        source_versions=("1.9", "1.8"),
        name="N",
        description="D\nd",
        custom_info='{"k": 1}',
        artifacts=(artifact,),
        status="ready",
        created_at=NOON,
        updated_at=NOON,
    )
    assert package == cloud.packages.get(package.id) == expected
    assert list(cloud.packages.list()) == [expected]


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        ({"name": "M"}, ("M", "D", "{}")),
        ({"description": "E"}, ("N", "E", "{}")),
        ({"custom_info": "[]"}, ("N", "D", "[]")),
        ({"name": "", "description": "", "custom_info": ""}, (None, None, None)),
    ],
)
def test_an_update_changes_what_it_names_and_an_empty_text_clears(
    cloud: Client, app: Path, change: dict[str, str], texts: tuple[str | None, ...]
) -> None:
    package = publish(cloud, app, name="N", description="D", custom_info="{}")
    changed = cloud.packages.update(package.id, **change)
    assert (changed.name, changed.description, changed.custom_info) == texts
    assert changed == cloud.packages.get(package.id)


def test_an_update_leaves_everything_else_as_it_was_but_the_time_of_the_change(
    cloud: Client, clock: Clock, app: Path
) -> None:
    other, package = publish(cloud, app, "1"), publish(cloud, app, "2", verify=True)
    clock.pass_by(hours=1)
    changed = cloud.packages.update(package.id, name="n")
    assert changed == replace(package, name="n", updated_at=NOON + timedelta(hours=1))
    assert list(cloud.packages.list()) == [changed, other]


@pytest.mark.parametrize(("verify", "status"), [(True, "unverified"), (False, "ready"), (None, "ready")])
def test_a_package_that_must_be_verified_says_so(cloud: Client, verify: bool | None, status: str) -> None:
    made = cloud.packages.create(product="p", module="@default", version="1", artifacts=(), verify=verify)
    assert [made.status, cloud.packages.get(made.id).status] == [status, status]
    assert [package.status for package in cloud.packages.list()] == [status]


@pytest.mark.parametrize(("verify", "status"), [(True, "unverified"), (False, "ready")])
def test_a_published_package_waits_for_its_verification_if_told_so(
    cloud: Client, app: Path, verify: bool, status: str
) -> None:
    assert publish(cloud, app, verify=verify).status == status


def test_an_empty_text_of_a_new_package_is_none(cloud: Client, app: Path) -> None:
    package = publish(cloud, app, name="", description="", custom_info="")
    assert (package.name, package.description, package.custom_info) == (None, None, None)


def test_one_package_tells_the_md5_of_its_files(cloud: Client, app: Path) -> None:
    raw = cloud.packages.get(publish(cloud, app).id).raw
    assert raw == {"artifacts": [{"name": "app.tar.gz", "md5": hashlib.md5(BYTES).hexdigest()}]}


def test_references_are_kept_as_they_were_given(cloud: Client, tmp_path: Path) -> None:
    given = (
        Artifact(name="a", location=UrlLocation(url="https://h/a?x=%20")),
        Artifact(
            name="b",
            size=7,
            checksum=Checksum(algorithm="md5", hex="ab" * 16),
            location=ObjectLocation(region="r", bucket="b", key="k/é"),
        ),
    )
    package = cloud.packages.create(product="p", module="@default", version="1", artifacts=given)
    assert cloud.packages.get(package.id).artifacts == given
    with pytest.raises(UnsupportedError, match="no bytes"):
        cloud.packages.download(package.id, tmp_path / "out")


def test_a_taken_version_is_a_conflict(cloud: Client, app: Path) -> None:
    publish(cloud, app)
    with pytest.raises(ConflictError, match="version '1'"):
        publish(cloud, app)
    assert len(list(cloud.packages.list())) == 1


def test_a_package_of_a_module_that_was_never_created_names_the_mend(cloud: Client) -> None:
    with pytest.raises(NotFoundError, match="otabridge modules create --product p --name mcu"):
        cloud.packages.create(product="p", module="mcu", version="1", artifacts=())
    assert list(cloud.products.list()) == []


@pytest.mark.parametrize(
    ("artifact", "error"),
    [
        (Artifact(name="a"), ValidationError),
        (Artifact(name="a", location=LocalLocation(sha256="0" * 64)), NotFoundError),
        (Artifact(name="a", location=LocalLocation(sha256="../x")), NotFoundError),
    ],
)
def test_an_artifact_that_lies_nowhere_makes_no_package(
    cloud: Client, artifact: Artifact, error: type[Exception]
) -> None:
    with pytest.raises(error):
        cloud.packages.create(product="p", module="@default", version="1", artifacts=[artifact])
    assert list(cloud.packages.list()) == []


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ({}, ["3", "2", "1", "1"]),
        ({"product": "p"}, ["2", "1"]),
        ({"module": "a"}, ["1", "1"]),
        ({"version": "1", "product": "q"}, ["1"]),
        ({"product": "none"}, []),
    ],
)
def test_lists_are_of_what_was_asked_for(cloud: Client, asked: dict[str, Any], versions: list[str]) -> None:
    for product, module, version in (("p", "a", "1"), ("q", "a", "1"), ("p", "b", "2"), ("q", "b", "3")):
        cloud.modules.create(module, product=product)
        cloud.packages.create(product=product, module=module, version=version, artifacts=())
    assert [package.version for package in cloud.packages.list(**asked)] == versions
    assert cloud.packages.list(**asked, page_size=1).first_page().total == len(versions)


def test_the_file_goes_with_the_last_package_that_refers_to_it(depot: Client, folder: Path, app: Path) -> None:
    first, second = publish(depot, app, "1"), publish(depot, app, "2")
    assert files(folder) == [SHA256]
    depot.packages.delete(first.id)
    assert files(folder) == [SHA256]
    depot.packages.delete(second.id)
    assert files(folder) == []


def staged(cloud: Client, path: Path) -> Artifact:
    """The first half of publishing, as another process would have done it."""
    return cloud._runner.run(cloud._backend.stage_artifact(path=path, filename=path.name))


def test_a_staged_file_survives_the_deletion_of_another_package_of_the_same_bytes(
    depot: Client, folder: Path, app: Path
) -> None:
    package = publish(depot, app)
    artifact = staged(depot, app)
    depot.packages.delete(package.id)
    again = depot.packages.create(product="p", module="@default", version="2", artifacts=[artifact])
    depot.packages.download(again.id, folder / "out")
    depot.packages.delete(again.id)
    assert files(folder) == []


def test_a_file_staged_in_the_midst_of_a_deletion_is_not_deleted(depot: Client, folder: Path, app: Path) -> None:
    package = publish(depot, app)
    deletion = iter(depot._backend.delete_package(package_id=package.id))
    first = next(deletion)
    assert isinstance(first, Local)
    forgotten = first.call()
    artifact = staged(depot, app)
    second = deletion.send(forgotten)
    assert isinstance(second, Local)
    second.call()
    deletion.close()
    again = depot.packages.create(product="p", module="@default", version="2", artifacts=[artifact])
    assert len(depot.packages.download(again.id, folder / "out")) == 1


def test_leftovers_are_swept_after_a_day_and_not_before(folder: Path, app: Path) -> None:
    clock = Clock(otabridge.signing.utc_now())
    with otabridge.connect(f"local:{folder}", world=World(now=clock.now)) as cloud:
        staged(cloud, app)
        kept = publish(cloud, app_of(app, b"kept"))
        for stray in ("incoming/.x.part", f"ab/{'ab' * 32}"):
            path = folder / "artifacts" / stray
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"half")
    counts = []
    for hours in (23, 2):
        clock.pass_by(hours=hours)
        with otabridge.connect(f"local:{folder}", world=World(now=clock.now)) as cloud:
            cloud.packages.download(kept.id, folder / "out")
        counts.append(len(files(folder)))
    assert counts == [4, 1]


def app_of(app: Path, content: bytes) -> Path:
    path = app.with_name("other.bin")
    path.write_bytes(content)
    return path


def test_a_file_that_changes_while_it_is_copied_is_refused_and_leaves_nothing(
    depot: Client, folder: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hashlib.md5

    def growing(**how: Any) -> Any:
        with app.open("ab") as file:
            file.write(b"more")
        os.utime(app, (1, 1))
        return real(**how)

    monkeypatch.setattr(hashlib, "md5", growing)
    with pytest.raises(IntegrityError, match="changed while it was copied"):
        publish(depot, app)
    assert files(folder) == []
    assert list(depot.packages.list()) == []


SPOIL: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda path: path.write_bytes(b"x" * len(BYTES)),
    "cut short": lambda path: path.write_bytes(BYTES[:-1]),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL.keys())
def test_a_spoilt_file_is_not_handed_out(
    depot: Client, folder: Path, app: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    package = publish(depot, app)
    spoil(folder / "artifacts" / SHA256[:2] / SHA256)
    with pytest.raises(IntegrityError):
        depot.packages.download(package.id, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_is_there_already_is_left_if_it_is_whole_and_replaced_if_not(
    cloud: Client, app: Path, tmp_path: Path
) -> None:
    package = publish(cloud, app)
    (path,) = cloud.packages.download(package.id, tmp_path / "out")
    before = path.stat().st_ino
    cloud.packages.download(package.id, tmp_path / "out")
    assert path.stat().st_ino == before
    path.write_bytes(b"half")
    cloud.packages.download(package.id, tmp_path / "out")
    assert path.read_bytes() == BYTES


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("../../etc/passwd", ""),
        ("/x/../.bin", ".bin"),
        ("app.b/in", ""),
        ("v1.2.tar.gz", ".tar.gz"),
        ("a.toolongsuffix", ""),
        ("a.bin\u202e", ""),
        ("..", ""),
    ],
)
def test_a_name_from_elsewhere_is_never_a_path(
    cloud: Client, app: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    artifact = Artifact(name=name, location=publish(cloud, app).artifacts[0].location)
    package = cloud.packages.create(product="p", module="@default", version="2", artifacts=[artifact])
    (path,) = cloud.packages.download(package.id, tmp_path / "out")
    assert path == tmp_path / "out" / f"{SHA256}{suffix}"


def test_an_empty_file_is_a_file(cloud: Client, app: Path, tmp_path: Path) -> None:
    (path,) = cloud.packages.download(publish(cloud, app_of(app, b"")).id, tmp_path / "out")
    assert path.read_bytes() == b""


@pytest.mark.parametrize("what", ["nothing", "folder"])
def test_what_is_no_file_is_refused(cloud: Client, tmp_path: Path, what: str) -> None:
    path = tmp_path if what == "folder" else tmp_path / "missing"
    with pytest.raises(ValidationError):
        staged(cloud, path)
