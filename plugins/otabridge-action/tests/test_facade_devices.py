"""The facade's actions on devices and their versions: pages, tokens, ids and statuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from otabridge_action.facade_codes import Refusal
from otabridge_action.facade_devices import device_of, iot_id

from otabridge.models import Device, ModuleVersion, Page

SEEN = datetime(2026, 3, 1, 22, 30, 15, 250_000, tzinfo=UTC)


def version(
    device: str, module: str = "@default", number: str = "1.0", product: str = "p1", **more: Any
) -> ModuleVersion:
    return ModuleVersion(product=product, device=device, module=module, version=number, reported_at=SEEN, **more)


@pytest.fixture
def fleet(mirror: Any) -> Any:
    """A facade over a store with 23 devices of a product, and another product's."""
    mirror.report(version("foreign", product="p2"), *(version(f"d{number:02}") for number in range(23)))
    return mirror


# --- ids --------------------------------------------------------------------------------------------------------------


@given(st.text(min_size=1).filter(lambda text: "\0" not in text), st.text(min_size=1))
def test_an_id_holds_product_and_name_in_letters_and_digits(product: str, device: str) -> None:
    try:
        made = iot_id(product, device)
    except UnicodeEncodeError:
        return  # no store holds half a character
    assert made.isascii()
    assert made.isalnum()
    assert device_of(made) == (product, device)


@pytest.mark.parametrize("text", ["", "A", "aaaa", "MFRGG", "MFRGGZDF=", "中", "0189", "AAAA", "A" * 3000])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        device_of(text)
    assert caught.value.code == "iot.device.InvalidIoTId"


def test_an_id_is_the_same_everywhere_and_always(make_mirror: Any) -> None:
    ids = set()
    for name in ("tuya", "aliyun", "tuya"):
        mirror = make_mirror(name)
        mirror.report(version("d"))
        ids.add(mirror.ask("QueryDeviceDetail", ProductKey="p1", DeviceName="d")["Data"]["IotId"])
    assert len(ids) == 1


def test_an_id_comes_before_a_name(fleet: Any) -> None:
    named = {"IotId": iot_id("p2", "foreign"), "ProductKey": "p1", "DeviceName": "d01"}
    assert fleet.ask("QueryDeviceDetail", **named)["Data"]["DeviceName"] == "foreign"


# --- one device -------------------------------------------------------------------------------------------------------


def test_a_device_is_told_with_its_times_and_its_default_version(mirror: Any) -> None:
    mirror.report(version("d", "mcu", "9"), version("d", "@default", "1.2"))
    data = mirror.ask("QueryDeviceDetail", ProductKey="p1", DeviceName="d")["Data"]
    assert {name: data[name] for name in ("ProductKey", "ProductName", "DeviceName", "FirmwareVersion", "Owner")} == {
        "ProductKey": "p1",
        "ProductName": "p1",
        "DeviceName": "d",
        "FirmwareVersion": "1.2",
        "Owner": True,
    }
    assert data["IotId"] == iot_id("p1", "d")
    # What calls itself GMT is eight hours ahead.
    assert (data["UtcOnline"], data["GmtOnline"]) == ("2026-03-01T22:30:15.250Z", "2026-03-02 06:30:15")
    assert (data["UtcCreate"], data["GmtCreate"]) == ("2020-01-01T00:00:00.000Z", "2020-01-01 08:00:00")
    assert "DeviceSecret" not in data


def test_the_firmware_of_another_cloud_is_the_default_module(mirror: Any) -> None:
    mirror.report(version("d", "@firmware", "1.2"), version("d", "@software", "7"))
    assert mirror.ask("QueryDeviceDetail", ProductKey="p1", DeviceName="d")["Data"]["FirmwareVersion"] == "1.2"
    answer = mirror.ask("ListOTAModuleVersionsByDevice", ProductKey="p1", DeviceName="d", CurrentPage=1, PageSize=9)
    rows = answer["Data"]["SimpleOTAModuleInfo"]
    assert sorted((row["ModuleName"], row["ModuleVersion"]) for row in rows) == [("@software", "7"), ("default", "1.2")]


