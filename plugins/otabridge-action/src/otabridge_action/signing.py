"""Request signatures of the Action APIs: HMAC-SHA1 in the query (RPC style), and ACS3-HMAC-SHA256 in a header.

The canonical strings are plain functions that never see a secret key; a signer adds the key, and returns what is sent.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NoReturn

from otabridge.plugin import Pairs, Request, encoded_query, quote3986, quoted_name

ACS3 = "ACS3-HMAC-SHA256"
FORM = ("Content-Type", "application/x-www-form-urlencoded")

_EMPTY_BODY = sha256(b"").hexdigest()
_SIGNED_HEADERS = frozenset({"accept", "content-type", "host", "user-agent"})
_OWN_HEADERS = frozenset(
    {
        "authorization",
        "host",
        "x-acs-accesskey-id",
        "x-acs-action",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-security-token",
        "x-acs-signature-nonce",
        "x-acs-version",
    }
)

_OWN_WITH_FORM = _OWN_HEADERS | {"content-type"}

_Encoded = tuple[str, str]


def timestamp(now: datetime) -> str:
    """The value of `Timestamp` and `x-acs-date`: UTC, to the second."""
    return f"{now.astimezone(UTC).isoformat()[:19]}Z"


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Parameters as they are signed: sorted by the unencoded name in code point order."""
    return _joined(_encoded(pairs))


def rpc_string_to_sign(method: str, query: str) -> str:
    """The text that HMAC-SHA1 covers; `query` is canonical and holds the form's parameters as well."""
    # Once encoded, these three are all that a second encoding can find.
    twice = query.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return f"{method}&%2F&{twice}"


def canonical_request(method: str, query: str, headers: Iterable[tuple[str, str]], payload: str) -> str:
    """What ACS3 covers: every header given, and the body by its digest."""
    lowered = {name.lower(): value.strip() for name, value in headers}
    names, signed = _in_order(tuple(lowered))
    lines = "".join([f"{name}:{lowered[name]}\n" for name in names])
    return f"{method}\n/\n{query}\n{lines}\n{signed}\n{payload}"


@lru_cache(maxsize=64)
def _in_order(names: tuple[str, ...]) -> tuple[list[str], str]:
    names_in_order = sorted(names)
    return names_in_order, ";".join(names_in_order)


def acs3_string_to_sign(canonical: str) -> str:
    """The text that HMAC-SHA256 covers."""
    # surrogatepass: this must not raise while a token is in reach, and such a header cannot be sent anyway.
    return f"{ACS3}\n{sha256(canonical.encode('utf-8', 'surrogatepass')).hexdigest()}"


def oss_string_to_sign(method: str, expires: int, bucket: str, key: str) -> str:
    """The text that a pre-signed URL of the object storage covers: its time is in seconds, its key unencoded."""
    return f"{method}\n\n\n{expires}\n/{bucket}/{key}"


def oss_signature(secret: str, text: str) -> str:
    """The signature of such a text, or of the policy of a form, encoded as it is sent."""
    return base64_digest(secret.encode(), text)


def base64_digest(key: bytes, text: str, algorithm: str = "sha1") -> str:
    """HMAC of a text in Base64."""
    return b2a_base64(_hmac(key, text, algorithm), newline=False).decode()


def hex_digest(key: bytes, text: str, algorithm: str = "sha256") -> str:
    """HMAC of a text in hex digits."""
    return _hmac(key, text, algorithm).hex()


def _hmac(key: bytes, text: str, algorithm: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), algorithm)


def body_digest(body: bytes) -> str:
    """The value of `x-acs-content-sha256`."""
    return sha256(body).hexdigest() if body else _EMPTY_BODY


