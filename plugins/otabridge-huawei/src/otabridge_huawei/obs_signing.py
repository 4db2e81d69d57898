"""Request signatures of OBS: its own, and those of S3, version 2 and version 4.

The canonical strings are plain functions that never see a secret key, and serve both sides: a signer adds the key and
returns what is sent, the mirror compares what came. Paths and queries are as on the wire.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from typing import Literal, NoReturn
from urllib.parse import quote, unquote, unquote_to_bytes

from otabridge.plugin import Pairs, Request, encoded_query, quote3986

V4 = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY = sha256(b"").hexdigest()

Scheme = Literal["OBS", "AWS"]
# What the headers of a scheme begin with, and how a pre-signed URL spells its access key.
PREFIX: Mapping[str, str] = {"OBS": "x-obs-", "AWS": "x-amz-"}
KEY_NAME: Mapping[str, str] = {"OBS": "AccessKeyId", "AWS": "AWSAccessKeyId"}

# The parameters of a query that are part of what is asked for, and so are signed; all others are not.
_SUBRESOURCES = """
accelerate acl append backtosource bucketstatus cors defaultobjectacl delete deletebucket directcoldaccess dispolicy
encryption inventory length lifecycle location logging metadata modify name notification object-lock obscompresspolicy
partnumber policy policystatus position publicaccessblock quota rename replication requestpayment restore retention
select select-type storageclass storageinfo storagepolicy tagging torrent truncate uploadid uploads versionid versioning
versions website x-image-process x-image-save-bucket x-image-save-object response-cache-control
response-content-disposition response-content-encoding response-content-language response-content-type response-expires
"""
SUBRESOURCES = frozenset(_SUBRESOURCES.split())

Wire = Iterable[tuple[str, str | None]]


def wire_query(text: str) -> list[tuple[str, str | None]]:
    """The parameters of a query as they are signed: decoded, `+` is a plus, and without `=` there is no value."""
    pairs = [part.partition("=") for part in text.split("&") if part]
    return [(unquote(name), unquote(value) if equals else None) for name, equals, value in pairs]


def wire_path(path: str) -> str:
    """An encoded path as it is signed: everything encoded but `/` and what RFC 3986 calls unreserved."""
    return quote(unquote_to_bytes(path.encode("utf-8", "surrogateescape")), safe="/~")


def resource(path: str, query: Wire, *, bucket: str = "", prefix: str = "x-obs-") -> str:
    """What a request is about: `bucket` where it is in the host's name and so not in the path."""
    place = f"/{bucket}{wire_path(path)}" if bucket else wire_path(path)
    named = [pair for pair in query if pair[0].lower() in SUBRESOURCES or pair[0].lower().startswith(prefix)]
    parts = [name if value is None else f"{name}={value}" for name, value in sorted(named, key=lambda pair: pair[0])]
    return f"{place}?{'&'.join(parts)}" if parts else place


def legacy_string(method: str, resource: str, headers: Mapping[str, str], *, prefix: str, expires: str = "") -> str:
    """The text that HMAC-SHA1 covers; names of headers are in lower case, and `expires` is a pre-signed URL's."""
    date = expires or ("" if f"{prefix}date" in headers else headers.get("date", ""))
    lines = [headers.get("content-md5", ""), headers.get("content-type", ""), date]
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers) if name.startswith(prefix)]
    return "\n".join([method, *lines, resource])


def canonical_request(method: str, path: str, query: Wire, headers: Mapping[str, str], payload: str) -> str:
    """What version 4 covers: every header given, collapsed, and the body by its digest or mode."""
    encoded = sorted((quote3986(name), quote3986(value or "")) for name, value in query)
    names = sorted(headers)
    lines = "".join([f"{name}:{headers[name]}\n" for name in names])
    pairs = "&".join([f"{name}={value}" for name, value in encoded])
    return f"{method}\n{wire_path(path)}\n{pairs}\n{lines}\n{';'.join(names)}\n{payload}"


def collapsed(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers as version 4 signs them: names in lower case, values without needless space."""
    return {name.lower(): " ".join(value.split()) for name, value in headers}


def v4_string(canonical: str, *, date: str, scope: str) -> str:
    """The text that HMAC-SHA256 covers; scope is `day/region/s3/aws4_request`."""
    return f"{V4}\n{date}\n{scope}\n{_digest(canonical)}"


def chunk_string(before: str, chunk: str, *, date: str, scope: str) -> str:
    """The text that is signed for a chunk of a body: the signature before it, and its own SHA-256."""
    return f"{V4}-PAYLOAD\n{date}\n{scope}\n{before}\n{EMPTY}\n{chunk}"


def trailer_string(before: str, trailer: str, *, date: str, scope: str) -> str:
    """The text that is signed for the trailer after the last chunk."""
    return f"{V4}-TRAILER\n{date}\n{scope}\n{before}\n{_digest(trailer)}"


def legacy_signature(secret_key: str, text: str) -> str:
    return b64encode(hmac.digest(_bytes(secret_key), _bytes(text), "sha1")).decode()


def v4_key(secret_key: str, scope: str) -> bytes:
    """The key of one day, region and service."""
    key = _bytes(f"AWS4{secret_key}")
    for part in scope.split("/"):
        key = hmac.digest(key, _bytes(part), "sha256")
    return key


def v4_signature(key: bytes, text: str) -> str:
    return hmac.digest(key, _bytes(text), "sha256").hex()


def v4_date(now: datetime) -> str:
    """The value of `x-amz-date`: UTC, to the second."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True, slots=True, eq=False)
class _Signer:
    """Keeps secrets where they are."""

    access_key: str
    secret_key: InitVar[str]
    security_token: str | None = field(default=None, repr=False)
    _key: str = field(init=False, repr=False)

    def __post_init__(self, secret_key: str) -> None:
        object.__setattr__(self, "_key", secret_key)

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"{name} holds a secret and cannot be pickled or copied: build it again from its configuration")


