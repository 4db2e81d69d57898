"""The kit kills every mutant, and passes what is right: a seeded sample, or with OTABRIDGE_TEST_SCALE=full all."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.kiosk import install
from tests.conformance.mutants import MUTANTS
from tests.support.scale import FULL

DIRTY = {
    "has_a_clock_of_its_own": "tests.conformance.dirty.clock:OwnClock",
    "does_io_of_its_own": "tests.conformance.dirty.io:OwnIo",
    "drops_a_flow": "tests.conformance.dirty.dropped:DropsAFlow",
}
EVERY = sorted((*MUTANTS, *DIRTY))
SAMPLE = EVERY if FULL else sorted(random.Random(7).sample(EVERY, 8))
ROOT = Path(__file__).parents[2]
TEST = """
from otabridge.testing import BackendConformance
from tests.support.artifacts import artifact
{imports}

class TestMutant(BackendConformance):
    backend = {backend}
    known_gaps = {gaps}

    def artifact(self, cloud):
        return super().artifact(cloud) if cloud.backend.name == "kiosk" else artifact(cloud)
"""
# What is known of the references, and is no mutant's doing.
GAPS = {"huawei": {"test_one_too_many_is_a_quota_exceeded": "the vendor publishes no code for it"}}


def killer(folder: Path, name: str) -> str:
    """The first test that fails on a mutant; empty if none does."""
    if name in DIRTY:
        module, _, kind = DIRTY[name].partition(":")
        text = TEST.format(imports=f"from {module} import {kind}\n", backend=kind, gaps=GAPS["huawei"])
    else:
        gaps = GAPS.get(MUTANTS[name][0].name, {})
        text = TEST.format(imports="from tests.conformance.mutants import made\n", backend=f"made({name!r})", gaps=gaps)
    path = folder / "test_mutant.py"
    path.write_text(text, "utf-8")
    environment = install(folder)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, f"--rootdir={folder}", "-c", "/dev/null", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
        timeout=300,
    )
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    found = re.search(r"^(?:FAILED|ERROR) \S+::(\w+)", ended.stdout, re.MULTILINE)
    return found[1] if found else ""


def test_there_are_mutants_enough() -> None:
    assert len(EVERY) >= 25


@pytest.mark.parametrize("name", SAMPLE)
def test_the_kit_kills(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = killer(tmp_path, name)
    if FULL:  # the kill table
        with capsys.disabled():
            print(f"\n{name}: killed by {found}", end="")
    assert found, f"no test of the kit finds that a backend {name.replace('_', ' ')}"
