"""Calls for objects over HTTP: bodies go from the connection to files and back in pieces, never held in memory."""

import logging
from asyncio import to_thread
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from otabridge._runners import AsyncRunner
from otabridge.backend import Backend
from otabridge.facade import Answer, Call, Facade
from otabridge.objects import ObjectDialect, Objects, Outcome
from otabridge.serve.faults import OBJECT_KINDS, REASONS, Faults, Strike
from otabridge.serve.objects import Storage
from otabridge.serve.objects_errand import Errand
from otabridge.serve.objects_intake import ObjectTrouble
from otabridge.serve.objects_packages import PackageBucket
from otabridge.serve.protocol import breaking, encoded, lingered, transport_of
from otabridge.serve.record import Entry, Record

log = logging.getLogger("otabridge.serve")
TRIES = 3  # to open a file that others replace
PIECE = 256 << 10


class ObjectHost:
    """What the object storages of all facades have in common: the files, and the store's packages."""

    def __init__(
        self,
        store: Backend,
        runner: AsyncRunner,
        storage: Objects,
        *,
        folder: Path,
        record: Record,
        faults: Faults,
    ) -> None:
        assert isinstance(storage, Storage)
        self.storage = storage
        self.packages = PackageBucket(store, runner, storage, folder)
        self.record = record
        self.faults = faults

    def desk(self, facade: Facade) -> "ObjectDesk | None":
        """The object storage of a facade, if its cloud has one."""
        return ObjectDesk(facade, facade.objects, self) if facade.objects else None


class ObjectDesk:
    """The object storage of one facade at work."""

    def __init__(self, facade: Facade, dialect: ObjectDialect, host: ObjectHost) -> None:
        self._facade = facade
        self._dialect = dialect
        self._host = host

    async def handle(self, call: Call, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a call, whatever happens; False if it is for the cloud's other API."""
        asked = self._dialect.read(call)
        if asked is None:
            return False
        facade, host, world = self._facade, self._host, self._facade.site.world
        began = world.monotonic()
        strike = host.faults.strike(facade.name, asked.operation, call.now, kinds=OBJECT_KINDS)
        entry = Entry(at=call.now, facade=facade.name, method=call.method, path=call.path, fault=str(strike))
        if strike.delay:
            await world.asleep(strike.delay)
        late = strike.skewed(call)
        if late is not call:
            call, asked = late, self._dialect.read(late) or asked
        errand = Errand(
            call,
            asked,
            Request(scope, receive),
            dialect=self._dialect,
            storage=host.storage,
            packages=host.packages,
        )
        try:
            outcome, file = await self._done(errand, strike)
        except ClientDisconnect:
            return True
        answer = self._dialect.answer(call, errand.asked, outcome)
        if file and answer.status != 200:  # the cloud's dialect found that a condition does not hold
            file.close()
            file = None
        answer = strike.ends.waited(answer, facade.wait_headers) if strike.ends else answer
        entry.operation, entry.verdict = asked.operation, errand.asked.verdict
        if outcome.trouble == "bad signature":
            entry.verdict = replace(entry.verdict, refusal=outcome.trouble, message=outcome.message)
        entry.status, entry.code = answer.status, answer.code
        entry.seconds = world.monotonic() - began
        host.record.add(entry, call, facade.site)
        send = breaking(strike.breaks, scope, receive, send)
        await _sent(_ranged(call, answer, outcome, errand), scope, send, file, errand.span)
        if errand.unread and not errand.waiting:
            await lingered(receive)
        await send({"type": "http.response.body", "body": b""})
        return True

    async def _done(self, errand: Errand, strike: Strike) -> tuple[Outcome, BinaryIO | None]:
        """What became of an errand, and the file of the object that is fetched."""
        fault, host = strike.ends, self._host
        if fault and fault.kind in REASONS:
            return Outcome(
                trouble=REASONS[fault.kind], message=fault.words, code=fault.code or "", status=fault.status
            ), None
        if fault and fault.kind == "drop":
            return Outcome(trouble="unavailable"), None
        try:
            for _ in range(TRIES):
                outcome = await errand.outcome()
                if errand.asked.action != "get" or not outcome.stored or outcome.trouble:
                    return outcome, None
                try:
                    return outcome, await to_thread(outcome.stored.path.open, "rb")
                except FileNotFoundError:  # it was put anew, or deleted, at this moment
                    host.packages.forget(outcome.stored)
            return Outcome(trouble="no object", message="its file is gone"), None
        except ObjectTrouble as error:
            return Outcome(trouble=error.trouble, message=error.message), None
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("%s: %s failed", self._facade.name, errand.asked.operation)
            return Outcome(trouble="failed"), None


def _ranged(call: Call, answer: Answer, outcome: Outcome, errand: Errand) -> Answer:
    """The answer with the headers that the host adds: which bytes of an object follow, and how many."""
    headers = [*answer.headers, ("date", format_datetime(call.now, usegmt=True))]
    length, status = len(answer.body), answer.status
    if outcome.trouble:
        if outcome.stored and status == 416:
            headers.append(("content-range", f"bytes */{outcome.stored.size}"))
    elif outcome.stored and errand.asked.action in ("get", "head") and status == 200:
        first, end = errand.span or (0, outcome.stored.size)
        length = end - first
        headers.append(("accept-ranges", "bytes"))
        if errand.span:
            status = 206
            headers.append(("content-range", f"bytes {first}-{end - 1}/{outcome.stored.size}"))
    if errand.unread:
        headers.append(("connection", "close"))
    if status not in (204, 304):
        headers.append(("content-length", str(length)))
    body = b"" if call.method == "HEAD" else answer.body
    return replace(answer, status=status, headers=tuple(headers), body=body)


async def _sent(answer: Answer, scope: Scope, send: Send, file: BinaryIO | None, span: tuple[int, int] | None) -> None:
    headers = encoded(answer.headers)
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if file:
            first, end = span or (0, await to_thread(file.seek, 0, 2))
            left = end - first
            await to_thread(file.seek, first)
            while left and not transport_of(scope).is_closing():
                piece = await to_thread(file.read, min(PIECE, left))
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    finally:
        if file:
            file.close()
