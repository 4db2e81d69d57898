"""Runners that meet another one, a signal, or a full disk."""

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from otabridge import Client, ConfigurationError, connect
from otabridge.migrate.course import Choices
from otabridge.migrate.model import MigrationPlan
from tests.migrate.conftest import Move
from tests.migrate.making import apply, faults_of, planned, published, stocked

LARGE = 300_000
WORDS = ("code 4", "disk", "File too large")  # what a run says that met a limit
FORKS = get_context("forkserver")


def test_a_second_runner_is_refused_and_the_first_goes_on(move: Move) -> None:
    plan, refused = move.plan(), []

    def second(place: str) -> None:
        with connect(f"local:{move.folder / 'source'}") as source, connect("memory:") as destination:
            with pytest.raises(ConfigurationError, match="another process is at work on this journal"):
                apply(plan, move.journal, source, destination)
            refused.append(place)

    assert move.apply(plan, checkpoint=second).code == 0
    assert len(refused) > 30


def test_a_runner_in_another_process_is_refused_too(move: Move) -> None:
    plan, codes = move.plan(), FORKS.SimpleQueue()

    def second(place: str) -> None:
        process = FORKS.Process(target=_refused, args=(plan.to_json(), move.folder, codes))
        process.start()
        process.join()
        process.close()

    result = move.apply(plan, checkpoint=lambda place: second(place) if place == "modules ended" else None)
    assert (result.code, codes.get()) == (0, "another process is at work")


def _refused(plan: bytes, folder: Path, told: Any) -> None:
    with connect(f"local:{folder / 'source'}") as source, connect(f"local:{folder / 'destination'}") as destination:
        try:
            apply(MigrationPlan.from_json(plan), folder / "journal", source, destination)
        except ConfigurationError as error:
            told.put("another process is at work" if "another process is at work" in str(error) else str(error))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell's background job ignores is heard."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("at", [2, 9, 25, 40, 55])
def test_an_interrupt_leaves_a_journal_to_go_on_with(make_move: Any, colour: str, at: int, in_flight: int) -> None:
    move = make_move(colour, packages=6)
    reached = 0

    def interrupt(place: str) -> None:
        nonlocal reached
        reached += 1
        if reached == at:
            os.kill(os.getpid(), signal.SIGINT)

    plan = move.plan()
    with pytest.raises(KeyboardInterrupt):
        move.apply(plan, checkpoint=interrupt, choices=Choices(in_flight=in_flight))
    assert any(state.state == "planned" for state in move.states().values())
    assert move.apply().code == 0
    assert faults_of(move.source, move.destination, move.folder / "seen") == {}


# --- a full disk ------------------------------------------------------------------------------------------------------


def _ended(plan: MigrationPlan, journal: Path, source: Client, destination: Client) -> str:
    try:
        return f"code {apply(plan, journal, source, destination).code}"
    except ConfigurationError as error:
        return str(error)


def _small_files(plan: bytes, folder: Path, most: int, told: Any) -> None:
    """Apply where no file may be longer, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with connect(f"local:{folder / 'source'}") as source, connect(f"local:{folder / 'destination'}") as destination:
        told.put(_ended(MigrationPlan.from_json(plan), folder / "journal", source, destination))


@pytest.mark.parametrize("most", [LARGE // 2, 64 << 10, 4 << 10])
def test_a_file_that_cannot_be_written_leaves_nothing_corrupt(make_move: Callable[..., Move], most: int) -> None:
    move = make_move(packages=6)
    published(move.source, move.folder / "files", "m0", "9", os.urandom(LARGE))
    plan, told = move.plan(), FORKS.SimpleQueue()
    process = FORKS.Process(target=_small_files, args=(plan.to_json(), move.folder, most, told))
    process.start()
    process.join()
    assert process.exitcode == 0
    process.close()
    ended = told.get()
    assert any(words in ended for words in WORDS)
    assert move.apply(plan).code == 0
    assert faults_of(move.source, move.destination, move.folder / "seen") == {}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for some large files, where one may be made."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={6 * LARGE}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_a_clean_stop(tmp_path: Path, small_disk: Path) -> None:
    with connect(f"local:{tmp_path / 'source'}") as source, connect(f"local:{tmp_path / 'destination'}") as destination:
        stocked(source, tmp_path / "files", modules=1, packages=1)
        for version in ("7", "8", "9"):
            published(source, tmp_path / "files", "m0", version, os.urandom(LARGE))
        plan = planned(source, destination)
        journal = small_disk / "journal"
        filler = small_disk / "filler"
        filler.write_bytes(b"." * (LARGE * 11 // 2))
        ended = _ended(plan, journal, source, destination)
        assert any(words in ended for words in WORDS)
        filler.unlink()
        assert apply(plan, journal, source, destination).code == 0
        assert faults_of(source, destination, tmp_path / "seen") == {}
