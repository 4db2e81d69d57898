"""httpx's own clients with hand-written signatures and typed rows."""

import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import httpx

from benchmarks.peers import Peer, Place, handwritten
from benchmarks.peers.handwritten import CREATE, LISTS, NEW_MODULE, SHOW, Ask, few_target, following, signed_headers


def options(place: Place) -> dict[str, Any]:
    """How the clients are made: as they come, but for a certificate of ours and the environment's proxies."""
    verify = ssl.create_default_context(cafile=place.ca_file) if place.tls else False
    return {"base_url": place.url, "verify": verify, "trust_env": False}


class Raw(Peer):
    """httpx.Client."""

    members: ClassVar = handwritten.MEMBERS

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        self._client = httpx.Client(**options(place))

    def _signed(self, method: str, target: str, body: bytes = b"") -> bytes:
        headers = signed_headers(method, target, self.place.host, body)
        reply = self._client.request(method, target, headers=headers, content=body)
        return reply.raise_for_status().content

    def show_module(self) -> Any:
        return handwritten.module(self._signed("GET", SHOW))

    def create_module(self) -> Any:
        return handwritten.module(self._signed("POST", CREATE, NEW_MODULE))

    def few_versions(self) -> list[Any]:
        return handwritten.versions(self._client.post(few_target()).raise_for_status().content)

    def pages(self, kind: str) -> Iterator[list[Any]]:
        steps, body = LISTS[kind](), None
        while (step := following(steps, body)) is not None:
            if isinstance(step, Ask):
                body = self._client.post(step.target).content if step.action else self._signed("GET", step.target)
            else:
                body = None
                yield step

    def close(self) -> None:
        self._client.close()


class AsyncRaw(Peer):
    """httpx.AsyncClient."""

    awaited: ClassVar = True
    members: ClassVar = handwritten.MEMBERS

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        self._client = httpx.AsyncClient(**options(place), limits=self.limits(in_flight))

    def limits(self, in_flight: int) -> httpx.Limits:
        """Of its pool: httpx's own, 100 connections of which 20 are kept."""
        return httpx.Limits(max_connections=100, max_keepalive_connections=20)

    async def _signed(self, method: str, target: str, body: bytes = b"") -> bytes:
        headers = signed_headers(method, target, self.place.host, body)
        reply = await self._client.request(method, target, headers=headers, content=body)
        return reply.raise_for_status().content

    async def show_module(self) -> Any:
        return handwritten.module(await self._signed("GET", SHOW))

    async def create_module(self) -> Any:
        return handwritten.module(await self._signed("POST", CREATE, NEW_MODULE))

    async def few_versions(self) -> list[Any]:
        return handwritten.versions((await self._client.post(few_target())).raise_for_status().content)

    async def pages(self, kind: str) -> AsyncIterator[list[Any]]:
        steps, body = LISTS[kind](), None
        while (step := following(steps, body)) is not None:
            if not isinstance(step, Ask):
                body = None
                yield step
            elif step.action:
                body = (await self._client.post(step.target)).content
            else:
                body = await self._signed("GET", step.target)

    async def close(self) -> None:
        await self._client.aclose()


class AsyncFitted(AsyncRaw):
    """httpx.AsyncClient with a pool of as many connections as there are calls in flight, all of them kept."""

    def limits(self, in_flight: int) -> httpx.Limits:
        return httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
