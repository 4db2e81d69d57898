"""The versions of a fleet: by search where the instance has it, else a call for each device, and never a prefix."""

from typing import Any

import pytest

from otabridge.errors import ForbiddenError, PagingError, ServerError
from otabridge.models import ModuleVersion
from otabridge.paging import IDENTITIES, Walk
from otabridge.wire import Request

VERSION = {"ProductKey": "p", "DeviceName": "d", "IotId": "i", "ModuleName": "m0", "ModuleVersion": "1"}


def device(number: int) -> dict[str, Any]:
    return {"ProductKey": "p", "DeviceName": f"d{number}", "IotId": f"i{number}", "DeviceStatus": "ONLINE"}


INSTANCE = {"iot_instance_id": "iot-1"}


class Fleet:
    """A product of devices with two modules each, answering the search, the list and the call for each device."""

    def __init__(self, count: int, *, refusal: dict[str, Any] | None = None) -> None:
        self.count = count
        self.refusal = refusal

    def __call__(self, request: Request) -> Any:
        asked = dict(request.query)
        if request.operation == "QueryDeviceBySQL":
            return self._search(asked["SQL"])
        if request.operation == "QueryDevice":
            listed = {"DeviceInfo": [device(at) for at in range(min(50, self.count))]}
            return {"Data": listed, "PageCount": -(-self.count // 50), "Total": self.count}
        return {"Data": {"SimpleOTAModuleInfo": [VERSION]}, "PageCount": 1, "Total": 1}

    def _search(self, statement: str) -> Any:
        if self.refusal:
            return 200, {"Success": False} | self.refusal
        head, _, limit = statement.partition(" LIMIT ")
        if "count(*)" in head:
            return {"Data": [], "TotalCount": self.count}
        offset, size = map(int, limit.split(","))
        assert offset + size <= 10_000
        assert size <= 50
        modules = [{"ModuleName": name, "FirmwareVersion": "1"} for name in ("default", "m")]
        return {"Data": [device(at) | {"OTAModules": modules} for at in range(offset, min(offset + size, self.count))]}


def fleet_of(cloud: Any, limit: int | None = None) -> Any:
    walk: Walk[ModuleVersion] = Walk(IDENTITIES[ModuleVersion])
    return cloud.walked(lambda at: cloud.backend.list_fleet_versions(product="p", cursor=at, limit=limit), walk)


def operations(cloud: Any) -> set[str]:
    return {operation for operation, _ in cloud.sent}


@pytest.mark.parametrize("count", [0, 1, 50, 51, 120])
def test_an_instance_with_search_gives_fifty_devices_a_call(make_cloud: Any, count: int) -> None:
    cloud = make_cloud("aliyun", server=Fleet(count), **INSTANCE)
    found = fleet_of(cloud)
    expected = [(f"d{number}", name) for number in range(count) for name in ("@default", "m")]
    assert [(row.device, row.module) for row in found] == expected
    assert operations(cloud) == {"QueryDeviceBySQL"}
    assert len(cloud.requests) == 1 + max(1, -(-count // 50))
    assert cloud.sent[0][1]["IotInstanceId"] == "iot-1"


def test_a_search_of_the_largest_product_stays_within_its_window(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", server=Fleet(10_000), **INSTANCE)
    assert len(fleet_of(cloud, 99)) == 20_000


@pytest.mark.parametrize(
    ("cloud", "settings", "fleet"),
    [
        ("tuya", {}, Fleet(3)),
        ("tuya", INSTANCE, Fleet(3)),
        ("aliyun", {}, Fleet(3)),
        ("aliyun", INSTANCE, Fleet(10_001)),
        ("aliyun", INSTANCE, Fleet(3, refusal={"Code": "iot.common.APINotSupportedInInstance"})),
        ("aliyun", INSTANCE, Fleet(3, refusal={"Code": "iot.devicesearch.InvalidSQLParamError"})),
    ],
)
def test_elsewhere_each_device_is_asked_and_the_cursor_says_so(
    make_cloud: Any, cloud: str, settings: dict[str, Any], fleet: Fleet
) -> None:
    made = make_cloud(cloud, server=fleet, **settings)
    first = made.run(made.backend.list_fleet_versions(product="p"))
    assert [row.device for row in first.items] == ["d"]
    made.requests.clear()
    made.run(made.backend.list_fleet_versions(product="p", cursor=first.cursor))
    assert operations(made) == {"ListOTAModuleVersionsByDevice"}


@pytest.mark.parametrize("product", ['p" OR 1', "p\\"])
def test_a_product_that_would_change_the_statement_is_not_searched(make_cloud: Any, product: str) -> None:
    cloud = make_cloud("aliyun", server=Fleet(0), **INSTANCE)
    assert cloud.run(cloud.backend.list_fleet_versions(product=product)).items == ()
    assert operations(cloud) == {"QueryDevice"}


def test_a_search_that_ends_before_its_count_is_an_error_and_no_prefix(make_cloud: Any) -> None:
    fleet = Fleet(120)
    cloud = make_cloud("aliyun", server=fleet, **INSTANCE)
    cursor = cloud.run(cloud.backend.list_fleet_versions(product="p")).cursor
    fleet.count = 80
    cursor = cloud.run(cloud.backend.list_fleet_versions(product="p", cursor=cursor)).cursor
    with pytest.raises(PagingError, match="80 devices where it had counted 120"):
        cloud.run(cloud.backend.list_fleet_versions(product="p", cursor=cursor))


@pytest.mark.parametrize(
    ("code", "kind"), [("iot.system.SystemException", ServerError), ("Forbidden.RAM", ForbiddenError)]
)
def test_a_search_that_breaks_off_is_an_error_and_no_second_beginning(make_cloud: Any, code: str, kind: Any) -> None:
    fleet = Fleet(120)
    cloud = make_cloud("aliyun", server=fleet, **INSTANCE)
    cursor = cloud.run(cloud.backend.list_fleet_versions(product="p")).cursor
    fleet.refusal = {"Code": code}
    with pytest.raises(kind):
        cloud.run(cloud.backend.list_fleet_versions(product="p", cursor=cursor))


def test_versions_of_a_fleet_are_counted_row_by_row(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", server=Fleet(70), **INSTANCE)
    assert cloud.run(cloud.backend.count_fleet_versions(product="p", module="@default", version="1")) == 70
    assert cloud.run(cloud.backend.count_fleet_versions(product="p", version="2")) == 0


def test_a_device_that_is_deleted_while_the_fleet_is_read_is_left_out(make_cloud: Any) -> None:
    fleet = Fleet(3)

    def server(request: Request) -> Any:
        gone = ("DeviceName", "d1") in request.query or ("IotId", "i1") in request.query
        if request.operation == "ListOTAModuleVersionsByDevice" and gone:
            return 200, {"Success": False, "Code": "iot.device.NotExistedDevice", "ErrorMessage": "gone"}
        return fleet(request)

    cloud = make_cloud("tuya", server=server)
    assert len(fleet_of(cloud)) == 1
    asked = [pairs.get("IotId") for operation, pairs in cloud.sent if operation == "ListOTAModuleVersionsByDevice"]
    assert asked == ["i0", "i1", "i2"]
