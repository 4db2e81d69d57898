"""The conformance kit, run on an installed plugin in a process of its own, and what a person must know of its end."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from otabridge.cli.errors import Usage
from otabridge.errors import ConfigurationError, OtaBridgeError
from otabridge.registry import Registry

GIVEN = "OTABRIDGE_KIT"  # what the process is told, as JSON: settings may be secrets, which no file shall have
TESTS = f"""\
import json
import os

from otabridge.testing import BackendConformance

given = json.loads(os.environ["{GIVEN}"])


class TestKit(BackendConformance):
    backend = given["backend"]
    facade = given["facade"]
    settings = given["settings"]
    known_gaps = given["known_gaps"]
"""
GAP = "named with --known-gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test, with one set of parameters; `outcome` is passed, failed or skipped, and `message` says why."""

    group: str
    test: str
    parameters: str
    outcome: str
    message: str

    @property
    def sentence(self) -> str:
        return self.test.removeprefix("test_").replace("_", " ")


def run(name: str, settings: Mapping[str, str], gaps: Iterable[str]) -> list[Case]:
    """Every test's end. Raises as the registry does for a plugin that cannot be used."""
    groups = _groups()
    if unknown := sorted({*gaps} - groups.keys()):
        raise Usage(f"the kit has no test named {', '.join(unknown)}")
    registry = Registry()
    registry.backend(name)
    facade: str | None = name
    try:
        registry.facade(name)
    except ConfigurationError:
        facade = None
        if not settings:
            mend = "give the settings of a cloud that may be written to, by --set"
            raise Usage(f"{name} has no facade that it could be tried on: {mend}") from None
    given = {"backend": name, "facade": facade, "settings": settings, "known_gaps": dict.fromkeys(gaps, GAP)}
    with tempfile.TemporaryDirectory(prefix="otabridge-kit-") as folder:
        place = Path(folder)
        (place / "pytest.ini").write_text("[pytest]\n")  # none that is further up is read
        (place / "test_kit.py").write_text(TESTS)
        ended = _pytest(place, json.dumps(given))
        cases = _cases(place / "report.xml", groups)
    if not cases:
        told = " ".join((ended.stdout + ended.stderr).split())[-600:]
        raise OtaBridgeError(f"the kit could not be run (pytest ended with {ended.returncode}): {told}")
    return cases


def verdict(name: str, cases: Iterable[Case]) -> dict[str, Any]:
    """What `--output json` shows: counts by group, and each test that failed with the first of its messages."""
    counts: dict[str, Counter[str]] = {}
    failures: dict[tuple[str, str], dict[str, Any]] = {}
    for case in cases:
        counts.setdefault(case.group, Counter())[case.outcome] += 1
        if case.outcome == "failed":
            told = {"group": case.group, "test": case.test, "sentence": case.sentence, "cases": []}
            failure = failures.setdefault((case.group, case.test), {**told, "message": case.message})
            failure["cases"].append(case.parameters)
    return {
        "plugin": name,
        "passes": not failures,
        "groups": [
            {"group": group, **{outcome: count[outcome] for outcome in ("passed", "failed", "skipped")}}
            for group, count in sorted(counts.items())
        ],
        "failures": list(failures.values()),
    }


def _groups() -> dict[str, str]:
    """Each test of the kit and the group that it is in."""
    try:
        import otabridge.serve  # noqa: F401  # what facades are served by
        from otabridge.testing import BackendConformance
    except ImportError:
        raise Usage("the kit is not installed. Try: pip install 'otabridge[testing]'") from None
    return {
        test: group.__name__.lower()
        for group in reversed(BackendConformance.__mro__)
        for test in vars(group)
        if test.startswith("test_")
    }


def _pytest(place: Path, given: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "otabridge.testing.plugin"]
    # Other plugins of pytest's, and what its environment adds, have no say in the verdict.
    environment = {**os.environ, GIVEN: given, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [*command, "--junit-xml=report.xml", "-o", "junit_logging=no", "test_kit.py"],
        cwd=place,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _cases(report: Path, groups: Mapping[str, str]) -> list[Case]:
    if not report.exists():
        return []
    found = []
    for element in ElementTree.parse(report).iter("testcase"):
        test, _, parameters = element.get("name", "").partition("[")
        outcome, message = "passed", ""
        for child in element:
            if child.tag in ("failure", "error", "skipped"):
                outcome = "skipped" if child.tag == "skipped" else "failed"
                message = child.get("message", "")
        if test in groups:
            told = {"outcome": outcome, "message": message, "parameters": parameters.removesuffix("]")}
            found.append(Case(group=groups[test], test=test, **told))
    return found