@pytest.mark.parametrize("action", ["QueryDeviceDetail", "ListOTAModuleVersionsByDevice", "GetDeviceStatus"])
@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"ProductKey": "p1", "DeviceName": "none"}, "iot.device.NotExistedDevice"),
        ({"IotId": iot_id("p1", "none")}, "iot.device.NotExistedDevice"),
        ({"IotId": "none"}, "iot.device.InvalidIoTId"),
        ({}, "iot.device.InvalidIoTId"),
        ({"ProductKey": "p1"}, "iot.device.NullDeviceName"),
        ({"DeviceName": "d"}, "iot.prod.NullProductKey"),
        ({"ProductKey": "p1", "DeviceName": "a\x01"}, "iot.device.InvalidFormattedDeviceName"),
    ],
)
def test_a_device_that_is_not_there_is_refused(make_mirror: Any, action: str, named: dict[str, str], code: str) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(version("d"))
    assert mirror.refused(action, CurrentPage=1, PageSize=10, **named) == code


def test_several_devices_are_told_without_those_that_are_not_there(fleet: Any) -> None:
    named = {f"DeviceName.{number}": name for number, name in enumerate(("d07", "none", "d03", "d07"), 1)}
    rows = fleet.ask("BatchQueryDeviceDetail", ProductKey="p1", **named)["Data"]["Data"]
    assert [(row["DeviceName"], row["FirmwareVersion"]) for row in rows] == [("d07", "1.0"), ("d03", "1.0")]
    assert all("GmtOnline" not in row for row in rows)


def test_names_are_read_by_their_number(fleet: Any) -> None:
    named = {f"DeviceName.{number}": f"d{number:02}" for number in range(12, 0, -1)}
    rows = fleet.ask("BatchQueryDeviceDetail", ProductKey="p1", **named)["Data"]["Data"]
    assert [row["DeviceName"] for row in rows] == [f"d{number:02}" for number in range(1, 13)]


@pytest.mark.parametrize(
    ("count", "code"), [(0, "iot.device.NoneDeviceNameElement"), (101, "iot.check.ParameterIsNotLessThanMax")]
)
def test_no_device_and_too_many_are_refused(mirror: Any, count: int, code: str) -> None:
    named = {f"DeviceName.{number}": f"d{number}" for number in range(1, count + 1)}
    assert mirror.refused("BatchQueryDeviceDetail", ProductKey="p1", **named) == code


@pytest.mark.parametrize("by", ["name", "id"])
def test_the_states_of_several_devices_are_told(make_mirror: Any, by: str) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(version("d1"), version("d2"))
    named = {"name": {"ProductKey": "p1", "DeviceName.1": "d2"}, "id": {"IotId.1": iot_id("p1", "d2")}}[by]
    (state,) = mirror.ask("BatchGetDeviceState", **named)["DeviceStatusList"]["DeviceStatus"]
    assert state == {
        "IotId": iot_id("p1", "d2"),
        "DeviceName": "d2",
        "Status": "OFFLINE",
        "LastOnlineTime": "2026-03-01T22:30:15.250Z",
    }


