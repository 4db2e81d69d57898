"""Lists by marker over any store, what is counted, and that a restart changes nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otabridge_huawei.facade_marks import END, START, Marks, chained, is_marker

from otabridge.flow import Flow, Steps
from otabridge.local.backend import LocalBackend
from otabridge.models import Artifact, ModuleVersion, ObjectLocation, Page
from otabridge.serve.kept import Keeper

ARTIFACT = Artifact(name="a.bin", location=ObjectLocation(region="r", bucket="abc", key="a.bin"))


# --- markers ----------------------------------------------------------------------------------------------------------


@given(record=st.integers(1, 10**18 - 1), lists=st.integers(1, 3), index=st.integers(0, 2))
def test_a_record_s_number_is_its_marker(record: int, lists: int, index: int) -> None:
    marks, index = Marks(), min(index, lists - 1)
    marker = marks.marker("list", lists, f"{index} {record}", 5, named=True)
    assert is_marker(marker)
    assert int(marker[8:], 16) == record
    assert Marks().place("list", lists, marker).cursor == f"{index} {record}"


@given(passed=st.integers(1, 10**9), cursor=st.text(min_size=1, max_size=20).filter(lambda text: text[:1] != " "))
def test_another_store_s_cursor_is_found_again_or_counted_to(passed: int, cursor: str) -> None:
    marks = Marks()
    marker = marks.marker("list", 1, f"0 {cursor}", passed)
    assert is_marker(marker)
    assert END < marker < START
    known, forgotten = marks.place("list", 1, marker), Marks().place("list", 1, marker)
    assert (known.cursor, known.skip, known.passed) == (f"0 {cursor}", 0, passed)
    assert (forgotten.cursor, forgotten.skip, forgotten.passed) == (None, passed, passed)


@given(st.lists(st.integers(1, 10**9), min_size=2, unique=True))
def test_markers_that_count_rows_fall(counts: list[int]) -> None:
    marks = Marks()
    markers = [marks.marker("list", 1, "0 cursor", passed) for passed in sorted(counts)]
    assert markers == sorted({*markers}, reverse=True)


def test_markers_fall_from_one_list_to_the_next() -> None:
    marks = Marks()
    places = ["0 9", "0 3", "1 7", None]
    markers = [marks.marker("list", 2, place, 1, named=True) for place in places]
    assert markers == sorted({*markers}, reverse=True)


@pytest.mark.parametrize("marker", ["5c90fa7d3c4e4405e8525079", "fe" + "0" * 22, "00004" + "0" * 19])
def test_a_marker_above_every_record_is_the_beginning(marker: str) -> None:
    assert (Marks().place("list", 1, marker).cursor or "0 ") == "0 "


# --- stores -----------------------------------------------------------------------------------------------------------


class Paged(LocalBackend):
    """A store that pages by number: its cursors hold the size that a list began with, and no record's number."""

    traits = replace(LocalBackend.traits, cursors="position")

    def list_packages(self, **given: Any) -> Any:
        return self._paged(super().list_packages, **given)

    def list_modules(self, **given: Any) -> Any:
        return self._paged(super().list_modules, **given)

    def list_devices(self, **given: Any) -> Any:
        return self._paged(super().list_devices, **given)

    def list_products(self, **given: Any) -> Any:
        return self._paged(super().list_products, **given)

    def _paged(
        self, call: Callable[..., Any], *, cursor: str | None = None, limit: int | None = 20, **given: Any
    ) -> Any:
        def steps() -> Steps[Page[Any]]:
            start, size = json.loads(cursor) if cursor else (0, limit or 20)
            rows: list[Any] = []
            at, over = None, False
            while not over:
                page = yield from call(cursor=at, limit=200, **given)
                rows += page.items
                at, over = page.cursor, page.cursor is None
            following = json.dumps([start + size, size]) if start + size < len(rows) else None
            return Page(tuple(rows[start : start + size]), following, len(rows))

        return Flow(steps(), "paged")


@pytest.fixture(params=["records", "pages"])
def filled(request: pytest.FixtureRequest, mirror: Any) -> Any:
    """A facade over 2 products with 10 modules, 75 packages of 5 modules and 23 devices."""
    if request.param == "pages":
        store = Paged(mirror.facade.store.config, world=mirror.world)
        store._database = mirror.facade.store._database
        for part in ("_modules", "_packages", "_versions", "_artifacts"):
            setattr(store, part, getattr(mirror.facade.store, part))
        mirror.facade = type(mirror.facade)(store, mirror.site)
    for product in ("p", "q"):
        for number in range(5):
            mirror.cloud.modules.create(f"m{number}", product=product)
    for number in range(15):
        for module in ("m0", "@default", "@firmware", "@software", "m1"):
            mirror.cloud.packages.create(product="p", module=module, version=str(number), artifacts=[ARTIFACT])
    mirror.cloud.devices.report_versions(
        ModuleVersion(product="p", device=f"unit-{number:02}", module="m0", version="1") for number in range(23)
    )
    return mirror


