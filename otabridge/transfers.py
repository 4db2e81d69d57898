"""Bytes between a file and a cloud: a download that goes on where it broke, and a form that carries a file."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from otabridge.errors import (
    AuthenticationError,
    ForbiddenError,
    IntegrityError,
    OtaBridgeError,
    ProtocolError,
    ServerError,
    TransportError,
)
from otabridge.files import CHUNK, Hashes, check, disk_words, file_name, moved, opened, present, read_through
from otabridge.flow import Steps, local, send
from otabridge.links import MOST_REDIRECTS, REDIRECTS
from otabridge.models import Artifact, Checksum
from otabridge.wire import FileBody, Pairs, Request, Response, Watch

_PART = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)").fullmatch
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Outgoing:
    """A file that is being sent. What goes wrong with the file itself is kept here: a transport would hide it."""

    def __init__(self, body: FileBody) -> None:
        self._body = body
        self.failure: OtaBridgeError | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks()
        except OtaBridgeError as error:
            self.failure = error
            raise
        except OSError as error:
            self.failure = IntegrityError(f"{self._body.path} could not be read to its end: {error.strerror}")
            raise self.failure from None

    def _chunks(self) -> Iterator[bytes]:
        body, sent = self._body, 0
        digest = hashlib.new(body.checksum.algorithm, usedforsecurity=False) if body.checksum else None
        if body.head:
            yield body.head
        with opened(body.path) as file:
            file.seek(body.offset)
            while sent < body.size:
                chunk = file.read(min(CHUNK, body.size - sent))
                if not chunk:
                    raise IntegrityError(f"{body.path} became shorter while it was sent: try again")
                sent += len(chunk)
                if digest:
                    digest.update(chunk)
                    # Before the last of it: what lacks its end nobody takes for the file.
                    if sent == body.size and body.checksum and digest.hexdigest() != body.checksum.hex:
                        raise IntegrityError(f"{body.path} changed while it was sent: try again")
                yield chunk
                if body.watch:
                    body.watch(sent)
        if body.tail:
            yield body.tail


class Incoming:
    """A file that is coming in: hidden under a temporary name until it is whole and checked. The sink of a download."""

    watch: Watch | None = None

    def __init__(self, artifact: Artifact, folder: Path, nonce: str) -> None:
        self._artifact = artifact
        self._folder = folder
        self._path = folder / f".{nonce}.part"
        self._hashes = Hashes()
        self._file: BinaryIO | None = None
        self._tag: str | None = None
        self.moved: str | None = None  # where an answer says that the file is instead

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self._hashes.size

    def open(self) -> None:
        """Make the file."""
        with disk_words(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb")

    def resumed(self, request: Request) -> Request:
        """The request for what is still missing: for all of it, where the cloud gave nothing to tell changes by."""
        self.moved = None
        if not self.size or not self._tag:
            return request
        more = (("Range", f"bytes={self.size}-"), ("If-Range", self._tag))
        return replace(request, headers=(*request.headers, *more))

    def begin(self, response: Response) -> bool:
        """Whether these are the bytes: from the start, or from where it broke. ProtocolError if from elsewhere."""
        if response.status not in (200, 206):
            self.moved = response.header("location") if response.status in REDIRECTS else None
            return False
        if response.header("content-encoding") not in (None, "identity"):
            raise ProtocolError("the file came compressed, though nobody asked for that", status=response.status)
        if response.status == 200:
            self._restart()
        else:
            part = _PART(response.header("content-range") or "")
            if part is None or int(part[1]) != self.size:
                raise ProtocolError(f"another part of the file came than asked for, from {self.size}", status=206)
        self._tag = response.header("etag")
        return True

    def write(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        assert self._file is not None
        if self._artifact.size is not None and self.size + len(chunk) > self._artifact.size:
            raise IntegrityError(f"artifact {self._artifact.name!r}: more than its {self._artifact.size} bytes came")
        with disk_words(self._folder):
            self._file.write(chunk)
        self._hashes.update(chunk)
        if self.watch:
            self.watch(self.size)

    def place(self) -> Path:
        """Check the whole file, and give it its name."""
        assert self._file is not None
        found = self._hashes.found()
        check(self._artifact, found)
        target = self._folder / file_name(self._artifact, found.sha256)
        with disk_words(self._folder):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            moved(self._path, target)
        return target

    def discard(self) -> None:
        """Leave nothing behind of a file that has not got its name."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def _restart(self) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._hashes = Hashes()
        if self.watch:
            self.watch(0)


def fetched(
    request: Request,
    artifact: Artifact,
    folder: Path,
    *,
    nonce: str,
    renewed: "Callable[[], Steps[Request | None]] | None" = None,
) -> Steps[Path]:
    """Save the answer to a GET in `folder` under a name made of its digest, checked: its path.

    As long as each attempt brings some of it, it goes on where it broke; where the request is refused, with the one
    that `renewed` gives, if it does. A request of `Links` is led on by three redirects at most, each checked.
    IntegrityError if the bytes are others.
    """
    known = artifact.checksum
    if (
        known
        and known.algorithm == "sha256"
        and (there := (yield from local(lambda: present(artifact, folder, known.hex))))
    ):
        return there
    incoming = Incoming(artifact, folder, nonce)
    yield from local(incoming.open)
    refused, redirects = -1, 0
    try:
        while True:
            before = incoming.size
            try:
                yield from send(replace(request, save_to=incoming))
            except OtaBridgeError as error:
                if incoming.moved and request.links:
                    redirects += 1
                    if redirects > MOST_REDIRECTS:
                        told = f"the file was not found after {MOST_REDIRECTS} redirects"
                        raise ProtocolError(told, operation=request.operation) from None
                    request = request.links.moved(request, incoming.moved)
                elif renewed and refused < incoming.size and isinstance(error, AuthenticationError | ForbiddenError):
                    refused, redirects = incoming.size, 0
                    again = yield from renewed()
                    if again is None:
                        raise
                    request = again
                elif incoming.size <= before or not isinstance(error, TransportError | ServerError):
                    raise
            else:
                return (yield from local(incoming.place))
    finally:
        incoming.discard()


def copied(path: Path, artifact: Artifact, folder: Path, *, nonce: str) -> Steps[Path]:
    """Copy a file of this machine into `folder`, as `fetched` saves one from elsewhere."""

    def copy() -> Path:
        incoming = Incoming(artifact, folder, nonce)
        with opened(path) as source:
            try:
                incoming.open()
                read_through(source, path, incoming.write)
                return incoming.place()
            finally:
                incoming.discard()

    return (yield from local(copy))


def form_with_file(
    fields: Pairs,
    path: Path,
    size: int,
    *,
    filename: str,
    boundary: str,
    part: str = "file",
    checksum: Checksum | None = None,
) -> tuple[tuple[str, str], FileBody]:
    """A form (multipart/form-data, RFC 7578) whose last part is a file: its Content-Type header, and the body."""
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_QUOTED)}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{filename.translate(_QUOTED)}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    tail = f"\r\n--{boundary}--\r\n".encode()
    body = FileBody(path=path, size=size, head=head.encode(), tail=tail, checksum=checksum)
    return ("Content-Type", f"multipart/form-data; boundary={boundary}"), body
