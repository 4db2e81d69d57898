"""What is recorded from a real server: what stood there before, what our backend does, and what that leads to.

`cassettes/record_server.py` records it on one new server, in this order: ids are as that one gave them. What is new
comes last, and changes nothing that is on record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from players import Operator, Player

from otabridge import (
    ApiError,
    Artifact,
    AuthenticationError,
    Checksum,
    ConflictError,
    Device,
    FileLocation,
    InvalidRequestError,
    Module,
    ModuleVersion,
    NotFoundError,
    Package,
    PackageDraft,
    UrlLocation,
)
from otabridge.models import DeviceStatus
from otabridge.testing import Exchange

URL = "https://hawkbit.test"  # what stands in a file for the address of the day
SETTINGS = {"endpoint": URL, "username": "admin", "password": "PLACEHOLDER", "quotas": "off"}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)  # what stands in a file for every time
HERE = "DEFAULT"  # the tenant, which is the one product
BYTES, SPOILT = b"firmware 2.0 of the mcu\n", b"firmware 2.0 of the bug\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One cassette; `says` is in the error that the exchange leads to.

    `exchange` takes the server's address and a folder with the file `app.bin`; `meanwhile` is called with that folder
    before each request. `bytes_move` where requests or answers are files.
    """

    exchange: Callable[[str, Path], Exchange]
    before: Callable[[Operator], object] = lambda operator: None
    meanwhile: Callable[[Path], object] = lambda folder: None
    settings: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""
    bytes_move: bool = False


def calls(operation: str, arguments: Mapping[str, Any], result: Any, **more: Any) -> Recording:
    """An operation without files."""
    return Recording(exchange=lambda url, folder: Exchange(operation, arguments, result), **more)


def refused(operation: str, arguments: Mapping[str, Any], error: type[ApiError], says: str, **more: Any) -> Recording:
    """An operation without files that fails."""
    return calls(operation, arguments, error, says=says, **more)


def makes(version: str, result: Any, says: str = "", **more: Any) -> Recording:
    """A package of the module `mcu` with one file."""

    def exchange(url: str, folder: Path) -> Exchange:
        file = Artifact(name="app.bin", location=FileLocation(path=folder / "app.bin"))
        told: dict[str, Any] = {"description": "mends the sensor", "source_versions": ("1.0",), "custom_info": "é"}
        draft = PackageDraft(product=HERE, module="mcu", version=version, artifacts=(file,), **told)
        return Exchange("create_package", {"draft": draft}, result)

    return Recording(exchange=exchange, says=says, bytes_move=True, **more)


def module(number: int, name: str, **more: Any) -> Module:
    return Module(id=str(number), product=HERE, name=name, created_at=NOW, updated_at=NOW, **more)


def package(number: int, version: str, **more: Any) -> Package:
    told: dict[str, Any] = {"description": "mends the sensor", "source_versions": ("1.0",), "custom_info": "é"} | more
    row: dict[str, Any] = {"product": HERE, "module": "mcu", "version": version, "status": "ready"}
    return Package(id=str(number), created_at=NOW, updated_at=NOW, **row, **told)


def kept(number: int, artifact: int, server: str = URL) -> Artifact:
    """The file, in a package."""
    url = f"{server}/rest/v1/softwaremodules/{number}/artifacts/{artifact}/download"
    checksum = Checksum(algorithm="sha256", hex=sha256(BYTES).hexdigest())
    return Artifact(name="app.bin", size=len(BYTES), checksum=checksum, location=UrlLocation(url=url))


def alone(row: Package, artifact: int, **more: Any) -> Package:
    """A package that is not in a list: those tell no artifacts."""
    return replace(row, artifacts=(kept(int(row.id), artifact),), **more)


def version(text: str, **more: Any) -> ModuleVersion:
    return ModuleVersion(product=HERE, device="kiosk-1", module="mcu", version=text, **more)


def device(number: int, status: DeviceStatus = "unknown") -> Device:
    return Device(product=HERE, name=f"kiosk-{number}", status=status)


# --- what stood there before ------------------------------------------------------------------------------------------


def half_made(operator: Operator) -> None:
    """A package as a crash leaves it: without its file, and without its notes."""
    operator.module("mcu", "2.1", description="mends the sensor", vendor="otabridge")


def devices(operator: Operator) -> None:
    """One device that installed the first package and reports another version, and one that never called."""
    operator.make("distributionsettypes", {"key": "kiosk", "name": "kiosk", "mandatorymodules": [{"id": int(MCU.id)}]})
    of_one = {"name": "kiosk", "version": "1", "type": "kiosk", "modules": [{"id": int(FIRST.id)}]}
    (made,) = operator.make("distributionsets", of_one)
    operator.targets("kiosk-1", "kiosk-2")
    operator.assign(made, "kiosk-1")
    with operator.site.device_client() as http:
        player = Player(http, "kiosk-1")
        player.install()
        player.report({"mcu_version": "2.0-rc1"})


def withdrawn(operator: Operator) -> None:
    """A module that was deleted while it had a package."""
    row = operator.type("ble")
    operator.module("ble", "1.0")
    operator.ask("DELETE", f"/softwaremoduletypes/{row['id']}")


