"""Lists by offset: ended by the total alone, whole though some rows are not ours."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.errors import PagingError
from otabridge.models import Page
from otabridge.offsets import offset_page


def offsets(cursor: str | None, rows: list[int], *, size: int = 3, keep: Any = None, counted: bool = True) -> Page[int]:
    """A page of a list of which the wire gives `size` rows at a time, and whose `keep` ones are ours."""

    def fetch(offset: int) -> Any:
        yield from ()
        return rows[offset : offset + size], len(rows)

    def ours(found: Any) -> Any:
        yield from ()
        return [row for row in found if keep is None or keep(row)]

    steps = offset_page(cursor, fetch, ours, counted=counted)
    with pytest.raises(StopIteration) as done:
        next(steps)
    page: Page[int] = done.value.value
    return page


@given(rows=st.lists(st.integers()), size=st.integers(1, 7), kept=st.integers(1, 4))
def test_a_list_by_offset_is_whole_though_whole_pages_of_it_are_not_ours(rows: list[int], size: int, kept: int) -> None:
    cursor: str | None = None
    found: list[int] = []
    while True:
        page = offsets(cursor, rows, size=size, keep=lambda row: row % kept == 0)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break
        assert page.items, "a page in the middle has rows"
    assert found == [row for row in rows if row % kept == 0]


def test_a_total_is_told_only_of_a_page_that_is_all_ours() -> None:
    assert offsets(None, [1, 2, 3, 4]) == Page((1, 2, 3), "3", 4)
    assert offsets("3", [1, 2, 3, 4]).before == 3
    assert offsets(None, [1, 2, 3, 4], keep=lambda row: row != 2).total is None
    assert offsets(None, [1, 2, 3, 4], counted=False).total is None


def test_a_page_that_is_shorter_than_asked_for_does_not_end_a_list() -> None:
    steps = offset_page(None, lambda offset: short(offset), lambda found: kept(found))
    with pytest.raises(StopIteration) as done:
        next(steps)
    assert done.value.value.cursor == "1"


def short(offset: int) -> Any:
    yield from ()
    return [offset], 9


def kept(found: Any) -> Any:
    yield from ()
    return found


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 13, "", "\u0661"])
def test_what_is_no_offset_is_refused(cursor: str) -> None:
    with pytest.raises(PagingError, match="not a cursor"):
        offsets(cursor, [1])
