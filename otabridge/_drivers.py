"""The HTTP drivers: the only place that speaks HTTP. They send one signed request as it is, and know nothing of clouds.

httpx types are the seam, so that a transport can be given; transports are used directly, since a client above them
costs more than the call. Sync: a free list of one-connection transports. Async: aiohttp behind httpx's types, where it
is installed, else httpx's own transport.
"""

import asyncio
import re
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from otabridge import errors as err
from otabridge._exchange import Exchange
from otabridge.redact import hide_in_logs
from otabridge.transfers import Outgoing
from otabridge.wire import Request, Response

if TYPE_CHECKING:
    import aiohttp

HTTP_LOGS = ("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
CONNECTIONS = 32  # at most so many calls of one client are in flight; more wait in front of the pool
CONNECT_SECONDS = 10.0
KEEP_SECONDS = 30.0
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

# A target that no one normalises: printable, not too long, and with no segment that begins with a dot.
_PLAIN_TARGET = re.compile(r"(?!.*/\.)/[!-~]{0,60000}").fullmatch
_url = lru_cache(maxsize=256)(httpx.URL)
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # holds no authority, so it trusts nobody


class _Http:
    """What both drivers need to speak HTTP for one client."""

    def __init__(self, exchange: Exchange, *, given: bool) -> None:
        config = exchange.backend.config
        self._given = given  # whoever gives a transport says where it leads
        self.proxy = config.proxy
        self._ca_file = config.ca_file
        self._context: ssl.SSLContext | None = None
        seconds = config.timeout
        connect = min(CONNECT_SECONDS, seconds)
        self.timeouts = {"connect": connect, "read": seconds, "write": seconds, "pool": seconds}

    def context(self, scheme: str) -> ssl.SSLContext:
        """The one TLS context of this client, made when it is first needed: it costs 30 ms."""
        if not scheme.startswith("https") and not self.proxy:
            return _NO_TLS
        if self._context is None:
            try:
                self._context = (
                    ssl.create_default_context(cafile=self._ca_file) if self._ca_file else httpx.create_ssl_context()
                )
            except OSError as error:
                reason = error.strerror or "it holds no certificate"
                raise err.ConfigurationError(f"ca_file {self._ca_file!r} cannot be used: {reason}") from None
        return self._context

    def manner(self, origin: str, *, connections: int) -> dict[str, Any]:
        """How transports of httpx are made."""
        limits = httpx.Limits(max_connections=connections, keepalive_expiry=KEEP_SECONDS)
        return {"verify": self.context(origin), "trust_env": False, "proxy": self.proxy, "limits": limits}

    def request(
        self, request: Request, sending: "_FileStream | None", *, exact: bool = False, address: str = ""
    ) -> httpx.Request:
        """What is sent is what was signed: a target that HTTP would write otherwise is refused.

        An `exact` transport takes the target from the extension of that name. An `address` is where to connect.
        """
        extensions: dict[str, Any] = {"timeout": self.timeouts}
        if exact and _PLAIN_TARGET(request.target):
            url: httpx.URL | None = _url(request.origin)
            extensions["target"] = request.target.encode()
        else:
            url = _exact_url(request)
        if url is None:
            reason = "its address is too long, or an id in it is . or .."
            raise err.ValidationError(f"{request.operation} cannot be sent: {reason}", field="target")
        headers = [(name.encode("ascii"), value.encode()) for name, value in request.headers]
        if address and url is not None:
            # TLS asks for the name, and the connection, made for this name alone, serves no other one.
            extensions["sni_hostname"] = url.host
            headers += [(b"Host", url.netloc), (b"Connection", b"close")]
            url = url.copy_with(host=address)
        extensions["stream"] = request.save_to is not None
        if request.file is not None:
            headers.append((b"Content-Length", b"%d" % request.file.length))
        made = httpx.Request(request.method, url, headers=headers, content=request.body, extensions=extensions)
        if sending is not None:
            made.stream = sending
        return made

    def address(self, request: Request) -> str:
        """Where to connect for a request of `Links`, asked for and checked; nothing where a proxy asks for that."""
        if request.links is None or self.proxy or self._given:
            return ""
        url = _url(request.origin)
        try:
            found = socket.getaddrinfo(url.host, url.port or url.scheme, type=socket.SOCK_STREAM)
        except OSError as error:
            raise _failure(httpx.ConnectError(error.strerror or ""), request) from None
        found.sort(key=lambda row: row[0] != socket.AF_INET)  # the older kind is there everywhere
        return request.links.chosen(request.operation, url.host, [str(row[4][0]) for row in found])


class _FileStream(Outgoing, httpx.SyncByteStream, httpx.AsyncByteStream):
    """A file as it is sent."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk


def _exact_url(request: Request) -> httpx.URL | None:
    try:
        url = httpx.URL(request.origin + request.target)
    except httpx.InvalidURL:
        return None
    return url if url.raw_path == request.target.encode() else None


def _response(reply: httpx.Response, body: bytes = b"") -> Response:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers.raw}
    return Response(reply.status_code, headers, body)


def _failure(error: Exception, request: Request, sending: _FileStream | None = None) -> err.OtaBridgeError:
    """Our error for a transport's. Its text is kept only where it cannot hold a header or a body."""
    host = request.origin
    if sending and sending.failure:
        return sending.failure
    if isinstance(error, UNSENT):
        return err.ConnectError(
            f"no connection to {host}: {error or type(error).__name__}", operation=request.operation
        )
    if isinstance(error, httpx.TimeoutException):
        return err.RequestTimeoutError(f"{host} did not answer in time", operation=request.operation)
    if isinstance(error, httpx.DecodingError):
        return err.ProtocolError(f"the answer of {host} could not be decompressed", operation=request.operation)
    if isinstance(error, httpx.LocalProtocolError | ValueError):
        return err.ConfigurationError(
            f"{request.operation} cannot be sent: a setting holds a character no header may have"
        )
    return err.TransportError(f"the connection to {host} broke: {type(error).__name__}", operation=request.operation)


class _AiohttpTransport(httpx.AsyncBaseTransport):
    """aiohttp behind httpx's types: the exact target, no header, cookie or retry of its own, httpx's exceptions."""

    def __init__(self, http: _Http) -> None:
        import aiohttp
        from yarl import URL

        self._aiohttp = aiohttp
        self._url = URL
        self._http = http
        self._session: aiohttp.ClientSession | None = None
        timeouts = http.timeouts
        self._timeout = aiohttp.ClientTimeout(sock_connect=timeouts["connect"], sock_read=timeouts["read"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        aiohttp = self._aiohttp
        session = self._session or self._open()
        try:
            reply = await session.request(
                request.method,
                self._url(str(request.url) + request.extensions.get("target", b"").decode(), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=request.stream if isinstance(request.stream, _FileStream) else request.content or None,
                allow_redirects=False,
                ssl=self._http.context(request.url.scheme),
                proxy=self._http.proxy,
                server_hostname=request.extensions.get("sni_hostname"),
                timeout=self._timeout,
            )
            if request.extensions.get("stream") and reply.status < 300:
                return httpx.Response(reply.status, headers=reply.raw_headers, stream=_Arriving(aiohttp, reply))
            async with reply:
                body = await reply.read()
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            raise httpx.ConnectError(error.strerror or "" if isinstance(error, OSError) else "") from None
        except TimeoutError:
            raise httpx.ReadTimeout("") from None
        except aiohttp.ClientError as error:
            raise httpx.ReadError(type(error).__name__) from None
        return httpx.Response(reply.status, headers=reply.raw_headers, content=body)

    def _open(self) -> "aiohttp.ClientSession":
        http = self._aiohttp
        session: aiohttp.ClientSession = http.ClientSession(
            connector=http.TCPConnector(limit=0, keepalive_timeout=KEEP_SECONDS),
            cookie_jar=http.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            auto_decompress=False,
        )
        # aiohttp would send a GET again by itself when a kept connection breaks; some clouds write by GET.
        session._retry_connection = False
        self._session = session
        return session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Arriving(httpx.AsyncByteStream):
    """The body of an answer of aiohttp's, as it arrives."""

    def __init__(self, aiohttp: Any, reply: "aiohttp.ClientResponse") -> None:
        self._aiohttp = aiohttp
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._reply.content.iter_any():
                yield chunk
        except TimeoutError:
            raise httpx.ReadTimeout("") from None
        except self._aiohttp.ClientError as error:
            raise httpx.ReadError(type(error).__name__) from None

    async def aclose(self) -> None:
        self._reply.close()


class HttpDriver:
    """Sends requests for a sync client. Any number of threads may use it."""

    def __init__(self, exchange: Exchange, transport: httpx.BaseTransport | None = None) -> None:
        hide_in_logs(exchange.redactor, HTTP_LOGS)
        self._http = _Http(exchange, given=transport is not None)
        self._given = transport
        self._free: defaultdict[str, deque[httpx.BaseTransport]] = defaultdict(deque)
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._closed = False

    def enter(self, origin: str) -> Callable[[], None]:
        """Wait for a place among the calls in flight, with a transport ready, and return the way to leave it."""
        self._places.acquire()
        try:
            if self._given is None and not self._free[origin]:
                self._free[origin].append(self._open(origin))
        except BaseException:
            self._places.release()
            raise
        return self._places.release

    def send(self, request: Request) -> Response:
        """Send a request and read its answer. TransportError, ProtocolError or ConfigurationError if that fails."""
        free = self._free[request.origin]
        try:
            transport = free.pop()
        except IndexError:
            transport = self._given or self._open(request.origin)
        sending = _FileStream(request.file) if request.file else None
        try:
            address = self._http.address(request)
            reply = transport.handle_request(self._http.request(request, sending, address=address))
            try:
                sink = request.save_to
                if sink is None or not sink.begin(_response(reply)):
                    return _response(reply, reply.read())
                for chunk in reply.iter_raw():
                    sink.write(chunk)
                return _response(reply)
            finally:
                reply.close()
        except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
            failure = _failure(error, request, sending)
        finally:
            free.append(transport)
            if self._closed:
                self.close()
        # Raised outside the handler: the transport's own traceback holds headers.
        raise failure

    def _open(self, origin: str) -> httpx.HTTPTransport:
        return httpx.HTTPTransport(**self._http.manner(origin, connections=1))

    def close(self) -> None:
        """Close every connection that is not in use; one in use is closed after its call."""
        self._closed = True
        for free in list(self._free.values()):
            while free:
                with suppress(IndexError):  # another thread has just taken it
                    free.pop().close()


class AsyncHttpDriver:
    """Sends requests for an async client. Any number of tasks of one event loop may use it."""

    def __init__(self, exchange: Exchange, transport: httpx.AsyncBaseTransport | None = None) -> None:
        hide_in_logs(exchange.redactor, HTTP_LOGS)
        self._http = _Http(exchange, given=transport is not None)
        self._transport = transport
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def enter(self, origin: str) -> Callable[[], None]:
        """Wait for a place among the calls in flight, with a transport ready, and return the way to leave it."""
        self._ready(origin)
        await self._places.acquire()
        return self._places.release

    def _ready(self, origin: str) -> httpx.AsyncBaseTransport:
        """The one transport: made when there is none yet, or when `aclose` came between."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            self._http.context(origin)
            self._transport, self._loop = self._open(origin), loop
        if self._loop not in (None, loop):
            raise RuntimeError("this client's connections belong to another event loop: make a client in each loop")
        return self._transport

    async def send(self, request: Request) -> Response:
        """Send a request and read its answer. TransportError, ProtocolError or ConfigurationError if that fails."""
        transport = self._ready(request.origin)
        sending = _FileStream(request.file) if request.file else None
        try:
            exact = isinstance(transport, _AiohttpTransport)
            address = await asyncio.to_thread(self._http.address, request) if request.links else ""
            reply = await transport.handle_async_request(
                self._http.request(request, sending, exact=exact, address=address)
            )
            try:
                sink = request.save_to
                if sink is None or not sink.begin(_response(reply)):
                    return _response(reply, await reply.aread())
                async for chunk in reply.aiter_raw():
                    await asyncio.to_thread(sink.write, chunk)
                return _response(reply)
            finally:
                await reply.aclose()
        except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
            failure = _failure(error, request, sending)
        raise failure

    def _open(self, origin: str) -> httpx.AsyncBaseTransport:
        try:
            return _AiohttpTransport(self._http)
        except ImportError:
            return httpx.AsyncHTTPTransport(**self._http.manner(origin, connections=CONNECTIONS))

    async def aclose(self) -> None:
        """Close every connection; a later request opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()
