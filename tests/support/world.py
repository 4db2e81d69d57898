"""A world for the engine whose time passes only when somebody waits, and whose chance is known."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from otabridge.signing import World

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class FakeWorld:
    """Seconds since START, every wait that was asked for, nonces in order; `world` is what a backend takes."""

    def __init__(self, *, jitter: float = 1.0) -> None:
        self.seconds = 0.0
        self.jitter = jitter
        self.waits: list[float] = []
        self._lock = threading.Lock()
        self._nonces: Iterator[int] = count(1)
        self.world = World(
            now=self.now,
            monotonic=lambda: self.seconds,
            nonce=lambda: f"nonce-{next(self._nonces)}",
            jitter=lambda: self.jitter,
            sleep=self.wait,
            asleep=self._asleep,
        )

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def pass_time(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.pass_time(seconds)

    async def _asleep(self, seconds: float) -> None:
        self.wait(seconds)
        await asyncio.sleep(0)
