"""Lists by page number: the walk, its cursors, page fields in every documented place, and lists that do not add up."""

from typing import Any

import pytest

from otabridge.errors import InvalidRequestError, PagingError
from otabridge.models import Device, ModuleVersion, Package
from otabridge.paging import IDENTITIES, Walk
from otabridge.wire import Request

Rows = list[dict[str, Any]]


def version(number: int) -> dict[str, Any]:
    return {"ProductKey": "p", "DeviceName": "d", "IotId": "i", "ModuleName": f"m{number}", "ModuleVersion": "1"}


def device(number: int) -> dict[str, Any]:
    return {"ProductKey": "p", "DeviceName": f"d{number}", "IotId": f"i{number}", "DeviceStatus": "ONLINE"}


def package(number: int) -> dict[str, Any]:
    return {"FirmwareId": f"f{number}", "ProductKey": "p", "ModuleName": "ab"[number % 2], "DestVersion": str(number)}


def reported(rows: Rows) -> dict[str, Any]:
    return {"Data": {"SimpleOTAModuleInfo": rows}}


def packages(rows: Rows) -> dict[str, Any]:
    return {"FirmwareInfo": {"SimpleFirmwareInfo": rows}}


def versions_of(cloud: Any, limit: int | None = None, walk: Any = None) -> Any:
    walk = walk or Walk(IDENTITIES[ModuleVersion])
    return cloud.walked(
        lambda at: cloud.backend.list_module_versions(product="p", device="d", cursor=at, limit=limit), walk
    )


def test_a_long_list_comes_back_whole_in_order_at_the_largest_page_size(
    make_cloud: Any, paged: Any, cloud_name: str
) -> None:
    cloud = make_cloud(cloud_name, server=paged(reported, [version(number) for number in range(1001)]))
    assert [row.module for row in versions_of(cloud)] == [f"m{number}" for number in range(1001)]
    assert [parameters["CurrentPage"] for _, parameters in cloud.sent] == list("123456")
    assert {parameters["PageSize"] for _, parameters in cloud.sent} == {"200"}


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 20])
def test_a_short_page_is_the_last_and_a_full_one_asks_once_more(make_cloud: Any, paged: Any, rows: int) -> None:
    cloud = make_cloud("tuya", server=paged(reported, [version(number) for number in range(rows)]))
    assert len(versions_of(cloud, 10)) == rows
    assert len(cloud.requests) == rows // 10 + 1


def test_a_short_page_in_the_middle_does_not_end_the_list(make_cloud: Any, paged: Any) -> None:
    rows = [version(number) for number in range(35)]
    cloud = make_cloud("aliyun", server=paged(reported, rows, short=2, Total=34))
    assert [row.module for row in versions_of(cloud, 10)] == [f"m{number}" for number in range(35) if number != 19]


@pytest.mark.parametrize("changes", [{"PageCount": 1}, {"PageCount": None}, {"Total": None}, {"Total": 3}])
def test_one_wrong_or_missing_count_does_not_shorten_the_list(
    make_cloud: Any, paged: Any, changes: dict[str, Any]
) -> None:
    cloud = make_cloud("aliyun", server=paged(reported, [version(number) for number in range(35)], **changes))
    assert len(versions_of(cloud, 10)) == 35


@pytest.mark.parametrize("changes", [{"Total": 36}, {"Total": 40, "PageCount": 9}])
def test_a_total_that_is_never_reached_is_an_error_and_no_prefix(
    make_cloud: Any, paged: Any, changes: dict[str, Any]
) -> None:
    cloud = make_cloud("aliyun", server=paged(reported, [version(number) for number in range(35)], **changes))
    with pytest.raises(PagingError):
        versions_of(cloud, 10)


def test_a_cloud_that_gives_the_first_page_for_ever_makes_no_endless_loop(make_cloud: Any) -> None:
    rows = [version(number) for number in range(10)]
    cloud = make_cloud("tuya", server=lambda request: reported(rows) | {"CurrentPage": 1, "PageCount": 3, "Total": 30})
    with pytest.raises(PagingError):
        versions_of(cloud, 10)
    assert len(cloud.requests) < 110


def test_without_any_count_a_full_page_asks_for_another(make_cloud: Any, paged: Any) -> None:
    rows = [version(number) for number in range(25)]
    cloud = make_cloud("tuya", server=paged(reported, rows, PageCount=None, Total=None))
    assert len(versions_of(cloud, 10)) == 25


