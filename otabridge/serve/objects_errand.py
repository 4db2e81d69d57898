"""One call for objects, done: what it asks for happens in the storage, and its body is taken in as it streams."""

import re
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial

from starlette.requests import Request

from otabridge.facade import Call
from otabridge.objects import PACKAGES, ObjectCall, ObjectDialect, Outcome, Stored
from otabridge.serve.objects import Kind, Storage
from otabridge.serve.objects_form import Form
from otabridge.serve.objects_frames import Unframed
from otabridge.serve.objects_intake import CHUNK, DIGESTS, Intake, ObjectTrouble
from otabridge.serve.objects_packages import PackageBucket
from otabridge.wire import http_date

LARGEST_DOCUMENT = 2 << 20  # a body that is read whole: the list of 10,000 parts is the longest
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII).fullmatch


class Errand:
    """What one call asks for. `asked` becomes what its form asks for; `span` is the range of bytes that is wanted.

    `unread` says that the body is not read, and `waiting` that the client has not begun to send it.
    """

    def __init__(
        self,
        call: Call,
        asked: ObjectCall,
        request: Request,
        *,
        dialect: ObjectDialect,
        storage: Storage,
        packages: PackageBucket,
    ) -> None:
        self.asked = asked
        self.span: tuple[int, int] | None = None
        self.unread = call.headers.get("content-length", "0") != "0" or "transfer-encoding" in call.headers
        self.waiting = "expect" in call.headers
        self._call = call
        self._request = request
        self._dialect = dialect
        self._storage = storage
        self._packages = packages

    async def outcome(self) -> Outcome:
        """Do what is asked, if it may be. An ObjectTrouble says what is wrong."""
        asked, storage = self.asked, self._storage
        self._permit()
        if asked.bucket and asked.action not in ("make", "form"):
            await to_thread(storage.require, asked.bucket)
        place = (asked.upload, asked.bucket, asked.key)
        match asked.action:
            case "get" | "head":
                return await self._found()
            case "put":
                intake = await self._received()
                stored = await to_thread(storage.put, asked.bucket, asked.key, intake, self._kind)
                return Outcome(stored=stored)
            case "form":
                return Outcome(stored=await self._form())
            case "begin":
                return Outcome(upload=await to_thread(storage.begin, asked.bucket, asked.key, self._kind))
            case "part":
                await to_thread(storage.kind, *place)
                intake = await self._received()
                return Outcome(stored=await to_thread(storage.put_part, *place, asked.part, intake))
            case "parts":
                return Outcome(parts=await to_thread(storage.parts, *place))
            case "finish":
                wanted = await self._wanted()
                finish = partial(storage.finish, *place, wanted, least=asked.least, most=asked.most)
                return Outcome(stored=await to_thread(finish))
            case "abort":
                await to_thread(storage.abort, *place)
            case "delete":
                await to_thread(storage.delete, asked.bucket, asked.key)
            case "make":
                await self._document()
                await to_thread(storage.make, asked.bucket)
            case "buckets":
                return Outcome(buckets=await to_thread(storage.buckets))
            case "list":
                page = await to_thread(storage.page, asked.bucket, self._dialect.listed(asked))
                return Outcome(listing=page.listing, prefixes=page.prefixes, following=page.following)
        return Outcome()

    def _permit(self) -> None:
        verdict = self.asked.verdict
        if verdict.refusal:
            raise ObjectTrouble(verdict.refusal, verdict.message)
        if self.asked.bucket == PACKAGES and self.asked.action not in ("get", "head", "bucket"):
            raise ObjectTrouble("read only", f"the bucket {PACKAGES} shows what the store has")

    @property
    def _kind(self) -> Kind:
        return Kind(self.asked.content_type, self.asked.meta)

    async def _found(self) -> Outcome:
        asked = self.asked
        if asked.bucket == PACKAGES:
            stored = await self._packages.find(asked.key, self._call.now)
        else:
            stored = await to_thread(self._storage.find, asked.bucket, asked.key)
        if stored is None:
            raise ObjectTrouble("no object", f"there is no object {asked.key!r} in {asked.bucket}")
        try:
            self.span = span(self._call.headers.get("range", ""), stored.size) if self._same(stored) else None
        except ValueError:
            return Outcome(stored=stored, trouble="bad range", message=f"the object has {stored.size} bytes")
        return Outcome(stored=stored)

    def _same(self, stored: Stored) -> bool:
        """Whether a range is of the object that the client has begun to fetch (RFC 9110, 13.1.5)."""
        known = self._call.headers.get("if-range", "")
        return (
            not known or known.strip('"') == stored.etag or http_date(known) == stored.modified.replace(microsecond=0)
        )

    # --- bodies ---

    async def _received(self) -> Intake:
        """The body in a file, complete and as promised."""
        asked, frames = self.asked, self.asked.frames
        length = self._request.headers.get("content-length")
        size = frames.size if frames else int(length) if length else 0
        if not length and "transfer-encoding" not in self._request.headers:
            raise ObjectTrouble("bad length", "the request does not say how long its body is")
        if size > asked.most:
            raise ObjectTrouble("too large", f"at most {asked.most} bytes are accepted")
        algorithms = (*asked.digests, *(frames.trailing.values() if frames else ()))
        intake = await to_thread(partial(self._storage.intake, algorithms, most=asked.most))
        with intake.kept():
            unframed = Unframed(frames, intake) if frames else None
            async for batch in self._batches():
                await to_thread((unframed or intake).write, batch)
            if unframed:
                unframed.close()
            intake.require({**asked.digests, **(unframed.digests if unframed else {})})
            await to_thread(intake.close)
        return intake

    async def _form(self) -> Stored:
        """The file of a form; what may be is settled as soon as its fields are known."""
        form = Form(self._request.headers.get("content-type", ""))
        intake: Intake | None = None
        with ExitStack() as begun:
            async for batch in self._batches():
                await to_thread(form.write, batch)
                if form.file_found and intake is None:
                    self.asked = self._dialect.admit(self._call, self.asked, form.fields)
                    self._permit()
                    intake = await to_thread(partial(self._storage.intake, most=self.asked.most))
                    begun.enter_context(intake.kept())
                if intake:
                    await to_thread(intake.write, form.taken())
            form.close()
            assert intake is not None
            if intake.size < self.asked.least:
                raise ObjectTrouble("too small", f"at least {self.asked.least} bytes are wanted")
            await to_thread(intake.close)
        asked = self.asked
        return await to_thread(self._storage.put, asked.bucket, asked.key, intake, self._kind)

    async def _wanted(self) -> tuple[tuple[int, str], ...]:
        body = await self._document()
        try:
            return self._dialect.finish(self.asked, body)
        except ValueError as error:
            raise ObjectTrouble("bad body", str(error)) from error

    async def _document(self) -> bytes:
        """A body that is no object."""
        body = bytearray()
        async for batch in self._batches():
            body += batch
            if len(body) > LARGEST_DOCUMENT:
                raise ObjectTrouble("too large", f"at most {LARGEST_DOCUMENT} bytes are accepted here")
        for name, wanted in self.asked.digests.items():
            digest = DIGESTS[name]()
            digest.update(bytes(body))
            if digest.hexdigest() != wanted:
                raise ObjectTrouble("bad digest", f"the {name} of the body is not {wanted}")
        return bytes(body)

    async def _batches(self) -> AsyncIterator[bytes]:
        """The body in pieces large enough to be worth a thread's time."""
        batch = bytearray()
        self.waiting = False
        async for chunk in self._request.stream():
            batch += chunk
            if len(batch) >= CHUNK:
                yield bytes(batch)
                batch.clear()
        self.unread = False
        if batch:
            yield bytes(batch)


def span(text: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last that a `Range` wants, or None for all. ValueError if it has none.

    Several ranges, and what is no range of bytes, are ignored, as HTTP allows.
    """
    found = _RANGE(text.strip())
    if found is None:
        return None
    first, last, tail = found.groups()
    if tail is not None:
        start, end = max(0, size - int(tail)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return None
    if start >= end:
        raise ValueError("no byte is in the range")
    return start, end
