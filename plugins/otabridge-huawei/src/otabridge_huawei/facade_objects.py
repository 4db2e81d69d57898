"""OBS on the facade's own port: which requests are for objects, and what they ask for.

It is spoken in the vendor's own dialect and in that of S3, told apart by how a request is signed.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote, unquote_to_bytes, urlsplit
from xml.etree import ElementTree

from otabridge.facade import Answer, Call, Site, Verdict
from otabridge.objects import Action, Frames, ObjectCall, ObjectDialect, Outcome, Selection
from otabridge.plugin import unbase64
from otabridge_huawei import facade_objects_answers as answers
from otabridge_huawei import obs_signing as signing
from otabridge_huawei.facade_objects_auth import Examiner, Proof
from otabridge_huawei.facade_tables import strict

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII).fullmatch
LONGEST_KEY = 1024  # bytes
MOST_PARTS = 10_000
SMALLEST_PART = 100 << 10
LARGEST_PAGE = 1000
SCHEMES = (signing.V4, *signing.PREFIX)
CHECKSUM = "x-amz-checksum-"
CHECKSUMS = ("crc32", "sha1", "sha256")
LENGTHS = {"md5": 32, "crc32": 8, "sha1": 40, "sha256": 64}

# The versions of the vendor's other APIs begin their paths, and are no buckets.
_API = re.compile(r"v[0-9]+(\.[0-9]+)?|_.*", re.ASCII).fullmatch
# Hosts that are no buckets: addresses, services, and what containers call the machine that they run on.
_ADDRESS = re.compile(r"[0-9.]+").fullmatch
_SERVICES = re.compile(r"(obs|s3|iam|host)\..*|.*iotda.*").fullmatch
_IN_URL = ("?apiversion", "X-Amz-Signature=", *(f"{name}=" for name in signing.KEY_NAME.values()))
# Parameters that say which operation it is. `partNumber` only says which part.
_KINDS = {name for name in signing.SUBRESOURCES if not name.startswith("response-")} - {"partnumber"} | {"apiversion"}
_META = re.compile(r"x-(?:obs|amz)-meta-(.+)").fullmatch
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch
# What a request may ask beside its operation, and we do not do: better refused than left undone.
_FOREIGN = re.compile(r"x-(amz|obs)-(copy-source|server-side-encryption)|if-(none-)?match").match
_STRICT_PAYLOADS = (signing.UNSIGNED, signing.SIGNED_CHUNKS)
OPEN = "GetApiVersion"  # the vendor's SDK asks it unsigned, to learn which signature is understood

OPERATIONS: Mapping[tuple[str, bool, str], tuple[Action, str]] = {
    ("GET", False, ""): ("list", "ListObjects"),
    ("HEAD", False, ""): ("bucket", "HeadBucket"),
    ("PUT", False, ""): ("make", "CreateBucket"),
    ("HEAD", False, "apiversion"): ("bucket", "GetApiVersion"),
    ("GET", False, "location"): ("bucket", "GetBucketLocation"),
    ("GET", True, ""): ("get", "GetObject"),
    ("HEAD", True, ""): ("head", "HeadObject"),
    ("PUT", True, ""): ("put", "PutObject"),
    ("DELETE", True, ""): ("delete", "DeleteObject"),
    ("POST", True, "uploads"): ("begin", "InitiateMultipartUpload"),
    ("PUT", True, "uploadId"): ("part", "UploadPart"),
    ("GET", True, "uploadId"): ("parts", "ListParts"),
    ("POST", True, "uploadId"): ("finish", "CompleteMultipartUpload"),
    ("DELETE", True, "uploadId"): ("abort", "AbortMultipartUpload"),
}


class Invalid(Exception):
    """A request is signed, but asks for what cannot be: the vendor's code, and words."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message)
        self.code = code