@pytest.mark.parametrize(
    "counts",
    [
        {"PageCount": 2, "Total": 11},
        {"pageCount": "2", "total": "11"},
        {"TotalPageCount": 2, "TotalCount": 11},
        {"totalPageCount": 2, "totalCount": 11},
        {"PAGECOUNT": 2, "TOTAL": 11},
        {"Page": 1, "PageCount": 2, "Total": 11},
    ],
)
@pytest.mark.parametrize("inside", [False, True], ids=["at the top", "inside Data"])
def test_the_counts_are_found_wherever_they_are(make_cloud: Any, counts: dict[str, Any], inside: bool) -> None:
    rows = {"SimpleOTAModuleInfo": [version(number) for number in range(10)]}
    reply = {"Data": rows | counts} if inside else {"Data": rows} | counts
    cloud = make_cloud("aliyun", reply)
    page = cloud.run(cloud.backend.list_module_versions(product="p", device="d", limit=10))
    assert (page.total, page.cursor is not None) == (11, True)


def test_a_cursor_is_taken_up_by_another_process_with_its_page_size(make_cloud: Any, paged: Any) -> None:
    server = paged(reported, [version(number) for number in range(35)])
    first = make_cloud("aliyun", server=server)
    cursor = first.run(first.backend.list_module_versions(product="p", device="d", limit=10)).cursor
    second = make_cloud("aliyun", server=server)
    rest = versions_of(second, None, Walk(IDENTITIES[ModuleVersion], cursor=cursor))
    assert [row.module for row in rest] == [f"m{number}" for number in range(10, 35)]


@pytest.mark.parametrize("cursor", ["", "2", "null", "[1]", '["a",1,1,null,null]', "search:x"])
def test_a_cursor_that_is_none_is_refused(make_cloud: Any, cursor: str) -> None:
    cloud = make_cloud("aliyun")
    with pytest.raises(PagingError):
        cloud.run(cloud.backend.list_packages(cursor=cursor))
    assert not cloud.requests


def test_devices_are_walked_by_page_with_the_last_token_passed_along(
    make_cloud: Any, paged: Any, cloud_name: str
) -> None:
    rows = [device(number) for number in range(120)]

    def server(request: Request) -> dict[str, Any]:
        reply = paged(lambda found: {"Data": {"DeviceInfo": found}}, rows)(request)
        page = reply.pop("CurrentPage")
        return reply | {"Page": page, "NextToken": f"token{page}" if page < 3 else ""}

    cloud = make_cloud(cloud_name, server=server)
    found = cloud.walked(lambda at: cloud.backend.list_devices(product="p", cursor=at), Walk(IDENTITIES[Device]))
    assert [row.name for row in found] == [f"d{number}" for number in range(120)]
    assert [parameters.get("NextToken") for _, parameters in cloud.sent] == [None, "token1", "token2"]


def test_a_missing_token_does_not_end_a_walk_that_lacks_rows(make_cloud: Any, paged: Any) -> None:
    rows = [device(number) for number in range(120)]
    cloud = make_cloud("tuya", server=paged(lambda found: {"Data": {"DeviceInfo": found}}, rows))
    walk: Walk[Device] = Walk(IDENTITIES[Device])
    assert len(cloud.walked(lambda at: cloud.backend.list_devices(product="p", cursor=at), walk)) == 120


