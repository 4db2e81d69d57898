"""Windows on a list by cursor: any number of rows from any place, and any page by its number."""

from collections.abc import Callable, Hashable, Sequence
from itertools import cycle
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.errors import PagingError
from otabridge.facade import Table
from otabridge.flow import Flow, Sleep, Steps
from otabridge.models import Page
from otabridge.windows import MEMORY, Known, Listed, Window, count, numbered, window

T = TypeVar("T")


class Store:
    """A list of numbers, given by cursor; `lazy` gives fewer rows a page than were asked for, and no total.

    One that is `sticky` keeps the size that a walk began with, whatever is asked for later; one that is `named` has a
    cursor behind each row.
    """

    def __init__(
        self, rows: Sequence[int], *, largest: int = 3, lazy: bool = False, sticky: bool = False, named: bool = False
    ) -> None:
        self.rows = rows
        self.largest = largest
        self.lazy = lazy
        self.sticky = sticky
        self.named = named
        self.reads = 0

    def listed(self, keep: Callable[[int], bool] | None = None) -> Listed[int]:
        return Listed(
            fetch=lambda cursor, limit: Flow(self._page(cursor, limit), "page"), largest=self.largest, keep=keep
        )

    def _page(self, cursor: str | None, limit: int) -> Steps[Page[int]]:
        yield from ()
        assert 1 <= limit <= self.largest
        self.reads += 1
        begun, _, size = (cursor or "0").partition("/")
        start, limit = int(begun), int(size or limit)
        end = start + (1 if self.lazy else limit)
        following = f"{end}/{limit}" if self.sticky else str(end)
        following = following if end < len(self.rows) else None
        items = tuple(self.rows[start:end])
        behind = tuple(str(start + number) for number, _ in enumerate(items, 1)) if self.named else ()
        return Page(items, following, None if self.lazy else len(self.rows), behind=behind)


def run(steps: Steps[T]) -> T:
    try:
        effect = next(steps)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError(f"nothing here has an effect, and yet there is {effect!r}")


def even(number: int) -> bool:
    return number % 2 == 0


@given(
    rows=st.integers(0, 30),
    start=st.integers(0, 10),
    skip=st.integers(0, 12),
    wanted=st.integers(1, 12),
    largest=st.integers(1, 7),
    lazy=st.booleans(),
    keep=st.sampled_from([None, even]),
)
def test_a_window_is_a_slice_of_the_rows_that_are_kept(
    rows: int, start: int, skip: int, wanted: int, largest: int, lazy: bool, keep: Callable[[int], bool] | None
) -> None:
    start = min(start, rows)
    store = Store(range(rows), largest=largest, lazy=lazy)
    found = run(window(store.listed(keep), str(start), wanted, skip=skip))
    left = [row for row in range(start, rows) if keep is None or keep(row)]
    assert list(found.rows) == left[skip : skip + wanted]


@given(rows=st.integers(0, 30), size=st.integers(1, 7), lazy=st.booleans(), keep=st.sampled_from([None, even]))
def test_windows_laid_end_to_end_are_the_whole_list(
    rows: int, size: int, lazy: bool, keep: Callable[[int], bool] | None
) -> None:
    store = Store(range(rows), lazy=lazy)
    seen: list[int] = []
    cursor, over = None, False
    while not over:
        part = run(window(store.listed(keep), cursor, size))
        seen += part.rows
        cursor, over = part.cursor, part.cursor is None
    assert seen == [row for row in range(rows) if keep is None or keep(row)]


@given(
    rows=st.integers(0, 30),
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=9),
    largest=st.integers(1, 7),
    keep=st.sampled_from([None, even]),
    named=st.booleans(),
)
def test_windows_of_any_sizes_fit_together_over_pages_that_keep_their_size(
    rows: int, sizes: list[tuple[int, int]], largest: int, keep: Callable[[int], bool] | None, named: bool
) -> None:
    listed = Store(range(rows), largest=largest, sticky=not named, named=named).listed(keep)
    left = [row for row in range(rows) if keep is None or keep(row)]
    cursor: str | None = None
    for size, skip in sizes:
        part = run(window(listed, cursor, size, skip=skip))
        assert list(part.rows) == left[skip : skip + size]
        left, cursor = left[skip + size :], part.cursor
        if cursor is None:
            assert left == []
            break


@given(rows=st.integers(1, 30), size=st.integers(1, 9), skip=st.integers(0, 5), largest=st.integers(1, 7))
def test_where_rows_have_cursors_a_window_tells_them_and_ends_at_one(
    rows: int, size: int, skip: int, largest: int
) -> None:
    part = run(window(Store(range(rows), largest=largest, named=True).listed(even), None, size, skip=skip))
    assert part.behind == tuple(str(row + 1) for row in part.rows)
    assert part.cursor is None or part.cursor.isdecimal()


def test_a_filter_that_lets_little_through_is_read_in_few_pages() -> None:
    store = Store(range(1000), largest=100)
    found = run(window(store.listed(lambda row: row == 999), None, 1))
    assert found.rows == (999,)
    assert store.reads < 20


