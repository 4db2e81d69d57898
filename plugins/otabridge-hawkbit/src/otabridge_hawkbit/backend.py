"""The backend: its tables, products and modules. The rest is in packages.py and devices.py, over calls.py."""

from collections.abc import Sequence
from typing import ClassVar

from otabridge.plugin import (
    FIRMWARE,
    ConflictError,
    Module,
    NotFoundError,
    Page,
    Product,
    Steps,
    UnsupportedError,
    broken,
    decode,
    flow,
    removed,
    send,
)
from otabridge_hawkbit import schema, tables
from otabridge_hawkbit.devices import DeviceCalls
from otabridge_hawkbit.packages import PackageCalls
from otabridge_hawkbit.tables import TYPES

BUILTIN = "a built-in module is never created, changed or deleted"


class HawkbitBackend(DeviceCalls, PackageCalls):
    """Eclipse hawkBit, Management API v1."""

    name: ClassVar[str] = "hawkbit"
    contract = 1
    capabilities = tables.CAPABILITIES
    limits = tables.LIMITS
    quotas = tables.QUOTAS
    traits = tables.TRAITS
    builtins: ClassVar[dict[str, str]] = {FIRMWARE: tables.OS}
    ERRORS = tables.ERRORS

    @flow
    def list_products(self, *, cursor: str | None = None, limit: int | None = None) -> Steps[Page[Product]]:
        """The products: the tenant, or those that type keys name."""
        named = dict.fromkeys(product for product, _ in (yield from self._modules()))
        found = tuple(Product(id=product) for product in ([self.keys.single] if self.keys.single else named))
        return Page(found, None, len(found))

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        """One page of modules, of one product or of all."""
        self.keys.check(product)

        def rows(found: Sequence[Module]) -> Steps[Sequence[Module]]:
            yield from ()
            return [each for each in filter(None, map(self.keys.module, found)) if product in (None, each.product)]

        return (yield from self._page("getTypes", TYPES, schema.MODULES, cursor, limit or tables.PAGE, rows))

    @flow
    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[Module]:
        """One module, by (product, name) or by the type's id. NotFoundError if there is none."""
        return (yield from self._module(product, name, module_id))[1]

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        """Make a module. ConflictError, which says of what, if the name or the alias is taken."""
        return (yield from self._make_module(self.keys.key(product, name), alias, description))

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
        """Change the description; what is None stays. UnsupportedError for another alias: it never changes."""
        row, module = yield from self._module(product, name, module_id, changed=True)
        if alias not in (None, module.alias or ""):
            raise UnsupportedError(f"{self.name}: a type keeps its name, {row.alias!r}: leave the alias out")
        if description is None:
            return module
        body = schema.change_body(description)
        request = self._request("updateType", TYPES, row.id or "", method="PUT", body=body)
        changed = decode(schema.ONE_MODULE, request, (yield from send(request)))
        return self.keys.module(changed, whole=True) or module

    @flow
    def delete_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[None]:
        """Delete a module. ConflictError while it has packages, NotFoundError if there is none."""
        row, module = yield from self._module(product, name, module_id, changed=True)
        packages = yield from self._packages(schema.exact(schema.TYPE, row.name))
        if any(each.module == row.name for each in packages):
            raise ConflictError(f"module {module.name!r} has packages: delete them first", backend=self.name)
        request = self._request("deleteType", TYPES, row.id or "", method="DELETE")
        yield from removed(request, lambda: self.get_module(module_id=row.id))

    def _module(
        self, product: str | None, name: str | None, module_id: str | None, *, changed: bool = False
    ) -> Steps[tuple[Module, Module]]:
        """The type that is meant, and what it is as a module. NotFoundError if there is none, or a deleted one."""
        found: Module | None
        if module_id:
            found = yield from self._one("getType", schema.ONE_MODULE, TYPES, module_id)
        elif product and name:
            found = yield from self._of_key(self.keys.key(product, name))
        else:
            raise broken("module.name", "product and name, or id", "", "give them")
        module = found and self.keys.module(found, whole=True)
        if found is None or module is None:
            raise NotFoundError(f"there is no module {module_id or name!r}", backend=self.name, operation="getType")
        if changed and module.builtin:
            raise broken("module.id", BUILTIN, module_id or "", "leave it")
        return found, module
