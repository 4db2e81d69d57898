"""aiohttp's client, tamed: what is sent is what it is given, and nothing is asked for twice. It is an extra."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from otabridge._connection import Headers, Unconnected

if TYPE_CHECKING:
    import aiohttp


class Session:
    """The kept connections of one client. ImportError where aiohttp is not installed.

    Seconds: `timeouts` has those for "connect" and "read"; `keep` is how long an idle connection is used again.
    """

    def __init__(self, timeouts: Mapping[str, float], *, keep: float, proxy: str | None) -> None:
        import aiohttp
        from yarl import URL

        self._aiohttp = aiohttp
        self._url = URL
        self._keep, self._proxy = keep, proxy
        self._open: aiohttp.ClientSession | None = None
        self._timeout = aiohttp.ClientTimeout(sock_connect=timeouts["connect"], sock_read=timeouts["read"])
        self._unconnected = (
            aiohttp.ConnectionTimeoutError,
            aiohttp.ClientConnectorError,
            aiohttp.ClientHttpProxyError,
        )

    async def exchange(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes | AsyncIterable[bytes],
        *,
        context: ssl.SSLContext,
        name: str | None,
        whole: bool,
    ) -> "tuple[int, Headers, bytes | Arriving]":
        """Status, headers and body of an answer; a success that is not wanted `whole` arrives bit by bit.

        Unconnected, TimeoutError or another OSError if there is none. TLS asks for `name`, if it is not the URL's.
        """
        aiohttp = self._aiohttp
        session = self._open or self._opened()
        try:
            reply = await session.request(
                method,
                self._url(url, encoded=True),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                ssl=context,
                proxy=self._proxy,
                server_hostname=name,
                timeout=self._timeout,
            )
            if not whole and reply.status < 300:
                return reply.status, reply.raw_headers, Arriving(reply, aiohttp.ClientError)
            async with reply:
                return reply.status, reply.raw_headers, await reply.read()
        except self._unconnected as error:
            raise Unconnected(error.strerror or "" if isinstance(error, OSError) else "") from None
        except TimeoutError:
            raise TimeoutError from None
        except aiohttp.ClientError as error:
            raise ConnectionError(type(error).__name__) from None

    def _opened(self) -> "aiohttp.ClientSession":
        http = self._aiohttp
        session: aiohttp.ClientSession = http.ClientSession(
            connector=http.TCPConnector(limit=0, keepalive_timeout=self._keep),
            cookie_jar=http.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            auto_decompress=False,
        )
        # aiohttp would send a GET again by itself when a kept connection breaks; some clouds write by GET.
        session._retry_connection = False
        self._open = session
        return session

    async def close(self) -> None:
        """Close every connection."""
        if self._open is not None:
            await self._open.close()


class Arriving:
    """The body of an answer as it arrives. TimeoutError or another OSError if it breaks off."""

    def __init__(self, reply: "aiohttp.ClientResponse", broken: type[Exception]) -> None:
        self._reply: Any = reply
        self._broken = broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._reply.content.iter_any():
                yield chunk
        except TimeoutError:
            raise TimeoutError from None
        except self._broken as error:
            raise ConnectionError(type(error).__name__) from None

    def close(self) -> None:
        """Give up what has not come."""
        self._reply.close()
