"""One list made of many: no row lost between them, and a cursor that any process can take up."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.errors import PagingError
from otabridge.flow import Flow, Steps
from otabridge.models import Device, Page
from otabridge.paging import Nested


@dataclass
class Fleet:
    """Devices with their module versions, both by position; a page is a tuple, so that `Nested` can be run by hand."""

    devices: dict[str, list[str]]
    outer_size: int = 2
    inner_size: int = 2
    totals: bool = True
    reads: list[str] = field(default_factory=list)
    short: int = 0
    memory: dict[Any, Page[Device]] = field(default_factory=dict)

    def nested(self, **how: Any) -> Nested[Device, str]:
        return Nested(
            self.memory, lambda at: self._flow(self._outer(at)), lambda row, at: self._flow(self._inner(row, at)), **how
        )

    def _flow(self, page: Page[Any]) -> Flow[Page[Any]]:
        def steps() -> Steps[Page[Any]]:
            yield from ()
            return page

        return Flow(steps(), "page")

    def _outer(self, cursor: str | None) -> Page[Device]:
        self.reads.append(f"outer {cursor}")
        rows = [Device(product="p", name=name) for name in self.devices]
        return self._cut(rows, cursor, self.outer_size)

    def _inner(self, device: Device, cursor: str | None) -> Page[str]:
        self.reads.append(f"{device.name} {cursor}")
        return self._cut([f"{device.name}/{row}" for row in self.devices[device.name]], cursor, self.inner_size)

    def _cut(self, rows: list[Any], cursor: str | None, size: int) -> Page[Any]:
        start = int(cursor or 0)
        following = str(start + size) if start + size < len(rows) else None
        return Page(tuple(rows[start : start + size]), following, len(rows) + self.short if self.totals else None)


def result(steps: Steps[Page[Any]]) -> Page[Any]:
    with pytest.raises(StopIteration) as done:
        next(steps)
    page: Page[Any] = done.value.value
    return page


def pages_of(fleet: Fleet, cursor: str | None = None, **how: Any) -> Iterator[Page[str]]:
    while True:
        page = result(fleet.nested(**how).page(cursor))
        yield page
        cursor = page.cursor
        if cursor is None:
            return


FLEET = {"d1": ["a", "b", "c"], "d2": [], "d3": ["a"], "d4": [], "d5": ["a", "b"], "d6": []}
ALL = ["d1/a", "d1/b", "d1/c", "d3/a", "d5/a", "d5/b"]


def test_a_nested_list_is_the_inner_lists_in_order() -> None:
    assert [row for page in pages_of(Fleet(FLEET)) for row in page.items] == ALL


def test_empty_inner_lists_give_no_page_but_the_last() -> None:
    assert [len(page.items) for page in pages_of(Fleet(FLEET))] == [2, 1, 1, 2, 0]


def test_an_outer_page_is_read_once() -> None:
    fleet = Fleet(FLEET)
    list(pages_of(fleet))
    assert [entry for entry in fleet.reads if entry.startswith("outer")] == ["outer None", "outer 2", "outer 4"]


def test_a_list_without_outer_rows_is_one_empty_page() -> None:
    assert list(pages_of(Fleet({}))) == [Page(())]


NAMES = st.lists(st.text("abcdef", min_size=1, max_size=3), max_size=7, unique=True)


@given(
    st.dictionaries(st.text("defg", min_size=1, max_size=3), NAMES, max_size=7),
    st.integers(1, 4),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_cursor_of_a_nested_list_gives_the_rest_in_a_process_that_remembers_nothing(
    devices: dict[str, list[str]], outer_size: int, inner_size: int, totals: bool
) -> None:
    flat = [f"{name}/{row}" for name, rows in devices.items() for row in rows]
    given_rows: list[str] = []
    for page in pages_of(Fleet(devices, outer_size, inner_size, totals)):
        given_rows.extend(page.items)
        if page.cursor is not None:
            stranger = Fleet(devices, outer_size, inner_size, totals)
            rest = [row for later in pages_of(stranger, page.cursor) for row in later.items]
            assert given_rows + rest == flat
    assert given_rows == flat


def test_two_readings_of_different_scopes_do_not_mix() -> None:
    shared: dict[Any, Page[Device]] = {}
    one = pages_of(Fleet({"d1": ["a"], "d2": ["b"]}, memory=shared), scope="p1")
    two = pages_of(Fleet({"e1": ["x"], "e2": ["y"]}, memory=shared), scope="p2")
    rows = [page.items for pair in zip(one, two, strict=True) for page in pair]
    assert rows == [("d1/a",), ("e1/x",), ("d2/b",), ("e2/y",)]


def test_the_memory_of_outer_pages_is_bounded() -> None:
    fleet = Fleet({f"d{number}": ["a"] for number in range(100)})
    assert len(list(pages_of(fleet))) == 100
    assert len(fleet.memory) < 10


def test_an_outer_row_that_goes_before_the_cursor_loses_nothing() -> None:
    fleet = Fleet({"d1": ["a"], "d2": ["b"], "d3": ["c"]}, outer_size=5)
    pages = pages_of(fleet)
    assert next(pages).items == ("d1/a",)
    cursor = next(pages).cursor
    later = Fleet({"d2": ["b"], "d3": ["c"]}, outer_size=5)
    assert [row for page in pages_of(later, cursor) for row in page.items] == ["d3/c"]


def test_a_cursor_whose_outer_row_is_gone_raises() -> None:
    cursor = next(pages_of(Fleet({"d1": ["a"], "d2": ["b"], "d3": ["c"]}, outer_size=5))).cursor
    with pytest.raises(PagingError, match="gone from its page"):
        next(pages_of(Fleet({"d1": ["a"], "d3": ["c"]}, outer_size=5), cursor))


@pytest.mark.parametrize("announced", [1, 3])
def test_a_list_within_the_list_that_ends_short_raises(announced: int) -> None:
    fleet = Fleet({"d1": ["a", "b", "c"]}, short=announced)
    with pytest.raises(PagingError, match=f"gave 3 rows of {3 + announced}"):
        list(pages_of(fleet))


def test_an_outer_list_that_ends_short_raises() -> None:
    fleet = Fleet({"d1": ["a"], "d2": ["a"], "d3": ["a"]})
    inner = Fleet._inner
    fleet._inner = lambda row, at: Page(inner(fleet, row, at).items)
    fleet.short = 1
    with pytest.raises(PagingError, match="gave 3 rows of 4"):
        list(pages_of(fleet))


def shrinking(**how: Any) -> Iterator[Page[str]]:
    fleet = Fleet({name: ["a"] for name in ("d1", "d2", "d3", "d4", "d5")})
    pages = pages_of(fleet, **how)
    yield next(pages)
    del fleet.devices["d1"]
    yield from pages


def test_an_outer_list_by_position_that_shrinks_raises() -> None:
    with pytest.raises(PagingError, match="shrank from 5 to 4"):
        list(shrinking())


def test_an_outer_keyset_list_may_shrink() -> None:
    assert len(list(shrinking(keyset=True))) >= 3


def test_an_inner_list_by_position_that_shrinks_raises() -> None:
    fleet = Fleet({"d1": ["a", "b", "c", "d"]})
    pages = pages_of(fleet)
    next(pages)
    del fleet.devices["d1"][0]
    with pytest.raises(PagingError, match="shrank from 4 to 3"):
        list(pages)


@pytest.mark.parametrize("circle", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "d", "b"]])
@pytest.mark.parametrize("empty", [True, False])
def test_outer_cursors_that_run_in_a_circle_raise(circle: list[str], empty: bool) -> None:
    following = dict(zip([None, *circle], circle, strict=False))
    fleet = Fleet({"d1": [] if empty else ["a"]})
    fleet._outer = lambda at: Page((Device(product="p", name="d1"),), following[at])
    with pytest.raises(PagingError, match="repeated a page cursor"):
        list(islice(pages_of(fleet), 50))


def test_an_inner_cursor_that_repeats_raises() -> None:
    fleet = Fleet({"d1": []})
    fleet._inner = lambda _, at: Page((), "again")
    with pytest.raises(PagingError, match="repeated a page cursor"):
        next(pages_of(fleet))


@pytest.mark.parametrize("cursor", ["", "x", "5", "{}", "[1]", '["a", "b"]', "[[], 0, 1]", json.dumps([None] * 20)])
def test_a_text_that_is_no_cursor_of_this_list_raises(cursor: str) -> None:
    with pytest.raises(PagingError, match="not a cursor of this list"):
        next(pages_of(Fleet(FLEET), cursor))