def test_deep_pages_are_paced_by_their_own_quota(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", {}, {})
    for page in (1999, 2000):
        cloud.run(cloud.backend.list_devices(product="p", cursor=f"[{page},50,0,null,null]"))
    assert [request.pace for request in cloud.requests] == ["", "QueryDevice.deep"]


def test_packages_by_module_are_filtered_here_and_have_no_total(make_cloud: Any, paged: Any) -> None:
    rows = [package(number) for number in range(25)]
    cloud = make_cloud("tuya", server=paged(packages, rows))
    pages = []
    cursor = None
    while not pages or cursor:
        pages.append(
            cloud.run(cloud.backend.list_packages(product="p", module="a", version="v", cursor=cursor, limit=10))
        )
        cursor = pages[-1].cursor
    assert [row.id for page in pages for row in page.items] == [f"f{number}" for number in range(0, 25, 2)]
    assert [page.total for page in pages] == [None] * 3
    assert cloud.sent[0][1] == {"ProductKey": "p", "DestVersion": "v", "CurrentPage": "1", "PageSize": "10"}


@pytest.mark.parametrize("second", [{"Total": 24}, {"Total": 30, "rows": 5}], ids=["shrunk", "ended short"])
def test_a_filtered_list_that_does_not_add_up_is_an_error_and_no_prefix(
    make_cloud: Any, second: dict[str, Any]
) -> None:
    rows = [package(number) for number in range(20)]

    def server(request: Request) -> dict[str, Any]:
        page = int(dict(request.query)["CurrentPage"])
        if page == 1:
            return packages(rows[:10]) | {"PageCount": 2, "Total": 25 if "rows" not in second else 30}
        return packages(rows[10:15] if page == 2 else []) | {"PageCount": 2, "Total": second["Total"]}

    cloud = make_cloud("aliyun", server=server)
    walk: Walk[Package] = Walk(IDENTITIES[Package])
    with pytest.raises(PagingError):
        cloud.walked(lambda at: cloud.backend.list_packages(product="p", module="a", cursor=at, limit=10), walk)


def test_every_products_devices_and_modules_are_one_list(make_cloud: Any, cloud_name: str) -> None:
    def server(request: Request) -> dict[str, Any]:
        asked = dict(request.query)
        if request.operation == "QueryProductList":
            return {"Data": {"List": {"ProductInfo": [{"ProductKey": "p1"}, {"ProductKey": "p2"}]}, "Total": 2}}
        row = {"ProductKey": asked["ProductKey"], "DeviceName": "d", "ModuleName": "m"}
        return {"Data": {"DeviceInfo": [row]} if request.operation == "QueryDevice" else [row]}

    cloud = make_cloud(cloud_name, server=server)
    devices = cloud.walked(lambda at: cloud.backend.list_devices(cursor=at), Walk(IDENTITIES[Device]))
    modules = cloud.walked(lambda at: cloud.backend.list_modules(cursor=at), Walk(lambda row: (row.product, row.name)))
    assert [row.product for row in devices] == ["p1", "p2"]
    assert [(row.product, row.name) for row in modules] == [("p1", "m"), ("p2", "m")]


def test_modules_are_cut_into_pages_here(make_cloud: Any) -> None:
    reply = {"Data": [{"ProductKey": "p", "ModuleName": f"m{number}"} for number in range(5)]}
    cloud = make_cloud("aliyun", server=lambda request: reply)
    walk: Walk[Any] = Walk(lambda row: row.name)
    found = cloud.walked(lambda at: cloud.backend.list_modules(product="p", cursor=at, limit=2), walk)
    assert [row.name for row in found] == ["m0", "m1", "m2", "m3", "m4"]
    assert len(cloud.requests) == 3


def test_a_cloud_that_refuses_the_page_behind_the_last_has_given_all(make_cloud: Any) -> None:
    refusal = {"Success": False, "Code": "iot.common.InvalidPageParams", "ErrorMessage": "no such page"}
    page = {**reported([version(number) for number in range(10)]), "Total": 10, "PageCount": 1}
    assert len(versions_of(make_cloud("tuya", page, (200, refusal)), 10)) == 10


def test_a_page_that_is_refused_before_all_is_there_is_an_error(make_cloud: Any) -> None:
    refusal = {"Success": False, "Code": "iot.common.InvalidPageParams", "ErrorMessage": "no such page"}
    page = {**reported([version(number) for number in range(10)]), "Total": 11, "PageCount": 2}
    cloud = make_cloud("tuya", page, (200, refusal))
    with pytest.raises(InvalidRequestError):
        versions_of(cloud, 10)


@pytest.mark.parametrize(("total", "pages"), [(250, 2), (600, 3), (200, 1), (0, 0), (None, None)])
def test_a_total_that_is_too_small_hides_no_rows(make_cloud: Any, total: int | None, pages: int | None) -> None:
    rows = [{"ProductKey": "p", "DeviceName": "d", "ModuleName": f"m{at}", "ModuleVersion": "1"} for at in range(634)]

    def server(request: Request) -> dict[str, Any]:
        first = (int(dict(request.query)["CurrentPage"]) - 1) * 200
        counts = {} if total is None else {"Total": total, "PageCount": pages}
        return {"Data": {"SimpleOTAModuleInfo": rows[first : first + 200]}, **counts}

    cloud = make_cloud("tuya", server=server)
    key = {"product": "p", "device": "d"}
    walk: Walk[Any] = Walk(lambda row: row.module)
    found = cloud.walked(lambda at: cloud.backend.list_module_versions(**key, cursor=at), walk)
    assert len(found) == 634


def test_a_list_taken_up_at_a_cursor_that_ends_short_is_no_prefix(make_cloud: Any) -> None:
    device = {"ProductKey": "p", "DeviceStatus": "ONLINE"}
    full = [device | {"DeviceName": f"d{at}", "IotId": f"i{at}"} for at in range(50)]
    counts = {"PageCount": 3, "Total": 150}
    cloud = make_cloud("aliyun", {"Data": {"DeviceInfo": full}, **counts}, *[{"Data": {}, **counts}] * 4)
    first = cloud.run(cloud.backend.list_devices(product="p"))
    walk: Walk[Any] = Walk(IDENTITIES[Device], cursor=first.cursor)
    with pytest.raises(PagingError):
        cloud.walked(lambda at: cloud.backend.list_devices(product="p", cursor=at), walk)
