"""The vendor's words: rows, request bodies, times and error bodies. Nothing else in this plugin knows a field's name.

Device secrets (`auth_info`) end here: no row, no `raw` and no error has them.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
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
from otabridge_huawei.tables import BUILTIN_PACKAGES, MODULE_PACKAGE, SQL_LENGTH, STATUSES

T = TypeVar("T")
_BUILTIN_MODULES = {kind: module for module, kind in BUILTIN_PACKAGES.items()}
_VERSION_COLUMNS = {FIRMWARE: "fw_version", SOFTWARE: "sw_version"}
_ROWS = Field(validation_alias=AliasChoices("products", "modules", "packages", "devices"))
_SECRET = frozenset({"auth_info", "secret", "secondary_secret", "fingerprint", "secondary_fingerprint"})
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
        return {name: public(inner) for name, inner in value.items() if name not in _SECRET}
    return [public(inner) for inner in value] if isinstance(value, list) else value


def _with_raw(row: Any) -> Any:
    return {**row, "@raw": public(row)} if isinstance(row, dict) else row


def _flattened(row: Any) -> Any:
    """A package's object with its type read as a module, and its file location as an artifact."""
    if not isinstance(row, dict):
        return row
    location = row.get("file_location")
    lies = location.get("obs_location") if isinstance(location, dict) else None
    module = _BUILTIN_MODULES.get(str(row.get("package_type"))) or row.get("module_name")
    return {**_with_raw(row), "@status": "ready", "@module": module, "@artifacts": [_artifact(lies)] if lies else []}


