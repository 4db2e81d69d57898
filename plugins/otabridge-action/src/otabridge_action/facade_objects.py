"""OSS on the facade's own port, as far as packages need it: a form that uploads a file, signed URLs to fetch one."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote

from otabridge.facade import Account, Answer, Call, Reason, Site, Verdict
from otabridge.markup import document, text, xml
from otabridge.objects import (
    LARGEST,
    PACKAGES,
    UPLOADS,
    ObjectCall,
    ObjectDialect,
    Outcome,
    Stored,
    Trouble,
)
from otabridge.plugin import Pairs
from otabridge_action import schema_names as names
from otabridge_action.signing import oss_signature, oss_string_to_sign

PREFIX = "ota/"  # of every key in UPLOADS
KEY_NAME = names.GRANT["access_key"]
LONGEST_KEY = 1023  # bytes
LARGEST_POLICY = 16 << 10
FORM, URL = "form", "URL"

# trouble -> status, code and words. Codes and statuses are the object storage's public ones, all unverified here.
TROUBLES: Mapping[Trouble, tuple[int, str, str]] = {
    "no such call": (405, "MethodNotAllowed", "The specified method is not allowed against this resource."),
    "bad request": (400, "InvalidArgument", "The request is not understood."),
    "no credential": (403, "AccessDenied", "Anonymous access is forbidden for this operation."),
    "unknown key": (403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records."),
    "bad signature": (403, "SignatureDoesNotMatch", "The signature that we calculated is another one."),
    "bad time": (403, "AccessDenied", "Request has expired."),
    "expired token": (403, "SecurityTokenExpired", "The security token you provided has expired."),
    "throttled": (503, "SlowDown", "Please reduce your request rate."),
    "too large": (400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."),
    "too small": (400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size."),
    "unavailable": (503, "ServiceUnavailable", "The store did not answer."),
    "failed": (500, "InternalError", "We encountered an internal error."),
    "no bucket": (404, "NoSuchBucket", "The specified bucket does not exist."),
    "no object": (404, "NoSuchKey", "The specified key does not exist."),
    "read only": (403, "AccessDenied", "The bucket cannot be written to."),
    "bad range": (416, "InvalidRange", "The requested range cannot be satisfied."),
    "bad length": (400, "IncompleteBody", "The body is not complete."),
    "bad form": (400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."),
}
POLICY = "InvalidPolicyDocument"


class Refused(Exception):
    """A signature or a policy does not allow what is asked; `code` replaces the usual one of the reason."""

    def __init__(self, reason: Reason, message: str = "", *, code: str = "", verdict: Verdict | None = None) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.code = code
        self.verdict = verdict or Verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a form may upload, and until when."""

    expires: datetime
    least: int = 0
    most: int = LARGEST
    conditions: tuple[tuple[str, str, str], ...] = ()


class OssDialect(ObjectDialect):
    """The bucket of uploads by form, and that of the store's packages by signed URL."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def read(self, call: Call) -> ObjectCall | None:
        """A form at the root, or an object that is fetched."""
        if call.method == "POST" and call.path == "/" and _is_form(call):
            return ObjectCall(action="form", operation="PostObject", verdict=Verdict(scheme=FORM), bucket=UPLOADS)
        bucket, _, key = call.path[1:].partition("/")
        if bucket != PACKAGES:
            bucket, key = UPLOADS, call.path[1:]
            if not key.startswith(PREFIX):
                return None
        key = unquote(key)
        asked = ObjectCall(action="get", operation="GetObject", verdict=Verdict(scheme=URL), bucket=bucket, key=key)
        if call.method == "HEAD":
            asked = replace(asked, action="head", operation="HeadObject")
        try:
            if call.method not in ("GET", "HEAD"):
                raise Refused("no such call")
            return replace(asked, verdict=self._fetching(call, bucket, key))
        except Refused as refused:
            return _refused(asked, refused)

    def admit(self, call: Call, form: ObjectCall, fields: Mapping[str, str]) -> ObjectCall:
        """The upload that a form's policy allows."""
        asked = replace(form, key=fields.get("key", ""), options={"status": fields.get(names.FORM_STATUS, "")})
        try:
            verdict = self._posting(fields)
            policy = policy_of(fields["policy"])
            if call.now > policy.expires:
                raise Refused("bad time", "Invalid according to Policy: Policy expired.", verdict=verdict)
            for relation, name, value in policy.conditions:
                given = fields.get(name, UPLOADS if name == "bucket" else "")
                if not (given.startswith(value) if relation == "starts-with" else given == value):
                    told = f'Invalid according to Policy: Policy Condition failed: ["{relation}", "${name}", "{value}"]'
                    raise Refused("no credential", told, verdict=verdict)
            if not 0 < len(asked.key.encode("utf-8", "replace")) <= LONGEST_KEY:
                raise Refused("bad request", "The object's key is missing or too long.", verdict=verdict)
        except Refused as refused:
            return _refused(asked, refused)
        kind = fields.get("content-type") or "application/octet-stream"
        most = min(policy.most, LARGEST)
        return replace(asked, verdict=verdict, least=policy.least, most=most, content_type=kind)

    def answer(self, call: Call, asked: ObjectCall, outcome: Outcome) -> Answer:
        """The object's headers, the form's success as it was wished, or an error in XML."""
        common = (("server", "OSS"), ("x-oss-request-id", call.id))
        if outcome.trouble:
            return _error(call, asked, outcome, outcome.trouble, common)
        stored = outcome.stored
        assert stored is not None
        tag = ("etag", f'"{stored.etag.upper()}"')
        if asked.action != "form":
            modified = format_datetime(stored.modified.astimezone(UTC), usegmt=True)
            return Answer(headers=(*common, tag, ("last-modified", modified), ("content-type", stored.content_type)))
        status = {"200": 200, "201": 201}.get(asked.options["status"], 204)
        if status != 201:
            return Answer(status=status, headers=(*common, tag))
        body = document(_posted(call, stored))
        return Answer(status=201, headers=(*common, tag, ("content-type", "application/xml")), body=body)

    # --- who may ---

    def _fetching(self, call: Call, bucket: str, key: str) -> Verdict:
        try:
            given = dict(call.query)
        except ValueError:
            raise Refused("bad request", "The query has too many parameters.") from None
        expires, signature = given.get("Expires", ""), given.get("Signature", "")
        account = self._account(given.get(KEY_NAME, ""), signature)
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
            raise Refused("bad request", "Expires must be a time in seconds.")
        ways = (
            ("", call.method, key),
            ("the method is GET", "GET", key),
            ("the method is PUT", "PUT", key),
            ("the key is percent-encoded", call.method, quote(key)),
        )
        verdict = _compared(
            account,
            signature,
            [(words, oss_string_to_sign(method, int(expires), bucket, way)) for words, method, way in ways],
        )
        if int(expires) < call.now.timestamp():
            raise Refused("bad time", verdict=verdict)
        return replace(verdict, scheme=URL)

    def _posting(self, fields: Mapping[str, str]) -> Verdict:
        policy, signature = fields.get("policy", ""), fields.get("signature", "")
        account = self._account(fields.get(KEY_NAME.lower(), ""), signature)
        if not policy:
            raise Refused("no credential")
        ways = [("", policy), ("the policy is not in Base64", _plain(policy))]
        return replace(_compared(account, signature, ways), scheme=FORM)

    def _account(self, access_key: str, signature: str) -> Account:
        if not (access_key and signature):
            raise Refused("no credential")
        account = self._site.account(access_key)
        if account is None or account.token:
            raise Refused("unknown key", verdict=Verdict(account=access_key))
        return account


