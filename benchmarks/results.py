"""What a run leads to: medians with their spread, and every goal judged, as values that go to JSON and back."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.goals import FASTEST_SDK, GOALS, Goal
from benchmarks.measuring import Figures
from benchmarks.peers import SDKS
from benchmarks.running import Results

FORMAT = 1
DISTRIBUTIONS = (
    "otabridge",
    "httpx",
    "aiohttp",
    "pydantic",
    "pluggy",
    "typer",
    "huaweicloudsdkiotda",
    "alibabacloud-iot20180120",
    "aliyun-python-sdk-iot",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over all rounds: its median, and the quartiles about it."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Of two rounds and fewer, the least and the most."""
        known = sorted(values)
        low, _, high = quantiles(known, n=4, method="inclusive") if len(known) > 2 else (known[0], 0.0, known[-1])
        return cls(median(known), low, high)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal, what was measured, and whether it was met; `peer` is the one that counted."""

    goal: Goal
    peer: str | None
    value: Spread

    @property
    def met(self) -> bool:
        most, least = self.goal.most, self.goal.least
        return (most is None or self.value.middle <= most) and (least is None or self.value.middle >= least)


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that one run has found, and where."""

    machine: dict[str, Any]
    versions: dict[str, str]
    results: Results
    rounds: int
    profiles: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Run":
        """A run from its file."""
        told = json.loads(path.read_text("utf-8"))
        if told.get("format") != FORMAT:
            raise SystemExit(f"{path} is not a result of this program")
        return cls(**{field.name: told[field.name] for field in fields(cls)})

    def write(self, path: Path) -> None:
        """A file with the figures of every round, and the verdicts."""
        told = {"format": FORMAT, **asdict(self), "goals": [told_of(verdict) for verdict in self.verdicts()]}
        path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")

    def spread(self, case: str, contender: str, figure: str) -> Spread | None:
        """A contender's figure; None where it has none."""
        values = [figures[figure] for figures in self.results[case][contender] if figure in figures]
        return Spread.of(values) if values else None

    def verdicts(self) -> list[Verdict]:
        """The goals of the cases that were measured."""
        judged = (self._verdict(goal) for goal in GOALS if goal.case in self.results)
        return [verdict for verdict in judged if verdict]

    def _verdict(self, goal: Goal) -> Verdict | None:
        found = self.results[goal.case]
        ours = found.get(goal.ours, [])
        if not ours or goal.figure not in ours[0]:
            return None
        if goal.peer is None:
            return Verdict(goal, None, Spread.of(figures[goal.figure] for figures in ours))
        peer = self._fastest(goal) if goal.peer == FASTEST_SDK else goal.peer
        pairs = zip(*(_values(found[name], goal.figure) for name in (goal.ours, peer)), strict=True)
        # Contenders take turns, so the two of one round saw the same machine.
        return Verdict(goal, peer, Spread.of(theirs / own if goal.least else own / theirs for own, theirs in pairs))

    def _fastest(self, goal: Goal) -> str:
        found = self.results[goal.case]
        known = [name for name in SDKS if found.get(name)]
        return min(known, key=lambda name: median(_values(found[name], goal.figure)))


def _values(rounds: list[Figures], figure: str) -> list[float]:
    return [figures[figure] for figures in rounds]


def told_of(verdict: Verdict) -> dict[str, Any]:
    """A verdict for JSON."""
    return {**asdict(verdict.goal), "counted": verdict.peer, "value": asdict(verdict.value), "met": verdict.met}


def machine() -> dict[str, Any]:
    """This machine, in general terms."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
    }


def versions() -> dict[str, str]:
    """The versions of what was compared."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