@dataclass(frozen=True, slots=True, eq=False)
class LegacySigner(_Signer):
    """OBS's own signature, or that of S3 in version 2. `bucket` is the one that the host's name has, if it has one."""

    scheme: Scheme = "OBS"
    bucket: str = ""

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target, and with its headers complete. There is no nonce in this signature."""
        headers = [pair for pair in request.headers if pair[0].lower() not in ("authorization", "date")]
        headers.append(("Date", format_datetime(now.astimezone(UTC), usegmt=True)))
        if self.security_token:
            headers.append((f"{PREFIX[self.scheme]}security-token", self.security_token))
        text = self._string(request, dict(headers), request.query)
        headers.append(("Authorization", f"{self.scheme} {self.access_key}:{legacy_signature(self._key, text)}"))
        return request.with_target(_target(request.path, request.query), headers=tuple(headers))

    def presign(self, request: Request, *, expires: datetime) -> Request:
        """The request with a target that whoever has it may use until then."""
        token = ((f"{PREFIX[self.scheme]}security-token", self.security_token),) if self.security_token else ()
        query, until = (*request.query, *token), str(int(expires.timestamp()))
        text = self._string(request, dict(request.headers), query, until)
        added = (
            ("Expires", until),
            (KEY_NAME[self.scheme], self.access_key),
            ("Signature", legacy_signature(self._key, text)),
        )
        return request.with_target(_target(request.path, (*query, *added)))

    def _string(self, request: Request, headers: Mapping[str, str], query: Pairs, expires: str = "") -> str:
        lowered = {name.lower(): value for name, value in headers.items()}
        prefix = PREFIX[self.scheme]
        pairs = [(name, value or None) for name, value in query]
        about = resource(quote(request.path, safe="/~"), pairs, bucket=self.bucket, prefix=prefix)
        return legacy_string(request.method, about, lowered, prefix=prefix, expires=expires)


@dataclass(frozen=True, slots=True, eq=False)
class V4Signer(_Signer):
    """S3's signature in version 4. The body is not signed: the vendor takes no digest of it."""

    region: str = field(kw_only=True)

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target, and with its headers complete. There is no nonce in this signature."""
        date = v4_date(now)
        own = {"authorization", "host", "x-amz-content-sha256", "x-amz-date"}
        headers = [pair for pair in request.headers if pair[0].lower() not in own]
        headers += [("Host", _host(request)), ("x-amz-content-sha256", UNSIGNED), ("x-amz-date", date)]
        if self.security_token:
            headers.append(("x-amz-security-token", self.security_token))
        # As S3's own clients, who leave to proxies what names the program.
        lowered = collapsed(pair for pair in headers if pair[0].lower() != "user-agent")
        canonical = canonical_request(request.method, quote(request.path, safe="/~"), request.query, lowered, UNSIGNED)
        scope = self._scope(date)
        signature = v4_signature(v4_key(self._key, scope), v4_string(canonical, date=date, scope=scope))
        credential = f"Credential={self.access_key}/{scope},SignedHeaders={';'.join(sorted(lowered))}"
        headers.append(("Authorization", f"{V4} {credential},Signature={signature}"))
        target = _target(request.path, request.query)
        return request.with_target(target, headers=tuple(headers))

    def presign(self, request: Request, *, now: datetime, seconds: int) -> Request:
        """The request with a target that whoever has it may use for so many seconds."""
        date = v4_date(now)
        scope = self._scope(date)
        query = [
            *request.query,
            ("X-Amz-Algorithm", V4),
            ("X-Amz-Credential", f"{self.access_key}/{scope}"),
            ("X-Amz-Date", date),
            ("X-Amz-Expires", str(seconds)),
            ("X-Amz-SignedHeaders", "host"),
        ]
        if self.security_token:
            query.append(("X-Amz-Security-Token", self.security_token))
        path = quote(request.path, safe="/~")
        canonical = canonical_request(request.method, path, query, {"host": _host(request)}, UNSIGNED)
        signature = v4_signature(v4_key(self._key, scope), v4_string(canonical, date=date, scope=scope))
        return request.with_target(f"{path}?{encoded_query(query)}&X-Amz-Signature={signature}")

    def _scope(self, date: str) -> str:
        return f"{date[:8]}/{self.region}/s3/aws4_request"


def _host(request: Request) -> str:
    return request.origin.partition("://")[2]


def _target(path: str, query: Pairs) -> str:
    """The request line's text; a parameter without a value has no `=`, and is signed without."""
    text = "&".join([f"{quote3986(name)}={quote3986(value)}" if value else quote3986(name) for name, value in query])
    return f"{quote(path, safe='/~')}?{text}" if text else quote(path, safe="/~")


def _digest(text: str) -> str:
    return sha256(_bytes(text)).hexdigest()


def _bytes(text: str) -> bytes:
    # surrogateescape: bytes that are no UTF-8 come so from a host.
    return text.encode("utf-8", "surrogateescape")
