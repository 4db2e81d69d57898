"""Requests and responses as values, and the one percent-encoder. Nothing here opens a file or a connection."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from otabridge.links import Links
    from otabridge.models import Checksum

Pairs = tuple[tuple[str, str], ...]

_PLAIN = re.compile(r"[A-Za-z0-9\-_.~]*", re.ASCII).fullmatch


def quote3986(text: str) -> str:
    """Percent-encode everything but A-Z a-z 0-9 - _ . ~ (RFC 3986), as UTF-8 with capital hex digits."""
    return text if _PLAIN(text) else quote(text, safe="~")


# Names are few and not secret; values are neither, so they are not kept.
quoted_name = lru_cache(maxsize=1024)(quote3986)


def encoded_query(pairs: Iterable[tuple[str, str]]) -> str:
    """`name=value` pairs joined by `&`, in the order given; an empty value keeps its `=`."""
    return "&".join([f"{quoted_name(name)}={quote3986(value)}" for name, value in pairs])


Watch = Callable[[int], None]  # is told how many bytes of a file have moved; an attempt that begins anew tells less


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBody:
    """A body that is read from a file while it is sent: `size` bytes from `offset`, between `head` and `tail`.

    Bytes that turn out not to have the `checksum` are never sent to their end.
    """

    path: Path
    size: int
    offset: int = 0
    head: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)
    checksum: Checksum | None = None
    watch: Watch | None = field(default=None, compare=False, repr=False)

    @property
    def length(self) -> int:
        """Bytes on the wire."""
        return len(self.head) + self.size + len(self.tail)


class Sink(Protocol):
    """Where an answer's body goes that is not to be held. Its methods may block."""

    watch: Watch | None

    def resumed(self, request: Request) -> Request:
        """The request for what is still missing, made anew for each attempt."""

    def begin(self, response: Response) -> bool:
        """Whether the body of an answer that has begun is to be written."""

    def write(self, chunk: bytes) -> None:
        """Take in the next bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a flow. `operation` is the vendor's name of the call; `read` says that repeating it is harmless.

    `path` and `query` are unencoded; a signer sets `target`, the exact text for the request line. `auth=False` sends it
    unsigned and without credentials. A `file` is sent in place of `body`; with `save_to` the body of a success goes
    there; `links` made a request to an address that a cloud gave. Query, headers and body may hold secrets, so repr
    names none of them.
    """

    operation: str
    method: str = "GET"
    origin: str = ""
    path: str = "/"
    query: Pairs = field(default=(), repr=False)
    headers: Pairs = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    form: Pairs = field(default=(), repr=False)
    read: bool = None  # type: ignore[assignment]  # so for GET and HEAD, unless given
    auth: bool = True
    pace: str = ""
    target: str = field(default="", repr=False)
    file: FileBody | None = field(default=None, repr=False)
    save_to: Sink | None = field(default=None, repr=False)
    links: Links | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        told: bool | None = self.read
        if told is None:
            object.__setattr__(self, "read", self.method in ("GET", "HEAD"))

    def with_target(self, target: str, *, headers: Pairs | None = None, body: bytes | None = None) -> Request:
        """This request as a signer sends it; a `body` given here is the form, encoded."""
        # Spelled out, since `replace` takes thrice the time and this runs for every attempt.
        return Request(
            operation=self.operation,
            method=self.method,
            origin=self.origin,
            path=self.path,
            query=self.query,
            headers=self.headers if headers is None else headers,
            body=self.body if body is None else body,
            read=self.read,
            auth=self.auth,
            form=self.form if body is None else (),
            pace=self.pace,
            target=target,
            file=self.file,
            save_to=self.save_to,
            links=self.links,
        )

    def on_wire(self) -> Request:
        """This request with its target, and a form encoded into its body, where no signer did that."""
        if self.target and not self.form:
            return self
        path, query = quote(self.path, safe="/~"), encoded_query(self.query)
        target = self.target or (f"{path}?{query}" if query else path)
        if not self.form:
            return self.with_target(target)
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.with_target(target, headers=(*self.headers, kind), body=encoded_query(self.form).encode())


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Header names are lower-case. The body may hold secrets, so repr shows its length alone."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


def http_date(text: str | None) -> datetime | None:
    """The time of a `Date` header, or None if there is none that can be read."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def retry_after(response: Response) -> float | None:
    """Seconds that an answer asks to wait, from `Retry-After` as a number or a date."""
    text = response.header("retry-after")
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    # A date is the server's, so it is measured against the server's own clock.
    then, now = http_date(text), http_date(response.header("date"))
    return max(0.0, (then - now).total_seconds()) if then and now else None


def unbase64(text: str) -> str:
    """A digest in base64 as hex; empty if it is none."""
    try:
        return b64decode(text, validate=True).hex()
    except ValueError:
        return ""
