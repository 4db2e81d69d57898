"""What every operation of the facade stands on: what was asked, answers and refusals, lists by marker, owners."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from otabridge.facade import Answer, Call, Facade, Site, Table
from otabridge.plugin import (
    ApiError,
    Backend,
    Capability,
    Flow,
    ForbiddenError,
    Page,
    Product,
    Steps,
    UnsupportedError,
    broken,
)
from otabridge.windows import Keep, Listed, count, window
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei.facade_marks import START, Marks, chained, is_marker
from otabridge_huawei.schema_names import QUERY, Names
from otabridge_huawei.tables import LIMITS, PAGE

T = TypeVar("T")
_NUMBER = re.compile("[0-9]{1,9}").fullmatch
_TYPES = ("application/json", "")  # of a body; where none is said it is taken to be JSON
LARGEST_OFFSET = 500
ROWS, LARGEST_PAGE = 10, PAGE  # of a page, where the client says nothing, and at most
MOST_PRODUCTS = LIMITS.counts["products per instance"]


class Refused(ApiError):
    """An error of the facade's own; `status` and `code` are what the client is told."""


def refuse(error: tables.Error, message: str = "") -> NoReturn:
    """Refuse a call; the message is told beside the vendor's."""
    status, code, words = error
    raise Refused(f"{words}: {message}" if message else words, status=status, code=code)


