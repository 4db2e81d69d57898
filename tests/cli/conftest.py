"""A command line in a folder of its own: run here, or in a process where that matters; and a cloud that misbehaves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from otabridge import registry
from otabridge.cli import main

ROOT = Path(__file__).parents[2]
PLUGIN = Path(__file__).parent / "plugin"
COMMAND = (sys.executable, "-m", "otabridge.cli")


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ask = Callable[..., Ran]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no configuration from outside."""
    for name in [name for name in os.environ if name.startswith("OTABRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command in this process."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def good(ask: Ask) -> Ask:
    """Run a command in this process, and expect that it succeeds."""

    def run(*words: object) -> Ran:
        ran = ask(*words)
        assert ran.code == 0, ran.err
        return ran

    return run


@pytest.fixture
def depot(place: Path) -> tuple[str, str]:
    """The words that name a local store."""
    return "--on", f"local:{place / 'depot'}"


@pytest.fixture
def fake(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The misbehaving cloud, installed and configured as `fake` and `other`: the folder of its distribution."""
    metadata = place / "site" / "otabridge_fake-1.2.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: otabridge-fake\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text("[otabridge]\nfake = otabridge_fake\n")
    clouds = '[clouds.fake]\nbackend = "fake"\n[clouds.other]\nbackend = "fake"\nendpoint = "https://other.test"\n'
    (place / "otabridge.toml").write_text(clouds)
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.syspath_prepend(metadata.parent)
    registry._installed.cache_clear()
    yield metadata.parent
    registry._installed.cache_clear()
    sys.modules.pop("otabridge_fake", None)


def environment(*paths: Path, **more: str) -> dict[str, str]:
    """An environment for a process that runs the command from this checkout."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT))), **more}


def spawn(*words: object, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[bytes]":
    """Run a command in a process of its own."""
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, env=env or environment(), check=False)
