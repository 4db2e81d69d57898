"""Modules: found by name, never trusted for ever, and looked up where an answer was lost."""

import json
from typing import Any

import pytest

from otabridge import errors as err
from otabridge.models import Module

ROW = {"module_id": "i1", "product_id": "p", "module_name": "mcu", "alias_name": "MCU", "description": "d"}
OTHER = ROW | {"module_id": "i2", "module_name": "ble"}
FOUND = Module(product="p", name="mcu", id="i1", alias="MCU", description="d")
MISSING = (404, {"error_code": "IOTDA.404", "error_msg": "gone"})
LOST = err.OutcomeUnknownError("lost")
NO_PACKAGES = {"packages": [], "page": {"count": 0, "marker": None}}
PACKAGE = {"package_id": "k", "product_id": "p", "package_type": "modulePackage", "module_name": "mcu", "version": "1"}


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"modules": list(rows), "page": {"count": len(rows), "marker": "a1"}}


def test_a_module_is_found_by_name_in_the_products_list(make_cloud: Any) -> None:
    cloud = make_cloud(listed(OTHER, ROW))
    assert cloud.run(cloud.backend.get_module(product="p", name="mcu")) == FOUND
    assert cloud.sent() == [("GET", "ota-upgrades/modules")]


def test_the_search_by_name_reads_page_after_page(make_cloud: Any) -> None:
    first = {"modules": [OTHER] * 50, "page": {"count": 51, "marker": "a1"}}
    cloud = make_cloud(first, {"modules": [ROW], "page": {"count": 51, "marker": "a0"}})
    assert cloud.run(cloud.backend.get_module(product="p", name="mcu")) == FOUND
    assert dict(cloud.requests[1].query)["marker"] == "a1"


def test_an_id_that_was_found_is_remembered(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW), ROW)
    for _ in range(2):
        assert cloud.run(cloud.backend.get_module(product="p", name="mcu")) == FOUND
    assert cloud.sent()[1] == ("GET", "ota-upgrades/modules/i1")


def test_an_id_that_is_gone_is_forgotten_and_looked_up_once_more(make_cloud: Any) -> None:
    anew = ROW | {"module_id": "i9"}
    cloud = make_cloud(listed(ROW), MISSING, listed(anew), anew)
    for expected in ("i1", "i9", "i9"):
        assert cloud.run(cloud.backend.get_module(product="p", name="mcu")).id == expected
    assert cloud.sent()[-1] == ("GET", "ota-upgrades/modules/i9")


def test_an_id_that_led_nowhere_is_not_tried_again(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW), MISSING, listed(), listed())
    cloud.run(cloud.backend.get_module(product="p", name="mcu"))
    for _ in range(2):
        with pytest.raises(err.NotFoundError):
            cloud.run(cloud.backend.get_module(product="p", name="mcu"))
    assert [path for _, path in cloud.sent()].count("ota-upgrades/modules/i1") == 1


def test_the_id_of_a_module_just_made_is_remembered(make_cloud: Any) -> None:
    cloud = make_cloud((201, ROW), ROW)
    cloud.run(cloud.backend.create_module(product="p", name="mcu"))
    cloud.run(cloud.backend.get_module(product="p", name="mcu"))
    assert cloud.sent()[1] == ("GET", "ota-upgrades/modules/i1")


def test_a_module_that_is_nowhere_is_not_found(make_cloud: Any) -> None:
    cloud = make_cloud(listed(OTHER))
    with pytest.raises(err.NotFoundError, match="product p has no module mcu"):
        cloud.run(cloud.backend.get_module(product="p", name="mcu"))


def test_a_list_cut_short_does_not_prove_that_a_module_is_missing(make_cloud: Any) -> None:
    cloud = make_cloud({"modules": [OTHER], "page": {"count": 2, "marker": None}})
    with pytest.raises(err.PagingError):
        cloud.run(cloud.backend.get_module(product="p", name="mcu"))


def test_a_built_in_module_is_there_without_a_request(make_cloud: Any) -> None:
    cloud = make_cloud()
    module = cloud.run(cloud.backend.get_module(product="p", name="@firmware"))
    assert module == Module(product="p", name="@firmware", builtin=True)


def test_what_is_unset_is_left_out_of_the_body(make_cloud: Any) -> None:
    cloud = make_cloud((201, ROW))
    cloud.run(cloud.backend.create_module(product="p", name="mcu", alias="主控"))
    expected = '{"app_id":"61f7e74d036aca5be29e1ed4","product_id":"p","module_name":"mcu","alias_name":"主控"}'
    assert cloud.requests[0].body == expected.encode()
    assert not cloud.requests[0].read


@pytest.mark.parametrize("lost", [LOST, (500, {"error_code": "IOTDA.000001", "error_msg": "internal"})])
def test_a_create_whose_answer_was_lost_is_looked_up(make_cloud: Any, lost: Any) -> None:
    cloud = make_cloud(lost, listed(ROW))
    assert cloud.run(cloud.backend.create_module(product="p", name="mcu", alias="MCU", description="d")) == FOUND
    assert [method for method, _ in cloud.sent()] == ["POST", "GET"]


def test_a_lost_create_is_looked_up_again_after_the_lists_lag(make_cloud: Any) -> None:
    cloud = make_cloud(LOST, listed(), listed(ROW))
    assert cloud.run(cloud.backend.create_module(product="p", name="mcu", alias="MCU", description="d")) == FOUND
    assert cloud.sleeps == [cloud.backend.traits.list_lag_seconds]


