"""Devices, the versions on one of them, and on all of them with the search or without."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from otabridge_huawei import schema

from otabridge import errors as err
from otabridge.models import Device, ModuleVersion

ROW = {
    "product_id": "p",
    "node_id": "n1",
    "device_id": "p_n1",
    "status": "ONLINE",
    "fw_version": "F1",
    "sw_version": "",
}
WHOLE = ROW | {
    "auth_info": {
        "auth_type": "SECRET",
        "secret": "CANARY-1",
        "secondary_secret": "CANARY-2",
        "fingerprint": "CANARY-3",
    },
    "modules": [
        {"module_name": "mcu", "module_version": "M1"},
        {"module_name": "ble", "module_version": ""},
        {"module_name": None, "module_version": "1"},
        {"module_name": "wifi"},
    ],
    "extension_info": None,
}
MISSING = (404, {"error_code": "IOTDA.014000", "error_msg": "no device"})
FORBIDDEN = (403, {"error_code": "IOTDA.000021", "error_msg": "not subscribed"})


def version(module: str, number: str, node: str = "n1") -> ModuleVersion:
    return ModuleVersion(product="p", device=node, device_id=f"p_{node}", module=module, version=number)


VERSIONS = (version("@firmware", "F1"), version("mcu", "M1"))


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"devices": list(rows), "page": {"count": len(rows), "marker": "a1"}}


@pytest.mark.parametrize(
    ("vendor", "status"),
    [
        ("ONLINE", "online"),
        ("OFFLINE", "offline"),
        ("ABNORMAL", "abnormal"),
        ("INACTIVE", "inactive"),
        ("FROZEN", "disabled"),
        ("ELSE", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_status_is_read(make_cloud: Any, vendor: str | None, status: str) -> None:
    cloud = make_cloud(listed(ROW | {"status": vendor}))
    assert cloud.run(cloud.backend.list_devices(product="p")).items[0].status == status


def test_a_device_is_found_by_name_and_shown_by_id(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW | {"node_id": "n10"}, ROW), WHOLE)
    device = cloud.run(cloud.backend.get_device(product="p", device="n1"))
    assert device == Device(product="p", name="n1", id="p_n1", status="online")
    assert cloud.requests[0].query == (("product_id", "p"), ("node_id", "n1"), ("limit", "50"))
    assert cloud.sent()[1] == ("GET", "devices/p_n1")


def test_a_device_is_shown_by_id_at_once(make_cloud: Any) -> None:
    cloud = make_cloud(WHOLE)
    assert cloud.run(cloud.backend.get_device(device_id="p_n1")).name == "n1"
    assert cloud.sent() == [("GET", "devices/p_n1")]


@pytest.mark.parametrize(("shown", "hint"), [(WHOLE, "give it as id="), (MISSING, ""), (FORBIDDEN, "")])
def test_a_name_that_is_an_id_is_told_so(make_cloud: Any, shown: Any, hint: str) -> None:
    cloud = make_cloud(listed(), shown)
    with pytest.raises(err.NotFoundError, match="no device named 'p_n1'") as caught:
        cloud.run(cloud.backend.get_device(product="p", device="p_n1"))
    assert hint in caught.value.message
    assert ("id=" in caught.value.message) == bool(hint)


def test_a_name_that_two_products_have_wants_the_product(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW, ROW | {"product_id": "q", "device_id": "q_n1"}))
    with pytest.raises(err.ValidationError, match="give the product"):
        cloud.run(cloud.backend.get_device(device="n1"))


def test_the_versions_of_a_device_leave_out_what_is_empty(make_cloud: Any) -> None:
    cloud = make_cloud(WHOLE)
    page = cloud.run(cloud.backend.list_module_versions(device_id="p_n1"))
    assert (page.items, page.cursor, page.total) == (VERSIONS, None, 2)


def test_the_versions_of_a_device_can_be_read_in_pages(make_cloud: Any) -> None:
    cloud = make_cloud(WHOLE, WHOLE)
    first = cloud.run(cloud.backend.list_module_versions(device_id="p_n1", limit=1))
    second = cloud.run(cloud.backend.list_module_versions(device_id="p_n1", limit=1, cursor=first.cursor))
    assert (first.items, second.items, second.cursor) == (VERSIONS[:1], VERSIONS[1:], None)


def test_a_device_without_any_version_has_an_empty_page(make_cloud: Any) -> None:
    cloud = make_cloud({"product_id": "p", "node_id": "n", "device_id": "d", "modules": None})
    assert cloud.run(cloud.backend.list_module_versions(device_id="d")).items == ()


@pytest.mark.parametrize("call", ["get_device", "list_module_versions"])
@pytest.mark.parametrize("body", [WHOLE, WHOLE | {"product_id": 5}, json.dumps(WHOLE)[:-40]])
def test_device_secrets_never_leave_the_schema(make_cloud: Any, call: str, body: Any) -> None:
    cloud = make_cloud((200, body))
    try:
        result = cloud.run(getattr(cloud.backend, call)(device_id="p_n1"))
        told = repr(result) + repr(getattr(result, "raw", None))
    except err.ProtocolError as error:
        told = f"{error!r} {error} {error.excerpt} {error.__dict__} {error.__context__!r}"
    assert "CANARY" not in told


def test_a_device_keeps_what_the_vendor_said_but_its_secrets(make_cloud: Any) -> None:
    cloud = make_cloud(WHOLE)
    raw = cloud.run(cloud.backend.get_device(device_id="p_n1")).raw
    assert raw == {name: value for name, value in WHOLE.items() if name != "auth_info"}


# --- fleets ---------------------------------------------------------------------------------------------------------


def found(*nodes: str) -> dict[str, Any]:
    return {
        "devices": [
            {"product_id": "p", "node_id": node, "device_id": f"p_{node}", "fw_version": "F", "marker": f"m{node}"}
            for node in nodes
        ]
    }


def sql(request: Any) -> str:
    return str(json.loads(request.body)["sql"])


def fleet(cloud: Any, **key: Any) -> list[str]:
    rows, cursor = [], None
    while True:
        page = cloud.run(cloud.backend.list_fleet_versions(product="p", cursor=cursor, **key))
        rows += [row.device for row in page.items]
        cursor = page.cursor
        if cursor is None:
            return rows


def test_a_fleet_is_searched_newest_first_until_a_page_is_empty(make_cloud: Any) -> None:
    cloud = make_cloud(found("9", "8"), found("7"), found())
    assert fleet(cloud, limit=2) == ["9", "8", "7"]
    assert [sql(request) for request in cloud.requests] == [
        "select * from device where product_id = 'p' order by marker desc limit 2",
        "select * from device where product_id = 'p' and marker < 'm8' order by marker desc limit 2",
        "select * from device where product_id = 'p' and marker < 'm7' order by marker desc limit 2",
    ]
    assert all(request.read and request.operation == "SearchDevices" for request in cloud.requests)


def test_a_search_of_every_product_names_the_resource_space(make_cloud: Any) -> None:
    cloud = make_cloud(found())
    cloud.run(cloud.backend.list_fleet_versions())
    expected = "select * from device where app_id = '61f7e74d036aca5be29e1ed4' order by marker desc limit 50"
    assert sql(cloud.requests[0]) == expected


def test_a_search_of_everything_has_no_condition(make_cloud: Any) -> None:
    cloud = make_cloud(found(), app_id=None)
    cloud.run(cloud.backend.list_fleet_versions())
    assert sql(cloud.requests[0]) == "select * from device order by marker desc limit 50"


@pytest.mark.parametrize("refusal", [MISSING, FORBIDDEN, (404, {"error_code": "APIGW.0101", "error_msg": "no API"})])
def test_without_the_search_each_device_is_asked(make_cloud: Any, refusal: Any) -> None:
    second = WHOLE | {"node_id": "n2", "device_id": "p_n2", "modules": []}
    devices = listed(ROW, ROW | {"node_id": "n2", "device_id": "p_n2"})
    cloud = make_cloud(refusal, devices, WHOLE, second)
    assert fleet(cloud) == ["n1", "n1", "n2"]
    assert cloud.sent()[1:] == [("GET", "devices"), ("GET", "devices/p_n1"), ("GET", "devices/p_n2")]


def test_a_search_refused_in_the_middle_is_an_error(make_cloud: Any) -> None:
    cloud = make_cloud(found("9"), FORBIDDEN)
    with pytest.raises(err.ForbiddenError):
        fleet(cloud, limit=1)


def test_a_throttled_search_does_not_fall_back(make_cloud: Any) -> None:
    cloud = make_cloud((403, {"error_code": "IOTDA.021102", "error_msg": "slow down"}))
    with pytest.raises(err.RateLimitError):
        fleet(cloud)


def test_a_full_page_without_a_marker_is_an_error(make_cloud: Any) -> None:
    page = found("9")
    page["devices"][0]["marker"] = None
    with pytest.raises(err.PagingError, match="without markers"):
        fleet(make_cloud(page), limit=1)


def test_a_search_that_runs_in_a_circle_is_an_error(make_cloud: Any) -> None:
    cloud = make_cloud(server=lambda _: found("9"))
    with pytest.raises(err.PagingError, match="repeated a marker"):
        fleet(cloud, limit=1)
    assert len(cloud.requests) == 2


@pytest.mark.parametrize("cursor", ["x", "search [1]", "each x", 'search ["\' or 1=1",1,null,null]'])
def test_a_cursor_of_another_list_is_refused(make_cloud: Any, cursor: str) -> None:
    cloud = make_cloud()
    with pytest.raises((err.PagingError, err.ValidationError)):
        cloud.run(cloud.backend.list_fleet_versions(product="p", cursor=cursor))
    assert cloud.requests == []


@pytest.mark.parametrize("product", ["p' or '1'='1", "p" * 400])
def test_a_search_holds_no_quote_and_at_most_400_characters(make_cloud: Any, product: str) -> None:
    cloud = make_cloud(validate="off")
    with pytest.raises(err.ValidationError):
        cloud.run(cloud.backend.list_fleet_versions(product=product))
    assert cloud.requests == []


@pytest.mark.parametrize(("module", "column"), [("@firmware", "fw_version"), ("@software", "sw_version")])
def test_the_cloud_counts_a_version_of_a_built_in_module(make_cloud: Any, module: str, column: str) -> None:
    cloud = make_cloud({"count": 7})
    assert cloud.run(cloud.backend.count_fleet_versions(product="p", module=module, version="V1.0")) == 7
    assert sql(cloud.requests[0]) == f"select count(*) from device where product_id = 'p' and {column} = 'V1.0'"


@pytest.mark.parametrize(
    ("key", "count"),
    [({"module": "mcu", "version": "M1"}, 1), ({"module": "@firmware"}, 2), ({}, 3), ({"version": "F1"}, 2)],
)
def test_what_the_cloud_cannot_count_is_counted_row_by_row(make_cloud: Any, key: dict[str, str], count: int) -> None:
    devices = [WHOLE | {"marker": "m2"}, ROW | {"node_id": "n2", "device_id": "p_n2", "marker": "m1"}]
    cloud = make_cloud({"devices": devices}, found())
    assert cloud.run(cloud.backend.count_fleet_versions(product="p", **key)) == count


def test_a_version_that_no_search_can_hold_is_counted_row_by_row(make_cloud: Any) -> None:
    cloud = make_cloud({"devices": [WHOLE | {"fw_version": "it's", "marker": "m"}]}, found(), validate="off")
    assert cloud.run(cloud.backend.count_fleet_versions(product="p", module="@firmware", version="it's")) == 1


def test_a_count_without_the_search_is_made_row_by_row(make_cloud: Any) -> None:
    cloud = make_cloud(FORBIDDEN, FORBIDDEN, listed(ROW), WHOLE)
    assert cloud.run(cloud.backend.count_fleet_versions(product="p", module="@firmware", version="F1")) == 1


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20230211T121212Z", datetime(2023, 2, 11, 12, 12, 12, tzinfo=UTC)),
        ("20190303T081011Z", datetime(2019, 3, 3, 8, 10, 11, tzinfo=UTC)),
        ("20151212T121212Z", datetime(2015, 12, 12, 12, 12, 12, tzinfo=UTC)),
        ("2023-02-11T12:12:12.122Z", datetime(2023, 2, 11, 12, 12, 12, 122000, tzinfo=UTC)),
        ("2015-12-12T12:12:12.000Z", datetime(2015, 12, 12, 12, 12, 12, tzinfo=UTC)),
        ("2026-01-03T03:04:05.000000Z", datetime(2026, 1, 3, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-03T05:04:05+02:00", datetime(2026, 1, 3, 3, 4, 5, tzinfo=UTC)),
        ("20230211T121212", datetime(2023, 2, 11, 12, 12, 12, tzinfo=UTC)),
        ("2015-12-12T12:12:122Z", datetime(2015, 12, 12, 12, 12, 12, tzinfo=UTC)),
        ("2015-13-12T12:12:12Z", None),
        ("20230211", None),
        ("２０230211T121212Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_a_time_is_read_in_either_format_or_not_at_all(text: object, expected: datetime | None) -> None:
    assert schema.moment(text) == expected


def test_a_module_that_goes_while_its_device_is_read_in_pages_takes_no_other_with_it(make_cloud: Any) -> None:
    def device(*names: str) -> dict[str, Any]:
        return ROW | {"modules": [{"module_name": name, "module_version": "1"} for name in names]}

    bare = {"fw_version": None, "sw_version": None}
    cloud = make_cloud(device("a", "b", "c", "d") | bare, device("b", "c", "d") | bare)
    first = cloud.run(cloud.backend.list_module_versions(device_id="x", limit=2))
    second = cloud.run(cloud.backend.list_module_versions(device_id="x", limit=2, cursor=first.cursor))
    assert [row.module for row in (*first.items, *second.items)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("code", ["APIGW.0101", "APIGW.0103", "IOTDA.000029"])
def test_a_call_that_does_not_exist_is_no_missing_object(make_cloud: Any, code: str) -> None:
    cloud = make_cloud((404, {"error_code": code, "error_msg": "no API"}))
    with pytest.raises(err.InvalidRequestError):
        cloud.run(cloud.backend.delete_package(package_id="k1"))
