"""Who signed a request for objects: the three families of signatures, each in a header or in a pre-signed URL.

Where a signature differs, the usual mistakes are tried, so that a person is shown what the client has signed.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote

from otabridge.facade import Account, Call, Reason, Site, Verdict
from otabridge.plugin import http_date
from otabridge_huawei import obs_signing as signing
from otabridge_huawei.facade_objects_claims import Claim, Query, claimed
from otabridge_huawei.facade_tables import SKEW, strict

LONGEST = 7 * 24 * 3600  # seconds that a URL of version 4 may live
URL = " URL"  # ends the name of a pre-signed scheme
_SECONDS = re.compile("[0-9]{1,11}").fullmatch

Proved = Callable[[str], bool]


@dataclass(slots=True)
class ChunkChain:
    """The signatures of chunks, from that of the request on."""

    key: bytes = field(repr=False)
    before: str
    date: str
    scope: str

    def holds(self, signature: str, sha256: str) -> bool:
        """Whether this is the signature of the next chunk, whose bytes have that digest."""
        return self._follows(signature, signing.chunk_string(self.before, sha256, date=self.date, scope=self.scope))

    def closes(self, signature: str, trailer: str) -> bool:
        """Whether this is the signature of the trailer."""
        return self._follows(signature, signing.trailer_string(self.before, trailer, date=self.date, scope=self.scope))

    def _follows(self, signature: str, text: str) -> bool:
        self.before = signing.v4_signature(self.key, text)
        return _same(self.before, signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a signature proves; `payload` is the digest of the body, or how it is signed."""

    verdict: Verdict
    payload: str = signing.UNSIGNED
    chain: ChunkChain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signable:
    """What a signature covers of a request."""

    method: str
    path: str
    query: Query
    headers: dict[str, str]
    payload: str = ""
    bucket: str = ""


class Refused(Exception):
    """A claim is refused, for a reason and in words."""

    def __init__(self, reason: Reason, message: str, *, expected: str = "", received: str = "") -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.expected = expected
        self.received = received


class Examiner:
    """Examines the signatures of requests for objects."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def examine(self, call: Call, *, bucket: str) -> Proof:
        """Whether a request is signed, fresh and by a known account; `bucket` is that of the host's name, if any."""
        query = signing.wire_query(call.target.partition("?")[2])
        claim = claimed(call, query)
        if claim is None:
            return Proof(verdict=Verdict(refusal="no credential", message="the request is not signed"))
        verdict = Verdict(scheme=claim.scheme + URL * claim.url, account=claim.access_key)
        chain = None
        try:
            if claim.scheme not in (signing.V4, *signing.PREFIX):
                raise Refused("bad request", f"the scheme {claim.scheme!r} is not known")
            account = self._account(call, claim)
            if claim.scheme == signing.V4:
                chain = _check_v4(call, claim, query, account)
            else:
                _check_legacy(call, claim, query, account, bucket)
        except Refused as refused:
            verdict = replace(
                verdict,
                refusal=refused.reason,
                message=str(refused),
                expected=_masked(refused.expected, claim.token),
                received=_masked(refused.received, claim.token),
            )
        return Proof(verdict=verdict, payload=claim.payload, chain=chain)

    def _account(self, call: Call, claim: Claim) -> Account:
        account = self._site.account(claim.access_key)
        if account is None:
            raise Refused("unknown key", "the access key is not known here")
        # A lasting key may come with any token, unless the site is strict.
        lenient = account.token is None and (
            self._site.ends(claim.token) is not None or not strict(self._site, "token")
        )
        if not lenient and not _same(account.token or "", claim.token):
            raise Refused("bad token", "the security token is not the one that was issued with this key")
        if account.expires_at and account.expires_at <= call.now:
            raise Refused("expired token", "the temporary key has ended")
        return account


# --- version 4 ---


def _check_v4(call: Call, claim: Claim, query: Query, account: Account) -> ChunkChain:
    at = _moment(claim.date)
    if claim.url:
        seconds = int(claim.expires) if _SECONDS(claim.expires) else 0
        if at is None or not 0 < seconds <= LONGEST:
            raise Refused("bad request", f"X-Amz-Date must be a date, and X-Amz-Expires from 1 to {LONGEST} seconds")
        if at - call.now > SKEW:
            raise Refused("bad time", "Request is not yet valid")
        _check_end(call, at + timedelta(seconds=seconds))
    else:
        _check_date(call, at)
    parts = claim.scope.split("/")
    if len(parts) != 4 or (parts[0], *parts[2:]) != (claim.date[:8], "s3", "aws4_request"):
        raise Refused("bad request", f"the credential's scope must be {claim.date[:8]}/(region)/s3/aws4_request")
    if not claim.payload:
        raise Refused("bad request", "the header x-amz-content-sha256 is missing")
    unsigned = {"host", *(name for name in call.headers if name.startswith("x-amz-"))} - set(claim.names)
    absent = [name for name in claim.names if name not in call.headers]
    if unsigned or absent:
        raise Refused("no credential", f"these headers are not signed, or not sent: {', '.join([*unsigned, *absent])}")
    sent = {name: call.headers[name] for name in claim.names}
    base = Signable(
        method=call.method,
        path=call.path,
        query=[pair for pair in query if pair[0] != "X-Amz-Signature"],
        headers=signing.collapsed(sent.items()),
        payload=claim.payload,
    )
    key = signing.v4_key(account.secret_key, claim.scope)

    def text(canonical: str) -> str:
        return signing.v4_string(canonical, date=claim.date, scope=claim.scope)

    def proved(canonical: str) -> bool:
        return _same(signing.v4_signature(key, text(canonical)), claim.signature)

    canonical = _canonical(base)
    # The vendor's SDK, unlike S3's, signs the spaces inside of a header's value.
    if not (proved(canonical) or proved(_canonical(replace(base, headers=sent)))):
        _refuse(base, _canonical, proved, expected=f"{canonical}\n\n{text(canonical)}")
    return ChunkChain(key, claim.signature, claim.date, claim.scope)


