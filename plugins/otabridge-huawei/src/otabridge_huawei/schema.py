"""What a client reads and writes: rows, request bodies, times and error bodies. The names are in schema_names.py.

Device secrets (`auth_info`) end here: no row, no `raw` and no error has them.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field

from otabridge.plugin import (
    FIRMWARE,
    SOFTWARE,
    Artifact,
    Checksum,
    Complaint,
    Device,
    Module,
    ModuleVersion,
    ObjectLocation,
    Package,
    PackageDraft,
    Pairs,
    Product,
    Reader,
    Response,
    aliased,
    broken,
    json_object,
)
from otabridge_huawei import schema_names as names
from otabridge_huawei.schema_names import written
from otabridge_huawei.tables import BUILTIN_PACKAGES, DIGEST, MODULE_PACKAGE, SQL_LENGTH, STATUSES

T = TypeVar("T")
_BUILTIN_MODULES = {kind: module for module, kind in BUILTIN_PACKAGES.items()}
_ROWS = Field(validation_alias=AliasChoices("products", "modules", "packages", "devices"))
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)?").fullmatch
_LITERAL = re.compile(r"[A-Za-z0-9_.-]+").fullmatch


def moment(value: object) -> datetime | None:
    """A time in either of the vendor's formats, else None. Its own sample 12:12:122Z has a digit too many."""
    found = _TIME(value) if isinstance(value, str) else None
    if not found:
        return None
    try:
        year, month, day, hour, minute, second, fraction, zone = found.groups("")
        text = f"{year}-{month}-{day}T{hour}:{minute}:{second}{fraction}{zone or 'Z'}"
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def token_expiry(response: Response) -> datetime | None:
    """When a token ends; None where the answer does not say."""
    token = (json_object(response) or {}).get("token")
    return moment(token.get("expires_at")) if isinstance(token, dict) else None


def public(value: Any) -> Any:
    """A vendor's object without the secrets of devices."""
    if isinstance(value, dict):
        return {name: public(inner) for name, inner in value.items() if name not in names.SECRETS}
    return [public(inner) for inner in value] if isinstance(value, list) else value


def _with_raw(row: Any) -> Any:
    return {**row, "@raw": public(row)} if isinstance(row, dict) else row


def _flattened(row: Any) -> Any:
    """A package's object with its type read as a module, and its file location as an artifact."""
    if not isinstance(row, dict):
        return row
    location = row.get(names.PACKAGE["location"])
    lies = location.get(names.OBJECT) if isinstance(location, dict) else None
    module = _BUILTIN_MODULES.get(str(row.get(names.PACKAGE["type"]))) or row.get(names.PACKAGE["module"])
    return {**_with_raw(row), "@status": "ready", "@module": module, "@artifacts": [_artifact(lies)] if lies else []}


