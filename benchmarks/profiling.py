"""Where the CPU and the memory of the four main jobs go, as short text.

The CPU is sampled by the process's own clock, so that what is measured stays as fast as it is; time in C counts as
its caller's. The memory is what Python allocates, traced.
"""

import os
import signal
import sys
import tempfile
import threading
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import otabridge
from benchmarks import calling, migration, peers
from benchmarks.measuring import Ground
from benchmarks.tables import table
from otabridge.migrate import apply, plan

SAMPLES_EVERY = 0.001
TOP = 12
HOUSE = ("otabridge", "otabridge_action", "otabridge_huawei")
WAITS = ("threading", "selectors", "concurrent")
# A module of the standard library that is worth a line of its own.
TOLD_APART = ("asyncio", "json", "ssl", "socket", "sqlite3", "http", "urllib", "hashlib", "hmac")

Look = Callable[[], object]
Work = Callable[[Look], Awaitable[None]]


# --- the jobs ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def one_call(ground: Ground, count: int) -> AsyncIterator[Work]:
    """Sync calls, one after another."""
    peer: Any = peers.found("otabridge")(ground.place("plain"))
    calling.by_threads(peer.show_module, 60, 1)

    async def work(look: Look) -> None:
        calling.by_threads(peer.show_module, count, 1)
        look()

    yield work
    peer.close()


@asynccontextmanager
async def in_flight(ground: Ground, count: int) -> AsyncIterator[Work]:
    """Async calls, 32 at once."""
    peer: Any = peers.found("otabridge async")(ground.place("plain"), in_flight=32)
    await calling.by_tasks(peer.show_module, 60, 32)

    async def work(look: Look) -> None:
        await calling.by_tasks(peer.show_module, count, 32)
        look()

    yield work
    await peer.close()


@asynccontextmanager
async def streamed(ground: Ground, count: int) -> AsyncIterator[Work]:
    """A list of versions, read row by row, again and again until there were `count` rows."""
    peer: Any = peers.found("otabridge")(ground.place("plain"))
    peer.few_versions()

    async def work(look: Look) -> None:
        left = count
        while left > 0:
            left -= sum(1 for _ in islice(peer.rows("version"), left))
        look()

    yield work
    peer.close()


@asynccontextmanager
async def moved(ground: Ground, count: int) -> AsyncIterator[Work]:
    """A migration from one local store to another: planned and applied."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (
            otabridge.connect(f"local:{folder / 'source'}") as source,
            otabridge.connect(f"local:{folder / 'there'}") as there,
        ):
            migration.stocked(source, folder, count)

            async def work(look: Look) -> None:
                outcome = apply(plan(source, there), source, there, journal=folder / "journal")
                look()
                assert outcome.created >= count

            yield work


# A job -> how it is done, and how often: for the CPU, for the memory, and on trial.
JOBS: dict[str, tuple[Callable[[Ground, int], Any], int, int, int]] = {
    "one call, sync": (one_call, 6_000, 1_000, 3),
    "one call, async, 32 in flight": (in_flight, 8_000, 1_000, 40),
    "100,000 versions, streamed": (streamed, 400_000, 100_000, 400),
    "migration of 500 packages": (moved, 500, 500, 10),
}


# --- CPU --------------------------------------------------------------------------------------------------------------


class Samples:
    """Where the process was at each tick of its clock."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.alone: Counter[str] = Counter()
        self.within: Counter[str] = Counter()
        self.ticks = 0.0

    def take(self, number: int, here: FrameType | None) -> None:
        """One tick: the threads that do not wait share it."""
        main = threading.main_thread().ident
        others = [frame for thread, frame in sys._current_frames().items() if thread != main]
        known = [frame for frame in (here, *others) if frame is not None]
        busy = [frame for frame in known if _layer(frame) not in WAITS] or known
        for frame in busy:
            self._add(frame, 1 / len(busy))
        self.ticks += 1

    def _add(self, frame: FrameType, share: float) -> None:
        self.layers[_layer(frame)] += share  # type: ignore[assignment]  # a Counter counts shares as well
        self.alone[_function(frame)] += share  # type: ignore[assignment]
        seen: set[str] = set()
        step: FrameType | None = frame
        while step is not None:
            if _layer(step) in HOUSE:
                seen.add(_function(step))
            step = step.f_back
        for function in seen:
            self.within[function] += share  # type: ignore[assignment]


@contextmanager
def sampled() -> Iterator[Samples]:
    """Samples of what happens in the block."""
    samples = Samples()
    before = signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, SAMPLES_EVERY, SAMPLES_EVERY)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _layer(frame: FrameType) -> str:
    """The distribution or module of the standard library that a frame is in."""
    name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if name in (*HOUSE, *WAITS) or name in TOLD_APART or "site-packages" in frame.f_code.co_filename:
        return name
    return "benchmarks" if name in ("benchmarks", "__main__") else "the rest of Python's library"


def _function(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}"


async def cpu(job: str, ground: Ground, *, tiny: bool = False) -> dict[str, str]:
    """Two tables: layers, and the functions of ours with what they call."""
    make, count, _, trial = JOBS[job]
    async with make(ground, trial if tiny else count) as work:
        began = os.times()
        with sampled() as samples:
            await work(lambda: None)
        ended = os.times()
    user, system = ended.user - began.user, ended.system - began.system
    ticks = max(samples.ticks, 1.0)
    layers = (
        (name, f"{share / ticks:.0%}") for name, share in samples.layers.most_common(TOP) if share / ticks >= 0.01
    )
    functions = (
        (name, f"{share / ticks:.0%}", f"{samples.alone[name] / ticks:.0%}")
        for name, share in samples.within.most_common(TOP)
        if share / ticks >= 0.02
    )
    spent = user + system
    told = f"{samples.ticks:.0f} samples of {spent:.1f} s, {system / (spent or 1.0):.0%} of it the kernel's."
    text = "\n\n".join(
        (
            told,
            table(("layer", "CPU"), layers),
            table(("function of ours", "with what it calls", "alone, with C"), functions),
        )
    )
    return {"text": text}


# --- memory -----------------------------------------------------------------------------------------------------------


async def memory(job: str, ground: Ground, *, tiny: bool = False) -> dict[str, str]:
    """What was held at the end over what was held before, by file, and the most that was held meanwhile."""
    make, _, count, trial = JOBS[job]
    async with make(ground, trial if tiny else count) as work:
        tracemalloc.start()
        before = tracemalloc.take_snapshot()
        tracemalloc.reset_peak()
        start, _ = tracemalloc.get_traced_memory()
        held: list[Any] = []
        await work(lambda: held.append((tracemalloc.take_snapshot(), *tracemalloc.get_traced_memory())))
        tracemalloc.stop()
    after, end, peak = held[0]
    ours = [row for row in after.compare_to(before, "filename") if row.size_diff > 1000][:8]
    rows = ((_shown(row.traceback[0].filename), f"{row.size_diff / 1e6:.2f}", f"{row.count_diff:,}") for row in ours)
    told = f"At most {(peak - start) / 1e6:.2f} MB more than before, {(end - start) / 1e6:.2f} MB more at the end."
    return {"text": f"{told}\n\n{table(('allocated in', 'MB more', 'objects more'), rows)}"}


def _shown(path: str) -> str:
    """A path without the place where things are installed."""
    for mark in ("site-packages/", "/plugins/", f"/python{sys.version_info.major}.{sys.version_info.minor}/"):
        if mark in path:
            return path.rpartition(mark)[2]
    parts = Path(path).parts
    return "/".join(parts[parts.index("otabridge") :] if "otabridge" in parts else parts[-2:])
