"""The facade's actions on products and modules: what they do to the store, and what they refuse in which words."""

from typing import Any

import pytest

from otabridge.models import ModuleVersion

MCU = {"ProductKey": "p1", "ModuleName": "mcu"}


def report(mirror: Any, *rows: tuple[str, str, str], product: str = "p1") -> None:
    mirror.cloud.devices.report_versions(
        [
            ModuleVersion(product=product, device=device, module=module, version=version)
            for device, module, version in rows
        ]
    )


def test_a_module_that_is_made_is_in_the_store(mirror: Any) -> None:
    assert mirror.ask("CreateOTAModule", **MCU, AliasName="主控", Desc="a b")["Success"] is True
    (module,) = mirror.cloud.modules.list(product="p1")
    assert (module.name, module.alias, module.description) == ("mcu", "主控", "a b")


def test_a_list_of_modules_has_each_as_it_is_stored(mirror: Any) -> None:
    made = mirror.cloud.modules.create("mcu", product="p1", alias="main", description="text")
    assert mirror.ask("ListOTAModuleByProduct", ProductKey="p1")["Data"] == [
        {
            "ProductKey": "p1",
            "ModuleName": "mcu",
            "AliasName": "main",
            "Desc": "text",
            "GmtCreate": f"{made.created_at:%Y-%m-%dT%H:%MZ}",
            "GmtModified": f"{made.updated_at:%Y-%m-%dT%H:%MZ}",
        }
    ]


def test_built_in_modules_are_not_listed(mirror: Any) -> None:
    mirror.cloud.packages.create(version="1", product="p1", module="@default", artifacts=())
    assert mirror.ask("ListOTAModuleByProduct", ProductKey="p1")["Data"] == []
    assert [module.name for module in mirror.cloud.modules.list(product="p1")] == ["@default"]


@pytest.mark.parametrize("name", ["default", "Default"])
def test_a_module_that_another_cloud_lets_be_called_default_is_not_listed(mirror: Any, name: str) -> None:
    mirror.cloud.modules.create(name, product="p1")
    assert mirror.ask("ListOTAModuleByProduct", ProductKey="p1")["Data"] == []


def test_what_an_update_leaves_out_stays(mirror: Any) -> None:
    mirror.ask("CreateOTAModule", **MCU, AliasName="main", Desc="text")
    mirror.ask("UpdateOTAModule", **MCU, AliasName="other")
    mirror.ask("UpdateOTAModule", **MCU, Desc="")
    module = mirror.cloud.modules.get("mcu", product="p1")
    assert (module.alias, module.description) == ("other", None)


def test_a_module_that_is_deleted_is_gone(mirror: Any) -> None:
    mirror.ask("CreateOTAModule", **MCU)
    assert mirror.ask("DeleteOTAModule", **MCU)["Success"] is True
    assert list(mirror.cloud.modules.list(product="p1")) == []


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("CreateOTAModule", MCU, "iot.ota.CreateOTAModuleNameExist"),
        ("CreateOTAModule", MCU | {"ModuleName": "MCU"}, "iot.ota.CreateOTAModuleNameExist"),
        ("CreateOTAModule", MCU | {"ModuleName": "default"}, "iot.firmware.ModuleNameReserved"),
        ("CreateOTAModule", MCU | {"ModuleName": "Default"}, "iot.firmware.ModuleNameReserved"),
        ("CreateOTAModule", MCU | {"ModuleName": "a b"}, "iot.firmware.IncorrectFormattedModuleName"),
        ("CreateOTAModule", MCU | {"ModuleName": "@default"}, "iot.firmware.IncorrectFormattedModuleName"),
        ("CreateOTAModule", MCU | {"ModuleName": ""}, "iot.firmware.IncorrectFormattedModuleName"),
        ("CreateOTAModule", MCU | {"ModuleName": "m" * 65}, "iot.firmware.IncorrectFormattedModuleName"),
        ("CreateOTAModule", MCU | {"ModuleName": "n", "AliasName": "a b"}, "iot.ota.CreateOTAModuleParamError"),
        ("CreateOTAModule", MCU | {"ModuleName": "n", "Desc": "d" * 101}, "iot.ota.CreateOTAModuleParamError"),
        ("CreateOTAModule", {"ProductKey": "", "ModuleName": "n"}, "iot.prod.NullProductKey"),
        ("CreateOTAModule", {"ProductKey": "\x01", "ModuleName": "n"}, "iot.prod.InvalidFormattedProductkey"),
        ("CreateOTAModule", {"ModuleName": "n"}, "MissingProductKey"),
        ("CreateOTAModule", {"ProductKey": "p1"}, "MissingModuleName"),
        ("UpdateOTAModule", MCU | {"ModuleName": "none"}, "iot.ota.OTAModuleNotExist"),
        ("UpdateOTAModule", MCU | {"ModuleName": "default"}, "iot.firmware.ModuleNameReserved"),
        ("UpdateOTAModule", MCU | {"AliasName": "a b"}, "iot.ota.UpdateOTAModuleParamError"),
        ("DeleteOTAModule", MCU | {"ModuleName": "none"}, "iot.ota.OTAModuleNotExist"),
        ("DeleteOTAModule", MCU | {"ModuleName": "default"}, "iot.ota.DeleteOtaDefaultModule"),
        ("DeleteOTAModule", MCU | {"ModuleName": "full"}, "iot.ota.DeleteOTAModulePackageExist"),
        ("ListOTAModuleByProduct", {}, "MissingProductKey"),
    ],
)
def test_what_cannot_be_is_refused_in_the_vendors_words(
    mirror: Any, action: str, parameters: dict[str, str], code: str
) -> None:
    for name in ("mcu", "full"):
        mirror.cloud.modules.create(name, product="p1")
    mirror.cloud.packages.create(version="1", product="p1", module="full", artifacts=())
    assert mirror.refused(action, **parameters) == code


