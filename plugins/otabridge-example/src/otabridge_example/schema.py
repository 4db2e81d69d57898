"""The names of the wire, which no other file knows: tables of them, and what reads and writes by these tables."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from otabridge.plugin import (
    Artifact,
    Checksum,
    Complaint,
    Device,
    InvalidRequestError,
    Module,
    ModuleVersion,
    Package,
    PackageDraft,
    Pairs,
    Product,
    Reader,
    Response,
    UrlLocation,
    aliased,
    json_object,
)
from pydantic import BeforeValidator

T = TypeVar("T")
Names = dict[str, str]  # our word -> the wire's name
Json = dict[str, Any]

PRODUCT_NAMES = {"id": "product_key", "name": "display_name"}
CHANGE_NAMES = {"alias": "display_name", "description": "module_notes"}
MODULE_NAMES = {"product": "product_key", "name": "module_name", **CHANGE_NAMES}
MODULE_TOLD = {**MODULE_NAMES, "created_at": "created_on", "updated_at": "changed_on"}
FILE_NAMES = {"name": "file_name", "size": "file_size", "checksum": "file_sha256", "location": "file_url"}
PACKAGE_NAMES = {
    "product": "product_key",
    "module": "module_name",
    "version": "package_version",
    "kind": "package_kind",
    "source_versions": "from_versions",
    "name": "display_name",
    "description": "release_notes",
    "custom_info": "device_data",
    "artifacts": "package_files",
}
PACKAGE_TOLD = {**PACKAGE_NAMES, "id": "package_key", "created_at": "created_on"}
DEVICE_NAMES = {"product": "product_key", "name": "device_name", "status": "connection_state"}
VERSION_NAMES = {
    "product": "product_key",
    "device": "device_name",
    "module": "module_name",
    "version": "installed_version",
    "reported_at": "reported_on",
}
QUERY_NAMES = {
    "product": "product_key",
    "module": "module_name",
    "version": "package_version",
    "offset": "offset",
    "limit": "limit",
}
DEVICE_STATES = {"connected": "online", "disconnected": "offline", "never_connected": "inactive", "blocked": "disabled"}
_OUR_STATES = {ours: theirs for theirs, ours in DEVICE_STATES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """A page of a list; `total` counts all of its rows."""

    items: tuple[T, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an update gives: what is None stays."""

    alias: str | None = None
    description: str | None = None


# --- reading ----------------------------------------------------------------------------------------------------------


def _moment(value: Any) -> Any:
    """A time with its zone, which is UTC where the text names none."""
    if not isinstance(value, str):
        return value
    at = datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _with_more(row: Any) -> Any:
    """A row with what is told of it beside its fields: itself, and whether its name is a built-in module's."""
    if not isinstance(row, dict):
        return row
    return {**row, "@raw": row, "@builtin": str(row.get(MODULE_NAMES["name"])).startswith("@")}


Readers = dict[str, Callable[[Any], Any]]
_TIMES: Readers = dict.fromkeys(("created_at", "updated_at", "reported_at"), _moment)
_STATES: Readers = {"status": lambda value: DEVICE_STATES.get(str(value), "unknown")}
_LOCATED: Readers = {
    "checksum": lambda value: value and Checksum(algorithm="sha256", hex=str(value)),
    "location": lambda value: value and UrlLocation(url=str(value)),
}
_FileRow: Any = aliased(Artifact, _LOCATED, **FILE_NAMES)
_FILES: Reader[tuple[Artifact, ...]] = Reader(tuple[_FileRow, ...])
_LISTS: Readers = {"artifacts": lambda value: _FILES.adapter.validate_python(value or ())}


def _row(core: type, readers: Readers | None, names: Names) -> Any:
    return Annotated[aliased(core, readers, **names), BeforeValidator(_with_more)]


_RAW = {"raw": "@raw"}
_MODULE_ROW = {**MODULE_TOLD, "builtin": "@builtin"}
_ProductRow: Any = _row(Product, None, PRODUCT_NAMES)
_ModuleRow: Any = _row(Module, _TIMES, _MODULE_ROW)
_PackageRow: Any = _row(Package, _TIMES | _LISTS, PACKAGE_TOLD)
_DeviceRow: Any = _row(Device, _STATES, DEVICE_NAMES)
_VersionRow: Any = _row(ModuleVersion, _TIMES, VERSION_NAMES)
PRODUCTS: Reader[Listing[Product]] = Reader(Listing[_ProductRow])
MODULES: Reader[Listing[Module]] = Reader(Listing[_ModuleRow])
PACKAGES: Reader[Listing[Package]] = Reader(Listing[_PackageRow])
DEVICES: Reader[Listing[Device]] = Reader(Listing[_DeviceRow])
VERSIONS: Reader[Listing[ModuleVersion]] = Reader(Listing[_VersionRow])
MODULE: Reader[Module] = Reader(_row(Module, _TIMES, _MODULE_ROW | _RAW))
PACKAGE: Reader[Package] = Reader(_row(Package, _TIMES | _LISTS, PACKAGE_TOLD | _RAW))
DEVICE: Reader[Device] = Reader(_row(Device, _STATES, DEVICE_NAMES | _RAW))
CHANGE: Reader[Change] = Reader(aliased(Change, None, **CHANGE_NAMES))
DRAFT: Reader[PackageDraft] = Reader(aliased(PackageDraft, _LISTS, **PACKAGE_NAMES))


def complaint(response: Response) -> Complaint | None:
    """What an answer says went wrong; None if it is a success or says nothing."""
    said = (json_object(response) or {}).get("error") if response.status >= 400 else None
    if not isinstance(said, dict):
        return None
    code, message = said.get("code"), said.get("message")
    told = str(message or f"HTTP {response.status}")
    return Complaint(str(code) if code else None, told, response.header("x-request-id"))


def body(reader: Reader[T], given: bytes) -> T:
    """What a request's body says. InvalidRequestError if it cannot be understood."""
    try:
        return reader.adapter.validate_json(given)
    except ValueError as error:
        raise InvalidRequestError(f"the body is not understood: {type(error).__name__}") from None


def asked(query: Pairs) -> dict[str, str]:
    """A query by our words."""
    given = dict(query)
    return {word: given[name] for word, name in QUERY_NAMES.items() if name in given}


# --- writing ----------------------------------------------------------------------------------------------------------


def query(**given: str | int | None) -> Pairs:
    """The query of our words, without those that are None."""
    return tuple((QUERY_NAMES[word], str(value)) for word, value in given.items() if value is not None)


def written(names: Names, row: object) -> Json:
    """An object of the wire, without what is None."""
    members = {name: _plain(getattr(row, word)) for word, name in names.items()}
    if "status" in names:
        members[names["status"]] = _OUR_STATES.get(str(members[names["status"]]))
    return {name: value for name, value in members.items() if value is not None}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Checksum():
            return value.hex if value.algorithm == "sha256" else None
        case UrlLocation():
            return value.url
        case Artifact():
            return written(FILE_NAMES, value)
        case tuple():
            return [_plain(item) for item in value]
        case str() | int():
            return value
    return None  # also for files that lie where no URL leads


def listing(rows: list[Json], total: int) -> Json:
    """A page of a list."""
    return {"items": rows, "total": total}


def error(code: str, message: str) -> Json:
    """What went wrong."""
    return {"error": {"code": code, "message": message}}


def text(value: Json) -> bytes:
    """JSON as it is sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
