"""The names of the wire, which no other file knows: tables of them, and what reads and writes by these tables.

Rows are read with a type's key as the module and no product: keys.py knows what that means.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator

from otabridge.plugin import (
    Checksum,
    Complaint,
    Device,
    Module,
    Package,
    PackageDraft,
    Pairs,
    Reader,
    Response,
    aliased,
    broken,
    json_object,
)

T = TypeVar("T")
Json = dict[str, Any]

TIMES = {"created_at": "createdAt", "updated_at": "lastModifiedAt"}
MODULE = {"id": "id", "name": "key", "alias": "name", "description": "description", **TIMES}
PACKAGE = {"id": "id", "module": "type", "version": "version", "name": "name", "description": "description", **TIMES}
ARTIFACT = {"id": "id", "name": "providedFilename", "size": "size", "checksum": "hashes"}
NOTE_KEY, NOTE_TEXT, NOTE_SHOWN = "key", "value", "targetVisible"
MAKER, DELETED, SECRET_TOKEN = "vendor", "deleted", "securityToken"
MOST_OF_A_SET, FILENAME, DIGEST = "maxAssignments", "filename", "sha256sum"
# Where a search looks.
KEY, NAME, TYPE, VERSION, ATTRIBUTE = "key", "name", "type", "version", "attribute"
LONGEST_NOTE = 4000
# Our word -> the key of the note that keeps what the server has no place for.
NOTES = {word: f"otabridge.{word}" for word in ("kind", "source_versions", "name", "custom_info")}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An artifact."""

    id: int
    name: str
    size: int
    checksum: Checksum


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page of a list; `total` counts all of its rows."""

    content: tuple[T, ...]
    total: int


def _told(row: Any) -> Any:
    """A row with what is told of it beside its fields."""
    if not isinstance(row, dict):
        return row
    raw = {name: value for name, value in row.items() if name != SECRET_TOKEN}
    return {**row, "@raw": raw, "@none": "", "@status": _status(row)}


def _status(row: Json) -> str:
    """Whether a device polls in time, where the server says so: the old one does for single devices alone."""
    late = (row.get("pollStatus") or {}).get("overdue")
    if not row.get("lastControllerRequestAt"):
        return "inactive"
    return {None: "unknown", True: "offline", False: "online"}.get(late, "unknown")


def _moment(value: Any) -> Any:
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int | float) else value


_READERS: dict[str, Callable[[Any], Any]] = {"id": str, **dict.fromkeys(TIMES, _moment)}
_BESIDE = {"product": "@none", "raw": "@raw"}
_MODULE: Any = Annotated[aliased(Module, _READERS, **MODULE, **_BESIDE), BeforeValidator(_told)]
_PACKAGE: Any = Annotated[aliased(Package, _READERS, **PACKAGE, **_BESIDE), BeforeValidator(_told)]
_DEVICE: Any = Annotated[
    aliased(Device, None, name="controllerId", status="@status", **_BESIDE), BeforeValidator(_told)
]
_FILE: Any = aliased(File, {"checksum": lambda told: Checksum(algorithm="sha256", hex=told["sha256"])}, **ARTIFACT)


@dataclass(frozen=True, slots=True)
class Installed:
    """The set that the server believes a device to run."""

    modules: tuple[_PACKAGE, ...] = ()


ONE_MODULE: Reader[Module] = Reader(_MODULE)
ONE_PACKAGE: Reader[Package] = Reader(_PACKAGE)
ONE_DEVICE: Reader[Device] = Reader(_DEVICE)
ONE_FILE: Reader[File] = Reader(_FILE)
MADE_MODULES: Reader[tuple[Module]] = Reader(tuple[_MODULE])
MADE_PACKAGES: Reader[tuple[Package]] = Reader(tuple[_PACKAGE])
MODULES: Reader[Listed[Module]] = Reader(Listed[_MODULE])
PACKAGES: Reader[Listed[Package]] = Reader(Listed[_PACKAGE])
DEVICES: Reader[Listed[Device]] = Reader(Listed[_DEVICE])
FILES: Reader[tuple[File, ...]] = Reader(tuple[_FILE, ...])
NOTED: Reader[Listed[dict[str, Any]]] = Reader(Listed[dict[str, Any]])
ATTRIBUTES: Reader[dict[str, Any]] = Reader(dict[str, Any])
INSTALLED: Reader[Installed] = Reader(Installed)


def deleted(row: Module | Package) -> bool:
    """Whether a row is kept by the server after its deletion, since something used it."""
    return bool((row.raw or {}).get(DELETED))


def maker(row: Package) -> str | None:
    """Who made a package; we say so of those that have notes of ours."""
    return (row.raw or {}).get(MAKER)


def complaint(response: Response, hints: Mapping[str, str]) -> Complaint | None:
    """What an answer says went wrong; None if it is a success or says nothing."""
    said = json_object(response) if response.status >= 400 else None
    if not said:
        return None
    code, told = said.get("errorCode"), said.get("message") or said.get("error")
    hint = hints.get(str(code).lower())
    return Complaint(str(code) if code else None, f"{told or f'HTTP {response.status}'}{f' ({hint})' if hint else ''}")


# --- writing ----------------------------------------------------------------------------------------------------------


def query(*, offset: int = 0, limit: int, where: str = "", sort: str = "id:ASC") -> Pairs:
    """The query of a list."""
    asked = (("offset", str(offset)), ("limit", str(limit)), ("sort", sort))
    return (*asked, ("q", where)) if where else asked


def exact(field: str, value: str) -> str:
    """A search for one text. It ignores case, so look again at what is found; and one letter it never finds."""
    if "\u0130" in value:
        value = re.sub(r"[\u0130*\\]", "*", value).replace("'", "\\'")
        return f"{field}=='{value}'"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{field}=in=('{escaped}')"


def searchable(attribute: str) -> bool:
    """Whether a search by this attribute means it on every server."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", attribute) is not None


