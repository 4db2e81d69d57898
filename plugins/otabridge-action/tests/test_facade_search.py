"""The facade's search for devices by a small SQL: what it finds, and which statements it refuses."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from otabridge_action.facade_codes import Refusal
from otabridge_action.facade_devices import iot_id
from otabridge_action.facade_search import read

from otabridge.models import ModuleVersion


def version(device: str, module: str = "@default", number: str = "1.0", product: str = "p1") -> ModuleVersion:
    return ModuleVersion(product=product, device=device, module=module, version=number)


def search(mirror: Any, statement: str) -> dict[str, Any]:
    told: dict[str, Any] = mirror.ask("QueryDeviceBySQL", SQL=statement, IotInstanceId="any")
    return told


def test_a_search_gives_what_is_installed(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(version("d1", "mcu", "2"), version("d1", "@default", "1"), version("d2", product="p2"))
    (row,) = search(mirror, 'SELECT * FROM device WHERE product_key = "p1" ORDER BY gmt_create LIMIT 0,50')["Data"]
    installed = {module["ModuleName"]: module["FirmwareVersion"] for module in row["OTAModules"]}
    assert installed == {"mcu": "2", "default": "1"}
    assert (row["ProductKey"], row["DeviceName"], row["IotId"]) == ("p1", "d1", iot_id("p1", "d1"))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("", ["b", "a", "b", "a"]),
        ("where product_key='p1'", ["b", "a"]),
        ('WHERE name = "a"', ["a", "a"]),
        ('WHERE name = "a" AND product_key = "p2"', ["a"]),
        ("WHERE status = 'OFFLINE' and name='b'", ["b", "b"]),
        ("WHERE status = 'ONLINE'", []),
        ("WHERE name = 'a and b'", []),
    ],
)
def test_a_search_has_conditions(make_mirror: Any, where: str, names: list[str]) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(*(version(name, product=product) for product in ("p2", "p1") for name in "ab"))
    assert [row["DeviceName"] for row in search(mirror, f"SELECT * FROM device {where}")["Data"]] == names
    assert search(mirror, f"SELECT count(*) FROM device {where}")["TotalCount"] == len(names)


@pytest.mark.parametrize("size", [1, 5, 23, 50])
def test_a_search_can_be_walked(make_mirror: Any, size: int) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(*(version(f"d{number:02}") for number in range(23)))
    names = []
    for offset in range(0, 30, size):
        rows = search(mirror, f'SELECT * FROM device WHERE product_key = "p1" LIMIT {offset},{size}')["Data"]
        names += [row["DeviceName"] for row in rows]
    assert names == [f"d{number:02}" for number in range(22, -1, -1)]


def test_a_search_may_begin_anywhere(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    mirror.report(*(version(f"d{number:02}") for number in range(23)))
    rows = search(mirror, "SELECT * FROM device LIMIT 3,4")["Data"]
    assert [row["DeviceName"] for row in rows] == ["d19", "d18", "d17", "d16"]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("", ""),
        ("DELETE FROM device", ""),
        ("SELECT * FROM other", ""),
        (f"SELECT * FROM device WHERE name = '{'a' * 400}'", ""),
        ("SELECT * FROM device LIMIT 51", "Offset"),
        ("SELECT * FROM device LIMIT 0", "Offset"),
        ("SELECT * FROM device LIMIT 9960,50", "Offset"),
        ("SELECT * FROM device LIMIT a", "Offset"),
        ("SELECT * FROM device WHERE colour = 'red'", "Field"),
        ("SELECT * FROM device WHERE " + " AND ".join(["name = 'a'"] * 6), "Condition"),
        ("SELECT * FROM device WHERE name", "Condition"),
        ("SELECT * FROM device WHERE name LIKE 'a%'", "OperatorType"),
        ("SELECT * FROM device WHERE name = a", "Param"),
        ("SELECT * FROM device ORDER BY name", "Order"),
    ],
)
def test_a_statement_that_is_not_understood_is_refused(statement: str, what: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(statement)
    assert caught.value.code == f"iot.devicesearch.InvalidSQL{what}Error"


@given(
    st.text(max_size=400)
    | st.text("SELECT*FROMdeviceWHEREname='\", ANDlimit0123", max_size=120).map("SELECT * FROM device {}".format)
)
def test_no_statement_breaks_the_search(statement: str) -> None:
    with suppress(Refusal):
        assert 1 <= read(statement).rows <= 50


def test_a_search_needs_an_instance(make_mirror: Any) -> None:
    assert make_mirror("aliyun").refused("QueryDeviceBySQL", SQL="SELECT * FROM device") == "MissingIotInstanceId"
