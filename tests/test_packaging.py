"""Wheels and source archives: built, opened, and found to hold what they should and no more."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import otabridge

ROOT = Path(__file__).parents[1]
FOLDERS = {"otabridge": ROOT} | {folder.name: folder for folder in sorted((ROOT / "plugins").iterdir())}


def project(name: str) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((FOLDERS[name] / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def sources(name: str) -> set[str]:
    """Every file that the package of a distribution has in this checkout, below its parent folder."""
    parent = ROOT if name == "otabridge" else FOLDERS[name] / "src"
    files = (path for path in (parent / name.replace("-", "_")).rglob("*") if path.is_file())
    return {path.relative_to(parent).as_posix() for path in files if "__pycache__" not in path.parts}


class Built:
    """What `python -m build` made of one distribution: a source archive, and a wheel made from that."""

    def __init__(self, name: str, folder: Path) -> None:
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(FOLDERS[name])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (self.sdist,), (self.wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
        self.name = name
        self.stem = f"{name.replace('-', '_')}-{project(name)['version']}"
        self.info = f"{self.stem}.dist-info"

    def in_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def in_sdist(self) -> set[str]:
        with tarfile.open(self.sdist) as archive:
            return {member.name.removeprefix(f"{self.stem}/") for member in archive if member.isfile()}

    def read(self, file: str) -> bytes:
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(f"{self.info}/{file}")

    def metadata(self) -> Message:
        return message_from_bytes(self.read("METADATA"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """Builds a distribution when it is first asked for."""
    return lru_cache(lambda name: Built(name, tmp_path_factory.mktemp(name)))


@pytest.fixture(params=FOLDERS)
def built(request: pytest.FixtureRequest, build: Callable[[str], Built]) -> Built:
    return build(request.param)


def test_the_archives_hold_the_package_its_papers_and_nothing_else(built: Built) -> None:
    files = sources(built.name)
    assert f"{built.name.replace('-', '_')}/py.typed" in files
    papers = {f"{built.info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    allowed = {f"{built.info}/licenses/LICENSE"}
    assert files | papers <= built.in_wheel() <= files | papers | allowed
    shipped = files if built.name == "otabridge" else {f"src/{name}" for name in files}
    papers = {"PKG-INFO", "pyproject.toml", "README.md"}
    assert shipped | papers <= built.in_sdist() <= shipped | papers | {".gitignore", "LICENSE", "CHANGELOG.md"}


def test_no_archive_holds_tests_cassettes_or_leftovers(built: Built) -> None:
    for name in built.in_wheel() | built.in_sdist():
        assert not re.search(r"(^|/)(tests?|cassettes|benchmarks|docs|__pycache__|\.[a-z]\w*_cache)/|\.pyc$", name), (
            name
        )


def test_the_papers_say_what_the_project_says(built: Built) -> None:
    said, papers = project(built.name), built.metadata()
    assert (papers["Name"], papers["Version"]) == (built.name, said["version"])
    assert papers["License-Expression"] == "Apache-2.0"
    assert papers["Requires-Python"] == ">=3.11"
    assert set(papers.get_all("Provides-Extra") or []) == set(said["optional-dependencies"])
    assert "all" in said["optional-dependencies"]
    listed = built.read("entry_points.txt").decode()
    assert all(f"{name} = {value}" in listed for name, value in said["entry-points"]["otabridge"].items())


def test_the_core_carries_its_licence_and_its_command(build: Callable[[str], Built], tmp_path: Path) -> None:
    core = build("otabridge")
    assert core.read("licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert "otabridge = otabridge.cli:main" in core.read("entry_points.txt").decode()
    assert {"LICENSE", "CHANGELOG.md"} <= core.in_sdist()
    # The wheel alone is a library that works.
    with zipfile.ZipFile(core.wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import otabridge\n"
        "assert otabridge.__file__.startswith(sys.argv[1]), otabridge.__file__\n"
        "with otabridge.connect('memory:') as cloud:\n"
        "    cloud.modules.create('mcu', product='p')\n"
        "    print(cloud.modules.get('mcu', product='p').name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout == "mcu\n", done.stderr


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert all(f"\n   {number}. " in text for number in range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in text


def test_there_is_one_version() -> None:
    changes = re.findall(r"^## \[?(\d[^\s\]]*)\]?", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert changes[0] == otabridge.__version__
    for name in FOLDERS:
        assert project(name)["version"] == otabridge.__version__
        package = (ROOT if name == "otabridge" else FOLDERS[name] / "src") / name.replace("-", "_") / "__init__.py"
        assert re.findall(r'^__version__ = "(.+)"$', package.read_text("utf-8"), re.MULTILINE) == [
            otabridge.__version__
        ]


def test_a_plugin_asks_for_the_core_that_it_was_written_for() -> None:
    major, minor, _ = otabridge.__version__.split(".")
    for name in FOLDERS.keys() - {"otabridge"}:
        assert project(name)["dependencies"] == [f"otabridge>={major}.{minor},<{major}.{int(minor) + 1}"]


def test_the_tools_that_judge_are_pinned() -> None:
    dev = project("otabridge")["optional-dependencies"]["dev"]
    for tool in ("mypy", "ruff", "huaweicloudsdkcore", "alibabacloud-iot20180120", "aliyun-python-sdk-core"):
        assert [entry for entry in dev if entry.startswith(f"{tool}==")], tool
