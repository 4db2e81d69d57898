"""How a migration is run, sync or async: generators that ask one of two clouds, and the two loops that let them.

A question is a call of a client's public method; the clients of both colours have the same ones.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from otabridge.aio import AsyncClient, AsyncPager
from otabridge.client import Client, Pager
from otabridge.flow import Effect, Flow, Local, Sleep, Steps, Together

T = TypeVar("T")
Where = Literal["source", "destination"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of one side's client; what it returns, or, of a list, every row."""

    where: Where
    call: Callable[[Any], Any] = field(repr=False)


def ask(where: Where, call: Callable[[Any], Any]) -> Steps[Any]:
    """The answer of one side."""
    answer = yield Ask(where, call)  # type: ignore[misc]  # an effect of migrations alone
    return answer


class GivenUp(BaseException):
    """What runs beside has failed or was interrupted: no more is asked of a cloud, what was begun locally is ended."""


class Run:
    """Runs the steps of a migration with two sync clients, once."""

    def __init__(self, source: Client | None, destination: Client | None) -> None:
        self._sides = {"source": source, "destination": destination}
        self._over = threading.Event()
        self._failure: BaseException | None = None

    def run(self, steps: "Steps[T] | Flow[T]") -> T:
        """The result of the steps."""
        given = iter(steps)
        try:
            effect = next(given)
            while True:
                try:
                    result = self._perform(effect)
                except Exception as error:
                    effect = given.throw(error)
                else:
                    effect = given.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
        finally:
            given.close()

    def _perform(self, effect: "Effect | Ask") -> Any:
        if self._over.is_set() and not isinstance(effect, Local):
            raise GivenUp
        match effect:
            case Ask(where=where, call=call):
                made = call(self._sides[where])
                return list(made) if isinstance(made, Pager) else made
            case Local():
                return effect.call()
            case Sleep():
                return self._world().sleep(effect.seconds)
            case Together():
                with ThreadPoolExecutor(max(1, min(effect.in_flight, len(effect.flows))), "migrate") as pool:
                    try:
                        return list(pool.map(self._beside, effect.flows))
                    except BaseException as error:
                        self._over.set()
                        if isinstance(error, GivenUp) and self._failure:
                            raise self._failure from None
                        raise
                    finally:
                        pool.shutdown(wait=True, cancel_futures=True)
        raise TypeError(f"a migration yielded {effect!r}")

    def _beside(self, flow: Flow[T]) -> T:
        try:
            return self.run(flow)
        except BaseException as error:
            if not isinstance(error, GivenUp):
                self._failure = self._failure or error
            self._over.set()
            raise

    def _world(self) -> Any:
        side = self._sides["destination"] or self._sides["source"]
        assert side is not None
        return side._runner.exchange.world


class AsyncRun:
    """Runs the steps of a migration with two async clients."""

    def __init__(self, source: AsyncClient | None, destination: AsyncClient | None) -> None:
        self._sides = {"source": source, "destination": destination}

    async def run(self, steps: "Steps[T] | Flow[T]") -> T:
        """The result of the steps."""
        given = iter(steps)
        try:
            effect = next(given)
            while True:
                try:
                    result = await self._perform(effect)
                except Exception as error:
                    effect = given.throw(error)
                else:
                    effect = given.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
        finally:
            given.close()

    async def _perform(self, effect: "Effect | Ask") -> Any:
        match effect:
            case Ask(where=where, call=call):
                made = call(self._sides[where])
                if isinstance(made, AsyncPager):
                    return [row async for row in made]
                return await made if inspect.isawaitable(made) else made
            case Local():
                return await asyncio.to_thread(effect.call)
            case Sleep():
                return await self._world().asleep(effect.seconds)
            case Together():
                return await self._together(effect)
        raise TypeError(f"a migration yielded {effect!r}")

    async def _together(self, effect: Together[Any]) -> list[Any]:
        places = asyncio.Semaphore(effect.in_flight)

        async def one(flow: Flow[Any]) -> Any:
            async with places:
                return await self.run(flow)

        tasks = [asyncio.ensure_future(one(flow)) for flow in effect.flows]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _world(self) -> Any:
        side = self._sides["destination"] or self._sides["source"]
        assert side is not None
        return side._runner.exchange.world
