"""The mirror's document: every program in it runs as it stands, and what it lists is what there is."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from otabridge.serve.faults import Fault, read_script

DOCUMENT = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the official SDKs writes an id into the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTABRIDGE_")}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=kept)


PROGRAMS = [block for block in blocks("python") if "running(" in block]


@pytest.mark.parametrize(("block", "printed"), [*zip(PROGRAMS, ["Main_controller", "", "True"], strict=True)])
def test_a_program_runs_as_it_stands(block: str, printed: str, tmp_path: Path) -> None:
    ran = run([sys.executable, "-c", block], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert printed in ran.stdout
    assert ran.stdout.strip()


def test_the_test_with_the_fixture_runs_as_it_stands(tmp_path: Path) -> None:
    (block,) = [block for block in blocks("python") if "otabridge_serve" in block]
    (tmp_path / "test_release.py").write_text(block, "utf-8")
    ran = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_release.py"], tmp_path)
    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout


def test_the_script_of_faults_is_one(tmp_path: Path) -> None:
    (block,) = blocks("toml")
    assert tomllib.loads(block)["fault"]
    file = tmp_path / "faults.toml"
    file.write_text(block, "utf-8")
    assert [fault.kind for fault in read_script(file)] == ["lose", "throttle"]


def test_every_kind_of_fault_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENT.partition("| kind |")[2], re.MULTILINE)
    assert sorted(rows) == sorted(Fault.model_fields["kind"].annotation.__args__)


def test_the_command_line_prints_the_lines_that_are_shown(tmp_path: Path) -> None:
    (block,) = blocks("console")
    command, *lines = block.splitlines()
    prompt, program, *words = shlex.split(command)
    assert (prompt, program) == ("$", "otabridge")
    server = subprocess.Popen(
        [sys.executable, "-m", "otabridge.cli", *words], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        assert server.stdout
        printed = [json.loads(server.stdout.readline()) for _ in lines]
    finally:
        server.terminate()
        code = server.wait(30)
        server.stdout.close()
    assert code == 0
    for shown, said in zip(map(json.loads, lines), printed, strict=True):
        assert shown["facade"] == said["facade"]
        assert set(shown) <= set(said)
        assert ("secret_key" in said) is ("secret_key" in shown)
