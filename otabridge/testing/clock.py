"""Time that passes when somebody waits, and chance that is known."""

import asyncio
import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest

from otabridge.signing import World

PATIENCE = 10.0  # seconds that a test waits on a real server
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """`seconds` since START, and every wait that was asked for. `world` may be shared by threads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []
        self._lock = threading.Lock()
        nonces = itertools.count(1)
        self.world = World(
            now=self.now,
            monotonic=lambda: self.seconds,
            nonce=lambda: f"{next(nonces):032x}",
            jitter=lambda: 1.0,
            sleep=self.wait,
            asleep=self._asleep,
        )

    def now(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self.seconds)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.waits.append(seconds)
            self.seconds += seconds

    async def _asleep(self, seconds: float) -> None:
        self.wait(seconds)
        await asyncio.sleep(0)


class RealClock(Clock):
    """The time of the world: a test that would have to wait long is skipped."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @property
    def seconds(self) -> float:
        """Of a clock that only goes on."""
        return self.world.monotonic()

    @seconds.setter
    def seconds(self, value: float) -> None:
        pass

    def now(self) -> datetime:
        """The time of day."""
        return self.world.now()

    def wait(self, seconds: float) -> None:
        """Let time pass, if it is little."""
        if seconds > PATIENCE:
            pytest.skip(f"{seconds:.0f} seconds would have to pass")
        self.world.sleep(seconds)
