"""The official SDK of Aliyun as a client of the facade: every action, both signatures, sync and async."""

from collections.abc import Callable, Iterator
from hashlib import md5
from typing import Any

import httpx
import pytest
from otabridge_action.facade_devices import iot_id

from otabridge.models import Artifact, Checksum, LocalLocation, ModuleVersion, UrlLocation
from otabridge.serve import Server, running
from tests.support.aliyun import SIGNATURES, Sdk


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("aliyun", on=f"local:{tmp_path_factory.mktemp('depot')}") as server:
        yield server


@pytest.fixture(params=[(signature, colour) for signature in SIGNATURES for colour in ("sync", "async")], ids="-".join)
def sdk(request: pytest.FixtureRequest, server: Server) -> Sdk:
    return Sdk(server, *request.param)


def report(sdk: Sdk, *devices: str, modules: tuple[str, ...] = ("@default",)) -> None:
    sdk.server.cloud.devices.report_versions(
        ModuleVersion(product=sdk.product, device=device, module=module, version="1.0")
        for device in devices
        for module in modules
    )


@pytest.mark.official_sdk("aliyun", "CreateOTAModule", "UpdateOTAModule", "ListOTAModuleByProduct", "DeleteOTAModule")
def test_modules_are_made_changed_listed_and_deleted(sdk: Sdk) -> None:
    sdk.do("CreateOTAModule", product_key=sdk.product, module_name="mcu", alias_name="主控", desc="a b+c*~/ é")
    sdk.do("UpdateOTAModule", product_key=sdk.product, module_name="mcu", alias_name="main")
    (row,) = sdk.do("ListOTAModuleByProduct", product_key=sdk.product).data
    stored = sdk.server.cloud.modules.get("mcu", product=sdk.product)
    assert (row.product_key, row.module_name, row.alias_name, row.desc) == (
        *(stored.product, stored.name, stored.alias, stored.description),
    )
    assert (stored.alias, stored.description) == ("main", "a b+c*~/ é")
    assert (row.gmt_create, row.gmt_modified) == (
        f"{stored.created_at:%Y-%m-%dT%H:%MZ}",
        f"{stored.updated_at:%Y-%m-%dT%H:%MZ}",
    )
    sdk.do("DeleteOTAModule", product_key=sdk.product, module_name="mcu")
    assert sdk.do("ListOTAModuleByProduct", product_key=sdk.product).data == []


def test_a_failure_is_told_by_its_code(sdk: Sdk) -> None:
    body = sdk.call("DeleteOTAModule", product_key=sdk.product, module_name="none")
    assert (body.success, body.code) == (False, "iot.ota.OTAModuleNotExist")
    assert body.error_message
    assert body.request_id


@pytest.mark.official_sdk(
    "aliyun", "CreateOTAFirmware", "ListOTAFirmware", "QueryOTAFirmware", "ModifyOTAFirmware", "DeleteOTAFirmware"
)
def test_packages_are_made_listed_shown_changed_and_deleted(sdk: Sdk) -> None:
    cloud, digest = sdk.server.cloud, md5(b"firmware").hexdigest()
    cloud.modules.create("fw", product=sdk.product)
    made = sdk.do(
        "CreateOTAFirmware",
        product_key=sdk.product,
        module_name="fw",
        firmware_name=f"f-{sdk.product}",
        dest_version="2.0",
        firmware_desc="text",
        firmware_url=sdk.uploaded(b"firmware"),
        firmware_sign=digest,
        sign_method="MD5",
        firmware_size=8,
        need_to_verify=False,
        type=0,
        udi="info",
    ).data
    stored = cloud.packages.get(made.firmware_id)
    assert isinstance(stored.artifacts[0].location, LocalLocation)
    listed = sdk.do("ListOTAFirmware", product_key=sdk.product, current_page=1, page_size=10)
    (row,) = listed.firmware_info.simple_firmware_info
    shown = sdk.do("QueryOTAFirmware", firmware_id=made.firmware_id).firmware_info
    for found in (row, shown):
        assert (found.firmware_id, found.product_key, found.module_name, found.dest_version) == (
            *(stored.id, stored.product, stored.module, stored.version),
        )
        assert (found.firmware_name, found.firmware_desc, found.status, found.type) == (
            *(stored.name, stored.description, -1, 0),
        )
        assert (found.firmware_sign, found.sign_method, found.firmware_size) == (digest, "MD5", 8)
        assert (found.src_version, found.product_name) == ("", sdk.product)
        assert found.utc_create == found.utc_modified == made.utc_create
    assert (shown.udi, httpx.get(shown.firmware_url).content, shown.verify_progress) == ("info", b"firmware", 0)
    assert (listed.current_page, listed.page_size, listed.page_count, listed.total) == (1, 10, 1, 1)
    sdk.do("ModifyOTAFirmware", firmware_id=made.firmware_id, product_key=sdk.product, firmware_udi="other")
    assert cloud.packages.get(made.firmware_id).custom_info == "other"
    sdk.do("DeleteOTAFirmware", firmware_id=made.firmware_id)
    assert list(cloud.packages.list(product=sdk.product)) == []


