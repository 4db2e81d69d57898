"""The gate of the facade: who signed a call, whether rightly, when, and whether for the first time."""

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from otabridge.facade import Account, Call, Reason, Site, Verdict
from otabridge.plugin import Pairs
from otabridge_action import facade_mistakes as mistakes
from otabridge_action.facade_codes import BAD_METHOD, BAD_SCHEME, BAD_TIME, MISSING, UNSIGNED, mandatory
from otabridge_action.facade_reading import Parsed
from otabridge_action.facade_tables import WINDOW, strict
from otabridge_action.profiles import Profile
from otabridge_action.signing import (
    acs3_string_to_sign,
    body_digest,
    canonical_query,
    canonical_request,
    rpc_string_to_sign,
)

METHODS = ("GET", "POST")
MASKED = "masked"
_PARAMETERS = ("AccessKeyId", "Signature", "SignatureMethod", "Timestamp", "SignatureNonce")
_HEADERS = ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
_TOKEN_PARAMETER, _TOKEN_HEADER = "SecurityToken", "x-acs-security-token"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(Verdict):
    """A verdict with the cloud's code, where that says more than the reason."""

    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a call says of its signing in either scheme; `text` is what ought to be signed, for a token shown or not."""

    scheme: str
    key: str
    signature: str = field(repr=False)
    time: str
    nonce: str
    token: str | None = field(repr=False)
    text: Callable[[bool], str] = field(repr=False)
    attempts: Callable[[bool], Iterable[mistakes.Attempt]] = field(repr=False)
    digest: mistakes.Digest = field(repr=False)


class Gate:
    """Judges calls."""

    def __init__(self, profile: Profile, site: Site) -> None:
        self._profile = profile
        self._site = site

    def judge(self, call: Call, asked: Parsed) -> Judgement:
        """Whether a call may be performed."""
        wanted = self._profile.method if strict(self._site, "method") and self._profile.camel else None
        if call.method not in METHODS or wanted not in (None, call.method):
            return _refused("bad request", BAD_METHOD, "This http method is not supported.")
        if call.path != "/":
            return _refused("no such call")
        if asked.broken:
            return _refused("bad request")
        signed = self.signed(call, asked)
        if isinstance(signed, Judgement):
            return signed
        account = self._site.account(signed.key)
        if account is None:
            return Judgement(scheme=signed.scheme, refusal="unknown key")
        text = signed.text(True)
        expected = text if signed.token is None else signed.text(False)
        found = (
            self._timely(call, signed) or self._matching(signed, account, text) or self._entitled(call, signed, account)
        )
        if found is None and not self._site.nonces.spend(f"{signed.key}\n{signed.nonce}", call.now):
            found = _refused("nonce used")
        if found is None:
            return Judgement(scheme=signed.scheme, account=signed.key, expected=expected, received=expected)
        return Judgement(
            scheme=signed.scheme,
            account=signed.key,
            refusal=found.refusal,
            code=found.code,
            message=found.message,
            expected=expected,
            received=found.received,
        )

    def _timely(self, call: Call, signed: Signed) -> Judgement | None:
        told = "Specified time stamp or date value is not well formatted."
        try:
            time = datetime.fromisoformat(signed.time) if _TIME(signed.time) else None
        except ValueError:
            time = None
        if time is None:
            return _refused("bad time", BAD_TIME, told)
        return _refused("bad time") if abs(call.now - time) > WINDOW else None

    def _matching(self, signed: Signed, account: Account, text: str) -> Judgement | None:
        given = signed.signature
        if _same(signed.digest(account.secret_key, text), given):
            return None
        for number, (words, wrong, digest) in enumerate(signed.attempts(True)):
            if _same(digest(account.secret_key, wrong), given):
                _, shown, _ = list(signed.attempts(False))[number]
                return Judgement(refusal="bad signature", message=words, received=shown)
        return _refused("bad signature")

    def _entitled(self, call: Call, signed: Signed, account: Account) -> Judgement | None:
        """The token, where the key needs one; one that it does not need is looked at where the host is strict."""
        if account.token is not None:
            if signed.token is None:
                return _refused("bad token", MISSING.format(_TOKEN_PARAMETER), mandatory(_TOKEN_PARAMETER))
            expires = account.expires_at
            if not _same(account.token, signed.token):
                return _refused("bad token")
        elif signed.token is None:
            return None
        else:
            expires = self._site.ends(signed.token)
            if expires is None and strict(self._site, "token"):
                return _refused("bad token")
        return _refused("expired token") if expires and expires <= call.now else None

    # --- the two schemes --------------------------------------------------------------------------------------------

    def signed(self, call: Call, asked: Parsed) -> Signed | Judgement:
        """What a call says of its signing, or what it fails to say."""
        return self._rpc(call, asked) if asked.acs3 is None else self._acs3(call, asked, dict(asked.acs3))

    def _rpc(self, call: Call, asked: Parsed) -> Signed | Judgement:
        given = dict(asked.pairs)
        for name in _PARAMETERS:
            if not given.get(name):
                return _refused(
                    "bad request" if given.get("AccessKeyId") else "no credential",
                    MISSING.format(name),
                    mandatory(name),
                )
        if given["SignatureMethod"].upper() != "HMAC-SHA1" or given.get("SignatureVersion", "1.0") != "1.0":
            return _refused("bad request", BAD_SCHEME, "Only HMAC-SHA1 in version 1.0 is supported.")

        def pairs(some: Pairs, shown: bool) -> Pairs:
            return tuple(
                (name, MASKED if name == _TOKEN_PARAMETER and not shown else value)
                for name, value in some
                if name != "Signature"
            )

        return Signed(
            scheme="RPC HMAC-SHA1",
            key=given["AccessKeyId"],
            signature=given["Signature"],
            time=given["Timestamp"],
            nonce=given["SignatureNonce"],
            token=given.get(_TOKEN_PARAMETER),
            text=lambda shown: rpc_string_to_sign(call.method, canonical_query(pairs(asked.pairs, shown))),
            attempts=lambda shown: mistakes.rpc_attempts(
                call.method, pairs(asked.query, shown), pairs(asked.form, shown)
            ),
            digest=mistakes.rpc_digest,
        )

    def _acs3(self, call: Call, asked: Parsed, fields: dict[str, str]) -> Signed | Judgement:
        names = fields.get("SignedHeaders", "").lower().split(";")
        needed = {*_HEADERS, "host", *({_TOKEN_HEADER} & call.headers.keys())}
        if not fields.get("Credential"):
            return _refused("no credential")
        for name in sorted(needed):
            if name not in call.headers or name not in names:
                return _refused("bad request", UNSIGNED, f"{name} is missing or not signed.")
        if not _same(call.headers["x-acs-content-sha256"], body_digest(call.body)):
            return _refused("bad signature", "", "x-acs-content-sha256 is not the digest of the body")

        def headers(shown: bool) -> Pairs:
            found = ((name, call.headers.get(name, "")) for name in names)
            return tuple((name, MASKED if name == _TOKEN_HEADER and not shown else value) for name, value in found)

        payload = call.headers["x-acs-content-sha256"]
        return Signed(
            scheme="ACS3-HMAC-SHA256",
            key=fields["Credential"],
            signature=fields.get("Signature", ""),
            time=call.headers["x-acs-date"],
            nonce=call.headers["x-acs-signature-nonce"],
            token=call.headers.get(_TOKEN_HEADER),
            text=lambda shown: canonical_request(call.method, canonical_query(asked.query), headers(shown), payload),
            attempts=lambda shown: mistakes.acs3_attempts(call, asked.query, headers(shown)),
            digest=mistakes.acs3_digest,
        )

    def echo(self, call: Call, asked: Parsed) -> str:
        """The text that the signature of a call ought to cover, as the cloud tells it to its client."""
        signed = self.signed(call, asked)
        if isinstance(signed, Judgement):
            return ""
        return signed.text(True) if asked.acs3 is None else acs3_string_to_sign(signed.text(True))


def _refused(reason: Reason, code: str = "", message: str = "") -> Judgement:
    return Judgement(refusal=reason, code=code, message=message)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass"))
