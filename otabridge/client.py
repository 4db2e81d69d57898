"""The sync client: thin groups of methods over the shared calls. `otabridge.aio` is its twin, a test compares them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

from otabridge._ahead import Early
from otabridge.models import Artifact, Device, Module, ModuleVersion, Package, PackageKind, Page, Product

if TYPE_CHECKING:
    import httpx

    from otabridge._calls import Calls
    from otabridge._listing import Listing
    from otabridge._runners import Runner
    from otabridge.capabilities import Capability, Support
    from otabridge.limits import Limits
    from otabridge.progress import Progress
    from otabridge.signing import World

T = TypeVar("T")
FilePath = str | os.PathLike[str]


class Pager(Generic[T]):
    """A list, read when it is iterated: every row once, page by page, and never a part as if it were all.

    No snapshot is promised: rows that come or go meanwhile may be in it or not. PagingError if it cannot be read whole.
    """

    def __init__(self, runner: Runner, listing: Listing[T]) -> None:
        self._runner = runner
        self._listing = listing

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self, *, in_flight: int = 0) -> Iterator[Page[T]]:
        """The pages, without the rows that a living list shows twice.

        Up to `in_flight` of them, 32 at most, are asked for while the reader has one: as many as the cloud tells the
        cursors of beforehand, else the next one. They come in order, and the quota holds as ever. What is
        under way when the reader leaves is given up.
        """
        walk = self._listing.walk()
        with Early(self._runner, self._listing, in_flight) as early:
            while not walk.done:
                page = early.page(walk.cursor)
                rows = walk.take(page)
                if not walk.done:
                    early.after(page, walk.cursor)
                yield Page(rows, walk.cursor, page.total)

    def first_page(self) -> Page[T]:
        """One page alone; its cursor, given as `cursor=`, has the next one."""
        return self._runner.run(self._listing.fetch(self._listing.cursor))


class _Group:
    def __init__(self, runner: Runner, calls: Calls) -> None:
        self._runner = runner
        self._calls = calls


class Products(_Group):
    """Device model lines."""

    def list(self, *, page_size: int | None = None, cursor: str | None = None) -> Pager[Product]:
        """Every product."""
        return Pager(self._runner, self._calls.products(page_size, cursor))


class Modules(_Group):
    """OTA modules."""

    def list(
        self, *, product: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Pager[Module]:
        """The modules of one product, or of all."""
        return Pager(self._runner, self._calls.modules(product, page_size, cursor))

    def get(self, name: str | None = None, *, product: str | None = None, id: str | None = None) -> Module:
        """One module, by name and product or by the vendor's id. NotFoundError if there is none."""
        return self._runner.run(self._calls.get_module(name, product, id))

    def create(self, name: str, *, product: str, alias: str | None = None, description: str | None = None) -> Module:
        """Make a module. ConflictError if the name is taken, QuotaExceededError if the product has too many."""
        return self._runner.run(self._calls.create_module(name, product, alias, description))

    def update(
        self,
        name: str | None = None,
        *,
        product: str | None = None,
        id: str | None = None,
        alias: str | None = None,
        description: str | None = None,
    ) -> Module:
        """Change alias or description; what is not named stays. NotFoundError if there is no such module."""
        return self._runner.run(self._calls.update_module(name, product, id, alias, description))

    def delete(
        self,
        name: str | None = None,
        *,
        product: str | None = None,
        id: str | None = None,
        missing_ok: bool = False,
    ) -> None:
        """Delete a module. ConflictError while it has packages, NotFoundError if there is none."""
        return self._runner.run(self._calls.delete_module(name, product, id, missing_ok))


