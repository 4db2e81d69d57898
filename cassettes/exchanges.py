"""What is recorded from our own facades: how each store is filled, and what our client does. `record.py` records it.

The tests of the plugins replay it and hold what each exchange leads to.
"""

import atexit
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any

from otabridge.client import Client, Pager
from otabridge.models import Artifact, Checksum, ModuleVersion, ObjectLocation, UrlLocation
from otabridge.serve.quota import QuotaRule

MASK = "PLACEHOLDER"  # a secret in a file; as a setting, the secret key of the server
PRODUCT = "thermostat"
FIRST = f"{1:032x}"  # the first id that a store gives
FILE, KEY = bytes(900), f"ota/{FIRST}/app.bin"  # what is uploaded, and where to

Fill = Callable[[Client], object]


def origin(backend: str) -> str:
    """What stands in a file for the address of a facade."""
    return f"https://{backend}.emulator.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One cassette. `use` takes a client of either colour; `quota` is the server's, in calls per second.

    `uploads` says that the file was uploaded before.
    """

    use: Callable[[Any], Any]
    fill: Fill = lambda store: None
    settings: Mapping[str, Any] = field(default_factory=dict)
    quota: QuotaRule = "off"
    uploads: bool = False


def walked(pager: Any) -> "list[Any] | Awaitable[list[Any]]":
    """Every row of a list."""
    return list(pager) if isinstance(pager, Pager) else _walked(pager)


async def _walked(pager: Any) -> list[Any]:
    return [row async for row in pager]


# --- stores -----------------------------------------------------------------------------------------------------------

OBJECT = Artifact(
    name="app.bin",
    checksum=Checksum(algorithm="sha256", hex="5a" * 32),
    location=ObjectLocation(region="cn-north-4", bucket="releases", key="app.bin"),
)


def uploaded(at: str) -> Artifact:
    """A file in the storage of the facade at an address."""
    return Artifact(
        name="app.bin",
        size=len(FILE),
        checksum=Checksum(algorithm="md5", hex=md5(FILE).hexdigest()),
        location=UrlLocation(url=f"{at}/{KEY}"),
    )


@cache
def on_disk() -> Path:
    """The file, on this machine."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "app.bin").write_bytes(FILE)
    return folder / "app.bin"


def modules(*names: str) -> Fill:
    def fill(store: Client) -> None:
        for name in names:
            store.modules.create(name, product=PRODUCT, alias=name.upper())

    return fill


def packages(artifact: Artifact, *versions: int) -> Fill:
    def fill(store: Client) -> None:
        store.modules.create("mcu", product=PRODUCT)
        for number in versions:
            store.packages.create(
                product=PRODUCT, module="mcu", version=f"{number}.0", name=f"mcu_{number}", artifacts=[artifact]
            )

    return fill


def devices(*names: str, reports: Mapping[str, str]) -> Fill:
    return lambda store: store.devices.report_versions(
        ModuleVersion(product=PRODUCT, device=name, module=module, version=version)
        for name in names
        for module, version in reports.items()
    )


def listed(settings: Mapping[str, Any]) -> Exchange:
    return Exchange(
        fill=modules("mcu"),
        use=lambda cloud: cloud.modules.list(product=PRODUCT, page_size=50).first_page(),
        settings=settings,
    )


def walk(artifact: Artifact, quota: QuotaRule = "off", **filters: str) -> Exchange:
    """Two pages of packages; with a quota of one call per second the second page is refused, and read later."""
    return Exchange(
        fill=packages(artifact, 1, 2, 3),
        use=lambda cloud: walked(cloud.packages.list(product=PRODUCT, page_size=2, **filters)),
        quota=quota,
    )


TAKEN = Exchange(fill=modules("mcu"), use=lambda cloud: cloud.modules.create("mcu", product=PRODUCT, alias="Other"))
ELEVENTH = Exchange(
    fill=modules(*(f"m{number}" for number in range(10))),
    use=lambda cloud: cloud.modules.create("mcu", product=PRODUCT),
)
NO_PACKAGE = Exchange(use=lambda cloud: cloud.packages.get(FIRST))

# --- the two of the action dialect ------------------------------------------------------------------------------------

VERSIONS = {"@default": "2.0", "mcu": "1.4", "ble": "1.0"}


