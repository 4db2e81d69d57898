"""What a client says and hears: the parameters of the actions, and the answers as core rows.

Aliyun answers in PascalCase, Tuya with first letters lowered, and samples of both mix them: so names are read ignoring
case. Device secrets end here: no row, no `raw` and no error has them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from otabridge.plugin import (
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
from otabridge_action import schema_names as names
from otabridge_action.reading import Kind, Tree, blank, cased, moment, rows_below, tree
from otabridge_action.schema_names import RESERVED, core_module, parameters
from otabridge_action.tables import DEVICE_STATUS, PACKAGE_STATUS

T = TypeVar("T")

# A refused signature is answered with the server's own text to sign, which holds every parameter.
_ECHO = re.compile(r"\W*server\s+(side\s+)?(string\s*to\s*sign|canonical).*", re.IGNORECASE | re.DOTALL)
_SUCCESS = b'"success"'
_TRUE = re.compile(rb'\s*:\s*"?true').match


# --- parameters -----------------------------------------------------------------------------------------------------


def package_parameters(draft: PackageDraft) -> Pairs:
    """The parameters of a new package: a single file directly, several as a numbered list."""
    named = {
        names.PACKAGE["name"]: draft.name,
        names.PACKAGE["description"]: draft.description,
        names.PACKAGE["kind"]: "1" if draft.kind == "delta" else "0",
        names.PACKAGE["source_versions"]: next(iter(draft.source_versions), None),
        names.VERIFY: None if draft.verify is None else str(draft.verify).lower(),
        names.PACKAGE["custom_info"]: draft.custom_info,
    }
    for number, file in enumerate(draft.artifacts, 1):
        facts = {
            "name": file.name,
            "url": file.location.url if isinstance(file.location, UrlLocation) else None,
            "size": None if file.size is None else str(file.size),
            "digest": file.checksum.hex if file.checksum else None,
        }
        if len(draft.artifacts) > 1:
            facts["twin"] = facts["digest"]
            named |= {f"{names.FILES}.{number}.{names.FILE[fact]}": value for fact, value in facts.items()}
        else:
            named |= {name: facts[fact] for fact, name in names.LONE_FILE.items()}
        if file.checksum:
            named[names.ALGORITHM] = file.checksum.algorithm.upper()
    pairs = parameters(product=draft.product, module=draft.module, version=draft.version)
    return pairs + tuple((name, value) for name, value in named.items() if value)


def change_parameters(
    package: Package, name: str | None, description: str | None, custom_info: str | None, *, renamed: bool
) -> Pairs:
    """The parameters of a package's update, where one cloud has `renamed` the custom info."""
    texts = {"name": name, "description": description, "custom_info": custom_info}
    named = {names.PACKAGE[field]: text for field, text in texts.items() if text is not None}
    if renamed and custom_info is not None:
        named[names.CHANGED_INFO] = named.pop(names.PACKAGE["custom_info"])
    pairs = parameters(package_id=package.id, product=package.product or None)
    return pairs + tuple(named.items())


# --- success and failure --------------------------------------------------------------------------------------------


def succeeded(body: bytes) -> bool:
    """Whether an answer calls itself a success, and once, without reading it: no value can hold these bare quotes.

    It may be one though this says no: where a value is this very word.
    """
    said = body.lower()
    return said.count(_SUCCESS) == 1 and _TRUE(said, said.find(_SUCCESS) + len(_SUCCESS)) is not None


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


def _either(name: str) -> AliasChoices:
    return AliasChoices(name, names.lowered(name))


class Listing(BaseModel, Generic[T]):
    """One answer with rows, in either casing; the wrappers are those of the two lists that grow long."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, defer_build=True)

    rows: tuple[T, ...] = Field(
        validation_alias=AliasChoices(
            *(
                AliasPath(*map(case, place))
                for place in (names.VERSIONS, names.DEVICES)
                for case in (str, names.lowered)
            )
        )
    )
    pages: int | None = Field(None, validation_alias=_either(names.PAGE_COUNT))
    total: int | None = Field(None, validation_alias=_either(names.TOTAL))
    token: str | None = Field(None, validation_alias=_either(names.WORDS["token"]))


_PLACE = {
    # One example of the documents says it otherwise.
    "pages": (names.PAGE_COUNT.lower(), "totalpagecount"),
    "total": (names.TOTAL.lower(), names.TOTAL_COUNT.lower()),
    "token": (names.WORDS["token"].lower(),),
}


# --- rows -----------------------------------------------------------------------------------------------------------


# As `cased`, for answers that are read in one pass; `_folded` for those whose names were lowered before.
def _cased(table: Mapping[str, str], **more: tuple[str, ...]) -> dict[str, Any]:
    return {field: cased(name, *more.get(field, ())) for field, name in table.items()}


def _folded(table: Mapping[str, str], **more: str) -> dict[str, Any]:
    return {field: name.lower() for field, name in table.items()} | more


def _words(row: Tree, table: Mapping[str, str]) -> Tree:
    """A row's members by our words; the table's names are folded."""
    return {word: row.get(name) for word, name in table.items()}


_AT = _folded(names.PACKAGE)
_FILE, _LONE_FILE = _folded(names.FILE), _folded(names.LONE_FILE)
_FILES, _ALGORITHM = names.FILES.lower(), names.ALGORITHM.lower()
_CREATED, _MODIFIED = (tuple(map(str.lower, pair)) for pair in (names.CREATED, names.MODIFIED))


def _dated(row: Tree) -> Tree:
    """A row with the times of its making and change, the trusty name of each before the other."""
    created = row.get(_CREATED[0]) or row.get(_CREATED[1])
    modified = row.get(_MODIFIED[0]) or row.get(_MODIFIED[1])
    return {**row, "created": moment(created), "modified": moment(modified)}


def _module(row: Tree) -> Tree:
    return {**_dated(row), "builtin": row.get(_AT["module"]) == RESERVED}


def _package(row: Tree) -> Tree:
    """A package's row with its artifacts: of a numbered list, or the one that the row itself describes."""
    files = [_words(item, _FILE) for item in rows_below(row.get(_FILES), _FILE["url"])]
    lone = _words(row, _LONE_FILE)
    if not files and any(lone.values()):
        name = unquote(urlsplit(lone["url"] or "").path).rpartition("/")[2]
        files = [{"name": name or row.get(_AT["name"]), **lone}]
    method = str(row.get(_ALGORITHM) or "md5").lower()
    return {
        **_dated(row),
        _AT["product"]: row.get(_AT["product"]) or "",
        _AT["module"]: row.get(_AT["module"]) or RESERVED,
        "artifacts": tuple(_artifact(file, "sha256" if method == "sha256" else "md5") for file in files),
    }


