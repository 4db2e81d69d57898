"""Several processes at one store, and processes that are killed in the midst of their work."""

import hashlib
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import otabridge
from otabridge.local import database
from tests.local.formats import DEVICES, first_store
from tests.local.helpers import files

ROOT = Path(__file__).parents[2]


def started(folder: Path, name: str, rounds: int) -> "subprocess.Popen[str]":
    (folder.parent / "shared.bin").write_bytes(b"the same for all" * 10_000)
    command = [sys.executable, "-W", "error", "-m", "tests.local.worker", str(folder), name, str(rounds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def checked(folder: Path) -> int:
    """Assert that the store is whole, and return how many packages it has."""
    connection = sqlite3.connect(folder / database.FILE)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    counted = connection.execute("SELECT sum(devices), sum(versions) FROM products").fetchone()
    truth = connection.execute("SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM versions)").fetchone()
    connection.close()
    assert counted in (truth, (None, None))
    with otabridge.connect(f"local:{folder}") as cloud:
        packages = list(cloud.packages.list())
        for package in packages:
            (artifact,) = package.artifacts
            assert artifact.checksum
            path = folder / "artifacts" / artifact.checksum.hex[:2] / artifact.checksum.hex
            assert hashlib.sha256(path.read_bytes()).hexdigest() == artifact.checksum.hex
        # A batch of reports is there whole or not at all.
        assert len(list(cloud.fleet.versions())) % 100 == 0
    return len(packages)


def test_processes_work_at_one_store_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    workers = [started(folder, name, 8) for name in ("one", "two", "three")]
    for worker in workers:
        _, errors = worker.communicate(timeout=60)
        assert (worker.returncode, errors) == (0, "")
    assert checked(folder) == 3 * 4
    assert len(files(folder)) == 3 * 4
    with otabridge.connect(f"local:{folder}") as cloud:
        assert cloud.fleet.count() == 3 * 8 * 100
        assert len(list(cloud.modules.list(product="p"))) == 8 + 1


def test_processes_open_a_store_of_the_first_format_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    first_store(folder)
    workers = [started(folder, name, 2) for name in ("one", "two", "three")]
    for worker in workers:
        _, errors = worker.communicate(timeout=60)
        assert (worker.returncode, errors) == (0, "")
    assert checked(folder) == 3 + 1
    with otabridge.connect(f"local:{folder}") as cloud:
        assert cloud.fleet.count() == DEVICES + 3 * 2 * 100


def test_a_killed_process_leaves_a_store_that_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    chance = random.Random(20261121)
    for number in range(10):
        worker = started(folder, f"w{number}", 1000)
        assert worker.stdout
        for _ in range(chance.randrange(1, 4)):  # it is at work
            worker.stdout.readline()
        try:
            worker.wait(timeout=chance.random() / 20)
        except subprocess.TimeoutExpired:
            worker.kill()
        worker.communicate()
        assert worker.returncode < 0
        assert checked(folder) > 0
    with otabridge.connect(f"local:{folder}") as cloud:
        cloud.packages.publish(tmp_path / "shared.bin", product="p", module="@default", version="after")
    checked(folder)