def test_the_status_of_a_device_is_told_with_its_time(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(version("d"))
    data = mirror.ask("GetDeviceStatus", ProductKey="p1", DeviceName="d")["Data"]
    assert data == {"Status": "OFFLINE", "Timestamp": int(SEEN.timestamp() * 1000)}


# --- versions ---------------------------------------------------------------------------------------------------------


def test_versions_are_paged_as_they_are_stored(mirror: Any) -> None:
    mirror.report(*(version("d", f"m{number}", f"1.{number}") for number in range(5)), version("d", "@default", "9"))
    asked = {"IotId": iot_id("p1", "d"), "PageSize": 4}
    pages = [mirror.ask("ListOTAModuleVersionsByDevice", CurrentPage=page, **asked) for page in (1, 2, 3)]
    assert [[page[name] for name in ("CurrentPage", "PageSize", "PageCount", "Total")] for page in pages] == [
        [1, 4, 2, 6],
        [2, 4, 2, 6],
        [3, 4, 2, 6],
    ]
    rows = [row for page in pages for row in page["Data"]["SimpleOTAModuleInfo"]]
    stored = [
        {
            "ProductKey": "p1",
            "DeviceName": "d",
            "IotId": iot_id("p1", "d"),
            "ModuleName": row.module.removeprefix("@"),
            "ModuleVersion": row.version,
        }
        for row in mirror.cloud.devices.versions("d", product="p1")
    ]
    assert rows == stored


@pytest.mark.parametrize(("given", "code"), [({}, "MissingCurrentPage"), ({"CurrentPage": 1}, "MissingPageSize")])
def test_versions_need_their_page_named(fleet: Any, given: dict[str, int], code: str) -> None:
    assert fleet.refused("ListOTAModuleVersionsByDevice", ProductKey="p1", DeviceName="d01", **given) == code


def test_a_page_of_versions_has_200_rows_at_the_most(fleet: Any) -> None:
    asked = {"ProductKey": "p1", "DeviceName": "d01", "CurrentPage": 1}
    assert fleet.ask("ListOTAModuleVersionsByDevice", PageSize=200, **asked)["Success"] is True
    assert fleet.refused("ListOTAModuleVersionsByDevice", PageSize=201, **asked) == "iot.common.InvalidPageParams"


# --- lists ------------------------------------------------------------------------------------------------------------


def test_devices_are_listed_newest_first_ten_on_a_page(fleet: Any) -> None:
    pages = [
        fleet.ask("QueryDevice", ProductKey="p1", **({"CurrentPage": page} if page > 1 else {})) for page in (1, 2, 3)
    ]
    names = [row["DeviceName"] for page in pages for row in page["Data"]["DeviceInfo"]]
    assert names == [f"d{number:02}" for number in range(22, -1, -1)]
    assert [[page[name] for name in ("Page", "PageSize", "PageCount", "Total")] for page in pages] == [
        [1, 10, 3, 23],
        [2, 10, 3, 23],
        [3, 10, 3, 23],
    ]
    row = pages[0]["Data"]["DeviceInfo"][0]
    assert (row["ProductKey"], row["IotId"], row["DeviceStatus"]) == ("p1", iot_id("p1", "d22"), "OFFLINE")
    assert (row["GmtCreate"], row["UtcCreate"]) == ("Wed, 01-Jan-2020 00:00:00 GMT", "2020-01-01T00:00:00.000Z")


def test_a_token_goes_on_behind_its_page(fleet: Any) -> None:
    names, token, page = [], None, 1
    while token or page == 1:
        more = {"NextToken": token} if token else {}
        answer = fleet.ask("QueryDevice", ProductKey="p1", PageSize=7, CurrentPage=page, **more)
        names += [row["DeviceName"] for row in answer["Data"]["DeviceInfo"]]
        assert (answer["Page"], answer["Total"]) == (page, 23)
        token, page = answer.get("NextToken"), page + 1
    assert names == [f"d{number:02}" for number in range(22, -1, -1)]


def test_a_page_beyond_ten_thousand_rows_needs_a_token(fleet: Any) -> None:
    answer = fleet.ask("QueryDevice", ProductKey="p1", PageSize=50, CurrentPage=201)
    assert (answer["Data"]["DeviceInfo"], answer["Total"]) == ([], 23)
    token = fleet.ask("QueryDevice", ProductKey="p1", PageSize=20)["NextToken"]
    answer = fleet.ask("QueryDevice", ProductKey="p1", PageSize=50, CurrentPage=201, NextToken=token)
    assert [row["DeviceName"] for row in answer["Data"]["DeviceInfo"]] == ["d02", "d01", "d00"]


@pytest.mark.parametrize("token", ["x", "中", "KzUgeA", "K3ggeA", "MQ", "WzFd", "bm9uZQ", "KzEgKzEg"])
def test_a_token_that_is_none_is_no_failure(fleet: Any, token: str) -> None:
    answer = fleet.ask("QueryDevice", ProductKey="p1", NextToken=token)
    assert answer["Success"] or answer["Code"] == "iot.common.InvalidPageParams"


def test_devices_without_a_product_are_missing_it(fleet: Any) -> None:
    assert fleet.refused("QueryDevice") == "MissingProductKey"


def with_statuses(mirror: Any, monkeypatch: Any) -> None:
    """Give the store devices of every status."""
    statuses = ("online", "offline", "inactive", "disabled", "abnormal", "unknown")
    rows = tuple(Device(product="p1", name=status, status=status) for status in statuses)
    listing = Page(rows, None, len(rows))

    def list_devices(**_: object) -> Any:
        yield from ()
        return listing

    monkeypatch.setattr(mirror.facade.store, "list_devices", list_devices)


@pytest.mark.parametrize(
    ("number", "word", "names"),
    [
        (0, "UNACTIVE", ["inactive"]),
        (1, "ONLINE", ["online"]),
        (3, "OFFLINE", ["offline", "abnormal", "unknown"]),
        (8, "DISABLE", ["disabled"]),
    ],
)
def test_devices_are_found_by_status(mirror: Any, monkeypatch: Any, number: int, word: str, names: list[str]) -> None:
    with_statuses(mirror, monkeypatch)
    answer = mirror.ask("QueryDeviceByStatus", ProductKey="p1", Status=number)
    rows = answer["Data"]["SimpleDeviceInfo"]
    assert [(row["DeviceName"], row["Status"]) for row in rows] == [(name, word) for name in names]
    assert (answer["Total"], answer["Page"], answer["PageSize"]) == (len(names), 1, 10)
    assert rows[0]["GmtCreate"] == "2020-01-01 08:00:00"


def test_a_status_that_is_none_is_refused(mirror: Any) -> None:
    assert mirror.refused("QueryDeviceByStatus", Status="2") == "iot.common.InvalidFormattedParameter"
    assert mirror.refused("QueryDeviceByStatus") == "MissingStatus"


def test_devices_are_counted(make_mirror: Any, monkeypatch: Any) -> None:
    mirror = make_mirror("aliyun")
    with_statuses(mirror, monkeypatch)
    counts = mirror.ask("QueryDeviceStatistics", ProductKey="p1")["Data"]
    assert counts == {"DeviceCount": 6, "ActiveCount": 5, "OnlineCount": 1}
    assert mirror.refused("QueryDeviceStatistics", GroupId="g") == "iot.group.NotExistedGroup"


def test_counts_have_small_letters_first_on_aliyun_too(make_mirror: Any) -> None:
    answer = make_mirror("aliyun").send("QueryDeviceStatistics", ())
    assert b'"Data":{"deviceCount":0,"activeCount":0,"onlineCount":0}' in answer.body


def test_only_a_strict_host_looks_at_the_instance(make_mirror: Any) -> None:
    asked = {"CurrentPage": 1, "PageSize": 1}
    for strict, code in ((False, None), (True, "iot.system.InstanceNotFound")):
        mirror = make_mirror("aliyun", strict=strict)
        assert mirror.ask("QueryProductList", IotInstanceId="iot-elsewhere", **asked).get("Code") == code
        for instance in (mirror.facade.hints()["iot_instance_id"], None):
            named = {"IotInstanceId": instance} if instance else {}
            assert mirror.ask("QueryProductList", **named, **asked)["Success"] is True


def test_a_list_that_was_remembered_ends_with_a_write(fleet: Any) -> None:
    asked = {"ProductKey": "p1", "PageSize": 10}
    fleet.ask("QueryDevice", **asked)
    fleet.report(version("new"))
    fleet.ask("CreateOTAModule", ProductKey="p1", ModuleName="m")
    answer = fleet.ask("QueryDevice", CurrentPage=3, **asked)
    assert (answer["Total"], len(answer["Data"]["DeviceInfo"])) == (24, 4)


def test_a_device_that_was_seen_since_is_told_so(mirror: Any) -> None:
    mirror.report(version("d"))
    later = SEEN + timedelta(days=1)
    mirror.cloud.devices.report("d", product="p1", module="mcu", version="3", reported_at=later)
    data = mirror.ask("QueryDeviceDetail", ProductKey="p1", DeviceName="d")["Data"]
    assert data["UtcOnline"] == "2026-03-02T22:30:15.250Z"
