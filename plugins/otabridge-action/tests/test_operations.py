"""Modules, packages and devices: what is asked, and what becomes of writes whose answer is lost."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from otabridge.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    UnsupportedError,
    ValidationError,
)
from otabridge.models import Artifact, Checksum, Module, UrlLocation

LOST = OutcomeUnknownError("the answer was lost")
MODULE = {"ProductKey": "p", "ModuleName": "mcu", "AliasName": "main", "Desc": "text"}
FILE = Artifact(
    name="app.bin",
    size=9,
    checksum=Checksum(algorithm="md5", hex="ab" * 16),
    location=UrlLocation(url="https://oss/ota/app.bin"),
)
NAMED = {"product": "p", "name": "mcu"}
ABOUT = {"alias": "main", "description": "text"}


def refusal(code: str) -> tuple[int, dict[str, Any]]:
    return 200, {"Success": False, "Code": code, "ErrorMessage": "m"}


# --- modules --------------------------------------------------------------------------------------------------------


def test_a_new_module_takes_one_call_and_is_returned_as_asked_for(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, {})
    assert cloud.run(cloud.backend.create_module(**NAMED, **ABOUT)) == Module(**NAMED, **ABOUT)
    assert cloud.sent == [("CreateOTAModule", MODULE)]
    assert [request.read for request in cloud.requests] == [False]


def test_an_update_that_names_everything_takes_one_call(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, {})
    assert cloud.run(cloud.backend.update_module(**NAMED, **ABOUT)) == Module(**NAMED, **ABOUT)
    assert cloud.sent == [("UpdateOTAModule", MODULE)]


def test_the_built_in_module_is_known_without_asking(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name)
    for name in ("default", "@default"):
        found = cloud.run(cloud.backend.get_module(product="p", name=name))
        assert found == Module(product="p", name="@default", builtin=True)


@pytest.mark.parametrize("failure", [LOST, refusal("iot.system.SystemException")])
def test_a_create_whose_answer_is_lost_finds_what_it_made(make_cloud: Any, failure: Any) -> None:
    cloud = make_cloud("tuya", failure, {}, {"Data": [MODULE]})
    assert cloud.run(cloud.backend.create_module(**NAMED, **ABOUT)) == Module(**NAMED, **ABOUT)
    assert cloud.sleeps == [cloud.backend.traits.list_lag_seconds]
    assert [request.operation for request in cloud.requests].count("CreateOTAModule") == 1


def test_a_create_whose_answer_is_lost_and_that_made_nothing_says_so(make_cloud: Any) -> None:
    cloud = make_cloud("tuya", LOST, {}, {})
    with pytest.raises(OutcomeUnknownError):
        cloud.run(cloud.backend.create_module(**NAMED))


def test_a_create_whose_answer_is_lost_takes_no_other_module_for_its_own(make_cloud: Any) -> None:
    cloud = make_cloud("tuya", LOST, {"Data": [MODULE]})
    with pytest.raises(ConflictError):
        cloud.run(cloud.backend.create_module(**NAMED, alias="another"))


def test_an_update_sends_what_is_named_alone_and_reads_the_module_back(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, {}, {"Data": [MODULE]})
    assert cloud.run(cloud.backend.update_module(**NAMED, alias="main")) == Module(**NAMED, **ABOUT)
    assert cloud.sent[0] == ("UpdateOTAModule", {"ProductKey": "p", "ModuleName": "mcu", "AliasName": "main"})


def test_an_empty_description_clears_it(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", {}, {"Data": [MODULE | {"Desc": ""}]})
    assert cloud.run(cloud.backend.update_module(**NAMED, description="")).description is None
    assert cloud.sent[0][1]["Desc"] == ""


def test_an_update_whose_answer_is_lost_succeeds_if_it_took_effect_and_only_then(make_cloud: Any) -> None:
    took = make_cloud("aliyun", LOST, {"Data": [MODULE]})
    assert took.run(took.backend.update_module(**NAMED, **ABOUT)).alias == "main"
    failed = make_cloud("aliyun", LOST, {"Data": [MODULE]}, {"Data": [MODULE]})
    with pytest.raises(OutcomeUnknownError):
        failed.run(failed.backend.update_module(**NAMED, alias="new"))


def test_a_delete_whose_answer_is_lost_succeeds_if_the_module_is_gone_and_only_then(make_cloud: Any) -> None:
    gone = make_cloud("aliyun", LOST, {})
    gone.run(gone.backend.delete_module(**NAMED))
    there = make_cloud("aliyun", LOST, {"Data": [MODULE]}, {"Data": [MODULE]})
    with pytest.raises(OutcomeUnknownError):
        there.run(there.backend.delete_module(**NAMED))


def test_a_module_with_packages_is_not_deleted(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, refusal("iot.ota.DeleteOTAModulePackageExist"))
    with pytest.raises(ConflictError):
        cloud.run(cloud.backend.delete_module(**NAMED))


def test_one_module_is_found_in_its_products_list(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, {"Data": [MODULE, MODULE | {"ModuleName": "MCU"}]}, {"Data": [MODULE]})
    found = cloud.run(cloud.backend.get_module(**NAMED))
    assert (found, found.raw) == (Module(**NAMED, **ABOUT), MODULE)
    with pytest.raises(NotFoundError):
        cloud.run(cloud.backend.get_module(product="p", name="other"))


@pytest.mark.parametrize("call", ["get_module", "update_module", "delete_module"])
def test_a_module_has_no_id_here(make_cloud: Any, cloud_name: str, call: str) -> None:
    cloud = make_cloud(cloud_name)
    with pytest.raises(ValidationError, match=f"{cloud_name} has no ids of modules"):
        cloud.run(getattr(cloud.backend, call)(module_id="x"))
    with pytest.raises(ValidationError, match="required"):
        cloud.run(getattr(cloud.backend, call)(product="p"))
    assert not cloud.requests


# --- both drivers, and what is not there ------------------------------------------------------------------------------


def test_a_create_whose_connection_breaks_is_not_sent_twice(drive: Callable[..., Any]) -> None:
    actions: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        actions.append(request.url.params["Action"])
        if actions[-1] == "CreateOTAModule":
            raise httpx.ReadError("reset")
        return httpx.Response(200, json={"success": True, "data": [MODULE]})

    made = drive("tuya", lambda cloud: cloud.modules.create("mcu", product="p", **ABOUT), handler=handler)
    assert made == Module(**NAMED, **ABOUT)
    assert actions == ["CreateOTAModule", "ListOTAModuleByProduct"]


@pytest.mark.parametrize("call", ["report_module_versions", "list_version_history"])
def test_what_is_not_there_says_so_before_any_request(make_backend: Any, cloud_name: str, call: str) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "report_module_versions": {"versions": ()},
        "list_version_history": {"product": "p", "device": "d"},
    }
    with pytest.raises(UnsupportedError, match=cloud_name):
        getattr(make_backend(cloud_name), call)(**arguments[call])


# --- devices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["get_device", "list_module_versions"])
@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ({"product": "p", "device": "d 1"}, {"ProductKey": "p", "DeviceName": "d 1"}),
        ({"device_id": "i"}, {"IotId": "i"}),
        ({"product": "p", "device": "d", "device_id": "i"}, {"IotId": "i"}),
    ],
)
def test_a_device_is_named_by_id_or_within_its_product(
    make_cloud: Any, cloud_name: str, call: str, key: dict[str, str], sent: dict[str, str]
) -> None:
    cloud = make_cloud(
        cloud_name, {"Data": {"ProductKey": "p", "DeviceName": "d", "ModuleName": "m", "ModuleVersion": ""}}
    )
    cloud.run(getattr(cloud.backend, call)(**key))
    paging = {"CurrentPage": "1", "PageSize": "200"} if call == "list_module_versions" else {}
    assert cloud.sent[0][1] == sent | paging


@pytest.mark.parametrize("call", ["get_device", "list_module_versions"])
@pytest.mark.parametrize("key", [{}, {"product": "p"}, {"device": "d"}])
def test_a_device_that_is_not_named_is_not_asked_for(make_cloud: Any, call: str, key: dict[str, str]) -> None:
    cloud = make_cloud("tuya")
    with pytest.raises(ValidationError, match="required without the device's id"):
        cloud.run(getattr(cloud.backend, call)(**key))


def test_a_device_of_another_account_is_forbidden(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", refusal("iot.common.AuthActionPermissionDeny"))
    with pytest.raises(ForbiddenError):
        cloud.run(cloud.backend.list_module_versions(device_id="i"))
