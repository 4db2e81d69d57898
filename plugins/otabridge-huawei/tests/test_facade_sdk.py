"""The vendor's own SDK is content: each operation over HTTP in each way to sign, with every field compared."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from otabridge import Artifact, Checksum, ModuleVersion, ObjectLocation
from otabridge.serve import Server
from tests.support.huawei import SHA, create_module, made


def told(answer: Any) -> dict[str, Any]:
    """The fields that an SDK's object has."""
    values: dict[str, Any] = answer.to_json_object() if hasattr(answer, "to_json_object") else answer.to_dict()
    return {name: value for name, value in values.items() if value is not None}


def compact(at: Any) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


# --- modules ----------------------------------------------------------------------------------------------------------


@pytest.mark.official_sdk("huawei", "CreateOtaModule", "ShowOtaModule", "ListOtaModules")
def test_a_module_is_told_as_it_is_stored(
    sdk: SimpleNamespace, iotda: Any, server: Server, app: str, product: str
) -> None:
    answer = create_module(sdk, iotda, app, product, "MCU", alias_name="主控_1", description="50% ~'+é😀")
    kept = server.cloud.modules.get("MCU", product=product)
    fields = {
        "module_id": answer.module_id,
        "app_id": app,
        "product_id": product,
        "product_name": product,
        "module_name": "MCU",
        "alias_name": "主控_1",
        "description": "50% ~'+é😀",
        "create_time": compact(kept.created_at),
    }
    assert answer.status_code == 201
    assert (kept.alias, kept.description) == ("主控_1", "50% ~'+é😀")
    shown = iotda.show_ota_module(sdk.v5.ShowOtaModuleRequest(module_id=answer.module_id))
    (listed,) = iotda.list_ota_modules(sdk.v5.ListOtaModulesRequest(app_id=app, product_id=product)).modules
    assert told(answer) == told(shown) == told(listed) == fields


@pytest.mark.official_sdk("huawei", "UpdateOtaModule")
def test_a_module_is_changed_in_part_and_cleared(
    sdk: SimpleNamespace, iotda: Any, server: Server, app: str, product: str
) -> None:
    found = create_module(sdk, iotda, app, product, "MCU", alias_name="A", description="one").module_id

    def update(**fields: str) -> Any:
        body = sdk.v5.UpdateOtaModule(**fields)
        answer = iotda.update_ota_module(sdk.v5.UpdateOtaModuleRequest(module_id=found, body=body))
        assert answer.status_code == 200
        return answer.alias_name, answer.description

    assert update(description="two") == ("A", "two")
    assert update(alias_name="") == (None, "two")
    kept = server.cloud.modules.get("MCU", product=product)
    assert (kept.alias, kept.description) == (None, "two")


@pytest.mark.official_sdk("huawei", "DeleteOtaModule")
def test_a_deleted_module_is_gone(
    sdk: SimpleNamespace, iotda: Any, server: Server, app: str, product: str, refused: Any
) -> None:
    found = create_module(sdk, iotda, app, product, "MCU").module_id
    assert iotda.delete_ota_module(sdk.v5.DeleteOtaModuleRequest(module_id=found)).status_code == 204
    assert list(server.cloud.modules.list(product=product)) == []
    for call in (
        lambda: iotda.delete_ota_module(sdk.v5.DeleteOtaModuleRequest(module_id=found)),
        lambda: iotda.show_ota_module(sdk.v5.ShowOtaModuleRequest(module_id=found)),
        lambda: iotda.update_ota_module(
            sdk.v5.UpdateOtaModuleRequest(module_id=found, body=sdk.v5.UpdateOtaModule(alias_name="A"))
        ),
    ):
        assert refused(call)[0] == 404


def test_a_taken_name_and_an_eleventh_module_are_refused(
    sdk: SimpleNamespace, server: Server, app: str, product: str, refused: Any
) -> None:
    iotda = made(sdk, server)
    for number in range(10):
        create_module(sdk, iotda, app, product, f"m{number}")
    taken = refused(lambda: create_module(sdk, iotda, app, product, "m1", alias_name="other"))
    too_many = refused(lambda: create_module(sdk, iotda, app, product, "m10"))
    assert (taken[0], too_many[0]) == (409, 409)
    assert taken[1] != too_many[1]
    assert len(list(server.cloud.modules.list(product=product))) == 10


# --- packages ---------------------------------------------------------------------------------------------------------


def package_body(sdk: SimpleNamespace, app: str, product: str, kind: str, module: str | None, **more: Any) -> Any:
    place = {"region_name": "cn-north-4", "bucket_name": "abc", "object_key": "bbb/upgrade.bin"}
    lies = sdk.v5.ObsLocation(**place, sign_method="SHA256", sign=SHA)
    body = sdk.v5.CreateOtaPackage(
        app_id=app,
        package_type=kind,
        product_id=product,
        module_name=module,
        version="V2.0",
        support_source_versions=["V1.0", "V1.1"],
        description="delta from 1.x",
        custom_info='{"mends": "传感器"}',
        file_location=sdk.v5.FileLocation(obs_location=lies),
        **more,
    )
    return sdk.v5.CreateOtaPackageRequest(body=body)


