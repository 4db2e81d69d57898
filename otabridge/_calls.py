"""What every method of a client asks of the backend, once for both colours: a call gives a flow or a listing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TypeVar

from otabridge._listing import Listing
from otabridge.backend import Backend
from otabridge.errors import ValidationError
from otabridge.files import discarded, names_in
from otabridge.flow import Flow, Steps, local, or_none
from otabridge.models import (
    Artifact,
    Device,
    Module,
    ModuleVersion,
    Package,
    PackageDraft,
    PackageKind,
    Page,
    Product,
)
from otabridge.progress import Meter, Progress, metered

T = TypeVar("T")


class Calls:
    """One cloud's calls. Product arguments may be the user's aliases for them."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    # --- lists ------------------------------------------------------------------------------------------------------

    def products(self, page_size: int | None, cursor: str | None) -> Listing[Product]:
        return self._listing(Product, cursor, lambda at: self.backend.list_products(cursor=at, limit=page_size))

    def modules(self, product: str | None, page_size: int | None, cursor: str | None) -> Listing[Module]:
        known = self._known(product)
        return self._listing(
            Module, cursor, lambda at: self.backend.list_modules(product=known, cursor=at, limit=page_size)
        )

    def packages(
        self, product: str | None, module: str | None, version: str | None, page_size: int | None, cursor: str | None
    ) -> Listing[Package]:
        fetch = partial(self.backend.list_packages, product=self._known(product), module=module, version=version)
        return self._listing(Package, cursor, lambda at: fetch(cursor=at, limit=page_size))

    def devices(self, product: str | None, page_size: int | None, cursor: str | None) -> Listing[Device]:
        known = self._known(product)
        return self._listing(
            Device, cursor, lambda at: self.backend.list_devices(product=known, cursor=at, limit=page_size)
        )

    def versions(
        self, device: str | None, product: str | None, device_id: str | None, page_size: int | None, cursor: str | None
    ) -> Listing[ModuleVersion]:
        _one_of("device", device, "id", device_id)
        fetch = partial(
            self.backend.list_module_versions, product=self._known(product), device=device, device_id=device_id
        )
        return self._listing(ModuleVersion, cursor, lambda at: fetch(cursor=at, limit=page_size))

    def history(
        self, device: str, product: str, module: str | None, page_size: int | None, cursor: str | None
    ) -> Listing[ModuleVersion]:
        fetch = partial(
            self.backend.list_version_history, product=self._known_one(product), device=device, module=module
        )
        return self._listing(ModuleVersion, cursor, lambda at: fetch(cursor=at, limit=page_size))

    def fleet(self, product: str | None, page_size: int | None, cursor: str | None) -> Listing[ModuleVersion]:
        known = self._known(product)
        return self._listing(
            ModuleVersion,
            cursor,
            lambda at: self.backend.list_fleet_versions(product=known, cursor=at, limit=page_size),
        )

    # --- single objects ---------------------------------------------------------------------------------------------

    def get_module(self, name: str | None, product: str | None, module_id: str | None) -> Flow[Module]:
        return self.backend.get_module(**self._module_key(name, product, module_id))

    def create_module(self, name: str, product: str, alias: str | None, description: str | None) -> Flow[Module]:
        return self.backend.create_module(
            product=self._known_one(product), name=name, alias=alias, description=description
        )

    def update_module(
        self, name: str | None, product: str | None, module_id: str | None, alias: str | None, description: str | None
    ) -> Flow[Module]:
        if alias is None and description is None:
            raise ValidationError("nothing to change: give alias or description", field="module.alias")
        key = self._module_key(name, product, module_id)
        return self.backend.update_module(**key, alias=alias, description=description)

    def delete_module(
        self, name: str | None, product: str | None, module_id: str | None, missing_ok: bool
    ) -> Flow[None]:
        gone = self.backend.delete_module(**self._module_key(name, product, module_id))
        return Flow(or_none(gone), gone.name) if missing_ok else gone

    def get_package(self, package_id: str) -> Flow[Package]:
        return self.backend.get_package(package_id=package_id)

    def create_package(self, draft: PackageDraft) -> Flow[Package]:
        return self.backend.create_package(draft=replace(draft, product=self._known_one(draft.product)))

    def update_package(
        self, package_id: str, name: str | None, description: str | None, custom_info: str | None
    ) -> Flow[Package]:
        if name is None and description is None and custom_info is None:
            raise ValidationError("nothing to change: give name, description or custom_info", field="package.name")
        return self.backend.update_package(
            package_id=package_id, name=name, description=description, custom_info=custom_info
        )

    def delete_package(self, package_id: str, missing_ok: bool) -> Flow[None]:
        gone = self.backend.delete_package(package_id=package_id)
        return Flow(or_none(gone), gone.name) if missing_ok else gone

    def publish(
        self, file: "str | PathLike[str]", draft: PackageDraft, progress: Progress | None = None
    ) -> Flow[Package]:
        """Check everything that can be checked, then bring the bytes in place, then make the package."""
        path = Path(file)
        draft = replace(draft, product=self._known_one(draft.product))
        return metered(lambda meter: self._publish(path, draft, meter), progress, "publish")

    def _publish(self, path: Path, draft: PackageDraft, meter: Meter) -> "Steps[Package]":
        size = meter.total = yield from local(lambda: _size(path))
        self.backend.admit(
            "create_package", {"draft": replace(draft, artifacts=(Artifact(name=path.name, size=size),))}
        )
        artifact = yield from self.backend.stage_artifact(path=path, filename=path.name)
        return (yield from self.backend.create_package(draft=replace(draft, artifacts=(artifact,))))

    def download(
        self, package_id: str, folder: "str | PathLike[str]", progress: Progress | None = None
    ) -> "Flow[tuple[Path, ...]]":
        """All of a package's files, or none: what was there before stays in any case."""
        return metered(lambda meter: self._download(package_id, Path(folder), meter), progress, "download")

    def _download(self, package_id: str, folder: Path, meter: Meter) -> "Steps[tuple[Path, ...]]":
        package = yield from self.backend.get_package(package_id=package_id)
        sizes = [artifact.size for artifact in package.artifacts]
        meter.total = None if None in sizes else sum(filter(None, sizes))
        before = yield from local(lambda: names_in(folder))
        paths: list[Path] = []
        try:
            for artifact in package.artifacts:
                paths.append((yield from self.backend.open_artifact(artifact=artifact, folder=folder)))
        except Exception:
            new = [path for path in paths if path.name not in before]
            yield from local(lambda: discarded(new))
            raise
        return tuple(paths)

    def get_device(self, device: str | None, product: str | None, device_id: str | None) -> Flow[Device]:
        _one_of("device", device, "id", device_id)
        return self.backend.get_device(product=self._known(product), device=device, device_id=device_id)

    def report(self, versions: Iterable[ModuleVersion]) -> Flow[int]:
        if self.backend.config.products:
            versions = (replace(row, product=self._known_one(row.product)) for row in versions)
        return self.backend.report_module_versions(versions=versions)

    def report_one(
        self, device: str, product: str, module: str, version: str, reported_at: datetime | None
    ) -> Flow[int]:
        row = ModuleVersion(product=product, device=device, module=module, version=version, reported_at=reported_at)
        return self.report((row,))

    def count(self, product: str | None, module: str | None, version: str | None) -> Flow[int]:
        return self.backend.count_fleet_versions(product=self._known(product), module=module, version=version)

    def draft(
        self,
        *,
        product: str,
        module: str,
        version: str,
        kind: PackageKind,
        source_versions: Iterable[str],
        name: str | None,
        description: str | None,
        custom_info: str | None,
        verify: bool | None,
        artifacts: Iterable[Artifact] = (),
    ) -> PackageDraft:
        """A draft from a client's arguments; one string is not taken for a list of its characters."""
        if isinstance(source_versions, str):
            source_versions = (source_versions,)
        return PackageDraft(
            product=product,
            module=module,
            version=version,
            kind=kind,
            source_versions=tuple(source_versions),
            name=name,
            description=description,
            custom_info=custom_info,
            artifacts=tuple(artifacts),
            verify=verify,
        )

    # --- small things -----------------------------------------------------------------------------------------------

    def _listing(self, row: type[T], cursor: str | None, fetch: Callable[[str | None], Flow[Page[T]]]) -> Listing[T]:
        return Listing(fetch, row, self.backend.traits.cursors == "keyset", cursor)

    def _known(self, product: str | None) -> str | None:
        return None if product is None else self._known_one(product)

    def _known_one(self, product: str) -> str:
        return self.backend.config.products.get(product, product)

    def _module_key(self, name: str | None, product: str | None, module_id: str | None) -> dict[str, str | None]:
        _one_of("name", name, "id", module_id)
        if name is not None and product is None:
            raise ValidationError("product is missing: a module's name is unique in its product", field="product.id")
        return {"product": self._known(product), "name": name, "module_id": module_id}


def _size(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size
    except OSError as error:
        raise ValidationError(f"{path} cannot be read: {error.strerror}", field="file") from None
    raise ValidationError(f"{path} is no file: give the path of the artifact", field="file", value=str(path))


def _one_of(first: str, one: str | None, second: str, other: str | None) -> None:
    if (one is None) == (other is None):
        raise ValidationError(f"give either {first} or {second}", field=first)
