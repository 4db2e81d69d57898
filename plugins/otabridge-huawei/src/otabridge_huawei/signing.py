"""Huawei Cloud request signatures: SDK-HMAC-SHA256, its derived form V11-HMAC-SHA256, and the IAM token.

The canonical strings are plain functions that never see a secret key; a signer adds the key, and returns what is sent.
"""

import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import NoReturn
from urllib.parse import quote, unquote

from otabridge.plugin import Pairs, Request, encoded_query

PLAIN = "SDK-HMAC-SHA256"
DERIVED = "V11-HMAC-SHA256"
SERVICE = "iotdm"
UNSIGNED = "UNSIGNED-PAYLOAD"

_EMPTY_BODY = sha256(b"").hexdigest()
_SIGNED_TYPES = ("application/json", "application/bson")
_OWN_HEADERS = ("authorization", "x-sdk-date")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9\-_.~/]*", re.ASCII).fullmatch
# The SDK's own rule, with its unanchored end and its unescaped dot.
_SHARED_HOST = re.compile(r"[a-z][a-z0-9-]+(\.[a-z]{2,}-[a-z]+-\d{1,2})?\.(my)?(huaweicloud|myhwclouds).(com|cn)").match


def derived_host(host: str) -> bool:
    """Whether a host (`name[:port]`) wants the derived signature: every one that is not a shared regional host."""
    return _SHARED_HOST(host) is None


def sdk_date(now: datetime) -> str:
    """The value of `X-Sdk-Date`: UTC, to the second."""
    at = now.astimezone(UTC)
    # Less than half the time that strftime takes.
    return "%04d%02d%02dT%02d%02d%02dZ" % (at.year, at.month, at.day, at.hour, at.minute, at.second)  # noqa: UP031


def wire_path(path: str) -> str:
    """An unencoded path as the request line has it."""
    return path if _PLAIN_PATH(path) else quote(path, safe="/~")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query as it is signed and sent: sorted by the unencoded name, then value."""
    return encoded_query(sorted(pairs))


def completed_headers(headers: Pairs, *, host: str, date: str, extra: Pairs = ()) -> dict[str, str]:
    """The caller's headers and the ones that signing adds, all trimmed, all but `Authorization`."""
    complete = {name: value.strip() for name, value in headers if name.lower() not in _OWN_HEADERS}
    complete.update(extra)
    content_type = complete.get("Content-Type")
    if content_type and not content_type.startswith(_SIGNED_TYPES):
        complete["X-Sdk-Content-Sha256"] = UNSIGNED
    complete["X-Sdk-Date"] = date
    if "host" not in map(str.lower, complete):
        complete["Host"] = host
    return complete