def _both(at: str) -> Mapping[str, Exchange]:
    file = uploaded(at)
    return {
        "CreateOTAModule/emulator_name_taken": TAKEN,
        "CreateOTAModule/emulator_eleventh_module": ELEVENTH,
        "UpdateOTAModule/emulator": Exchange(
            fill=modules("mcu"), use=lambda cloud: cloud.modules.update("mcu", product=PRODUCT, alias="Main_controller")
        ),
        "DeleteOTAModule/emulator": Exchange(
            fill=modules("mcu"), use=lambda cloud: cloud.modules.delete("mcu", product=PRODUCT)
        ),
        "DeleteOTAModule/emulator_not_found": Exchange(use=lambda cloud: cloud.modules.delete("mcu", product=PRODUCT)),
        "GenerateOTAUploadURL/emulator": Exchange(
            fill=modules("mcu"),
            use=lambda cloud: cloud.packages.publish(
                on_disk(), product=PRODUCT, module="mcu", version="2.0", name="mcu_2"
            ),
        ),
        "ListOTAModuleByProduct/emulator_bad_signature": listed({"access_key_secret": "another"}),
        "ListOTAFirmware/emulator_two_pages": walk(file),
        "ListOTAFirmware/emulator_throttled": walk(file, 1),
        "QueryOTAFirmware/emulator_not_found": NO_PACKAGE,
        "ModifyOTAFirmware/emulator": Exchange(
            fill=packages(file, 2),
            use=lambda cloud: cloud.packages.update(FIRST, name="Firmware2", description="mends the sensor"),
        ),
        "ListOTAModuleVersionsByDevice/emulator_two_pages": Exchange(
            fill=devices("unit-1", reports=VERSIONS),
            use=lambda cloud: walked(cloud.devices.versions("unit-1", product=PRODUCT, page_size=2)),
        ),
    }


def _tuya(at: str) -> Mapping[str, Exchange]:
    file = uploaded(at)
    one = packages(file, 2)
    return {
        **_both(at),
        "CreateOTAModule/emulator": Exchange(
            use=lambda cloud: cloud.modules.create(
                "mcu", product=PRODUCT, alias="Main_controller", description="on board"
            )
        ),
        "CreateOTAFirmware/emulator": Exchange(
            fill=modules("mcu"),
            use=lambda cloud: cloud.packages.create(
                product=PRODUCT, module="mcu", version="2.0", name="mcu_2", artifacts=[file]
            ),
            uploads=True,
        ),
        "QueryOTAFirmware/emulator": Exchange(fill=one, use=lambda cloud: cloud.packages.get(FIRST)),
        "DeleteOTAFirmware/emulator": Exchange(fill=one, use=lambda cloud: cloud.packages.delete(FIRST)),
        "QueryDeviceDetail/emulator": Exchange(
            fill=devices("unit-1", reports=VERSIONS), use=lambda cloud: cloud.devices.get("unit-1", product=PRODUCT)
        ),
    }


def _aliyun(at: str) -> Mapping[str, Exchange]:
    return {**_both(at), "ListOTAModuleByProduct/emulator_acs3": listed({"signature": "acs3"})}


# --- the one of the REST dialect --------------------------------------------------------------------------------------


def _huawei(at: str) -> Mapping[str, Exchange]:
    keys = {"access_key": None, "secret_key": None}
    login = {"username": "iam_user", "password": MASK, "domain": "account_name", "iam_endpoint": at}
    return {
        "CreateOtaModule/emulator_name_taken": TAKEN,
        "CreateOtaModule/emulator_eleventh_module": ELEVENTH,
        "ListOtaModules/emulator_bad_signature": listed({"secret_key": "another"}),
        "ListOtaPackageInfo/emulator_two_pages": walk(OBJECT, module="mcu"),
        "ListOtaPackageInfo/emulator_throttled": walk(OBJECT, 1, module="mcu"),
        "SearchDevices/emulator_two_pages": Exchange(
            fill=devices("unit-1", "unit-2", "unit-3", reports={"@default": "2.0", "mcu": "1.4"}),
            use=lambda cloud: walked(cloud.fleet.versions(product=PRODUCT, page_size=2)),
        ),
        "ShowOtaModule/emulator_not_found": Exchange(use=lambda cloud: cloud.modules.get(id=FIRST)),
        "ShowOtaPackage/emulator_not_found": NO_PACKAGE,
        "KeystoneCreateUserTokenByPassword/emulator": listed(keys | login),
    }


# Backend -> its exchanges with the facade at an address, by the names of their files.
EXCHANGES: Mapping[str, Callable[[str], Mapping[str, Exchange]]] = {
    "huawei": _huawei,
    "tuya": _tuya,
    "aliyun": _aliyun,
}
