"""Devices as the facade tells them: filtered, and found by an id that is made of product and name."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.huawei import report


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"start_time": "2023-02-11"}, "IOTDA.000009"),
        ({"end_time": "20230231T121212Z"}, "IOTDA.000009"),
        ({"start_time": "20230211T121212Z", "end_time": "20230211T121212Z"}, "IOTDA.000010"),
        ({"gateway_id": "a", "is_cascade_query": "perhaps"}, "IOTDA.000006"),
        ({"node_id": "a b"}, "IOTDA.000006"),
        ({"device_name": "a" * 257}, "IOTDA.000006"),
        ({"gateway_id": "a" * 129}, "IOTDA.000006"),
        ({"product_id": "a.b"}, "IOTDA.000006"),
    ],
)
def test_a_broken_filter_of_devices_is_refused(mirror: Any, query: dict[str, str], code: str) -> None:
    assert mirror.refused("GET", "devices", **query) == (400, code)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["b_2", "b_1", "a_1"]),
        ({"product_id": "p"}, ["b_2", "a_1"]),
        ({"node_id": "b_1"}, ["b_1"]),
        ({"node_id": "a_1"}, ["a_1"]),
        ({"node_id": "nobody"}, []),
        ({"product_id": "p", "node_id": "b_1"}, []),
        ({"device_name": "b_2", "product_id": "p"}, ["b_2"]),
        ({"device_name": "b_2", "node_id": "a_1"}, []),
        ({"gateway_id": "p_a_1"}, []),
        ({"start_time": "20190101T000000Z"}, ["b_2", "b_1", "a_1"]),
        ({"start_time": "20210101T000000Z"}, []),
        ({"end_time": "20190101T000000Z"}, []),
    ],
)
def test_devices_are_filtered(mirror: Any, query: dict[str, str], found: list[str]) -> None:
    for product, device in (("p", "a_1"), ("q", "b_1"), ("p", "b_2")):
        report(mirror, product, device, mcu="1")
    status, told = mirror.ask("GET", "devices", **query)
    assert (status, [row["node_id"] for row in told["devices"]]) == (200, found)
    assert told["page"]["count"] == len(found)


def test_a_name_of_several_products_devices_gives_them_all(mirror: Any) -> None:
    for product in "pqr":
        report(mirror, product, "unit", mcu="1")
    _, told = mirror.ask("GET", "devices", node_id="unit", limit="2")
    assert ([row["product_id"] for row in told["devices"]], told["page"]["count"]) == (["r", "q"], 3)


@pytest.mark.parametrize(("product", "device"), [("p", "a"), ("p_q", "a"), ("p", "a_b_c"), ("p_q", "a_b"), ("p", "_a")])
def test_a_device_is_found_wherever_its_id_must_be_parted(mirror: Any, product: str, device: str) -> None:
    report(mirror, product, device, mcu="1")
    status, told = mirror.ask("GET", f"devices/{product}_{device}")
    assert (status, told["product_id"], told["node_id"]) == (200, product, device)


@pytest.mark.parametrize(
    ("found", "answer"),
    [("p_nobody", (404, "IOTDA.014000")), ("nobody", (404, "IOTDA.014000")), ("a?b", (400, "IOTDA.000006"))],
)
def test_a_device_that_is_not_there(mirror: Any, found: str, answer: tuple[int, str]) -> None:
    assert mirror.refused("GET", f"devices/{found}") == answer


def test_a_device_was_active_when_it_first_reported_and_connected_when_it_last_did(mirror: Any) -> None:
    report(mirror, "p", "a", mcu="1")
    mirror.now += timedelta(milliseconds=1500)
    report(mirror, "p", "a", ble="1")
    _, told = mirror.ask("GET", "devices/p_a")
    assert told["active_time"] == "2026-01-02T03:04:05.000Z"
    assert told["connection_status_update_time"] == "2026-01-02T03:04:06.500Z"


def test_a_device_tells_either_name_of_its_whole_firmware(mirror: Any) -> None:
    report(mirror, "p", "a", **{"@firmware": "1", "@software": "2", "mcu": "3"})
    _, told = mirror.ask("GET", "devices/p_a")
    assert (told["fw_version"], told["sw_version"]) == ("1", "2")
    assert told["modules"] == [{"module_name": "mcu", "module_version": "3"}]
    report(mirror, "p", "a", **{"@default": "9"})
    assert mirror.ask("GET", "devices/p_a")[1]["fw_version"] == "9"
