"""Whether a call may be: both signatures, made again with signing.py's own functions, and tokens.

Where a signature differs, the usual mistakes are tried, so that a person is shown what the client has signed.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256

from otabridge.facade import Account, Call, Reason, Site, Table, Verdict
from otabridge.plugin import Pairs
from otabridge_huawei.facade_tables import SKEW, strict
from otabridge_huawei.schema import moment
from otabridge_huawei.signing import (
    DERIVED,
    PLAIN,
    SERVICE,
    UNSIGNED,
    DerivedSigner,
    PlainSigner,
    canonical_query,
    canonical_request,
    string_to_sign,
)

_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z").fullmatch
_SECRET_HEADERS = ("x-security-token", "x-auth-token")
_HASH = "x-sdk-content-sha256"
_SIGNED = frozenset({"host", "x-sdk-date"})  # what every signature must cover
Lines = list[str]  # of a canonical request: method, path, query, headers, an empty one, their names, the payload's hash


class Verifier:
    """Verifies calls of one site. It keeps signers, since the derived one has a key for the day."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # By scheme, access key and region; of those alone who could sign.
        self._signers: Table[tuple[str, str, str], PlainSigner | DerivedSigner] = Table(1000)

    def verify(self, call: Call) -> Verdict:
        """The verdict on a call's signature, or else on its token."""
        header = call.headers.get("authorization")
        if header is not None:
            return self._signed(call, header)
        token = call.headers.get("x-auth-token")
        if token is None:
            return Verdict(refusal="no credential")
        refusal = self.token(token, call.now)
        return Verdict(scheme="X-Auth-Token", account=self._site.master.access_key, refusal=refusal)

    def token(self, token: str, now: datetime) -> Reason | None:
        """Why a token is not good, or None."""
        ends = self._site.ends(token)
        if ends is None:
            return "bad token"
        return "expired token" if ends <= now else None

    def _signed(self, call: Call, header: str) -> Verdict:
        scheme, _, rest = header.partition(" ")
        given = dict(_pairs(rest))
        claim = given.get("Access" if scheme == PLAIN else "Credential", "")
        key, *scope = claim.split("/") if scheme == DERIVED else [claim]
        names, signature = given.get("SignedHeaders", ""), given.get("Signature", "")
        if scheme not in (PLAIN, DERIVED) or not key or not names or not signature:
            return Verdict(scheme=scheme[:40], refusal="bad signature", message="Authorization is not understood")

        def refused(refusal: Reason, message: str = "") -> Verdict:
            return Verdict(scheme=scheme, account=key, refusal=refusal, message=message)

        account = self._site.account(key)
        if account is None:
            return refused("unknown key")
        date = call.headers.get("x-sdk-date", "")
        at = moment(date) if _DATE(date) else None
        if at is None or abs(at - call.now) > SKEW:
            return refused("bad time", f"it is {date[:30] or 'missing'}")
        if scheme == DERIVED and (len(scope) != 3 or not scope[1] or (scope[0], scope[2]) != (date[:8], SERVICE)):
            return refused("bad signature", f"the credential's scope must be {date[:8]}/(region)/{SERVICE}")
        if trouble := self._not_its_token(account, call):
            return refused(*trouble)
        listed = names.split(";")
        if unsigned := sorted(_SIGNED.difference(listed)):
            return refused("bad signature", f"{' and '.join(unsigned)} must be among the signed headers")
        absent = [name for name in listed if name not in call.headers]
        if absent:
            return refused("bad signature", f"the signed header {absent[0][:60]} is not in the request")
        try:
            query = call.query
        except ValueError:
            return refused("bad request", "the query has too many parameters")
        return self._compared(call, account, (names, signature, date, "/".join(scope)), query)

    def _compared(self, call: Call, account: Account, told: tuple[str, str, str, str], query: Pairs) -> Verdict:
        names, signature, date, scope = told
        signed = {name: call.headers[name].strip() for name in names.split(";")}
        canonical = canonical_request(call.method, call.path, canonical_query(query), signed, call.body)

        scheme, region = (DERIVED, scope.split("/")[1]) if scope else (PLAIN, "")
        place, keys = (scheme, account.access_key, region), (account.access_key, account.secret_key)
        signer = self._signers.get(place) or (DerivedSigner(*keys, region=region) if scope else PlainSigner(*keys))

        def made(text: str) -> bool:
            own = signer.authorization(text, date=date).rpartition("=")[2]
            return hmac.compare_digest(own.encode(), signature.encode("utf-8", "surrogatepass"))

        if made(canonical):
            self._signers.put(place, signer)
            hashed = signed.get(_HASH, UNSIGNED)
            if hashed == UNSIGNED or hashed.lower() == sha256(call.body).hexdigest():
                return Verdict(scheme=scheme, account=signer.access_key)
            message, received = f"{_HASH} is not the hash of the body", canonical
        else:
            message, received = _mistake(call, canonical, made)
        text = f"{canonical}\n\n{string_to_sign(canonical, date=date, scope=scope)}"
        return Verdict(
            scheme=scheme,
            account=signer.access_key,
            refusal="bad signature",
            message=message,
            expected=_masked(text, signed),
            received=_masked(received, signed),
        )

    def _not_its_token(self, account: Account, call: Call) -> tuple[Reason, str] | None:
        """What is wrong with the security token. A lasting key may come with any, unless the site is strict."""
        given = call.headers.get("x-security-token", "").strip()
        if account.token is None:
            wrong = bool(given) and self._site.ends(given) is None and strict(self._site, "token")
        else:
            wrong = not hmac.compare_digest(
                given.encode("utf-8", "surrogatepass"), account.token.encode("utf-8", "surrogatepass")
            )
        if wrong:
            return "bad token", "X-Security-Token is not the one that was issued with this key"
        if account.expires_at and account.expires_at <= call.now:
            return "expired token", "the temporary key has ended"
        return None


