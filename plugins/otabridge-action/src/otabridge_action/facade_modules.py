"""The actions on products and modules."""

from otabridge.facade import Call
from otabridge.plugin import Capability, HttpSettings, Module, Product, Steps
from otabridge.windows import Listed
from otabridge_action.facade_base import ActionBase
from otabridge_action.facade_codes import no
from otabridge_action.facade_reading import Parsed
from otabridge_action.schema_names import RESERVED
from otabridge_action.schema_writing import Tree


class ModuleActions(ActionBase):
    """Products and modules. Built-in modules are never listed, made, changed or deleted."""

    # --- products ---------------------------------------------------------------------------------------------------

    def list_products(self, call: Call, asked: Parsed) -> Steps[Tree]:
        number, size = self.place(asked, Capability.LIST_PRODUCTS)
        found, shown = yield from self.numbered("products", self.products(), number, size)
        rows = []
        for product in found.rows:
            # Over HTTP a page would take a request for each of its products.
            far = isinstance(self.store.config, HttpSettings)
            rows.append(self.scribe.product(product, None if far else (yield from self._devices_of(product))))
        return self.scribe.products(rows, shown)

    def get_product(self, call: Call, asked: Parsed) -> Steps[Tree]:
        found = yield from self.product(asked.words["product"])
        if found is None:
            raise no("product")
        return self.scribe.product_detail(found, (yield from self._devices_of(found)))

    def _devices_of(self, product: Product) -> Steps[int | None]:
        if not self.store.capabilities[Capability.LIST_DEVICES].level.usable:
            return None
        return (yield from self.store.list_devices(product=product.id, limit=1)).total

    # --- modules ----------------------------------------------------------------------------------------------------

    def list_modules(self, call: Call, asked: Parsed) -> Steps[Tree]:
        rows = yield from self.all(self._modules(asked.words["product"]))
        return self.scribe.modules(rows)

    def create_module(self, call: Call, asked: Parsed) -> Steps[Tree]:
        product, name, alias, description = self._texts(asked)
        if name.lower() == RESERVED:
            raise no("module name reserved")
        there = yield from self.all(self._modules(product))
        if name.lower() in [row.name.lower() for row in there]:
            raise no("module name taken")
        if len(there) >= self.limits.counts["modules per product"]:
            raise no("modules too many")
        yield from self.store.create_module(product=product, name=name, alias=alias or None, description=description)
        return {}

    def update_module(self, call: Call, asked: Parsed) -> Steps[Tree]:
        product, name, alias, description = self._texts(asked)
        if name == RESERVED:
            raise no("module name reserved")
        # That a text left out stays as it is, is unverified.
        yield from self.store.update_module(product=product, name=name, alias=alias or None, description=description)
        return {}

    def delete_module(self, call: Call, asked: Parsed) -> Steps[Tree]:
        product, name, _, _ = self._texts(asked)
        if name == RESERVED:
            raise no("default module")
        yield from self.store.delete_module(product=product, name=name)
        return {}

    def _texts(self, asked: Parsed) -> tuple[str, str, str | None, str | None]:
        """Product, name, alias and description, each within its limit."""
        words = asked.words
        self.limits.check_text("module.name", words["module"])
        self.limits.check_text("module.alias", words.get("alias") or None)
        self.limits.check_text("module.description", words.get("description"))
        return words["product"], words["module"], words.get("alias"), words.get("description")

    def _modules(self, product: str) -> Listed[Module]:
        """The custom modules of a product, less those that this cloud would take for the built-in one."""
        return self.listed(
            Capability.LIST_MODULES,
            lambda cursor, limit: self.store.list_modules(product=product, cursor=cursor, limit=limit),
            keep=lambda module: not module.builtin and module.name.lower() != RESERVED,
        )
