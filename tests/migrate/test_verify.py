"""Verifying: what is seen of what was lost, changed or damaged at the destination, from a plan or a journal alone."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otabridge import ConfigurationError, connect, migrate
from otabridge.migrate import Code, MigrationPlan
from otabridge.migrate.verification import LEVELS, Verification
from tests.migrate.calling import call, moved
from tests.migrate.conftest import Move
from tests.migrate.making import PRODUCT, published

FIRST = "package p1/m0/1.0"


def verified(move: Move, level: str = "hash", record: Any = None) -> Verification:
    found: Verification = call(move.colour, "verify", record or move.journal, level=level)
    return found


def verdicts(found: Verification) -> dict[str, str]:
    return {each.key: each.verdict for each in found.findings if each.verdict != "equal"}


def blob(move: Move, content: bytes) -> Path:
    """The file in which the destination keeps these bytes."""
    (path,) = (
        path for path in (move.folder / "destination").rglob("*") if path.is_file() and path.read_bytes() == content
    )
    return path


@pytest.mark.parametrize("level", LEVELS)
def test_what_was_applied_is_equal_at_every_level(move: Move, level: str) -> None:
    moved(move)
    found = verified(move, level)
    assert (verdicts(found), found.counts, found.code) == ({}, {"equal": 6}, Code.DONE)


@pytest.mark.parametrize("level", LEVELS)
def test_neither_the_source_nor_the_journal_is_needed(move: Move, level: str) -> None:
    plan = moved(move)
    move.source.close()
    shutil.rmtree(move.folder / "source")
    move.journal.unlink()
    file = move.folder / "plan.json"
    file.write_bytes(plan.to_json())
    assert verified(move, level, file).code == Code.DONE


def test_another_place_than_that_of_the_plan_is_warned_of(move: Move, caplog: pytest.LogCaptureFixture) -> None:
    moved(move)
    elsewhere = shutil.copytree(move.folder / "destination", move.folder / "restored")
    with connect(f"local:{elsewhere}") as restored:
        assert migrate.verify(move.journal, restored, level="bytes").code == Code.DONE
    assert "at another endpoint, account or folder" in caplog.text
    with connect(f"local:{elsewhere}") as restored, pytest.raises(ConfigurationError, match="at another endpoint"):
        migrate.undo(move.journal, restored)


def test_verifying_writes_nothing(move: Move) -> None:
    moved(move)
    before = {path: path.stat().st_mtime_ns for path in move.folder.rglob("*") if path.is_file()}
    verified(move, "bytes")
    after = {path: path.stat().st_mtime_ns for path in move.folder.rglob("*") if path.is_file()}
    assert {path.name for path in before.keys() ^ after.keys()} <= {"journal-wal", "journal-shm", "store.sqlite-wal"}
    assert after[move.journal] == before[move.journal]


CHANGES: dict[str, tuple[Callable[[Move, str], object], dict[str, str]]] = {
    "a package is gone": (lambda move, id: move.destination.packages.delete(id), {FIRST: "missing"}),
    "its texts are others": (
        lambda move, id: move.destination.packages.update(id, description="other"),
        {FIRST: "different"},
    ),
    "a module's texts are others": (
        lambda move, _: move.destination.modules.update("m1", product=PRODUCT, alias="other"),
        {"module p1/m1": "different"},
    ),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_at_the_destination_is_seen(move: Move, change: str, level: str) -> None:
    moved(move)
    act, expected = CHANGES[change]
    act(move, str(move.state(FIRST).id))
    found = verified(move, level)
    assert (verdicts(found), found.code) == (expected, Code.DIFFERENT)


@pytest.mark.parametrize(("level", "seen"), [("meta", False), ("hash", True), ("bytes", True)])
def test_a_package_of_other_bytes_in_its_place_is_seen_by_its_digest(move: Move, level: str, seen: bool) -> None:
    moved(move)
    (path,) = move.destination.packages.download(str(move.state(FIRST).id), move.folder / "out")
    content = bytes(reversed(path.read_bytes()))
    move.destination.packages.delete(str(move.state(FIRST).id))
    published(move.destination, move.folder / "files", "m0", "1.0", content)
    found = verified(move, level)
    assert verdicts(found) == ({FIRST: "different"} if seen else {})


@pytest.mark.parametrize(("level", "seen"), [("hash", False), ("bytes", True)])
def test_bytes_that_rotted_at_the_destination_are_seen_by_fetching_them(move: Move, level: str, seen: bool) -> None:
    moved(move)
    (path,) = move.destination.packages.download(str(move.state(FIRST).id), move.folder / "out")
    kept = blob(move, path.read_bytes())
    kept.chmod(0o600)
    kept.write_bytes(bytes(reversed(path.read_bytes())))
    found = verified(move, level)
    assert verdicts(found) == ({FIRST: "different"} if seen else {})


def test_bytes_that_are_gone_from_the_destination_are_a_difference(move: Move) -> None:
    moved(move)
    (path,) = move.destination.packages.download(str(move.state(FIRST).id), move.folder / "out")
    blob(move, path.read_bytes()).unlink()
    found = verified(move, "bytes")
    assert (verdicts(found), found.code) == ({FIRST: "different"}, Code.DIFFERENT)


def test_a_plan_that_was_not_applied_is_missing_wholly(move: Move) -> None:
    plan = call(move.colour, "plan", move.source.cloud, move.destination.cloud)
    found = verified(move, record=plan)
    assert ({*verdicts(found).values()}, found.code) == ({"missing"}, Code.DIFFERENT)


def test_what_failed_is_missing_with_the_journals_words(move: Move) -> None:
    plan = call(move.colour, "plan", move.source.cloud, move.destination.cloud)
    call(move.colour, "apply", plan, journal=move.journal, choices=migrate.Choices(max_creates=3, in_flight=1))
    found = verified(move)
    assert found.counts == {"equal": 3, "missing": 3}
    assert all("planned" in each.words for each in found.findings if each.verdict == "missing")


def without_digests(plan: MigrationPlan) -> MigrationPlan:
    """The plan as a source without digests makes it."""
    files = {item.key: tuple(replace(file, algorithm=None, hex=None) for file in item.files) for item in plan.items}
    return replace(plan, items=tuple(replace(item, files=files[item.key]) for item in plan.items))


@pytest.mark.parametrize(("level", "code"), [("meta", 0), ("hash", 3), ("bytes", 3)])
def test_what_no_digest_is_known_of_is_not_called_equal(move: Move, level: str, code: int) -> None:
    plan = without_digests(moved(move))
    found = verified(move, level, plan)
    assert ({*verdicts(found).values()}, found.code) == ({"unproven"} if code else set(), code)


def test_a_journal_knows_the_digests_that_a_plan_lacks(move: Move) -> None:
    plan = without_digests(call(move.colour, "plan", move.source.cloud, move.destination.cloud))
    call(move.colour, "apply", plan, journal=move.journal)
    assert [verified(move, level).code for level in LEVELS] == [Code.DONE] * 3


def test_what_was_left_out_on_purpose_is_told_and_no_difference(move: Move) -> None:
    mapping = move.folder / "map.toml"
    mapping.write_text('[modules.p1]\nm1 = false\n[versions.p1.m0]\n"1.0" = "1.0-x"\n')
    moved(move, mapping=mapping)
    found = verified(move)
    assert (found.counts, found.code) == ({"equal": 3, "left out": 3}, Code.DONE)


def test_the_wrong_cloud_is_refused(move: Move) -> None:
    plan = moved(move)
    other = replace(plan, destination=replace(plan.destination, backend="acme"))
    with pytest.raises(ConfigurationError, match="of the backend acme, not local"):
        verified(move, record=other)


@pytest.mark.parametrize("content", [b"", b"{}", b"SQLite format 3\0 and no more", b"\xff\xfe", b"[1]"])
def test_a_file_that_is_neither_plan_nor_journal_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="file"):
        migrate.read_record(file)


def test_another_programs_database_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(ConfigurationError, match="no journal"):
        migrate.read_record(file)


def test_a_level_that_is_none_is_refused(move: Move) -> None:
    plan = moved(move)
    with pytest.raises(ConfigurationError, match="no level is called 'all': there are meta, hash, bytes"):
        verified(move, "all", plan)
