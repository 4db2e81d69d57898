"""Reading a side of a migration: its modules and packages, and what stands in the place of each case."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from otabridge.errors import NotFoundError, UnsupportedError
from otabridge.flow import Flow, Steps, or_none, together
from otabridge.migrate.facts import Facts
from otabridge.migrate.looking import shown_package
from otabridge.migrate.steps import Where, ask
from otabridge.models import Module, Package

IN_FLIGHT = 8


@dataclass(slots=True)
class Found:
    """What stands on one side. `missing` are products that it does not have."""

    modules: list[Module] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)


def everything(where: Where, products: Sequence[str] | None) -> Steps[Found]:
    """The modules and packages of some products, or of all."""
    found = Found()
    if products is None:
        try:
            found.modules = yield from ask(where, _modules)
            found.packages = yield from ask(where, _packages)
            return found
        except UnsupportedError:  # a cloud may want to be asked product by product
            rows = yield from ask(where, lambda cloud: cloud.products.list())
            found, products = Found(), sorted(row.id for row in rows)
    for product in products:
        try:
            found.modules += yield from ask(where, partial(_modules, product=product))
            found.packages += yield from ask(where, partial(_packages, product=product))
        except NotFoundError:
            found.missing.add(product)
    return found


def standing(products: Sequence[str], facts: Facts) -> Steps[Found]:
    """What the destination has of these products; of all where something is counted, or unique, in the account."""
    wider = [count for count in facts.limits.counts if not count.endswith(("per product", "per module"))]
    counted = any(count.startswith(("modules", "packages")) for count in wider)
    unique = {"module.alias", "package.name"} & facts.traits.unique_keys.keys()
    if not (counted or unique):
        return (yield from everything("destination", products))
    found = yield from everything("destination", None)
    full = {row.product for row in found.modules} | {row.product for row in found.packages}
    empty = yield from everything("destination", [each for each in products if each not in full])
    found.missing |= empty.missing  # a product that has nothing may be none
    return found


def whole(where: Where, rows: Sequence[Package]) -> Steps[list[Package]]:
    """The rows with what only a look at each tells, unless the list has the places of their files already."""
    partial = [row for row in rows if not row.artifacts or any(file.location is None for file in row.artifacts)]
    flows = [Flow(or_none(shown_package(where, row.id)), "look") for row in partial]
    seen = (yield from together(flows, in_flight=IN_FLIGHT)) if flows else []
    known = dict(zip((row.id for row in partial), seen, strict=True))
    return [found for row in rows if (found := known.get(row.id, row))]


def _modules(cloud: Any, product: str | None = None) -> Any:
    return cloud.modules.list(product=product)


def _packages(cloud: Any, product: str | None = None) -> Any:
    return cloud.packages.list(product=product)