@pytest.mark.official_sdk("huawei", "CreateOtaPackage", "ShowOtaPackage", "ListOtaPackageInfo")
@pytest.mark.parametrize(
    ("kind", "module", "stored"),
    [
        ("modulePackage", "MCU", "MCU"),
        ("firmwarePackage", None, "@default"),
        ("softwarePackage", None, "@software"),
    ],
)
def test_a_package_is_told_as_it_is_stored(
    sdk: SimpleNamespace, iotda: Any, server: Server, app: str, product: str, kind: str, module: str, stored: str
) -> None:
    create_module(sdk, iotda, app, product, "MCU")
    answer = iotda.create_ota_package(package_body(sdk, app, product, kind, module))
    kept = server.cloud.packages.get(answer.package_id)
    fields = {
        "package_id": kept.id,
        "app_id": app,
        "package_type": kind,
        "product_id": product,
        "product_name": product,
        "module_name": module,
        "version": "V2.0",
        "support_source_versions": ["V1.0", "V1.1"],
        "description": "delta from 1.x",
        "custom_info": '{"mends": "传感器"}',
        "create_time": compact(kept.created_at),
    }
    place = {"region_name": "cn-north-4", "bucket_name": "abc", "object_key": "bbb/upgrade.bin"}
    location = {"obs_location": place | {"sign_method": "SHA256", "sign": SHA}}
    shown = iotda.show_ota_package(sdk.v5.ShowOtaPackageRequest(package_id=kept.id))
    assert answer.status_code == 201
    fields = {name: value for name, value in fields.items() if value}
    assert told(answer) == told(shown) == fields | {"file_location": location}
    request = sdk.v5.ListOtaPackageInfoRequest(package_type=kind, app_id=app, product_id=product, version="V2.0")
    page = iotda.list_ota_package_info(request)
    assert [told(row) for row in page.packages] == [fields]
    assert page.page.count == 1
    assert (kept.module, kept.source_versions) == (stored, ("V1.0", "V1.1"))
    assert kept.artifacts[0].location == ObjectLocation(region="cn-north-4", bucket="abc", key="bbb/upgrade.bin")


@pytest.mark.official_sdk("huawei", "DeleteOtaPackage")
def test_a_package_keeps_its_module_until_it_is_deleted(
    sdk: SimpleNamespace, iotda: Any, server: Server, app: str, product: str, refused: Any
) -> None:
    module = create_module(sdk, iotda, app, product, "MCU").module_id
    package = iotda.create_ota_package(package_body(sdk, app, product, "modulePackage", "MCU")).package_id
    delete = sdk.v5.DeleteOtaModuleRequest(module_id=module)
    assert refused(lambda: iotda.create_ota_package(package_body(sdk, app, product, "modulePackage", "MCU")))[0] == 409
    assert refused(lambda: iotda.delete_ota_module(delete))[0] == 409
    assert iotda.delete_ota_package(sdk.v5.DeleteOtaPackageRequest(package_id=package)).status_code == 204
    assert refused(lambda: iotda.show_ota_package(sdk.v5.ShowOtaPackageRequest(package_id=package)))[0] == 404
    assert iotda.delete_ota_module(delete).status_code == 204


def test_bytes_in_the_store_are_told_as_an_object_of_the_host(
    sdk: SimpleNamespace, server: Server, product: str, tmp_path: Any
) -> None:
    file = tmp_path / "app v1.bin"
    file.write_bytes(b"bytes")
    server.cloud.modules.create("MCU", product=product)
    kept = server.cloud.packages.publish(str(file), product=product, module="MCU", version="1")
    shown = made(sdk, server).show_ota_package(sdk.v5.ShowOtaPackageRequest(package_id=kept.id))
    lies = shown.file_location.obs_location
    assert (lies.bucket_name, lies.object_key) == ("otabridge-packages", f"{kept.id}/0/app v1.bin")
    assert lies.sign == kept.artifacts[0].checksum.hex


# --- lists ------------------------------------------------------------------------------------------------------------


