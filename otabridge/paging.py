"""Paging as values: `Walk` reads one list to its true end, `Nested` makes one list of many.

A walk never gives a prefix as if it were all: it drops rows that a growing list shows twice, reads again from one page
back when a list by position shrinks or ends short, at most three times, and then raises PagingError.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import astuple, dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

from otabridge.errors import PagingError
from otabridge.flow import Flow, Steps
from otabridge.models import Device, Module, ModuleVersion, Package, Page, Product

T = TypeVar("T")
O = TypeVar("O")  # noqa: E741  # outer rows
REMEMBERED = 6  # pages whose identities are kept
BACK = 3  # pages to go back at most; the identities of those before are kept for rows that a growing list moves on
REREADS = 3
STALE = 100  # pages without a new row: a list that grows moves rows on, but not for ever
AT_WORK = 8  # outer pages that nested lists keep

# What makes a row of a list the same row.
IDENTITIES: dict[type, Callable[[Any], object]] = {
    Product: attrgetter("id"),
    Module: attrgetter("product", "name"),
    Package: attrgetter("id"),
    Device: attrgetter("product", "name", "id"),
    # The version too: a server may believe that a device runs several of one module.
    ModuleVersion: attrgetter("product", "device", "device_id", "module", "source", "reported_at", "version"),
}


class Walk(Generic[T]):
    """The state of one reading: ask for the page at `cursor`, give it to `take`, until `done`.

    No snapshot is promised: rows that come or go while the list is read may be in it or not. A row that stays is given,
    or PagingError raised, unless a list by position loses rows before the place of reading while it gains as many
    behind it: a total cannot tell that from rest. A row comes once, unless the list grows by more pages than are kept.
    """

    def __init__(self, identity: Callable[[T], object], *, cursor: str | None = None, keyset: bool = False) -> None:
        self.cursor = cursor
        self.done = False
        self._identity = identity
        self._keyset = keyset
        self._whole = cursor is None  # a walk that starts in the middle cannot know how many rows there should be
        self._trail: dict[str | None, None] = {}  # the cursors of the pages before this one, in order
        self._seen: dict[int, set[object]] = {}  # place in the trail -> identities, for the last few places
        self._sizes: dict[int, int] = {}  # place in the trail -> rows that were there at the last reading
        self._distinct = 0
        self._least: int | None = None
        self._total: int | None = None
        self._rereads = 0
        self._stale = 0  # pages in a row that held nothing new

    def take(self, page: Page[T]) -> tuple[T, ...]:
        """The rows of this page that were not given before."""
        if page.cursor is not None and (page.cursor == self.cursor or page.cursor in self._trail):
            raise PagingError(f"the cloud repeated a page cursor after {self._distinct} rows: the list would never end")
        if slipped := self._slipped(page.total):
            if self._go_back(slipped) > 0:
                raise PagingError(f"the list lost {slipped} rows while it was read: read it again when it is at rest")
            return ()  # its rows come again, after those that slipped
        if not self._whole and page.before is not None:
            self._distinct, self._whole = page.before, True
        fresh = self._fresh(page.items)
        self._distinct += len(fresh)
        self._stale = 0 if fresh or not page.items else self._stale + 1
        if self._stale > STALE:
            raise PagingError(f"the cloud gave rows again and again after {self._distinct}: the list would never end")
        if missing := self._missing(page):
            self._go_back(missing)
        elif page.cursor is None:
            self.done, self.cursor = True, None
        else:
            self._trail[self.cursor] = None
            self.cursor = page.cursor
        return fresh

    def _fresh(self, rows: tuple[T, ...]) -> tuple[T, ...]:
        keys = list(map(self._identity, rows))
        ids = set(keys)
        place = len(self._trail)
        kept = self._seen.values()
        repeated = len(ids) < len(keys) or not all(map(ids.isdisjoint, kept))
        known = set().union(*kept) if repeated else set()
        self._seen[place] = ids | self._seen.get(place, set())
        self._sizes[place] = len(rows)
        self._seen.pop(place - REMEMBERED, None)
        self._sizes.pop(place - REMEMBERED, None)
        if not repeated:
            return rows
        first: dict[object, T] = {}
        for key, row in zip(keys, rows, strict=True):
            if key not in known:
                first.setdefault(key, row)
        return tuple(first.values())

    def _slipped(self, total: int | None) -> int:
        """How many rows may have slipped from this page to those before it: by so many did the list shrink."""
        if total is None:
            return 0
        before, self._total = self._total, total
        self._least = total if self._least is None else min(self._least, total)
        if before is None or self._keyset or (self._whole and not self._trail):
            return 0
        return max(0, before - total)

    def _missing(self, page: Page[T]) -> int:
        """At the end of a list: how many rows it announced and never gave."""
        if page.cursor is None and self._whole and self._least is not None:
            return max(0, self._least - self._distinct)
        return 0

    def _go_back(self, rows: int) -> int:
        """Go back by pages of so many rows, and return how many of them lie before what can be read again."""
        self._rereads += 1
        if self._rereads > REREADS:
            raise PagingError(
                f"the list gave {self._distinct} different rows, announced {self._least} at the least, and changed or "
                f"ended short through {REREADS} readings of its last pages: read it again when it is at rest"
            )
        for place in reversed(range(max(0, len(self._trail) - BACK), len(self._trail))):
            if rows <= 0 or place not in self._sizes:
                break
            self.cursor, _ = self._trail.popitem()
            rows -= self._sizes[place]
        return 0 if self._whole and not self._trail else rows


@dataclass(slots=True)
class _Place:
    """Where a nested list is read: in the outer list, and in the inner list of its row `index`. A cursor holds it."""

    outer: str | None = None
    index: int = 0
    mark: int | None = None  # of the row at `index`, so that it is found again where the page has changed
    passed: int = 0  # rows of the outer pages before
    total: int | None = None
    pages: int = 0
    anchor: str | None = None
    inner: str | None = None
    seen: int = 0
    least: int | None = None


_KINDS = get_type_hints(_Place)


class Nested(Generic[O, T]):
    """One list made of an inner list for each row of an outer one, with a cursor that any process can take up.

    `outer(cursor)` gives a page of outer rows, `inner(row, cursor)` a page of that row's list. Empty inner pages are
    skipped. A list that ends with fewer rows than it announced raises PagingError, and so does a list by position that
    shrinks. `memory` keeps the outer pages that are being worked through, so that going on needs no second reading of
    them; `scope` tells apart the outer lists that share it.
    """

    def __init__(
        self,
        memory: "dict[Any, Page[O]]",
        outer: Callable[[str | None], "Flow[Page[O]]"],
        inner: Callable[[O, str | None], "Flow[Page[T]] | Steps[Page[T]]"],
        *,
        scope: object = None,
        keyset: bool = False,
    ) -> None:
        self._memory = memory
        self._outer = outer
        self._inner = inner
        self._scope = scope
        self._keyset = keyset

    def page(self, cursor: str | None) -> "Steps[Page[T]]":
        """The page at `cursor`, with at least one row unless it is the last."""
        at = _decode(cursor)
        rows = None if at.mark is None else self._memory.get((self._scope, at.outer))
        while True:
            if rows is None:
                rows = yield from self._outer(at.outer)
                self._keep(at.outer, rows)
            if at.mark is not None:
                at.index = _again(at, rows.items)
                at.total = None if not self._keyset else at.total  # rows may have gone from before the mark
            at.total = self._announced(at.total, rows.total)
            page: Page[T] = Page(())
            if rows.items:
                page = yield from self._inner(rows.items[at.index], at.inner)
                self._advance(at, page)
            if at.index < len(rows.items):
                at.mark = _mark(rows.items[at.index])
            elif rows.cursor is None:
                _complete(at.passed + len(rows.items), at.total)
                return Page(page.items)
            else:
                at, rows = _onward(at, rows, rows.cursor), None
            if page.items:
                return Page(page.items, json.dumps(astuple(at), separators=(",", ":")))

    def _keep(self, outer: str | None, rows: Page[O]) -> None:
        self._memory[self._scope, outer] = rows
        for oldest in list(self._memory)[:-AT_WORK]:
            self._memory.pop(oldest, None)

    def _announced(self, before: int | None, now: int | None) -> int | None:
        """The total that counts from here on. Where positions count, a smaller one means that rows slipped past."""
        if before is None or now is None:
            return before if now is None else now
        if now < before and not self._keyset:
            raise PagingError(f"a list within the list shrank from {before} to {now} rows meanwhile: read it again")
        return min(before, now) if self._keyset else now

    def _advance(self, at: _Place, page: Page[T]) -> None:
        at.seen += len(page.items)
        at.least = self._announced(at.least, page.total)
        if page.cursor is None:
            _complete(at.seen, at.least)
            at.index, at.inner, at.seen, at.least = at.index + 1, None, 0, None
        elif page.cursor == at.inner:
            raise PagingError(f"the cloud repeated a page cursor after {at.seen} rows: the list would never end")
        else:
            at.inner = page.cursor


def _onward(at: _Place, rows: Page[Any], following: str) -> _Place:
    """The place at the next outer page; by Brent's rule the anchor meets any circle of cursors."""
    if following in (at.outer, at.anchor):
        raise PagingError(f"the cloud repeated a page cursor after {at.passed} rows: the list would never end")
    pages = at.pages + 1
    anchor = at.anchor if pages & at.pages else following
    return _Place(outer=following, passed=at.passed + len(rows.items), total=at.total, pages=pages, anchor=anchor)


def _complete(given: int, announced: int | None) -> None:
    if announced is not None and given < announced:
        raise PagingError(f"a list within the list gave {given} rows of {announced}: read it again")


def _again(at: _Place, rows: tuple[Any, ...]) -> int:
    """The index of the outer row that is to be read next, on a page that may have changed."""
    if at.index < len(rows) and _mark(rows[at.index]) == at.mark:
        return at.index
    marks = list(map(_mark, rows))
    if at.mark not in marks:
        raise PagingError("the row at which this cursor stands is gone from its page: read the list again")
    return marks.index(at.mark)


def _mark(row: Any) -> int:
    identity = IDENTITIES.get(type(row))
    named: object = identity(row) if identity else row
    return zlib.crc32(repr(named).encode())


def _decode(cursor: str | None) -> _Place:
    try:
        parts = [] if cursor is None else json.loads(cursor)
        place = _Place(*parts)
    except (ValueError, TypeError):
        parts = None
    if not isinstance(parts, list) or not all(isinstance(getattr(place, name), kind) for name, kind in _KINDS.items()):
        raise PagingError(f"not a cursor of this list: {(cursor or '')[:60]!r}")
    return place