LISTS: dict[str, tuple[str, str, dict[str, str], int]] = {
    "modules": ("ota-upgrades/modules", "module_id", {"app_id": "a"}, 10),
    "modules of a product": ("ota-upgrades/modules", "module_id", {"app_id": "a", "product_id": "p"}, 5),
    "module packages": ("ota-upgrades/packages", "package_id", {"package_type": "modulePackage"}, 30),
    "firmware packages": ("ota-upgrades/packages", "package_id", {"package_type": "firmwarePackage"}, 30),
    "software packages": ("ota-upgrades/packages", "package_id", {"package_type": "softwarePackage"}, 15),
    "of one version": ("ota-upgrades/packages", "package_id", {"package_type": "modulePackage", "version": "3"}, 2),
    "of nothing": ("ota-upgrades/packages", "package_id", {"package_type": "modulePackage", "product_id": "x"}, 0),
    "devices": ("devices", "device_id", {}, 23),
    "products": ("products", "product_id", {}, 2),
}


def rows_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    (rows,) = [value for name, value in told.items() if name != "page"]
    found: list[dict[str, Any]] = rows
    return found


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("size", [1, 4, 10, 50])
@pytest.mark.parametrize("what", LISTS)
def test_a_list_is_whole_by_marker_and_by_offset(filled: Any, what: str, size: int, forgetful: bool) -> None:
    path, identity, query, number = LISTS[what]
    seen: list[str] = []
    marker = START
    while True:
        status, told = filled.ask("GET", path, limit=str(size), marker=marker, **query)
        assert (status, told["page"]["count"]) == (200, number)
        if not rows_of(told):
            assert told["page"]["marker"] is None
            break
        seen += [row[identity] for row in rows_of(told)]
        assert told["page"]["marker"] < marker
        marker = told["page"]["marker"]
        if forgetful:
            filled.facade = type(filled.facade)(filled.facade.store, filled.site)
    assert len(seen) == len({*seen}) == number
    by_offset: list[str] = []
    for offset in range(0, number, size):
        _, told = filled.ask("GET", path, limit=str(size), offset=str(offset), **query)
        by_offset += [row[identity] for row in rows_of(told)]
    assert by_offset == seen


@pytest.mark.parametrize("what", LISTS)
def test_an_offset_counts_from_the_marker(filled: Any, what: str) -> None:
    path, identity, query, _ = LISTS[what]
    _, whole = filled.ask("GET", path, limit="50", **query)
    _, first = filled.ask("GET", path, limit="1", **query)
    marker = first["page"]["marker"] or START
    _, told = filled.ask("GET", path, limit="3", offset="1", marker=marker, **query)
    assert [row[identity] for row in rows_of(told)] == [row[identity] for row in rows_of(whole)][2:5]


def test_ten_rows_are_a_page_where_nothing_is_said(filled: Any) -> None:
    assert len(rows_of(filled.ask("GET", "devices")[1])) == 10


@pytest.mark.parametrize("size", ["0", "51", "-1", "1.0", "", "+1", "ten", "1" * 400, "１"])
def test_a_page_s_size_is_1_to_50(mirror: Any, size: str) -> None:
    assert mirror.refused("GET", "devices", limit=size) == (400, "IOTDA.000017")


@pytest.mark.parametrize("marker", ["", "f" * 23, "f" * 25, "g" * 24, "0x" + "0" * 22, "０" * 24])
def test_a_marker_is_24_hexadecimal_digits(mirror: Any, marker: str) -> None:
    assert mirror.refused("GET", "devices", marker=marker) == (400, "IOTDA.000018")


@pytest.mark.parametrize("offset", ["501", "-1", "", "1e2"])
def test_an_offset_is_0_to_500(mirror: Any, offset: str) -> None:
    assert mirror.refused("GET", "devices", offset=offset) == (400, "IOTDA.000006")


def test_a_marker_may_have_capitals(filled: Any) -> None:
    assert len(rows_of(filled.ask("GET", "devices", marker=START.upper())[1])) == 10


