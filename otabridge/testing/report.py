"""What a run of the kit has proven, as JSON: backends x operations x results, and which gaps are known.

{"contract": 1, "backends": {NAME: {"target": ..., "groups": {GROUP: COUNTS}, "operations": {OPERATION: COUNTS},
"gaps": {TEST: REASON}, "failed": [TEST, ...]}}}, where COUNTS are {"passed": 1, "skipped": 2, ...}.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from otabridge.backend import CONTRACT
from otabridge.testing.groups.paging import LISTS
from otabridge.testing.things import THINGS

MARKS = ("otabridge_covers", "otabridge_needs")


@dataclass
class Findings:
    """Those of one backend."""

    target: str
    groups: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    operations: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    gaps: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class Report:
    """A pytest plugin that listens to the conformance classes of one run, and writes the file at its end."""

    def __init__(self, path: Path, target: str) -> None:
        self._path = path
        self._target = target
        self._backends: dict[str, Findings] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note on a test's report what it is about. It may be made in another process than that which counts."""
        report = yield
        cls = getattr(item, "cls", None)
        if cls is not None and hasattr(cls, "kind_of") and (report.when == "call" or not report.passed):
            test = getattr(item, "originalname", item.name)
            group = next(each.__name__ for each in cls.__mro__ if test in vars(each))
            vars(report)["otabridge"] = [cls.kind_of().name, group, test, item.name, sorted(_operations(item))]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one result."""
        about = getattr(report, "otabridge", None)
        if about is None:
            return
        backend, group, test, name, operations = about
        found = self._backends.setdefault(backend, Findings(self._target))
        gap = getattr(report, "wasxfail", None) if report.skipped else None
        result = report.outcome if gap is None else "known gap"
        found.groups[group][result] += 1
        for operation in operations:
            found.operations[operation][result] += 1
        if gap is not None:
            found.gaps[test] = gap
        elif report.failed:
            found.failed.append(name)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file."""
        if hasattr(session.config, "workerinput"):
            return
        told = {"contract": CONTRACT, "backends": {name: vars(found) for name, found in self._backends.items()}}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", "utf-8")


def _operations(item: pytest.Item) -> set[str]:
    """The operations that a test is about: those of its marks, and the one that it is tried with."""
    found = {str(operation) for mark in MARKS for marker in item.iter_markers(mark) for operation in marker.args}
    given = getattr(getattr(item, "callspec", None), "params", {})
    listing = LISTS.get(str(given.get("name")))
    thing = THINGS.get(str(given.get("thing")))
    tried = given.get("operation") or (listing and listing.operation) or (thing and thing.create)
    return found | ({str(tried)} if tried else set())
