"""Reported module versions of a local store."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import otabridge
from otabridge import Client, ModuleVersion, PagingError, ValidationError
from otabridge.local import versions as versions_module
from tests.local.helpers import NOON, Clock, report

EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)


def test_a_report_is_the_current_version_with_its_time(cloud: Client) -> None:
    cloud.devices.report("d", product="p", module="mcu", version="1")
    (row,) = cloud.devices.versions("d", product="p")
    assert row == ModuleVersion(product="p", device="d", module="mcu", version="1", reported_at=NOON)


def test_a_device_lists_its_modules_by_name(cloud: Client) -> None:
    cloud.devices.report_versions(report("d", module, "1") for module in ("b", "é", "@default", "a"))
    assert [row.module for row in cloud.devices.versions("d", page_size=1)] == ["@default", "a", "b", "é"]


def test_an_older_report_goes_into_the_history_and_does_not_become_current(cloud: Client) -> None:
    cloud.devices.report_versions(
        [report("d", "m", "2", NOON), report("d", "m", "1", EARLIER), report("d", "m", "3", LATER)]
    )
    assert [row.version for row in cloud.devices.versions("d")] == ["3"]
    history = list(cloud.devices.history("d", product="p", page_size=1))
    assert [(row.version, row.reported_at) for row in history] == [("3", LATER), ("2", NOON), ("1", EARLIER)]


def test_of_two_reports_of_one_time_the_later_holds(cloud: Client) -> None:
    cloud.devices.report_versions([report("d", "m", "1", NOON)])
    cloud.devices.report_versions([report("d", "m", "2", NOON)])
    assert [row.version for row in cloud.devices.versions("d")] == ["2"]
    assert [row.version for row in cloud.devices.history("d", product="p")] == ["2"]


def test_a_history_can_be_of_one_module(cloud: Client) -> None:
    cloud.devices.report_versions([report("d", "a", "1"), report("d", "b", "2")])
    assert [row.version for row in cloud.devices.history("d", product="p", module="b")] == ["2"]


def test_times_of_other_zones_come_back_in_utc_to_the_microsecond(cloud: Client) -> None:
    there = datetime(2026, 1, 1, 8, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    cloud.devices.report("d", product="p", module="m", version="1", reported_at=there)
    (row,) = cloud.devices.versions("d")
    assert row.reported_at == datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert row.reported_at.utcoffset() == timedelta(0)


def test_what_a_server_believes_stays_so(cloud: Client) -> None:
    believed = ModuleVersion(product="p", device="d", module="m", version="1", reported_at=NOON, source="believed")
    cloud.devices.report_versions([believed])
    assert list(cloud.fleet.versions()) == [believed]


def test_no_rows_are_no_error(cloud: Client) -> None:
    assert cloud.devices.report_versions([]) == 0


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (report("d" * 257, "m", "1"), "device.name"),
        (report("", "m", "1"), "device.name"),
        (report("d", "@unknown", "1"), "module.name"),
        (report("d", "m\n", "1"), "module.name"),
        (report("d", "m", "1\x00"), "package.version"),
        (report("d", "m", "\ud800"), "package.version"),
        (report("d", "m", "1", None, ""), "product.id"),
        (report("d", "m", "1", datetime(2026, 1, 1)), "reported_at"),
    ],
)
def test_a_bad_row_is_named_and_spoils_its_own_batch_alone(
    cloud: Client, bad: ModuleVersion, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions_module, "BATCH", 3)
    good = [report(f"d{number}", "m", "1") for number in range(4)]
    with pytest.raises(ValidationError, match=r"^row 5: ") as caught:
        cloud.devices.report_versions([*good, bad, *good])
    assert caught.value.field == field
    assert cloud.fleet.count() == 3


def test_a_batch_of_many_statements_is_taken_in_the_order_of_arrival(
    cloud: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions_module, "STATEMENT", 3)
    rows = [report(f"d{number % 4}", "m", str(number), NOON) for number in range(20)]
    assert cloud.devices.report_versions(rows) == 20
    assert [row.version for row in cloud.fleet.versions()] == ["19", "18", "17", "16"]


def test_rows_are_taken_from_a_generator_that_reads_the_same_store(cloud: Client) -> None:
    cloud.devices.report_versions(report(f"d{number}", "m", "1") for number in range(5))
    copied = (report(row.device, "copy", row.version) for row in cloud.fleet.versions(page_size=2))
    assert cloud.devices.report_versions(copied) == 5
    assert cloud.fleet.count(module="copy") == 5


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 5),
        ({"product": "p"}, 4),
        ({"version": "1"}, 3),
        ({"module": "a", "version": "1"}, 2),
        ({"product": "q", "version": "1"}, 1),
        ({"product": "none"}, 0),
    ],
)
def test_a_fleet_is_counted(cloud: Client, asked: dict[str, str], count: int) -> None:
    rows = [report("d", "a", "1"), report("d", "b", "1"), report("e", "a", "2"), report("e", "b", "2")]
    cloud.devices.report_versions([*rows, report("d", "a", "1", None, "q")])
    assert cloud.fleet.count(**asked) == count


def test_a_fleet_can_be_read_by_product_in_pages_that_cut_through_devices(cloud: Client) -> None:
    rows = [report(f"d{device}", f"m{module}", "1", NOON, product) for device in range(4) for module in range(3)
            for product in "pq"]  # fmt: skip
    cloud.devices.report_versions(rows)
    for size in (1, 2, 3, 4, 1000):
        read = [(row.device, row.module) for row in cloud.fleet.versions(product="q", page_size=size)]
        assert read == [(f"d{device}", f"m{module}") for device in (3, 2, 1, 0) for module in range(3)]


def test_a_cursor_is_taken_up_by_another_client(depot: Client, folder: object) -> None:
    depot.devices.report_versions(report(f"d{number}", "m", "1") for number in range(5))
    cursor = depot.fleet.versions(page_size=2).first_page().cursor
    with otabridge.connect(f"local:{folder}") as other:
        rest = [row.device for row in other.fleet.versions(page_size=2, cursor=cursor)]
    assert rest == ["d2", "d1", "d0"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "[]", "[1]", '["a", 1]', "[1, 2]", f'[{10**30}, "m"]', '[true, "m"]', "{}"]
)
def test_a_cursor_of_something_else_is_refused(cloud: Client, cursor: str) -> None:
    with pytest.raises(PagingError, match="not a cursor"):
        cloud.fleet.versions(cursor=cursor).first_page()


def test_a_list_read_while_devices_are_added_has_every_older_row_once(cloud: Client) -> None:
    cloud.devices.report_versions(report(f"old{number}", "m", "1") for number in range(10))
    seen = []
    for page in cloud.fleet.versions(page_size=3).pages():
        seen += [row.device for row in page.items]
        cloud.devices.report_versions(report(f"new{len(seen)}-{number}", "m", "1") for number in range(5))
        cloud.devices.report_versions([report("old0", "m", "2"), report("old9", "m", "2")])
    assert seen == [f"old{number}" for number in reversed(range(10))]


REPORTS = st.lists(
    st.builds(
        report,
        st.sampled_from(["d1", "d2", "é"]),
        st.sampled_from(["a", "b", "@default"]),
        st.sampled_from(["1", "2", "3"]),
        st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours)),
        st.sampled_from(["p", "q"]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(REPORTS, max_size=3), size=st.integers(1, 5))
def test_the_store_agrees_with_a_dictionary(batches: list[list[ModuleVersion]], size: int) -> None:
    current: dict[tuple[str, str, str], ModuleVersion] = {}
    history: dict[tuple[str, str, str, datetime | None], ModuleVersion] = {}
    with otabridge.connect("memory:") as cloud:
        for batch in batches:
            assert cloud.devices.report_versions(batch) == len(batch)
            for row in batch:
                key = (row.product, row.device, row.module)
                history[(*key, row.reported_at)] = row
                if key not in current or (row.reported_at or NOON) >= (current[key].reported_at or NOON):
                    current[key] = row
        read = list(cloud.fleet.versions(page_size=size))
        assert len(read) == len(current)
        assert {(row.product, row.device, row.module): row for row in read} == current
        devices = {(row.product, row.device) for row in current.values()}
        past = [
            row for product, device in devices for row in cloud.devices.history(device, product=product, page_size=size)
        ]
        assert len(past) == len(history)
        assert {(row.product, row.device, row.module, row.reported_at): row for row in past} == history
        assert cloud.fleet.versions().first_page().total == len(current)
        assert cloud.devices.list().first_page().total == len(devices)
        assert cloud.fleet.count(product="p", version="1") == sum(
            row.product == "p" and row.version == "1" for row in current.values()
        )


def test_a_row_without_a_time_gets_the_time_of_its_taking(cloud: Client, clock: Clock) -> None:
    cloud.devices.report_versions([report("d", "m", "1")])
    clock.pass_by(days=1)
    cloud.devices.report_versions([report("d", "m", "1")])
    assert [row.reported_at for row in cloud.devices.history("d", product="p")] == [clock.at, NOON]
