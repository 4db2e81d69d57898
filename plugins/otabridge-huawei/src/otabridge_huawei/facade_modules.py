"""Modules, products and resource spaces, served from any store."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from otabridge.facade import Answer, Site, Table
from otabridge.plugin import Backend, Capability, Module, NotFoundError, Page, Product, Steps, broken
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei import schema_names as names
from otabridge_huawei.facade_calls import FacadeCalls, Given, answer, refuse
from otabridge_huawei.tables import LIMITS

MOST_MODULES = LIMITS.counts["modules per product"]
_FITTING = re.compile(LIMITS.text["module.id"].pattern or "").fullmatch


def module_id(module: Module) -> str:
    """The store's id where it has one that can be ours, else one that is made of product and name."""
    if module.id and len(module.id) <= (LIMITS.text["module.id"].max_length or 0) and _FITTING(module.id):
        return module.id
    return sha256(f"{module.product}\0{module.name}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ModuleFacade(FacadeCalls):
    """The operations on modules, products and spaces."""

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        self._ids: Table[str, tuple[str, str]] = Table(100_000)

    def create_module(self, given: Given) -> Steps[Answer]:
        body = given.texts(names.MODULE_BODY, "app", "product", "name")
        product, name, app = body["product"], body["name"], body["app"]
        LIMITS.check_text("product.id", product)
        LIMITS.check_text("module.name", name)
        self._check_words(body)
        yield from self.admit_owner(product, app)
        custom = [row.name for row in (yield from self._of(product))]
        if name in custom:
            refuse(tables.MODULE_TAKEN, name)
        if len(custom) >= MOST_MODULES:
            refuse(tables.TOO_MANY_MODULES, f"{MOST_MODULES} are allowed")
        module = yield from self.store.create_module(
            product=product, name=name, alias=body.get("alias"), description=body.get("description")
        )
        yield from self.spaces.claim(product, app, module_id(module))
        return answer(given.call, (yield from self._module_written(module, made=given.call.now)), 201)

    def list_modules(self, given: Given) -> Steps[Answer]:
        app, product = given.needed("app"), given.query.get("product")
        self.spaces.check(app)
        within = self.spaces.keep(app)
        listed = self.listed(
            _LIST,
            lambda cursor, limit: self.store.list_modules(product=product, cursor=cursor, limit=limit),
            keep=lambda row: not row.builtin and (within is None or within(row.product, module_id(row))),
        )
        return (yield from self.page(given, "modules", listed, lambda row: self._module_written(row, app)))

    def show_module(self, given: Given) -> Steps[Answer]:
        return answer(given.call, (yield from self._module_written((yield from self._found_module(given.id)))))

    def update_module(self, given: Given) -> Steps[Answer]:
        body = given.texts({word: names.MODULE_BODY[word] for word in ("alias", "description")})
        self._check_words(body)
        module = yield from self._found_module(given.id)
        changed = yield from self.store.update_module(
            product=module.product, name=module.name, alias=body.get("alias"), description=body.get("description")
        )
        return answer(given.call, (yield from self._module_written(changed)))

    def delete_module(self, given: Given) -> Steps[Answer]:
        module = yield from self._found_module(given.id)
        yield from self.store.delete_module(product=module.product, name=module.name)
        self._ids.drop(given.id)
        return answer(given.call, None, 204)

    def _check_words(self, body: Mapping[str, str]) -> None:
        """Check what is said of a module. An empty text is none, and clears what was said (unverified)."""
        for word in ("alias", "description"):
            LIMITS.check_text(f"module.{word}", body.get(word) or None)
        if tables.strict(self.site, "alias") and " " in body.get("alias", ""):
            raise broken("module.alias", "no spaces", body["alias"], "no page of the vendor's allows them")

    def _of(self, product: str) -> Steps[list[Module]]:
        """The custom modules of a product."""
        found: list[Module] = []
        cursor, over = None, False
        while not over:
            page = yield from self.store.list_modules(product=product, cursor=cursor)
            found += (row for row in page.items if not row.builtin)
            cursor, over = page.cursor, page.cursor is None
        return found

    def _found_module(self, wanted: str) -> Steps[Module]:
        """A module by its id: as it is remembered, else found in the list of all."""
        known = self._ids.get(wanted)
        if known:
            try:
                return (yield from self.store.get_module(product=known[0], name=known[1]))
            except NotFoundError:
                self._ids.drop(wanted)
        cursor, over = None, False
        while not over:
            page: Page[Module] = yield from self.store.list_modules(cursor=cursor)
            for row in page.items:
                if not row.builtin and module_id(row) == wanted:
                    return row
            cursor, over = page.cursor, page.cursor is None
        LIMITS.check_text("module.id", wanted)
        refuse(tables.NO_MODULE)

    def _module_written(
        self, module: Module, asked: str | None = None, made: datetime = tables.UNKNOWN_TIME
    ) -> Steps[wire.Json]:
        known = module_id(module)
        self._ids.put(known, (module.product, module.name))
        owner = yield from self.owner(module.product, asked, known)
        created = module.created_at or made
        words = ("product", "name", "alias", "description")
        return wire.told(names.MODULE, module, *words, id=known, created_at=created, **owner)

    # --- products and spaces ----------------------------------------------------------------------------------------

    def list_products(self, given: Given) -> Steps[Answer]:
        app, name = given.query.get("app"), given.query.get("line")
        self.spaces.check(app)
        within = self.spaces.keep(app)

        def keep(row: Product) -> bool:
            return name in (None, row.name or row.id) and (within is None or within(row.id))

        listed = self.products(keep if name or within else None)
        return (yield from self.page(given, "products", listed, lambda row: self._product_written(row, app)))

    def show_product(self, given: Given) -> Steps[Answer]:
        app = given.query.get("app")
        self.spaces.check(app)
        found = yield from self.product(given.id)
        within = self.spaces.keep(app)
        if found is None or (within and not within(found.id)):
            LIMITS.check_text("product.id", given.id)
            refuse(tables.NO_PRODUCT)
        return answer(given.call, (yield from self._product_written(found, app, services=[])))

    def list_applications(self, given: Given) -> Steps[Answer]:
        yield from ()
        wanted = given.query.get("default")
        rows = []
        for app in self.spaces.all():
            default = app == tables.DEFAULT_APP
            if wanted in (None, str(default).lower()):
                told = {"app": app, "name": space_name(app), "default": default, "created_at": tables.UNKNOWN_TIME}
                rows.append(wire.told(names.APPLICATION, None, **told))
        return answer(given.call, {"applications": rows})

    def _product_written(self, product: Product, asked: str | None, **more: object) -> Steps[wire.Json]:
        yield from ()
        self.remember(product)
        app = self.spaces.of(product.id, asked)
        told = tables.PRODUCT_DEFAULTS | {"app": app, "space": space_name(app), "created_at": tables.UNKNOWN_TIME}
        return wire.told(names.PRODUCT, product, "id", **told, name=product.name or product.id, **more)


def space_name(app: str) -> str:
    """The name of a space: spaces that clients have named have none but their id."""
    return tables.DEFAULT_APP_NAME if app == tables.DEFAULT_APP else app


_LIST = Capability.LIST_MODULES
