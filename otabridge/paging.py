"""Paging as values: `Walk` reads one list to its true end, `Nested` makes one list of many.

A walk never gives a prefix as if it were all: it drops rows that a growing list shows twice, reads again from one page
back when a list by position shrinks or ends short, at most three times, and then raises PagingError.
"""

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Generic, TypeVar

from otabridge.errors import PagingError
from otabridge.flow import Flow, Steps
from otabridge.models import Device, Module, ModuleVersion, Package, Page, Product

T = TypeVar("T")
O = TypeVar("O")  # noqa: E741  # outer rows
REMEMBERED = 4  # pages whose identities are kept
REREADS = 3

# What makes a row of a list the same row.
IDENTITIES: dict[type, Callable[[Any], object]] = {
    Product: attrgetter("id"),
    Module: attrgetter("product", "name"),
    Package: attrgetter("id"),
    Device: attrgetter("product", "name", "id"),
    ModuleVersion: attrgetter("product", "device", "device_id", "module", "source", "reported_at"),
}


class Walk(Generic[T]):
    """The state of one reading: ask for the page at `cursor`, give it to `take`, until `done`.

    No snapshot is promised: rows that come or go while the list is read may be in it or not.
    """

    def __init__(self, identity: Callable[[T], object], *, cursor: str | None = None, keyset: bool = False) -> None:
        self.cursor = cursor
        self.done = False
        self._identity = identity
        self._keyset = keyset
        self._whole = cursor is None  # a walk that starts in the middle cannot know how many rows there should be
        self._trail: list[str | None] = []  # the cursors of the pages before this one
        self._seen: dict[int, set[object]] = {}  # place in the trail -> identities, for the last few places
        self._distinct = 0
        self._least: int | None = None
        self._total: int | None = None
        self._rereads = 0

    def take(self, page: Page[T]) -> tuple[T, ...]:
        """The rows of this page that were not given before."""
        if page.cursor is not None and (page.cursor == self.cursor or page.cursor in self._trail):
            raise PagingError(f"the cloud repeated a page cursor after {self._distinct} rows: the list would never end")
        fresh = self._fresh(page.items)
        self._distinct += len(fresh)
        missing = self._missing(page)
        if missing:
            self._go_back(missing)
        elif page.cursor is None:
            self.done = True
        else:
            self._trail.append(self.cursor)
            self.cursor = page.cursor
        return fresh

    def _fresh(self, rows: tuple[T, ...]) -> tuple[T, ...]:
        keys = list(map(self._identity, rows))
        ids = set(keys)
        known = set().union(*self._seen.values())
        place = len(self._trail)
        self._seen[place] = ids | self._seen.get(place, set())
        self._seen.pop(place - REMEMBERED, None)
        if len(ids) == len(keys) and known.isdisjoint(ids):
            return rows
        first = {key: row for key, row in zip(reversed(keys), reversed(rows), strict=True) if key not in known}
        return tuple(reversed(first.values()))

    def _missing(self, page: Page[T]) -> int:
        """How many rows may have slipped past: those by which the list shrank, or those it announced and never gave."""
        before, self._total = self._total, page.total
        if page.total is not None:
            self._least = page.total if self._least is None else min(self._least, page.total)
            if before is not None and page.total < before and not self._keyset:
                return before - page.total
        if page.cursor is None and self._whole and self._least is not None:
            return max(0, self._least - self._distinct)
        return 0

    def _go_back(self, missing: int) -> None:
        self._rereads += 1
        if self._rereads > REREADS:
            raise PagingError(
                f"the list gave {self._distinct} different rows where it announced {self._least}, "
                f"and {REREADS} readings of its last pages did not mend that: read it again when it is at rest"
            )
        # One page back; further where more rows slipped than that page holds, as far as identities are remembered.
        place = len(self._trail)
        while place > 0 and place - 1 in self._seen and missing > 0:
            place -= 1
            missing -= len(self._seen[place])
        self.cursor = self._trail[place] if place < len(self._trail) else self.cursor
        del self._trail[place:]


class Nested(Generic[O, T]):
    """One list made of an inner list for each row of an outer one, with a cursor that any process can take up.

    `outer(cursor)` gives a page of outer rows, `inner(row, cursor)` a page of that row's list. Empty inner pages are
    skipped; an inner list that ends with fewer rows than it announced raises PagingError. `memory` keeps the outer page
    that is being worked through, so that going on needs no second reading of it.
    """

    def __init__(
        self,
        memory: "dict[str | None, Page[O]]",
        outer: Callable[[str | None], "Flow[Page[O]]"],
        inner: Callable[[O, str | None], "Flow[Page[T]]"],
    ) -> None:
        self._memory = memory
        self._outer = outer
        self._inner = inner

    def page(self, cursor: str | None) -> "Steps[Page[T]]":
        """The page at `cursor`, with at least one row unless it is the last."""
        outer, index, inner, seen, least = _decode(cursor)
        rows = self._memory.get(outer) if index or inner else None
        while True:
            if rows is None:
                rows = yield from self._outer(outer)
                self._memory.clear()
                self._memory[outer] = rows
            if index >= len(rows.items):
                if rows.cursor is None:
                    return Page(())
                outer, index, rows = rows.cursor, 0, None
                continue
            page = yield from self._inner(rows.items[index], inner)
            seen += len(page.items)
            if page.total is not None:
                least = page.total if least is None else min(least, page.total)
            if page.cursor is None:
                if least is not None and seen < least:
                    raise PagingError(f"a list within the list gave {seen} rows of {least}: read it again")
                index, inner, seen, least = index + 1, None, 0, None
            else:
                inner = page.cursor
            over = inner is None and index >= len(rows.items) and rows.cursor is None
            if page.items or over:
                return Page(page.items, None if over else json.dumps([outer, index, inner, seen, least]))


def _decode(cursor: str | None) -> tuple[str | None, int, str | None, int, int | None]:
    if cursor is None:
        return None, 0, None, 0, None
    try:
        parts: Any = json.loads(cursor)
        outer, index, inner, seen, least = parts
        return outer, int(index), inner, int(seen), least
    except (ValueError, TypeError):
        raise PagingError(f"not a cursor of this list: {cursor[:60]!r}") from None
