"""The runner of a host: the event loop never waits for long local work, and does little of it itself."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar

from otabridge._exchange import Step
from otabridge._runners import AsyncRunner
from otabridge.flow import Flow, Local

T = TypeVar("T")
TURN = 0.01  # seconds of local work in the loop, for one flow
THREADS = 4  # one may be at a file of 1 GB while the others go on

_until: ContextVar[float] = ContextVar("_until", default=0.0)


class Worker(AsyncRunner):
    """Does local work on threads; what a `quick` flow does in its first turn, in the loop.

    To change threads takes longer than most looks at a store. While any thread is at work the store may be locked, and
    then the loop does nothing of the kind.
    """

    _working = 0  # pieces of work on the threads

    async def run(self, flow: Flow[T], *, quick: bool = False) -> T:
        """Run a flow to its end and return its result. `quick`: it only looks."""
        _until.set(time.monotonic() + TURN if quick else 0.0)
        return await super().run(flow)

    async def _perform(self, effect: Step) -> Any:
        if isinstance(effect, Local) and not self._working and time.monotonic() < _until.get():
            return effect.call()
        return await super()._perform(effect)

    async def _work(self, effect: Local[T]) -> T:
        self._thread = self._thread or _Threads(self)
        return await super()._work(effect)


class _Threads(ThreadPoolExecutor):
    """Counts the work that has not ended, whatever became of the task that asked for it."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(max_workers=THREADS, thread_name_prefix="otabridge")
        self._worker = worker

    def submit(self, call: Callable[..., T], /, *args: object, **named: object) -> Future[T]:
        self._worker._working += 1
        future = super().submit(call, *args, **named)
        future.add_done_callback(self._over)
        return future

    def _over(self, future: object) -> None:
        self._worker._working -= 1
