"""Markers: 24 hex digits that fall along a list, over the cursors of any store.

Where a cursor is the number of a record, newest first, the marker is that number. Elsewhere it counts the rows before
it, so that it still leads to its place when its cursor is forgotten, and at the end it is the lowest there is.
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
_RECORD = re.compile(r"([0-9]) ([0-9]{1,18})").fullmatch
is_marker = re.compile("[0-9a-fA-F]{24}").fullmatch


@dataclass(frozen=True, slots=True)
class Place:
    """Where a marker leads: a cursor and rows to skip behind it; `passed` counts the rows before, if that is known."""

    cursor: str | None = None
    skip: int = 0
    passed: int = 0
    over: bool = False


class Marks:
    """The markers of one facade's lists."""

    def __init__(self) -> None:
        self._cursors: Table[tuple[Hashable, str], str] = Table(10_000)

    def marker(self, key: Hashable, lists: int, cursor: str | None, passed: int, *, named: bool = False) -> str:
        """The marker of the place at a cursor of `chained` lists; `named` says that it names the row before."""
        if cursor is None:
            return END
        if named and (record := _RECORD(cursor)):
            return f"{(lists - 1 - int(record[1])) << _LIST | int(record[2]):024x}"
        digest = sha256(cursor.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        marker = f"{_COUNTED}{max(0, _MOST - passed):09x}{digest}"
        self._cursors.put((key, marker), cursor)
        return marker

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
        behind = tuple([f"{index} {mark}" for mark in page.behind])
        following = f"{index + 1} " if index + 1 < len(fetches) else None
        if page.cursor is not None:
            following = f"{index} {page.cursor}"
        return Page(page.items, following, page.total, behind=behind)

    return lambda cursor, limit: Flow(steps(cursor, limit), "chained")
