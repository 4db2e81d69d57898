"""Object storage as facades see it: what lies in buckets, and what a request for an object asks for.

The bytes themselves never come here: a host streams them between the connection and files. A facade that has an
`ObjectDialect` reads requests into `ObjectCall`s, and writes what the host made of them as its cloud does.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from otabridge.facade import Answer, Call, Reason, Verdict

# A bucket that no client fills: its keys, `{package id}/{position}/{name}`, are the artifacts of the store's packages.
PACKAGES = "otabridge-packages"
# A bucket for artifacts on their way into the store: what lies there is deleted after an hour.
UPLOADS = "otabridge-uploads"
LARGEST = 1 << 30

# fmt: off
Action = Literal[
    "buckets", "bucket", "make", "list", "get", "head", "put", "delete",
    "begin", "part", "parts", "finish", "abort", "form",
]
Trouble = Reason | Literal[
    "no bucket", "no object", "no upload", "read only", "bad range", "bad digest", "bad length", "bad body",
    "bad part", "bad order", "bad form", "too small",
]
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One object: `size` in bytes, digests in hex, `path` the file that has its bytes.

    `etag` is the MD5, but for an object of several parts, whose `etag` is made of theirs.
    """

    bucket: str
    key: str
    size: int
    md5: str
    sha256: str
    etag: str
    modified: datetime
    path: Path = field(repr=False)
    content_type: str = "application/octet-stream"
    meta: Mapping[str, str] = field(default_factory=dict)


class Objects(Protocol):
    """The host's object storage, read by facades inside of `local(...)`: every method blocks."""

    def find(self, bucket: str, key: str) -> Stored | None: ...


class Chain(Protocol):
    """The signatures of a body's chunks, each made from the one before, so each is asked about once and in turn."""

    def holds(self, signature: str, sha256: str) -> bool:
        """Whether this is the signature of the next chunk, whose bytes have that digest."""
        ...

    def closes(self, signature: str, trailer: str) -> bool:
        """Whether this is the signature of the trailer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A body that comes in chunks of its own: `size` is that of their bytes; `chain` has their signatures, if any.

    `trailing` are the fields of the trailer that are digests of the bytes in base64, by name, and their algorithms.
    """

    size: int
    chain: Chain | None = None
    trailing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCall:
    """What a request for objects asks for; `verdict` says whether it may.

    `digests` are what the body must have, algorithm (`md5`, `sha1`, `sha256`, `crc32`) -> hex. `least` and `most` limit
    its size, or that of each part but the last. `meta` are headers that are given back with the object.
    """

    action: Action
    operation: str
    verdict: Verdict
    bucket: str = ""
    key: str = ""
    upload: str = ""
    part: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    frames: Frames | None = None
    least: int = 0
    most: int = LARGEST
    content_type: str = "application/octet-stream"
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which objects to list: `after` is the last key or prefix of the page before."""

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    count: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an `ObjectCall`: the object or objects that it is about, or the trouble with it.

    `following` is the last key or prefix of a page that others follow. `code` and `status`, if any, replace those that
    the cloud has for the trouble.
    """

    stored: Stored | None = None
    listing: tuple[Stored, ...] = ()
    prefixes: tuple[str, ...] = ()
    following: str | None = None
    buckets: Mapping[str, datetime] = field(default_factory=dict)
    parts: Mapping[int, Stored] = field(default_factory=dict)
    upload: str = ""
    trouble: Trouble | None = None
    message: str = ""
    code: str = ""
    status: int | None = None


class ObjectDialect(ABC):
    """One cloud's object storage. It reads heads of requests, checks their signatures, and writes answers."""

    @abstractmethod
    def read(self, call: Call) -> ObjectCall | None:
        """What a request asks for, told by its head alone; None if it is for the cloud's other API. It never raises."""

    def listed(self, asked: ObjectCall) -> Selection:
        """Which objects a call for a list wants."""
        return Selection()

    def admit(self, call: Call, form: ObjectCall, fields: Mapping[str, str]) -> ObjectCall:
        """What a form asks for, once its text fields (names in lower case) are known and before its file is read."""
        return form

    def finish(self, asked: ObjectCall, body: bytes) -> tuple[tuple[int, str], ...]:
        """The parts, as number and ETag, that a request to finish an upload names. ValueError if it is broken."""
        return ()

    @abstractmethod
    def answer(self, call: Call, asked: ObjectCall, outcome: Outcome) -> Answer:
        """The answer but for an object's bytes, and for what says which of them: the host adds that."""
