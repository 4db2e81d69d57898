"""What one would write by hand on a plain HTTP client: the two signatures, and rows that are typed and not checked."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from benchmarks.answers import DEVICE_PAGE, LARGE, MARKED_PAGE, MODULE_ID, PACKAGE_PAGE, PRODUCT, SMALL, VERSION_PAGE
from benchmarks.peers import ACCESS_KEY, APP, PROJECT, SECRET_KEY

ROOT = f"/v5/iot/{PROJECT}"
SHOW = f"{ROOT}/ota-upgrades/modules/{MODULE_ID}"
CREATE = f"{ROOT}/ota-upgrades/modules"
JSON = {"Content-Type": "application/json"}
NEW_MODULE = json.dumps(
    {
        "app_id": APP,
        "product_id": PRODUCT,
        "module_name": "MCU",
        "alias_name": "Micro_Controller",
        "description": "main controller",
    }
).encode()


@dataclass(frozen=True, slots=True)
class Module:
    """A module."""

    product: str
    name: str
    id: str
    alias: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version that a device reported."""

    product: str
    device: str
    device_id: str
    module: str
    version: str


@dataclass(frozen=True, slots=True)
class Device:
    """A device."""

    product: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Package:
    """A package."""

    id: str
    product: str
    module: str
    version: str


_VERSION = ("product", "device", "device_id", "module", "version")
_PACKAGE = ("id", "product", "module", "version")
MEMBERS = {
    "module": ("product", "name", "id", "alias"),
    "version": _VERSION,
    "device": ("product", "name", "id"),
    "numbered device": ("product", "name", "id"),
    "package": _PACKAGE,
    "numbered package": _PACKAGE,
}


def module(body: bytes) -> Module:
    """The module of an answer."""
    row = json.loads(body)
    return Module(row["product_id"], row["module_name"], row["module_id"], row["alias_name"])


def _version(row: dict[str, Any]) -> Version:
    return Version(row["ProductKey"], row["DeviceName"], row["IotId"], row["ModuleName"], row["ModuleVersion"])


def _device(row: dict[str, Any]) -> Device:
    return Device(row["product_id"], row["node_id"], row["device_id"])


def _numbered_device(row: dict[str, Any]) -> Device:
    return Device(row["ProductKey"], row["DeviceName"], row["IotId"])


def _package(row: dict[str, Any]) -> Package:
    return Package(row["package_id"], row["product_id"], row["module_name"], row["version"])


def _numbered_package(row: dict[str, Any]) -> Package:
    return Package(row["FirmwareId"], row["ProductKey"], row["ModuleName"], row["DestVersion"])


def versions(body: bytes) -> list[Version]:
    """The rows of one page."""
    return [_version(row) for row in json.loads(body)["Data"]["SimpleOTAModuleInfo"]]


# --- lists: a generator yields targets to POST or GET, takes bodies, and a page is what it yields in between --------


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of a list: whether by action, and the signed target."""

    action: bool
    target: str


Steps = Generator[Ask | list[Any], bytes, None]


def numbered(
    action: str, size: int, wrappers: tuple[str, ...], read: Callable[[dict[str, Any]], Any], **more: str
) -> Steps:
    """Pages by number, as many as the first one says."""
    number, pages = 1, 1
    while number <= pages:
        body = json.loads((yield Ask(True, rpc_target(action, CurrentPage=str(number), PageSize=str(size), **more))))
        pages, number = body["PageCount"], number + 1
        for name in wrappers:
            body = body[name]
        yield [read(row) for row in body]


def marked(place: str, name: str, size: int, read: Callable[[dict[str, Any]], Any], **more: str) -> Steps:
    """Pages by marker, until an empty or a short one."""
    marker: str | None = ""
    while marker is not None:
        query = {**more, "limit": str(size), **({"marker": marker} if marker else {})}
        text = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
        body = json.loads((yield Ask(False, f"{ROOT}{place}?{text}")))
        rows = [read(row) for row in body[name]]
        marker = body["page"]["marker"] if len(rows) == size else None
        yield rows


def following(steps: Steps, body: bytes | None) -> Ask | list[Any] | None:
    """What a list asks or gives after this body; None at its end."""
    try:
        return next(steps) if body is None else steps.send(body)
    except StopIteration:
        return None


LISTS: Mapping[str, Callable[[], Steps]] = {
    "version": lambda: numbered(
        "ListOTAModuleVersionsByDevice", VERSION_PAGE, ("Data", "SimpleOTAModuleInfo"), _version, IotId=LARGE
    ),
    "numbered device": lambda: numbered(
        "QueryDevice", DEVICE_PAGE, ("Data", "DeviceInfo"), _numbered_device, ProductKey=PRODUCT
    ),
    "numbered package": lambda: numbered(
        "ListOTAFirmware", PACKAGE_PAGE, ("FirmwareInfo", "SimpleFirmwareInfo"), _numbered_package, ProductKey=PRODUCT
    ),
    "device": lambda: marked("/devices", "devices", DEVICE_PAGE, _device, product_id=PRODUCT),
    "package": lambda: marked(
        "/ota-upgrades/packages",
        "packages",
        MARKED_PAGE,
        _package,
        product_id=PRODUCT,
        package_type="modulePackage",
    ),
}


# --- signatures -------------------------------------------------------------------------------------------------------


def signed_headers(method: str, target: str, host: str, body: bytes = b"") -> dict[str, str]:
    """Headers with a signature of SDK-HMAC-SHA256."""
    path, _, query = target.partition("?")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": "application/json", "host": host, "x-project-id": PROJECT, "x-sdk-date": now}
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    names = ";".join(sorted(headers))
    canonical = f"{method}\n{path}/\n{query}\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"SDK-HMAC-SHA256\n{now}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(SECRET_KEY.encode(), text.encode(), "sha256").hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": authorization}


def rpc_target(action: str, **more: str) -> str:
    """A target with a signature of HMAC-SHA1 in its query."""
    pairs = {
        "Action": action,
        "Version": "2018-01-20",
        "Format": "JSON",
        "AccessKeyId": ACCESS_KEY,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **more,
    }
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(pairs.items()))
    text = f"POST&%2F&{quote(query, safe='-_.~')}"
    signature = base64.b64encode(hmac.new(f"{SECRET_KEY}&".encode(), text.encode(), "sha1").digest()).decode()
    return f"/?{query}&Signature={quote(signature, safe='-_.~')}"


def few_target() -> str:
    """The target that lists the versions of the small device."""
    return rpc_target("ListOTAModuleVersionsByDevice", CurrentPage="1", PageSize=str(VERSION_PAGE), IotId=SMALL)
