"""What only a process of its own shows: streams, locales, pipes, and what is loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, PLUGIN, environment, spawn

NAME = "主控,\"x\" 'y' -"


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"}],
)
def test_stdout_is_pure_utf_8_data_whatever_the_locale(place: Path, locale: dict[str, str]) -> None:
    env = environment(**locale)
    on = ("--on", "local:depot")
    made = spawn("modules", "create", *on, "--product", NAME, "--name", NAME, "--output", "json", env=env)
    assert json.loads(made.stdout.decode("utf-8"))["name"] == NAME
    assert (made.returncode, made.stderr) == (0, b"")
    listed = spawn("modules", "list", *on, "--output", "csv", env=env)
    assert "主控" in listed.stdout.decode("utf-8")


def test_a_reader_that_goes_ends_a_command_quietly(place: Path, fake: Path) -> None:
    gate = place / "gate"
    os.mkfifo(gate)
    env = environment(fake, PLUGIN, FAKE_GATE=str(gate))
    words = [*COMMAND, "modules", "list", "--on", "fake", "--product", "gate", "--output", "jsonl"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"first" in process.stdout.readline()
        process.stdout.close()
        gate.write_text("go on")
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv"])
def test_rows_are_printed_as_their_page_arrives(place: Path, fake: Path, format: str) -> None:
    gate = place / "gate"
    os.mkfifo(gate)
    env = environment(fake, PLUGIN, FAKE_GATE=str(gate))
    words = [*COMMAND, "modules", "list", "--on", "fake", "--product", "gate", "--output", format]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        seen = b""
        while b"first" not in seen:  # the second page waits at the gate, so this is the first one's
            chunk = os.read(process.stdout.fileno(), 4096)
            assert chunk, "the command ended before it printed its first page"
            seen += chunk
        assert b"second" not in seen
        gate.write_text("go on")
        rest = process.stdout.read()
    assert process.returncode == 0
    assert b"a longer second" in rest
    if format == "json":
        assert [row["name"] for row in json.loads(seen + rest)] == ["first", "a longer second"]


def test_a_full_disk_behind_stdout_is_an_error(place: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb") as full:
        words = [*COMMAND, "products", "list", "--on", "local:depot"]
        ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith(b"error: No space left on device")
    assert len(ran.stderr.splitlines()) == 1


def test_without_the_extra_the_command_says_how_to_install_it(place: Path) -> None:
    (place / "typer.py").write_text("raise ModuleNotFoundError('no typer')")
    ran = spawn("--help", env=environment(place))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode().strip().endswith("pip install 'otabridge[cli]'")


def test_help_loads_nothing_that_talks_to_a_cloud(place: Path) -> None:
    program = (
        "import sys; from otabridge.cli import main; code = main(['--help']); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment(), check=True)
    code, *loaded = ran.stderr.split()
    assert code == "0"
    heavy = {"httpx", "pydantic", "pluggy", "sqlite3", "asyncio", "logging", "rich.console", "otabridge.client"}
    assert not heavy & set(loaded)
    assert not {name for name in loaded if name.startswith("otabridge.cli.")} - {
        "otabridge.cli.app",
        "otabridge.cli.errors",
        "otabridge.cli.options",
    }


def test_the_demo_shows_one_fleet_through_every_cloud_and_leaves_nothing_behind(place: Path) -> None:
    temporary = place / "tmp"
    temporary.mkdir()
    ran = spawn("demo", env=environment(TMPDIR=str(temporary), OTABRIDGE_PLUGINS="aliyun,huawei,tuya"))
    assert (ran.returncode, ran.stderr) == (0, b"")
    told = [line.split() for line in ran.stdout.decode().splitlines()]
    clouds = ["aliyun", "huawei", "tuya"]
    assert [line[0] for line in told if len(line) == 2 and line[1].startswith("http://127.0.0.1:")] == clouds
    assert ["radio", "huawei", *["Radio"] * 4] in told
    assert [line[1:] for line in told if line[2:] == ["1.0.0"] * 4] == [["store", *["1.0.0"] * 4]]
    assert [line[1:] for line in told if line[2:] == ["1.1.0"] * 4] == [["huawei", *["1.1.0"] * 4]]
    counted = [line[:3] for line in told if line[1:3] == ["1.1.0", "375"]]
    assert counted == [[cloud, "1.1.0", "375"] for cloud in ("store", *clouds)]
    assert [line[0] for line in told if line[-1:] == ["ConflictError"]] == clouds
    assert "has the bytes that were published" in ran.stdout.decode()
    assert list(temporary.iterdir()) == []
    assert list(place.iterdir()) == [temporary]
