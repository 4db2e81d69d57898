"""Running flows, sync and async: the two loops that perform what the engine yields.

HTTP is loaded with the first request, and an event loop's machinery with the first async client: a local store needs
neither.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from otabridge._exchange import Enter, Step
from otabridge.flow import Flow, Local, Sleep, Together
from otabridge.wire import Request

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    import httpx

    from otabridge._drivers import AsyncHttpDriver, HttpDriver
    from otabridge._exchange import Exchange

T = TypeVar("T")


def stepped(program: Generator[Any, Any, T], perform: Callable[[Any], Any]) -> T:
    """Step a program to its end: perform what it yields, send the result in or throw the error in, and close it."""
    try:
        effect = next(program)
        while True:
            try:
                result = perform(effect)
            except Exception as error:
                effect = program.throw(error)
            else:
                effect = program.send(result)
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        program.close()


async def stepped_async(program: Generator[Any, Any, T], perform: Callable[[Any], Awaitable[Any]]) -> T:
    """The same, where effects are awaited."""
    try:
        effect = next(program)
        while True:
            try:
                result = await perform(effect)
            except Exception as error:
                effect = program.throw(error)
            else:
                effect = program.send(result)
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        program.close()


async def all_of(effect: Together[Any], run: Callable[[Flow[Any]], Awaitable[Any]]) -> list[Any]:
    """The results of flows that run as tasks; after an error all others are cancelled and awaited."""
    import asyncio

    waiting = iter(enumerate(effect.flows))
    results: list[Any] = [None] * len(effect.flows)

    async def work() -> None:
        for index, flow in waiting:
            results[index] = await run(flow)

    workers = [asyncio.ensure_future(work()) for _ in range(min(effect.in_flight, len(effect.flows)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return results


class Runner:
    """Runs flows for a sync client. Any number of threads may use it."""

    def __init__(self, exchange: Exchange, transport: httpx.BaseTransport | None = None) -> None:
        self.exchange = exchange
        self._transport = transport
        self._http: HttpDriver | None = None
        self._lock = threading.Lock()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        return stepped(self.exchange.program(flow), self._perform)

    def _perform(self, effect: Step) -> Any:
        match effect:
            case Request():
                return self._driver().send(effect)
            case Sleep():
                return self.exchange.world.sleep(effect.seconds)
            case Local():
                return effect.call()
            case Enter():
                return self._driver().enter(effect.origin)
            case Together():
                return self._together(effect)
        raise TypeError(f"a flow yielded {effect!r}: only Request, Sleep, Local and Together are performed")

    def _together(self, effect: Together[Any]) -> list[Any]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max(1, min(effect.in_flight, len(effect.flows))), "otabridge") as pool:
            try:
                return list(pool.map(self.run, effect.flows))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _driver(self) -> HttpDriver:
        if self._http is None:
            from otabridge._drivers import HttpDriver

            with self._lock:
                self._http = self._http or HttpDriver(self.exchange, self._transport)
        return self._http

    def close(self) -> None:
        """Close every connection, and the backend."""
        try:
            if self._http is not None:
                self._http.close()
        finally:
            self.exchange.backend.close()


class AsyncRunner:
    """Runs flows for an async client. Any number of tasks of one event loop may use it."""

    def __init__(self, exchange: Exchange, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.exchange = exchange
        self._transport = transport
        self._http: AsyncHttpDriver | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        return await stepped_async(self.exchange.program(flow), self._perform)

    async def _perform(self, effect: Step) -> Any:
        match effect:
            case Request():
                return await self._driver().send(effect)
            case Sleep():
                return await self.exchange.world.asleep(effect.seconds)
            case Local():
                return await self._work(effect)
            case Enter():
                return await self._driver().enter(effect.origin)
            case Together():
                return await all_of(effect, self.run)
        raise TypeError(f"a flow yielded {effect!r}: only Request, Sleep, Local and Together are performed")

    def _driver(self) -> AsyncHttpDriver:
        if self._http is None:
            from otabridge._drivers import AsyncHttpDriver

            self._http = AsyncHttpDriver(self.exchange, self._transport)
        return self._http

    async def _work(self, effect: Local[T]) -> T:
        """Do local work on the one thread that does all of it, so that a database connection stays with its thread."""
        import asyncio

        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="otabridge")
        # Work that has begun is finished whatever becomes of the task; work that has not is dropped with it.
        return await asyncio.get_running_loop().run_in_executor(self._thread, effect.call)

    async def aclose(self) -> None:
        """Close every connection, and the backend."""
        if self._http is not None:
            await self._http.aclose()
        await self._work(Local(self.exchange.backend.close))
        thread, self._thread = self._thread, None
        if thread:
            thread.shutdown()
