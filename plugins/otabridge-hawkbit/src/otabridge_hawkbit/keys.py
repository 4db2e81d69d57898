"""How a server's type keys and reported attributes are read as products, modules and versions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from otabridge.plugin import FIRMWARE, Module, NotFoundError, broken
from otabridge_hawkbit import schema
from otabridge_hawkbit.settings import HawkbitSettings
from otabridge_hawkbit.tables import KEY_LENGTH, OS

Named = tuple[str, str]  # product and module


class Keys:
    """One tenant's. In the mode `prefix` the key `p1.mcu` is module `mcu` of product `p1`."""

    def __init__(self, config: HawkbitSettings) -> None:
        # The one product there is, or None where keys name theirs.
        self.single = config.product if config.product_mode == "single" else None
        self._template = config.version_attribute

    def key(self, product: str, module: str) -> str:
        """The type key of a module. NotFoundError if there cannot be such a product, ValidationError if too long."""
        self.check(product)
        word = OS if module == FIRMWARE else module
        key = word if self.single else f"{product}.{word}"
        if len(key.encode("utf-16-le")) > 2 * KEY_LENGTH:
            raise broken("module.name", f"at most {KEY_LENGTH} characters with its product", key, "shorten it")
        return key

    def check(self, product: str | None) -> None:
        """NotFoundError if there cannot be such a product."""
        if product is not None and self.single not in (None, product):
            told = f"no product {product!r}: the tenant is the one product, {self.single!r}; see product_mode"
            raise NotFoundError(told, backend="hawkbit")

    def named(self, key: str) -> Named | None:
        """The product and module of a type key; None if it has no product."""
        product, dot, word = (self.single, ".", key) if self.single else key.partition(".")
        return (product, FIRMWARE if word == OS else word) if product and dot and word else None

    def module(self, row: Module, *, whole: bool = False) -> Module | None:
        """A type as a module; None if it is deleted, or has no product."""
        named = self.named(row.name)
        if named is None or schema.deleted(row):
            return None
        product, name = named
        alias, raw = row.alias if row.alias != row.name else None, row.raw if whole else None
        row = replace(row, product=product, name=name, alias=alias, description=row.description or None)
        return replace(row, raw=raw, builtin=name == FIRMWARE)

    def attribute(self, named: Named) -> str:
        """The attribute by which devices report a module's version."""
        return self._template.format(product=named[0], module=OS if named[1] == FIRMWARE else named[1])

    def reported(self, attributes: Mapping[str, object], modules: Iterable[Named]) -> dict[Named, str]:
        """The versions that attributes tell of these modules."""
        found = ((each, attributes.get(self.attribute(each))) for each in modules)
        return {each: version for each, version in found if isinstance(version, str)}
