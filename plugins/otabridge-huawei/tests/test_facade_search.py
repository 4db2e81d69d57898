"""The search: what the subset of SQL allows, what it refuses and names, and what it finds."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otabridge_huawei import schema_names as names
from otabridge_huawei.facade_sql import Condition, Query, parse
from otabridge_huawei.tables import SQL_LENGTH

from otabridge.errors import ValidationError
from otabridge.models import ModuleVersion

UNITS = [("p", f"unit-{number:02}") for number in range(12)] + [("q_r", f"unit-{number:02}") for number in range(5)]
PATH = "search/query-devices"


# --- the grammar ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("select * from device", Query()),
        ("  SELECT\n*\tFrom DEVICE  ", Query()),
        ("select count(*) from device", Query(counts=True)),
        ("select COUNT ( 1 ) from device", Query(counts=True)),
        ("select node_id, marker from device", Query(columns=("name", "marker"))),
        ("select * from device limit 50", Query(rows=50)),
        ("select * from device limit 500,1", Query(offset=500, rows=1)),
        ("select * from device order by marker desc", Query()),
        ("select * from device order by marker asc limit 3, 4", Query(ascending=True, offset=3, rows=4)),
        (
            "select * from device where product_id='P' And node_id != 'a b' or status in ('ONLINE' , 'OFFLINE')",
            Query(
                where=(
                    (Condition("product", "=", ("P",)), Condition("name", "!=", ("a b",))),
                    (Condition("status", "in", ("ONLINE", "OFFLINE")),),
                )
            ),
        ),
        (
            "select * from device where device_name like '主控 (_-1)%' and group_id NOT IN ('g')",
            Query(where=((Condition("shown", "like", ("主控 (_-1)%",)), Condition("group", "not in", ("g",))),)),
        ),
        (
            "select * from device where create_time > 'x' and marker<'y'",
            Query(where=((Condition("created_at", ">", ("x",)), Condition("marker", "<", ("y",))),)),
        ),
    ],
)
def test_the_subset_is_read(sql: str, query: Query) -> None:
    assert parse(sql) == query


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("", "the end"),
        ("update device", "update"),
        ("select * from devices", "devices"),
        ("select * from device;", ";"),
        ("select colour from device", "colour"),
        ("select max(node_id) from device", "max"),
        ("select count(node_id) from device", "node_id"),
        ("select count(2) from device", "2"),
        ("select *, node_id from device", ","),
        ("select * from device where", "the end"),
        ("select * from device where colour = 'red'", "colour"),
        ("select * from device where Node_Id = 'a'", "Node_Id"),
        ("select * from device where 'a' = 'a'", "'a'"),
        ("select * from device where node_id = a", "a"),
        ('select * from device where node_id = "a"', '"'),
        ("select * from device where node_id = ''", "''"),
        ("select * from device where node_id = 'a", "'"),
        ("select * from device where node_id = 'it''s'", "'s'"),
        ("select * from device where node_id >= 'a'", ">="),
        ("select * from device where node_id <> 'a'", "<>"),
        ("select * from device where node_id > 'a'", ">"),
        ("select * from device where status like 'ONLI%'", "like"),
        ("select * from device where node_id like 'abc%'", "abc%"),
        ("select * from device where node_id like '%abcd'", "%abcd"),
        ("select * from device where node_id like 'ab%cd%'", "ab%cd%"),
        ("select * from device where node_id like 'abcd'", "abcd"),
        ("select * from device where tag_key in ('a')", "in"),
        ("select * from device where node_id not like 'abcd%'", "not"),
        ("select * from device where node_id is null", "is"),
        ("select * from device where node_id in 'a'", "'a'"),
        ("select * from device where node_id in ()", ")"),
        ("select * from device where (node_id = 'a')", "("),
        ("select * from device where node_id = 'a' xor node_id = 'b'", "xor"),
        ("select * from device where " + " or ".join(["node_id = 'a'"] * 6), "at most 5"),
        ("select * from device order by node_id", "node_id"),
        ("select * from device group by node_id", "group"),
        ("select * from device limit", "the end"),
        ("select * from device limit 0", "0,0"),
        ("select * from device limit 51", "0,51"),
        ("select * from device limit 501,1", "501,1"),
        ("select * from device limit 99999999999999999999,1", "999999999,1"),
        ("select * from device limit '5'", "'5'"),
        ("select * from device limit -1", "-"),
        (f"select * from device where node_id = '{'a' * SQL_LENGTH}'", "400"),
    ],
)
def test_what_the_subset_has_not_is_named(sql: str, named: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(sql)
    assert named in caught.value.limit


TOKENS = (
    """* ( ) , ' = < > ! ; select from device where and or in not limit order by 'a' count marker node_id 10 like"""
)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.lists(st.sampled_from(TOKENS.split()), max_size=30).map(" ".join))
def test_any_text_is_read_or_refused_with_its_rule(sql: str) -> None:
    try:
        read = parse(sql)
    except ValidationError as error:
        read, rule = None, error.limit
    assert isinstance(read, Query) or rule


