"""What the actions of the facade share: pages by number, products as they are known, and the right words for no."""

from collections.abc import Callable, Hashable
from typing import ClassVar, TypeVar

from otabridge.facade import Facade, Site, Table
from otabridge.plugin import Backend, Capability, Flow, Page, Product, Steps
from otabridge.windows import Known, Listed, Window, numbered, window
from otabridge_action.facade_codes import no
from otabridge_action.facade_gate import Gate
from otabridge_action.facade_reading import Parsed
from otabridge_action.facade_tables import SERVED_QUOTAS, UNKNOWN_TIME, strict
from otabridge_action.profiles import Profile
from otabridge_action.schema_answers import Scribe
from otabridge_action.schema_writing import Shown

T = TypeVar("T")
PAGE = 100  # rows of a store's page, where it says no other
ALL = 1_000_000


class ActionBase(Facade):
    """One cloud's facade without its actions. A cloud is a subclass with a profile."""

    contract = 1
    profile: ClassVar[Profile]

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        self.gate = Gate(self.profile, site)
        self.scribe = Scribe(camel=self.profile.camel, unknown=UNKNOWN_TIME)
        self._known: Table[Hashable, Known] = Table(1000)
        self._products: Table[str, Product] = Table(10_000)

    def __init_subclass__(cls, *, profile: Profile | None = None) -> None:
        super().__init_subclass__()
        if profile:
            cls.profile, cls.name = profile, profile.name
            cls.limits, cls.quotas = profile.limits, {**profile.quotas, **SERVED_QUOTAS}

    # --- lists ------------------------------------------------------------------------------------------------------

    def listed(
        self,
        capability: Capability,
        fetch: Callable[[str | None, int], Flow[Page[T]]],
        keep: Callable[[T], bool] | None = None,
    ) -> Listed[T]:
        """A list of the store, whatever its pages."""
        largest = self.store.limits.page_size.get(capability, PAGE)
        return Listed(fetch=fetch, largest=largest, keep=keep)

    def place(self, asked: Parsed, capability: Capability, *, size: int | None = None) -> tuple[int, int]:
        """The number and the size of the page that is asked for; with `size`, both may be left out."""
        words = asked.words
        number = whole(words.get("page", "1" if size else ""))
        rows = whole(words.get("size", str(size or "")))
        if number < 1 or not 1 <= rows <= self.limits.page_size[capability]:
            raise no("page")
        return number, rows

    def numbered(self, key: Hashable, listed: Listed[T], number: int, size: int) -> Steps[tuple[Window[T], Shown]]:
        """One page of a list, and what is said of it. What was remembered of the list ends with the next write."""
        now, key = self.site.world.monotonic(), (key, self.site.changes)
        found = yield from numbered(self._known, key, listed, number=number, size=size, now=now)
        return found, Shown(number=number, size=size, total=found.total or 0)

    def all(self, listed: Listed[T]) -> Steps[tuple[T, ...]]:
        """A list that is known to be short."""
        return (yield from window(listed, None, ALL)).rows

    # --- products ---------------------------------------------------------------------------------------------------

    def product(self, product: str) -> Steps[Product | None]:
        """A product as the store has it. It is looked for in the list of all when it is not known yet."""
        if not self.store.capabilities[Capability.LIST_PRODUCTS].level.usable:
            return Product(id=product)
        if self._products.get(product) is None:
            rows = yield from self.all(self.products())
            for row in rows:
                self._products.put(row.id, row)
        return self._products.get(product)

    def products(self) -> Listed[Product]:
        """All products of the store."""
        return self.listed(
            Capability.LIST_PRODUCTS, lambda cursor, limit: self.store.list_products(cursor=cursor, limit=limit)
        )

    def product_name(self, product: str) -> Steps[str]:
        """What a product is called; one without a name is called by its key."""
        found = yield from self.product(product)
        return (found.name if found else None) or product

    def admit_product(self, product: str) -> Steps[None]:
        """Refuse a malformed product, and where the host is strict one that is not there."""
        self.limits.check_text("product.id", product)
        if strict(self.site, "product") and (yield from self.product(product)) is None:
            raise no("product")


def whole(text: str) -> int:
    """A number, or 0 where the text is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def boolean(text: str) -> bool:
    """A boolean in any case."""
    if text.lower() not in ("true", "false"):
        raise no("boolean")
    return text.lower() == "true"