class ObsDialect(ObjectDialect):
    """OBS as its own SDK, and S3's clients, speak to it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._examiner = Examiner(site)

    def read(self, call: Call) -> ObjectCall | None:
        """What a request asks for, by host, path, method and sub-resource."""
        place = located(call)
        if place is None:
            return None
        virtual, bucket, raw = place
        asked = wanted(call, bucket=bucket, key=unquote_to_bytes(raw).decode("utf-8", "replace"))
        if asked.operation == OPEN:
            return asked
        proof = self._examiner.examine(call, bucket=virtual)
        asked = replace(asked, verdict=proof.verdict)
        if proof.verdict.refusal:
            return asked
        try:
            return self._settled(call, asked, proof, raw)
        except Invalid as invalid:
            verdict = replace(proof.verdict, refusal="bad request", message=str(invalid))
            return replace(asked, verdict=verdict, options={"code": invalid.code})

    def _settled(self, call: Call, asked: ObjectCall, proof: Proof, raw: str) -> ObjectCall:
        if not asked.operation:
            raise Invalid("NotImplemented", "this server does not do that")
        if asked.bucket and not BUCKET(asked.bucket):
            raise Invalid("InvalidBucketName", "a bucket is named by 3 to 63 of a-z, 0-9, - and .")
        encoded = unquote_to_bytes(raw)
        if len(encoded) > LONGEST_KEY:
            raise Invalid("KeyTooLongError", f"a key has at most {LONGEST_KEY} bytes")
        if encoded.decode("utf-8", "ignore").encode() != encoded or b"\0" in encoded:
            raise Invalid("InvalidURI", "the key is no UTF-8")
        if asked.action == "list":
            return replace(asked, options=_listing(asked.options))
        if asked.action in ("put", "part"):
            for name in call.headers:
                if _FOREIGN(name):
                    raise Invalid("NotImplemented", f"this server does not do what {name} asks for")
            if asked.action == "part" and not 1 <= asked.part <= MOST_PARTS:
                raise Invalid("InvalidArgument", f"partNumber is from 1 to {MOST_PARTS}")
            if strict(self._site, "payload") and proof.payload not in _STRICT_PAYLOADS:
                # Which code the vendor has for it is unverified.
                raise Invalid("NotImplemented", f"x-amz-content-sha256 is one of {', '.join(_STRICT_PAYLOADS)}")
            return replace(asked, digests=_digests(call, proof), frames=_frames(call, proof))
        return replace(asked, digests=_digests(call, proof)) if asked.action in ("finish", "make") else asked

    def listed(self, asked: ObjectCall) -> Selection:
        """Which objects a list wants, by either version of the call."""
        options = asked.options
        return Selection(
            prefix=options.get("prefix", ""),
            delimiter=options.get("delimiter", ""),
            after=options["after"],
            count=int(options["max-keys"]),
        )

    def finish(self, asked: ObjectCall, body: bytes) -> tuple[tuple[int, str], ...]:
        """The parts that the XML document of a finished upload names."""
        try:
            # Of another encoding the parser would make a text that nobody has looked at.
            document = body.decode("utf-8-sig")
            if "<!" in document:
                raise ValueError("the document has declarations")
            root = ElementTree.fromstring(document)
        except (UnicodeDecodeError, ElementTree.ParseError) as error:
            raise ValueError("the body is no XML in UTF-8") from error
        parts = [{_local(item): item.text or "" for item in part} for part in root if _local(part) == "Part"]
        if _local(root) != "CompleteMultipartUpload" or not 0 < len(parts) <= MOST_PARTS:
            raise ValueError(f"the body names from 1 to {MOST_PARTS} parts")
        return tuple((int(part.get("PartNumber", "")), part.get("ETag", "").strip().strip('"')) for part in parts)

    def answer(self, call: Call, asked: ObjectCall, outcome: Outcome) -> Answer:
        """The vendor's XML, with headers as the client's dialect names them."""
        return answers.answer(call, asked, outcome)


def located(call: Call) -> tuple[str, str, str] | None:
    """The bucket of the host's name, the bucket, and the key as it is encoded; None if it is no place of objects."""
    first, _, key = call.path[1:].partition("/")
    bucket = unquote(first)
    own = call.headers.get("host", "").lower().partition(":")[0]
    label, of_service, _ = own.partition(".obs.")
    if of_service:
        return label, label, call.path[1:]
    if _API(bucket) or call.headers.keys() & {"x-auth-token", "x-sdk-date"}:
        return None
    label, dot, _ = own.partition(".")
    named = urlsplit(call.origin).hostname == own or _ADDRESS(own) or _SERVICES(own)
    if dot and not named and BUCKET(label):
        return label, label, call.path[1:]
    scheme = call.headers.get("authorization", "").partition(" ")[0]
    signed = scheme in SCHEMES or any(name in call.target for name in _IN_URL)
    return ("", bucket, key) if BUCKET(bucket) or signed else None