def module_body(key: str, alias: str | None, description: str | None) -> bytes:
    """A type of which a distribution set has one module."""
    return _text([{KEY: key, MODULE["alias"]: alias or key, MOST_OF_A_SET: 1, **change(description)}])


def package_body(key: str, version: str, description: str | None, maker: str | None) -> bytes:
    """A software module, named as its type is, so that type and version make it unique."""
    return _text([{PACKAGE["name"]: key, VERSION: version, TYPE: key, **change(description or None, maker)}])


def change(description: str | None, maker: str | None = None) -> Json:
    """What is given of these."""
    return {name: text for name, text in ((MODULE["description"], description), (MAKER, maker)) if text is not None}


def change_body(description: str | None, maker: str | None = None) -> bytes:
    """An update."""
    return _text(change(description, maker))


def note_body(notes: Mapping[str, str]) -> bytes:
    """Notes to be made, which devices do not see."""
    return _text([{NOTE_KEY: key, NOTE_TEXT: text} for key, text in notes.items()])


def changed_note_body(key: str, text: str) -> bytes:
    """One note to be changed; without all of its members the new server fails."""
    return _text({NOTE_KEY: key, NOTE_TEXT: text, NOTE_SHOWN: False})


def notes(draft: PackageDraft) -> dict[str, str]:
    """What of a package must be noted, by the notes' keys."""
    told = {word: getattr(draft, word) for word in NOTES} | {
        "kind": draft.kind if draft.kind != "full" else "",
        "source_versions": json.dumps(draft.source_versions, ensure_ascii=False) if draft.source_versions else "",
    }
    if len(told["source_versions"].encode("utf-16-le")) > 2 * LONGEST_NOTE:
        rule = f"at most {LONGEST_NOTE} characters together, as JSON"
        raise broken("package.source_versions", rule, told["source_versions"], "name fewer")
    return {NOTES[word]: text for word, text in told.items() if text}


def noted(found: Mapping[str, str]) -> Json:
    """What notes tell of a package, by our words; one that is not as ours says nothing."""
    told: Json = {word: found[key] for word, key in NOTES.items() if found.get(key)}
    try:
        told["source_versions"] = tuple(map(str, json.loads(told.get("source_versions", "[]"))))
    except (ValueError, TypeError):
        told["source_versions"] = ()
    return told | {"kind": "delta" if told.get("kind") == "delta" else "full"}


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
