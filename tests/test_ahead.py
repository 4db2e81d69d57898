"""Pages that are asked for before they are wanted: the same rows, in the same order, only sooner."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge._ahead import Lead
from otabridge._exchange import MOST_IN_FLIGHT
from otabridge._listing import Listing
from otabridge.aio import AsyncPager
from otabridge.client import Pager
from otabridge.errors import PagingError, ServerError, ValidationError
from otabridge.flow import Flow, Steps
from otabridge.models import Page, Product
from otabridge.offsets import Ahead, offset_page

PATIENCE = 10.0  # seconds for a thread to come


class Shelf:
    """A list of products by offset. `before[n]` happens before read number n; `meet` is how many must read at once."""

    def __init__(self, count: int, *, size: int = 3, tells: bool = True, meet: int = 0) -> None:
        self.rows = [Product(id=str(number), name="") for number in range(count)]
        self.size, self.tells = size, tells
        self.before: dict[int, Callable[[Shelf], None]] = {}
        self.asked: list[str | None] = []
        self.fails: str | None = None
        self._crowd = threading.Barrier(meet) if meet else None
        self._lock = threading.Lock()

    def fetch(self, cursor: str | None) -> Flow[Page[Product]]:
        return Flow(self._page(cursor), "list_products")

    def _page(self, cursor: str | None) -> Steps[Page[Product]]:
        def rows(start: int) -> Steps[tuple[list[Product], int]]:
            yield from ()
            return self.rows[start : start + self.size], len(self.rows)

        with self._lock:
            self.before.get(len(self.asked), lambda _: None)(self)
            self.asked.append(cursor)
        if self._crowd and cursor is not None:
            self._crowd.wait(PATIENCE)
        if cursor is not None and cursor == self.fails:
            raise ServerError("not now")
        page = yield from offset_page(cursor, rows)
        return page if self.tells else Page(page.items, page.cursor, page.total)

    @property
    def listing(self) -> Listing[Product]:
        return Listing(self.fetch, Product, False, None)


class InPlace:
    """A runner of flows that want nothing done."""

    def run(self, flow: Flow[Any]) -> Any:
        steps = iter(flow)
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        raise AssertionError("nothing is yielded here")


class Awaited:
    """The same for tasks, which come in turn."""

    def __init__(self) -> None:
        self.under_way = self.most = 0

    async def run(self, flow: Flow[Any]) -> Any:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            page = InPlace().run(flow)
            await asyncio.sleep(0)
            return page
        finally:
            self.under_way -= 1


def sync_pages(shelf: Shelf, in_flight: int) -> Iterator[Page[Product]]:
    pager: Pager[Product] = Pager(InPlace(), shelf.listing)  # type: ignore[arg-type]
    return pager.pages(in_flight=in_flight)


def async_pages(shelf: Shelf, in_flight: int, runner: Awaited | None = None) -> list[Page[Product]]:
    async def every() -> list[Page[Product]]:
        pager: AsyncPager[Product] = AsyncPager(runner or Awaited(), shelf.listing)  # type: ignore[arg-type]
        return [page async for page in pager.pages(in_flight=in_flight)]

    return asyncio.run(every())


def ids(pages: Any) -> list[int]:
    return [int(row.id) for page in pages for row in page.items]


COLOURS = pytest.mark.parametrize("read", [sync_pages, async_pages], ids=["sync", "async"])


@COLOURS
@given(count=st.integers(0, 40), size=st.integers(1, 7), in_flight=st.integers(0, 9), tells=st.booleans())
def test_a_list_at_rest_is_read_in_order_and_each_page_asked_for_once(
    read: Any, count: int, size: int, in_flight: int, tells: bool
) -> None:
    shelf = Shelf(count, size=size, tells=tells)
    assert ids(read(shelf, in_flight)) == [*range(count)]
    assert len(shelf.asked) == len(set(shelf.asked)) == max(1, -(-count // size))


def test_as_many_pages_are_under_way_as_are_allowed() -> None:
    shelf = Shelf(15, meet=4)  # the first page alone, then four at once
    assert ids(sync_pages(shelf, 4)) == [*range(15)]


def test_no_more_tasks_are_under_way_than_are_allowed() -> None:
    runner = Awaited()
    assert ids(async_pages(Shelf(60), 5, runner)) == [*range(60)]
    assert runner.most == 5


@pytest.mark.parametrize("in_flight", [1, 8])
def test_where_no_cursors_are_told_the_next_page_comes_while_the_reader_works(in_flight: int) -> None:
    came = threading.Event()
    shelf = Shelf(9, tells=False)
    shelf.before[1] = lambda _: came.set()
    pages = sync_pages(shelf, in_flight)
    assert ids([next(pages)]) == [0, 1, 2]
    assert came.wait(PATIENCE)
    assert shelf.asked == [None, "3"]
    assert ids(pages) == [*range(3, 9)]


def test_unless_it_is_asked_for_no_page_is_read_before_it_is_wanted() -> None:
    shelf, others = Shelf(9), {*threading.enumerate()}
    pages = sync_pages(shelf, 0)
    next(pages)
    assert (shelf.asked, {*threading.enumerate()} - others) == ([None], set())


def insert(shelf: Shelf) -> None:
    shelf.rows.insert(0, Product(id=str(1000 + len(shelf.rows)), name=""))


def drop(shelf: Shelf) -> None:
    del shelf.rows[:1]


@COLOURS
@given(
    changes=st.dictionaries(st.integers(1, 12), st.sampled_from([insert, drop]), max_size=4),  # fewer than are kept
    size=st.integers(1, 5),
    in_flight=st.integers(1, 6),
)
def test_a_living_list_gives_every_row_that_stays_once_or_raises(
    read: Any, changes: dict[int, Any], size: int, in_flight: int
) -> None:
    shelf = Shelf(20, size=size)
    before = {int(row.id) for row in shelf.rows}
    shelf.before = changes
    try:
        told = ids(read(shelf, in_flight))
    except PagingError:
        assert drop in changes.values(), "a list that only grows can be read"
        return
    stayed = before & {int(row.id) for row in shelf.rows}
    if {insert, drop} <= {*changes.values()}:
        stayed = set()  # a list that gains as many as it loses looks as if it were at rest
    assert stayed <= set(told)
    assert len(told) == len(set(told))


@COLOURS
def test_an_error_is_raised_at_its_page_and_not_before(read: Any) -> None:
    shelf = Shelf(15)
    shelf.fails = "9"
    with pytest.raises(ServerError):
        list(read(shelf, 8))
    shelf.asked.clear()
    pages = sync_pages(shelf, 8)
    assert ids([next(pages) for _ in range(3)]) == [*range(9)]
    with pytest.raises(ServerError):
        next(pages)


def test_a_page_that_failed_and_is_not_wanted_any_more_is_nobodys_error() -> None:
    shelf = Shelf(15)
    shelf.fails = "9"
    shelf.before[2] = lambda it: it.rows.__delitem__(slice(8, None))
    assert ids(async_pages(shelf, 8)) == [*range(8)]


def test_a_reading_that_is_given_up_leaves_nothing_under_way() -> None:
    async def some() -> int:
        pager: AsyncPager[Product] = AsyncPager(Awaited(), Shelf(60).listing)  # type: ignore[arg-type]
        pages = pager.pages(in_flight=8)
        async for _ in pages:
            break
        await pages.aclose()  # type: ignore[attr-defined]
        return len(asyncio.all_tasks())

    assert asyncio.run(some()) == 1


def test_a_reading_that_is_given_up_waits_for_nobody_and_leaves_no_thread() -> None:
    goes_on, others = threading.Event(), {*threading.enumerate()}
    shelf = Shelf(60, tells=False)
    shelf.before[1] = lambda _: goes_on.wait(PATIENCE)  # type: ignore[assignment,return-value]
    pages = sync_pages(shelf, 8)
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    (late,) = {*threading.enumerate()} - others
    goes_on.set()
    late.join(PATIENCE)
    assert not late.is_alive()


@pytest.mark.parametrize("in_flight", [-1, MOST_IN_FLIGHT + 1])
def test_more_than_a_client_has_under_way_is_refused(in_flight: int) -> None:
    with pytest.raises(ValidationError, match=r"in_flight is -?\d+: give 0, .* to 32") as told:
        next(sync_pages(Shelf(1), in_flight))
    assert told.value.field == "in_flight"


def test_a_lead_that_was_wrong_begins_again_with_one_page_and_doubles() -> None:
    lead = Lead(8)
    page: Page[int] = Page((), "0", ahead=Ahead(str, 100))
    assert len(lead.after(page, "0", ())) == 16
    assert lead.after(page, "7b", {"1": None}) == ("7b",)
    assert [len(lead.after(page, "0", {"0": None})) for _ in range(5)] == [2, 4, 8, 16, 16]


def test_what_was_read_before_a_list_changed_is_dropped() -> None:
    lead = Lead(8)
    pages = [Page((), "0", total, ahead=Ahead(str, 100)) for total in (100, 100, 101, 101)]
    assert [len(lead.after(page, "0", {"0": None})) for page in pages] == [16, 16, 0, 2]


@given(count=st.integers(0, 50), places=st.slices(50))
def test_cursors_ahead_are_a_sequence_like_any_other(count: int, places: slice) -> None:
    ahead, told = Ahead(str, count), tuple(map(str, range(count)))
    assert (tuple(ahead), len(ahead), ahead[places]) == (told, count, told[places])
    with pytest.raises(IndexError):
        ahead[count]