def _artifact(lies: Any) -> Artifact:
    try:
        region, bucket, key = (lies[names.LOCATION[word]] for word in ("region", "bucket", "key"))
        digest = lies.get(names.LOCATION["digest"])
        return Artifact(
            name=key.rpartition("/")[2],
            checksum=Checksum(algorithm="sha256", hex=digest.lower()) if digest else None,
            location=ObjectLocation(region=region, bucket=bucket, key=key),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no object location: {type(error).__name__}") from None


def _read(row: Any, before: Callable[[Any], Any] = _with_raw) -> Any:
    return Annotated[row, BeforeValidator(before)]


def _status(value: object) -> str:
    return STATUSES.get(str(value), "unknown")


def _reports(rows: Any) -> tuple[tuple[Any, Any], ...]:
    if not isinstance(rows or [], list) or not all(isinstance(row, dict) for row in rows or ()):
        raise ValueError("not a list of objects")
    module, version = names.REPORTED["module"], names.REPORTED["version"]
    return tuple((row.get(module), row.get(version)) for row in rows or ())


_READERS: dict[str, Callable[[Any], Any]] = {
    "created_at": moment,
    "source_versions": lambda value: value or (),
    "status": _status,
    "modules": _reports,
}


def _row(core: type, spelled: names.Names, **special: str) -> Any:
    """A class read from the vendor's names; where a field has a special one, its value is made here."""
    own = {field.name: spelled[field.name] for field in fields(core) if field.name in spelled} | special
    return aliased(core, {word: read for word, read in _READERS.items() if word in own.keys() - special}, **own)


ProductRow: Any = _read(_row(Product, names.PRODUCT, raw="@raw"))
ModuleRow: Any = _read(_row(Module, names.MODULE, raw="@raw"))
PackageRow: Any = _read(
    _row(Package, names.PACKAGE, module="@module", artifacts="@artifacts", status="@status", raw="@raw"), _flattened
)
DeviceRow: Any = _row(Device, names.DEVICE, raw="@raw")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ends: the record to go on from, and how many records match in all."""

    count: int | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """A page of a list."""

    rows: Annotated[tuple[T, ...] | None, _ROWS]
    page: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The versions on one device; `marker` is there in search results alone."""

    product: str
    name: str
    id: str
    firmware: str | None = None
    software: str | None = None
    modules: tuple[tuple[str | None, str | None], ...] = ()
    marker: str | None = None

    def versions(self) -> tuple[ModuleVersion, ...]:
        """A row for each module that has a version."""
        known = ((FIRMWARE, self.firmware), (SOFTWARE, self.software), *self.modules)
        return tuple(
            ModuleVersion(product=self.product, device=self.name, device_id=self.id, module=module, version=version)
            for module, version in known
            if module and version
        )


_InventoryRow: Any = _row(Inventory, names.DEVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """A page of search results, which are not counted."""

    devices: tuple[T, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The answer to a search for a count."""

    count: int


PRODUCTS: Reader[Listing[Product]] = Reader(Listing[ProductRow])
MODULES: Reader[Listing[Module]] = Reader(Listing[ModuleRow])
PACKAGES: Reader[Listing[Package]] = Reader(Listing[PackageRow])
DEVICES: Reader[Listing[Device]] = Reader(Listing[DeviceRow])
MODULE: Reader[Module] = Reader(ModuleRow)
PACKAGE: Reader[Package] = Reader(PackageRow)
DEVICE: Reader[Device] = Reader(_read(DeviceRow))
INVENTORY: Reader[Inventory] = Reader(_InventoryRow)
FOUND: Reader[Found[Inventory]] = Reader(Found[_InventoryRow])
COUNTED: Reader[Counted] = Reader(Counted)


def complaint(response: Response) -> Complaint | None:
    """What an answer says went wrong, in any of the vendor's shapes; a success may hold an error too."""
    success = 200 <= response.status < 300
    if success and b'"error' not in response.body:
        return None
    body = json_object(response) or {}
    header = response.header("x-request-id") or response.header("x-iam-trace-id")
    request_id = header or str(body.get(names.REQUEST_ID) or "") or None
    inner = [] if success else [value for value in body.values() if isinstance(value, dict)]
    for said in (body, *inner):
        for code, message in names.ERROR_SHAPES[: 2 if success else 3]:
            if said.get(code) or (said.get(message) and not success):
                told = said.get(message) or f"HTTP {response.status}"
                return Complaint(str(said[code]) if said.get(code) else None, str(told), request_id)
    return None


def body(spelled: names.Names, **members: object) -> bytes:
    """A JSON object of our words, without the members that are None."""
    return json.dumps(written(spelled, members), ensure_ascii=False, separators=(",", ":")).encode()


def query(**given: str | None) -> Pairs:
    """The query of a list."""
    return tuple((name, value) for word, name in names.QUERY.items() if (value := given.get(word)) is not None)


def module_body(**given: str | None) -> bytes:
    """The body that makes or changes a module. What is left out is taken to stay as it is (unverified)."""
    return body(names.MODULE_BODY, **given)


def package_body(app: str, draft: PackageDraft, artifact: Artifact, location: ObjectLocation) -> bytes:
    """The body that makes a package, in the order of the vendor's examples."""
    builtin = BUILTIN_PACKAGES.get(draft.module)
    # The vendor's examples name the method for a module, whose notice tells it to the device, and for nothing else;
    # where it is left out it is SHA-256, by the page.
    method = DIGEST if artifact.checksum and not builtin else None
    digest = artifact.checksum.hex if artifact.checksum else None
    lies = {"region": location.region, "bucket": location.bucket, "key": location.key}
    return body(
        names.PACKAGE_BODY,
        app=app,
        type=builtin or MODULE_PACKAGE,
        product=draft.product,
        module=None if builtin else draft.module,
        version=draft.version,
        source_versions=list(draft.source_versions) or None,
        description=draft.description,
        custom_info=draft.custom_info,
        location={names.OBJECT: written(names.LOCATION, {**lies, "method": method, "digest": digest})},
    )


def login_body(*, username: str, password: str, domain: str, project: dict[str, str]) -> bytes:
    """The body that asks the identity service for a token."""
    user = {"name": username, "password": password, "domain": {"name": domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return body(names.LOGIN_BODY, auth={"identity": identity, "scope": {"project": project}})


def search_body(*, app: str | None, product: str | None, marker: str | None, size: int) -> bytes:
    """The body that searches for the devices below a marker, newest first."""
    below = (("app", "=", app), ("product", "=", product), ("marker", "<", marker))
    return _search("*", below, f" order by marker desc limit {size}")


def count_body(*, app: str | None, product: str | None, module: str | None, version: str | None) -> bytes | None:
    """The body that counts the devices with one version of a built-in module; None where the cloud cannot count."""
    column = {FIRMWARE: "firmware", SOFTWARE: "software"}.get(module or "")
    if not column or not version or not _LITERAL(version):
        return None
    return _search("count(*)", (("app", "=", app), ("product", "=", product), (column, "=", version)))


def _search(what: str, conditions: Iterable[tuple[str, str, str | None]], tail: str = "") -> bytes:
    given = [(names.DEVICE[word], sign, value) for word, sign, value in conditions if value]
    for name, _, value in given:
        # No escape for a quote is documented, so none is tried.
        if not _LITERAL(value):
            raise broken(name, "letters, digits, _ . and - in a search", value, "check the value")
    where = " and ".join(f"{name} {sign} '{value}'" for name, sign, value in given)
    sql = f"select {what} from device{' where ' if where else ''}{where}{tail}"
    if len(sql) > SQL_LENGTH:
        raise broken("sql", f"at most {SQL_LENGTH} characters", sql, "use shorter names")
    return body(names.SEARCH_BODY, sql=sql)
