"""Gateways: scripts written for other clouds' official SDKs work a hawkBit, looked at by plain REST."""

import hashlib
import importlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clients import settings
from hawkbit_server import Hawkbit
from players import Operator, Player

from otabridge import connect
from otabridge.serve import Server, running
from tests.support.aliyun import Sdk
from tests.support.huawei import create_module, made
from tests.support.server import free_port

# What other tests leave on the server that no call can delete.
pytestmark = pytest.mark.filterwarnings("ignore:.*cannot tell:UserWarning")


def behind(hawkbit: Hawkbit, **changes: str) -> dict[str, Any]:
    """The settings of the cloud that a gateway stands on."""
    return settings(hawkbit) | {"product_mode": "prefix", **changes}


def keys(operator: Operator) -> dict[str, tuple[str, str | None]]:
    rows = operator.get("/softwaremoduletypes", limit=500)["content"]
    return {r["key"]: (r["name"], r.get("description")) for r in rows if r["key"].startswith(operator.prefix)}


def versions(operator: Operator, product: str) -> set[tuple[str, str]]:
    rows = operator.get("/softwaremodules", q=f"type=={product}.mcu", limit=500)["content"]
    return {(str(row["id"]), row["version"]) for row in rows}


@pytest.fixture
def packages(operator: Operator, product: str) -> list[str]:
    """The ids of five packages of module `mcu`."""
    operator.type(f"{product}.mcu")
    return [str(operator.module(f"{product}.mcu", f"1.{number}", description="d")["id"]) for number in range(5)]


# --- Huawei's SDK -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def huawei(hawkbit: Hawkbit) -> Iterator[Server]:
    with running("huawei", on=behind(hawkbit)) as server:
        yield server


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The vendor's SDK, which writes an id into the home folder when it is loaded."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("USERPROFILE", str(tmp_path_factory.mktemp("profile")))
        warnings.simplefilter("ignore", DeprecationWarning)
        names = {
            "v5": "huaweicloudsdkiotda.v5",
            "credentials": "huaweicloudsdkcore.auth.credentials",
            "region": "huaweicloudsdkcore.region.region",
            "errors": "huaweicloudsdkcore.exceptions.exceptions",
        }
        yield SimpleNamespace(**{name: importlib.import_module(module) for name, module in names.items()})


@pytest.fixture
def iotda(sdk: SimpleNamespace, huawei: Server) -> Any:
    return made(sdk, huawei)


@pytest.fixture
def app(huawei: Server) -> str:
    return huawei.hints["huawei"]["app_id"]


@pytest.fixture
def refused(sdk: SimpleNamespace) -> Callable[[Callable[[], Any]], tuple[int, str]]:
    """Status and code of a call that is refused, in the vendor's own words."""

    def refused(call: Callable[[], Any]) -> tuple[int, str]:
        with pytest.raises(sdk.errors.ServiceResponseException) as caught:
            call()
        assert caught.value.error_msg
        return caught.value.status_code, caught.value.error_code

    return refused


def test_huaweis_sdk_creates_lists_and_deletes_modules(
    sdk: SimpleNamespace, iotda: Any, app: str, operator: Operator, product: str
) -> None:
    alias = f"{product}_Main"
    created = create_module(sdk, iotda, app, product, "mcu", alias_name=alias, description="é😀")
    create_module(sdk, iotda, app, product, "ble")
    assert keys(operator) == {f"{product}.mcu": (alias, "é😀"), f"{product}.ble": (f"{product}.ble", None)}
    request = sdk.v5.ListOtaModulesRequest(app_id=app, product_id=product)
    listed = [(row.module_name, row.alias_name, row.description) for row in iotda.list_ota_modules(request).modules]
    assert sorted(listed) == [("ble", None, None), ("mcu", alias, "é😀")]
    assert iotda.show_ota_module(sdk.v5.ShowOtaModuleRequest(module_id=created.module_id)).module_name == "mcu"
    iotda.delete_ota_module(sdk.v5.DeleteOtaModuleRequest(module_id=created.module_id))
    assert list(keys(operator)) == [f"{product}.ble"]


