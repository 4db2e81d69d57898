"""Modules, products and devices of a local store."""

from collections.abc import Callable

import pytest

from otabridge import Client, ConflictError, Module, NotFoundError, ValidationError
from tests.local.helpers import NOON, Clock, report


def test_a_created_module_is_what_was_asked_for(cloud: Client) -> None:
    made = cloud.modules.create("mcu", product="p", alias="主控", description="line one\nline two")
    assert made == Module(
        product="p", name="mcu", alias="主控", description="line one\nline two", created_at=NOON, updated_at=NOON
    )
    assert cloud.modules.get("mcu", product="p") == made


def test_a_taken_name_is_a_conflict_and_changes_nothing(cloud: Client) -> None:
    cloud.modules.create("mcu", product="p", alias="first")
    with pytest.raises(ConflictError, match="'mcu'"):
        cloud.modules.create("mcu", product="p", alias="second")
    assert [module.alias for module in cloud.modules.list()] == ["first"]


@pytest.mark.parametrize(
    ("change", "alias", "description"),
    [
        ({"alias": "new"}, "new", "old text"),
        ({"description": "new"}, "old", "new"),
        ({"alias": ""}, None, "old text"),
        ({"alias": "", "description": ""}, None, None),
    ],
)
def test_an_update_changes_what_is_named_and_an_empty_text_clears(
    cloud: Client, clock: Clock, change: dict[str, str], alias: str | None, description: str | None
) -> None:
    cloud.modules.create("mcu", product="p", alias="old", description="old text")
    clock.pass_by(seconds=5)
    changed = cloud.modules.update("mcu", product="p", **change)
    assert (changed.alias, changed.description) == (alias, description)
    assert (changed.created_at, changed.updated_at) == (NOON, clock.at)
    assert cloud.modules.get("mcu", product="p") == changed


def test_a_module_of_the_same_name_in_another_product_is_another(cloud: Client) -> None:
    cloud.modules.create("mcu", product="p", alias="one")
    cloud.modules.create("mcu", product="q", alias="two")
    cloud.modules.delete("mcu", product="p")
    assert [(module.product, module.alias) for module in cloud.modules.list()] == [("q", "two")]


def test_a_module_with_packages_cannot_be_deleted(cloud: Client) -> None:
    cloud.modules.create("mcu", product="p")
    package = cloud.packages.create(product="p", module="mcu", version="1", artifacts=())
    with pytest.raises(ConflictError, match="delete them first"):
        cloud.modules.delete("mcu", product="p")
    cloud.packages.delete(package.id)
    cloud.modules.delete("mcu", product="p")
    assert list(cloud.modules.list()) == []


ABSENT: dict[str, Callable[[Client], object]] = {
    "get_module": lambda cloud: cloud.modules.get("mcu", product="p"),
    "update_module": lambda cloud: cloud.modules.update("mcu", product="p", alias="a"),
    "delete_module": lambda cloud: cloud.modules.delete("mcu", product="p"),
    "get_builtin": lambda cloud: cloud.modules.get("@default", product="p"),
    "get_device": lambda cloud: cloud.devices.get("d", product="p"),
    "versions": lambda cloud: list(cloud.devices.versions("d", product="p")),
    "history": lambda cloud: list(cloud.devices.history("d", product="p")),
    "get_package": lambda cloud: cloud.packages.get("x"),
    "update_package": lambda cloud: cloud.packages.update("x", name="n"),
    "delete_package": lambda cloud: cloud.packages.delete("x"),
}


@pytest.mark.parametrize("call", ABSENT.values(), ids=ABSENT.keys())
def test_what_is_not_there_is_not_found(cloud: Client, call: Callable[[Client], object]) -> None:
    with pytest.raises(NotFoundError):
        call(cloud)


BY_ID: dict[str, Callable[[Client], object]] = {
    "module": lambda cloud: cloud.modules.get(id="1"),
    "device": lambda cloud: cloud.devices.get(id="1"),
    "versions": lambda cloud: list(cloud.devices.versions(id="1")),
}


@pytest.mark.parametrize("call", BY_ID.values(), ids=BY_ID.keys())
def test_a_vendors_id_is_refused_in_words(cloud: Client, call: Callable[[Client], object]) -> None:
    with pytest.raises(ValidationError, match="has no id"):
        call(cloud)


def test_products_and_devices_come_into_being_when_first_named(cloud: Client) -> None:
    cloud.modules.create("mcu", product="by-module")
    cloud.packages.create(product="by-package", module="@firmware", version="1", artifacts=())
    cloud.devices.report("dev", product="by-report", module="never-created", version="1")
    assert [product.id for product in cloud.products.list()] == ["by-report", "by-package", "by-module"]
    assert [(device.product, device.name, device.status) for device in cloud.devices.list()] == [
        ("by-report", "dev", "unknown")
    ]


def test_a_builtin_module_is_there_without_being_created_and_listed_once_it_has_had_a_package(cloud: Client) -> None:
    cloud.devices.report("dev", product="p", module="@default", version="1")
    assert cloud.modules.get("@default", product="p").builtin
    assert list(cloud.modules.list()) == []
    cloud.packages.create(product="p", module="@default", version="1", artifacts=())
    assert [(module.name, module.builtin) for module in cloud.modules.list()] == [("@default", True)]


def test_a_device_is_found_without_its_product_where_its_name_is_unique(cloud: Client) -> None:
    cloud.devices.report_versions(
        [report("one", "m", "1"), report("two", "m", "1"), report("two", "m", "1", None, "q")]
    )
    assert [row.version for row in cloud.devices.versions("one")] == ["1"]
    with pytest.raises(ValidationError, match="'p' and 'q'"):
        cloud.devices.get("two")


LISTS: dict[str, Callable[[Client, int], list[str]]] = {
    "products": lambda cloud, size: [row.id for row in cloud.products.list(page_size=size)],
    "modules": lambda cloud, size: [row.product for row in cloud.modules.list(page_size=size)],
    "packages": lambda cloud, size: [row.product for row in cloud.packages.list(page_size=size)],
    "devices": lambda cloud, size: [row.product for row in cloud.devices.list(page_size=size)],
}


@pytest.mark.parametrize("size", [1, 3, 4, 200])
@pytest.mark.parametrize("kind", LISTS)
def test_lists_run_newest_first_whatever_the_page_size(cloud: Client, kind: str, size: int) -> None:
    for number in range(7):
        cloud.modules.create("m", product=f"p{number}")
        cloud.packages.create(product=f"p{number}", module="m", version="1", artifacts=())
        cloud.devices.report("d", product=f"p{number}", module="m", version="1")
    assert LISTS[kind](cloud, size) == [f"p{number}" for number in reversed(range(7))]


def test_a_page_tells_the_total_of_its_product(cloud: Client) -> None:
    for name in "abc":
        cloud.modules.create(name, product="p")
    cloud.modules.create("a", product="q")
    cloud.devices.report_versions(report(device, "m", "1", None, product) for device in "abc" for product in "pq")
    totals = [
        pager.first_page().total
        for product in ("p", None)
        for pager in (
            cloud.modules.list(product=product, page_size=1),
            cloud.devices.list(product=product, page_size=1),
            cloud.fleet.versions(product=product, page_size=1),
        )
    ]
    assert totals == [3, 3, 3, 4, 6, 6]
