"""The journal: whole or not at all, one owner, durable, and plain words for whatever is wrong with it."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from otabridge import ConfigurationError
from otabridge.files import Digests
from otabridge.migrate import journal as module
from otabridge.migrate.journal import ItemState, Journal
from otabridge.migrate.model import Item, MigrationPlan, Side

MODULE = Item(
    key="module p/m", kind="module", action="create", source={"product": "p", "name": "m"}, target={"product": "p"}
)
PLAN = MigrationPlan(
    source=Side(cloud="a", backend="local"),
    destination=Side(cloud="b", backend="local"),
    made_at="2026-05-01T12:00:00+00:00",
    otabridge="0.1.0",
    items=(
        MODULE,
        replace(MODULE, key="module p/n", action="skip", words="the mapping says so"),
        replace(MODULE, key="module p/o", action="conflict"),
        replace(MODULE, key="module p/ö\ud83d", action="adopt"),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "move.journal"


def test_a_new_journal_has_the_plan_and_a_state_of_each_item(path: Path) -> None:
    with Journal.create(path, PLAN) as journal:
        assert journal.plan == PLAN
        assert [state.state for state in journal.states().values()] == ["planned", "skipped", "conflict", "planned"]
        assert list(journal.states()) == [item.key for item in PLAN.items]
        assert journal.state("module p/n").words == "the mapping says so"


def test_what_was_written_is_there_when_it_is_opened_again(path: Path) -> None:
    digests = (Digests(3, "a" * 64, "b" * 32),)
    with Journal.create(path, PLAN) as journal:
        there = journal.move("module p/m", "made", id="7", ours=True, attempts=2, digests=digests)
    with Journal.open(path) as journal:
        assert journal.plan.id == PLAN.id
        assert journal.state("module p/m") == there
        assert there == ItemState(state="made", id="7", ours=True, attempts=2, at=there.at, digests=digests)


def test_a_move_keeps_what_it_is_not_told_but_the_error(path: Path) -> None:
    with Journal.create(path, PLAN) as journal:
        journal.move("module p/m", "failed", id="7", ours=True, error="ServerError", words="no")
        there = journal.move("module p/m", "intended")
    assert (there.id, there.ours, there.error, there.words) == ("7", True, "", "")


def test_every_write_is_on_the_disk_before_it_returns(path: Path) -> None:
    with Journal.create(path, PLAN) as journal:
        asked = {
            name: journal._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2}


@pytest.mark.parametrize("broken", ["_written", "moved"])
def test_a_journal_that_was_not_finished_is_not_there(path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, broken, full)
        with pytest.raises(ConfigurationError, match="disk is full"):
            Journal.create(path, PLAN)
    assert not path.exists()
    Journal.create(path, PLAN).close()


def test_a_second_one_is_not_made_over_it(path: Path) -> None:
    Journal.create(path, PLAN).close()
    with pytest.raises(ConfigurationError, match="there already"):
        Journal.create(path, PLAN)


def test_it_is_gone_on_with_by_the_same_plan_alone(path: Path) -> None:
    with Journal.begin(path, PLAN) as journal:
        journal.move("module p/m", "done")
    with Journal.begin(path, replace(PLAN, made_at="later")) as journal:
        assert journal.state("module p/m").state == "done"
    with pytest.raises(ConfigurationError, match="the journal of another plan"):
        Journal.begin(path, PLAN.accepting(["module.alias.length"]))
    Journal.begin(path, PLAN).close()


@pytest.mark.parametrize("again", [Journal.begin, Journal.create, lambda path, _: Journal.open(path, own=True)])
def test_a_second_owner_is_refused(path: Path, again: Callable[..., Journal]) -> None:
    with Journal.create(path, PLAN), pytest.raises(ConfigurationError, match="another process is at work"):
        again(path, PLAN)
    Journal.open(path, own=True).close()


def test_a_second_owner_is_refused_by_whatever_name_the_journal_has(path: Path) -> None:
    alias = path.with_name("alias")
    with Journal.create(path, PLAN):
        alias.symlink_to(path)
        with pytest.raises(ConfigurationError, match="another process is at work"):
            Journal.open(alias, own=True)


def _owning(path: Path, ready: Any) -> None:
    journal = Journal.open(path, own=True)
    journal.move("module p/m", "intended")
    ready.put(True)
    signal.pause()


def test_the_ownership_ends_with_its_process_and_what_that_wrote_stays(path: Path) -> None:
    Journal.create(path, PLAN).close()
    forks = get_context("forkserver")
    ready = forks.SimpleQueue()
    process = forks.Process(target=_owning, args=(path, ready))
    process.start()
    assert ready.get()
    with pytest.raises(ConfigurationError, match="another process is at work"):
        Journal.open(path, own=True)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    process.close()
    with Journal.open(path, own=True) as journal:
        assert journal.state("module p/m").state == "intended"


def test_anybody_may_read_it_while_it_is_owned(path: Path) -> None:
    with Journal.create(path, PLAN) as journal, Journal.open(path) as reader:
        journal.move("module p/m", "done")
        assert reader.state("module p/m").state == "done"
        with pytest.raises(ConfigurationError, match="may not be written"):
            reader.move("module p/m", "failed")


def test_once_closed_it_is_one_file_even_while_somebody_reads(path: Path) -> None:
    with Journal.create(path, PLAN) as journal:
        reader = Journal.open(path)
        journal.move("module p/m", "done", id="7")
    with reader, Journal.open(shutil.copy(path, path.with_name("copied"))) as copied:
        assert copied.states() == reader.states()
        assert copied.state("module p/m").state == "done"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no journal"), (b"{}", "no journal"), (PLAN.to_json(), "no journal"), (None, "no such journal")],
)
@pytest.mark.parametrize("own", [True, False])
def test_a_file_that_is_no_journal_is_refused(path: Path, content: bytes | None, words: str, own: bool) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        Journal.open(path, own=own)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("PRAGMA user_version = 9", "of format 9"),
        ("PRAGMA application_id = 1", "no journal"),
        (
            "UPDATE plan SET content = CAST(replace(CAST(content AS TEXT), 'module p/m', 'module p/x') AS BLOB)",
            "was edited",
        ),
    ],
)
def test_a_journal_that_is_not_understood_is_refused(path: Path, change: str, words: str) -> None:
    Journal.create(path, PLAN).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(change)
    connection.close()
    with pytest.raises(ConfigurationError, match=words):
        Journal.open(path)


def test_a_full_disk_is_told_and_what_was_written_before_stays(path: Path) -> None:
    with Journal.create(path, PLAN) as journal:
        pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        journal.move("module p/m", "intended")
        with pytest.raises(ConfigurationError, match="disk is full"):
            journal.move("module p/m", "failed", words="x" * 100_000)
        assert journal.state("module p/m").state == "intended"
    with Journal.open(path) as journal:
        assert journal.state("module p/m").state == "intended"


def test_a_closed_journal_says_so(path: Path) -> None:
    journal = Journal.create(path, PLAN)
    journal.close()
    with pytest.raises(ConfigurationError, match="was closed"):
        journal.states()


def test_a_reader_in_a_folder_that_is_not_its_own_needs_no_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal.create(path, PLAN).close()
    connect, asked = sqlite3.connect, []

    def refusing(address: Any, **more: Any) -> sqlite3.Connection:
        asked.append(address)
        if "mode=ro" in address:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(address, **more)

    monkeypatch.setattr(sqlite3, "connect", refusing)
    with Journal.open(path) as journal:
        assert len(journal.states()) == 4
    assert ["immutable" in address for address in asked] == [False, True]