def test_huaweis_sdk_changes_a_description(
    sdk: SimpleNamespace, iotda: Any, app: str, operator: Operator, product: str
) -> None:
    created = create_module(sdk, iotda, app, product, "mcu", description="old")
    body = sdk.v5.UpdateOtaModule(description="new")
    iotda.update_ota_module(sdk.v5.UpdateOtaModuleRequest(module_id=created.module_id, body=body))
    assert keys(operator)[f"{product}.mcu"][1] == "new"


def test_huaweis_sdk_lists_shows_and_deletes_packages(
    sdk: SimpleNamespace, iotda: Any, app: str, operator: Operator, product: str, packages: list[str]
) -> None:
    seen: list[str] = []
    marker, page = None, None
    while page is None or len(page.packages) == 2:
        asked = {"app_id": app, "package_type": "modulePackage", "product_id": product, "limit": 2, "marker": marker}
        request = sdk.v5.ListOtaPackageInfoRequest(**{name: value for name, value in asked.items() if value})
        page = iotda.list_ota_package_info(request)
        seen += [row.package_id for row in page.packages]
        marker = page.page.marker
    assert sorted(seen) == sorted(packages)
    shown = iotda.show_ota_package(sdk.v5.ShowOtaPackageRequest(package_id=packages[0]))
    assert (shown.version, shown.module_name, shown.description) == ("1.0", "mcu", "d")
    iotda.delete_ota_package(sdk.v5.DeleteOtaPackageRequest(package_id=packages[0]))
    assert {found for found, _ in versions(operator, product)} == set(packages[1:])


def test_what_a_hawkbit_refuses_is_an_error_of_huawei(
    sdk: SimpleNamespace, iotda: Any, app: str, operator: Operator, product: str, packages: list[str], refused: Any
) -> None:
    v5 = sdk.v5
    (listed,) = iotda.list_ota_modules(v5.ListOtaModulesRequest(app_id=app, product_id=product)).modules
    module = listed.module_id
    update = v5.UpdateOtaModule(alias_name="other")
    calls: dict[str, Callable[[], Any]] = {
        "taken": lambda: create_module(sdk, iotda, app, product, "mcu"),
        "in use": lambda: iotda.delete_ota_module(v5.DeleteOtaModuleRequest(module_id=module)),
        "no such package": lambda: iotda.show_ota_package(v5.ShowOtaPackageRequest(package_id="999999999")),
        "no such module": lambda: iotda.show_ota_module(v5.ShowOtaModuleRequest(module_id="999999999")),
        "alias": lambda: iotda.update_ota_module(v5.UpdateOtaModuleRequest(module_id=module, body=update)),
        "alias taken": lambda: create_module(sdk, iotda, app, product, "ble", alias_name=f"{product}.mcu"),
        "long name": lambda: create_module(sdk, iotda, app, product, "m" * 60),
    }
    told = {name: refused(call) for name, call in calls.items()}
    assert {name: status for name, (status, _) in told.items() if not 400 <= status < 500} == {}
    assert all(code.startswith("IOTDA.") for _, code in told.values())
    assert [told[name][0] for name in ("taken", "no such package", "no such module")] == [409, 404, 404]
    assert len(versions(operator, product)) == 5


def test_a_package_of_an_object_storage_cannot_be_made_in_a_hawkbit_and_leaves_nothing(
    sdk: SimpleNamespace, iotda: Any, app: str, operator: Operator, product: str, refused: Any
) -> None:
    operator.type(f"{product}.mcu")
    place = {"region_name": "cn-north-4", "bucket_name": "abc", "object_key": "bbb/upgrade.bin"}
    lies = sdk.v5.ObsLocation(**place, sign_method="SHA256", sign="5" * 64)
    body = sdk.v5.CreateOtaPackage(
        app_id=app,
        package_type="modulePackage",
        product_id=product,
        module_name="mcu",
        version="V2.0",
        file_location=sdk.v5.FileLocation(obs_location=lies),
    )
    status, code = refused(lambda: iotda.create_ota_package(sdk.v5.CreateOtaPackageRequest(body=body)))
    assert (status, code[:6]) == (400, "IOTDA.")
    assert versions(operator, product) == set()