def test_packages_of_several_files_are_made_and_shown(sdk: Sdk) -> None:
    sdk.server.cloud.modules.create("many", product=sdk.product)
    files = [
        sdk.model(
            "CreateOTAFirmwareRequestMultiFiles",
            name=name,
            url=sdk.uploaded(name.encode()),
            size=1,
            sign_value=md5(name.encode()).hexdigest(),
            file_md_5=md5(name.encode()).hexdigest(),
        )
        for name in ("a", "b")
    ]
    made = sdk.do(
        "CreateOTAFirmware",
        product_key=sdk.product,
        module_name="many",
        firmware_name=f"m-{sdk.product}",
        dest_version="1",
        multi_files=files,
    ).data
    shown = sdk.do("QueryOTAFirmware", firmware_id=made.firmware_id).firmware_info
    for file, asked in zip(shown.multi_files, files, strict=True):
        assert httpx.get(file.url).text == file.name
        assert {**file.to_map(), "Url": asked.url} == asked.to_map()
    assert [file.name for file in sdk.server.cloud.packages.get(made.firmware_id).artifacts] == ["a", "b"]
    sdk.do("DeleteOTAFirmware", firmware_id=made.firmware_id)


def test_packages_can_be_walked(sdk: Sdk) -> None:
    file = Artifact(
        name="a.bin", size=1, checksum=Checksum(algorithm="md5", hex="ab" * 16), location=UrlLocation(url="https://x/a")
    )
    for number in range(7):
        sdk.server.cloud.packages.create(
            version=str(number), product=sdk.product, module="@default", artifacts=[file], name=f"n{number}"
        )
    found, page, pages = [], 0, 1
    while page < pages:
        page += 1
        body = sdk.do("ListOTAFirmware", product_key=sdk.product, current_page=page, page_size=3)
        found += [(row.dest_version, row.module_name) for row in body.firmware_info.simple_firmware_info]
        pages = body.page_count
        assert (body.total, body.current_page) == (7, page)
    assert found == [(str(number), "default") for number in range(6, -1, -1)]
    for package in list(sdk.server.cloud.packages.list(product=sdk.product)):
        sdk.server.cloud.packages.delete(package.id)


@pytest.mark.official_sdk("aliyun", "GenerateOTAUploadURL")
def test_an_upload_is_granted(sdk: Sdk) -> None:
    data = sdk.do("GenerateOTAUploadURL", file_suffix="zip").data
    assert data.firmware_url == f"{data.host}/{data.key}"
    assert data.host == sdk.server.urls["aliyun"]
    assert data.ossaccess_key_id == sdk.server.access_key
    assert all((data.policy, data.signature, data.utc_create, data.object_storage == "OSS"))


def test_what_is_uploaded_comes_back_from_the_url_of_its_package(sdk: Sdk) -> None:
    cloud, data = sdk.server.cloud, f"firmware of {sdk.product}".encode() * 1000
    cloud.modules.create("up", product=sdk.product)
    url = sdk.uploaded(data)
    made = sdk.do(
        "CreateOTAFirmware",
        product_key=sdk.product,
        module_name="up",
        firmware_name=f"u-{sdk.product}",
        dest_version="1",
        firmware_url=url,
    ).data
    info = sdk.do("QueryOTAFirmware", firmware_id=made.firmware_id).firmware_info
    assert (info.firmware_size, info.firmware_sign) == (len(data), md5(data).hexdigest())
    assert httpx.get(info.firmware_url).content == data
    assert isinstance(cloud.packages.get(made.firmware_id).artifacts[0].location, LocalLocation)
    sdk.do("DeleteOTAFirmware", firmware_id=made.firmware_id)


@pytest.mark.official_sdk("aliyun", "QueryProductList")
def test_products_are_listed_and_shown(sdk: Sdk) -> None:
    report(sdk, "d1", "d2")
    rows, page, pages = [], 0, 1
    while page < pages:
        page += 1
        data = sdk.do("QueryProductList", current_page=page, page_size=1).data
        rows += data.list.product_info
        pages = data.page_count
    assert {row.product_key for row in rows} == {product.id for product in sdk.server.cloud.products.list()}
    (row,) = [row for row in rows if row.product_key == sdk.product]
    shown = sdk.do("QueryProduct", product_key=sdk.product).data
    stored = len(list(sdk.server.cloud.devices.list(product=sdk.product)))
    for found in (row, shown):
        assert (found.product_key, found.product_name, found.device_count) == (sdk.product, sdk.product, stored)


