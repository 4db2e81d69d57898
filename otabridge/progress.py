"""How far a transfer is: watches that are laid on the requests of a flow, of which its backend knows nothing."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from otabridge.flow import Effect, Flow, Steps, Together
from otabridge.wire import Request, Watch

T = TypeVar("T")
Progress = Callable[[int, int | None], object]  # is told the bytes that are done, and those in all if that is known
log = logging.getLogger("otabridge")


class Meter:
    """Adds up what moves, and tells it, one call at a time. One that raises is not told again."""

    def __init__(self, tell: Progress | None) -> None:
        self.total: int | None = None
        self._tell = tell
        self._done = 0
        self._lock = threading.Lock()

    def part(self) -> Watch:
        """The watch of one file, or of a part of one."""
        before = 0

        def watch(moved: int) -> None:
            nonlocal before
            with self._lock:
                self._done += moved - before
                before = moved
                self._say()

        return watch

    def finish(self) -> None:
        """All is there, even where nothing had to move."""
        with self._lock:
            if self._done != self.total:
                self._done = self._done if self.total is None else self.total
                self._say()

    def _say(self) -> None:
        if self._tell is None:
            return
        try:
            self._tell(self._done, self.total)
        except Exception as error:  # the transfer is not lost for it
            log.warning("a progress callback failed, and is not called again: %s", type(error).__name__)
            self._tell = None


def metered(make: "Callable[[Meter], Steps[T]]", progress: Progress | None, name: str) -> Flow[T]:
    """A flow whose transfers are told to `progress`; `make` is given the meter, to set its total."""
    meter = Meter(progress)
    steps = make(meter)
    return Flow(steps if progress is None else _watched(steps, meter, finish=True), name)


def _watched(flow: "Flow[T] | Steps[T]", meter: Meter, *, finish: bool = False) -> "Steps[T]":
    steps = iter(flow)
    try:
        effect = next(steps)
        while True:
            seen = _seen(effect, meter)
            try:
                result: Any = yield seen
            except Exception as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(result)
            finally:
                if isinstance(seen, Together):
                    for each in seen.flows:
                        each.close()
    except StopIteration as done:
        if finish:
            meter.finish()
        value: T = done.value
        return value
    finally:
        steps.close()


def _seen(effect: Effect, meter: Meter) -> Effect:
    """An effect whose bytes are watched."""
    match effect:
        case Together(flows=flows):
            return replace(effect, flows=tuple(Flow(_watched(each, meter), each.name) for each in flows))
        case Request(file=body) if body is not None:
            return replace(effect, file=replace(body, watch=meter.part()))
        case Request(save_to=sink) if sink is not None and sink.watch is None:
            # The sink is the same where a download goes on.
            sink.watch = meter.part()
    return effect