class _Sealed:
    """Keeps secrets where they are."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"{name} holds a secret and cannot be pickled or copied: build it again from its configuration")


@dataclass(frozen=True, slots=True, eq=False)
class RpcSigner(_Sealed):
    """HMAC-SHA1 over query and form, in the query. `common` are the pairs of every call, such as Format and Version."""

    access_key_id: str
    access_key_secret: InitVar[str]
    security_token: str | None = field(default=None, repr=False)
    common: Pairs = ()
    _key: bytes = field(init=False, repr=False)
    _fixed: tuple[_Encoded, ...] = field(init=False, repr=False)

    def __post_init__(self, access_key_secret: str) -> None:
        token = (("SecurityToken", self.security_token),) if self.security_token else ()
        fixed = (("AccessKeyId", self.access_key_id), ("SignatureMethod", "HMAC-SHA1"), *token, *self.common)
        object.__setattr__(self, "_fixed", tuple(_encoded(fixed)))
        object.__setattr__(self, "_key", f"{access_key_secret}&".encode("utf-8", "surrogatepass"))

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target; a form becomes the body."""
        # Encoding may raise, so it comes before the token is at hand.
        query = _encoded((*request.query, ("Action", request.operation), ("SignatureNonce", nonce)))
        form = _encoded(request.form)
        query += (("Timestamp", f"Timestamp={timestamp(now).replace(':', '%3A')}"), *self._fixed)
        sent = _joined(query)
        text = rpc_string_to_sign(request.method, _joined(query + form) if form else sent)
        # Base64 has three characters that a query cannot hold.
        signature = self.signature(text).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        target = f"/?{sent}&Signature={signature}"
        if not form:
            return request.with_target(target)
        headers = [pair for pair in request.headers if pair[0].lower() != "content-type"]
        body = "&".join([text for _, text in form]).encode()
        return request.with_target(target, headers=(*headers, FORM), body=body)

    def signature(self, text: str) -> str:
        """The value of `Signature` for a string to sign."""
        return base64_digest(self._key, text)


@dataclass(frozen=True, slots=True, eq=False)
class Acs3Signer(_Sealed):
    """ACS3-HMAC-SHA256: the call's own parameters in query and form, all else in signed headers."""

    access_key_id: str
    access_key_secret: InitVar[str]
    security_token: str | None = field(default=None, repr=False)
    version: str = "2018-01-20"
    _key: bytes = field(init=False, repr=False)
    _fixed: Pairs = field(init=False, repr=False)

    def __post_init__(self, access_key_secret: str) -> None:
        fixed: Pairs = (("x-acs-version", self.version),)
        if self.security_token:
            token = self.security_token.strip()
            fixed += (("x-acs-accesskey-id", self.access_key_id), ("x-acs-security-token", token))
        object.__setattr__(self, "_fixed", fixed)
        object.__setattr__(self, "_key", access_key_secret.encode("utf-8", "surrogatepass"))

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target, and with its headers complete; a form becomes the body."""
        query = canonical_query(request.query)
        own = _OWN_WITH_FORM if request.form else _OWN_HEADERS
        headers = [(name, value.strip()) for name, value in request.headers if name.lower() not in own]
        body = request.body
        if request.form:
            body = encoded_query(request.form).encode()
            headers.append(FORM)
        digest = body_digest(body)
        added = (
            ("Host", request.origin.partition("://")[2]),
            ("x-acs-action", request.operation),
            ("x-acs-content-sha256", digest),
            ("x-acs-date", timestamp(now)),
            ("x-acs-signature-nonce", nonce),
            *self._fixed,
        )
        signed = [pair for pair in headers if (name := pair[0].lower()) in _SIGNED_HEADERS or name[:6] == "x-acs-"]
        canonical = canonical_request(request.method, query, (*signed, *added), digest)
        headers += (*added, ("Authorization", self.authorization(canonical)))
        return request.with_target(f"/?{query}" if query else "/", headers=tuple(headers), body=body)

    def authorization(self, canonical: str) -> str:
        """The value of `Authorization` for a canonical request."""
        names = canonical.rsplit("\n", 2)[1]
        signature = hex_digest(self._key, acs3_string_to_sign(canonical))
        return f"{ACS3} Credential={self.access_key_id},SignedHeaders={names},Signature={signature}"


def _encoded(pairs: Iterable[tuple[str, str]]) -> list[_Encoded]:
    """Each parameter as its name, to sort by, and its encoded text."""
    return [(name, f"{quoted_name(name)}={quote3986(value)}") for name, value in pairs]


def _joined(encoded: list[_Encoded]) -> str:
    return "&".join([text for _, text in sorted(encoded)])
