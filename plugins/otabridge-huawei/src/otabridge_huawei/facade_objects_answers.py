"""What OBS answers: XML documents and headers, in its own dialect or in that of S3."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import quote

from otabridge.facade import Answer, Call
from otabridge.markup import document, text, xml
from otabridge.objects import Action, ObjectCall, Outcome, Stored, Trouble
from otabridge.plugin import Pairs
from otabridge_huawei.facade_objects_auth import URL
from otabridge_huawei.facade_objects_conditions import UNCHANGED, UNMET, unmet
from otabridge_huawei.obs_signing import PREFIX, SUBRESOURCES

REGION = "local"
_OVERRIDES = {name for name in SUBRESOURCES if name.startswith("response-")}
NAMESPACES = {
    "OBS": "http://obs.myhwclouds.com/doc/2015-06-30/",
    "AWS": "http://s3.amazonaws.com/doc/2006-03-01/",
}

# Which code each trouble has; an operation or a pre-signed URL may have its own.
CODES: Mapping[Trouble | tuple[Trouble, str], str] = {
    "no such call": "MethodNotAllowed",
    "bad request": "InvalidArgument",
    "no credential": "AccessDenied",
    "unknown key": "InvalidAccessKeyId",
    "bad signature": "SignatureDoesNotMatch",
    "bad time": "RequestTimeTooSkewed",
    ("bad time", URL): "AccessDenied",
    "nonce used": "AccessDenied",
    "bad token": "InvalidToken",
    "expired token": "ExpiredToken",
    "throttled": "SlowDown",
    "too large": "EntityTooLarge",
    "too small": "EntityTooSmall",
    "unavailable": "ServiceUnavailable",
    "failed": "InternalError",
    "no bucket": "NoSuchBucket",
    "no object": "NoSuchKey",
    "no upload": "NoSuchUpload",
    "read only": "AccessDenied",
    "bad range": "InvalidRange",
    "bad digest": "BadDigest",
    "bad length": "MissingContentLength",
    "bad body": "IncompleteBody",
    ("bad body", "CompleteMultipartUpload"): "MalformedXML",
    "bad part": "InvalidPart",
    "bad order": "InvalidPartOrder",
    "bad form": "MalformedPOSTRequest",
}
# All others are 400. Codes and statuses are those of S3; that the vendor has the same is unverified.
STATUSES = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "PreconditionFailed": 412,
    "InvalidRange": 416,
    "InternalError": 500,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
}


def answer(call: Call, asked: ObjectCall, outcome: Outcome) -> Answer:
    """The answer to a call for objects."""
    dialect = "OBS" if asked.verdict.scheme.startswith("OBS") or asked.operation == "GetApiVersion" else "AWS"
    prefix = PREFIX[dialect]
    common: Pairs = (("server", dialect), (f"{prefix}request-id", call.id), (f"{prefix}id-2", call.id))
    fetched = outcome.stored if asked.action in ("get", "head") else None
    status = unmet(call.headers, fetched) if fetched else None
    if status == UNCHANGED:
        return Answer(status=UNCHANGED, headers=(*common, *_found(asked, outcome, prefix).headers))
    if status == UNMET:
        outcome = replace(outcome, trouble="bad request", code="PreconditionFailed", message="it is another object now")
    if outcome.trouble:
        return _error(call, asked, outcome, outcome.trouble, common)
    made = _ANSWERS[asked.action](asked, outcome, prefix)
    body = b""
    if made.root:
        name, content = made.root
        body = document(xml(name, *content, namespace=NAMESPACES[dialect]))
        common += (("content-type", "application/xml"),)
    return Answer(status=made.status, headers=(*common, *made.headers), body=body)


def _error(call: Call, asked: ObjectCall, outcome: Outcome, trouble: Trouble, common: Pairs) -> Answer:
    verdict = asked.verdict
    usual = CODES.get((trouble, asked.operation)) or (
        CODES.get((trouble, URL)) if verdict.scheme.endswith(URL) else None
    )
    code = outcome.code or asked.options.get("code") or usual or CODES[trouble]
    fields = {"Code": code, "Message": outcome.message, "Resource": call.path, "RequestId": call.id, "HostId": call.id}
    if verdict.expected and trouble == "bad signature":
        fields |= {"AWSAccessKeyId": verdict.account, "StringToSign": verdict.expected}
    body = document(xml("Error", *(xml(name, text(value)) for name, value in fields.items())))
    headers = (*common, ("content-type", "application/xml"), ("x-obs-error-code", code))
    return Answer(status=outcome.status or STATUSES.get(code, 400), headers=headers, body=body, code=code)


class Made(NamedTuple):
    """What an operation's answer is made of: its headers, and the name and content of its document, if it has one."""

    headers: Pairs = ()
    root: tuple[str, Iterable[str]] | None = None
    status: int = 200