def answer(call: Call, body: wire.Json | None, status: int = 200, *more: tuple[str, str]) -> Answer:
    """An answer with its request id."""
    headers = (("X-Request-Id", call.id), *more)
    if body is None:
        return Answer(status=status, headers=headers)
    return Answer(status=status, headers=(("Content-Type", "application/json"), *headers), body=wire.text(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one call gives: the id in its path, its query by our words, its body unread."""

    call: Call
    id: str
    query: Mapping[str, str]
    strict: bool

    def json(self) -> wire.Json:
        """The body, which must be an object."""
        kind = self.call.headers.get("content-type", "").partition(";")[0].strip().lower()
        value = wire.json_body(self.call.body) if kind in _TYPES else None
        if value is None:
            refuse(tables.MALFORMED, "the body must be a JSON object, sent as application/json")
        return value

    def texts(self, names: Names, *needed: str) -> dict[str, str]:
        """The members of the body, all texts, those `needed` among them."""
        return wire.texts(names, self.members(names), *needed)

    def members(self, names: Names) -> wire.Json:
        """The members of the body, by our words."""
        return wire.members(names, self.json(), strict=self.strict)

    def needed(self, word: str) -> str:
        """A parameter of the query that must be there."""
        if word not in self.query:
            raise broken(QUERY[word], "required", "", "give it")
        return self.query[word]

    def check(self) -> None:
        """Check the texts of the query. ValidationError names the parameter."""
        for word, limit in tables.FILTERS.items():
            if word in self.query and (rule := limit.breach(self.query[word])):
                raise broken(QUERY[word], rule, "", "change the value")

    def page(self) -> tuple[str, int, int]:
        """The marker, the offset and the size of the page that is asked for."""
        size, skip = self.query.get("size", str(ROWS)), self.query.get("offset", "0")
        marker = self.query.get("marker", START).lower()
        if not (_NUMBER(size) and 1 <= int(size) <= LARGEST_PAGE):
            refuse(tables.BAD_LIMIT, f"1 to {LARGEST_PAGE}")
        if not is_marker(marker):
            refuse(tables.BAD_MARKER, "24 hexadecimal digits")
        if not (_NUMBER(skip) and int(skip) <= LARGEST_OFFSET):
            raise broken("offset", f"0 to {LARGEST_OFFSET}", skip, "go on by marker")
        return marker, int(skip), int(size)


class Spaces:
    """Resource spaces: a product belongs to the one that a client first made something of it in, else to the default.

    A thing (a module or a package, by its id) that was made of the product in another space belongs to that one.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._owners = site.kept("app")  # of products
        self._things = site.kept("thing")
        self._claimed = site.kept("space")  # a row for each, so that several hosts of one folder can add to them

    def of(self, product: str, asked: str | None = None, thing: str = "") -> str:
        """The space of a product or of a thing. What nobody has claimed is in any space, unless the site is strict."""
        return self._things.get(thing) or self._owners.get(product) or self._free(asked) or tables.DEFAULT_APP

    def all(self) -> tuple[str, ...]:
        """The known spaces, the default one first."""
        return (tables.DEFAULT_APP, *sorted({*self._claimed} - {tables.DEFAULT_APP}))

    def check(self, app: str | None) -> None:
        """Refuse a space that cannot be, or that must be known and is not."""
        limit = LIMITS.text["product.id"]  # the same rule
        if app is not None and (rule := limit.breach(app)):
            raise broken("app.id", rule, app, "change the value")
        if app and tables.strict(self._site, "app") and app not in self.all():
            refuse(tables.NO_APPLICATION)

    def claim(self, product: str, app: str, thing: str) -> Steps[None]:
        """From now on a thing belongs to a space, and its product if it was in none."""
        if self._claimed.get(app) is None:
            if len([*self._claimed]) >= tables.MOST_SPACES:
                return
            yield from self._claimed.put(app, "")
        yield from self._things.put(thing, app)
        if self._owners.get(product) is None:
            yield from self._owners.put(product, app)

    def keep(self, app: str | None) -> Callable[..., bool] | None:
        """Which products, and which things of them, are in a space; None if that is all."""
        if app is None or {*self._claimed, self._free(app)} == {app}:
            return None
        return lambda product, thing="": self.of(product, app, thing) == app

    def _free(self, asked: str | None) -> str | None:
        """The space of what nobody has claimed, where one is asked for."""
        return tables.DEFAULT_APP if tables.strict(self._site, "app") else asked


class FacadeCalls(Facade):
    """The dialect below the operations."""

    limits = LIMITS

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        self.spaces = Spaces(site)
        self.marks = Marks()
        self._counts: Table[Hashable, tuple[int, int, int]] = Table(1000)
        self._products: Table[str, Product] = Table(10_000)

    # --- lists ------------------------------------------------------------------------------------------------------

    def listed(
        self, capability: Capability, *fetches: Callable[[str | None, int], Flow[Page[T]]], keep: Keep[T] | None = None
    ) -> Listed[T]:
        """A list of the store, or several one after the other."""
        largest = self.store.limits.page_size.get(capability, LARGEST_PAGE)
        return Listed(fetch=chained(fetches), largest=largest, keep=keep)

    def page(
        self,
        given: Given,
        kind: str,
        listed: Listed[T],
        write: Callable[[T], Steps[wire.Json]],
        *,
        lists: int = 1,
        total: Callable[[], Steps[int]] | None = None,
    ) -> Steps[Answer]:
        """The page of a list that a call asks for; `total` counts it where that is cheaper than reading it."""
        marker, offset, size = given.page()
        key = (kind, tuple(sorted((word, given.query[word]) for word in given.query.keys() - _PAGING)))
        place = self.marks.place(key, lists, marker)
        rows: Sequence[T] = ()
        cursor, unfiltered, named = None, None, False
        if not place.over:
            part = yield from window(listed, place.cursor, size, skip=place.skip + offset)
            rows, unfiltered, named = part.rows, part.total, bool(part.behind)
            cursor = part.behind[-1] if named else part.cursor
        number = yield from total() if total else self._count(key, listed, unfiltered)
        passed = place.passed + offset + len(rows)
        after = self.marks.marker(key, lists, cursor, passed, named=named) if rows else None
        written: list[wire.Json] = []
        for row in rows:
            written.append((yield from write(row)))
        return answer(given.call, wire.listing(kind, written, count=number, marker=after))

    def _count(self, key: Hashable, listed: Listed[T], unfiltered: int | None) -> Steps[int]:
        """The number of rows; that of a filtered list is remembered until it changes."""
        if listed.keep is None and unfiltered is not None:
            return unfiltered
        known = self._counts.get(key)
        if known and known[:2] == (self.site.changes, unfiltered):
            return known[2]
        found = yield from count(listed)
        if unfiltered is not None:
            self._counts.put(key, (self.site.changes, unfiltered, found))
        return found

    # --- products ---------------------------------------------------------------------------------------------------

    def products(self, keep: Keep[Product] | None = None) -> Listed[Product]:
        """The store's list of products."""
        return self.listed(
            Capability.LIST_PRODUCTS,
            lambda cursor, limit: self.store.list_products(cursor=cursor, limit=limit),
            keep=keep,
        )

    def product(self, product: str) -> Steps[Product | None]:
        """A product, looked for in the store's list and remembered."""
        known, cursor, over = self._products.get(product), None, False
        while known is None and not over:
            try:
                page = yield from self.store.list_products(cursor=cursor)
            except (UnsupportedError, ForbiddenError):
                return None
            for row in page.items:
                self.remember(row)
            known = next((row for row in page.items if row.id == product), None)
            cursor, over = page.cursor, page.cursor is None
        return known

    def remember(self, product: Product) -> None:
        """Keep a product as it was seen last."""
        self._products.put(product.id, product)

    def owner(self, product: str, asked: str | None = None, thing: str = "") -> Steps[dict[str, Any]]:
        """What is told of the product and the space that a thing belongs to."""
        known = yield from self.product(product)
        return {"app": self.spaces.of(product, asked, thing), "line": (known and known.name) or product}

    def admit_owner(self, product: str, app: str) -> Steps[None]:
        """Before something is made of a product in a space: refuse what must be known and is not, and one too many."""
        self.spaces.check(app)
        must = tables.strict(self.site, "product")
        if self._products.get(product) or not (must or (yield from self._full())):
            return
        if (yield from self.product(product)) is None:
            refuse(*((tables.NO_PRODUCT,) if must else (tables.TOO_MANY_PRODUCTS, f"{MOST_PRODUCTS} are allowed")))

    def _full(self) -> Steps[bool]:
        """Whether there are as many products as may be. Of a store that does not list them nobody knows."""
        try:
            return (yield from count(self.products())) >= MOST_PRODUCTS
        except (UnsupportedError, ForbiddenError):
            return False


_PAGING = {"size", "marker", "offset"}


def fixed(*rows: T) -> Callable[[str | None, int], Flow[Page[T]]]:
    """A list of rows that are known already."""

    def steps() -> Steps[Page[T]]:
        yield from ()
        return Page(rows, None, len(rows))

    return lambda _, __: Flow(steps(), "fixed")
