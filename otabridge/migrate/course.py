"""What the items of one run share, and what ends the run early."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from otabridge.backend import Backend
from otabridge.migrate.journal import ItemState, Journal
from otabridge.migrate.model import Item

Stop = Literal["", "budget", "failure", "credentials"]
Checkpoint = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How an apply goes about it: items at a time, and what ends it early, in creates, in items and in seconds."""

    in_flight: int = 4
    max_creates: int | None = None
    stop_after: int | None = None
    stop_seconds: float | None = None
    keep_going: bool = True


USUAL = Choices()


class Ended(Exception):
    """The run ends before this item's next write."""


@dataclass(slots=True)
class Course:
    """What the items of one run share: the journal, the destination, the budget of creates, and why it stops."""

    journal: Journal
    destination: Backend
    checkpoint: Checkpoint
    choices: Choices
    ends_at: float | None = None  # of the world's monotonic clock
    begun: int = 0
    created: int = 0
    done: int = 0
    stopped: Stop = ""
    words: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self, why: Stop, words: str) -> None:
        """Let no further item begin; only after a failure those that have begun write no more than they must."""
        with self._lock:
            if not self.stopped or (why != "budget" and not self.breaks_off()):
                self.stopped, self.words = why, words

    def may_begin(self) -> bool:
        """Take one item of the budget; whether there was one left."""
        most, late = self.choices.stop_after, self.ends_at
        if most is not None and self.begun >= most:
            self.stop("budget", f"{most} items were tried, as many as were allowed")
        if late is not None and self.destination.world.monotonic() >= late:
            self.stop("budget", f"the {self.choices.stop_seconds:g} seconds that were allowed are over")
        with self._lock:
            self.begun += not self.stopped
            return not self.stopped

    def ended(self, key: str, state: ItemState) -> None:
        """Count an item at its end, which may be the run's."""
        with self._lock:
            self.done += state.state == "done"
        if state.state != "done" and not self.choices.keep_going:
            self.stop("failure", f"{key}: {state.words}")

    def breaks_off(self) -> bool:
        """Whether even what has begun shall end early."""
        return self.stopped in ("failure", "credentials")

    def may_go_on(self) -> None:
        """Ended if the run breaks off."""
        if self.breaks_off():
            raise Ended

    def may_create(self) -> None:
        """Take one create of the budget. Ended if there is none left, or the run breaks off."""
        self.may_go_on()
        most = self.choices.max_creates
        with self._lock:
            spent = most is not None and self.created >= most
            self.created += not spent
        if spent:
            self.stop("budget", f"{most} were created, as many as were allowed")
            raise Ended

    def folder(self, item: Item) -> Path:
        """Where the item's files lie while it is carried."""
        return files_of(self.journal) / sha256(item.key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def files_of(journal: Journal) -> Path:
    """The folder of all files on their way."""
    return journal.path.with_name(f"{journal.path.name}.files")
