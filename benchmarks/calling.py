"""Calls: one after another, or by as many threads or tasks as are in flight. What they give is checked first."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from benchmarks import answers, peers
from benchmarks.measuring import Figures, Ground, Meter

WARM_UP = 60


async def calls(name: str, ground: Ground, *, job: str, count: int, door: str = "plain", in_flight: int = 1) -> Figures:
    """So many calls of a contender's method `job`: CPU and wall of each."""
    kind = peers.found(name)
    peer: Any = kind(ground.place(door), in_flight=in_flight)
    call, meter = getattr(peer, job), Meter(ground, door)
    warm_up = min(WARM_UP, count) + in_flight
    if kind.awaited:
        rows = checked(peer, await call())
        await by_tasks(call, warm_up, in_flight)
        with meter.over(count):
            await by_tasks(call, count, in_flight)
        await peer.close()
    else:
        rows = checked(peer, call())
        by_threads(call, warm_up, in_flight)
        with meter.over(count):
            by_threads(call, count, in_flight)
        peer.close()
    return meter.figures | {"rows": rows}


def checked(peer: peers.Peer, result: Any) -> int:
    """How many rows a call has given, all of them right: the module, or the few versions."""
    if not isinstance(result, list):
        assert peer.read("module", result) == answers.expected("module", 0)
        return 1
    want = [answers.expected("version", number, answers.SMALL) for number in range(answers.FEW)]
    assert [peer.read("version", row) for row in result] == want
    return len(result)


def by_threads(call: Callable[[], object], count: int, in_flight: int) -> None:
    """So many calls by so many threads; by this one if it is one."""
    if in_flight == 1:
        for _ in range(count):
            call()
        return
    turns = iter(range(count))
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in turns:
                call()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


async def by_tasks(call: Callable[[], Any], count: int, in_flight: int) -> None:
    """So many calls by so many tasks."""
    turns = iter(range(count))

    async def work() -> None:
        for _ in turns:
            await call()

    await asyncio.gather(*(work() for _ in range(in_flight)))