def test_rows_that_are_added_meanwhile_are_not_in_a_walk(filled: Any) -> None:
    _, first = filled.ask("GET", "devices", limit="20")
    for number in range(30, 35):
        row = ModuleVersion(product="p", device=f"unit-{number}", module="m0", version="1")
        filled.cloud.devices.report_versions([row])
    _, rest = filled.ask("GET", "devices", limit="20", marker=first["page"]["marker"])
    expected = {f"unit-{number:02}" for number in range(23)}
    names = [row["node_id"] for row in (*rows_of(first), *rows_of(rest))]
    assert expected <= {*names}
    assert rest["page"]["count"] == 28


def test_a_count_follows_the_list_whoever_changes_it(filled: Any) -> None:
    def counted() -> int:
        number: int = filled.ask("GET", "ota-upgrades/modules", app_id="a")[1]["page"]["count"]
        return number

    assert counted() == 10
    filled.cloud.modules.create("new", product="q")
    assert counted() == 11
    _, told = filled.ask("GET", "ota-upgrades/modules", app_id="a", limit="1")
    filled.ask("DELETE", f"ota-upgrades/modules/{told['modules'][0]['module_id']}")
    assert counted() == 10


def test_lists_one_after_the_other_are_read_through(mirror: Any) -> None:
    def listed(*rows: int) -> Callable[[str | None, int], Flow[Page[int]]]:
        def steps(cursor: str | None, limit: int) -> Steps[Page[int]]:
            yield from ()
            start = int(cursor or 0)
            end = start + limit
            return Page(rows[start:end], str(end) if end < len(rows) else None, len(rows))

        return lambda cursor, limit: Flow(steps(cursor, limit), "rows")

    fetch = chained([listed(1, 2, 3), listed(), listed(4, 5)])
    seen: list[int] = []
    cursor, over = None, False
    while not over:
        page = mirror.runner.run(fetch(cursor, 2))
        seen += page.items
        cursor, over = page.cursor, page.cursor is None
    assert seen == [1, 2, 3, 4, 5]


# --- a restart --------------------------------------------------------------------------------------------------------


def test_another_process_over_the_same_folder_tells_the_same(make_mirror: Any, tmp_path: Path) -> None:
    def process() -> Any:
        keeper = Keeper(tmp_path / "serve")
        mirror = make_mirror(on=f"local:{tmp_path}", keeper=keeper)
        mirror.keeper = keeper
        return mirror

    first = process()
    body = {"app_id": "mine", "product_id": "p", "module_name": "mcu", "alias_name": "A"}
    _, module = first.ask("POST", "ota-upgrades/modules", body)
    lies = {"region_name": "r", "bucket_name": "abc", "object_key": "a.bin"}
    body = {"app_id": "mine", "package_type": "modulePackage", "product_id": "p", "module_name": "mcu", "version": "1"}
    _, package = first.ask("POST", "ota-upgrades/packages", body | {"file_location": {"obs_location": lies}})
    first.cloud.devices.report_versions(
        ModuleVersion(product="p", device=f"unit_{number}", module="mcu", version="1") for number in range(3)
    )
    _, page = first.ask("GET", "devices", limit="2")
    first.ask("GET", "/v3/projects", name="eu-west-101")
    asked: list[tuple[str, dict[str, str]]] = [
        (f"ota-upgrades/modules/{module['module_id']}", {}),
        ("ota-upgrades/modules", {"app_id": "mine"}),
        ("ota-upgrades/modules", {"app_id": "yours"}),
        (f"ota-upgrades/packages/{package['package_id']}", {}),
        ("ota-upgrades/packages", {"package_type": "modulePackage"}),
        ("devices", {"limit": "2", "marker": page["page"]["marker"]}),
        ("devices/p_unit_1", {}),
        ("products/p", {}),
        ("apps", {}),
    ]
    before = [first.ask("GET", path, **query) for path, query in asked]
    first.cloud.close()
    first.keeper.close()
    again = process()
    assert [again.ask("GET", path, **query) for path, query in asked] == before
    assert [status for status, _ in before] == [200] * len(asked)
    again.keeper.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text("abc_.-", min_size=1, max_size=5), min_size=1, max_size=6, unique=True))
def test_a_module_s_id_is_its_own_and_leads_back_to_it(mirror: Any, names: list[str]) -> None:
    for module in list(mirror.cloud.modules.list(product="ids")):
        mirror.cloud.modules.delete(module.name, product="ids")
    for name in names:
        mirror.cloud.modules.create(name, product="ids")
    _, told = mirror.ask("GET", "ota-upgrades/modules", app_id="a", product_id="ids")
    known = {row["module_id"]: row["module_name"] for row in told["modules"]}
    assert sorted(known.values()) == sorted(names)
    fresh = type(mirror.facade)(mirror.facade.store, mirror.site)
    mirror.facade = fresh
    for found, name in known.items():
        assert mirror.ask("GET", f"ota-upgrades/modules/{found}")[1]["module_name"] == name
