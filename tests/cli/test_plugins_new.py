"""`otabridge plugins new`: a whole plugin or none, and the one in this repository is its output."""

import subprocess
import sys
from pathlib import Path

import pytest

from otabridge.cli import scaffold
from tests.cli.conftest import ROOT, Ask

EXAMPLE = ROOT / "plugins" / "otabridge-example"
# The shortest and the longest name: lines are as long as they can be, and imports are sorted by them.
NAMES = ("a", "a2-" + "long" * 6 + "-90")


def files(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, less what tools leave there."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    kept = [path for path in paths if not any(part.startswith((".", "__pycache__")) for part in path.parts)]
    return {path.as_posix(): (folder / path).read_bytes() for path in kept}


def tool(*words: str, folder: Path) -> str:
    """What a tool complains of."""
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_example_of_this_repository_is_what_the_command_writes(
    good: Ask, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTABRIDGE_PLUGINS", "local")  # so that the name is free
    good("plugins", "new", "example", "--folder", place)
    mend = (
        "change otabridge/cli/template, delete plugins/otabridge-example, and write it anew with `plugins new example`"
    )
    assert files(place / "otabridge-example") == files(EXAMPLE), mend


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_of_any_name_is_formatted_and_linted(good: Ask, place: Path, name: str) -> None:
    good("plugins", "new", name)
    folder = place / f"otabridge-{name}"
    assert tool("ruff", "check", "--no-cache", ".", folder=folder) == ""
    assert tool("ruff", "format", "--no-cache", "--check", ".", folder=folder) == ""


def test_a_plugin_is_typed(good: Ask, place: Path) -> None:
    good("plugins", "new", NAMES[1])
    folder = place / f"otabridge-{NAMES[1]}"
    assert tool("mypy", "--cache-dir", str(place / "cache"), "src", folder=folder) == ""


def test_the_command_says_where_the_plugin_is_and_what_to_do_next(good: Ask, place: Path) -> None:
    ran = good("plugins", "new", "acme", "--folder", "deep/er")
    assert ran.out == f"{Path('deep/er/otabridge-acme')}\n"
    assert (place / "deep" / "er" / "otabridge-acme" / "pyproject.toml").is_file()
    for words in ("pip install -e '.[dev]'", "pytest", "README.md"):
        assert words in ran.err


def test_the_names_of_a_plugin_are_made_of_its_own(good: Ask, place: Path) -> None:
    good("plugins", "new", "my-ota2")
    written = files(place / "otabridge-my-ota2")
    assert b"class MyOta2Backend(Backend):" in written["src/otabridge_my_ota2/backend.py"]
    assert b"MY_OTA2_SECRET_KEY" in written["src/otabridge_my_ota2/settings.py"]
    assert b'my-ota2 = "otabridge_my_ota2.hooks"' in written["pyproject.toml"]
    assert [name for name, text in written.items() if b"{{" in text or b"xample" in text] == ["README.md"]
    assert written["README.md"].count(b"xample") == 1  # its endpoint's domain


@pytest.mark.parametrize(
    "name", ["", "2a", "Acme", "a_b", "a--b", "-a", "a-", "a.b", "ä", "a/b", "..", "a" * 31, "a\n"]
)
def test_a_name_that_cannot_be_one_is_refused_in_words(ask: Ask, place: Path, name: str) -> None:
    ran = ask("plugins", "new", "--", name)
    assert ran.code == 2
    assert "cannot be the name of a plugin: small letters, digits" in ran.err
    assert [*place.iterdir()] == []


@pytest.mark.parametrize("name", ["local", "memory", "fake"])
def test_a_name_that_is_taken_is_refused(ask: Ask, fake: Path, place: Path, name: str) -> None:
    ran = ask("plugins", "new", name)
    assert (ran.code, ran.out) == (2, "")
    assert f"there is a backend named '{name}' already" in ran.err
    assert not (place / f"otabridge-{name}").exists()


def test_a_folder_that_is_there_is_left_alone(ask: Ask, place: Path) -> None:
    (place / "otabridge-acme").mkdir()
    ran = ask("plugins", "new", "acme")
    assert ran.code == 2
    assert "is there already" in ran.err
    assert [*(place / "otabridge-acme").iterdir()] == []


def test_a_plugin_that_cannot_be_written_leaves_nothing(ask: Ask, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "contents", lambda name: {"whole.py": "", "half.py": "\ud800"})
    assert ask("plugins", "new", "acme").code == 1
    assert [*place.iterdir()] == []
