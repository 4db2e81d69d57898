"""The pacer: one gate per operation that lets requests through at 95 % of the declared quota, and no faster.

Requests are spaced evenly (GCRA without burst), so that no one-second window holds more than the quota; the 5 % absorb
the jitter of up to 50 ms between a grant here and the arrival there.
"""

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from otabridge.flow import Sleep
from otabridge.signing import World

CEILING = 0.95
WARM_UP = 0.15  # seconds more after the first grant: that request opens a connection, and the next ones may not need to
LOWERED = 0.5  # a throttle answer halves the rate
RAISED = 1.05  # a success raises it by this much, up to the ceiling
FLOOR = 1 / 32
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests per second of one operation; `per` says whose budget it is."""

    rate: float
    per: str = "account"


class _Gate:
    __slots__ = ("granted", "next", "slowness", "spacing", "warm_up")

    def __init__(self, rate: float, warm_up: float) -> None:
        self.spacing = 1 / (rate * CEILING)
        self.slowness = 1.0
        self.next = float("-inf")
        self.granted = float("-inf")
        self.warm_up = warm_up


class Pacer:
    """Gates of one account, for every thread and task of a client. `rates`: operation -> requests per second."""

    def __init__(self, rates: Mapping[str, float], world: World, *, warm_up: float = WARM_UP) -> None:
        self._rates = rates
        self._warm_up = warm_up
        self._world = world
        self._gates: dict[str, _Gate] = {}
        self._lock = threading.Lock()

    def turn(self, operation: str) -> Generator[Sleep, None, None]:
        """Wait for this operation's turn, first come first served. A turn that is not waited for goes back."""
        if not self._rates:
            return
        gate = self._gate(operation)
        if gate is None:
            return
        with self._lock:
            slot, step = max(self._world.monotonic(), gate.next), gate.spacing * gate.slowness
            step, gate.warm_up = step + gate.warm_up, 0.0
            gate.next = slot + step
        try:
            while True:
                # A sleeper may wake late, and the rate may have been lowered: the distance to the last grant counts.
                with self._lock:
                    now = self._world.monotonic()
                    ready = max(slot, gate.granted + gate.spacing * gate.slowness)
                    if now >= ready:
                        gate.granted = now
                        return
                yield Sleep(ready - now)
        except BaseException:
            with self._lock:
                gate.next -= step
            raise

    def throttled(self, operation: str) -> None:
        """The cloud refused for speed: go slower."""
        if gate := self._gate(operation):
            with self._lock:
                gate.slowness = min(gate.slowness / LOWERED, 1 / FLOOR)

    def succeeded(self, operation: str) -> None:
        """An answer came: go back towards the ceiling."""
        gate = self._gates.get(operation)
        if gate is not None and gate.slowness > 1:
            with self._lock:
                gate.slowness = max(1.0, gate.slowness / RAISED)

    def _gate(self, operation: str) -> _Gate | None:
        gate = self._gates.get(operation)
        if gate is None:
            rate = self._rates.get(operation, self._rates.get(EVERYTHING))
            if rate is None:
                return None
            with self._lock:
                gate = self._gates.setdefault(operation, _Gate(rate, self._warm_up))
        return gate