@pytest.mark.official_sdk("aliyun", "ListOTAModuleVersionsByDevice")
def test_versions_can_be_walked(sdk: Sdk) -> None:
    modules = tuple(f"m{number:02}" for number in range(25))
    report(sdk, "many", modules=("@default", *modules))
    found, page, pages = [], 0, 1
    while page < pages:
        page += 1
        body = sdk.do(
            "ListOTAModuleVersionsByDevice",
            product_key=sdk.product,
            device_name="many",
            current_page=page,
            page_size=10,
        )
        found += body.data.simple_otamodule_info
        pages = body.page_count
        assert (body.total, body.page_size, body.page_count) == (26, 10, 3)
    stored = list(sdk.server.cloud.devices.versions("many", product=sdk.product))
    assert [(row.product_key, row.device_name, row.module_name, row.module_version) for row in found] == [
        (row.product, row.device, row.module.removeprefix("@"), row.version) for row in stored
    ]
    assert {row.iot_id for row in found} == {iot_id(sdk.product, "many")}
    by_id = sdk.do("ListOTAModuleVersionsByDevice", iot_id=found[0].iot_id, current_page=1, page_size=200)
    assert len(by_id.data.simple_otamodule_info) == 26


@pytest.mark.official_sdk("aliyun", "QueryDevice")
def test_devices_are_listed_and_shown(sdk: Sdk) -> None:
    report(sdk, *(f"w{number}" for number in range(12)))
    stored = [device.name for device in sdk.server.cloud.devices.list(product=sdk.product)]
    walks: list[Callable[[int], Any]] = [
        lambda page: sdk.do("QueryDevice", product_key=sdk.product, current_page=page, page_size=5),
        lambda page: sdk.do("QueryDeviceByStatus", product_key=sdk.product, status=3, current_page=page, page_size=5),
    ]
    for walk, rows in zip(walks, ("device_info", "simple_device_info"), strict=True):
        found, page, pages = [], 0, 1
        while page < pages:
            page += 1
            body = walk(page)
            found += [row.device_name for row in getattr(body.data, rows)]
            pages = body.page_count
            assert (body.page, body.total) == (page, len(stored))
        assert found == stored


@pytest.mark.official_sdk("aliyun", "QueryDeviceDetail")
def test_one_device_and_several_are_told(sdk: Sdk) -> None:
    report(sdk, "one", "two", modules=("@default", "mcu"))
    known = {"product_key": sdk.product, "device_name": "one"}
    data = sdk.do("QueryDeviceDetail", **known).data
    assert (data.product_key, data.device_name, data.iot_id) == (sdk.product, "one", iot_id(sdk.product, "one"))
    assert (data.firmware_version, data.status, data.device_secret) == ("1.0", "OFFLINE", None)
    several = {"product_key": sdk.product, "device_name": ["two", "one", "none"]}
    rows = sdk.do("BatchQueryDeviceDetail", **several).data.data
    assert [(row.device_name, row.firmware_version) for row in rows] == [("two", "1.0"), ("one", "1.0")]
    states = sdk.do("BatchGetDeviceState", **several).device_status_list.device_status
    assert [(row.device_name, row.status) for row in states] == [("two", "OFFLINE"), ("one", "OFFLINE")]
    assert states[0].last_online_time
    status = sdk.do("GetDeviceStatus", **known).data
    assert (status.status, isinstance(status.timestamp, int)) == ("OFFLINE", True)
    count = len(list(sdk.server.cloud.devices.list(product=sdk.product)))
    counts = sdk.do("QueryDeviceStatistics", product_key=sdk.product).data
    assert (counts.device_count, counts.active_count, counts.online_count) == (count, count, 0)


@pytest.mark.official_sdk("aliyun", "QueryDeviceBySQL")
def test_devices_are_searched(sdk: Sdk) -> None:
    report(sdk, "s1", "s2", modules=("@default", "mcu"))
    where = f'WHERE product_key = "{sdk.product}" AND name = "s2"'
    known = {"iot_instance_id": "iot-any"}
    (row,) = sdk.do("QueryDeviceBySQL", sql=f"SELECT * FROM device {where} LIMIT 0,5", **known).data
    assert (row.product_key, row.device_name, row.iot_id) == (sdk.product, "s2", iot_id(sdk.product, "s2"))
    assert {(module.module_name, module.firmware_version) for module in row.otamodules} == {
        ("default", "1.0"),
        ("mcu", "1.0"),
    }
    assert sdk.do("QueryDeviceBySQL", sql=f"SELECT count(*) FROM device {where}", **known).total_count == 1
