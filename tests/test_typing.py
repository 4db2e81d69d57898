"""The types of the public API: tests/typing holds uses of it, which mypy must accept to the letter."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_uses_of_the_api_type_check_strictly() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "tests/typing"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_says_that_it_is_typed() -> None:
    folders = [ROOT / "otabridge", *ROOT.glob("plugins/*/src/otabridge_*")]
    assert len(folders) >= 3
    assert [folder for folder in folders if not (folder / "py.typed").is_file()] == []