def test_a_lost_create_that_is_not_found_is_never_repeated(make_cloud: Any) -> None:
    cloud = make_cloud(LOST, listed(), listed())
    with pytest.raises(err.OutcomeUnknownError):
        cloud.run(cloud.backend.create_module(product="p", name="mcu"))
    assert [method for method, _ in cloud.sent()] == ["POST", "GET", "GET"]


def test_a_lost_create_that_finds_another_module_of_the_name_is_a_conflict(make_cloud: Any) -> None:
    cloud = make_cloud(LOST, listed(ROW))
    with pytest.raises(err.ConflictError, match="another alias or description"):
        cloud.run(cloud.backend.create_module(product="p", name="mcu", alias="else", description="d"))


def test_an_update_sends_only_what_is_named(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW), ROW | {"alias_name": "new"})
    assert cloud.run(cloud.backend.update_module(product="p", name="mcu", alias="new")).alias == "new"
    assert json.loads(cloud.requests[1].body) == {"alias_name": "new"}


@pytest.mark.parametrize(("seen", "kind"), [("new", None), ("old", err.OutcomeUnknownError)])
def test_a_lost_update_succeeded_if_the_fields_are_as_asked(make_cloud: Any, seen: str, kind: Any) -> None:
    row = ROW | {"alias_name": seen}
    cloud = make_cloud(LOST, row, row)
    flow = cloud.backend.update_module(module_id="i1", alias="new")
    if kind:
        with pytest.raises(kind):
            cloud.run(flow)
    else:
        assert cloud.run(flow).alias == "new"


def test_a_module_with_packages_is_not_deleted(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW), {"packages": [PACKAGE], "page": {"count": 1, "marker": "a"}})
    with pytest.raises(err.ConflictError, match="delete them first"):
        cloud.run(cloud.backend.delete_module(product="p", name="mcu"))
    assert [method for method, _ in cloud.sent()] == ["GET", "GET"]


def test_a_package_on_a_later_page_is_seen_before_a_module_is_deleted(make_cloud: Any) -> None:
    others = [PACKAGE | {"package_id": f"o{number}", "module_name": "ble"} for number in range(50)]
    first = {"packages": others, "page": {"count": 51, "marker": "a" * 24}}
    second = {"packages": [PACKAGE], "page": {"count": 51, "marker": "b" * 24}}
    cloud = make_cloud(listed(ROW), first, second)
    with pytest.raises(err.ConflictError):
        cloud.run(cloud.backend.delete_module(product="p", name="mcu"))


def test_packages_of_other_modules_do_not_stand_in_the_way(make_cloud: Any) -> None:
    other = PACKAGE | {"module_name": "ble"}
    cloud = make_cloud(listed(ROW), {"packages": [other], "page": {"count": 1, "marker": "a"}}, (204, None))
    assert cloud.run(cloud.backend.delete_module(product="p", name="mcu")) is None
    assert cloud.sent()[-1] == ("DELETE", "ota-upgrades/modules/i1")


def test_a_lost_delete_succeeded_if_the_module_is_gone(make_cloud: Any) -> None:
    cloud = make_cloud(LOST, MISSING)
    assert cloud.run(cloud.backend.delete_module(module_id="i1")) is None


def test_a_lost_delete_of_a_module_that_stays_has_an_unknown_outcome(make_cloud: Any) -> None:
    cloud = make_cloud(LOST, ROW, ROW)
    with pytest.raises(err.OutcomeUnknownError):
        cloud.run(cloud.backend.delete_module(module_id="i1"))
    assert [method for method, _ in cloud.sent()].count("DELETE") == 1


def test_a_deleted_module_is_forgotten(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW), NO_PACKAGES, (204, None), listed())
    cloud.run(cloud.backend.delete_module(product="p", name="mcu"))
    with pytest.raises(err.NotFoundError):
        cloud.run(cloud.backend.get_module(product="p", name="mcu"))
    assert cloud.sent()[-1] == ("GET", "ota-upgrades/modules")


@pytest.mark.parametrize("call", ["list_modules", "create_module", "get_module"])
def test_a_call_that_needs_app_id_says_so_before_any_request(make_cloud: Any, call: str) -> None:
    cloud = make_cloud(app_id=None)
    key = {"product": "p"} if call == "list_modules" else {"product": "p", "name": "mcu"}
    with pytest.raises(err.ConfigurationError, match="app_id"):
        cloud.run(getattr(cloud.backend, call)(**key))
    assert cloud.requests == []


def test_a_call_that_does_not_need_app_id_works_without(make_cloud: Any) -> None:
    cloud = make_cloud(ROW, app_id=None)
    assert cloud.run(cloud.backend.get_module(module_id="i1")) == FOUND


@pytest.mark.parametrize("instance", ["inst-1", None])
def test_the_instance_is_named_in_every_request_if_it_is_set(make_cloud: Any, instance: str | None) -> None:
    cloud = make_cloud(ROW, instance_id=instance)
    cloud.run(cloud.backend.get_module(module_id="i1"))
    headers = dict(cloud.requests[0].headers)
    assert headers.get("Instance-Id") == instance
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("otabridge/")


def test_a_module_keeps_what_the_vendor_said(make_cloud: Any) -> None:
    cloud = make_cloud(listed(ROW | {"product_name": "Thermometer"}))
    assert cloud.run(cloud.backend.list_modules(product="p")).items[0].raw["product_name"] == "Thermometer"
