"""Results as text: a table for each goal and case, in Markdown, which reads well on a terminal too."""

import re
from collections.abc import Iterable, Iterator

from benchmarks.cases import CASES, Case
from benchmarks.results import Run, Spread, Verdict

TITLES = {
    "cpu": "CPU us",
    "wall": "wall us",
    "cpu_ms": "CPU ms",
    "wall_ms": "wall ms",
    "total_ms": "wall ms",
    "page_ms": "page, CPU ms",
    "peak_mb": "Python's peak MB",
    "grown": "grown MB",
    "rate": "answers a CPU second",
    "packages": "packages a CPU second",
    "apply_s": "apply, CPU s",
    "plan_s": "plan, CPU s",
    "apply_wall_s": "apply, wall s",
    "server_s": "the facade's CPU s",
    "first": "first reports, rows a CPU second",
    "again": "again at random, rows a CPU second",
    "read": "read, rows a CPU second",
    "first by wall": "first reports, rows a second",
    "again by wall": "again, rows a second",
}
# Figures of which more is better.
RATES = frozenset({"rate", "packages", "first", "again", "read", "first by wall", "again by wall"})
OURS = ("otabridge", "otabridge async")
FIGURE = re.compile(r"[-<>=]* ?[\d.,]+( |$)|[.]$").match


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table whose columns are as wide as what is in them; columns of figures are set to the right."""
    lines = [tuple(head), *map(tuple, rows)]
    columns = [_padded(column) for column in zip(*lines, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _padded(column: tuple[str, ...]) -> list[str]:
    """A column's cells, all as wide, with the rule below the first."""
    told = [cell for cell in column[1:] if cell]
    width = max(3, *map(len, column))
    figures = bool(told) and all(map(FIGURE, told))
    rule = "-" * (width - 1) + (":" if figures else "-")
    head, *cells = (cell.rjust(width) if figures else cell.ljust(width) for cell in column)
    return [head, rule, *cells]


def number(value: float) -> str:
    """Three figures, which is more than is known."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(value: Spread | None) -> str:
    """A median, with its quartiles; alone where they are the same."""
    if value is None:
        return "."
    middle, low, high = number(value.middle), number(value.low), number(value.high)
    return middle if low == high else f"{middle} ({low} to {high})"


def verdicts(run: Run) -> str:
    """The goals and what was measured."""
    head = ("goal", "case", "figure", "beside", "wanted", "measured", "verdict")
    return table(head, (_verdict(verdict) for verdict in run.verdicts()))


def _verdict(verdict: Verdict) -> tuple[str, ...]:
    goal = verdict.goal
    sign, limit = ("<=", goal.most) if goal.most is not None else (">=", goal.least or 0.0)
    ours = "" if goal.ours == OURS[0] else f": {goal.ours}"
    figure = TITLES.get(goal.figure, goal.figure)
    return (
        goal.number,
        f"{goal.case}{ours}",
        figure if verdict.peer is None else figure.rpartition(" ")[0] or figure,
        verdict.peer or "",
        f"{sign} {number(limit)}",
        spread(verdict.value),
        "met" if verdict.met else "NOT MET",
    )


def cases(run: Run) -> Iterator[str]:
    """What every contender cost, case by case."""
    for case in CASES:
        if case.name in run.results:
            yield f"{case.goal}, {case.name}{case.unit and f', each {case.unit}'}:\n\n{_case(run, case)}"


def _case(run: Run, case: Case) -> str:
    ours = {name: run.spread(case.name, name, case.shows[0]) for name in OURS if name in case.contenders}
    ours = ours if len(case.contenders) > len(ours) else {}
    counted = run.spread(case.name, case.contenders[-1], "connections") is not None
    rows = []
    for contender in case.contenders:
        first = run.spread(case.name, contender, case.shows[0])
        figures = [spread(run.spread(case.name, contender, figure)) for figure in case.shows]
        ratios = [number(own.middle / first.middle) if own and first and first.middle else "." for own in ours.values()]
        rows.append((contender, *figures, *ratios, *((_connections(run, case, contender),) if counted else ())))
    head = [TITLES.get(name, name) for name in case.shows]
    return table(("", *head, *(f"{name} / it" for name in ours), *(("connections",) if counted else ())), rows)


def _connections(run: Run, case: Case, contender: str) -> str:
    """Whether they were kept, as the server has counted."""
    opened, asked = (run.spread(case.name, contender, figure) for figure in ("connections", "requests"))
    assert opened is not None
    assert asked is not None
    return "kept" if not opened.middle else f"{number(opened.middle)} NEW in {number(asked.middle)}"


def whole(run: Run) -> str:
    """Everything, the goals first."""
    return "\n\n".join((verdicts(run), *cases(run)))
