"""Files up and down on the command line: all or none of them, and a bar that terminals alone see."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otabridge.cli import session
from otabridge.serve import Fault, running
from tests.cli.conftest import Ask

BYTES = bytes(range(256)) * 9000


class Terminal(io.StringIO):
    """A stderr that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def cloud(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A cloud with a module, and a file to publish."""
    (place / "app.bin").write_bytes(BYTES)
    fault = Fault(kind="answer", status=500, operation="GetObject", calls="2-", facade="tuya")
    with running("tuya", faults=[fault]) as server:
        server.cloud.modules.create("mcu", product="p1")
        given = server.settings("tuya")
        secret = given.pop("access_key_secret")
        lines = "".join(f'{name} = "{value}"\n' for name, value in given.items())
        (place / "otabridge.toml").write_text(f"[clouds.there]\n{lines}")
        monkeypatch.setenv("OTABRIDGE_THERE_ACCESS_KEY_SECRET", secret)
        yield "there"


PUBLISH = (
    "packages",
    "publish",
    "app.bin",
    "--product",
    "p1",
    "--module",
    "mcu",
    "--version",
    "1.0",
    "--output",
    "json",
)


def test_a_file_goes_up_and_comes_down(good: Ask, cloud: str) -> None:
    package = good(*PUBLISH, "--on", cloud)
    assert package.err == ""
    ran = good("packages", "download", package.json["id"], "--on", cloud, "--out", "files", "--output", "json")
    (row,) = ran.json
    assert Path(row["path"]).read_bytes() == BYTES
    assert ran.err == ""


def test_a_download_that_fails_says_so_and_leaves_nothing(ask: Ask, good: Ask, cloud: str) -> None:
    package = good(*PUBLISH, "--on", cloud).json["id"]
    good("packages", "download", package, "--on", cloud, "--out", "files")
    ran = ask("packages", "download", package, "--on", cloud, "--out", "other")
    assert (ran.code != 0, ran.out) == (True, "")
    assert "GetObject" in ran.err
    assert [*Path("other").iterdir()] == []


def test_a_terminal_sees_how_far_it_is_and_stdout_does_not(
    good: Ask, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    ran = good(*PUBLISH, "--on", cloud)
    shown = terminal.getvalue()
    assert ran.json["version"] == "1.0"
    assert "publishing app.bin on there" in shown
    assert re.search(r"[0-9.]+/[0-9.]+ MB", shown)


def test_what_is_shown_of_a_name_is_neither_markup_nor_control(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with session.moving("publishing [red]a[/red]\x1b]0;evil\x07.bin") as progress:
        assert progress
        progress(1, None)
        progress(1, 2)
    assert "[red]a[/red]" in terminal.getvalue()
    assert "\x1b]0;" not in terminal.getvalue()


def test_where_there_is_no_terminal_nobody_is_told() -> None:
    with session.moving("publishing") as progress:
        assert progress is None