def _found(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    stored = outcome.stored
    assert stored is not None
    headers = {
        "content-type": stored.content_type,
        "etag": _etag(stored),
        "last-modified": format_datetime(stored.modified.astimezone(UTC), usegmt=True),
        **{f"{prefix}meta-{name}": value for name, value in stored.meta.items()},
    }
    wished = {name.removeprefix("response-"): asked.options[name] for name in _OVERRIDES & asked.options.keys()}
    return Made((*(headers | wished).items(),))


def _kept(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    assert outcome.stored is not None
    return Made((("etag", _etag(outcome.stored)),))


def _bucket(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    match asked.operation:
        case "GetApiVersion":
            return Made((("x-obs-api", "3.0"),))
        case "GetBucketLocation":
            return Made(root=("Location" if prefix == "x-obs-" else "LocationConstraint", [text(REGION)]))
    return Made(((f"{prefix}bucket-region", REGION), ("x-obs-bucket-location", REGION)))


def _buckets(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    buckets = (
        _elements("Bucket", {"Name": name, "CreationDate": _time(made), "Location": REGION, "BucketType": "OBJECT"})
        for name, made in outcome.buckets.items()
    )
    return Made(root=("ListAllMyBucketsResult", [_owner(asked), xml("Buckets", *buckets)]))


def _list(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    options, following = asked.options, outcome.following
    encoded = options.get("encoding-type") == "url"
    second = options.get("list-type") == "2"

    def key(value: str) -> str:
        return quote(value, safe="/~") if encoded else value

    fields: dict[str, object] = {"Name": asked.bucket, "Prefix": key(options.get("prefix", ""))}
    if second:
        fields["KeyCount"] = len(outcome.listing) + len(outcome.prefixes)
        fields |= {"StartAfter": key(options["start-after"])} if "start-after" in options else {}
        fields |= {"NextContinuationToken": urlsafe_b64encode(following.encode()).decode()} if following else {}
    else:
        fields["Marker"] = key(options.get("marker", ""))
        fields |= {"NextMarker": key(following)} if following else {}
    fields |= {"Delimiter": key(options["delimiter"])} if options.get("delimiter") else {}
    fields |= {"EncodingType": "url"} if encoded else {}
    fields |= {"MaxKeys": options["max-keys"], "IsTruncated": str(following is not None).lower()}
    contents = (
        xml(
            "Contents",
            _elements("", {"Key": key(stored.key), **_of(stored)}),
            _owner(asked),
            xml("StorageClass", "STANDARD"),
        )
        for stored in outcome.listing
    )
    prefixes = (_elements("CommonPrefixes", {"Prefix": key(prefix)}) for prefix in outcome.prefixes)
    return Made(root=("ListBucketResult", [_elements("", fields), *contents, *prefixes]))


def _begun(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    fields = {"Bucket": asked.bucket, "Key": asked.key, "UploadId": outcome.upload}
    return Made(root=("InitiateMultipartUploadResult", [_elements("", fields)]))


def _parts(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    fields = {"Bucket": asked.bucket, "Key": asked.key, "UploadId": asked.upload, "IsTruncated": "false"}
    parts = (_elements("Part", {"PartNumber": number, **_of(part)}) for number, part in outcome.parts.items())
    return Made(root=("ListPartsResult", [_elements("", fields), *parts]))


def _finished(asked: ObjectCall, outcome: Outcome, prefix: str) -> Made:
    assert outcome.stored is not None
    place = f"/{asked.bucket}/{quote(asked.key, safe='/~')}"
    fields = {"Location": place, "Bucket": asked.bucket, "Key": asked.key, "ETag": _etag(outcome.stored)}
    return Made(root=("CompleteMultipartUploadResult", [_elements("", fields)]))


_ANSWERS: Mapping[Action, Callable[[ObjectCall, Outcome, str], Made]] = {
    "buckets": _buckets,
    "bucket": _bucket,
    "make": lambda asked, outcome, prefix: Made((("location", f"/{asked.bucket}"),)),
    "list": _list,
    "get": _found,
    "head": _found,
    "put": _kept,
    "delete": lambda asked, outcome, prefix: Made(status=204),
    "begin": _begun,
    "part": _kept,
    "parts": _parts,
    "finish": _finished,
    "abort": lambda asked, outcome, prefix: Made(status=204),
}


def _elements(name: str, fields: Mapping[str, object]) -> str:
    content = "".join(xml(field, text(value)) for field, value in fields.items())
    return xml(name, content) if name else content


def _of(stored: Stored) -> Mapping[str, object]:
    return {"LastModified": _time(stored.modified), "ETag": _etag(stored), "Size": stored.size}


def _owner(asked: ObjectCall) -> str:
    return xml("Owner", xml("ID", text(asked.verdict.account)))


def _etag(stored: Stored) -> str:
    return f'"{stored.etag}"'


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
