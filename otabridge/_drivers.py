"""The HTTP drivers: the only place that speaks HTTP. They send one signed request as it is, and know nothing of clouds.

httpx types are the seam, so that a transport can be given; transports are used directly, since a client above them
costs more than the call. Sync: a free list of one-connection transports, of the standard library behind httpx's types,
or httpx's own for files, links and proxies. Async: aiohttp behind httpx's types, where it is installed, else httpx's.
"""

import asyncio
import re
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import httpx

from otabridge import errors as err
from otabridge._connection import Connection, Unconnected, addresses
from otabridge._exchange import MOST_IN_FLIGHT, Exchange
from otabridge._session import Arriving, Session
from otabridge.redact import hide_in_logs
from otabridge.transfers import Outgoing
from otabridge.wire import Request, Response

HTTP_LOGS = ("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
CONNECT_SECONDS = 10.0
KEEP_SECONDS = 30.0
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_BODIES = {"POST", "PUT", "PATCH"}  # an empty one has a length too
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
        extensions: dict[str, Any] = {"timeout": self.timeouts, "stream": request.save_to is not None}
        if exact and _PLAIN_TARGET(request.target):
            url: httpx.URL | None = _url(request.origin)
            extensions["target"] = request.target.encode()
        else:
            url = _exact_url(request)
        if url is None:
            reason = "its address is too long, or an id in it is . or .."
            raise err.ValidationError(f"{request.operation} cannot be sent: {reason}", field="target")
        headers = [(name.encode("ascii"), value.encode()) for name, value in request.headers]
        given = {name.lower() for name, _ in headers}
        if b"host" not in given:
            headers.insert(0, (b"Host", url.netloc))
        if address:
            # TLS asks for the name, and the connection, made for this name alone, serves no other one.
            extensions["sni_hostname"] = url.host
            headers.append((b"Connection", b"close"))
            url = url.copy_with(host=address)
        length = request.file.length if request.file else len(request.body)
        if (length or request.method in _BODIES) and b"content-length" not in given:
            headers.append((b"Content-Length", b"%d" % length))
        stream = sending or _Bytes(request.body)
        made = httpx.Request(request.method, url, headers=headers, stream=stream, extensions=extensions)
        if not exact and sending is None:
            made.read()  # so that its content can be looked at
        return made

    def address(self, request: Request) -> str:
        """Where to connect for a request of `Links`, asked for and checked; nothing where a proxy asks for that."""
        if request.links is None or self.proxy or self._given:
            return ""
        url = _url(request.origin)
        try:
            found = addresses(url.host, url.port or url.scheme)
        except Unconnected as error:
            raise _failure(_as_httpx(error), request) from None
        return request.links.chosen(request.operation, url.host, found)


class _Bytes(httpx.ByteStream):
    """Bytes that are all there, for whoever takes them as they are: reading a stream costs more than a small answer."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.body = body


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


def _whole(reply: httpx.Response) -> Response | None:
    """An answer that is all there, and not compressed."""
    if isinstance(reply.stream, _Bytes) and "content-encoding" not in reply.headers:
        return _response(reply, reply.stream.body)
    return None


def _failure(error: Exception, request: Request, sending: _FileStream | None = None) -> err.OtaBridgeError:
    """Our error for a transport's. Its text is kept only where it cannot hold a header or a body."""
    host = request.origin
    if sending and sending.failure:
        return sending.failure
    if isinstance(error, UNSENT):
        reason = str(error) or type(error).__name__
        return err.ConnectError(f"no connection to {host}: {reason}", operation=request.operation)
    if isinstance(error, httpx.TimeoutException):
        return err.RequestTimeoutError(f"{host} did not answer in time", operation=request.operation)
    if isinstance(error, httpx.DecodingError):
        return err.ProtocolError(f"the answer of {host} could not be decompressed", operation=request.operation)
    if isinstance(error, httpx.LocalProtocolError | ValueError):
        reason = "a setting holds a character no header may have"
        return err.ConfigurationError(f"{request.operation} cannot be sent: {reason}")
    return err.TransportError(f"the connection to {host} broke: {type(error).__name__}", operation=request.operation)


class _StandardTransport(httpx.BaseTransport):
    """The standard library's client behind httpx's types, for whole answers to requests with a body or none."""

    def __init__(self, http: _Http, origin: str, clock: Callable[[], float]) -> None:
        url = _url(origin)
        where = url.scheme, url.raw_host.decode(), url.port
        self._connection = Connection(where, http.context(origin), http.timeouts, keep=KEEP_SECONDS, clock=clock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = (request.extensions.get("target") or request.url.raw_path).decode()
        sent = request.stream.body if isinstance(request.stream, _Bytes) else b""
        try:
            status, headers, body = self._connection.exchange(request.method, target, request.headers.raw, sent)
        except OSError as error:
            raise _as_httpx(error) from None
        return httpx.Response(status, headers=headers, stream=_Bytes(body))

    def close(self) -> None:
        self._connection.close()


class _AiohttpTransport(httpx.AsyncBaseTransport):
    """aiohttp behind httpx's types: the exact target, no header, cookie or retry of its own, httpx's exceptions."""

    def __init__(self, http: _Http) -> None:
        self._http = http
        self._session = Session(http.timeouts, keep=KEEP_SECONDS, proxy=http.proxy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        extensions, sent = request.extensions, request.stream
        body = sent.body if isinstance(sent, _Bytes) else sent if isinstance(sent, _FileStream) else b""
        try:
            status, headers, found = await self._session.exchange(
                request.method,
                str(request.url) + extensions.get("target", b"").decode(),
                [(name.decode(), value.decode()) for name, value in request.headers.raw],
                body,
                context=self._http.context(request.url.scheme),
                name=extensions.get("sni_hostname"),
                whole=not extensions.get("stream"),
            )
        except OSError as error:
            raise _as_httpx(error) from None
        stream = _Bytes(found) if isinstance(found, bytes) else _Arriving(found)
        return httpx.Response(status, headers=headers, stream=stream)

    async def aclose(self) -> None:
        await self._session.close()


class _Arriving(httpx.AsyncByteStream):
    """The body of an answer as it arrives."""

    def __init__(self, arriving: Arriving) -> None:
        self._arriving = arriving

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._arriving:
                yield chunk
        except OSError as error:
            raise _as_httpx(error) from None

    async def aclose(self) -> None:
        self._arriving.close()


def _as_httpx(error: OSError) -> httpx.TransportError:
    if isinstance(error, Unconnected):
        return (httpx.ConnectTimeout if error.late else httpx.ConnectError)(str(error))
    return httpx.ReadTimeout("") if isinstance(error, TimeoutError) else httpx.ReadError(type(error).__name__)


class HttpDriver:
    """Sends requests for a sync client. Any number of threads may use it."""

    def __init__(self, exchange: Exchange, transport: httpx.BaseTransport | None = None) -> None:
        hide_in_logs(exchange.redactor, HTTP_LOGS)
        self._http = _Http(exchange, given=transport is not None)
        self._given = transport
        self._free: defaultdict[tuple[str, bool], deque[httpx.BaseTransport]] = defaultdict(deque)
        self._clock = exchange.world.monotonic
        self._places = threading.BoundedSemaphore(MOST_IN_FLIGHT)
        self._closed = False

    def enter(self, origin: str) -> Callable[[], None]:
        """Wait for a place among the calls in flight, with a transport ready, and return the way to leave it."""
        self._places.acquire()
        try:
            kind = origin, self._http.proxy is None
            if self._given is None and not self._free[kind]:
                self._free[kind].append(self._open(*kind))
        except BaseException:
            self._places.release()
            raise
        return self._places.release

    def send(self, request: Request) -> Response:
        """Send a request and read its answer. TransportError, ProtocolError or ConfigurationError if that fails."""
        # Of the proxy only whether there is one: its address may hold a password, and a traceback shows locals.
        kind = request.origin, not any((self._http.proxy, request.file, request.save_to, request.links))
        free = self._free[kind]
        try:
            transport = free.pop()
        except IndexError:
            transport = self._given or self._open(*kind)
        sending = _FileStream(request.file) if request.file else None
        try:
            address = self._http.address(request)
            exact = isinstance(transport, _StandardTransport)
            reply = transport.handle_request(self._http.request(request, sending, exact=exact, address=address))
            try:
                sink = request.save_to
                if sink is None or not sink.begin(_response(reply)):
                    return _whole(reply) or _response(reply, reply.read())
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

    def _open(self, origin: str, plain: bool) -> httpx.BaseTransport:
        if plain:
            return _StandardTransport(self._http, origin, self._clock)
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
        self._places = asyncio.Semaphore(MOST_IN_FLIGHT)

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
                    return _whole(reply) or _response(reply, await reply.aread())
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
            return httpx.AsyncHTTPTransport(**self._http.manner(origin, connections=MOST_IN_FLIGHT))

    async def aclose(self) -> None:
        """Close every connection; a later request opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()
