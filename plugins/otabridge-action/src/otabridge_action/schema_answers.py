"""What a server says of products, modules and packages: core rows as members of answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from otabridge.plugin import Module, ModuleVersion, Package, Product
from otabridge_action import schema_names as names
from otabridge_action.schema_devices import DeviceWriting
from otabridge_action.schema_writing import Shown, Tree, milliseconds, minute, utc_time
from otabridge_action.tables import PACKAGE_STATUS

_NUMBERS = {status: int(number) for number, status in PACKAGE_STATUS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a package, as it is shown."""

    name: str
    url: str | None
    size: int | None
    digest: str | None
    algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The grant of one upload."""

    host: str
    key: str
    access_key: str
    policy: str
    signature: str
    made_at: datetime


class Scribe(DeviceWriting):
    """Writes the members of every answer, in one cloud's spelling. A time that nobody knows is given as `unknown`."""

    def __init__(self, *, camel: bool, unknown: datetime) -> None:
        super().__init__(camel=camel)
        self._unknown = unknown
        self._product = self.row(names.PRODUCT)
        self._module = self.row(names.MODULE)
        self._package = self.row(names.PACKAGE)

    # --- products ---------------------------------------------------------------------------------------------------

    def product(self, product: Product, devices: int | None) -> Tree:
        """One product: of devices that are no gateways, with a format and keys of their own."""
        facts = {names.PRODUCT["name"]: product.name or product.id, names.DEVICE_COUNT: devices}
        facts |= {"NodeType": 0, "DataFormat": 1, "AuthType": "secret", "Description": ""}
        return self._product(product) | self.members({**facts, names.CREATED[1]: milliseconds(self._unknown)})

    def product_detail(self, product: Product, devices: int | None) -> Tree:
        """One product that was asked for alone."""
        told = {"Owner": True, "ProductStatus": "DEVELOPMENT_STATUS"}
        return self.below([names.DATA], self.product(product, devices) | self.members(told))

    def products(self, rows: list[Tree], shown: Shown) -> Tree:
        """A page of products, which has its page members inside."""
        data, *inner = names.PRODUCTS
        return self.below([data], self.place(shown) | self.below(inner, rows))

    # --- modules and versions ---------------------------------------------------------------------------------------

    def modules(self, rows: Iterable[Module]) -> Tree:
        """The modules of a product."""
        return self.below([names.DATA], list(map(self._one_module, rows)))

    def _one_module(self, module: Module) -> Tree:
        row = {name: value for name, value in self._module(module).items() if value is not None}
        made = module.created_at or self._unknown
        times = {names.CREATED[1]: minute(made), names.MODIFIED[1]: minute(module.updated_at or made)}
        return row | self.members(times)

    def versions(self, rows: Iterable[ModuleVersion], device: tuple[str, str, str], shown: Shown) -> Tree:
        """A page of the versions of one device, which is told by its product, name and id."""
        product, name, identity = device
        words = names.VERSION
        known = self.members({words["product"]: product, words["device"]: name, words["device_id"]: identity})
        module, version = self.spelled[words["module"]], self.spelled[words["version"]]
        # This list grows long, so its rows are made with the least of steps.
        written = [{**known, module: names.vendor_module(row.module), version: row.version} for row in rows]
        return self.place(shown) | self.below(names.VERSIONS, written)

    # --- packages ---------------------------------------------------------------------------------------------------

    def package(self, package: Package, product_name: str, files: tuple[File, ...]) -> Tree:
        """One package as it stands in a list, which has no URL; of several files it has no size and no digest."""
        made = package.created_at or self._unknown
        words = names.PACKAGE
        facts = {
            words["module"]: names.vendor_module(package.module),
            words["kind"]: int(package.kind == "delta"),
            words["source_versions"]: next(iter(package.source_versions), ""),
            words["name"]: package.name or "",
            words["description"]: package.description or "",
            words["custom_info"]: package.custom_info or "",
            words["status"]: _NUMBERS.get(package.status, -1),
            names.PRODUCT["name"]: product_name,
            names.ALGORITHM: next((file.algorithm.upper() for file in files if file.digest), None),
            names.CREATED[0]: utc_time(made),
            names.MODIFIED[0]: utc_time(package.updated_at or made),
        }
        row = self._package(package) | self.members(facts)
        if len(files) == 1:
            row |= self._file(files[0], names.LONE_FILE)
        for detail in (words["custom_info"], names.LONE_FILE["url"]):
            row.pop(self.spelled[detail], None)
        return row

    def package_detail(self, package: Package, product_name: str, files: tuple[File, ...]) -> Tree:
        """One package with all that is known of it."""
        row = self.package(package, product_name, files)
        progress = 100 if package.status == "verified" else 0
        row |= self.members({names.PACKAGE["custom_info"]: package.custom_info or "", "VerifyProgress": progress})
        if len(files) == 1:
            row |= self._file(files[0], names.LONE_FILE)
        elif files:
            row |= self.members({names.FILES: [self._file(file, names.FILE) for file in files]})
        return self.below([names.PACKAGE_INFO], row)

    def packages(self, rows: list[Tree], shown: Shown) -> Tree:
        """A page of packages."""
        return self.place(shown) | self.below(names.PACKAGES, rows)

    def package_made(self, package: Package) -> Tree:
        """What the making of a package says."""
        made = utc_time(package.created_at or self._unknown)
        return self.below([names.DATA], self.members({names.PACKAGE["id"]: package.id, names.CREATED[0]: made}))

    def upload(self, grant: Upload) -> Tree:
        """Where a file may be uploaded, and with what."""
        facts = {name: getattr(grant, word) for word, name in names.GRANT.items() if word != "url"}
        facts |= {names.GRANT["url"]: f"{grant.host}/{grant.key}", names.CREATED[0]: utc_time(grant.made_at)}
        facts["ObjectStorage"] = "OSS"
        return self.below([names.DATA], self.members(facts))

    def _file(self, file: File, table: Mapping[str, str]) -> Tree:
        facts = {"name": file.name, "url": file.url, "size": file.size, "digest": file.digest, "twin": file.digest}
        return self.members({name: facts[fact] for fact, name in table.items()})
