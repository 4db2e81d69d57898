"""The connection: HTTP/1.1 with bounded heads and bounded patience, and a way for a fault to break it."""

import asyncio
import re
import secrets
from contextlib import suppress
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from otabridge.serve.faults import Breaks
from otabridge.wire import Pairs

LARGEST_HEAD = 64 << 10
PIECE = 16 << 10  # what is parsed at once, and so how far a head may be over its largest size
PATIENCE = 60.0  # seconds for a whole head, for each part of a body, and for an answer to be taken
LINGER = 2.0  # seconds for a client to send what nobody reads, so that it comes to read why

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_END = "HTTP/1.1 {status}\r\nx-request-id: {id}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Protocol(HttpToolsProtocol):
    """uvicorn's, with the transport in the scope's extensions, and an end to what a client may owe.

    `_lines` counts the bytes since the last ones of a body: those of a head, of chunks' first lines, or of trailers.
    """

    _lines = 0
    _amid = False  # a request has begun, and is not complete
    _headed = False
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._since = self.loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if not self._lines:
                self._since = self.loop.time()
            self._lines += len(piece)
            super().data_received(piece)
            if self._lines > LARGEST_HEAD:
                self._end("431 Request Header Fields Too Large")
            if self.transport.is_closing():
                return

    def on_message_begin(self) -> None:
        self._lines, self._amid, self._headed = 1, True, False
        super().on_message_begin()
        extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
        extensions["otabridge.transport"] = self.transport

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # a trailer is no header: no signature covers it
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._lines, self._headed = 0, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._lines, self._since = 0, self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._lines, self._amid = 0, False

    def send_400_response(self, msg: str) -> None:
        self._end("400 Bad Request")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays: a client that sends no more may still wait for its answer."""
        if self._amid or self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        self._since = self.loop.time()
        super().pause_writing()

    def hurry(self, patience: float) -> None:
        """End the connection if the client owes something, and was silent for so long."""
        silent = self.loop.time() - self._since
        if self.transport.is_closing():
            return
        if self.flow.write_paused:
            if silent >= PATIENCE:
                self.transport.abort()
            return
        owes = (self._amid or self._lines or self.cycle is None) and not self.flow.read_paused
        answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if owes and not answering and silent >= patience:
            self._end("408 Request Timeout")

    def _end(self, status: str) -> None:
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()  # another head would be taken for a part of the answer
        elif not self.transport.is_closing():
            self.transport.write(_END.format(status=status, id=secrets.token_hex(16)).encode())
            self.transport.close()


def breaking(breaks: Breaks, scope: Scope, receive: Receive, send: Send) -> Send:
    """A way to send an answer that ends the connection before its first byte, or amid its body."""
    if not breaks:
        return send
    transport = transport_of(scope)

    async def broken(message: Message) -> None:
        if transport.is_closing():
            return
        if message["type"] == "http.response.start":
            length = dict(message["headers"]).get(b"content-length", b"0")
            if breaks == "truncate" and scope["method"] != "HEAD" and int(length):
                await send(message)
                return
            transport.abort()
        else:
            body = message["body"]
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass

    return broken


def transport_of(scope: Scope) -> asyncio.Transport:
    """The connection that a request came over."""
    transport: asyncio.Transport = scope["extensions"]["otabridge.transport"]
    return transport


def encoded(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent; a value, which a client may have given, without what would break the head."""
    return [
        (name.lower().encode("latin-1", "replace"), _CONTROL.sub(" ", value).encode("utf-8", "surrogateescape"))
        for name, value in headers
    ]


async def lingered(receive: Receive) -> None:
    """Let a client send what nobody reads, so that it comes to read the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while (await receive()).get("more_body"):
                pass
