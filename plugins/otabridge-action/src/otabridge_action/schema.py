"""The vendors' words: the parameters of the actions, and the answers as core rows. Only this file has a field's name.

Aliyun answers in PascalCase, Tuya with first letters lowered, and samples of both mix them: so names are read ignoring
case. Device secrets end here: no row, no `raw` and no error has them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from otabridge.plugin import (
    DEFAULT,
    Artifact,
    Checksum,
    Complaint,
    Device,
    Module,
    ModuleVersion,
    Package,
    PackageDraft,
    Pairs,
    Product,
    Reader,
    UrlLocation,
    aliased,
)
from otabridge_action.reading import Kind, Tree, moment, rows_below, tree
from otabridge_action.tables import DEVICE_STATUS, PACKAGE_STATUS

T = TypeVar("T")

RESERVED = "default"
_PARAMETERS = {
    "instance": "IotInstanceId",
    "product": "ProductKey",
    "module": "ModuleName",
    "alias": "AliasName",
    "description": "Desc",
    "device": "DeviceName",
    # "IoTID" on Tuya's English pages is machine translation; its Chinese pages and samples have this.
    "device_id": "IotId",
    "page": "CurrentPage",
    "size": "PageSize",
    "token": "NextToken",
    "version": "DestVersion",
    "package_id": "FirmwareId",
    "statement": "SQL",
}
# A refused signature is answered with the server's own text to sign, which holds every parameter.
_ECHO = re.compile(r"\W*server\s+(side\s+)?(string\s*to\s*sign|canonical).*", re.IGNORECASE | re.DOTALL)
_SUCCESS = re.compile(rb'"success"\s*:\s*(true|"true")?', re.IGNORECASE).findall


# --- parameters -----------------------------------------------------------------------------------------------------


def parameters(**words: str | int | None) -> Pairs:
    """An action's parameters in the vendors' spelling; what is None is left out."""
    return tuple(
        (_PARAMETERS[word], RESERVED if word == "module" and value == DEFAULT else str(value))
        for word, value in words.items()
        if value is not None
    )


def package_parameters(draft: PackageDraft) -> Pairs:
    """The parameters of a new package: a single file directly, several as a numbered list."""
    named = {
        "FirmwareName": draft.name,
        "FirmwareDesc": draft.description,
        "Type": "1" if draft.kind == "delta" else "0",
        "SrcVersion": next(iter(draft.source_versions), None),
        "NeedToVerify": None if draft.verify is None else str(draft.verify).lower(),
        "Udi": draft.custom_info,
    }
    for number, file in enumerate(draft.artifacts, 1):
        url = file.location.url if isinstance(file.location, UrlLocation) else None
        digest = file.checksum.hex if file.checksum else None
        size = None if file.size is None else str(file.size)
        if len(draft.artifacts) > 1:
            facts = {"Name": file.name, "Url": url, "Size": size, "SignValue": digest, "FileMd5": digest}
            named |= {f"MultiFiles.{number}.{name}": value for name, value in facts.items()}
        else:
            named |= {"FirmwareUrl": url, "FirmwareSize": size, "FirmwareSign": digest}
        if file.checksum:
            named["SignMethod"] = file.checksum.algorithm.upper()
    pairs = parameters(product=draft.product, module=draft.module, version=draft.version)
    return pairs + tuple((name, value) for name, value in named.items() if value)


# --- success and failure --------------------------------------------------------------------------------------------


def succeeded(body: bytes) -> bool:
    """Whether an answer calls itself a success, without reading it, and once: no value can hold these bare quotes."""
    said = _SUCCESS(body)
    return len(said) == 1 and bool(said[0])


def verdict(body: bytes) -> bool | Complaint | None:
    """True for a success, the complaint of a failure, None for what is no answer of this API."""
    answer = tree(body)
    if answer is None:
        return None
    if str(answer.get("success")).lower() == "true":
        return True
    code = answer.get("code") or None
    message = _ECHO.sub("", str(answer.get("errormessage") or answer.get("message") or ""))[:500]
    if not (code or message or "success" in answer):
        return None
    return Complaint(code and str(code), message or f"refused: {code or 'no reason given'}", answer.get("requestid"))


# --- lists and objects ----------------------------------------------------------------------------------------------


class Listing(BaseModel, Generic[T]):
    """One answer with rows, in either casing; the wrappers are those of the two lists that grow long."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)

    rows: tuple[T, ...] = Field(
        validation_alias=AliasChoices(
            AliasPath("Data", "SimpleOTAModuleInfo"),
            AliasPath("data", "simpleOTAModuleInfo"),
            AliasPath("Data", "DeviceInfo"),
            AliasPath("data", "deviceInfo"),
        )
    )
    pages: int | None = Field(None, validation_alias=AliasChoices("PageCount", "pageCount"))
    total: int | None = Field(None, validation_alias=AliasChoices("Total", "total"))
    token: str | None = Field(None, validation_alias=AliasChoices("NextToken", "nextToken"))


_PLACE = {"pages": ("pagecount", "totalpagecount"), "total": ("total", "totalcount"), "token": ("nexttoken",)}


# --- rows -----------------------------------------------------------------------------------------------------------


def core_module(name: str) -> str:
    """A module's core name: the reserved word becomes the built-in module."""
    return DEFAULT if name == RESERVED else name


def _dated(row: Tree) -> Tree:
    """A row with the times of its making and change, Utc* before Gmt*: what calls itself GMT is not always that."""
    created = row.get("utccreate") or row.get("gmtcreate")
    modified = row.get("utcmodified") or row.get("gmtmodified")
    return {**row, "created": moment(created), "modified": moment(modified)}


