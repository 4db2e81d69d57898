"""Pages of a list that are asked for before they are wanted: which ones, and who holds them until then."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from otabridge._exchange import MOST_IN_FLIGHT
from otabridge.errors import ValidationError

if TYPE_CHECKING:
    from asyncio import Semaphore, Task
    from concurrent.futures import Future, ThreadPoolExecutor

    from otabridge._listing import Listing
    from otabridge._runners import AsyncRunner, Runner
    from otabridge.models import Page

T = TypeVar("T")
H = TypeVar("H")  # a page that is asked for


class Lead:
    """How far to be ahead of a walk, which goes from cursor to cursor as it always does.

    Twice as many pages are held as may be under way: those that have come wait for the reader, and hold up no others.

    A page that was asked for at a cursor to which the walk does not come is of no use, and so is every page where the
    total has changed: the lead then begins again with one page, and doubles with each that was right.
    """

    def __init__(self, in_flight: int) -> None:
        if not 0 <= in_flight <= MOST_IN_FLIGHT:
            told = f"in_flight is {in_flight}: give 0, for each page when it is wanted, to {MOST_IN_FLIGHT}"
            raise ValidationError(told, field="in_flight")
        self.in_flight = in_flight
        self._most = self._length = 2 * in_flight
        self._total: int | None = None

    def after(self, page: Page[Any], cursor: str | None, held: Collection[str | None]) -> tuple[str | None, ...]:
        """The cursors to have under way when a page was read and the walk goes on at `cursor`; `held` are already."""
        before, self._total = self._total, page.total
        if before is not None and page.total != before:
            self._length = 1
            return ()  # what was read before the list changed must not follow what was read after it
        self._length = 1 if held and cursor not in held else min(self._most, 2 * self._length)
        told = tuple(islice(page.ahead, self._length))
        return told if told and told[0] == cursor else (cursor,)[: self._length]


class _Early(ABC, Generic[T, H]):
    """The pages of one reading, and what of them is held before it is wanted."""

    def __init__(self, listing: Listing[T], in_flight: int) -> None:
        self._listing, self._lead = listing, Lead(in_flight)
        self._held: dict[str | None, H] = {}

    def after(self, page: Page[T], cursor: str | None) -> None:
        """Ask for what comes after a page, if the walk goes on at this cursor."""
        if not self._lead.in_flight:
            return
        wanted = self._lead.after(page, cursor, self._held)
        for gone in self._held.keys() - wanted:
            self._dropped(self._held.pop(gone))
        for new in wanted:
            if new not in self._held:
                self._held[new] = self._begun(new)

    @abstractmethod
    def _begun(self, cursor: str | None) -> H:
        """A page that is asked for."""

    @abstractmethod
    def _dropped(self, held: H) -> None:
        """Give up a page that was asked for."""


class Early(_Early[T, "Future[Page[T]]"]):
    """Some pages are fetched on threads before they are wanted."""

    def __init__(self, runner: Runner, listing: Listing[T], in_flight: int) -> None:
        super().__init__(listing, in_flight)
        self._runner = runner
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads:
            # Not waited for: who leaves early wants no page more, and one that fails is tried again for minutes.
            self._threads.shutdown(wait=False, cancel_futures=True)

    def page(self, cursor: str | None) -> Page[T]:
        """The page at a cursor."""
        held = self._held.pop(cursor, None)
        return self._fetched(cursor) if held is None else held.result()

    def _fetched(self, cursor: str | None) -> Page[T]:
        return self._runner.run(self._listing.fetch(cursor))

    def _begun(self, cursor: str | None) -> Future[Page[T]]:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(self._lead.in_flight, "otabridge")
        return self._threads.submit(self._fetched, cursor)

    def _dropped(self, held: Future[Page[T]]) -> None:
        held.cancel()


class AsyncEarly(_Early[T, "Task[Page[T]]"]):
    """Some pages are fetched by tasks before they are wanted."""

    def __init__(self, runner: AsyncRunner, listing: Listing[T], in_flight: int) -> None:
        super().__init__(listing, in_flight)
        self._runner = runner
        self._places: Semaphore | None = None
        self._ending: set[Task[Page[T]]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._places is None:
            return
        import asyncio

        for task in self._held.values():
            task.cancel()
        await asyncio.gather(*self._held.values(), *self._ending, return_exceptions=True)

    async def page(self, cursor: str | None) -> Page[T]:
        """The page at a cursor."""
        held = self._held.get(cursor)
        if held is None:
            return await self._fetched(cursor)
        page = await held
        del self._held[cursor]
        return page

    async def _fetched(self, cursor: str | None) -> Page[T]:
        return await self._runner.run(self._listing.fetch(cursor))

    def _begun(self, cursor: str | None) -> Task[Page[T]]:
        import asyncio

        self._places = self._places or asyncio.Semaphore(self._lead.in_flight)
        return asyncio.ensure_future(self._early(cursor, self._places))

    async def _early(self, cursor: str | None, places: Semaphore) -> Page[T]:
        async with places:
            return await self._fetched(cursor)

    def _dropped(self, held: Task[Page[T]]) -> None:
        held.cancel()
        self._ending.add(held)
        held.add_done_callback(self._ended)

    def _ended(self, task: Task[Page[T]]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # nobody wants it any more, and asyncio complains of those that nobody looked at