def _pairs(text: str) -> Pairs:
    parts = (part.strip().partition("=") for part in text.split(","))
    return tuple((name, value) for name, _, value in parts)


# --- what the client may have signed instead --------------------------------------------------------------------------

Change = Callable[[Lines, Call], Lines]


def _with(place: int, change: Callable[[str, Call], str]) -> Change:
    def changed(lines: Lines, call: Call) -> Lines:
        copy = [*lines]
        copy[place] = change(copy[place], call)
        return copy

    return changed


_MISTAKES: tuple[tuple[str, Change], ...] = (
    ("the path has no slash at its end", _with(1, lambda path, _: path.rstrip("/") or path)),
    ("the path is not percent-encoded anew", _with(1, lambda _, call: f"{call.path.rstrip('/')}/")),
    ("the query is not sorted", _with(2, lambda _, call: call.target.partition("?")[2])),
    ("a space in the query is + and not %20", _with(2, lambda query, _: query.replace("%20", "+"))),
    ("~ in the query is encoded", _with(2, lambda query, _: query.replace("~", "%7E"))),
    ("the query is left out", _with(2, lambda *_: "")),
    ("the method is in small letters", _with(0, lambda method, _: method.lower())),
    ("the body is taken as empty", _with(-1, lambda *_: sha256(b"").hexdigest())),
    ("the body is not hashed", _with(-1, lambda _, call: call.body.decode("utf-8", "replace"))),
    ("the body counts as unsigned", _with(-1, lambda *_: UNSIGNED)),
    ("the body's hash is in capitals", _with(-1, lambda hashed, _: hashed.upper())),
    ("another body is signed: the hash of {}", _with(-1, lambda *_: sha256(b"{}").hexdigest())),
    ("the empty line before the names of the headers is missing", lambda lines, _: [*lines[:-3], *lines[-2:]]),
    ("the host is without its port", lambda lines, _: [_without_port(line) for line in lines]),
)


def _without_port(line: str) -> str:
    return line.rpartition(":")[0] if line.startswith("host:") and line.count(":") > 1 else line


def _mistake(call: Call, canonical: str, made: Callable[[str], bool]) -> tuple[str, str]:
    """In words what the client did, and the text that it signed; without a text where no usual mistake fits."""
    for words, change in _MISTAKES:
        text = "\n".join(change(canonical.split("\n"), call))
        if text != canonical and made(text):
            return f"in what the client signed, {words}", text
    return "no usual mistake gives this signature: the secret key may be another one", ""


def _masked(text: str, signed: Mapping[str, str]) -> str:
    for name in _SECRET_HEADERS:
        if signed.get(name):
            text = text.replace(f"{name}:{signed[name]}", f"{name}:***")
    return text
