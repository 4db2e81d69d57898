"""The core model: frozen rows that every cloud's answers are read into.

Times are aware UTC datetimes. `raw` holds the vendor's own object, less its secrets, where one object was asked for;
it takes no part in comparison or repr. Names beginning with `@` are the built-in whole-device modules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")
Raw = Mapping[str, Any] | None

DEFAULT = "@default"
FIRMWARE = "@firmware"
SOFTWARE = "@software"
BUILTIN_MODULES = (DEFAULT, FIRMWARE, SOFTWARE)

DeviceStatus = Literal["online", "offline", "inactive", "disabled", "abnormal", "unknown"]
PackageStatus = Literal["ready", "unverified", "verifying", "verified", "rejected", "unknown"]
PackageKind = Literal["full", "delta"]
VersionSource = Literal["reported", "believed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A device model line that shares modules."""

    id: str
    name: str | None = None
    raw: Raw = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """An independently updatable part of a product, named by (product, name); `id` is the vendor's, if it has one."""

    product: str
    name: str
    id: str | None = None
    alias: str | None = None
    description: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    builtin: bool = False
    raw: Raw = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """A digest of an artifact's bytes, in lower-case hex digits: what vendors call "sign"."""

    algorithm: Literal["sha256", "md5"]
    hex: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "hex", self.hex.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlLocation:
    """Bytes behind a URL. It may be pre-signed, so its query stays out of repr."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLocation:
    """An object in an object store's bucket."""

    region: str
    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalLocation:
    """A file in a local store's artifact folder, by its SHA-256 in hex."""

    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLocation:
    """A file on this machine, brought to the cloud with the package that it is made part of."""

    path: Path


Location = UrlLocation | ObjectLocation | LocalLocation | FileLocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file of a package; `size` in bytes."""

    name: str
    size: int | None = None
    checksum: Checksum | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDraft:
    """What a package shall be, before a cloud has given it an id.

    `verify` says whether the cloud shall demand a verification before a rollout; None leaves that to the cloud.
    """

    product: str
    module: str
    version: str
    kind: PackageKind = "full"
    source_versions: tuple[str, ...] = ()
    name: str | None = None
    description: str | None = None
    custom_info: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    verify: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One released version of a module; `source_versions` empty means that every version may upgrade to it."""

    id: str
    product: str
    module: str
    version: str
    kind: PackageKind = "full"
    source_versions: tuple[str, ...] = ()
    name: str | None = None
    description: str | None = None
    custom_info: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    status: PackageStatus = "unknown"
    created_at: datetime | None = None
    updated_at: datetime | None = None
    raw: Raw = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One physical unit, addressed by (product, name), or by the vendor's id where it has one."""

    product: str
    name: str
    id: str | None = None
    status: DeviceStatus = "unknown"
    raw: Raw = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleVersion:
    """The version of one module on one device, as the device reported it or as the server believes it."""

    product: str
    device: str
    module: str
    version: str
    device_id: str | None = None
    reported_at: datetime | None = None
    source: VersionSource = "reported"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `cursor` is opaque text for the next page, None at the end; `total` counts all rows.

    `before` counts the rows before this page, where the cursor knows that; `behind` has the cursor right behind each
    row, where cursors name rows and the list is cheap to take up anywhere; `ahead` has the cursors of the pages that
    follow, this page's own first, as far as the cloud's total tells them beforehand.
    """

    items: tuple[T, ...]
    cursor: str | None = None
    total: int | None = None
    before: int | None = field(default=None, compare=False, repr=False)
    behind: tuple[str, ...] = field(default=(), compare=False, repr=False)
    ahead: Sequence[str] = field(default=(), compare=False, repr=False)
