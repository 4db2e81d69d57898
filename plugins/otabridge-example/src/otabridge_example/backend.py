"""The backend: every operation is one request of the cloud's API, or a page of one of its lists."""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from otabridge.plugin import (
    Backend,
    Complaint,
    Credential,
    Device,
    Flow,
    Module,
    ModuleVersion,
    Package,
    PackageDraft,
    Page,
    Pairs,
    Product,
    Reader,
    Request,
    Response,
    Steps,
    UrlLocation,
    agreeing,
    broken,
    decode,
    flow,
    not_understood,
    offset_page,
    removed,
    send,
    settled,
)

from otabridge_example import schema, tables
from otabridge_example.settings import ExampleSettings
from otabridge_example.signing import KeySigner

T = TypeVar("T")


class ExampleBackend(Backend):
    """The cloud `example`."""

    name: ClassVar[str] = "example"
    contract: ClassVar[int] = 1  # the version of otabridge's contract that this was written for
    settings: ClassVar[type[ExampleSettings]] = ExampleSettings
    capabilities = tables.CAPABILITIES
    limits = tables.LIMITS
    quotas = tables.QUOTAS
    traits = tables.TRAITS
    builtins = tables.BUILTINS
    ERRORS = tables.ERRORS

    config: ExampleSettings

    @flow
    def credential(self) -> Steps[Credential]:
        """The signer; nothing must be fetched for it."""
        yield from ()
        secret = self.config.secret_key.get_secret_value()
        return Credential(KeySigner(self.config.access_key, secret), secrets=(secret,))

    def complaint(self, request: Request, response: Response) -> Complaint | None:
        """What the answer says went wrong."""
        return schema.complaint(response)

    @flow
    def list_products(self, *, cursor: str | None = None, limit: int | None = None) -> Steps[Page[Product]]:
        """One page of products."""
        return (yield from self._page("products.list", schema.PRODUCTS, cursor, limit))

    # --- modules ------------------------------------------------------------------------------------------------------

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        """One page of modules, of one product or of all."""
        return (yield from self._page("modules.list", schema.MODULES, cursor, limit, product=product))

    @flow
    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[Module]:
        """One module. NotFoundError if there is none."""
        return (yield from self._one("modules.get", schema.MODULE, *_key("module", product, name)))

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        """Make a module. ConflictError if the name is taken, QuotaExceededError if there are too many."""
        wanted = Module(product=product, name=name, alias=alias, description=description)
        request = self._request("modules.create", body=schema.written(schema.MODULE_NAMES, wanted))

        def look() -> Steps[Module | None]:
            found = yield from self.get_module(product=product, name=name)
            return agreeing(
                found,
                lambda made: (made.alias, made.description) == (alias, description),
                f"product {product} has a module {name} already, with another alias or description",
            )

        return (yield from settled(request, look, read=lambda reply: decode(schema.MODULE, request, reply)))

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
        change = schema.Change(alias=alias, description=description)
        body = schema.written(schema.CHANGE_NAMES, change)
        request = self._request("modules.update", *_key("module", product, name), body=body)

        def look() -> Steps[Module | None]:
            found = yield from self.get_module(product=product, name=name)
            return found if alias in (None, found.alias) and description in (None, found.description) else None

        return (yield from settled(request, look, read=lambda reply: decode(schema.MODULE, request, reply)))

    @flow
    def delete_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[None]:
        """Delete a module. ConflictError while it has packages, NotFoundError if there is none."""
        request = self._request("modules.delete", *_key("module", product, name))
        yield from self._deleted(request, lambda: self.get_module(product=product, name=name))

    # --- packages -----------------------------------------------------------------------------------------------------

    @flow
    def list_packages(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[Package]]:
        """One page of packages."""
        filters = {"product": product, "module": module, "version": version}
        return (yield from self._page("packages.list", schema.PACKAGES, cursor, limit, **filters))

    @flow
    def get_package(self, *, package_id: str) -> Steps[Package]:
        """One package. NotFoundError if there is none."""
        return (yield from self._one("packages.get", schema.PACKAGE, package_id))

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        """Make a package of files behind URLs. ConflictError if the version is taken."""
        if not all(isinstance(artifact.location, UrlLocation) for artifact in draft.artifacts):
            raise broken("package.artifacts", "a URL for each", "", "upload the files somewhere, and give their URLs")
        if draft.verify:
            raise broken("package.verify", "this cloud verifies no packages", "True", "leave it out")
        wanted = schema.written(schema.PACKAGE_NAMES, draft)
        request = self._request("packages.create", body=wanted)

        def look() -> Steps[Package | None]:
            page = yield from self.list_packages(product=draft.product, module=draft.module, version=draft.version)
            return agreeing(
                next(iter(page.items), None),
                lambda made: schema.written(schema.PACKAGE_NAMES, made) == wanted,
                f"module {draft.module} has a package of version {draft.version} already, and it is another one",
            )

        return (yield from settled(request, look, read=lambda reply: decode(schema.PACKAGE, request, reply)))

    @flow
    def delete_package(self, *, package_id: str) -> Steps[None]:
        """Withdraw a package. NotFoundError if there is none."""
        request = self._request("packages.delete", package_id)
        yield from self._deleted(request, lambda: self.get_package(package_id=package_id))

    # --- devices ------------------------------------------------------------------------------------------------------

    @flow
    def list_devices(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Device]]:
        """One page of devices, of one product or of all."""
        return (yield from self._page("devices.list", schema.DEVICES, cursor, limit, product=product))

    @flow
    def get_device(
        self, *, product: str | None = None, device: str | None = None, device_id: str | None = None
    ) -> Steps[Device]:
        """One device. NotFoundError if there is none."""
        return (yield from self._one("devices.get", schema.DEVICE, *_key("device", product, device)))

    @flow
    def list_module_versions(
        self,
        *,
        product: str | None = None,
        device: str | None = None,
        device_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[ModuleVersion]]:
        """One page of the versions on one device. NotFoundError if there is no such device."""
        key = _key("device", product, device)
        return (yield from self._page("devices.versions", schema.VERSIONS, cursor, limit, *key))

    # --- what they stand on -------------------------------------------------------------------------------------------

    def _request(self, operation: str, *ids: str, query: Pairs = (), body: schema.Json | None = None) -> Request:
        method, path = tables.ROUTES[operation]
        return Request(
            operation=operation,
            method=method,
            origin=self.config.endpoint,
            path=tables.BASE + path.format(*ids),
            query=query,
            headers=() if body is None else (("Content-Type", "application/json"),),
            body=b"" if body is None else schema.text(body),
        )

    def _one(self, operation: str, reader: Reader[T], *ids: str) -> Steps[T]:
        request = self._request(operation, *ids)
        return decode(reader, request, (yield from send(request)))

    def _page(
        self,
        operation: str,
        reader: Reader[schema.Listing[T]],
        cursor: str | None,
        limit: int | None,
        *ids: str,
        **filters: str | None,
    ) -> Steps[Page[T]]:
        """A page of a list; its cursor is the number of the row to go on with."""

        def fetch(start: int) -> Steps[tuple[Sequence[T], int]]:
            query = schema.query(offset=start, limit=limit or tables.PAGE, **filters)
            request = self._request(operation, *ids, query=query)
            found = decode(reader, request, (yield from send(request)))
            return found.items, found.total

        return (yield from offset_page(cursor, fetch))

    def _deleted(self, request: Request, show: Callable[[], Flow[object]]) -> Steps[None]:
        """Delete, and after a lost answer ask whether it is gone."""

        def read(reply: Response) -> bool:
            if reply.body:
                raise not_understood(request, reply, "no body was expected")
            return True

        yield from removed(request, show, read=read)


def _key(what: str, product: str | None, name: str | None) -> tuple[str, str]:
    if not product or not name:
        raise broken(f"{what}.name", "product and name", "", "give both: the cloud has no ids of its own")
    return product, name
