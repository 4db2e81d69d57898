"""The backend: its tables, products and modules. The rest is in packages.py and devices.py, over calls.py."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from otabridge.plugin import (
    FIRMWARE,
    SOFTWARE,
    ConflictError,
    Module,
    NotFoundError,
    Page,
    Product,
    Steps,
    World,
    agreeing,
    broken,
    flow,
)
from otabridge_huawei import schema, tables
from otabridge_huawei.calls import Place, Stretch, place_at
from otabridge_huawei.devices import DeviceCalls
from otabridge_huawei.packages import PackageCalls
from otabridge_huawei.settings import HuaweiSettings

T = TypeVar("T")


class HuaweiBackend(DeviceCalls, PackageCalls):
    """Huawei Cloud IoTDA, API v5."""

    name: ClassVar[str] = "huawei"
    contract = 1
    capabilities = tables.CAPABILITIES
    limits = tables.LIMITS
    quotas = tables.QUOTAS
    traits = tables.TRAITS
    builtins: ClassVar[dict[str, str]] = {FIRMWARE: "", SOFTWARE: ""}
    ERRORS = tables.ERRORS
    STALE = tables.STALE

    def __init__(self, config: HuaweiSettings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        self._ids: dict[tuple[str, str], str] = {}

    @flow
    def list_products(self, *, cursor: str | None = None, limit: int | None = None) -> Steps[Page[Product]]:
        """One page of products."""
        found = yield from self._listed(
            "ListProducts", "products", schema.PRODUCTS, place_at(cursor), limit, app=self._app()
        )
        return found.page()

    # --- modules ----------------------------------------------------------------------------------------------------

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        """One page of modules, of one product or of the resource space."""
        return (yield from self._modules(product, place_at(cursor), limit)).page()

    @flow
    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[Module]:
        """One module, by (product, name) or by id. NotFoundError if there is none."""
        if product and name in self.builtins:
            return Module(product=product, name=name, builtin=True)

        def get(found_id: str, found: Module | None) -> Steps[Module]:
            return found or (yield from self._module(found_id))

        return (yield from self._with_module(product, name, module_id, get))

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        """Make a module. ConflictError if the name is taken."""
        app = self._needed_app("CreateOtaModule")
        request = self._write(
            "CreateOtaModule",
            "ota-upgrades/modules",
            body=schema.module_body(app=app, product=product, name=name, alias=alias, description=description),
        )

        def look() -> Steps[Module | None]:
            found = yield from self._found(product, name)
            return agreeing(
                found,
                lambda made: (made.alias or "", made.description or "") == (alias or "", description or ""),
                f"product {product} has a module {name} already, with another alias or description",
            )

        return self._remembered((yield from self._settled(request, look, schema.MODULE)))

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
        """Change alias or description; what is None stays. NotFoundError if there is no such module."""

        def update(found_id: str, _: Module | None) -> Steps[Module]:
            body = schema.module_body(alias=alias, description=description)
            request = self._write("UpdateOtaModule", f"ota-upgrades/modules/{found_id}", method="PUT", body=body)

            def look() -> Steps[Module | None]:
                found = yield from self._module(found_id)
                same = alias in (None, found.alias) and description in (None, found.description or "")
                return found if same else None

            return (yield from self._settled(request, look, schema.MODULE))

        return (yield from self._with_module(product, name, module_id, update))

    @flow
    def delete_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[None]:
        """Delete a module. NotFoundError if there is none.

        By name, ConflictError while it has packages; by id, the one documented call is all that is sent.
        """

        def delete(found_id: str, _: Module | None) -> Steps[None]:
            if product and name:
                yield from self._without_packages(product, name)
            yield from self._deleted(
                "DeleteOtaModule", f"ota-upgrades/modules/{found_id}", lambda: self._module(found_id)
            )
            self._ids.pop((product or "", name or ""), None)

        yield from self._with_module(product, name, module_id, delete)

    def _without_packages(self, product: str, name: str) -> Steps[None]:
        """ConflictError if a module has packages: whether the cloud itself refuses to delete it then is unverified."""
        cursor, over = None, False
        while not over:
            page = yield from self.list_packages(product=product, module=name, cursor=cursor)
            if page.items:
                message = f"module {name} of product {product} has packages: delete them first"
                raise ConflictError(message, backend=self.name, operation="DeleteOtaModule")
            cursor, over = page.cursor, page.cursor is None

    def _module(self, module_id: str) -> Steps[Module]:
        return (yield from self._shown("ShowOtaModule", f"ota-upgrades/modules/{module_id}", schema.MODULE))

    def _modules(self, product: str | None, place: Place, limit: int | None = None) -> Steps[Stretch[Module]]:
        app = self._needed_app("ListOtaModules")
        return (
            yield from self._listed(
                "ListOtaModules", "ota-upgrades/modules", schema.MODULES, place, limit, app=app, product=product
            )
        )

    def _found(self, product: str, name: str) -> Steps[Module | None]:
        """A module by its name: the cloud has no such filter, so the product's list is read."""
        place, ended = Place(), False
        while not ended:
            stretch = yield from self._modules(product, place)
            place, ended = stretch.after, stretch.ended
            for module in stretch.rows:
                if (module.product, module.name) == (product, name):
                    return self._remembered(module)
        place.check_complete()
        return None

    def _remembered(self, module: Module) -> Module:
        if module.id:
            self._ids[module.product, module.name] = module.id
        return module

    def _with_module(
        self,
        product: str | None,
        name: str | None,
        module_id: str | None,
        act: Callable[[str, Module | None], Steps[T]],
    ) -> Steps[T]:
        """Act on a module's id; one that is remembered and not found is forgotten and looked up again, once."""
        if module_id:
            return (yield from act(module_id, None))
        if not product or not name:
            raise broken("module.name", "product and name, or id", "", "give them")
        known = self._ids.get((product, name))
        if known:
            try:
                return (yield from act(known, None))
            except NotFoundError:
                self._ids.pop((product, name), None)
        found = yield from self._found(product, name)
        if found is None or not found.id:
            raise NotFoundError(
                f"product {product} has no module {name}", backend=self.name, operation="ListOtaModules"
            )
        return (yield from act(found.id, found))
