"""The runner of a host: the event loop never waits for a store's local work, and gives it little of its own time."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from otabridge._exchange import Step
from otabridge._runners import AsyncRunner
from otabridge.flow import Flow, Local

T = TypeVar("T")
TURN = 0.01  # seconds of local work after which others have their turn


class Worker(AsyncRunner):
    """Goes on with a flow, in the loop or on the thread, for as long as it wants local work alone.

    To change threads takes longer than most looks at a store. So a flow that is `quick` begins in the loop, if the
    thread is idle: else the store may be locked, and the loop must not wait. What is longer than a turn goes to the
    thread.
    """

    _working = 0  # pieces of work on the thread

    async def run(self, flow: Flow[T], *, quick: bool = False) -> T:
        """Run a flow to its end and return its result. `quick`: it only looks."""
        program = self.exchange.program(flow)
        step: Callable[[], Step] = partial(next, program)
        while True:
            try:
                if quick and not self._working:
                    effect, value = _advanced(program, step)
                else:
                    effect, value = await self._work(Local(partial(copy_context().run, _advanced, program, step)))
                if effect is None:
                    result: T = value
                    return result
                quick = False
                try:
                    answer = await self._perform(effect)
                except Exception as error:
                    step = partial(program.throw, error)
                else:
                    step = partial(program.send, answer)
            except asyncio.CancelledError:
                # The thread may be in the flow at this moment.
                if self._thread:
                    self._thread.submit(program.close)
                raise

    async def _work(self, effect: Local[T]) -> T:
        self._working += 1
        try:
            return await super()._work(effect)
        finally:
            self._working -= 1


def _advanced(program: Generator[Step, Any, T], step: Callable[[], Step]) -> tuple[Step | None, Any]:
    """What a flow wants next that is not local, or that comes after its turn; None and its result at the end."""
    ends = time.monotonic() + TURN
    try:
        effect = step()
        while isinstance(effect, Local) and time.monotonic() < ends:
            try:
                result = effect.call()
            except Exception as error:
                effect = program.throw(error)
            else:
                effect = program.send(result)
    except StopIteration as done:
        return None, done.value
    return effect, None
