"""Lists by number of row or page: a page by offset, and the cursors of pages that are not read yet."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, overload

from otabridge.errors import PagingError
from otabridge.flow import Steps
from otabridge.models import Page

O = TypeVar("O")  # noqa: E741  # the wire's rows
T = TypeVar("T")


class Ahead(Sequence[str]):
    """The cursors of `count` pages that follow, made when they are looked at: `make(0)` is that of the next one."""

    def __init__(self, make: Callable[[int], str], count: int) -> None:
        self._make = make
        self._places = range(count)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: Any) -> Any:
        found = self._places[place]
        return self._make(found) if isinstance(found, int) else tuple(map(self._make, found))


def offsets_from(start: int, size: int, total: int) -> Ahead:
    """The offsets of the pages of one size from a row to the end."""
    return Ahead(lambda page: str(start + page * size), -(-(total - start) // size))


def as_given(rows: Sequence[Any]) -> "Steps[Sequence[Any]]":
    """The wire's rows, where they are ours already."""
    yield from ()
    return rows


def offset_page(
    cursor: str | None,
    fetch: "Callable[[int], Steps[tuple[Sequence[O], int]]]",
    rows: "Callable[[Sequence[O]], Steps[Sequence[T]]]" = as_given,
    *,
    counted: bool = True,
) -> "Steps[Page[T]]":
    """A page of a list by offset, which has rows unless it is the last; its cursor is the offset to go on from.

    `fetch(offset)` gives the wire's rows and the total, which ends the list, never a short page. `rows` makes ours of
    them; where it leaves some out, the total is not ours: not `counted`.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 12):
        raise PagingError(f"not a cursor of this list: {cursor[:60]!r}")
    start = int(cursor or 0)
    while True:
        found, total = yield from fetch(start)
        end = start + len(found)
        over = not found or end >= total
        given = tuple((yield from rows(found)))
        if given or over:
            known = counted and len(given) == len(found)
            page = Page(given, None if over else str(end), total if known else None, start if known else None)
            # Where no total is told, nobody could notice that pages were read out of the order in which rows move.
            return replace(page, ahead=offsets_from(end, len(found), total)) if known and not over else page
        start = end
