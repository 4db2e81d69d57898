"""Calls for objects in OBS: where they go, how they are signed, and what its answers in XML say.

Signing and XML are loaded with the first such call: who moves no files shall not wait for them.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from otabridge.plugin import (
    Complaint,
    ConfigurationError,
    ObjectLocation,
    Pairs,
    ProtocolError,
    Request,
    Response,
    Signer,
    not_understood,
)
from otabridge_huawei.settings import HuaweiSettings

if TYPE_CHECKING:
    from otabridge_huawei.obs_signing import Scheme

PUT, GET, HEAD = "PutObject", "GetObject", "HeadObject"
BEGIN, PART, FINISH, ABORT = (
    "InitiateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
)
CALLS = frozenset({PUT, GET, HEAD, BEGIN, PART, FINISH, ABORT})
KIND = ("Content-Type", "application/octet-stream")
XML_BYTES = 65_536
_REGION = re.compile(r"(?:^|\.)obs\.([a-z0-9-]+)\.myhuaweicloud\.").search
_SCHEMES: "dict[str, Scheme]" = {"obs": "OBS", "v2": "AWS", "v4": "AWS"}


@dataclass(frozen=True, slots=True, eq=False)
class SplitSigner:
    """Signs calls for objects in OBS's way, and all others with the `api`'s signer."""

    api: Signer
    config: InitVar[HuaweiSettings]
    _config: HuaweiSettings = field(init=False, repr=False)

    def __post_init__(self, config: HuaweiSettings) -> None:
        object.__setattr__(self, "_config", config)

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request with its target, and with its headers complete."""
        signer = object_signer(self._config, request.origin) if request.operation in CALLS else self.api
        return signer.sign(request, now=now, nonce=nonce)

    def __reduce__(self) -> NoReturn:
        raise TypeError("SplitSigner holds secrets and cannot be pickled or copied: build it again")


def object_signer(config: HuaweiSettings, origin: str) -> Signer:
    """The signer for objects at an origin. ConfigurationError without keys: OBS knows no tokens."""
    from otabridge_huawei.obs_signing import LegacySigner, V4Signer

    if not (config.access_key and config.secret_key):
        raise ConfigurationError("files of packages need the settings access_key and secret_key: OBS takes no token")
    secret = config.secret_key.get_secret_value()
    token = config.security_token.get_secret_value() if config.security_token else None
    host = origin.partition("://")[2]
    found = _REGION(host)
    region = found[1] if found else config.region or "default"
    if config.obs_signature == "v4":
        return V4Signer(config.access_key, secret, token, region=region)
    bucket = "" if config.addressing == "path" else host.removesuffix(f".{_store(config, region).partition('://')[2]}")
    return LegacySigner(config.access_key, secret, token, scheme=_SCHEMES[config.obs_signature], bucket=bucket)


def meta_name(config: HuaweiSettings, name: str) -> str:
    """The header of a fact that is kept with an object."""
    from otabridge_huawei.obs_signing import PREFIX

    return f"{PREFIX[_SCHEMES[config.obs_signature]]}meta-{name}"


def object_request(
    config: HuaweiSettings, operation: str, location: ObjectLocation, *, method: str = "GET", **more: Any
) -> Request:
    """The request of a call for an object; each may be repeated, as it does the same again."""
    origin, path = _store(config, location.region), f"/{location.key}"
    if config.addressing == "path":
        path = f"/{location.bucket}{path}"
    else:
        scheme, _, host = origin.partition("://")
        origin = f"{scheme}://{location.bucket}.{host}"
    return Request(operation=operation, method=method, origin=origin, path=path, read=True, **more)


def _store(config: HuaweiSettings, region: str) -> str:
    return config.object_store or f"https://obs.{region}.myhuaweicloud.com"


# --- what is said -----------------------------------------------------------------------------------------------------


def part_query(number: int, upload: str) -> Pairs:
    """Which part of which upload it is."""
    return (("partNumber", str(number)), ("uploadId", upload))


def upload_query(upload: str = "") -> Pairs:
    """Which upload it is, or that one begins."""
    return (("uploadId", upload),) if upload else (("uploads", ""),)


def finish_body(tags: Iterable[str]) -> bytes:
    """The parts of an upload, by their tags."""
    from xml.sax.saxutils import escape

    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
        for number, tag in enumerate(tags, 1)
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def upload_id(request: Request, response: Response) -> str:
    """The id of an upload that has begun."""
    found = _members(response.body).get("UploadId")
    if not found:
        raise not_understood(request, response, "it has no id of the upload")
    return found


def check_finished(request: Request, response: Response) -> None:
    """ProtocolError unless an answer says that an upload has become an object."""
    if not _members(response.body).get("ETag"):
        raise not_understood(request, response, "it does not say that the object is there")


def tag_of(request: Request, response: Response) -> str:
    """The tag of a part."""
    tag = response.header("etag")
    if not tag:
        raise ProtocolError("the answer to a part has no ETag", operation=request.operation, status=response.status)
    return tag


def complaint(response: Response) -> Complaint | None:
    """What OBS says went wrong, which may come in a 200 too."""
    if b"<Error" not in response.body:
        return None
    said = _members(response.body)
    if not said.get("Code"):
        return None
    return Complaint(said["Code"], said.get("Message") or said["Code"], said.get("RequestId"))


def md5_header(digest: str) -> tuple[str, str]:
    """The header by which OBS refuses other bytes than these."""
    return ("Content-MD5", b64encode(bytes.fromhex(digest)).decode())


def _members(body: bytes) -> dict[str, str]:
    from xml.etree import ElementTree

    # A declaration could define entities without end, and null bytes could hide one in another encoding.
    if len(body) > XML_BYTES or b"\0" in body or b"<!" in body:
        return {}
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    return {child.tag.rpartition("}")[2]: child.text or "" for child in root}