def wanted(call: Call, *, bucket: str, key: str) -> ObjectCall:
    """What the method and the query ask for; without an operation if that is not among ours."""
    query = {name: value or "" for name, value in signing.wire_query(call.target.partition("?")[2])}
    kinds = {name for name in query if name.lower() in _KINDS}
    action, operation = OPERATIONS.get((call.method, bool(key), "+".join(kinds)), ("bucket", ""))
    if not bucket:
        action, operation = ("buckets", "ListBuckets") if call.method == "GET" else ("bucket", "")
        if call.method == "HEAD" and kinds == {"apiversion"}:
            operation = OPEN
    part = query.get("partNumber", "")
    return ObjectCall(
        action=action,
        operation=operation,
        verdict=Verdict(),
        bucket=bucket,
        key=key,
        upload=query.get("uploadId", ""),
        part=int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 0,
        options=query,
        least=SMALLEST_PART if action == "finish" else 0,
        content_type=call.headers.get("content-type", "application/octet-stream"),
        meta={found[1]: value for name, value in call.headers.items() if (found := _META(name))},
    )


def _listing(query: Mapping[str, str]) -> Mapping[str, str]:
    """The query of a list with its numbers and places made sure."""
    count = query.get("max-keys", str(LARGEST_PAGE))
    if not (count.isascii() and count.isdigit()):
        raise Invalid("InvalidArgument", "max-keys is a number")
    if query.get("encoding-type", "url") != "url":
        raise Invalid("InvalidArgument", "encoding-type is url")
    after = query.get("marker", "")
    if query.get("list-type") == "2":
        after = query.get("start-after", "")
        if token := query.get("continuation-token"):
            try:
                after = urlsafe_b64decode(token).decode()
            except ValueError:
                raise Invalid("InvalidArgument", "the continuation token is not one of ours") from None
    return {**query, "after": after, "max-keys": str(min(int(count[:9]), LARGEST_PAGE))}


def _digests(call: Call, proof: Proof) -> Mapping[str, str]:
    """What the body must have: the digest that is signed, and those of headers."""
    found = {"sha256": proof.payload} if _SHA256(proof.payload) else {}
    given = {"md5": "content-md5", **{name: f"{CHECKSUM}{name}" for name in CHECKSUMS}}
    for algorithm, header in given.items():
        if header not in call.headers:
            continue
        digest = unbase64(call.headers[header])
        if len(digest) != LENGTHS[algorithm] or found.setdefault(algorithm, digest) != digest:
            raise Invalid("InvalidDigest", f"{header} is no digest of the body")
    return found


def _frames(call: Call, proof: Proof) -> Frames | None:
    """How the body is framed, if it is."""
    if not proof.payload.startswith("STREAMING-"):
        return None
    size = call.headers.get("x-amz-decoded-content-length", "")
    if not (size.isascii() and size.isdigit() and len(size) < 19):
        raise Invalid("MissingContentLength", "x-amz-decoded-content-length is missing")
    trailer = (name.strip().lower() for name in call.headers.get("x-amz-trailer", "").split(","))
    trailing = {name: algorithm for name in trailer if (algorithm := name.removeprefix(CHECKSUM)) in CHECKSUMS}
    chain = proof.chain if proof.payload in (signing.SIGNED_CHUNKS, signing.SIGNED_CHUNKS_TRAILER) else None
    return Frames(size=int(size), chain=chain, trailing=trailing)


def _local(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]
