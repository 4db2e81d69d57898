"""What one device runs: as it reported over its own API, and as the server believes after it installed."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import Clouds, Used
from hawkbit_server import Hawkbit
from players import Operator, Player

from otabridge import NotFoundError, ValidationError

# What other tests leave on the server that no call can delete.
pytestmark = pytest.mark.filterwarnings("ignore:.*cannot tell:UserWarning")

Rows = set[tuple[str, str, str]]


def told(rows: list[Any]) -> Rows:
    """Module, version and source of each row."""
    found = {(row.module, row.version, row.source) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def player(operator: Operator, device_http: httpx.Client) -> Player:
    """A device that has registered."""
    made = Player(device_http, operator.name("device"))
    made.poll()
    return made


# --- reported ---------------------------------------------------------------------------------------------------------


def test_what_a_device_reports_is_reported(cloud: Used, operator: Operator, player: Player, tenant: str) -> None:
    mcu, ble = (operator.type()["key"] for _ in range(2))
    player.report({f"{mcu}_version": "1.0 é😀", f"{ble}_version": "2", "kernel": "6.1", "x_version": "3"})
    rows = cloud.devices.versions(player.device, product=tenant)
    assert told(rows) == {(mcu, "1.0 é😀", "reported"), (ble, "2", "reported")}
    assert {(row.product, row.device, row.device_id) for row in rows} == {(tenant, player.device, None)}


def test_a_module_that_a_device_says_nothing_of_has_no_row(
    cloud: Used, operator: Operator, player: Player, tenant: str
) -> None:
    mcu, _ = (operator.type()["key"] for _ in range(2))
    player.report({f"{mcu}_version": "1"})
    assert told(cloud.devices.versions(player.device, product=tenant)) == {(mcu, "1", "reported")}


def test_a_silent_device_has_no_rows(cloud: Used, player: Player, tenant: str) -> None:
    assert cloud.devices.versions(player.device, product=tenant) == []


def test_a_device_that_never_called_has_no_rows(cloud: Used, operator: Operator, tenant: str) -> None:
    (made,) = operator.targets(operator.name("never"))
    assert cloud.devices.versions(made["controllerId"], product=tenant) == []


@pytest.mark.parametrize("ask", ["get", "versions"])
@pytest.mark.parametrize("mode", ["single", "prefix"])
def test_an_unknown_device_is_not_found(
    clouds: Clouds, operator: Operator, hawkbit: Hawkbit, ask: str, mode: str
) -> None:
    product = hawkbit.tenant if mode == "single" else operator.prefix
    used = clouds.of(hawkbit, product_mode=mode)
    with pytest.raises(NotFoundError):
        getattr(used.devices, ask)(operator.name("nobody"), product=product)


TEMPLATES = {
    "{module}_version": "{key}_version",
    "otabridge.{module}": "otabridge.{key}",
    "{product}/{module}": "DEFAULT/{key}",
    "ver {module} é": "ver {key} é",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_attribute_is_named_by_a_template(
    clouds: Clouds, operator: Operator, player: Player, hawkbit: Hawkbit, template: str
) -> None:
    key = operator.type()["key"]
    player.report({TEMPLATES[template].format(key=key): "4.2"})
    used = clouds.of(hawkbit, version_attribute=template)
    assert told(used.devices.versions(player.device, product=hawkbit.tenant)) == {(key, "4.2", "reported")}


def test_firmware_is_reported_as_os(cloud: Used, player: Player, tenant: str) -> None:
    player.report({"os_version": "5.4"})
    assert told(cloud.devices.versions(player.device, product=tenant)) == {("@firmware", "5.4", "reported")}


def test_with_prefixes_the_module_alone_names_the_attribute(prefixed: Used, operator: Operator, player: Player) -> None:
    operator.type(f"{operator.prefix}.mcu")
    operator.type(f"{operator.prefix}.os")
    player.report({"mcu_version": "1", "os_version": "2"})
    rows = prefixed.devices.versions(player.device, product=operator.prefix)
    assert told(rows) == {("mcu", "1", "reported"), ("@firmware", "2", "reported")}


# --- believed ---------------------------------------------------------------------------------------------------------


def test_what_a_device_installed_is_believed_beside_what_it_reports(
    cloud: Used, operator: Operator, player: Player, tenant: str, firmware: Path
) -> None:
    mcu, ble = (operator.type()["key"] for _ in range(2))
    made = [cloud.packages.publish(firmware, product=tenant, module=key, version="2.0") for key in (mcu, ble)]
    units = [operator.get(f"/softwaremodules/{package.id}") for package in made]
    operator.assign(operator.set_of(*units), player.device)
    installed = player.install()
    assert {(done.part, done.version, done.files["app.bin"]) for done in installed} == {
        (mcu, "2.0", firmware.read_bytes()),
        (ble, "2.0", firmware.read_bytes()),
    }
    player.report({f"{mcu}_version": "2.0", f"{ble}_version": "1.9"})
    assert told(cloud.devices.versions(player.device, product=tenant)) == {
        (mcu, "2.0", "reported"),
        (ble, "1.9", "reported"),
        (mcu, "2.0", "believed"),
        (ble, "2.0", "believed"),
    }


@pytest.fixture
def installed(operator: Operator, player: Player) -> dict[str, Any]:
    """A software module, of the product of the prefix, that the device has installed."""
    operator.type(f"{operator.prefix}.mcu")
    made = operator.module(f"{operator.prefix}.mcu", "3.0")
    operator.assign(operator.set_of(made), player.device)
    player.install()
    return made


def test_an_assignment_is_not_believed_before_it_is_installed(
    prefixed: Used, operator: Operator, player: Player
) -> None:
    operator.type(f"{operator.prefix}.mcu")
    operator.assign(operator.set_of(operator.module(f"{operator.prefix}.mcu", "3.0")), player.device)
    player.install(success=False)
    with pytest.raises(NotFoundError, match="reports no module of product"):
        prefixed.devices.versions(player.device, product=operator.prefix)


def test_what_is_believed_is_of_its_product_alone(
    prefixed: Used, operator: Operator, player: Player, installed: dict[str, Any]
) -> None:
    operator.type(f"{operator.prefix}x.mcu")
    assert told(prefixed.devices.versions(player.device, product=operator.prefix)) == {("mcu", "3.0", "believed")}
    with pytest.raises(NotFoundError, match="reports no module of product"):
        prefixed.devices.versions(player.device, product=f"{operator.prefix}x")


def test_what_is_believed_outlives_its_package(
    prefixed: Used, operator: Operator, player: Player, installed: dict[str, Any]
) -> None:
    operator.ask("DELETE", f"/softwaremodules/{installed['id']}")
    rows = prefixed.devices.versions(player.device, product=operator.prefix)
    assert told(rows) == {("mcu", "3.0", "believed")}


# --- devices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["é中😀", "?#", "+", "*", ":", '"', "'", ",", "..", "a&b=c", "@"])
def test_a_device_of_any_name_is_found(
    cloud: Used, operator: Operator, device_http: httpx.Client, tenant: str, text: str
) -> None:
    key, name = operator.type()["key"], operator.name(text)
    operator.targets(name)
    player = Player(device_http, name)
    player.poll()
    player.report({f"{key}_version": "1"})
    assert cloud.devices.get(name, product=tenant).name == name
    assert told(cloud.devices.versions(name, product=tenant)) == {(key, "1", "reported")}


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a;b", "a%b", "a b", "x" * 257])
def test_a_name_that_no_address_leads_to_is_refused_before_anything_is_sent(
    cloud: Used, tenant: str, name: str
) -> None:
    for call in (cloud.devices.get, cloud.devices.versions):
        with pytest.raises(ValidationError) as caught:
            call(name, product=tenant)
        assert caught.value.field == "device.name"


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_is_a_step_of_a_path_leads_nowhere_else(cloud: Used, tenant: str, name: str) -> None:
    for call in (cloud.devices.get, cloud.devices.versions):
        with pytest.raises(ValidationError) as caught:
            call(name, product=tenant)
        assert caught.value.field == "device.name"


def test_names_that_differ_in_case_are_two(
    cloud: Used, operator: Operator, device_http: httpx.Client, tenant: str
) -> None:
    key = operator.type()["key"]
    for name in ("a", "A"):
        player = Player(device_http, operator.name(name))
        player.poll()
        player.report({f"{key}_version": name})
    found = {name: cloud.devices.versions(operator.name(name), product=tenant) for name in ("a", "A")}
    assert {name: told(rows) for name, rows in found.items()} == {n: {(key, n, "reported")} for n in ("a", "A")}


def test_a_device_has_no_id_beside_its_name(cloud: Used, tenant: str) -> None:
    with pytest.raises(ValidationError, match="no id"):
        cloud.devices.get(id="7", product=tenant)


def test_a_device_that_called_is_online_and_one_that_never_did_is_inactive(
    cloud: Used, operator: Operator, player: Player, tenant: str
) -> None:
    (never,) = operator.targets(operator.name("never"))
    found = [cloud.devices.get(name, product=tenant).status for name in (player.device, never["controllerId"])]
    assert found == ["online", "inactive"]


def test_the_token_of_a_device_is_shown_to_nobody(cloud: Used, operator: Operator, tenant: str) -> None:
    (made,) = operator.targets(operator.name("never"))
    assert made["securityToken"]
    found = cloud.devices.get(made["controllerId"], product=tenant)
    listed = [device for device in cloud.devices.list() if device.name == found.name]
    assert found.raw
    assert found.raw["controllerId"] == found.name
    assert made["securityToken"] not in f"{found.raw} {found} {[row.raw for row in listed]} {listed}"


def test_small_pages_show_every_device_once_in_order(cloud: Used, operator: Operator) -> None:
    names = [operator.name(f"device{number}") for number in range(7)]
    for name in names:
        operator.targets(name)
    listed = [device.name for device in cloud.devices.list(page_size=3)]
    assert len(listed) == len(set(listed))
    assert [name for name in listed if name in names] == names


def test_with_prefixes_a_device_is_of_each_product_whose_module_it_reports(
    prefixed: Used, operator: Operator, player: Player
) -> None:
    products = [f"{operator.prefix}{letter}" for letter in "abc"]
    for product, module in zip(products, ("mcu", "ble", "ui"), strict=True):
        operator.type(f"{product}.{module}")
    player.report({"mcu_version": "1", "ble_version": "1"})
    found = {product: [device.name for device in prefixed.devices.list(product=product)] for product in products}
    assert found == {products[0]: [player.device], products[1]: [player.device], products[2]: []}
    everywhere = [device.product for device in prefixed.devices.list() if device.name == player.device]
    assert everywhere == products[:2]


def test_with_prefixes_a_device_of_another_product_is_not_found(
    prefixed: Used, operator: Operator, player: Player
) -> None:
    operator.type(f"{operator.prefix}.mcu")
    with pytest.raises(NotFoundError, match=re.escape(player.device)):
        prefixed.devices.get(player.device, product=operator.prefix)


# --- counted, while there are few devices -----------------------------------------------------------------------------


def test_what_is_believed_is_told_beside_what_is_reported_and_not_counted(
    clouds: Clouds, operator: Operator, device_http: httpx.Client, hawkbit: Hawkbit
) -> None:
    operator.type(f"{operator.prefix}.mcu")
    player = Player(device_http, operator.name("device"))
    player.poll()
    operator.assign(operator.set_of(operator.module(f"{operator.prefix}.mcu", "3.0")), player.device)
    player.install()
    player.report({f"{operator.prefix}-mcu": "2.9"})
    used = clouds.of(hawkbit, product_mode="prefix", version_attribute="{product}-{module}")
    rows = used.fleet.versions(product=operator.prefix)
    assert {(row.version, row.source) for row in rows} == {("2.9", "reported"), ("3.0", "believed")}
    counts = [used.fleet.count(product=operator.prefix, version=version) for version in ("2.9", "3.0", None)]
    assert counts == [1, 0, 1]


@pytest.mark.parametrize("template", ["{product}.{module}", "{product} {module}", "é{product}{module}"])
def test_attributes_that_a_search_cannot_name_are_counted_all_the_same(
    clouds: Clouds, operator: Operator, device_http: httpx.Client, hawkbit: Hawkbit, template: str
) -> None:
    operator.type(f"{operator.prefix}.mcu")
    player = Player(device_http, operator.name("device"))
    player.poll()
    player.report({template.format(product=operator.prefix, module="mcu"): "1"})
    used = clouds.of(hawkbit, product_mode="prefix", version_attribute=template)
    counts = [used.fleet.count(product=operator.prefix, version=version) for version in ("1", "2", None)]
    assert counts == [1, 0, 1]
