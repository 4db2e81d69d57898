"""Request signatures: HMAC-SHA256 over method, path, query, date, nonce and the body's digest.

They travel as `Authorization: HMAC-SHA256 key=..., date=..., nonce=..., signature=...`. The facade checks them with the
same functions that made them.
"""

import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from otabridge.plugin import Request

SCHEME = "HMAC-SHA256"
_HEADER = re.compile(
    rf"{SCHEME} key=(?P<key>[^,]+), date=(?P<date>[0-9TZ]+), nonce=(?P<nonce>[^,]+), signature=(?P<signature>[0-9a-f]+)"
)


def string_to_sign(method: str, target: str, *, date: str, nonce: str, body: bytes) -> str:
    """The text that is signed; `target` is path and query as on the wire, and the query's pairs are sorted."""
    path, _, query = target.partition("?")
    pairs = "&".join(sorted(query.split("&")))
    return "\n".join((method, path, pairs, date, nonce, sha256(body).hexdigest()))


def signature(secret: str, text: str) -> str:
    """The signature of a text, in hex."""
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass"), "sha256").hex()


def claims(header: str) -> dict[str, str] | None:
    """The key, date, nonce and signature that a header claims; None if it is not of this scheme."""
    found = _HEADER.fullmatch(header)
    return found.groupdict() if found else None


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs with one key."""

    access_key: str
    secret_key: str = field(repr=False)

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request as it is sent."""
        wire = request.on_wire()
        date = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        text = string_to_sign(wire.method, wire.target, date=date, nonce=nonce, body=wire.body)
        made = signature(self.secret_key, text)
        header = f"{SCHEME} key={self.access_key}, date={date}, nonce={nonce}, signature={made}"
        return wire.with_target(wire.target, headers=(*wire.headers, ("Authorization", header)))
