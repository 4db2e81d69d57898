"""Time that passes when somebody waits, and chance that is known."""

import asyncio
import itertools
import threading
from datetime import UTC, datetime, timedelta

from otabridge.signing import World

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
