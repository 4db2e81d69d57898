"""Products and the spaces that they belong to."""

from pathlib import Path
from typing import Any

import pytest
from otabridge_huawei import facade_tables as tables

from otabridge.serve import kept
from otabridge.serve.kept import Keeper
from tests.support.huawei import PRODUCT, module, package, report


def test_a_product_belongs_to_the_space_that_something_was_made_of_it_in(mirror: Any) -> None:
    mirror.ask("POST", "ota-upgrades/modules", module(mirror, app_id="mine"))
    mirror.cloud.modules.create("free", product="q")

    def listed(app: str) -> list[tuple[str, str]]:
        _, told = mirror.ask("GET", "ota-upgrades/modules", app_id=app)
        assert told["page"]["count"] == len(told["modules"])
        return [(row["module_name"], row["app_id"]) for row in told["modules"]]

    assert listed("mine") == [("free", "mine"), ("MCU", "mine")]
    assert listed("yours") == [("free", "yours")]
    assert mirror.ask("GET", "ota-upgrades/modules", app_id="yours", product_id=PRODUCT)[1]["modules"] == []
    _, told = mirror.ask("GET", "apps")
    assert [(row["app_id"], row["default_app"]) for row in told["applications"]] == [
        (mirror.app, True),
        ("mine", False),
    ]
    assert len(mirror.ask("GET", "apps", default_app="false")[1]["applications"]) == 1


def test_what_is_made_of_a_product_in_another_space_is_in_that_one_and_moves_nothing(mirror: Any) -> None:
    def listed(what: str, app: str, **query: str) -> list[tuple[str, str]]:
        _, told = mirror.ask("GET", f"ota-upgrades/{what}", app_id=app, **query)
        assert told["page"]["count"] == len(told[what])
        assert {row["app_id"] for row in told[what]} <= {app}
        return [row.get("version") or row["module_name"] for row in told[what]]

    for app, name in (("mine", "MCU"), ("yours", "radio")):
        _, made = mirror.ask("POST", "ota-upgrades/modules", module(mirror, name, app_id=app))
        assert made["app_id"] == app
        assert mirror.ask("GET", f"ota-upgrades/modules/{made['module_id']}")[1]["app_id"] == app
    for app, version in (("mine", "V1"), ("yours", "V2")):
        _, made = mirror.ask("POST", "ota-upgrades/packages", package(mirror, app_id=app, version=version))
        assert made["app_id"] == app
    for query in ({}, {"product_id": PRODUCT}):
        assert [listed("modules", app, **query) for app in ("mine", "yours", "other")] == [["MCU"], ["radio"], []]
        kind = {"package_type": "modulePackage", **query}
        assert [listed("packages", app, **kind) for app in ("mine", "yours", "other")] == [["V1"], ["V2"], []]
    assert mirror.ask("GET", f"products/{PRODUCT}")[1]["app_id"] == "mine"


def test_two_hosts_of_one_folder_know_each_other_s_spaces(
    make_mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PAUSE", 0.0)
    keepers = [Keeper(tmp_path / "serve") for _ in range(2)]
    first, second = (make_mirror(on=f"local:{tmp_path}", keeper=keeper) for keeper in keepers)
    for mirror, app, product in ((first, "mine", "p"), (second, "yours", "q")):
        mirror.ask("POST", "ota-upgrades/modules", module(mirror, app_id=app, product_id=product))
    for mirror in (first, second):
        told = mirror.ask("GET", "apps", default_app="false")[1]["applications"]
        assert [row["app_id"] for row in told] == ["mine", "yours"]
        assert [mirror.ask("GET", f"products/{product}")[1]["app_id"] for product in "pq"] == ["mine", "yours"]
    # What both make of one product, whoever's it is then, stays where it was made.
    for mirror, app, name in ((first, "mine", "a"), (second, "yours", "b")):
        mirror.ask("POST", "ota-upgrades/modules", module(mirror, name, app_id=app, product_id="r"))
    for mirror in (first, second):
        for app, name in (("mine", "a"), ("yours", "b")):
            _, told = mirror.ask("GET", "ota-upgrades/modules", app_id=app, product_id="r")
            assert [row["module_name"] for row in told["modules"]] == [name]
    for keeper in keepers:
        keeper.close()


def test_products_are_filtered_by_name(mirror: Any) -> None:
    for product in "pqr":
        report(mirror, product, "unit", mcu="1")
    _, told = mirror.ask("GET", "products", product_name="q")
    assert ([row["product_id"] for row in told["products"]], told["page"]["count"]) == (["q"], 1)


@pytest.mark.parametrize("found", ["nobody", "products/?"])
def test_a_product_that_is_not_there(mirror: Any, found: str) -> None:
    assert mirror.refused("GET", f"products/{found}".replace("products/products", "products"))[0] in (400, 404)


def test_spaces_without_end_are_not_all_remembered(mirror: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_SPACES", 3)
    for number in range(5):
        body = module(mirror, app_id=f"app{number}", product_id=f"p{number}")
        assert mirror.ask("POST", "ota-upgrades/modules", body)[0] == 201
    _, told = mirror.ask("GET", "apps", default_app="false")
    assert [row["app_id"] for row in told["applications"]] == ["app0", "app1", "app2"]
    _, told = mirror.ask("GET", "ota-upgrades/modules", app_id="app4")
    assert [row["product_id"] for row in told["modules"]] == ["p4", "p3"]
