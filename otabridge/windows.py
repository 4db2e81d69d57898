"""Windows on a list that is read by cursor: by number of rows, and by page number.

A server that pages by number, or skips rows, stands over a store that pages by cursor. A walk from page to page costs
one reading a page; a jump walks from the nearest page that is known.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from otabridge.errors import PagingError
from otabridge.flow import Flow, Steps
from otabridge.models import Page

if TYPE_CHECKING:
    from otabridge.facade import Table

T = TypeVar("T")
Fetch = Callable[[str | None, int], Flow[Page[T]]]
Keep = Callable[[T], bool]
MEMORY = 30.0  # seconds for which a list is remembered whose store does not tell how long it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[T]):
    """A list of the store: how to fetch a page at a cursor, at most how large, and which rows are in it."""

    fetch: Fetch[T]
    largest: int
    keep: Keep[T] | None = None


@dataclass(frozen=True, slots=True)
class Window(Generic[T]):
    """Rows of a list; `cursor` goes on right behind them and is None at the end. `total` is of the unfiltered list.

    Where a window ends within a page of a store that names no rows, its cursor is the page's and the number of rows to
    pass over (`within`). `behind` has the cursor behind each row, as a page has it.
    """

    rows: tuple[T, ...]
    cursor: str | None
    total: int | None = None
    behind: tuple[str, ...] = ()


@dataclass(slots=True)
class Known:
    """What is remembered of one list by number, from when: the cursor in front of each page, and how many rows it has.

    `told` is the total that the store tells of the unfiltered list.
    """

    cursors: list[str | None]
    total: int
    told: int | None
    since: float


def window(listed: Listed[T], cursor: str | None, count: int, *, skip: int = 0) -> Steps[Window[T]]:
    """`count` rows after a cursor and `skip` more rows, or all there are; at least one page is read."""
    rows: list[T] = []
    behind: list[str] = []
    past, at = split(cursor)
    size = 0
    while True:
        wanted = past + skip + count - len(rows)
        # A filter that lets little through is read in ever larger pages.
        size = min(max(wanted, 2 * size if listed.keep else 0), listed.largest)
        page = yield from listed.fetch(at, size)
        for number, row in enumerate(page.items[past:], past + 1):
            if listed.keep and not listed.keep(row):
                continue
            if skip:
                skip -= 1
                continue
            rows.append(row)
            behind += page.behind[number - 1 : number]
            if len(rows) == count and number < len(page.items):
                following = behind[-1] if page.behind else within(number, at)
                return Window(tuple(rows), following, page.total, tuple(behind))
        past, at = 0, page.cursor
        if len(rows) == count or at is None:
            return Window(tuple(rows), at and within(0, at), page.total, tuple(behind))


def split(cursor: str | None) -> tuple[int, str | None]:
    """How many rows of a page to pass over, and the store's cursor of that page. PagingError if it is neither."""
    if cursor is None or not cursor.startswith("+"):
        return 0, cursor
    past, _, at = cursor[1:].partition(" ")
    if not (past.isascii() and past.isdecimal() and len(past) < 10):
        raise PagingError(f"not a cursor of this list: {cursor[:60]!r}")
    return int(past), at or None


def within(past: int, at: str | None) -> str:
    """The cursor behind `past` rows of a page; the store's own where there are none to pass over."""
    return at if at and not past and not at.startswith("+") else f"+{past} {at or ''}"


def count(listed: Listed[T]) -> Steps[int]:
    """How many rows a list has: by its total where it is not filtered, else by reading it."""
    if listed.keep is None:
        page = yield from listed.fetch(None, 1)
        if page.total is not None:
            return page.total
    rows, cursor, over = 0, None, False
    while not over:
        part = yield from window(listed, cursor, listed.largest)
        rows, cursor, over = rows + len(part.rows), part.cursor, part.cursor is None
    return rows


def numbered(
    known: "Table[Hashable, Known]", key: Hashable, listed: Listed[T], *, number: int, size: int, now: float
) -> Steps[Window[T]]:
    """Page `number`, counted from 1; its total is that of the list. `key` names the list, `now` is a clock's time.

    What is remembered of the list ends when the store tells another total, or after `MEMORY` where it tells none.
    """
    place = (key, size)
    found = known.get(place)
    if found and number > 1 and (found.told is not None or now - found.since < MEMORY):
        page = yield from _paged(found, listed, number, size)
        if page:
            return page
    # Walked anew, the list is taken as it comes: it may go on changing.
    first = yield from window(listed, None, size)
    total = len(first.rows) if first.cursor is None else (yield from _total(listed, first))
    found = known.put(place, Known([None, first.cursor], total, first.total, now))
    if number == 1:
        return Window(first.rows, first.cursor, total)
    return (yield from _paged(found, listed, number, size, anew=True)) or Window((), None, total)


def _paged(found: Known, listed: Listed[T], number: int, size: int, *, anew: bool = False) -> Steps[Window[T] | None]:
    """A page behind the first; None if the list is no longer what is remembered of it, unless it is walked `anew`."""
    cursors = found.cursors
    while len(cursors) < number and cursors[-1] is not None:
        length = len(cursors)
        step = yield from window(listed, cursors[-1], size)
        if step.total != found.told and not anew:
            return None
        if len(cursors) == length:  # else another call has walked here meanwhile
            cursors.append(step.cursor)
    at = cursors[number - 1] if len(cursors) >= number else None
    if at is None and anew:
        return Window((), None, found.total)
    if at is None:
        there = yield from listed.fetch(None, 1)
        return Window((), None, found.total) if there.total == found.told else None
    page = yield from window(listed, at, size)
    if page.total != found.told and not anew:
        return None
    if len(cursors) == number:
        cursors.append(page.cursor)
    return Window(page.rows, page.cursor, found.total)


def _total(listed: Listed[T], first: Window[T]) -> Steps[int]:
    if listed.keep is None and first.total is not None:
        return first.total
    return (yield from count(listed))
