"""Two runs beside each other: what has become slower or faster by more than the rounds differ among themselves.

The peers say how much of that is the machine: where they changed as much as we did, nothing of ours has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.cases import CASES, Case
from benchmarks.peers import HOMES
from benchmarks.results import Run, Spread
from benchmarks.tables import OURS, RATES, TITLES, number, spread, table

PEERS = frozenset({*HOMES, "httpx, pydantic, pluggy", "httpx", "bare typer app", "bare typer app, no rich"}) - {*OURS}

LEAST = 0.03  # what a case of one round has no spread to tell from nothing


@dataclass(frozen=True, slots=True)
class Change:
    """How many times as much a contender costs in the second run, and what of that the peers' change leaves."""

    case: Case
    contender: str
    figure: str
    times: Spread
    left: Spread

    @property
    def verdict(self) -> str:
        """Slower or faster, if the quartiles of both runs lie apart by more than next to nothing."""
        if self.contender in PEERS:
            return "peer"
        return "SLOWER" if self.left.low > 1 + LEAST else "faster" if self.left.high < 1 - LEAST else "same"


def changes(before: Run, after: Run) -> list[Change]:
    """The change of every contender that both runs have, by the figure that counts."""
    raw = list(_raw(before, after))
    everywhere = [times.middle for _, contender, _, times in raw if contender in PEERS]
    found = []
    for case, contender, figure, times in raw:
        peers = [other.middle for at, name, _, other in raw if at is case and name in PEERS]
        machine = median(peers or everywhere or [1.0])
        left = Spread(times.middle / machine, times.low / machine, times.high / machine)
        found.append(Change(case, contender, figure, times, left))
    return found


def _raw(before: Run, after: Run) -> Iterator[tuple[Case, str, str, Spread]]:
    for case in CASES:
        figure = case.shows[0]
        for contender in case.contenders:
            old, new = (
                run.spread(case.name, contender, figure) if contender in run.results.get(case.name, {}) else None
                for run in (before, after)
            )
            if not old or not new or not old.low or not new.low:
                continue
            if figure in RATES:
                old, new = new, old
            yield case, contender, figure, Spread(new.middle / old.middle, new.low / old.high, new.high / old.low)


def compared(before: Run, after: Run) -> str:
    """A table of every change, and the list of those that count."""
    found = changes(before, after)
    rows = (
        (
            it.case.name,
            it.contender,
            TITLES[it.figure],
            spread(it.times),
            "" if it.contender in PEERS else number(it.left.middle),
            it.verdict,
        )
        for it in found
    )
    head = ("case", "contender", "figure", "second / first", "beside the peers", "verdict")
    told = [
        f"{it.verdict}: {it.case.name}, {it.contender}: {number(it.left.middle)} times as much"
        for it in found
        if it.verdict in ("SLOWER", "faster")
    ]
    return "\n".join((table(head, rows), "", *(told or ["nothing has changed by more than the spread"])))