def _canonical(it: Signable) -> str:
    return signing.canonical_request(it.method, it.path, it.query, it.headers, it.payload)


# --- the others ---


def _check_legacy(call: Call, claim: Claim, query: Query, account: Account, bucket: str) -> None:
    prefix = signing.PREFIX[claim.scheme]
    if claim.url:
        if not _SECONDS(claim.expires):
            raise Refused("no credential", "Expires must be a time in seconds")
        _check_end(call, datetime.fromtimestamp(int(claim.expires), UTC))
    else:
        _check_date(call, http_date(claim.date))
    base = Signable(method=call.method, path=call.path, query=query, headers=dict(call.headers), bucket=bucket)
    # Clients differ in these two: a bucket with or without a slash; and of a URL's token and headers some sign the
    # parameters, others what they were before.
    bare = "/" not in call.path.rstrip("/")[1:] and not bucket
    ways = [base, *([replace(base, path=f"/{call.path.strip('/')}{slash}") for slash in ("", "/") if bare])]
    moved = [pair for pair in query if pair[0].startswith(prefix) or pair[0] in ("content-type", "content-md5")]
    if claim.url and moved:
        rest, headers = [pair for pair in query if pair not in moved], {name: value or "" for name, value in moved}
        ways.append(replace(base, query=rest, headers=base.headers | headers))
    text = partial(_legacy_text, prefix=prefix, expires=claim.expires)

    def proved(text: str) -> bool:
        return _same(signing.legacy_signature(account.secret_key, text), claim.signature)

    if not any(proved(text(way)) for way in ways):
        _refuse(base, text, proved, expected=text(base))


def _legacy_text(it: Signable, *, prefix: str, expires: str) -> str:
    about = signing.resource(it.path, it.query, bucket=it.bucket, prefix=prefix)
    return signing.legacy_string(it.method, about, it.headers, prefix=prefix, expires=expires)


# --- times, secrets, mistakes ---


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _check_date(call: Call, at: datetime | None) -> None:
    if at is None:
        raise Refused("no credential", "the request has no date that can be read")
    if abs(at - call.now) > SKEW:
        raise Refused("bad time", "the difference between the request's time and the server's is too large")


def _check_end(call: Call, until: datetime) -> None:
    if call.now > until:
        raise Refused("bad time", "Request has expired")


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode("utf-8", "surrogateescape"), given.encode("utf-8", "surrogateescape"))


def _masked(text: str, token: str) -> str:
    return text.replace(token, "***") if token else text


_MISTAKES: tuple[tuple[str, Callable[[Signable], Signable]], ...] = (
    ("the host is without its port", lambda it: _with(it, "host", it.headers.get("host", "").partition(":")[0])),
    ("the bucket is left out", lambda it: replace(it, bucket="", path=f"/{it.path.lstrip('/').partition('/')[2]}")),
    ("the bucket of the host's name is left out", lambda it: replace(it, bucket="")),
    ("the path is encoded twice", lambda it: replace(it, path=quote(signing.wire_path(it.path)))),
    ("the query is left out", lambda it: replace(it, query=[])),
    ("the content type is left out", lambda it: _with(it, "content-type", "")),
    ("the content type is application/octet-stream", lambda it: _with(it, "content-type", "application/octet-stream")),
    ("the body counts as unsigned", lambda it: replace(it, payload=signing.UNSIGNED)),
    ("the body is taken as empty", lambda it: replace(it, payload=signing.EMPTY)),
    ("the method is GET", lambda it: replace(it, method="GET")),
    ("the method is PUT", lambda it: replace(it, method="PUT")),
)


def _with(it: Signable, name: str, value: str) -> Signable:
    return replace(it, headers=it.headers | {name: value})


def _refuse(base: Signable, text: Callable[[Signable], str], proved: Proved, *, expected: str) -> None:
    for words, change in _MISTAKES:
        received = text(change(base))
        if received != text(base) and proved(received):
            message = f"in what the client signed, {words}"
            raise Refused("bad signature", message, expected=expected, received=received)
    message = "no usual mistake gives this signature: the secret key may be another one"
    raise Refused("bad signature", message, expected=expected)
