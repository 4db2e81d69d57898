"""The versions of many devices, each as it reported: told completely, and counted by the server."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clients import Clouds, Used
from hawkbit_server import Hawkbit, Server
from players import Fleet, Operator, Player, fleet_of

# What other tests leave on the server that no call can delete.
pytestmark = pytest.mark.filterwarnings("ignore:.*cannot tell:UserWarning")

MODULES = ("mcu", "ui", "modem")
COLUMNS = [(module, version) for module in MODULES for version in ("1.0", "2.0")]


@pytest.fixture(scope="module")
def keeper(hawkbit: Hawkbit) -> Iterator[Operator]:
    """An operator for all tests of this file."""
    with Operator(hawkbit) as made:
        yield made
        assert made.tidy() == []


@pytest.fixture(scope="module")
def fleet(keeper: Operator) -> Fleet:
    """300 devices with three modules each, of which some are behind; the modules are of the product of the prefix."""
    for module in MODULES:
        keeper.type(f"{keeper.prefix}.{module}")
    return fleet_of(keeper, MODULES, attribute=f"{keeper.prefix}{{module}}")


@pytest.fixture
def product(keeper: Operator) -> str:
    return keeper.prefix


@pytest.fixture
def used(clouds: Clouds, hawkbit: Hawkbit, fleet: Fleet) -> Used:
    """A client that reads the fleet's attributes, and those of its product alone."""
    return clouds.of(hawkbit, product_mode="prefix", version_attribute="{product}{module}")


@pytest.mark.parametrize("size", [None, 7])
def test_a_fleet_is_told_completely(used: Used, product: str, fleet: Fleet, size: int | None) -> None:
    rows = used.fleet.versions(product=product, page_size=size)
    found = {(row.device, row.module): row.version for row in rows}
    assert len(rows) == len(found) == 900
    assert found == {(device, module): v for device, versions in fleet.items() for module, v in versions.items()}
    assert {(row.product, row.source) for row in rows} == {(product, "reported")}


def test_the_servers_count_equals_the_rows(used: Used, product: str, fleet: Fleet) -> None:
    expected = Counter((module, v) for versions in fleet.values() for module, v in versions.items())
    assert {(m, v): used.fleet.count(product=product, module=m, version=v) for m, v in COLUMNS} == expected
    assert min(expected.values()) > 20
    assert used.fleet.count(product=product) == 900
    assert used.fleet.count(product=product, version="1.0") == sum(n for (_, v), n in expected.items() if v == "1.0")


@pytest.mark.parametrize("version", ["2.*", "*", "9"])
def test_a_version_that_nobody_reports_is_counted_as_none(used: Used, product: str, version: str) -> None:
    assert used.fleet.count(product=product, module="mcu", version=version) == 0


def test_another_page_is_taken_up_by_its_cursor(used: Used, product: str, fleet: Fleet) -> None:
    first = used.do(lambda client: client.fleet.versions(product=product).first_page())
    rest = used.fleet.versions(product=product, cursor=first.cursor)
    assert len({(row.device, row.module) for row in (*first.items, *rest)}) == 900


def test_the_whole_server_is_told_where_no_product_is_named(used: Used, product: str, fleet: Fleet) -> None:
    rows = [row for row in used.fleet.versions() if row.product == product]
    assert len(rows) == 900


@pytest.mark.filterwarnings("default:.*cannot tell:UserWarning")
def test_a_device_that_no_address_leads_to_is_told_of_and_breaks_nothing(
    clouds: Clouds, operator: Operator, device_http: httpx.Client, own_server: Server, hawkbit: Hawkbit
) -> None:
    # It stays, since no call can delete it: so it has no prefix.
    lost, key = f"lost-{operator.prefix}/", operator.type()["key"]
    assert operator.ask("POST", "/targets", json=[{"controllerId": lost, "name": "n"}]).status_code == 201
    player = Player(device_http, operator.name("device"))
    player.poll()
    player.report({f"{key}_version": "1"})
    used = clouds.of(hawkbit)
    with pytest.warns(UserWarning, match="cannot tell") as caught:
        rows: list[Any] = used.fleet.versions()
    assert any(lost in str(warning.message) for warning in caught)
    assert [(row.device, row.version) for row in rows if row.module == key] == [(player.device, "1")]
    assert lost in {device.name for device in used.devices.list()}
