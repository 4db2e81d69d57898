"""The usual mistakes in signing, each tried on a signature that does not match: the one that makes it is told.

An attempt is (what was done wrong, the text that was signed then, the digest of it). Only `gate` gives it a secret.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

from otabridge.facade import Call
from otabridge.plugin import Pairs, quote3986
from otabridge_action.signing import (
    acs3_string_to_sign,
    base64_digest,
    body_digest,
    canonical_query,
    canonical_request,
    hex_digest,
    rpc_string_to_sign,
)

Digest = Callable[[str, str], str]  # of a secret and a text
Attempt = tuple[str, str, Digest]

_HEX = re.compile("%[0-9A-F]{2}")
_OTHER = {"GET": "POST", "POST": "GET"}


def rpc_digest(secret: str, text: str) -> str:
    """The signature of the RPC style."""
    return base64_digest(_key(f"{secret}&"), text)


def acs3_digest(secret: str, text: str) -> str:
    """The signature of a canonical request by ACS3."""
    return hex_digest(_key(secret), acs3_string_to_sign(text))


def _key(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def rpc_attempts(method: str, query: Pairs, form: Pairs) -> Iterator[Attempt]:
    """What may have gone wrong with a signature in the query, with its parameters less the signature."""
    pairs = query + form
    good = canonical_query(pairs)
    text = rpc_string_to_sign(method, good)
    other = _OTHER[method]
    yield "the key was used without the & behind it", text, lambda secret, text: base64_digest(_key(secret), text)
    yield "the signature was not percent-encoded, so that its + came as a space", text, _spaced
    yield "HMAC-SHA256 was used instead of HMAC-SHA1", text, lambda s, t: base64_digest(_key(f"{s}&"), t, "sha256")
    yield "hex digits were sent instead of Base64", text, lambda s, t: hex_digest(_key(f"{s}&"), t, "sha1")
    for words, wrong in (
        ("spaces were signed as +", _encoded(pairs, quote_plus)),
        ("* was signed as it is, not as %2A", _encoded(pairs, lambda text: quote3986(text).replace("%2A", "*"))),
        ("~ was signed as %7E, not as it is", _encoded(pairs, lambda text: quote3986(text).replace("~", "%7E"))),
        ("/ was signed as it is, not as %2F", _encoded(pairs, lambda text: quote(text, safe="/~"))),
        ("values were signed as they are, not percent-encoded", _encoded(pairs, str)),
        ("percent-encoding has small hex digits", _HEX.sub(lambda found: found[0].lower(), good)),
        ("parameters were not sorted", "&".join(f"{quote3986(name)}={quote3986(value)}" for name, value in pairs)),
        ("parameters were sorted ignoring case", _encoded(pairs, quote3986, order=str.lower)),
        ("parameters of the form were left out", canonical_query(query)),
        ("empty parameters were left out", canonical_query(pair for pair in pairs if pair[1])),
    ):
        yield words, f"{method}&%2F&{quote3986(wrong)}", rpc_digest
    yield f"{other} was signed and {method} sent", rpc_string_to_sign(other, good), rpc_digest
    yield "the query was encoded once, not twice", f"{method}&%2F&{good}", rpc_digest
    yield "/ was signed as it is, not as %2F", text.replace("&%2F&", "&/&", 1), rpc_digest
    yield "all hex digits are small", _HEX.sub(lambda found: found[0].lower(), text), rpc_digest


def acs3_attempts(call: Call, query: Pairs, headers: Pairs) -> Iterator[Attempt]:
    """What may have gone wrong with a signature in the header, with the headers that are signed."""
    method, payload = call.method, call.headers.get("x-acs-content-sha256", "")
    good = canonical_query(query)
    text = canonical_request(method, good, headers, payload)
    yield "the key was used with & behind it", text, lambda s, t: hex_digest(_key(f"{s}&"), acs3_string_to_sign(t))
    yield "Base64 was sent instead of hex digits", text, _acs3_base64
    yield "hex digits were sent in capitals", text, lambda secret, text: acs3_digest(secret, text).upper()
    yield "the canonical request was signed, not the text with its digest", text, lambda s, t: hex_digest(_key(s), t)
    for words, wrong in (
        ("spaces were signed as +", _encoded(query, quote_plus)),
        ("parameters were not sorted", "&".join(f"{quote3986(name)}={quote3986(value)}" for name, value in query)),
        ("values were signed as they are, not percent-encoded", _encoded(query, str)),
        ("percent-encoding has small hex digits", _HEX.sub(lambda found: found[0].lower(), good)),
        ("the query was left out", ""),
    ):
        yield words, canonical_request(method, wrong, headers, payload), acs3_digest
    other = _OTHER[method]
    yield f"{other} was signed and {method} sent", canonical_request(other, good, headers, payload), acs3_digest
    for words, digest in (
        ("the body was signed as empty", body_digest(b"")),
        ("the body's own digest was signed, not the one in the header", body_digest(call.body)),
        ("the body's digest was left out", ""),
    ):
        yield words, canonical_request(method, good, headers, digest), acs3_digest
    block, names, digest = text.rsplit("\n", 2)
    yield "the empty line behind the headers is missing", f"{block.rstrip()}\n{names}\n{digest}", acs3_digest
    yield "the path / is missing", text.replace("\n/\n", "\n\n", 1), acs3_digest


def _encoded(pairs: Pairs, encode: Callable[[str], str], order: Callable[[str], str] = str) -> str:
    ordered = sorted(pairs, key=lambda pair: order(pair[0]))
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in ordered)


def _spaced(secret: str, text: str) -> str:
    return rpc_digest(secret, text).replace("+", " ")


def _acs3_base64(secret: str, text: str) -> str:
    return base64_digest(_key(secret), acs3_string_to_sign(text), "sha256")