def _artifact(file: Tree, algorithm: Literal["sha256", "md5"]) -> Artifact:
    digest = file["digest"] or file.get("twin")
    return Artifact(
        name=file["name"] or "",
        size=int(file["size"]) if file["size"] else None,
        checksum=Checksum(algorithm=algorithm, hex=digest.lower()) if digest else None,
        location=UrlLocation(url=file["url"]) if file["url"] else None,
    )


def _installed(row: Tree) -> list[Tree]:
    """One device of a search, as a row for each of its modules."""
    at = _folded(names.VERSION)
    device = {at[field]: row.get(at[field]) for field in ("product", "device", "device_id")}
    modules = rows_below(row.get(names.INSTALLED.lower()), at["module"])
    return [{**device, **module, at["version"]: module.get(names.INSTALLED_VERSION.lower())} for module in modules]


def _mended(row: ModuleVersion) -> ModuleVersion:
    if row.module != RESERVED and row.device_id != "":
        return row
    return replace(row, module=core_module(row.module), device_id=row.device_id or None)


def _device_status(value: object) -> str:
    return DEVICE_STATUS.get(str(value).upper(), "unknown")


_IDS = ("IotID", "IoTId", "IoTID")
_TIMES = {"created_at": "created", "updated_at": "modified"}
_VERSION = aliased(ModuleVersion, **_cased(names.VERSION, device_id=_IDS))
_DEVICE = aliased(
    Device, {"id": blank, "status": _device_status}, **_cased(names.DEVICE, id=_IDS, status=(names.DEVICE_STATUS,))
)
_PRODUCT = aliased(Product, {"name": blank}, **_folded(names.PRODUCT))
_MODULE = aliased(
    Module,
    {"name": core_module, "alias": blank, "description": blank},
    **_folded(names.MODULE, builtin="builtin", **_TIMES),
)
_PACKAGE = aliased(
    Package,
    {
        "module": core_module,
        "kind": lambda value: "delta" if str(value) == "1" else "full",
        "source_versions": lambda value: (value,) if value else (),
        "status": lambda value: PACKAGE_STATUS.get(str(value), "unknown"),
        **dict.fromkeys(("name", "description", "custom_info"), blank),
    },
    **_folded(names.PACKAGE, artifacts="artifacts", **_TIMES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What the answer to a create says."""

    id: str
    created_at: datetime | None = None


def _kind(row: Any, mark: str, prepare: "Callable[[Tree], Tree | list[Tree]]" = _dated, **more: Any) -> Kind[Any]:
    """How rows are read that can be told by a member, named by our word."""
    return Kind(Reader(Listing[row]), mark=names.WORDS[mark].lower(), place=_PLACE, prepare=prepare, **more)


def _counted(found: Listing[Any], optional: str) -> bool:
    """Whether both counts were found, and the member that rows may lack: else it may be there in another spelling."""
    return None not in (found.pages, found.total, *(getattr(row, optional) for row in found.rows[:1]))


PRODUCTS: Kind[Listing[Product]] = _kind(_PRODUCT, "product")
MODULES: Kind[Listing[Module]] = _kind(_MODULE, "module", _module)
PACKAGES: Kind[Listing[Package]] = _kind(_PACKAGE, "package_id", _package)
CREATED: Kind[Listing[Created]] = _kind(aliased(Created, id=_AT["id"], created_at="created"), "package_id")
DEVICES: Kind[Listing[Device]] = _kind(_DEVICE, "device", usual=lambda found: _counted(found, "id"))
VERSIONS: Kind[Listing[ModuleVersion]] = _kind(
    _VERSION, "module", mend=_mended, usual=lambda found: _counted(found, "device_id")
)
# One row a device, so that the devices of a page can be counted.
SEARCHED: Kind[Listing[tuple[ModuleVersion, ...]]] = _kind(
    tuple[_VERSION, ...],  # type: ignore[valid-type]  # a type made at run time
    "device",
    _installed,
    mend=lambda rows: tuple(map(_mended, rows)),
)
