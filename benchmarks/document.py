"""Writes what was measured into docs/performance.md, between its markers; the rest of the page is written by hand."""

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks import tables
from benchmarks.results import Run

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
MARKED = re.compile(r"<!-- measured: (.*?) -->\n.*?<!-- end of measured -->", re.DOTALL)
WORDS = {
    "cores": "{} cores",
    "architecture": "{}",
    "system": "{}",
    "python": "Python {}",
}


def parts(run: Run) -> Mapping[str, str]:
    """What each pair of markers holds."""
    return {
        "the machine": about(run),
        "the goals": tables.verdicts(run),
        "the cases": "\n\n".join(tables.cases(run)),
        "the profiles": "\n\n".join(f"### {name}\n\n{text}" for name, text in run.profiles.items()),
    }


def about(run: Run) -> str:
    """The machine in general terms, and the versions of what was compared."""
    machine = ", ".join(form.format(run.machine[name]) for name, form in WORDS.items())
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return f"Machine: {machine}. Rounds: {run.rounds}.\n\nVersions: {versions}."


def written(page: str, run: Run) -> str:
    """The page with this run between its markers."""
    new = parts(run)
    return MARKED.sub(lambda m: f"<!-- measured: {m[1]} -->\n\n{new[m[1]]}\n\n<!-- end of measured -->", page)


def write(run: Run) -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text("utf-8"), run), "utf-8")