def test_an_eleventh_module_is_refused(mirror: Any) -> None:
    for number in range(10):
        mirror.ask("CreateOTAModule", ProductKey="p1", ModuleName=f"m{number}")
    assert mirror.refused("CreateOTAModule", ProductKey="p1", ModuleName="m10") == "iot.ota.CreateOTAModuleExceedLimit"
    assert mirror.ask("CreateOTAModule", ProductKey="p2", ModuleName="m10")["Success"] is True


def test_a_product_that_was_never_seen_comes_into_being(mirror: Any) -> None:
    assert mirror.ask("ListOTAModuleByProduct", ProductKey="p9")["Data"] == []
    mirror.ask("CreateOTAModule", ProductKey="p9", ModuleName="m")
    assert [product.id for product in mirror.cloud.products.list()] == ["p9"]


@pytest.mark.parametrize("action", ["CreateOTAModule", "ListOTAModuleByProduct", "QueryDevice", "DeleteOTAModule"])
def test_a_strict_host_refuses_a_product_that_was_never_seen(make_mirror: Any, cloud_name: str, action: str) -> None:
    mirror = make_mirror(cloud_name, strict=True)
    report(mirror, ("d", "m", "1"))
    assert mirror.refused(action, ProductKey="p9", ModuleName="m") == "iot.prod.NotExistedProduct"
    assert mirror.ask("CreateOTAModule", ProductKey="p1", ModuleName="m")["Success"] is True


def test_products_are_listed_newest_first_with_their_devices_counted(mirror: Any) -> None:
    for product, devices in (("p1", 1), ("p2", 3), ("p3", 2)):
        report(mirror, *((f"d{number}", "m", "1") for number in range(devices)), product=product)
    answer = mirror.ask("QueryProductList", CurrentPage=1, PageSize=2)["Data"]
    rows = answer.pop("List")["ProductInfo"]
    assert [(row["ProductKey"], row["ProductName"], row["DeviceCount"]) for row in rows] == [
        ("p3", "p3", 2),
        ("p2", "p2", 3),
    ]
    assert answer == {"CurrentPage": 1, "PageSize": 2, "PageCount": 2, "Total": 3}
    assert all(isinstance(row["GmtCreate"], int) for row in rows)


def test_one_product_is_told(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    report(mirror, ("d", "m", "1"))
    data = mirror.ask("QueryProduct", ProductKey="p1")["Data"]
    assert (data["ProductKey"], data["ProductName"], data["DeviceCount"]) == ("p1", "p1", 1)
    assert mirror.refused("QueryProduct", ProductKey="p9") == "iot.prod.NotExistedProduct"


@pytest.mark.parametrize(
    "page", [("0", "10"), ("1", "0"), ("1", "201"), ("x", "10"), ("1", "1.5"), ("", ""), ("-1", "5")]
)
def test_a_page_that_cannot_be_is_refused(mirror: Any, page: tuple[str, str]) -> None:
    number, size = page
    assert mirror.refused("QueryProductList", CurrentPage=number, PageSize=size) == "iot.common.InvalidPageParams"
