"""The store's folder: when it is made, what is refused, what errors say, and the async client over it."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import otabridge
from otabridge import Capability, Client, ConfigurationError, ConflictError, OtaBridgeError, ServerError
from otabridge.local import database
from tests.local.helpers import files, report


def test_nothing_is_made_before_the_first_use(folder: Path) -> None:
    with otabridge.connect(f"local:{folder}") as cloud:
        assert not folder.parent.exists()
        cloud.modules.create("m", product="p")
    assert (folder / "otabridge.sqlite3").is_file()


def test_importing_the_library_loads_no_sqlite() -> None:
    code = "import otabridge, sys; from otabridge import connect, Module; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_was_stored_is_there_for_the_next_client(folder: Path) -> None:
    with otabridge.connect(f"local:{folder}") as cloud:
        made = cloud.modules.create("m", product="p", alias="a")
    with otabridge.connect(f"local:{folder}") as cloud:
        assert list(cloud.modules.list()) == [made]


def test_a_store_in_memory_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "a.bin").write_bytes(b"bytes")
    with otabridge.connect("memory:") as cloud:
        cloud.packages.publish(tmp_path / "a.bin", product="p", module="@default", version="1")
        assert list((tmp_path / "tmp").iterdir()) != []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_closed_store_says_so(cloud: Client) -> None:
    cloud.modules.create("m", product="p")
    cloud.close()
    with pytest.raises((ConfigurationError, RuntimeError), match="closed"):
        list(cloud.modules.list())


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def newer(path: Path) -> None:
    with otabridge.connect(f"local:{path.parent}") as cloud:
        list(cloud.modules.list())
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    connection.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"This is no database. " * 100)


@pytest.mark.parametrize(
    ("make", "words"),
    [(foreign, "another program"), (newer, "upgrade otabridge"), (no_database, "no database")],
)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_was(tmp_path: Path, make: object, words: str) -> None:
    path = tmp_path / database.FILE
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    with otabridge.connect(f"local:{tmp_path}") as cloud, pytest.raises(ConfigurationError, match=words):
        cloud.modules.create("m", product="p")
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_can_be_no_folder_is_refused_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        otabridge.connect(f"local:{tmp_path / place}") as cloud,
        pytest.raises(ConfigurationError, match="must be a fo"),
    ):
        list(cloud.modules.list())


def test_a_store_that_stays_locked_is_a_servers_error_and_mends_itself(folder: Path) -> None:
    with otabridge.connect(backend="local", path=str(folder), timeout=0.01) as cloud:
        cloud.modules.create("before", product="p")
        other = sqlite3.connect(folder / database.FILE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServerError, match="another process"):
            cloud.modules.create("meanwhile", product="p")
        assert [module.name for module in cloud.modules.list()] == ["before"]
        other.execute("ROLLBACK")
        other.close()
        cloud.modules.create("after", product="p")


def test_a_full_disk_is_told_in_words_and_leaves_nothing_half_done(depot: Client, folder: Path) -> None:
    depot.modules.create("m", product="p")
    connection = depot._backend._database._connection  # type: ignore[attr-defined]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ServerError, match="disk is full"):
        depot.devices.report_versions(report(f"device-{number}", "m", "1") for number in range(5000))
    connection.execute("PRAGMA max_page_count = 1000000")
    assert depot.fleet.count() == 0
    assert list(depot.devices.list()) == []


def test_an_artifact_folder_that_cannot_be_used_is_told_in_words(depot: Client, folder: Path, tmp_path: Path) -> None:
    depot.modules.create("m", product="p")
    (folder / "artifacts").write_bytes(b"in the way")
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="must be a folder"):
        depot.packages.publish(tmp_path / "a", product="p", module="m", version="1")
    assert list(depot.packages.list()) == []


def test_half_a_character_is_refused_even_where_limits_are_off(tmp_path: Path) -> None:
    with (
        otabridge.connect(backend="local", path=str(tmp_path), validate="off") as cloud,
        pytest.raises(OtaBridgeError, match="half a character"),
    ):
        cloud.modules.create("\ud800", product="p")


def test_threads_share_one_client(cloud: Client) -> None:
    conflicts = []

    def work(number: int) -> None:
        for round_ in range(5):
            cloud.devices.report_versions(report(f"d{number}-{row}", f"m{round_}", "1") for row in range(40))
            try:
                cloud.modules.create(f"m{round_}", product="p")
            except ConflictError:
                conflicts.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cloud.fleet.count() == len(list(cloud.fleet.versions(page_size=7))) == 4 * 5 * 40
    assert len(conflicts) == 3 * 5


def test_the_async_client_does_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"bytes")

    async def story() -> None:
        async with otabridge.aconnect(f"local:{folder}") as cloud:
            await asyncio.gather(*(cloud.modules.create(f"m{number}", product="p") for number in range(5)))
            package = await cloud.packages.publish(tmp_path / "a.bin", product="p", module="m1", version="1")
            (path,) = await cloud.packages.download(package.id, tmp_path / "out")
            assert path.read_bytes() == b"bytes"
            assert await cloud.devices.report_versions(report(f"d{number}", "m1", "1") for number in range(50)) == 50
            assert len([row async for row in cloud.fleet.versions(page_size=7)]) == 50
            await cloud.packages.delete(package.id)

    asyncio.run(story())
    assert files(folder) == []


def test_a_removed_folder_is_not_needed_to_close(folder: Path) -> None:
    with otabridge.connect(f"local:{folder}") as cloud:
        cloud.modules.create("m", product="p")
        shutil.rmtree(folder)


def test_every_operation_is_there(cloud: Client) -> None:
    assert [capability for capability in Capability if not cloud.supports(capability)] == []
