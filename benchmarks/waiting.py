"""A cloud that takes 50 ms for every answer: pages asked for one at a time, or while the reader has others."""

import asyncio
import time
from contextlib import aclosing, closing
from typing import Any

from benchmarks import answers, peers
from benchmarks.listing import sizes
from benchmarks.measuring import Figures, Ground, Meter

# A contender -> the client, and what its pager is given.
WAYS: dict[str, tuple[str, dict[str, int]]] = {
    "one at a time": ("otabridge", {}),
    "one at a time, async": ("otabridge async", {}),
    "8 in flight": ("otabridge", {"in_flight": 8}),
    "8 in flight, async": ("otabridge async", {"in_flight": 8}),
    "the next one early": ("otabridge", {"in_flight": 1}),
    "the next one early, async": ("otabridge async", {"in_flight": 1}),
    "hw": ("hw", {}),
    "ali2": ("ali2", {}),
}


async def pages(name: str, ground: Ground, *, kind: str, pages: int, work: float) -> Figures:
    """So many pages, of which each is worked on for so long: milliseconds of `total_ms`."""
    client, more = WAYS[name]
    cls = peers.found(client)
    peer: Any = cls(ground.place("late"))
    read = _awaited if cls.awaited else _read
    await read(peer, kind, 1, 0.0, {})  # everything is loaded, and a connection stands
    meter = Meter(ground, "late")
    with meter.over(pages):
        count = await read(peer, kind, pages, work, more)
    if cls.awaited:
        await peer.close()
    else:
        peer.close()
    return meter.figures | {"total_ms": meter.figures["wall"] * pages / 1e3, "rows": count}


async def _read(peer: Any, kind: str, wanted: int, work: float, more: dict[str, int]) -> int:
    with closing(peer.pages(kind, **more)) as found:
        count = 0
        for number, rows in enumerate(found, 1):
            count += len(rows)
            time.sleep(work)
            if number == wanted:
                break
    return checked(peer, kind, wanted, count, rows[-1])


async def _awaited(peer: Any, kind: str, wanted: int, work: float, more: dict[str, int]) -> int:
    async with aclosing(peer.pages(kind, **more)) as found:
        count = number = 0
        async for rows in found:
            number, count = number + 1, count + len(rows)
            await asyncio.sleep(work)
            if number == wanted:
                break
    return checked(peer, kind, wanted, count, rows[-1])


def checked(peer: Any, kind: str, wanted: int, count: int, last: Any) -> int:
    """How many rows were read, which are those of the first pages."""
    assert count == wanted * sizes(kind)[0]
    assert peer.read(kind, last) == answers.expected(kind, count - 1)
    return count