def policy_of(encoded: str) -> Policy:
    """A form's policy, taken apart."""
    try:
        policy = json.loads(_plain(encoded[:LARGEST_POLICY]))
        expires = datetime.fromisoformat(policy["expiration"])
        rows = [[*row] if isinstance(row, list) else ["eq", *next(iter(row.items()))] for row in policy["conditions"]]
        sizes = [(int(least), int(most)) for relation, least, most in rows if relation == "content-length-range"]
        others = [(str(r), str(n).lstrip("$").lower(), str(v)) for r, n, v in rows if r != "content-length-range"]
        if any(relation not in ("eq", "starts-with") for relation, _, _ in others) or expires.tzinfo is None:
            raise ValueError("unknown")
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, OverflowError, RecursionError) as error:
        raise Refused("bad request", "Invalid Policy: it is not understood.", code=POLICY) from error
    least, most = sizes[0] if sizes else (0, LARGEST)
    return Policy(expires=expires, least=least, most=most, conditions=tuple(others))


def _compared(account: Account, signature: str, ways: list[tuple[str, str]]) -> Verdict:
    """The verdict on the first of some texts; the others are mistakes, with words for what the client did."""
    expected = ways[0][1]
    verdict = Verdict(account=account.access_key)
    for words, signed in ways:
        for secret, more in (
            (account.secret_key, ""),
            (f"{account.secret_key}&", "the secret key has an & at its end"),
        ):
            made = oss_signature(secret, signed)
            if not hmac.compare_digest(made.encode(), signature.encode("utf-8", "surrogatepass")):
                continue
            if not (words or more):
                return verdict
            told = f"in what the client signed, {words or more}"
            raise Refused("bad signature", told, verdict=replace(verdict, expected=expected, received=signed))
    told = "no usual mistake gives this signature: the secret key may be another one"
    raise Refused("bad signature", told, verdict=replace(verdict, expected=expected))


def _refused(asked: ObjectCall, refused: Refused) -> ObjectCall:
    verdict = replace(refused.verdict, scheme=asked.verdict.scheme, refusal=refused.reason, message=str(refused))
    return replace(asked, verdict=verdict, options={**asked.options, "code": refused.code})


def _error(call: Call, asked: ObjectCall, outcome: Outcome, trouble: Trouble, common: Pairs) -> Answer:
    status, usual, words = TROUBLES.get(trouble, TROUBLES["bad request"])
    code, verdict = outcome.code or asked.options.get("code") or usual, asked.verdict
    host = call.headers.get("host", "")
    told = outcome.message or words
    fields = {names.CODE: code, names.MESSAGE: told, names.REQUEST: call.id, names.HOST: host}
    if trouble == "bad signature":
        fields |= {KEY_NAME: verdict.account, "StringToSign": verdict.expected}
    body = document(xml("Error", *(xml(name, text(value)) for name, value in fields.items())))
    headers = (*common, ("content-type", "application/xml"))
    return Answer(status=outcome.status or status, headers=headers, body=body, code=code)


def _posted(call: Call, stored: Stored) -> str:
    fields = {
        "Bucket": stored.bucket,
        "Location": f"{call.origin}/{quote(stored.key, safe='/~')}",
        "Key": stored.key,
        "ETag": f'"{stored.etag.upper()}"',
    }
    return xml("PostResponse", *(xml(name, text(value)) for name, value in fields.items()))


def _is_form(call: Call) -> bool:
    return call.headers.get("content-type", "").lower().startswith("multipart/form-data")


def _plain(encoded: str) -> str:
    """What is encoded in Base64; nothing if nothing is."""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""
