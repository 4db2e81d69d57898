"""What a backend can do, each with a level and a reason, and how its cloud behaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Capability(StrEnum):
    """An operation of the contract; the value is the method's name."""

    LIST_PRODUCTS = "list_products"
    LIST_MODULES = "list_modules"
    GET_MODULE = "get_module"
    CREATE_MODULE = "create_module"
    UPDATE_MODULE = "update_module"
    DELETE_MODULE = "delete_module"
    LIST_PACKAGES = "list_packages"
    GET_PACKAGE = "get_package"
    CREATE_PACKAGE = "create_package"
    UPDATE_PACKAGE = "update_package"
    DELETE_PACKAGE = "delete_package"
    STAGE_ARTIFACT = "stage_artifact"
    OPEN_ARTIFACT = "open_artifact"
    LIST_DEVICES = "list_devices"
    GET_DEVICE = "get_device"
    LIST_MODULE_VERSIONS = "list_module_versions"
    LIST_VERSION_HISTORY = "list_version_history"
    REPORT_MODULE_VERSIONS = "report_module_versions"
    LIST_FLEET_VERSIONS = "list_fleet_versions"
    COUNT_FLEET_VERSIONS = "count_fleet_versions"


class Level(StrEnum):
    """How an operation is there, if it is."""

    NATIVE = "native"  # one vendor's call, or a page of it
    EMULATED = "emulated"  # composed of other calls
    NOT_IMPLEMENTED = "not implemented"  # the vendor can, we do not yet
    UNSUPPORTED = "unsupported"  # the vendor cannot

    @property
    def usable(self) -> bool:
        return self in (Level.NATIVE, Level.EMULATED)


@dataclass(frozen=True, slots=True)
class Support:
    """One row of a capability table."""

    level: Level
    note: str = ""


NATIVE = Support(Level.NATIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a planner and a pager must know: which fields make an object unique, and how late a list may be.

    `unique_keys` maps a kind of object to its fields; `ignore_case` names the kinds whose names clash ignoring case.
    `cursors` is `keyset` where a cursor names a row, `position` where it counts rows. Of fields, named as in `limits`:
    `untold` are taken and never told again, `fixed` cannot be changed later, `filled` are made up where none is given.
    `verifies`: whether a verification before a rollout can be demanded of packages.
    """

    unique_keys: Mapping[str, tuple[str, ...]]
    ignore_case: frozenset[str] = frozenset()
    list_lag_seconds: float = 0.0
    client_token: bool = False
    cursors: Literal["keyset", "position"] = "position"
    untold: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    verifies: bool = True


TRAITS = Traits(unique_keys={"module": ("product", "name"), "package": ("product", "module", "version")})