def walk(call: Callable[..., Any], rows: str, **parameters: Any) -> list[Any]:
    """All rows of a list, page by page as the vendor says."""
    found: list[Any] = []
    marker, markers = None, []
    while True:
        page = call(**parameters, marker=marker)
        part = getattr(page, rows)
        found += part
        if not part:
            assert markers == sorted(markers, reverse=True)
            assert len({*markers}) == len(markers)
            return found
        marker = page.page.marker
        assert len(marker) == 24
        markers.append(marker)


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_a_list_is_walked_by_marker_newest_first(
    sdk: SimpleNamespace, server: Server, product: str, limit: int
) -> None:
    server.cloud.modules.create("MCU", product=product)
    lies = ObjectLocation(region="r", bucket="abc", key="a.bin")
    artifact = Artifact(name="a.bin", checksum=Checksum(algorithm="sha256", hex=SHA), location=lies)
    versions = [str(number) for number in range(16)]
    for version in versions:
        server.cloud.packages.create(product=product, module="MCU", version=version, artifacts=[artifact])
        server.cloud.packages.create(product=product, module="@default", version=version, artifacts=[artifact])
        server.cloud.packages.create(product=product, module="@firmware", version=f"f{version}", artifacts=[artifact])
    iotda = made(sdk, server)

    def page(**parameters: Any) -> Any:
        request = sdk.v5.ListOtaPackageInfoRequest(product_id=product, limit=limit, **parameters)
        return iotda.list_ota_package_info(request)

    assert page(package_type="modulePackage").page.count == 16
    modules = walk(page, "packages", package_type="modulePackage")
    assert [row.version for row in modules] == versions[::-1]
    firmware = walk(page, "packages", package_type="firmwarePackage")
    assert sorted(row.version for row in firmware) == sorted([*versions, *(f"f{version}" for version in versions)])
    assert page(package_type="firmwarePackage").page.count == 32
    offsets = [page(package_type="modulePackage", offset=offset) for offset in range(0, 16, limit)]
    assert [row.version for part in offsets for row in part.packages] == versions[::-1]


@pytest.mark.official_sdk("huawei", "ListDevices", "ShowDevice", "ListProducts")
def test_devices_products_and_spaces_are_listed(
    sdk: SimpleNamespace, iotda: Any, server: Server, app: str, product: str
) -> None:
    reports = {"MCU": "V1.1", "BLE": "3.0.2", "@default": "V1.0", "@software": "S1"}
    server.cloud.devices.report_versions(
        ModuleVersion(product=product, device=f"node_{number}", module=module, version=version)
        for number in range(12)
        for module, version in reports.items()
    )
    rows = walk(lambda **more: iotda.list_devices(sdk.v5.ListDevicesRequest(product_id=product, **more)), "devices")
    assert [row.node_id for row in rows] == [f"node_{number}" for number in reversed(range(12))]
    fields = {
        "app_id": app,
        "app_name": "default",
        "device_id": f"{product}_node_11",
        "node_id": "node_11",
        "gateway_id": f"{product}_node_11",
        "device_name": "node_11",
        "node_type": "GATEWAY",
        "description": "",
        "fw_version": "V1.0",
        "sw_version": "S1",
        "device_sdk_version": "",
        "product_id": product,
        "product_name": product,
        "status": "OFFLINE",
        "tags": [],
    }
    assert told(rows[0]) == fields
    shown = iotda.show_device(sdk.v5.ShowDeviceRequest(device_id=fields["device_id"]))
    assert {name: value for name, value in told(shown).items() if name in fields} == fields
    assert {row.module_name: row.module_version for row in shown.modules} == {"MCU": "V1.1", "BLE": "3.0.2"}
    products = walk(lambda **more: iotda.list_products(sdk.v5.ListProductsRequest(limit=2, **more)), "products")
    assert product in [row.product_id for row in products]
    shown = iotda.show_product(sdk.v5.ShowProductRequest(product_id=product))
    assert (shown.product_id, shown.name, shown.app_id, shown.protocol_type) == (product, product, app, "MQTT")
    (default,) = iotda.show_applications(sdk.v5.ShowApplicationsRequest(default_app=True)).applications
    assert (default.app_id, default.app_name, default.default_app) == (app, "default", True)


@pytest.mark.official_sdk("huawei", "SearchDevices")
def test_devices_are_searched_for_page_by_page(sdk: SimpleNamespace, iotda: Any, server: Server, product: str) -> None:
    server.cloud.devices.report_versions(
        ModuleVersion(product=product, device=f"node_{number:02}", module=module, version=str(number % 3))
        for number in range(30)
        for module in ("MCU", "@default")
    )

    def search(sql: str) -> Any:
        return iotda.search_devices(sdk.v5.SearchDevicesRequest(body=sdk.v5.SearchSql(sql=sql)))

    seen: list[str] = []
    below = "f" * 24
    while rows := search(
        f"select * from device where product_id = '{product}' and marker < '{below}' order by marker desc limit 7"
    ).devices:
        seen += [row.node_id for row in rows]
        below = rows[-1].marker
    assert seen == [f"node_{number:02}" for number in reversed(range(30))]
    (row,) = search(f"select * from device where product_id = '{product}' and node_id = 'node_04'").devices
    assert (row.device_id, row.fw_version, row.groups) == (f"{product}_node_04", "1", None)
    assert [(module.module_name, module.module_version) for module in row.modules] == [("MCU", "1")]
    assert search(f"select count(*) from device where product_id = '{product}' and fw_version = '2'").count == 10
