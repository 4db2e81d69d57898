"""Answers as the vendors may write them: casings, spellings, wrappers, numbers for text, times, device secrets."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from otabridge_action.reading import moment

from otabridge.errors import NotFoundError, ProtocolError
from otabridge.models import Artifact, Checksum, ModuleVersion, UrlLocation

ROW = {"ProductKey": "p", "DeviceName": "d", "IotId": "i", "ModuleName": "ble", "ModuleVersion": "1.0"}
READ = ModuleVersion(product="p", device="d", device_id="i", module="ble", version="1.0")
MODULE = {"ProductKey": "p", "ModuleName": "ble", "AliasName": "", "Desc": ""}


def camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: camel(inner) for name, inner in value.items()}
    return [camel(inner) for inner in value] if isinstance(value, list) else value


def upper(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.upper(): upper(inner) for name, inner in value.items()}
    return [upper(inner) for inner in value] if isinstance(value, list) else value


def versions(cloud: Any) -> Any:
    return cloud.run(cloud.backend.list_module_versions(product="p", device="d")).items


@pytest.mark.parametrize("casing", [lambda value: value, camel, upper], ids=["Pascal", "camel", "UPPER"])
@pytest.mark.parametrize("counts", [{"PageCount": 1, "Total": 1}, {}], ids=["counted", "uncounted"])
def test_every_casing_is_read(make_cloud: Any, casing: Any, counts: dict[str, Any]) -> None:
    body = casing({"Success": True, "Data": {"SimpleOTAModuleInfo": [ROW]}} | counts)
    assert versions(make_cloud("tuya", (200, body))) == (READ,)


@pytest.mark.parametrize("spelling", ["IotId", "iotId", "IotID", "IoTId", "IoTID", "ioTID", "iotid", "IOTID"])
def test_every_spelling_of_a_devices_id_is_read(make_cloud: Any, spelling: str) -> None:
    row = {name: value for name, value in ROW.items() if name != "IotId"} | {spelling: "i"}
    reply = {"Data": {"SimpleOTAModuleInfo": [row]}, "PageCount": 1, "Total": 1}
    assert versions(make_cloud("tuya", reply)) == (READ,)


@pytest.mark.parametrize(
    "data",
    [{"SimpleOTAModuleInfo": [ROW]}, {"SimpleOTAModuleInfo": ROW}, [ROW], ROW, {"Data": {"Other": [ROW]}}, [None, ROW]],
)
def test_wrapped_bare_and_single_rows_are_read(make_cloud: Any, data: Any) -> None:
    assert versions(make_cloud("aliyun", {"Data": data})) == (READ,)


@pytest.mark.parametrize("data", [{}, [], None, {"SimpleOTAModuleInfo": []}, {"SimpleOTAModuleInfo": None}, ""])
def test_an_empty_list_may_be_written_in_any_way(make_cloud: Any, data: Any) -> None:
    assert versions(make_cloud("aliyun", {"Data": data})) == ()


def test_an_absent_list_is_empty(make_cloud: Any, cloud_name: str) -> None:
    assert versions(make_cloud(cloud_name, {})) == ()
    cloud = make_cloud(cloud_name, {})
    assert cloud.run(cloud.backend.list_modules(product="p")).items == ()


@pytest.mark.parametrize("field", ["ProductKey", "DeviceName", "ModuleName"])
def test_a_row_that_lacks_what_names_it_is_not_understood(make_cloud: Any, field: str) -> None:
    row = {name: value for name, value in ROW.items() if name != field}
    with pytest.raises(ProtocolError, match=field):
        versions(make_cloud("aliyun", {"Data": {"SimpleOTAModuleInfo": [row]}}))


@pytest.mark.parametrize("rows", [["text"], [1], [[]], [{"ModuleName": {}}]])
def test_rows_that_are_none_are_not_understood(make_cloud: Any, rows: Any) -> None:
    with pytest.raises(ProtocolError):
        versions(make_cloud("aliyun", {"Data": {"SimpleOTAModuleInfo": rows}}))


@pytest.mark.parametrize("field", ["FirmwareUrl", "FirmwareSize", "FirmwareSign", "SrcVersion", "UtcCreate", "Udi"])
def test_members_of_an_unexpected_type_are_not_understood(make_cloud: Any, field: str) -> None:
    cloud = make_cloud("aliyun", {"FirmwareInfo": {"FirmwareId": "1", "DestVersion": "1", field: {"odd": [1]}}})
    with pytest.raises(ProtocolError):
        cloud.run(cloud.backend.get_package(package_id="1"))


@pytest.mark.parametrize("cut", [20, 60, 100])
def test_a_truncated_page_is_not_understood(make_cloud: Any, cut: int) -> None:
    body = json.dumps({"Success": True, "Data": {"SimpleOTAModuleInfo": [ROW]}})[:-cut]
    with pytest.raises(ProtocolError):
        versions(make_cloud("aliyun", (200, body)))


def test_ids_and_versions_written_as_numbers_stay_their_digits(make_cloud: Any) -> None:
    body = (
        '{"success":true,"data":{"simpleOTAModuleInfo":[{"productKey":"p","deviceName":"d",'
        '"iotId":1836340779212660001,"moduleName":"ble","moduleVersion":1.10}]}}'
    )
    (row,) = versions(make_cloud("tuya", (200, body)))
    assert (row.device_id, row.version) == ("1836340779212660001", "1.10")


def test_the_default_module_is_the_built_in_one_both_ways(make_cloud: Any, cloud_name: str) -> None:
    counted = {"PageCount": 1, "Total": 1}
    rows = versions(
        make_cloud(cloud_name, {"Data": {"SimpleOTAModuleInfo": [ROW | {"ModuleName": "default"}]}} | counted)
    )
    assert rows[0].module == "@default"
    cloud = make_cloud(cloud_name, server=lambda request: {"Data": [MODULE | {"ModuleName": "default"}]})
    for name in ("default", "@default"):
        found = cloud.run(cloud.backend.get_module(product="p", name=name))
        assert (found.name, found.builtin) == ("@default", True)
    assert len(cloud.run(cloud.backend.list_modules(product="p")).items) == 1


def test_empty_texts_are_none(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", {"Data": [MODULE]})
    found = cloud.run(cloud.backend.get_module(product="p", name="ble"))
    assert (found.alias, found.description) == (None, None)
    row = ROW | {"IotId": ""}
    assert versions(make_cloud("aliyun", {"Data": {"SimpleOTAModuleInfo": [row]}, "PageCount": 1, "Total": 1})) == (
        ModuleVersion(product="p", device="d", module="ble", version="1.0"),
    )


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        *(("ONLINE", "online"), ("OFFLINE", "offline"), ("UNACTIVE", "inactive"), ("DISABLE", "disabled")),
        *((0, "inactive"), (1, "online"), (3, "offline"), (8, "disabled"), ("8", "disabled")),
        *(("online", "online"), ("NEW", "unknown"), (None, "unknown"), ("", "unknown")),
    ],
)
@pytest.mark.parametrize("field", ["DeviceStatus", "Status"])
def test_the_states_of_a_device(make_cloud: Any, field: str, status: Any, meant: str) -> None:
    row = {"ProductKey": "p", "DeviceName": "d", field: status}
    listing = make_cloud("tuya", {"Data": {"DeviceInfo": [row]}, "PageCount": 1, "Total": 1})
    single = make_cloud("aliyun", {"Data": row})
    assert listing.run(listing.backend.list_devices(product="p")).items[0].status == meant
    assert single.run(single.backend.get_device(product="p", device="d")).status == meant


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        (-1, "ready"),
        (0, "unverified"),
        (1, "verified"),
        (2, "verifying"),
        (3, "rejected"),
        ("3", "rejected"),
        (9, "unknown"),
    ],
)
def test_the_states_of_a_package(make_cloud: Any, status: Any, meant: str) -> None:
    cloud = make_cloud("aliyun", {"FirmwareInfo": {"FirmwareId": 178, "DestVersion": "1", "Status": status}})
    found = cloud.run(cloud.backend.get_package(package_id="178"))
    assert (found.status, found.id, found.module, found.product) == (meant, "178", "@default", "")


def test_a_delta_of_several_files_is_read_with_its_files(make_cloud: Any) -> None:
    package = {
        "FirmwareId": "f",
        "ProductKey": "p",
        "ModuleName": "mcu",
        "DestVersion": "2",
        "SrcVersion": "1",
        "Type": 1,
        "Udi": "note",
        "SignMethod": "MD5",
        "MultiFiles": [
            {"Name": "a", "Url": "https://h/x?Expires=1", "Size": 3, "SignValue": "AB", "FileMd5": "ab"},
            {"Name": "b", "Url": "https://h/y", "Size": 4, "FileMd5": "cd"},
        ],
    }
    cloud = make_cloud("aliyun", {"FirmwareInfo": package})
    found = cloud.run(cloud.backend.get_package(package_id="f"))
    assert (found.kind, found.source_versions, found.custom_info) == ("delta", ("1",), "note")
    assert found.artifacts == (
        Artifact(
            name="a",
            size=3,
            checksum=Checksum(algorithm="md5", hex="ab"),
            location=UrlLocation(url="https://h/x?Expires=1"),
        ),
        Artifact(
            name="b", size=4, checksum=Checksum(algorithm="md5", hex="cd"), location=UrlLocation(url="https://h/y")
        ),
    )
    assert found.raw == package


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2018-08-06T02:47:50.000Z", datetime(2018, 8, 6, 2, 47, 50, tzinfo=UTC)),
        ("2018-08-06 10:47:50", datetime(2018, 8, 6, 2, 47, 50, tzinfo=UTC)),
        ("Wed, 20-Feb-2019 02:16:09 GMT", datetime(2019, 2, 20, 2, 16, 9, tzinfo=UTC)),
        ("2020-10-13T09:46Z", datetime(2020, 10, 13, 9, 46, tzinfo=UTC)),
        ("2024-11-11T07:36Z", datetime(2024, 11, 11, 7, 36, tzinfo=UTC)),
        ("1550628969000", datetime(2019, 2, 20, 2, 16, 9, tzinfo=UTC)),
        ("2019-11-04T06:21:54.607Z", datetime(2019, 11, 4, 6, 21, 54, 607000, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("9" * 30, None),
        ("0001-01-01 00:00:00", None),
    ],
)
def test_every_format_of_a_time(text: str | None, meant: datetime | None) -> None:
    assert moment(text) == meant


def test_utc_is_preferred_to_what_calls_itself_gmt(make_cloud: Any) -> None:
    row = MODULE | {"GmtCreate": "2018-08-06 10:47:51", "UtcCreate": "2018-08-06T02:47:50.000Z", "UtcModified": ""}
    cloud = make_cloud("aliyun", {"Data": [row | {"GmtModified": "2018-08-06 10:47:51"}]})
    found = cloud.run(cloud.backend.get_module(product="p", name="ble"))
    assert (found.created_at.second, found.updated_at.second) == (50, 51)


CANARY = "device-secret-canary-0001"


@pytest.mark.parametrize("spelling", ["DeviceSecret", "deviceSecret", "devicesecret"])
def test_a_devices_secret_is_in_no_row_no_raw_and_no_error(make_cloud: Any, spelling: str) -> None:
    row = {"ProductKey": "p", "DeviceName": "d", "IpAddress": "10.0.0.1", spelling: CANARY, "Deep": {spelling: CANARY}}
    cloud = make_cloud(
        "aliyun", {"Data": {"DeviceInfo": [row]}}, {"Data": row}, {"Data": {"DeviceInfo": [{spelling: CANARY}]}}
    )
    page = cloud.run(cloud.backend.list_devices(product="p"))
    found = cloud.run(cloud.backend.get_device(product="p", device="d"))
    assert found.raw["IpAddress"] == "10.0.0.1"
    with pytest.raises(ProtocolError) as caught:
        cloud.run(cloud.backend.list_devices(product="p"))
    told = (page, found, found.raw, caught.value, caught.value.excerpt, caught.value.__context__)
    assert CANARY not in repr(told) + str(caught.value)


@pytest.mark.parametrize("call", ["get_package", "get_device", "get_module"])
def test_an_answer_without_the_object_is_not_found(make_cloud: Any, cloud_name: str, call: str) -> None:
    cloud = make_cloud(cloud_name, {"Data": None, "FirmwareInfo": None})
    key = (
        {"package_id": "f"}
        if call == "get_package"
        else {"product": "p", call.removeprefix("get_").replace("module", "name"): "x"}
    )
    with pytest.raises(NotFoundError):
        cloud.run(getattr(cloud.backend, call)(**key))