def _artifact(lies: Any) -> Artifact:
    try:
        key, digest = lies["object_key"], lies.get("sign")
        return Artifact(
            name=key.rpartition("/")[2],
            checksum=Checksum(algorithm="sha256", hex=digest.lower()) if digest else None,
            location=ObjectLocation(region=lies["region_name"], bucket=lies["bucket_name"], key=key),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no object location: {type(error).__name__}") from None


def _read(row: Any, before: Callable[[Any], Any] = _with_raw) -> Any:
    return Annotated[row, BeforeValidator(before)]


_READERS: dict[str, Callable[[Any], Any]] = {"created_at": moment, "source_versions": lambda value: value or ()}
_SHARED = {"product": "product_id", "description": "description", "created_at": "create_time", "raw": "@raw"}
ProductRow: Any = _read(aliased(Product, id="product_id", name="name", raw="@raw"))
ModuleRow: Any = _read(aliased(Module, _READERS, name="module_name", id="module_id", alias="alias_name", **_SHARED))
PackageRow: Any = _read(
    aliased(
        Package,
        _READERS,
        id="package_id",
        module="@module",
        version="version",
        source_versions="support_source_versions",
        custom_info="custom_info",
        artifacts="@artifacts",
        status="@status",
        **_SHARED,
    ),
    _flattened,
)
DeviceRow: Any = aliased(
    Device,
    {"status": lambda value: STATUSES.get(str(value), "unknown")},
    product="product_id",
    name="node_id",
    id="device_id",
    status="status",
    raw="@raw",
)


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
class _Reported:
    module_name: str | None = None
    module_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The versions on one device; `marker` is there in search results alone."""

    product_id: str
    node_id: str
    device_id: str
    fw_version: str | None = None
    sw_version: str | None = None
    # In the vendor's SDK alone, not on its pages: that an instance fills it is unverified.
    modules: tuple[_Reported, ...] | None = None
    marker: str | None = None

    def versions(self) -> tuple[ModuleVersion, ...]:
        """A row for each module that has a version."""
        known = [(FIRMWARE, self.fw_version), (SOFTWARE, self.sw_version)]
        known += [(item.module_name, item.module_version) for item in self.modules or () if item.module_name]
        return tuple(
            ModuleVersion(
                product=self.product_id, device=self.node_id, device_id=self.device_id, module=module, version=version
            )
            for module, version in known
            if version
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of search results, which are not counted."""

    devices: tuple[Inventory, ...] | None


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
INVENTORY: Reader[Inventory] = Reader(Inventory)
FOUND: Reader[Found] = Reader(Found)
COUNTED: Reader[Counted] = Reader(Counted)


_SHAPES = (("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message"))


def complaint(response: Response) -> Complaint | None:
    """What an answer says went wrong, in any of the vendor's shapes; a success may hold an error too."""
    success = 200 <= response.status < 300
    if success and b'"error' not in response.body:
        return None
    body = json_object(response) or {}
    header = response.header("x-request-id") or response.header("x-iam-trace-id")
    request_id = header or str(body.get("request_id") or "") or None
    inner = [] if success else [value for value in body.values() if isinstance(value, dict)]
    for said in (body, *inner):
        for code, message in _SHAPES[: 2 if success else 3]:
            if said.get(code) or (said.get(message) and not success):
                told = said.get(message) or f"HTTP {response.status}"
                return Complaint(str(said[code]) if said.get(code) else None, str(told), request_id)
    return None


# Our word -> the vendor's, in the order of its examples.
_LIST_QUERY = {"kind": "package_type", "app": "app_id", "product": "product_id", "node": "node_id"}
_LIST_QUERY |= {"version": "version", "size": "limit", "marker": "marker"}
_MODULE_BODY = {"app": "app_id", "product": "product_id", "name": "module_name", "alias": "alias_name"}
_MODULE_BODY |= {"description": "description"}


def body(**members: object) -> bytes:
    """A JSON object in the order given, without the members that are None."""
    return json.dumps(_present(members), ensure_ascii=False, separators=(",", ":")).encode()


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def query(**given: str | None) -> Pairs:
    """The query of a list."""
    return tuple((name, value) for word, name in _LIST_QUERY.items() if (value := given.get(word)) is not None)


def module_body(**given: str | None) -> bytes:
    """The body that makes or changes a module. What is left out is taken to stay as it is (unverified)."""
    return body(**{name: given.get(word) for word, name in _MODULE_BODY.items()})


def package_body(app: str, draft: PackageDraft, artifact: Artifact, location: ObjectLocation) -> bytes:
    """The body that makes a package, in the order of the vendor's examples."""
    builtin = BUILTIN_PACKAGES.get(draft.module)
    # The vendor's examples name the method for a module, whose notice tells it to the device, and for nothing else;
    # where it is left out it is SHA-256, by the page.
    method = "SHA256" if artifact.checksum and not builtin else None
    lies = {"region_name": location.region, "bucket_name": location.bucket, "object_key": location.key}
    digest = {"sign_method": method, "sign": artifact.checksum and artifact.checksum.hex}
    return body(
        app_id=app,
        package_type=builtin or MODULE_PACKAGE,
        product_id=draft.product,
        module_name=None if builtin else draft.module,
        version=draft.version,
        support_source_versions=list(draft.source_versions) or None,
        description=draft.description,
        custom_info=draft.custom_info,
        file_location={"obs_location": lies | _present(digest)},
    )


def login_body(*, username: str, password: str, domain: str, project: dict[str, str]) -> bytes:
    """The body that asks the identity service for a token."""
    user = {"name": username, "password": password, "domain": {"name": domain}}
    return body(auth={"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}})


def search_body(*, app: str | None, product: str | None, marker: str | None, size: int) -> bytes:
    """The body that searches for the devices below a marker, newest first."""
    below = {"app_id =": app, "product_id =": product, "marker <": marker}
    return _search("*", below, f" order by marker desc limit {size}")


def count_body(*, app: str | None, product: str | None, module: str | None, version: str | None) -> bytes | None:
    """The body that counts the devices with one version of a built-in module; None where the cloud cannot count."""
    column = _VERSION_COLUMNS.get(module or "")
    if not column or not version or not _LITERAL(version):
        return None
    return _search("count(*)", {"app_id =": app, "product_id =": product, f"{column} =": version})


def _search(what: str, conditions: dict[str, str | None], tail: str = "") -> bytes:
    for left, value in conditions.items():
        # No escape for a quote is documented, so none is tried.
        if value and not _LITERAL(value):
            raise broken(left.split()[0], "letters, digits, _ . and - in a search", value, "check the value")
    where = " and ".join(f"{left} '{value}'" for left, value in conditions.items() if value)
    sql = f"select {what} from device{' where ' if where else ''}{where}{tail}"
    if len(sql) > SQL_LENGTH:
        raise broken("sql", f"at most {SQL_LENGTH} characters", sql, "use shorter names")
    return body(sql=sql)
