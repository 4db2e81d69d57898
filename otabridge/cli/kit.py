"""The conformance kit, run on an installed plugin in a process of its own, and what a person must know of its end."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.util import find_spec
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

from otabridge.testing import BackendConformance, FacadeConformance

given = json.loads(os.environ["{GIVEN}"])


class Given:
    backend = given["backend"]
    facade = given["facade"]
    settings = given["settings"]
    known_gaps = given["known_gaps"]


class TestKit(Given, BackendConformance):
    pass


if given["facade"]:

    class TestFacade(Given, FacadeConformance):
        pass
"""
GAP = "named with --known-gap"
NO_TESTS = 5  # pytest's exit code


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test, with one set of parameters; `outcome` is passed, failed or skipped, and `message` says why."""

    group: str
    suite: str
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
    if unknown := sorted(gap for gap in gaps if gap.partition("[")[0] not in groups):
        near = [*get_close_matches(unknown[0], groups, 1), "test_..."][0]
        raise Usage(
            f"the kit has no test named {', '.join(unknown)}: write {near}, or {near}[PARAMETER] for some cases"
        )
    registry = Registry()
    registry.backend(name)
    facade: str | None = name
    try:
        registry.facade(name)
    except ConfigurationError:
        facade = None
        if not settings:
            mend = "give the settings of a cloud that may be written to, by --set, or a file of tests, by --suite"
            raise Usage(f"{name} has no facade that it could be tried on: {mend}") from None
    given = {"backend": name, "facade": facade, "settings": settings, "known_gaps": dict.fromkeys(gaps, GAP)}
    with _workshop() as place:
        (place / "test_kit.py").write_text(TESTS)
        return _ended(place, str(place / "test_kit.py"), groups, given=json.dumps(given))


def run_suite(name: str, suite: str) -> list[Case]:
    """The same of the plugin's own classes, in a file of tests or as `module:Class`."""
    groups = _groups()
    Registry().backend(name)
    if not Path(suite).is_file():
        module, _, classes = suite.partition(":")
        with suppress(ImportError, ValueError):
            found = find_spec(module)
            suite = f"{found.origin}::{classes}" if classes and found and found.origin else ""
        if "::" not in suite:
            raise Usage(f"--suite: there is no such file of tests, and no such class as module:Class: {module}")
    with _workshop() as place:
        cases = _ended(place, suite, groups, f"--otabridge-backend={name}")
    return [replace(case, parameters=f"{case.suite} {case.parameters}".strip()) for case in cases]


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
        from otabridge.testing import BackendConformance, FacadeConformance
    except ImportError:
        raise Usage("the kit is not installed. Try: pip install 'otabridge[testing]'") from None
    return {
        test: group.__name__.lower().removesuffix("conformance")
        for group in (*reversed(BackendConformance.__mro__), FacadeConformance)
        for test in vars(group)
        if test.startswith("test_")
    }


@contextmanager
def _workshop() -> Iterator[Path]:
    """A folder for one run."""
    with tempfile.TemporaryDirectory(prefix="otabridge-kit-") as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")  # none that is elsewhere is read
        yield Path(folder)


def _ended(place: Path, tests: str, groups: Mapping[str, str], *options: str, given: str = "{}") -> list[Case]:
    """How each test ended. OtaBridgeError if there was none."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "otabridge.testing.plugin"]
    report = place / "report.xml"
    rules = ["-c", str(place / "pytest.ini"), f"--junit-xml={report}", "-o", "junit_logging=no"]
    # Other plugins of pytest's, and what its environment adds, have no say in the verdict.
    environment = {**os.environ, GIVEN: given, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    ended = subprocess.run(
        [*command, *rules, f"--rootdir={Path(tests.partition('::')[0]).resolve().parent}", *options, tests],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    cases = _cases(report, groups)
    if ended.returncode == NO_TESTS:
        raise Usage(f"--suite: there is no conformance class of this plugin in {tests}")
    if not cases:
        told = " ".join((ended.stdout + ended.stderr).split())[-600:]
        raise OtaBridgeError(f"the kit could not be run (pytest ended with {ended.returncode}): {told}")
    return cases


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
        told = {"outcome": outcome, "message": message, "parameters": parameters.removesuffix("]")}
        if suite := element.get("classname", "").rpartition(".")[2]:  # else it is a file that could not be read
            found.append(Case(group=groups.get(test, "own"), suite=suite, test=test, **told))
    return found