def canonical_request(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
    """What the signature covers: `path` as on the wire, `query` from `canonical_query`, every header without a `_`."""
    # Decoded first, so an encoded slash is signed as a separator, as the vendor does.
    uri = path if _PLAIN_PATH(path) else quote(unquote(path), safe="/~")
    slash = "" if uri.endswith("/") else "/"
    lowered = {name.lower(): value for name, value in headers.items() if "_" not in name}
    payload = (lowered.get("x-sdk-content-sha256") or sha256(body).hexdigest()) if body else _EMPTY_BODY
    names = sorted(lowered)
    lines = "".join([f"{name}:{lowered[name]}\n" for name in names])
    return f"{method.upper()}\n{uri}{slash}\n{query}\n{lines}\n{';'.join(names)}\n{payload}"


def string_to_sign(canonical: str, *, date: str, scope: str = "") -> str:
    """The text that is signed; with a scope (`day/region/service`) it is that of the derived form."""
    # surrogatepass: this must not raise while a token is in reach, and such a header cannot be sent anyway.
    digest = sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{DERIVED}\n{date}\n{scope}\n{digest}" if scope else f"{PLAIN}\n{date}\n{digest}"


class _Sealed:
    """Keeps secrets where they are."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"{name} holds a secret and cannot be pickled or copied: build it again from its configuration")


@dataclass(frozen=True, slots=True, eq=False)
class _KeySigner(_Sealed, ABC):
    access_key: str
    secret_key: InitVar[str]
    project_id: str | None = None
    security_token: str | None = field(default=None, repr=False)
    _key: bytes = field(init=False, repr=False)
    _extra: Pairs = field(init=False, repr=False)

    def __post_init__(self, secret_key: str) -> None:
        extra = (("X-Project-Id", self.project_id), ("X-Security-Token", self.security_token))
        object.__setattr__(self, "_extra", tuple((name, value.strip()) for name, value in extra if value))
        object.__setattr__(self, "_key", self._kept_key(secret_key.encode("utf-8", "surrogatepass")))

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target, and with its headers complete. There is no nonce in this signature."""
        date = sdk_date(now)
        path, query = wire_path(request.path), canonical_query(request.query)
        host = request.origin.partition("://")[2]
        headers = completed_headers(request.headers, host=host, date=date, extra=self._extra)
        canonical = canonical_request(request.method, path, query, headers, request.body)
        headers["Authorization"] = self.authorization(canonical, date=date)
        return request.with_target(f"{path}?{query}" if query else path, headers=tuple(headers.items()))

    @abstractmethod
    def authorization(self, canonical: str, *, date: str) -> str:
        """The value of `Authorization` for a canonical request."""

    def _kept_key(self, secret: bytes) -> bytes:
        return secret


@dataclass(frozen=True, slots=True, eq=False)
class PlainSigner(_KeySigner):
    """SDK-HMAC-SHA256, for the shared regional hosts."""

    def authorization(self, canonical: str, *, date: str) -> str:
        """The value of `Authorization` for a canonical request."""
        names = _signed_names(canonical)
        signature = hmac.digest(self._key, string_to_sign(canonical, date=date).encode(), "sha256").hex()
        return f"{PLAIN} Access={self.access_key}, SignedHeaders={names}, Signature={signature}"


@dataclass(frozen=True, slots=True, eq=False)
class DerivedSigner(_KeySigner):
    """V11-HMAC-SHA256, for the host of one's own instance: the key is bound to day, region and service."""

    region: str = field(kw_only=True)
    _day: tuple[str, bytes] = field(init=False, repr=False, default=("", b""))

    def authorization(self, canonical: str, *, date: str) -> str:
        """The value of `Authorization` for a canonical request."""
        scope = f"{date[:8]}/{self.region}/{SERVICE}"
        text = string_to_sign(canonical, date=date, scope=scope).encode("utf-8", "surrogatepass")
        signature = hmac.digest(self._day_key(scope), text, "sha256").hex()
        names = _signed_names(canonical)
        return f"{DERIVED} Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"

    def _kept_key(self, secret: bytes) -> bytes:
        return hmac.digest(self.access_key.encode("utf-8", "surrogatepass"), secret, "sha256")

    def _day_key(self, scope: str) -> bytes:
        # One tuple, swapped whole: threads that meet at midnight each read a matching pair.
        day = self._day
        if day[0] != scope:
            info = scope.encode("utf-8", "surrogatepass") + b"\x01"
            # The key is the digest's hexadecimal text, not its bytes.
            day = (scope, hmac.digest(self._key, info, "sha256").hex().encode())
            object.__setattr__(self, "_day", day)
        return day[1]


@dataclass(frozen=True, slots=True, eq=False)
class TokenSigner(_Sealed):
    """An IAM token in `X-Auth-Token`; nothing is signed."""

    token: str = field(repr=False)

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target and the token."""
        path, query = wire_path(request.path), canonical_query(request.query)
        headers = [(name, value) for name, value in request.headers if name.lower() != "x-auth-token"]
        target = f"{path}?{query}" if query else path
        return request.with_target(target, headers=(*headers, ("X-Auth-Token", self.token)))


def _signed_names(canonical: str) -> str:
    return canonical.rsplit("\n", 2)[1]