# --- what is found ----------------------------------------------------------------------------------------------------


def fill(mirror: Any) -> None:
    """Two products' devices; every third has version 0 of the firmware, the next 1, the next none."""
    rows = []
    for place, (product, device) in enumerate(UNITS):
        rows.append(ModuleVersion(product=product, device=device, module="mcu", version="2"))
        if place % 3 < 2:
            firmware = ("@default", "@firmware")[place % 2]
            rows.append(ModuleVersion(product=product, device=device, module=firmware, version=str(place % 3)))
    mirror.cloud.devices.report_versions(rows)


def found(mirror: Any, sql: str) -> list[tuple[str, str]]:
    status, told = mirror.ask("POST", PATH, {"sql": sql})
    assert status == 200, told
    return [(row["product_id"], row["node_id"]) for row in told["devices"]]


WHERE = [
    ("", lambda product, unit, place: True),
    ("product_id = 'p'", lambda product, unit, place: product == "p"),
    ("product_id != 'p'", lambda product, unit, place: product != "p"),
    ("product_id in ('p','x')", lambda product, unit, place: product == "p"),
    ("product_id = 'p' and product_id = 'q_r'", lambda product, unit, place: False),
    ("node_id = 'unit-03'", lambda product, unit, place: unit == "unit-03"),
    ("device_id = 'q_r_unit-03'", lambda product, unit, place: (product, unit) == ("q_r", "unit-03")),
    ("gateway_id = 'p_unit-03'", lambda product, unit, place: (product, unit) == ("p", "unit-03")),
    ("device_name like 'unit-0%'", lambda product, unit, place: unit.startswith("unit-0")),
    ("node_id not in ('unit-00','unit-01')", lambda product, unit, place: unit not in ("unit-00", "unit-01")),
    ("fw_version = '1'", lambda product, unit, place: place % 3 == 1),
    ("fw_version != '1'", lambda product, unit, place: place % 3 != 1),
    ("product_id = 'p' and fw_version in ('0','1')", lambda product, unit, place: product == "p" and place % 3 < 2),
    ("sw_version = '1'", lambda product, unit, place: False),
    ("status = 'OFFLINE'", lambda product, unit, place: True),
    ("status = 'ONLINE' or node_type = 'GATEWAY'", lambda product, unit, place: True),
    ("tag_key = 'a'", lambda product, unit, place: False),
    ("group_id = 'a'", lambda product, unit, place: False),
    ("create_time > '20190101T000000Z'", lambda product, unit, place: True),
    ("create_time < '2019-01-01T00:00:00.000Z'", lambda product, unit, place: False),
    ("app_id = '61f7e74d036aca5be29e1ed4'", lambda product, unit, place: True),
    ("marker < '(third)'", lambda product, unit, place: place < 3),
    ("marker > '(third)'", lambda product, unit, place: place > 3),
    ("marker = '(third)'", lambda product, unit, place: place == 3),
    (
        "product_id = 'q_r' and node_id = 'unit-01' or product_id = 'p' and node_id = 'unit-02'",
        lambda product, unit, place: (product, unit) in (("q_r", "unit-01"), ("p", "unit-02")),
    ),
]


