"""The tutorial for plugin authors, followed to the letter: its files are written, and all that it runs is run."""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "plugin-tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w/]+\.\w+)(, continued)?\n")
PACKAGE = "otabridge_orchard"
MOST = 200


@dataclass(frozen=True)
class Block:
    """A block of the page: a file or commands, and what is said to be printed."""

    language: str
    text: str
    printed: str | None

    @property
    def file(self) -> str | None:
        found = NAMED.match(self.text)
        return found[1] if found else None


BLOCKS = [Block(*found.groups()) for found in BLOCK.finditer(TUTORIAL) if found[1] != "text"]
LINES = int(re.findall(r"the backend is whole: (\d+) lines", TUTORIAL)[0])


class Plugin:
    """The folder of somebody who follows the page. The plugin is found there as if it were installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, block: Block) -> None:
        """Make the file of a block, or lengthen it."""
        named = NAMED.match(block.text)
        assert named, f"a block says no file:\n{block.text}"
        path = self.folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        content = block.text.removeprefix(named[0])
        if named[2]:
            blank = "\n" if content.startswith(" ") else "\n\n"
            content = path.read_text("utf-8") + blank + content
        path.write_text(content, "utf-8")
        if path.name == "pyproject.toml":
            self._install(tomllib.loads(content)["project"])

    def run(self, *command: str) -> str:
        """The output of a command of Python. It must succeed, without a warning."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTABRIDGE_", "PYTEST"))}
        paths = {"PYTHONPATH": str(self.folder), "PYTHONWARNINGS": "error"}
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False, cwd=self.folder, env=kept | paths
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _install(self, project: dict[str, object]) -> None:
        info = self.folder / f"{PACKAGE}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
        )
        points = project["entry-points"]
        assert isinstance(points, dict)
        lines = [f"{name} = {value}\n" for name, value in points["otabridge"].items()]
        (info / "entry_points.txt").write_text(f"[otabridge]\n{''.join(lines)}", "utf-8")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> "Followed":
    """The folder when the page is at its end, what its files printed where they stand, and the backend's length."""
    plugin, printed, lines = Plugin(tmp_path_factory.mktemp("tutorial")), {}, 0
    for block in BLOCKS:
        if block.language == "console":
            continue
        plugin.write(block)
        if block.file and block.file.startswith("try_"):
            printed[block.file] = plugin.run(block.file)
        if block.file == "try_errors.py":
            lines = sum(map(code, (plugin.folder / PACKAGE).glob("*.py")))
    return plugin, printed, lines


Followed = tuple[Plugin, dict[str, str], int]


def code(path: Path) -> int:
    """The lines of a file that are neither blank nor a comment nor a docstring."""
    text = path.read_text("utf-8")
    told: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            told |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    return sum(1 for number, line in lines if line and not line.startswith("#") and number not in told)


def test_every_block_is_a_file_or_commands() -> None:
    assert {block.language for block in BLOCKS} == {"python", "toml", "console"}
    assert [block.text for block in BLOCKS if block.language != "console" and not block.file] == []
    assert TUTORIAL.count("\n```\n") == len(BLOCKS) + sum(block.printed is not None for block in BLOCKS)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.printed], ids=lambda block: block.file)
def test_a_step_prints_what_the_page_says(block: Block, followed: Followed) -> None:
    assert followed[1][block.file or ""] == block.printed


def test_each_step_ends_with_something_that_runs() -> None:
    steps = re.split(r"^## \d+\. ", TUTORIAL, flags=re.MULTILINE)[1:]
    assert len(steps) == 10
    # The second is a table alone, the ninth is the kit, the tenth a command.
    still = [step.partition("\n")[0] for step in steps if "# try_" not in step]
    assert still == ["What the API can do", "The proof", "Release"]


def test_the_backend_is_as_short_as_the_page_says(followed: Followed) -> None:
    assert followed[2] == LINES < MOST


def test_the_kit_passes_in_full(followed: Followed) -> None:
    (block,) = [block for block in BLOCKS if block.text.startswith("$ python -m pytest")]
    _, _, *words = shlex.split(block.text)
    printed = followed[0].run(*words, "-p", "no:cacheprovider")
    passed, skipped = (int(found) for found in re.findall(r"(\d+) passed, (\d+) skipped", printed)[0])
    assert passed > 800
    assert "failed" not in printed
    assert skipped < passed / 3


def test_the_class_for_a_real_server_is_the_whole_kit(followed: Followed) -> None:
    printed = followed[0].run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", "tests/live.py")
    assert printed.count("TestLive::") > 400


def test_the_plugin_is_found_whole(followed: Followed) -> None:
    printed = followed[0].run("-m", "otabridge.cli", "plugins", "list", "--output", "json")
    assert '"orchard"' in printed
    assert "otabridge_register_facades" in printed


def test_the_commands_exist(followed: Followed) -> None:
    commands = [line[2:] for block in BLOCKS if block.language == "console" for line in block.text.splitlines()]
    ours = [shlex.split(line)[1:] for line in commands if line.startswith("otabridge ")]
    assert ours == [["plugins", "check", "orchard", "--suite", "tests/test_conformance.py"]]
    assert "orchard passes" in followed[0].run("-m", "otabridge.cli", *ours[0])


def test_the_finished_files_are_formatted_as_ours(followed: Followed) -> None:
    plugin = followed[0]
    options = ["--line-length", "120", "--no-cache", "--isolated"]
    plugin.run("-m", "ruff", "format", "--check", *options, ".")
    known = ["--config", 'lint.isort.known-first-party = ["otabridge", "otabridge_orchard", "by_hand"]']
    plugin.run("-m", "ruff", "check", "--select", "E,F,W,I,B,UP,SIM", *known, *options, PACKAGE)