class Packages(_Group):
    """Upgrade packages and their artifacts."""

    def list(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Pager[Package]:
        """The packages of a product, a module or a version, or all; rows may lack what only `get` has."""
        return Pager(self._runner, self._calls.packages(product, module, version, page_size, cursor))

    def get(self, id: str) -> Package:
        """One package, with its artifacts' locations. NotFoundError if there is none."""
        return self._runner.run(self._calls.get_package(id))

    def create(
        self,
        *,
        product: str,
        module: str,
        version: str,
        artifacts: Iterable[Artifact],
        kind: PackageKind = "full",
        source_versions: Iterable[str] = (),
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
        verify: bool | None = None,
    ) -> Package:
        """Make a package of artifacts that the cloud can reach. ConflictError if the version is taken.

        `verify` None leaves it to the cloud whether a verification must come before a rollout.
        """
        draft = self._calls.draft(
            product=product,
            module=module,
            version=version,
            kind=kind,
            source_versions=source_versions,
            name=name,
            description=description,
            custom_info=custom_info,
            verify=verify,
            artifacts=artifacts,
        )
        return self._runner.run(self._calls.create_package(draft))

    def publish(
        self,
        file: FilePath,
        *,
        product: str,
        module: str,
        version: str,
        kind: PackageKind = "full",
        source_versions: Iterable[str] = (),
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> Package:
        """Bring a file to the cloud and make a package of it, which no verification holds up unless `verify` is set.

        `progress` is told the bytes done and in all, or None, perhaps on another thread. IntegrityError if the file
        changes meanwhile.
        """
        draft = self._calls.draft(
            product=product,
            module=module,
            version=version,
            kind=kind,
            source_versions=source_versions,
            name=name,
            description=description,
            custom_info=custom_info,
            verify=verify,
        )
        return self._runner.run(self._calls.publish(file, draft, progress))

    def download(self, id: str, folder: FilePath, *, progress: Progress | None = None) -> tuple[Path, ...]:
        """Fetch a package's artifacts into a folder, checked, all or none: their paths.

        `progress` as in `publish`. IntegrityError if bytes differ.
        """
        return self._runner.run(self._calls.download(id, folder, progress))

    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
    ) -> Package:
        """Change what a package is called and says; what is not named stays. NotFoundError if there is none."""
        return self._runner.run(self._calls.update_package(id, name, description, custom_info))

    def delete(self, id: str, *, missing_ok: bool = False) -> None:
        """Withdraw a package. NotFoundError if there is none."""
        return self._runner.run(self._calls.delete_package(id, missing_ok))


class Devices(_Group):
    """Devices and the module versions that they report."""

    def list(
        self, *, product: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Pager[Device]:
        """The devices of one product, or of all."""
        return Pager(self._runner, self._calls.devices(product, page_size, cursor))

    def get(self, device: str | None = None, *, product: str | None = None, id: str | None = None) -> Device:
        """One device, by name and product or by the vendor's id. NotFoundError if there is none."""
        return self._runner.run(self._calls.get_device(device, product, id))

    def versions(
        self,
        device: str | None = None,
        *,
        product: str | None = None,
        id: str | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Pager[ModuleVersion]:
        """The version of each module of one device."""
        return Pager(self._runner, self._calls.versions(device, product, id, page_size, cursor))

    def history(
        self,
        device: str,
        *,
        product: str,
        module: str | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Pager[ModuleVersion]:
        """Everything that one device ever reported, newest first."""
        return Pager(self._runner, self._calls.history(device, product, module, page_size, cursor))

    def report(
        self, device: str, *, product: str, module: str, version: str, reported_at: datetime | None = None
    ) -> None:
        """Take in one reported version."""
        self._runner.run(self._calls.report_one(device, product, module, version, reported_at))

    def report_versions(self, versions: Iterable[ModuleVersion]) -> int:
        """Take in reported versions in bulk, of any number, and return how many."""
        return self._runner.run(self._calls.report(versions))


class Fleet(_Group):
    """Module versions of many devices."""

    def versions(
        self, *, product: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Pager[ModuleVersion]:
        """The module versions of every device of one product, or of all."""
        return Pager(self._runner, self._calls.fleet(product, page_size, cursor))

    def count(self, *, product: str | None = None, module: str | None = None, version: str | None = None) -> int:
        """How many (device, module) pairs are reported with this version; what is not named matches all."""
        return self._runner.run(self._calls.count(product, module, version))


class Client:
    """One cloud, sync. Threads may share it. Made by `connect`; usable with or without `with`."""

    def __init__(self, cloud: str, runner: Runner) -> None:
        from otabridge._calls import Calls

        calls = Calls(runner.exchange.backend)
        self._backend = runner.exchange.backend
        self._runner = runner
        self.cloud = cloud
        self.products = Products(runner, calls)
        self.modules = Modules(runner, calls)
        self.packages = Packages(runner, calls)
        self.devices = Devices(runner, calls)
        self.fleet = Fleet(runner, calls)

    @property
    def capabilities(self) -> Mapping[Capability, Support]:
        """What the backend can do, and how."""
        return self._backend.capabilities

    @property
    def limits(self) -> Limits:
        """What the cloud allows."""
        return self._backend.limits

    def supports(self, capability: Capability) -> bool:
        """Whether an operation is there, natively or composed."""
        return capability in self.capabilities and self.capabilities[capability].level.usable

    def close(self) -> None:
        """Close connections and files."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<otabridge client of {self.cloud}, backend {self._backend.name}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds secrets and connections and cannot be pickled: connect again over there")


def connect(
    cloud: str | None = None,
    /,
    *,
    config: FilePath | None = None,
    transport: httpx.BaseTransport | None = None,
    world: World | None = None,
    **settings: Any,
) -> Client:
    """A client for a cloud of otabridge.toml, for `local:PATH` or `memory:`, or for `backend=` and its settings.

    Settings given here override the file's. Nothing is sent yet. Raises ConfigurationError or PluginLoadError.
    """
    from otabridge._connect import prepare
    from otabridge._runners import Runner

    name, exchange = prepare(cloud, settings, file=config, world=world)
    return Client(name, Runner(exchange, transport))