def _module(row: Tree) -> Tree:
    return {**_dated(row), "builtin": row.get("modulename") == RESERVED}


def _package(row: Tree) -> Tree:
    """A package's row with its artifacts: of a numbered list, or the one that the row itself describes."""
    url = row.get("firmwareurl") or ""
    own = {"url": url, "size": row.get("firmwaresize"), "signvalue": row.get("firmwaresign")}
    name = unquote(urlsplit(url).path).rpartition("/")[2] or row.get("firmwarename") or ""
    files = rows_below(row.get("multifiles"), "url") or ([{"name": name, **own}] if any(own.values()) else [])
    method = str(row.get("signmethod") or "md5").lower()
    return {
        **_dated(row),
        "productkey": row.get("productkey") or "",
        "modulename": row.get("modulename") or RESERVED,
        "artifacts": tuple(_artifact(item, "sha256" if method == "sha256" else "md5") for item in files),
    }


def _artifact(item: Tree, algorithm: Literal["sha256", "md5"]) -> Artifact:
    url, size = item.get("url"), item.get("size")
    digest = item.get("signvalue") or item.get("filemd5")
    return Artifact(
        name=item.get("name") or "",
        size=int(size) if size else None,
        checksum=Checksum(algorithm=algorithm, hex=digest.lower()) if digest else None,
        location=UrlLocation(url=url) if url else None,
    )


def _installed(row: Tree) -> list[Tree]:
    """One device of a search, as a row for each of its modules."""
    device = {name: row.get(name) for name in ("productkey", "devicename", "iotid")}
    modules = rows_below(row.get("otamodules"), "modulename")
    return [{**device, **module, "moduleversion": module.get("firmwareversion")} for module in modules]


def _mended(row: ModuleVersion) -> ModuleVersion:
    if row.module != RESERVED and row.device_id != "":
        return row
    return replace(row, module=core_module(row.module), device_id=row.device_id or None)


def _cased(*names: str) -> tuple[str, ...]:
    """Names as Aliyun, as Tuya, and as the folded reading have them."""
    return tuple(dict.fromkeys(form for name in names for form in (name, name[0].lower() + name[1:], name.lower())))


def _blank(value: Any) -> Any:
    return value or None


def _device_status(value: object) -> str:
    return DEVICE_STATUS.get(str(value).upper(), "unknown")


_IDS = _cased("IotId", "IotID", "IoTId", "IoTID")
_VERSION = aliased(
    ModuleVersion,
    product=_cased("ProductKey"),
    device=_cased("DeviceName"),
    device_id=_IDS,
    module=_cased("ModuleName"),
    version=_cased("ModuleVersion"),
)
_DEVICE = aliased(
    Device,
    {"id": _blank, "status": _device_status},
    product=_cased("ProductKey"),
    name=_cased("DeviceName"),
    id=_IDS,
    status=_cased("DeviceStatus", "Status"),
)
_PRODUCT = aliased(Product, {"name": _blank}, id="productkey", name="productname")
_MODULE = aliased(
    Module,
    {"name": core_module, "alias": _blank, "description": _blank},
    product="productkey",
    name="modulename",
    alias="aliasname",
    description="desc",
    created_at="created",
    updated_at="modified",
    builtin="builtin",
)
_PACKAGE = aliased(
    Package,
    {
        "module": core_module,
        "kind": lambda value: "delta" if str(value) == "1" else "full",
        "source_versions": lambda value: (value,) if value else (),
        "status": lambda value: PACKAGE_STATUS.get(str(value), "unknown"),
        **dict.fromkeys(("name", "description", "custom_info"), _blank),
    },
    id="firmwareid",
    product="productkey",
    module="modulename",
    version="destversion",
    kind="type",
    source_versions="srcversion",
    name="firmwarename",
    description="firmwaredesc",
    custom_info="udi",
    artifacts="artifacts",
    status="status",
    created_at="created",
    updated_at="modified",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What the answer to a create says."""

    id: str
    created_at: datetime | None = None


def _kind(row: Any, mark: str, prepare: "Callable[[Tree], Tree | list[Tree]]" = _dated, **more: Any) -> Kind[Any]:
    return Kind(Reader(Listing[row]), mark=mark, place=_PLACE, prepare=prepare, **more)


def _counted(found: Listing[Any], optional: str) -> bool:
    """Whether both counts were found, and the member that rows may lack: else it may be there in another spelling."""
    return None not in (found.pages, found.total, *(getattr(row, optional) for row in found.rows[:1]))


PRODUCTS: Kind[Listing[Product]] = _kind(_PRODUCT, "productkey")
MODULES: Kind[Listing[Module]] = _kind(_MODULE, "modulename", _module)
PACKAGES: Kind[Listing[Package]] = _kind(_PACKAGE, "firmwareid", _package)
CREATED: Kind[Listing[Created]] = _kind(aliased(Created, id="firmwareid", created_at="created"), "firmwareid")
DEVICES: Kind[Listing[Device]] = _kind(_DEVICE, "devicename", usual=lambda found: _counted(found, "id"))
VERSIONS: Kind[Listing[ModuleVersion]] = _kind(
    _VERSION, "modulename", mend=_mended, usual=lambda found: _counted(found, "device_id")
)
# One row a device, so that the devices of a page can be counted.
SEARCHED: Kind[Listing[tuple[ModuleVersion, ...]]] = _kind(
    tuple[_VERSION, ...],  # type: ignore[valid-type]  # a type made at run time
    "devicename",
    _installed,
    mend=lambda rows: tuple(map(_mended, rows)),
)
