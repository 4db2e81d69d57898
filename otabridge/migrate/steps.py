"""How a migration is run, sync or async: generators that ask one of two clouds, and the two loops that let them.

A question is a call of a client's public method; the clients of both colours have the same ones.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from otabridge._runners import all_of, stepped, stepped_async
from otabridge.aio import AsyncClient, AsyncPager
from otabridge.client import Client, Pager
from otabridge.flow import Effect, Flow, Local, Sleep, Steps, Together
from otabridge.signing import World

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
        return stepped(iter(steps), self._perform)

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
                return _world(self._sides).sleep(effect.seconds)
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


class AsyncRun:
    """Runs the steps of a migration with two async clients."""

    def __init__(self, source: AsyncClient | None, destination: AsyncClient | None) -> None:
        self._sides = {"source": source, "destination": destination}

    async def run(self, steps: "Steps[T] | Flow[T]") -> T:
        """The result of the steps."""
        return await stepped_async(iter(steps), self._perform)

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
                return await _world(self._sides).asleep(effect.seconds)
            case Together():
                return await all_of(effect, self.run)
        raise TypeError(f"a migration yielded {effect!r}")


def _world(sides: Mapping[str, Client | AsyncClient | None]) -> World:
    side = sides["destination"] or sides["source"]
    assert side is not None
    return side._runner.exchange.world