@pytest.mark.parametrize(("where", "fits"), WHERE, ids=[where or "all" for where, _ in WHERE])
def test_devices_are_found_counted_and_ordered(mirror: Any, where: str, fits: Any) -> None:
    fill(mirror)
    if "(third)" in where:
        _, told = mirror.ask("POST", PATH, {"sql": "select marker from device order by marker asc limit 3,1"})
        where = where.replace("(third)", told["devices"][0]["marker"])
    clause = f" where {where}" if where else ""
    expected = [unit for place, unit in enumerate(UNITS) if fits(*unit, place)][::-1]
    assert found(mirror, f"select * from device{clause} order by marker desc limit 50") == expected
    assert found(mirror, f"select * from device{clause} order by marker asc limit 50") == expected[::-1]
    assert found(mirror, f"select * from device{clause} order by marker asc limit 1,2") == expected[::-1][1:3]
    assert found(mirror, f"select * from device{clause} order by marker desc limit 1,2") == expected[1:3]
    _, told = mirror.ask("POST", PATH, {"sql": f"select count(*) from device{clause}"})
    assert told == {"count": len(expected)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 20), product=st.booleans())
def test_a_search_goes_on_at_any_row_s_marker(mirror: Any, size: int, product: bool) -> None:
    fill(mirror)
    owner = "product_id = 'p' and " if product else ""
    rows: list[dict[str, Any]] = []
    below = "f" * 24
    while True:
        sql = f"select * from device where {owner}marker < '{below}' order by marker desc limit {size}"
        _, told = mirror.ask("POST", PATH, {"sql": sql})
        if not told["devices"]:
            break
        rows += told["devices"]
        below = rows[-1]["marker"]
    expected = [unit for unit in UNITS if not product or unit[0] == "p"][::-1]
    assert [(row["product_id"], row["node_id"]) for row in rows] == expected
    markers = [row["marker"] for row in rows]
    assert markers == sorted({*markers}, reverse=True)


def test_only_the_columns_that_are_asked_for_are_given(mirror: Any) -> None:
    fill(mirror)
    sql = "select node_id, fw_version from device where node_id = 'unit-04' and product_id = 'p'"
    assert mirror.ask("POST", PATH, {"sql": sql}) == (200, {"devices": [{"node_id": "unit-04", "fw_version": "1"}]})


def test_a_row_has_modules_and_no_description(mirror: Any) -> None:
    fill(mirror)
    _, told = mirror.ask("POST", PATH, {"sql": "select * from device limit 1"})
    (row,) = told["devices"]
    assert row["modules"] == [{"module_name": "mcu", "module_version": "2"}]
    assert set(row) <= {*names.SEARCHED.values()}
    assert "description" not in row


def test_versions_are_read_of_the_rows_that_are_given_alone(mirror: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(mirror)
    store, read = mirror.facade.store, []
    versions = store.list_module_versions
    monkeypatch.setattr(
        store, "list_module_versions", lambda **given: read.append(given["device"]) or versions(**given)
    )
    assert len(found(mirror, "select * from device where product_id = 'p' order by marker desc limit 3,2")) == 2
    assert sorted(read) == ["unit-07", "unit-08"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (400, "IOTDA.000006")),
        ({"sql": 5}, (400, "IOTDA.000006")),
        ({"sql": ""}, (400, "IOTDA.000006")),
        ({"sql": "select * from device where marker < 'z'"}, (400, "IOTDA.000018")),
        ({"sql": "select * from device where create_time > 'yesterday'"}, (400, "IOTDA.000009")),
        ({"sql": "select * from device where product_id = '\ud800'"}, (400, "IOTDA.000006")),
    ],
)
def test_a_broken_search_is_refused(mirror: Any, body: dict[str, Any], answer: tuple[int, str]) -> None:
    assert mirror.refused("POST", PATH, body) == answer
