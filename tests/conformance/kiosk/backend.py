"""The kiosk's backend: firmware and software of a product, and files that go up with the package they are part of."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr

from otabridge import plugin as ota
from otabridge.plugin import FIRMWARE, NATIVE, SOFTWARE, Capability, Level, Page, Steps, Support, Text, flow, local

Str = str | None
Int = int | None
MODULES = {"fw": FIRMWARE, "sw": SOFTWARE}
KINDS = {ours: theirs for theirs, ours in MODULES.items()}
SIZE = 50
LOOKED_UP = Support(Level.EMULATED, "the device is looked up first")
FIXED = Support(Level.UNSUPPORTED, "a product has firmware and software")
TITLE = Text(max_length=100)


class Json(BaseModel):
    """What any answer may be made of."""

    items: list[dict[str, Any]] = []
    more: bool = False


LISTING: ota.Reader[Json] = ota.Reader(Json)
OBJECT: ota.Reader[dict[str, Any]] = ota.Reader(dict[str, Any])


class KioskSettings(ota.HttpSettings):
    """`token` is the account's."""

    credentials: ClassVar[frozenset[str]] = frozenset({"token"})
    token: SecretStr


class Bearer:
    """Adds the token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def sign(self, request: ota.Request, *, now: Any, nonce: str) -> ota.Request:
        return replace(request, headers=(*request.headers, ("Authorization", f"Bearer {self._token}")))


class KioskBackend(ota.Backend):
    """The cloud `kiosk`."""

    name = "kiosk"
    contract = 1
    settings = KioskSettings
    config: KioskSettings
    capabilities: ClassVar[dict[Capability, Support]] = {
        **dict.fromkeys(Capability, NATIVE),
        **dict.fromkeys((Capability.CREATE_MODULE, Capability.UPDATE_MODULE, Capability.DELETE_MODULE), FIXED),
        **dict.fromkeys((Capability.LIST_MODULE_VERSIONS, Capability.LIST_VERSION_HISTORY), LOOKED_UP),
        Capability.GET_MODULE: Support(Level.NOT_IMPLEMENTED, "read the list, which has two rows"),
        Capability.LIST_PACKAGES: Support(Level.EMULATED, "filtered here"),
        Capability.LIST_FLEET_VERSIONS: Support(Level.EMULATED, "a call for each device"),
        Capability.COUNT_FLEET_VERSIONS: Support(Level.EMULATED, "counted here"),
        Capability.REPORT_MODULE_VERSIONS: Support(Level.UNSUPPORTED, "devices report"),
    }
    limits = ota.Limits(
        text={
            "package.name": TITLE,
            "package.description": TITLE,
            "package.custom_info": Text(absent=True),
            "package.id": Text(max_length=64, pattern="[A-Za-z0-9-]+", words="letters, digits and -"),
        },
        page_size=dict.fromkeys((Capability.LIST_PRODUCTS, Capability.LIST_PACKAGES, Capability.LIST_DEVICES), SIZE),
        source_versions=0,
        artifacts=1,
        kinds=("full",),
    )
    builtins: ClassVar[dict[str, str]] = {FIRMWARE: "fw", SOFTWARE: "sw"}
    ERRORS: ClassVar[dict[str, type[ota.ApiError]]] = {"31": ota.InvalidRequestError, "32": ota.NotFoundError}

    @flow
    def credential(self) -> Steps[ota.Credential]:
        yield from ()
        return ota.Credential(Bearer(self.config.token.get_secret_value()))

    def complaint(self, request: ota.Request, response: ota.Response) -> ota.Complaint | None:
        said = (ota.json_object(response) or {}) if response.status >= 400 else {}
        return ota.Complaint(str(said["code"]), str(said.get("message"))) if "code" in said else None

    @flow
    def list_products(self, *, cursor: Str = None, limit: Int = None) -> Steps[Page[ota.Product]]:
        rows, following = yield from self._page("products", cursor, limit)
        return Page(tuple(ota.Product(id=text(row, "id")) for row in rows), following)

    @flow
    def list_modules(self, *, product: Str = None, cursor: Str = None, limit: Int = None) -> Steps[Page[ota.Module]]:
        if product is None:
            raise ota.UnsupportedError("kiosk: name a product")
        request = self._request("get_product", f"products/{product}")
        ota.decode(OBJECT, request, (yield from ota.send(request)))
        return cut([ota.Module(product=product, name=name, builtin=True) for name in KINDS], cursor, limit)

    @flow
    def list_packages(
        self, *, product: Str = None, module: Str = None, version: Str = None, cursor: Str = None, limit: Int = None
    ) -> Steps[Page[ota.Package]]:
        found, following = yield from self._page("packages", cursor, limit, product=product)
        rows = (self._package(row) for row in found)
        kept = tuple(row for row in rows if module in (None, row.module) and version in (None, row.version))
        return Page(kept, following)

    @flow
    def get_package(self, *, package_id: str) -> Steps[ota.Package]:
        return self._package((yield from self._one("get_package", f"packages/{package_id}")))

    @flow
    def stage_artifact(self, *, path: Path, filename: str) -> Steps[ota.Artifact]:
        """The file stays where it is: it goes up with its package."""
        found = yield from local(lambda: ota.digests_of(path))
        place = ota.FileLocation(path=path)
        return ota.Artifact(name=filename, size=found.size, checksum=found.checksum(), location=place)

    @flow
    def create_package(self, *, draft: ota.PackageDraft) -> Steps[ota.Package]:
        if draft.module not in KINDS:
            raise ota.broken("module.name", f"one of {', '.join(KINDS)}", draft.module, "a kiosk has no others")
        match draft.artifacts:
            case (ota.Artifact(location=ota.FileLocation(path=path), size=int(size)) as file,):
                query = {"product": draft.product, "kind": KINDS[draft.module], "version": draft.version}
                query |= {"title": draft.name, "notes": draft.description, "filename": file.name}
            case _:
                raise ota.broken("package.artifacts", "one file", "", "publish a file of this computer")
        body = ota.FileBody(path=path, size=size)
        request = self._request("create_package", "packages", method="POST", file=body, **query)
        asked = (draft.name, draft.description, [file.checksum])
        taken = f"there is a {draft.module} {draft.version} already"

        def there() -> Steps[ota.Package | None]:
            cursor: Str = None
            while True:
                wanted = {"product": draft.product, "module": draft.module, "version": draft.version}
                page = yield from self.list_packages(**wanted, cursor=cursor)
                if page.items or page.cursor is None:
                    return next(iter(page.items), None)
                cursor = page.cursor

        def look() -> Steps[ota.Package | None]:
            found = yield from there()
            return ota.agreeing(
                found, lambda it: (it.name, it.description, [each.checksum for each in it.artifacts]) == asked, taken
            )

        try:
            return (
                yield from ota.settled(
                    request, look, read=lambda reply: self._package(ota.decode(OBJECT, request, reply), request, reply)
                )
            )
        except ota.InvalidRequestError:  # one code for all that can be wrong
            ota.agreeing((yield from there()), lambda it: False, taken)
            raise

    @flow
    def update_package(
        self, *, package_id: str, name: Str = None, description: Str = None, custom_info: Str = None
    ) -> Steps[ota.Package]:
        request = self._request("update_package", f"packages/{package_id}", method="PUT", title=name, notes=description)
        return self._package(ota.decode(OBJECT, request, (yield from ota.send(request))))

    @flow
    def delete_package(self, *, package_id: str) -> Steps[None]:
        yield from ota.send(self._request("delete_package", f"packages/{package_id}", method="DELETE"))

    @flow
    def open_artifact(self, *, artifact: ota.Artifact, folder: Path) -> Steps[Path]:
        base = f"{self.config.endpoint}/packages/"
        if not (isinstance(artifact.location, ota.UrlLocation) and artifact.location.url.startswith(base)):
            raise ota.UnsupportedError("kiosk: the file does not lie there")
        request = self._request("get_file", artifact.location.url.removeprefix(f"{self.config.endpoint}/"))
        return (yield from ota.fetched(request, artifact, folder, nonce=self.world.nonce()))

    @flow
    def list_devices(self, *, product: Str = None, cursor: Str = None, limit: Int = None) -> Steps[Page[ota.Device]]:
        rows, following = yield from self._page("devices", cursor, limit, product=product)
        return Page(tuple(map(device_of, rows)), following)

    @flow
    def get_device(self, *, product: Str = None, device: Str = None, device_id: Str = None) -> Steps[ota.Device]:
        if device_id:
            return device_of((yield from self._one("get_device", f"devices/{device_id}")))
        rows, _ = yield from self._page("devices", None, None, name=device)  # a name is unique in the account
        for row in map(device_of, rows):
            if row.product == product:
                return row
        raise ota.NotFoundError(f"product {product} has no device {device}")

    @flow
    def list_module_versions(
        self, *, product: Str = None, device: Str = None, device_id: Str = None, cursor: Str = None, limit: Int = None
    ) -> Steps[Page[ota.ModuleVersion]]:
        found = yield from self.get_device(product=product, device=device, device_id=device_id)
        return (yield from self._versions(found, "versions", cursor, limit))

    @flow
    def list_version_history(
        self, *, product: str, device: str, module: Str = None, cursor: Str = None, limit: Int = None
    ) -> Steps[Page[ota.ModuleVersion]]:
        found = yield from self.get_device(product=product, device=device)
        page = yield from self._versions(found, "history", cursor, limit)
        return replace(page, items=tuple(row for row in page.items if module in (None, row.module)))

    def _versions(self, of: ota.Device, what: str, cursor: Str, limit: Int) -> Steps[Page[ota.ModuleVersion]]:
        rows, following = yield from self._page(f"devices/{of.id}/{what}", cursor, limit)
        told = [(MODULES.get(text(row, "kind"), ""), text(row, "version")) for row in rows]
        whose = {"product": of.product, "device": of.name, "device_id": of.id}
        return Page(tuple(ota.ModuleVersion(**whose, module=name, version=number) for name, number in told), following)

    def _request(
        self, operation: str, path: str, *, method: str = "GET", file: ota.FileBody | None = None, **query: Str
    ) -> ota.Request:
        return ota.Request(
            operation=operation,
            method=method,
            origin=self.config.endpoint,
            path=f"/{path}",
            query=tuple((name, value) for name, value in query.items() if value is not None),
            file=file,
        )

    def _one(self, operation: str, path: str) -> Steps[dict[str, Any]]:
        request = self._request(operation, path)
        return ota.decode(OBJECT, request, (yield from ota.send(request)))

    def _page(self, path: str, cursor: Str, limit: Int, **filters: Str) -> Steps[tuple[list[dict[str, Any]], Str]]:
        start = number(cursor)
        request = self._request(f"list_{path}", path, **filters, start=str(start), size=str(limit or SIZE))
        reply = yield from ota.send(request)
        if "items" not in (ota.json_object(reply) or {}):
            raise ota.not_understood(request, reply, "it has no items")
        found = ota.decode(LISTING, request, reply)
        return found.items, str(start + len(found.items)) if found.more and found.items else None

    def _package(self, row: dict[str, Any], *about: Any) -> ota.Package:
        if about and "id" not in row:
            raise ota.not_understood(*about, "it has no id")
        place = ota.UrlLocation(url=f"{self.config.endpoint}/packages/{row['id']}/file")
        digest = ota.Checksum(algorithm="sha256", hex=str(row["sha256"])) if row.get("sha256") else None
        file = ota.Artifact(name=text(row, "file") or "file", size=row.get("size"), checksum=digest, location=place)
        return ota.Package(
            id=text(row, "id"),
            product=text(row, "product"),
            module=MODULES.get(text(row, "kind"), ""),
            version=text(row, "version"),
            name=row.get("title"),
            description=row.get("notes"),
            artifacts=(file,) if row.get("file") else (),
        )


def text(row: dict[str, Any], name: str) -> str:
    return str(row.get(name) or "")


def device_of(row: dict[str, Any]) -> ota.Device:
    return ota.Device(product=text(row, "product"), name=text(row, "name"), id=text(row, "id"))


def number(cursor: Str) -> int:
    if cursor is None or (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        return int(cursor or 0)
    raise ota.PagingError(f"not a cursor of this list: {cursor[:60]!r}")


def cut(rows: list[Any], cursor: Str, limit: Int) -> Page[Any]:
    start = number(cursor)
    end = start + (limit or len(rows))
    return Page(tuple(rows[start:end]), str(end) if end < len(rows) else None, len(rows))
