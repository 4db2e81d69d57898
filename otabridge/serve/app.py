"""From HTTP to a `Call` and back: one ASGI application for each facade."""

import logging
from collections.abc import Iterable
from email.utils import format_datetime

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from otabridge.facade import Call
from otabridge.serve.desk import Desk, Reply
from otabridge.serve.objects_http import ObjectDesk
from otabridge.serve.protocol import breaking, encoded, lingered

log = logging.getLogger("otabridge.serve")


class Gone(Exception):
    """The client went before it had sent everything."""


class Api:
    """The cloud's own API: everything that no other route of the application takes."""

    def __init__(self, desk: Desk, origin: str, objects: ObjectDesk | None = None) -> None:
        self._desk = desk
        self._origin = origin
        self._objects = objects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        call = self._call(scope)
        try:
            await self._answer(call, scope, receive, send)
        except Exception:
            log.exception("a request was not answered")
            # An answer that has begun cannot be followed by another: then uvicorn ends the connection.
            failed = self._desk.facade.refuse(call, "failed")
            await respond(call, Reply(answer=failed, at=call.now), scope, receive, send)

    async def _answer(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        if self._objects and await self._objects.handle(call, scope, receive, send):
            return
        try:
            body = await _bounded(call, receive, self._desk.facade.largest_body)
        except Gone:
            return
        if body is None:
            await respond(call, self._desk.too_large(call), scope, receive, send, unread=True)
        else:
            await respond(call, await self._desk.handle(_with_body(call, body)), scope, receive, send)

    def _call(self, scope: Scope) -> Call:
        world = self._desk.facade.site.world
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += f"?{scope['query_string'].decode('latin-1')}"
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            # The vendors' signers sign UTF-8; what is none stays reversible.
            text = value.decode("utf-8", "surrogateescape")
            key = name.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return Call(
            method=scope["method"],
            target=target,
            headers=headers,
            now=world.now(),
            id=world.nonce(),
            origin=self._origin,
        )


def application(api: Api, routes: Iterable[BaseRoute] = ()) -> ASGIApp:
    """The application of one facade: the routes, and its cloud's own API for everything else."""
    return Router([*routes], default=api, redirect_slashes=False)


async def respond(
    call: Call, reply: Reply, scope: Scope, receive: Receive, send: Send, *, unread: bool = False
) -> None:
    """Send a reply, or break the connection as it says. After a body that is `unread` the connection ends."""
    answer, send = reply.answer, breaking(reply.breaks, scope, receive, send)
    body = b"" if call.method == "HEAD" else answer.body
    headers = encoded(answer.headers)
    headers.append((b"date", format_datetime(reply.at, usegmt=True).encode()))
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    if unread:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if unread and "expect" not in call.headers:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await lingered(receive)
        body = b""
    await send({"type": "http.response.body", "body": body})


def _with_body(call: Call, body: bytes) -> Call:
    if not body:
        return call
    return Call(
        method=call.method,
        target=call.target,
        headers=call.headers,
        body=body,
        now=call.now,
        id=call.id,
        origin=call.origin,
    )


async def _bounded(call: Call, receive: Receive, most: int) -> bytes | None:
    """The body, or None if it is larger than that."""
    promised = call.headers.get("content-length", "")
    if promised.isdecimal() and int(promised) > most:
        return None
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += bytes(message["body"])
        if len(body) > most:
            return None
        if not message["more_body"]:
            return body
