"""aiohttp with hand-written signatures and typed rows."""

import ssl
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import aiohttp
from yarl import URL

from benchmarks.peers import Peer, Place, handwritten
from benchmarks.peers.handwritten import CREATE, LISTS, NEW_MODULE, SHOW, Ask, few_target, following, signed_headers


class AsyncRaw(Peer):
    """aiohttp.ClientSession, made within the event loop with the first call."""

    awaited: ClassVar = True
    members: ClassVar = handwritten.MEMBERS

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        context = ssl.create_default_context(cafile=place.ca_file) if place.tls else False
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight, ssl=context))

    async def _sent(self, method: str, target: str, body: bytes = b"", *, signed: bool) -> bytes:
        headers = signed_headers(method, target, self.place.host, body) if signed else None
        url = URL(self.place.url + target, encoded=True)
        async with self._client.request(method, url, headers=headers, data=body or None) as reply:
            reply.raise_for_status()
            return await reply.read()

    async def show_module(self) -> Any:
        return handwritten.module(await self._sent("GET", SHOW, signed=True))

    async def create_module(self) -> Any:
        return handwritten.module(await self._sent("POST", CREATE, NEW_MODULE, signed=True))

    async def few_versions(self) -> list[Any]:
        return handwritten.versions(await self._sent("POST", few_target(), signed=False))

    async def pages(self, kind: str) -> AsyncIterator[list[Any]]:
        steps, body = LISTS[kind](), None
        while (step := following(steps, body)) is not None:
            if isinstance(step, Ask):
                body = await self._sent("POST" if step.action else "GET", step.target, signed=not step.action)
            else:
                body = None
                yield step

    async def close(self) -> None:
        await self._client.close()
