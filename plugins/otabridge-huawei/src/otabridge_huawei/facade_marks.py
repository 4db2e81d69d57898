"""Markers: 24 hex digits that fall along a list, over the cursors of any store.

Where a cursor is the number of a record, newest first, the marker is that number. Elsewhere it counts the rows before
it, so that it still leads to its place when its cursor is forgotten.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from otabridge.facade import Table
from otabridge.plugin import Flow, Page, Steps
from otabridge.windows import Fetch

T = TypeVar("T")
START, END = "f" * 24, "0" * 24
_COUNTED = "fff"  # how a marker begins that counts rows; no record has so high a number
_MOST = 16**9 - 1
_LIST = 88  # the bit above which a record's number has the list that it is in
_HIGHEST = 1 << 62  # a store's record is below it
_RECORD = re.compile(r"([0-9]) ([0-9]{0,19})").fullmatch
is_marker = re.compile("[0-9a-fA-F]{24}").fullmatch


@dataclass(frozen=True, slots=True)
class Place:
    """Where a marker leads: a cursor and rows to skip behind it; `passed` counts the rows before, if that is known."""

    cursor: str | None = None
    skip: int = 0
    passed: int = 0
    over: bool = False


class Marks:
    """The markers of one facade's lists; `records` says that the store's cursors name rows."""

    def __init__(self, *, records: bool) -> None:
        self._records = records
        self._cursors: Table[tuple[Hashable, str], str] = Table(10_000)

    def marker(self, key: Hashable, lists: int, cursor: str | None, passed: int) -> str:
        """The marker of the place at a cursor of `chained` lists."""
        if cursor is None:
            return END
        if self.exact(cursor) and (record := _RECORD(cursor)):
            index, number = int(record[1]), int(record[2] or 0)
            if not record[2]:
                index -= 1  # in front of a list is behind the one before it
            return f"{(lists - 1 - index) << _LIST | number:024x}"
        named = sha256(cursor.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        marker = f"{_COUNTED}{max(0, _MOST - passed):09x}{named}"
        self._cursors.put((key, marker), cursor)
        return marker

    def exact(self, cursor: str | None) -> bool:
        """Whether a cursor is the number of a record."""
        record = _RECORD(cursor or "") if self._records else None
        return record is not None and int(record[2] or 0) < _HIGHEST

    def place(self, key: Hashable, lists: int, marker: str) -> Place:
        """Where a marker leads."""
        if marker == END:
            return Place(over=True)
        if marker == START:
            return Place()
        if marker.startswith(_COUNTED):
            passed = _MOST - int(marker[3:12], 16)
            cursor = self._cursors.get((key, marker))
            return Place(cursor, 0 if cursor else passed, passed)
        number = int(marker, 16)
        index, record = lists - 1 - (number >> _LIST), number & ((1 << _LIST) - 1)
        if index < 0:
            return Place()
        return Place(f"{index} {record if record < _HIGHEST else ''}")


def chained(fetches: Sequence[Callable[[str | None, int], Flow[Page[T]]]]) -> Fetch[T]:
    """Several lists as one after the other; a cursor begins with the number of its list."""

    def steps(cursor: str | None, limit: int) -> Steps[Page[T]]:
        number, _, inner = (cursor or "0 ").partition(" ")
        index = int(number)
        page = yield from fetches[index](inner or None, limit)
        if page.cursor is not None:
            return Page(page.items, f"{index} {page.cursor}", page.total)
        return Page(page.items, f"{index + 1} " if index + 1 < len(fetches) else None, page.total)

    return lambda cursor, limit: Flow(steps(cursor, limit), "chained")