@given(
    rows=st.integers(0, 30),
    size=st.integers(1, 7),
    numbers=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    lazy=st.booleans(),
    keep=st.sampled_from([None, even]),
)
def test_a_page_by_number_is_that_slice_in_whatever_order_pages_are_asked_for(
    rows: int, size: int, numbers: list[int], lazy: bool, keep: Callable[[int], bool] | None
) -> None:
    store = Store(range(rows), lazy=lazy)
    known: Table[Hashable, Known] = Table(10)
    kept = [row for row in range(rows) if keep is None or keep(row)]
    for number in numbers:
        found = run(numbered(known, "list", store.listed(keep), number=number, size=size, now=0))
        assert list(found.rows) == kept[(number - 1) * size : number * size]
        assert found.total == len(kept)


def test_a_walk_by_number_reads_each_page_once() -> None:
    store, known = Store(range(30)), Table[Hashable, Known](10)
    for number in range(1, 11):
        run(numbered(known, "list", store.listed(), number=number, size=3, now=0))
    assert store.reads == 10


def test_a_jump_goes_on_from_the_nearest_page_that_is_known() -> None:
    store, known = Store(range(30)), Table[Hashable, Known](10)
    run(numbered(known, "list", store.listed(), number=8, size=3, now=0))
    before = store.reads
    run(numbered(known, "list", store.listed(), number=10, size=3, now=0))
    assert store.reads - before == 2


def test_the_first_page_counts_again() -> None:
    known: Table[Hashable, Known] = Table(10)
    totals = [
        run(numbered(known, "list", Store(range(rows)).listed(), number=1, size=2, now=0)).total for rows in (4, 5)
    ]
    assert totals == [4, 5]


def test_a_list_under_another_key_is_another_list() -> None:
    known: Table[Hashable, Known] = Table(10)
    run(numbered(known, ("list", 0), Store(range(9)).listed(), number=1, size=3, now=0))
    changed: Window[Any] = run(numbered(known, ("list", 1), Store(range(100, 109)).listed(), number=2, size=3, now=0))
    assert changed.rows == (103, 104, 105)


@pytest.mark.parametrize(("lazy", "later"), [(False, 0.0), (True, MEMORY)])
@pytest.mark.parametrize(("before", "after", "number"), [(9, 12, 4), (9, 5, 3), (9, 12, 5), (9, 2, 3)])
def test_a_list_that_others_have_changed_is_walked_anew(
    before: int, after: int, number: int, lazy: bool, later: float
) -> None:
    known: Table[Hashable, Known] = Table(10)
    store = Store(range(before), lazy=lazy)
    for page in (1, 2, 3, 4):
        run(numbered(known, "list", store.listed(), number=page, size=3, now=0))
    store.rows = range(100, 100 + after)
    found = run(numbered(known, "list", store.listed(), number=number, size=3, now=later))
    assert list(found.rows) == list(store.rows)[(number - 1) * 3 : number * 3]
    assert found.total == after


def test_a_list_that_grows_during_a_walk_is_told_as_it_comes() -> None:
    store, known = Store(range(30)), Table[Hashable, Known](10)
    listed = store.listed()

    def growing(cursor: str | None, limit: int) -> Flow[Page[int]]:
        store.rows = range(len(store.rows) + 1)
        return listed.fetch(cursor, limit)

    fetch = Listed(fetch=growing, largest=listed.largest)
    for number in (3, 5, 2):
        found = run(numbered(known, "list", fetch, number=number, size=3, now=0))
        assert found.rows == tuple(range(number * 3 - 3, number * 3))


def test_walks_by_number_that_overlap_know_each_page_once() -> None:
    store, known = Store(range(30)), Table[Hashable, Known](10)
    listed = store.listed()
    run(numbered(known, "list", listed, number=1, size=3, now=0))

    def pausing(cursor: str | None, limit: int) -> Flow[Page[int]]:
        def steps() -> Steps[Page[int]]:
            yield Sleep(0)
            return (yield from listed.fetch(cursor, limit))

        return Flow(steps(), "page")

    slow = Listed(fetch=pausing, largest=listed.largest)
    walks = [numbered(known, "list", slow, number=5, size=3, now=0) for _ in range(3)]
    found = []
    for walk in cycle(walks):
        try:
            next(walk)
        except StopIteration as done:
            found.append(done.value.rows)
        if len(found) == len(walks):
            break
    assert found == [(12, 13, 14)] * 3
    for number in range(1, 11):
        page = run(numbered(known, "list", listed, number=number, size=3, now=0))
        assert page.rows == tuple(range(number * 3 - 3, number * 3))


def test_a_list_with_a_total_is_counted_by_one_reading() -> None:
    store = Store(range(30))
    assert run(count(store.listed())) == 30
    assert store.reads == 1


@pytest.mark.parametrize("cursor", ["+", "+x 1", "+-1 2", "+99999999999 1", "+٣ 1"])
def test_a_cursor_that_none_gave_is_refused(cursor: str) -> None:
    with pytest.raises(PagingError, match="not a cursor of this list"):
        run(window(Store(range(9)).listed(), cursor, 3))
