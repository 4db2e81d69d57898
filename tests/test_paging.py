"""Reading lists that live: never a part as if it were all, every row once, from any process."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otabridge.errors import PagingError
from otabridge.models import Module, ModuleVersion, Page
from otabridge.paging import BACK, IDENTITIES, REMEMBERED, Walk
from tests.support.runner import Bench, said

ROOT = Path(__file__).parent.parent


@dataclass
class Living:
    """A list on a server, read by position or by key, newest first; `before[n]` happens before read number n."""

    rows: list[int]
    size: int = 3
    keyset: bool = False
    announces: bool = True
    before: dict[int, Callable[["Living"], None]] = field(default_factory=dict)
    reads: int = 0

    def page(self, cursor: str | None) -> Page[int]:
        self.before.get(self.reads, lambda _: None)(self)
        self.reads += 1
        if self.keyset:
            rest = [row for row in self.rows if cursor is None or row < int(cursor)]
            items, more = rest[: self.size], len(rest) > self.size
            following = str(items[-1]) if more else None
        else:
            start = int(cursor or 0)
            items, more = self.rows[start : start + self.size], start + self.size < len(self.rows)
            following = str(start + self.size) if more else None
        return Page(tuple(items), following, len(self.rows) if self.announces else None)

    def insert(self, count: int) -> None:
        top = max(self.rows, default=0) + 1000
        self.rows[:0] = range(top + count, top, -1)

    def drop(self, index: int) -> None:
        if self.rows:
            del self.rows[index % len(self.rows)]


def walked(living: Living, *, cursor: str | None = None) -> list[int]:
    walk: Walk[int] = Walk(lambda row: row, cursor=cursor, keyset=living.keyset)
    rows: list[int] = []
    while not walk.done:
        rows.extend(walk.take(living.page(walk.cursor)))
        assert living.reads < 500
    return rows


def read(pages: list[Page[int]], **how: Any) -> list[int]:
    """What a walk gives of these pages, in the order in which it is given them."""
    walk: Walk[int] = Walk(lambda row: row, **how)
    rows: list[int] = []
    for page in pages:
        assert not walk.done
        rows.extend(walk.take(page))
    assert walk.done
    return rows


def down(count: int) -> list[int]:
    return list(range(count, 0, -1))


# --- a list at rest -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyset", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 9, 10])
def test_a_list_at_rest_is_read_in_order_and_with_one_read_a_page(count: int, keyset: bool) -> None:
    living = Living(down(count), keyset=keyset)
    assert walked(living) == down(count)
    assert living.reads == max(1, -(-count // 3))


def test_a_short_page_in_the_middle_is_not_the_end() -> None:
    assert read([Page((1, 2, 3), "a", 5), Page((4,), "b", 5), Page((5,), None, 5)]) == [1, 2, 3, 4, 5]


def test_an_empty_page_in_the_middle_is_not_the_end() -> None:
    assert read([Page((1, 2), "a"), Page((), "b"), Page((3,), None)]) == [1, 2, 3]


def test_rows_repeated_across_pages_are_given_once() -> None:
    assert read([Page((1, 2, 3), "a"), Page((3, 4), "b"), Page((1, 5), None)]) == [1, 2, 3, 4, 5]


def test_rows_repeated_in_a_page_are_given_once_and_where_they_came_first() -> None:
    assert read([Page((1, 2, 1, 3, 2), None)]) == [1, 2, 3]


def test_a_walk_from_a_stored_cursor_reads_the_rest() -> None:
    assert walked(Living(down(10)), cursor="6") == [4, 3, 2, 1]


# --- totals ---------------------------------------------------------------------------------------------------------


def test_a_total_larger_than_the_rows_raises_after_three_readings() -> None:
    living = Living(down(5))
    living.page = lambda cursor, page=living.page: replace(page(cursor), total=6)
    with pytest.raises(PagingError, match=r"5 different rows, announced 6 .* 3 readings"):
        walked(living)
    # Two pages at first, then three times from one page back.
    assert living.reads == 2 + 3 * 2


def test_a_single_page_that_is_short_of_its_total_is_read_again_too() -> None:
    pages = [Page((1, 2), None, 3), Page((1, 2), None, 3), Page((1, 2, 3), None, 3)]
    assert read(pages) == [1, 2, 3]


def test_a_list_far_shorter_than_its_total_is_read_again_from_three_pages_back() -> None:
    living = Living(down(20), size=1)
    living.page = lambda cursor, page=living.page: replace(page(cursor), total=100)
    with pytest.raises(PagingError, match="20 different rows, announced 100"):
        walked(living)
    assert living.reads == 20 + 3 * 4


def test_a_total_smaller_than_the_rows_is_harmless() -> None:
    assert read([Page((1, 2), "a", 1), Page((3,), None, 1)]) == [1, 2, 3]


def test_a_walk_from_the_middle_does_not_expect_the_whole_total() -> None:
    assert read([Page((9, 10), None, 10)], cursor="8") == [9, 10]


def test_a_total_on_the_first_page_alone_still_counts() -> None:
    with pytest.raises(PagingError):
        read([Page((1, 2), "a", 4), Page((3,), None)] + [Page((1, 2), "a"), Page((3,), None)] * 3)


# --- growth and shrinking -------------------------------------------------------------------------------------------


def test_growth_between_pages_gives_each_row_once_and_all_of_them() -> None:
    living = Living(down(10), before={1: lambda it: it.insert(2), 2: lambda it: it.insert(1)})
    assert walked(living) == down(10)


def test_a_list_by_position_that_shrinks_is_read_again_from_one_page_back() -> None:
    living = Living(down(10), before={2: lambda it: it.drop(0)})
    assert walked(living) == down(10)
    assert living.reads == 4 + 1


def test_a_list_that_shrinks_by_more_than_a_page_is_read_again_from_further_back() -> None:
    def shrink(it: Living) -> None:
        del it.rows[:5]

    living = Living(down(15), before={3: shrink})
    assert walked(living) == down(15)


def test_a_list_that_shrinks_by_more_than_can_be_read_again_raises() -> None:
    def shrink(it: Living) -> None:
        del it.rows[:12]

    with pytest.raises(PagingError, match="lost 12 rows"):
        walked(Living(down(30), before={6: shrink}))


def test_a_list_that_shrinks_on_and_on_is_not_read_again_beyond_what_is_remembered() -> None:
    def shrink(it: Living) -> None:
        del it.rows[:3]

    with pytest.raises(PagingError, match="lost 3 rows"):
        walked(Living(down(30), size=1, before=dict.fromkeys((12, 13, 14), shrink)))


def test_a_list_that_shrinks_to_an_early_end_is_read_again() -> None:
    def shrink(it: Living) -> None:
        del it.rows[:4]

    assert walked(Living(down(8), before={2: shrink})) == down(8)


def test_a_fourth_shrinking_raises() -> None:
    living = Living(down(30), before=dict.fromkeys((2, 4, 6, 8), lambda it: it.drop(0)))
    with pytest.raises(PagingError, match="read it again when it is at rest"):
        walked(living)


def test_shrinking_thrice_is_borne() -> None:
    living = Living(down(30), before=dict.fromkeys((2, 4, 6), lambda it: it.drop(0)))
    assert walked(living) == down(30)


def test_shrinking_while_the_first_page_is_read_again_costs_no_reading() -> None:
    living = Living(down(9), before=dict.fromkeys((1, 2, 3, 4), lambda it: it.drop(0)))
    assert walked(living) == down(9)


def test_a_walk_from_the_middle_that_shrinks_beyond_its_beginning_raises() -> None:
    def shrink(it: Living) -> None:
        del it.rows[:4]

    with pytest.raises(PagingError, match="lost 4 rows"):
        walked(Living(down(20), before={1: shrink}), cursor="6")


def test_a_keyset_list_is_not_disturbed_by_shrinking() -> None:
    living = Living(down(10), keyset=True, before=dict.fromkeys((1, 2, 3), lambda it: it.drop(0)))
    assert walked(living) == down(10)
    assert living.reads == 4


STEP = st.tuples(st.integers(0, 3), st.lists(st.integers(0, 50), max_size=3))


@settings(max_examples=200)
@given(st.integers(0, 30), st.integers(1, 5), st.lists(STEP, max_size=15), st.booleans())
def test_a_living_list_never_loses_a_row_that_stays(
    count: int, size: int, steps: list[tuple[int, list[int]]], keyset: bool
) -> None:
    """Rows come at the front, as in every list that is newest first, and go anywhere."""
    living = Living(down(count), size=size, keyset=keyset)
    staying = set(living.rows)

    def step(it: Living, grow: int, drops: list[int]) -> None:
        it.insert(min(grow, it.size))
        for index in drops:
            it.drop(index)
        staying.intersection_update(it.rows)

    living.before = {
        number: lambda it, grow=grow, drops=drops: step(it, grow, drops)
        for number, (grow, drops) in enumerate(steps, start=1)
    }
    try:
        rows = walked(living)
    except PagingError:
        # Rows that came where a keyset walk no longer looks make up, in the total, for unread ones that went.
        assert not keyset or (any(grow for grow, _ in steps) and any(drops for _, drops in steps))
        return
    assert staying <= set(rows)
    # Beyond what is remembered after a second reading, a row may come twice; it never stays away.
    grown = sum(min(grow, size) for grow, _ in steps)
    assert len(rows) == len(set(rows)) or grown > (REMEMBERED - BACK) * size


@given(st.integers(0, 30), st.integers(1, 5), st.lists(st.integers(0, 3), max_size=15))
def test_a_list_that_only_grows_is_always_read_whole(count: int, size: int, steps: list[int]) -> None:
    living = Living(down(count), size=size)
    steps = [min(grow, size) for grow in steps]
    living.before = {number: lambda it, grow=grow: it.insert(grow) for number, grow in enumerate(steps, start=1)}
    rows = walked(living)
    assert set(down(count)) <= set(rows)
    assert len(rows) == len(set(rows))


# --- cursors --------------------------------------------------------------------------------------------------------


def test_a_cursor_repeated_at_once_raises() -> None:
    with pytest.raises(PagingError, match="repeated a page cursor after 1 rows"):
        read([Page((1,), "a"), Page((2,), "a")])


def test_a_cursor_repeated_after_many_pages_raises() -> None:
    walk: Walk[int] = Walk(lambda row: row)
    for number in range(1000):
        walk.take(Page((number,), f"c{number}"))
    with pytest.raises(PagingError, match="repeated a page cursor"):
        walk.take(Page((1000,), "c7"))


def test_a_first_page_that_names_itself_raises() -> None:
    with pytest.raises(PagingError, match="repeated"):
        read([Page((1,), "a")], cursor="a")


def test_a_page_read_again_may_name_the_same_cursor() -> None:
    pages = [Page((1,), "a", 3), Page((2,), "b", 2), Page((1, 2), "a", 2), Page((3,), None, 2)]
    assert read(pages) == [1, 2, 3]


# --- through a client -----------------------------------------------------------------------------------------------


def served(rows: list[str], size: int) -> Callable[[httpx.Request], httpx.Response]:
    """A handler that serves module names by position."""

    def serve(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("at", "0"))
        page = [{"p": "p1", "n": name} for name in rows[start : start + size]]
        following = str(start + size) if start + size < len(rows) else None
        return said(rows=page, next=following, total=len(rows))

    return serve


def test_a_pager_gives_every_row_in_order(bench: Bench) -> None:
    names = [f"m{number}" for number in range(25)]
    driver = bench.over(bench.acme(), served(names, 4))
    assert [row.name for row in driver.rows(lambda client: client.modules.list())] == names


def test_a_first_page_carries_total_and_cursor(bench: Bench) -> None:
    driver = bench.over(bench.acme(), served(["a", "b", "c"], 2))
    page = next(driver.pages(lambda client: client.modules.list()))
    assert ([row.name for row in page.items], page.cursor, page.total) == (["a", "b"], "2", 3)


def test_the_last_page_has_no_cursor(bench: Bench) -> None:
    driver = bench.over(bench.acme(), served(["a", "b", "c"], 2))
    assert [page.cursor for page in driver.pages(lambda client: client.modules.list())] == ["2", None]


def test_a_page_before_a_second_reading_has_the_cursor_of_that_reading(bench: Bench) -> None:
    rows = [f"m{number}" for number in range(12)]
    serve = served(rows, 3)
    calls: list[int] = []

    def living(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        if len(calls) == 3:
            del rows[0]
        return serve(request)

    pages = bench.over(bench.acme(), living).pages(lambda client: client.modules.list())
    assert [page.cursor for page in pages] == ["3", "6", "3", "6", "9", None]


def test_a_list_is_read_anew_each_time_it_is_iterated(bench: Bench) -> None:
    driver = bench.over(bench.acme(), served(["a", "b", "c"], 2))
    pager = driver.client.modules.list()
    assert driver.rows(lambda _: pager) == driver.rows(lambda _: pager) != []


CONTINUE = """
import json, sys
from tests.support.runner import Bench
from tests.test_paging import served
bench = Bench("sync")
driver = bench.over(bench.acme(), served([f"m{n}" for n in range(10)], 3))
print(json.dumps([row.name for row in driver.client.modules.list(cursor=sys.argv[1])]))
"""


def test_a_cursor_is_taken_up_by_another_process() -> None:
    bench = Bench("sync")
    driver = bench.over(bench.acme(), served([f"m{number}" for number in range(10)], 3))
    page = driver.client.modules.list().first_page()
    done = subprocess.run(
        [sys.executable, "-c", CONTINUE, page.cursor], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert [row.name for row in page.items] + json.loads(done.stdout) == [f"m{number}" for number in range(10)]


def versions(start: int, count: int, *, size: int = 200) -> Iterator[Page[ModuleVersion]]:
    for at in range(start, count, size):
        rows = tuple(
            ModuleVersion(product="p", device=f"device-{n}", module="mcu", version="1.0") for n in range(at, at + size)
        )
        yield Page(rows, str(at + size) if at + size < count else None, count)


def test_a_hundred_thousand_rows_of_five_hundred_pages_come_in_order_with_flat_memory() -> None:
    walk: Walk[ModuleVersion] = Walk(IDENTITIES[ModuleVersion])
    tracemalloc.start()
    try:
        expected, levels = 0, []
        for number, page in enumerate(versions(0, 100_000)):
            for row in walk.take(page):
                assert row.device == f"device-{expected}"
                expected += 1
            if number in (20, 499):
                levels.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert (expected, walk.done) == (100_000, True)
    # One short cursor a page is kept, to know a circle; the rows are not.
    assert levels[1] - levels[0] < 200_000


def test_identities_know_a_row_again() -> None:
    same = [Module(product="p", name="m", alias="a"), Module(product="p", name="m", alias="b")]
    assert len({IDENTITIES[Module](row) for row in same}) == 1


def test_a_cloud_that_gives_the_same_rows_under_ever_new_cursors_is_noticed() -> None:
    walk: Walk[Any] = Walk(lambda row: row)

    def read() -> None:
        for number in range(1000):
            walk.take(Page((1, 2, 3), str(number)))

    with pytest.raises(PagingError, match="again and again"):
        read()
