"""Both drivers behind one `run`, and a cloud that answers from a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import httpx

from otabridge._exchange import Exchange
from otabridge._runners import AsyncRunner, Runner
from otabridge.aio import AsyncClient
from otabridge.backend import Backend
from otabridge.client import Client
from otabridge.flow import Flow
from tests.support.acme import AcmeBackend, AcmeSettings
from tests.support.world import FakeWorld

T = TypeVar("T")
Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def said(status: int = 200, /, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    """An answer with a JSON body."""
    return httpx.Response(status, headers=headers, json=body)


def refused(code: str, status: int = 400, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    """An answer with Acme's error envelope."""
    return said(status, headers=headers, error=code, **more)


class Script:
    """A transport's handler: one reply after the other, the requests kept. Running out of replies fails the test."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self.replies, f"request {len(self.requests)} was not expected: {request.method} {request.url}"
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else reply(request)

    def headers(self, name: str) -> list[str | None]:
        return [request.headers.get(name) for request in self.requests]

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def bodies(self) -> list[Any]:
        return [json.loads(request.content or b"null") for request in self.requests]


class Colour:
    """One driver's way to do things: `run` a flow, use a client, end it."""

    name: str

    def run(self, flow: Flow[T]) -> T:
        raise NotImplementedError

    def rows(self, listing: Callable[[Any], Any]) -> list[Any]:
        """Every row of the pager that `listing` takes from the client."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    client: Any
    exchange: Exchange


class Sync(Colour):
    name = "sync"

    def __init__(self, exchange: Exchange, transport: httpx.MockTransport | None = None) -> None:
        self.exchange = exchange
        self.driver = Runner(exchange, transport)
        self.client = Client("test", self.driver)

    def run(self, flow: Flow[T]) -> T:
        return self.driver.run(flow)

    def rows(self, listing: Callable[[Any], Any]) -> list[Any]:
        return list(listing(self.client))

    def pages(self, listing: Callable[[Any], Any]) -> Iterator[Any]:
        return iter(listing(self.client).pages())

    def close(self) -> None:
        self.client.close()


class Async(Colour):
    name = "async"

    def __init__(self, exchange: Exchange, transport: httpx.MockTransport | None = None) -> None:
        self.exchange = exchange
        self.loop = asyncio.Runner()
        self.driver = AsyncRunner(exchange, transport)
        self.client = AsyncClient("test", self.driver)

    def run(self, flow: Flow[T]) -> T:
        return self.loop.run(self.driver.run(flow))

    def rows(self, listing: Callable[[Any], Any]) -> list[Any]:
        async def read() -> list[Any]:
            return [row async for row in listing(self.client)]

        return self.loop.run(read())

    def pages(self, listing: Callable[[Any], Any]) -> Iterator[Any]:
        pages: AsyncIterator[Any] = listing(self.client).pages()

        async def following() -> Any:
            return await anext(pages, None)

        while (page := self.loop.run(following())) is not None:
            yield page

    def close(self) -> None:
        self.loop.run(self.client.aclose())
        self.loop.close()


COLOURS: dict[str, type[Sync] | type[Async]] = {"sync": Sync, "async": Async}


class Bench:
    """Makes drivers of one colour and closes them in the end."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.world = FakeWorld()
        self._open: list[Sync | Async] = []

    def acme(self, **settings: Any) -> AcmeBackend:
        return AcmeBackend(AcmeSettings(**settings), world=self.world.world)

    def over(self, backend: Backend, handler: Callable[[httpx.Request], httpx.Response], **engine: Any) -> Sync | Async:
        """A driver for a backend whose requests a function answers."""
        return self._kept(COLOURS[self.colour](Exchange(backend, **engine), httpx.MockTransport(handler)))

    def real(self, backend: Backend, **engine: Any) -> Sync | Async:
        """A driver with the transport that ships."""
        return self._kept(COLOURS[self.colour](Exchange(backend, **engine)))

    def _kept(self, made: "Sync | Async") -> "Sync | Async":
        self._open.append(made)
        return made

    def close(self) -> None:
        while self._open:
            self._open.pop().close()
