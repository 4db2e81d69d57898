"""What a backend can do: one Capability per optional operation, with a level and a reason."""

from dataclasses import dataclass
from enum import StrEnum


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
