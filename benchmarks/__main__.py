"""The commands: `run` measures, `compare` compares two runs, `profile` says where the CPU and the memory go."""

import argparse
import sys
from pathlib import Path

from benchmarks import document, tables
from benchmarks.cases import CASES, Case
from benchmarks.comparing import compared
from benchmarks.results import Run, machine, versions
from benchmarks.running import JOBS, profiles, run


def chosen(only: str, named: list[str]) -> list[Case]:
    """The cases of some goals, and those whose names have one of some words; all if neither is given."""
    goals = {word.strip() for word in only.split(",") if word.strip()}
    found = [case for case in CASES if case.goal in goals or any(word in case.name for word in named)]
    if not found and (goals or named):
        raise SystemExit(f"no such goal or case: {only or ', '.join(named)}")
    return found or list(CASES)


def measure(given: argparse.Namespace) -> int:
    """Measure, print the tables, and write what is asked for; 1 if a goal is not met."""
    if given.tiny and given.write:
        raise SystemExit("a trial is not worth a page: leave out --tiny or --write")
    cases = chosen(given.only, given.case)
    results = run(cases, rounds=given.rounds, tiny=given.tiny, tell=_told)
    shown = profiles(JOBS, tiny=given.tiny, tell=_told) if given.write else {}
    found = Run(machine(), versions(), results, given.rounds, shown)
    print(tables.whole(found))
    if given.json:
        found.write(given.json)
    if given.write:
        document.write(found)
    return 0 if given.tiny or all(verdict.met for verdict in found.verdicts()) else 1


def compare(given: argparse.Namespace) -> int:
    """Print what has changed between two files."""
    print(compared(Run.read(given.first), Run.read(given.second)))
    return 0


def profile(given: argparse.Namespace) -> int:
    """Print the profiles of one job, or of all."""
    if given.job and given.job not in JOBS:
        raise SystemExit(f"no such job: {given.job}; there are: {'; '.join(JOBS)}")
    for name, text in profiles((given.job,) if given.job else JOBS, tiny=given.tiny, tell=_told).items():
        print(f"{name}\n\n{text}\n")
    return 0


def write(given: argparse.Namespace) -> int:
    """Write the page from a file that `run --write --json` has made."""
    document.write(Run.read(given.file))
    return 0


def _told(name: str) -> None:
    print(name, file=sys.stderr, flush=True)


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("run", help="measure, and print what it comes to beside the goals")
    command.add_argument(
        "--only", metavar="P2,P5", default="", help="the cases of these goals; `more` are those of none"
    )
    command.add_argument(
        "--case", metavar="WORDS", action="append", default=[], help="the cases with this in their names"
    )
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round")
    command.add_argument("--write", action="store_true", help="profile too, and write docs/performance.md")
    command.add_argument("--tiny", action="store_true", help="a trial: few calls, one process, no judgement")
    command.set_defaults(do=measure)
    command = commands.add_parser("compare", help="compare two files of `run --json`")
    command.add_argument("first", type=Path)
    command.add_argument("second", type=Path)
    command.set_defaults(do=compare)
    command = commands.add_parser("profile", help="say where the CPU and the memory go")
    command.add_argument("job", nargs="?", help="; ".join(JOBS))
    command.add_argument("--tiny", action="store_true", help="a trial")
    command.set_defaults(do=profile)
    command = commands.add_parser("write", help="write docs/performance.md from a file of `run --write --json`")
    command.add_argument("file", type=Path)
    command.set_defaults(do=write)
    given = parser.parse_args()
    status: int = given.do(given)
    return status


if __name__ == "__main__":
    sys.exit(main())