def test_a_package_made_through_huaweis_gateway_lies_in_the_hawkbit_with_its_file(
    huawei: Server, operator: Operator, product: str, firmware: Path
) -> None:
    operator.type(f"{product}.mcu")
    with connect(**huawei.settings("huawei")) as cloud:
        made = cloud.packages.publish(firmware, product=product, module="mcu", version="3.0", source_versions=["2.9"])
    assert versions(operator, product) == {(made.id, "3.0")}
    (file,) = operator.get(f"/softwaremodules/{made.id}/artifacts")
    assert file["hashes"]["sha256"] == hashlib.sha256(firmware.read_bytes()).hexdigest()


# --- Aliyun's SDK -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aliyun(hawkbit: Hawkbit) -> Iterator[Server]:
    with running("aliyun", on=behind(hawkbit)) as server:
        yield server


@pytest.fixture(params=[("acs3", "sync"), ("acs3", "async"), ("v2", "sync")], ids="-".join)
def ali(request: pytest.FixtureRequest, aliyun: Server) -> Sdk:
    return Sdk(aliyun, *request.param)


def test_aliyuns_sdk_creates_lists_changes_and_deletes_modules(ali: Sdk, operator: Operator, product: str) -> None:
    alias = f"{product}_Main"
    ali.do("CreateOTAModule", product_key=product, module_name="mcu", alias_name=alias, desc="é😀")
    ali.do("CreateOTAModule", product_key=product, module_name="ble")
    assert keys(operator) == {f"{product}.mcu": (alias, "é😀"), f"{product}.ble": (f"{product}.ble", None)}
    ali.do("UpdateOTAModule", product_key=product, module_name="mcu", desc="new")
    listed = ali.do("ListOTAModuleByProduct", product_key=product).data
    told = {row.module_name: (row.alias_name or None, row.desc or None) for row in listed}
    assert told == {"mcu": (alias, "new"), "ble": (None, None)}
    ali.do("DeleteOTAModule", product_key=product, module_name="mcu")
    assert list(keys(operator)) == [f"{product}.ble"]


def test_aliyuns_sdk_lists_shows_and_deletes_packages(
    ali: Sdk, operator: Operator, product: str, packages: list[str]
) -> None:
    seen: list[str] = []
    for number in (1, 2, 3):
        page = ali.do("ListOTAFirmware", product_key=product, current_page=number, page_size=2)
        assert (page.total, page.page_count) == (5, 3)
        seen += [row.firmware_id for row in page.firmware_info.simple_firmware_info]
    assert (len(seen), set(seen)) == (5, set(packages))
    shown = ali.do("QueryOTAFirmware", firmware_id=packages[0]).firmware_info
    assert (shown.dest_version, shown.module_name, shown.firmware_desc) == ("1.0", "mcu", "d")
    ali.do("DeleteOTAFirmware", firmware_id=packages[0])
    assert {found for found, _ in versions(operator, product)} == set(packages[1:])


def test_a_package_made_through_aliyuns_gateway_lies_in_the_hawkbit_with_its_file(
    aliyun: Server, operator: Operator, product: str, firmware: Path
) -> None:
    operator.type(f"{product}.mcu")
    with connect(**aliyun.settings("aliyun")) as cloud:
        made = cloud.packages.publish(firmware, product=product, module="mcu", version="3.0", name=f"{product}_n")
    ((row, version),) = versions(operator, product)
    assert (row, version) == (made.id, "3.0")
    (file,) = operator.get(f"/softwaremodules/{row}/artifacts")
    assert file["hashes"]["sha256"] == hashlib.sha256(firmware.read_bytes()).hexdigest()


