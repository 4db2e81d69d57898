"""What an apply costs, before it is begun: calls by side, bytes, seconds by the declared rates, places."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import otabridge
from otabridge.capabilities import Capability
from otabridge.migrate.facts import Facts
from otabridge.migrate.model import MigrationPlan
from otabridge.pacing import CEILING
from otabridge.registry import Registry
from tests.migrate.planning import plan, published


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., MigrationPlan]:
    """A plan of two modules and three packages of ten bytes, with other facts of the destination."""
    with otabridge.connect(f"local:{tmp_path / 'old'}") as old:
        for name in ("mcu", "ble"):
            old.modules.create(name, product="p1", alias=name)
        for version in "123":
            published(old, tmp_path, "mcu", version, content=b"0123456789"[: 7 + int(version)])
    return lambda **more: plan(f"local:{tmp_path / 'old'}", f"local:{tmp_path / 'new'}", **more)


def paced(rates: dict[str, float], spends: Any = None) -> Callable[[Facts], Facts]:
    return lambda facts: replace(facts, rates=rates, spends=spends or {})


def test_calls_are_counted_by_side_and_operation(planned: Callable[..., MigrationPlan]) -> None:
    assert planned().estimate.calls == {
        "source": {"get_module": 2, "get_package": 3, "open_artifact": 3},
        "destination": {
            "create_module": 2,
            "create_package": 3,
            "get_module": 2,
            "get_package": 3,
            "stage_artifact": 3,
        },
    }


def test_bytes_are_those_of_what_is_to_be_made(planned: Callable[..., MigrationPlan]) -> None:
    assert planned().estimate.bytes == 8 + 9 + 10


@pytest.mark.parametrize(
    ("rates", "spends", "seconds"),
    [
        ({}, {}, 0.0),
        ({"*": 2.0}, {}, 3 / 2),
        ({"create_package": 0.5, "*": 100.0}, {}, 3 / 0.5),
        ({"One": 4.0, "Two": 2.0}, {}, 3 / 4),
        ({"One": 4.0, "Two": 2.0}, {Capability.CREATE_MODULE: ("Two", "Two")}, 4 / 2),
        ({"One": 1.0}, {Capability.CREATE_PACKAGE: ("One",), Capability.GET_PACKAGE: ("One", "One")}, 9 / 1),
        ({"One": 1.0}, dict.fromkeys(Capability, ()), 0.0),
    ],
)
def test_seconds_are_those_of_the_narrowest_quota(
    planned: Callable[..., MigrationPlan], rates: dict[str, float], spends: Any, seconds: float
) -> None:
    assert planned(facts=paced(rates, spends)).estimate.seconds == pytest.approx(seconds / CEILING, abs=0.001)


def test_what_is_adopted_costs_a_look_at_each_side(planned: Callable[..., MigrationPlan], tmp_path: Path) -> None:
    with otabridge.connect(f"local:{tmp_path / 'new'}") as new:
        for name in ("mcu", "ble"):
            new.modules.create(name, product="p1", alias=name)
        for version in "123":
            published(new, tmp_path, "mcu", version, content=b"0123456789"[: 7 + int(version)])
    estimate = planned().estimate
    assert estimate.calls == {side: {"get_module": 2, "get_package": 3} for side in ("source", "destination")}
    assert (estimate.bytes, estimate.slots) == (0, ())


@pytest.mark.parametrize(
    ("count", "used", "needed", "of"),
    [
        ("modules per product", 1, 2, "p1"),
        ("packages per product", 1, 3, "p1"),
        ("packages per module", 1, 3, "p1/mcu"),
        ("packages per account", 2, 3, "local:"),
        ("modules per instance", 2, 2, "local:"),
    ],
)
def test_places_are_counted_in_their_scope(
    planned: Callable[..., MigrationPlan], tmp_path: Path, count: str, used: int, needed: int, of: str
) -> None:
    with otabridge.connect(f"local:{tmp_path / 'new'}") as new:
        new.modules.create("there", product="p1")
        new.modules.create("there", product="p2")
        new.packages.create(product="p1", module="there", version="1", artifacts=[])
        new.packages.create(product="p2", module="there", version="1", artifacts=[])
        if count == "packages per module":
            new.modules.create("mcu", product="p1", alias="mcu")
            new.packages.create(product="p1", module="mcu", version="0", artifacts=[])
    made = planned(facts=lambda facts: replace(facts, limits=replace(facts.limits, counts={count: 9})))
    (slots,) = made.estimate.slots
    assert (slots.count, slots.limit, slots.used, slots.needed) == (count, 9, used, needed)
    assert slots.of.startswith(of)


@pytest.mark.parametrize("name", Registry().names())
def test_what_a_backend_says_its_calls_spend_are_quotas_of_its_own(name: str) -> None:
    backend = Registry().backend(name)
    assert {each for names in backend.spends.values() for each in names} <= backend.quotas.keys()
