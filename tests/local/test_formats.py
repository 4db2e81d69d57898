"""Stores that an older otabridge made: brought to today's format as they are opened, whole or not at all."""

import sqlite3
from pathlib import Path

import pytest

import otabridge
from otabridge import Artifact, Checksum, LocalLocation, Module, OtaBridgeError, Package
from otabridge.local import database
from otabridge.local.times import micros
from tests.local.formats import CONTENT, DEVICES, NEW_PACKAGE, SHA256, first_store, layout
from tests.local.helpers import NOON

PACKAGE = Package(
    id="k1",
    product="p",
    module="mcu",
    version="1.0",
    kind="delta",
    source_versions=("0.9",),
    name="N",
    description="about",
    custom_info="{}",
    artifacts=(
        Artifact(
            name="app.bin",
            size=len(CONTENT),
            checksum=Checksum(algorithm="sha256", hex=SHA256),
            location=LocalLocation(sha256=SHA256),
        ),
    ),
    status="ready",
    created_at=NOON,
    updated_at=NOON,
)


@pytest.fixture
def old(folder: Path) -> Path:
    """The database of a store of format 1, in `folder`."""
    return first_store(folder)


def opened(folder: Path) -> None:
    with otabridge.connect(f"local:{folder}") as cloud:
        list(cloud.modules.list())


def test_everything_in_an_old_store_is_there_after_the_upgrade(old: Path, folder: Path, tmp_path: Path) -> None:
    with otabridge.connect(f"local:{folder}") as cloud:
        assert list(cloud.packages.list()) == [PACKAGE]
        assert list(cloud.modules.list()) == [
            Module(product="p", name="mcu", alias="A", description="D", created_at=NOON, updated_at=NOON)
        ]
        (path,) = cloud.packages.download("k1", tmp_path / "out")
        assert path.read_bytes() == CONTENT
        assert {(row.version, row.reported_at) for row in cloud.fleet.versions()} == {("0.9", NOON)}
        assert cloud.fleet.count() == len(list(cloud.devices.list())) == DEVICES


def test_an_upgraded_store_is_laid_out_like_a_new_one(old: Path, folder: Path, tmp_path: Path) -> None:
    opened(folder)
    opened(tmp_path / "new")
    assert layout(old) == layout(tmp_path / "new" / database.FILE)
    assert layout(old)[0] == database.VERSION == 2


def test_an_upgrade_that_fails_changes_nothing(old: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = layout(old)
    with monkeypatch.context() as patch:
        first, second = database.FORMATS
        patch.setattr(database, "FORMATS", (first, f"{second}ALTER TABLE absent RENAME TO present;\n"))
        with pytest.raises(OtaBridgeError, match="no such table: absent"):
            opened(folder)
    assert layout(old) == before
    with otabridge.connect(f"local:{folder}") as cloud:
        assert list(cloud.packages.list()) == [PACKAGE]


def test_a_store_that_another_process_upgrades_meanwhile_is_upgraded_once(
    old: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = []

    def overtaken(store: database.Database, connection: sqlite3.Connection) -> None:
        monkeypatch.undo()
        assert layout(old)[0] == 1
        opened(folder)
        others.append(layout(old))

    monkeypatch.setattr(database.Database, "_write_ahead", overtaken)
    with otabridge.connect(f"local:{folder}") as cloud:
        assert list(cloud.packages.list()) == [PACKAGE]
    assert others == [layout(old)]


def test_a_process_that_opened_the_store_before_its_upgrade_goes_on_writing(old: Path, folder: Path) -> None:
    before = sqlite3.connect(old, isolation_level=None)
    assert before.execute("SELECT id FROM packages").fetchall() == [("k1",)]
    opened(folder)
    before.execute(NEW_PACKAGE, ("k2", 1, 1, "1.1", "full", "[]", None, None, None, micros(NOON)))
    before.close()
    with otabridge.connect(f"local:{folder}") as cloud:
        made = cloud.packages.get("k2")
    assert (made.status, made.created_at, made.updated_at) == ("ready", NOON, NOON)
