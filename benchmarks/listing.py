"""Lists: read row by row and let go, or kept whole. The last row of every page is looked at, and the memory."""

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import answers, peers
from benchmarks.measuring import Figures, Ground, Meter, memory

LOOK_EVERY = 20  # pages between two looks at the memory


def sizes(kind: str) -> tuple[int, int]:
    """Rows of a page, and of the whole list."""
    lists = (*answers.NUMBERED.values(), *answers.MARKED.values())
    return next((size, total) for name, _, size, total in lists if name == kind)


@dataclass(slots=True)
class Reading:
    """What is seen of a list while it is read."""

    kind: str
    read: Callable[[str, Any], tuple[object, ...]]
    page: int
    total: int
    enough: int  # rows after which reading stops; 0 for the end of the list
    first: float = 0.0
    most: float = 0.0

    def look(self, row: Any, count: int) -> bool:
        """Check the last row of a page, look at the memory, and say whether enough was read."""
        assert self.read(self.kind, row) == answers.expected(self.kind, count - 1)
        if count == self.page:
            self.first = self.most = memory()
        elif not count % (self.page * LOOK_EVERY):
            self.most = max(self.most, memory())
        return 0 < self.enough <= count

    def ended(self, count: int) -> int:
        """The rows that were read, which must be those that there are."""
        assert count == (self.enough or self.total), f"{count} rows of {self.total}"
        self.most = max(self.most, memory())
        return count


def streamed(peer: Any, reading: Reading) -> int:
    """Read row by row and let go; a client with an iterator of rows is read by that, as its users do."""
    count = 0
    if hasattr(peer, "rows"):
        for row in peer.rows(reading.kind):
            count += 1
            if not count % reading.page and reading.look(row, count):
                break
    else:
        for rows in peer.pages(reading.kind):
            for _ in rows:
                count += 1
            if not rows or reading.look(rows[-1], count):
                break
    return reading.ended(count)


async def streamed_async(peer: Any, reading: Reading) -> int:
    """`streamed`, awaited."""
    count = 0
    if hasattr(peer, "rows"):
        async for row in peer.rows(reading.kind):
            count += 1
            if not count % reading.page and reading.look(row, count):
                break
    else:
        async for rows in peer.pages(reading.kind):
            for _ in rows:
                count += 1
            if not rows or reading.look(rows[-1], count):
                break
    return reading.ended(count)


def kept(peer: Any, kind: str) -> list[Any]:
    """Every row, in a list."""
    if hasattr(peer, "rows"):
        return list(peer.rows(kind))
    rows: list[Any] = []
    for page in peer.pages(kind):
        rows.extend(page)
    return rows


async def kept_async(peer: Any, kind: str) -> list[Any]:
    """`kept`, awaited."""
    if hasattr(peer, "rows"):
        return [row async for row in peer.rows(kind)]
    rows: list[Any] = []
    async for page in peer.pages(kind):
        rows.extend(page)
    return rows


async def stream(name: str, ground: Ground, *, kind: str, rows: int = 0, traced: bool = False) -> Figures:
    """A list read to its end, or so many rows of it: `cpu` and `wall` of a page, MB that `grew` after the first."""
    cls, (page, total) = peers.found(name), sizes(kind)
    peer: Any = cls(ground.place("plain"))
    meter = Meter(ground, "plain")
    await _warmed_up(peer, kind)
    reading = Reading(kind, cls.read, page, total, rows)
    _begun(traced)
    with meter.over((rows or total) // page):
        count = await streamed_async(peer, reading) if cls.awaited else streamed(peer, reading)
    await _closed(peer)
    return meter.figures | {"rows": count, "grown": reading.most - reading.first}


async def keep(name: str, ground: Ground, *, kind: str, traced: bool = False) -> Figures:
    """A list read whole into a list: `cpu` and `wall` of a page, MB that `grew` over what was there before."""
    cls, (page, total) = peers.found(name), sizes(kind)
    peer: Any = cls(ground.place("plain"))
    meter = Meter(ground, "plain")
    await _warmed_up(peer, kind)
    before = _begun(traced)
    with meter.over(total // page):
        rows = await kept_async(peer, kind) if cls.awaited else kept(peer, kind)
    await _closed(peer)
    gc.collect()
    grown = memory() - before
    assert [cls.read(kind, row) for row in rows] == [answers.expected(kind, number) for number in range(total)]
    return meter.figures | {"rows": len(rows), "grown": grown}


async def _warmed_up(peer: Any, kind: str) -> None:
    page, total = sizes(kind)
    reading = Reading(kind, peer.read, page, total, page * 2)
    if peer.awaited:
        await streamed_async(peer, reading)
    else:
        streamed(peer, reading)


async def _closed(peer: Any) -> None:
    if peer.awaited:
        await peer.close()
    else:
        peer.close()


def _begun(traced: bool) -> float:
    """The memory from which growth counts."""
    gc.collect()
    if traced:
        tracemalloc.start()
    return memory()
