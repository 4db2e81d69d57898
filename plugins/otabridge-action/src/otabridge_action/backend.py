"""The operations on products and modules, and the two clouds."""

from dataclasses import replace
from typing import ClassVar

from otabridge.plugin import (
    DEFAULT,
    Capability,
    Module,
    Nested,
    NotFoundError,
    Page,
    Product,
    Steps,
    agreeing,
    broken,
    flow,
    send,
    settled,
)
from otabridge_action import schema
from otabridge_action.devices import DeviceOperations
from otabridge_action.engine import Place
from otabridge_action.packages import PackageOperations
from otabridge_action.profiles import ALIYUN, TUYA
from otabridge_action.schema_names import core_module, parameters
from otabridge_action.settings import AliyunSettings, TuyaSettings


class ActionBackend(PackageOperations, DeviceOperations):
    """One engine for both clouds. Modules have no id here: product and name say which one is meant."""

    # --- products ---------------------------------------------------------------------------------------------------

    @flow
    def list_products(self, *, cursor: str | None = None, limit: int | None = None) -> Steps[Page[Product]]:
        """One page of products, newest first."""
        return (
            yield from self.pages(
                Capability.LIST_PRODUCTS, "QueryProductList", schema.PRODUCTS, (), cursor=cursor, limit=limit
            )
        )

    # --- modules ----------------------------------------------------------------------------------------------------

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        """The modules of a product as the cloud lists them, which is all at once."""
        if product is None:
            every: Nested[Product, Module] = Nested(
                self.products_at_work,
                lambda outer: self.list_products(cursor=outer),
                lambda owner, inner: self.list_modules(product=owner.id, cursor=inner, limit=limit),
            )
            return (yield from every.page(cursor))
        modules = yield from self._modules(product)
        place = Place.read(cursor, limit or len(modules))
        begin, end = (place.page - 1) * place.size, place.page * place.size
        following = replace(place, page=place.page + 1) if end < len(modules) else None
        return Page(modules[begin:end], str(following) if following else None, len(modules))

    @flow
    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[Module]:
        """One module of a product, found in its list."""
        product, name = self._key(product, name, module_id)
        if core_module(name) == DEFAULT:
            return Module(product=product, name=DEFAULT, builtin=True)
        found = yield from self._module(product, name)
        if found is None:
            raise NotFoundError(f"product {product} has no module {name}", backend=self.name, operation="get_module")
        return found

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        """Make a module. The answer is bare, so what was asked for is returned."""
        wanted = Module(product=product, name=name, alias=alias, description=description or None)

        def look() -> Steps[Module | None]:
            found = yield from self._module(product, name)
            clash = f"product {product} has a module {name} with another alias or description"
            return agreeing(found, lambda it: (it.alias, it.description) == (alias, wanted.description), clash)

        pairs = parameters(product=product, module=name, alias=alias, description=wanted.description)
        request = self.action("CreateOTAModule", pairs, read=False)
        return (yield from settled(request, look, read=lambda _: wanted, lag=self.traits.list_lag_seconds))

    @flow
    def update_module(
        self,
        *,
        product: str | None = None,
        name: str | None = None,
        module_id: str | None = None,
        alias: str | None = None,
        description: str | None = None,
    ) -> Steps[Module]:
        """Change alias or description; that a parameter left out stays as it is, is unverified.

        The answer is bare: what was not named is read back.
        """
        product, name = self._key(product, name, module_id)
        wanted = Module(product=product, name=name, alias=alias, description=description or None)

        def look() -> Steps[Module | None]:
            found = yield from self._module(product, name)
            same = found and alias in (None, found.alias) and description in (None, found.description or "")
            return found if same else None

        pairs = parameters(product=product, module=name, alias=alias, description=description)
        request = self.action("UpdateOTAModule", pairs, read=False)
        done = yield from settled(request, look, read=lambda _: wanted, lag=self.traits.list_lag_seconds)
        known = done is not wanted or (alias is not None and description is not None)
        return done if known else (yield from self.get_module(product=product, name=name))

    @flow
    def delete_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[None]:
        """Delete a module, which the cloud refuses while it has packages."""
        product, name = self._key(product, name, module_id)

        def gone() -> Steps[bool | None]:
            return None if (yield from self._module(product, name)) else True

        request = self.action("DeleteOTAModule", parameters(product=product, module=name), read=False)
        yield from settled(request, gone, read=lambda _: True, lag=self.traits.list_lag_seconds)

    def _key(self, product: str | None, name: str | None, module_id: str | None) -> tuple[str, str]:
        if module_id is not None:
            raise broken("module.id", f"{self.name} has no ids of modules", module_id, "give product and name")
        if product is None or name is None:
            raise broken("module.name", "required, with its product", name or "", "give both")
        return product, name

    def _modules(self, product: str) -> Steps[tuple[Module, ...]]:
        request = self.action("ListOTAModuleByProduct", parameters(product=product))
        return schema.MODULES.read(request, (yield from send(request)), raw=True).rows

    def _module(self, product: str, name: str) -> Steps[Module | None]:
        wanted = core_module(name)
        return next((row for row in (yield from self._modules(product)) if row.name == wanted), None)


class TuyaBackend(ActionBackend, profile=TUYA):
    """A Tuya service instance: Aliyun's API in camelCase."""

    settings: ClassVar = TuyaSettings


class AliyunBackend(ActionBackend, profile=ALIYUN):
    """Alibaba Cloud IoT Platform."""

    settings: ClassVar = AliyunSettings