def spoil(folder: Path) -> None:
    (folder / "app.bin").write_bytes(SPOILT)


def downloads(url: str, folder: Path) -> Exchange:
    return Exchange("open_artifact", {"artifact": kept(1, 1, url), "folder": folder}, BYTES)


MCU = module(3, "mcu", alias="Main controller", description="on board")
CHANGED = module(3, "mcu", alias="Main controller", description="rev B")
APPLICATION = module(1, "application", alias="Application", description="Application Addons")
OS = module(2, "@firmware", alias="OS", description="Core firmware or operationg system", builtin=True)
REPORTED, BELIEVED = version("2.0-rc1"), version("2.0", source="believed")
# A creation that is refused uses up an id.
FIRST, SECOND = package(1, "2.0"), package(3, "2.1")
RENAMED = {"name": "Spring", "custom_info": "ä"}
DRAFTED = {"product": HERE, "name": "mcu", "alias": "Main controller", "description": "on board"}

# operationId/case -> the exchange.
RECORDINGS: Mapping[str, Recording] = {
    "getTypes/server": calls("list_modules", {}, [APPLICATION, OS]),
    "getTypes/server_wrong_password": refused(
        "list_modules", {}, AuthenticationError, "Unauthorized", settings={"password": "another"}
    ),
    "createTypes/server": calls("create_module", DRAFTED, MCU),
    "createTypes/server_key_taken": refused("create_module", DRAFTED, ConflictError, "there is a type 'mcu' already"),
    "createTypes/server_alias_taken": refused(
        "create_module", {**DRAFTED, "name": "mcu2"}, ConflictError, "choose another alias"
    ),
    "getTypes/server_two_pages": calls("list_modules", {"limit": 2}, [APPLICATION, OS, MCU]),
    "getType/server": calls("get_module", {"module_id": "3"}, MCU),
    "getType/server_not_found": refused("get_module", {"module_id": "4711"}, NotFoundError, "4711"),
    "updateType/server": calls("update_module", {"module_id": "3", "description": "rev B"}, CHANGED),
    "createSoftwareModules/server": makes("2.0", alone(FIRST, 1)),
    "createSoftwareModules/server_version_taken": makes("2.0", ConflictError, "nothing is left to do"),
    "uploadArtifact/server_completes_a_half_made_one": makes("2.1", alone(SECOND, 2), before=half_made),
    "uploadArtifact/server_wrong_checksum": makes("2.2", InvalidRequestError, "sha256", meanwhile=spoil),
    "getSoftwareModules/server_two_pages": calls("list_packages", {"limit": 1}, [FIRST, SECOND]),
    "getSoftwareModules/server_of_a_version": calls("list_packages", {"module": "mcu", "version": "2.1"}, [SECOND]),
    "getSoftwareModule/server": calls("get_package", {"package_id": "1"}, alone(FIRST, 1)),
    "getSoftwareModule/server_not_found": refused("get_package", {"package_id": "4711"}, NotFoundError, "4711"),
    "updateSoftwareModule/server": calls("update_package", {"package_id": "1", **RENAMED}, alone(FIRST, 1, **RENAMED)),
    "downloadArtifact/server": Recording(exchange=downloads, bytes_move=True),
    "getTargets/server": calls("list_devices", {"product": HERE}, [device(1), device(2, "inactive")], before=devices),
    "getTarget/server": calls("get_device", {"device": "kiosk-1"}, device(1, "online")),
    "getTarget/server_not_found": refused("get_device", {"device": "kiosk-3"}, NotFoundError, "kiosk-3"),
    "getAttributes/server": calls("list_module_versions", {"device": "kiosk-1"}, [REPORTED, BELIEVED]),
    "getAttributes/server_nothing_told": calls("list_module_versions", {"device": "kiosk-2"}, []),
    "getAttributes/server_not_found": refused("list_module_versions", {"device": "kiosk-3"}, NotFoundError, "kiosk-3"),
    "getInstalledDistributionSet/server_fleet": calls(
        "list_fleet_versions", {"product": HERE, "limit": 1}, [REPORTED, BELIEVED]
    ),
    "getTargets/server_counted": calls("count_fleet_versions", {"module": "mcu", "version": "2.0-rc1"}, 1),
    "deleteSoftwareModule/server": calls("delete_package", {"package_id": "3"}, None),
    "deleteSoftwareModule/server_not_found": refused("delete_package", {"package_id": "3"}, NotFoundError, "3"),
    "deleteSoftwareModule/server_in_a_set": calls("delete_package", {"package_id": "1"}, None),
    "createSoftwareModules/server_version_of_a_deleted_one": makes("2.0", ConflictError, "stays taken"),
    "deleteType/server_with_packages": refused(
        "delete_module", {"module_id": "3"}, ConflictError, "delete them first", before=half_made
    ),
    "deleteType/server": calls("delete_module", {"module_id": "6"}, None, before=lambda operator: operator.type("lte")),
    "createTypes/server_key_of_a_deleted_one": refused(
        "create_module", {"product": HERE, "name": "ble"}, ConflictError, "keeps its name", before=withdrawn
    ),
    "getType/server_deleted": refused("get_module", {"module_id": "7"}, NotFoundError, "no module '7'"),
}