def test_aliyuns_sdk_reads_the_versions_that_a_device_reported(
    ali: Sdk, operator: Operator, product: str, device_http: Any
) -> None:
    operator.type(f"{product}.mcu")
    operator.type(f"{product}.os")
    player = Player(device_http, operator.name("device"))
    player.poll()
    player.report({"mcu_version": "2.1", "os_version": "9.0"})
    page = ali.do(
        "ListOTAModuleVersionsByDevice",
        product_key=product,
        device_name=player.device,
        current_page=1,
        page_size=200,
    )
    rows = {row.module_name: row.module_version for row in page.data.simple_otamodule_info}
    assert rows == {"mcu": "2.1", "default": "9.0"}


def test_what_a_hawkbit_refuses_is_an_error_of_aliyun(
    ali: Sdk, operator: Operator, product: str, packages: list[str]
) -> None:
    named = {"product_key": product, "module_name": "mcu"}
    told = {
        "taken": ali.call("CreateOTAModule", **named),
        "in use": ali.call("DeleteOTAModule", **named),
        "no such module": ali.call("DeleteOTAModule", product_key=product, module_name="none"),
        "no such package": ali.call("QueryOTAFirmware", firmware_id="999999999"),
        "alias": ali.call("UpdateOTAModule", alias_name="other", **named),
        "alias taken": ali.call("CreateOTAModule", product_key=product, module_name="ble", alias_name=f"{product}.mcu"),
        "long name": ali.call("CreateOTAModule", product_key=product, module_name="m" * 60),
    }
    assert {name: answer.success for name, answer in told.items()} == dict.fromkeys(told, False)
    assert [name for name, answer in told.items() if not answer.code or not answer.error_message] == []
    assert told["taken"].code == "iot.ota.CreateOTAModuleNameExist"
    assert told["no such module"].code == "iot.ota.OTAModuleNotExist"
    assert [name for name, answer in told.items() if answer.code.startswith("iot.system")] == []
    assert (len(versions(operator, product)), list(keys(operator))) == (5, [f"{product}.mcu"])


# --- a hawkBit that is not well ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"endpoint": "http://127.0.0.1:{port}"}])
def test_a_hawkbit_that_lets_nobody_in_is_no_500_of_huawei(
    sdk: SimpleNamespace, hawkbit: Hawkbit, product: str, wrong: dict[str, str], refused: Any
) -> None:
    changes = {name: value.format(port=free_port()) for name, value in wrong.items()}
    with running("huawei", on=behind(hawkbit, **changes)) as server:
        app = server.hints["huawei"]["app_id"]
        status, code = refused(lambda: create_module(sdk, made(sdk, server), app, product, "mcu"))
    assert code
    assert status != 500


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"endpoint": "http://127.0.0.1:{port}"}])
def test_a_hawkbit_that_lets_nobody_in_is_no_500_of_aliyun(
    hawkbit: Hawkbit, product: str, wrong: dict[str, str]
) -> None:
    changes = {name: value.format(port=free_port()) for name, value in wrong.items()}
    with running("aliyun", on=behind(hawkbit, **changes)) as server, pytest.raises(Exception) as caught:  # noqa: PT011
        Sdk(server, "acs3", "sync").do("DeleteOTAModule", product_key=product, module_name="mcu")
    assert getattr(caught.value, "status_code", None) != 500


def test_a_gateway_may_stand_on_a_cloud_of_the_configuration(
    sdk: SimpleNamespace, hawkbit: Hawkbit, operator: Operator, product: str, tmp_path: Path
) -> None:
    config = tmp_path / "otabridge.toml"
    named = {"backend": "hawkbit", "endpoint": hawkbit.url, "username": hawkbit.username, "product_mode": "prefix"}
    config.write_text("[clouds.mine]\n" + "".join(f'{name} = "{value}"\n' for name, value in named.items()))
    operator.type(f"{product}.mcu")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTABRIDGE_MINE_PASSWORD", hawkbit.password)
        with running("huawei", on="mine", config=config) as server:
            app = server.hints["huawei"]["app_id"]
            request = sdk.v5.ListOtaModulesRequest(app_id=app, product_id=product)
            listed = made(sdk, server).list_ota_modules(request).modules
            assert hawkbit.password not in repr(server) + repr(server.cloud)
    assert [row.module_name for row in listed] == ["mcu"]
