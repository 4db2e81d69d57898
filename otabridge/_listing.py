"""A list that is not read yet: how to get the page at a cursor, and where to begin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from otabridge.flow import Flow
from otabridge.models import Page
from otabridge.paging import IDENTITIES, Walk

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One list of one cloud, as a pager reads it."""

    fetch: Callable[[str | None], Flow[Page[T]]]
    row: type[T]
    keyset: bool
    cursor: str | None

    def walk(self) -> Walk[T]:
        """One reading of it."""
        return Walk(cast("Callable[[T], object]", IDENTITIES[self.row]), cursor=self.cursor, keyset=self.keyset)
