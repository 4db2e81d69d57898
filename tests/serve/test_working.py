"""Where a host's flows run: in the loop for a moment, if nothing is at work on the thread, and else there."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from otabridge._connect import prepare
from otabridge.errors import NotFoundError
from otabridge.flow import Flow, Sleep, Steps, local
from otabridge.serve import working
from otabridge.serve.working import Worker
from otabridge.signing import World


@asynccontextmanager
async def worker(asleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AsyncIterator[Worker]:
    made = Worker(prepare("memory:", {}, file=None, world=World(asleep=asleep))[1])
    try:
        yield made
    finally:
        await made.aclose()


def where(times: int = 1) -> Flow[list[bool]]:
    """Whether each look was in the loop's own thread."""
    own = threading.current_thread()

    def steps() -> Steps[list[bool]]:
        found = []
        for _ in range(times):
            found.append((yield from local(lambda: threading.current_thread() is own)))
        return found

    return Flow(steps(), "look")


def doing(call: Callable[[], object]) -> Flow[object]:
    return Flow(local(call), "do")


@pytest.mark.parametrize("quick", [True, False])
def test_only_a_quick_flow_looks_in_the_loop(quick: bool) -> None:
    async def run() -> list[bool]:
        async with worker() as made:
            return await made.run(where(3), quick=quick)

    assert asyncio.run(run()) == [quick] * 3


def test_while_the_thread_is_at_work_the_loop_waits_for_nothing() -> None:
    async def run() -> list[bool]:
        go = threading.Event()
        async with worker() as made:
            long = asyncio.create_task(made.run(doing(go.wait)))
            await asyncio.sleep(0)
            look = asyncio.create_task(made.run(where(), quick=True))
            await asyncio.sleep(0)
            go.set()
            await long
            return await look

    assert asyncio.run(run()) == [False]


def test_what_takes_longer_than_a_turn_goes_to_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "TURN", 0.0)

    async def run() -> list[bool]:
        async with worker() as made:
            return await made.run(where(2), quick=True)

    assert asyncio.run(run()) == [False, False]


@pytest.mark.parametrize("quick", [True, False])
def test_what_a_look_raises_reaches_the_flow_and_what_has_to_be_awaited_is(quick: bool) -> None:
    def fails() -> None:
        raise NotFoundError("it is gone")

    def steps() -> Steps[str]:
        yield Sleep(0)
        try:
            yield from local(fails)
        except NotFoundError as error:
            yield Sleep(0)
            return str(error)
        return "found"

    async def run() -> str:
        async with worker() as made:
            return await made.run(Flow(steps(), "look"), quick=quick)

    assert "it is gone" in asyncio.run(run())


def test_a_flow_whose_call_is_cancelled_is_closed_once_the_thread_has_left_it() -> None:
    closed, asleep = threading.Event(), asyncio.Event()

    def steps() -> Steps[None]:
        try:
            yield from local(lambda: None)
            yield Sleep(60)
        finally:
            closed.set()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async def run() -> None:
        async with worker(sleep) as made:
            task = asyncio.create_task(made.run(Flow(steps(), "look")))
            await asleep.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert closed.wait(10)
