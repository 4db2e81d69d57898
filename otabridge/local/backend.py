"""The local backend: the contract's operations as flows over the store, and the contract's reference."""

import warnings
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from otabridge.errors import ValidationError
from otabridge.local.artifacts import ArtifactStore
from otabridge.local.database import Database
from otabridge.local.modules import ModuleStore
from otabridge.local.packages import PackageStore
from otabridge.local.settings import LocalSettings
from otabridge.local.tables import BUILTINS, CAPABILITIES, LARGEST_PAGE, LIMITS, TRAITS
from otabridge.local.versions import Intake, VersionStore
from otabridge.plugin import (
    CONTRACT,
    Artifact,
    Backend,
    Capability,
    Device,
    LocalLocation,
    Module,
    ModuleVersion,
    Package,
    PackageDraft,
    Page,
    Product,
    Settings,
    Steps,
    World,
    broken,
    flow,
    local,
)

T = TypeVar("T")


class LocalBackend(Backend):
    """A folder with a database and artifacts, or the same in memory. Nothing is made before the first operation."""

    name = "local"
    contract = CONTRACT
    settings = LocalSettings
    capabilities = CAPABILITIES
    limits = LIMITS
    traits = TRAITS
    builtins = BUILTINS

    def __init__(self, config: Settings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        path = config.path if isinstance(config, LocalSettings) else None
        self._database = Database(Path(path).expanduser() if path else None, timeout=config.timeout)
        self._modules = ModuleStore(self._database)
        self._packages = PackageStore(self._database)
        self._versions = VersionStore(self._database)
        self._artifacts = ArtifactStore(self._database, nonce=self.world.nonce)
        self._swept = path is None

    def close(self) -> None:
        self._database.close()

    @flow
    def list_products(self, *, cursor: str | None = None, limit: int | None = None) -> Steps[Page[Product]]:
        rows = limit or LARGEST_PAGE[Capability.LIST_PRODUCTS]
        return (yield from self._work(lambda: self._modules.list_products(cursor, rows)))

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        rows = limit or LARGEST_PAGE[Capability.LIST_MODULES]
        return (yield from self._work(lambda: self._modules.list_modules(product, cursor, rows)))

    @flow
    def get_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[Module]:
        known = _named("module", name, module_id)
        if product and known in BUILTINS:
            return (yield from self._work(lambda: self._modules.get_builtin(product, known)))
        return (yield from self._work(lambda: self._modules.get_module(product, known)))

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        now = self.world.now()
        return (yield from self._work(lambda: self._modules.create_module(product, name, alias, description, now)))

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
        known, now = _named("module", name, module_id), self.world.now()
        return (yield from self._work(lambda: self._modules.update_module(product, known, alias, description, now)))

    @flow
    def delete_module(
        self, *, product: str | None = None, name: str | None = None, module_id: str | None = None
    ) -> Steps[None]:
        known = _named("module", name, module_id)
        yield from self._work(lambda: self._modules.delete_module(product, known))

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
        rows = limit or LARGEST_PAGE[Capability.LIST_PACKAGES]
        return (yield from self._work(lambda: self._packages.list_packages(product, module, version, cursor, rows)))

    @flow
    def get_package(self, *, package_id: str) -> Steps[Package]:
        return (yield from self._work(lambda: self._packages.get_package(package_id)))

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        package_id, now = self.world.nonce(), self.world.now()
        builtin = draft.module in BUILTINS
        return (yield from self._work(lambda: self._packages.create_package(draft, package_id, now, builtin=builtin)))

    @flow
    def update_package(
        self,
        *,
        package_id: str,
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
    ) -> Steps[Package]:
        texts, now = (name, description, custom_info), self.world.now()
        return (yield from self._work(lambda: self._packages.update_package(package_id, *texts, now)))

    @flow
    def delete_package(self, *, package_id: str) -> Steps[None]:
        digests = yield from self._work(lambda: self._packages.delete_package(package_id))
        yield from self._work(lambda: self._artifacts.discard(digests))

    @flow
    def stage_artifact(self, *, path: Path, filename: str) -> Steps[Artifact]:
        self._checked("artifact.name", filename)
        now = self.world.now()
        return (yield from self._work(lambda: self._artifacts.stage(path, filename, now)))

    @flow
    def open_artifact(self, *, artifact: Artifact, folder: Path) -> Steps[Path]:
        return (yield from self._work(lambda: self._artifacts.hand_out(artifact, folder)))

    def has_bytes(self, artifact: Artifact) -> bool:
        return isinstance(artifact.location, LocalLocation)

    @flow
    def list_devices(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Device]]:
        rows = limit or LARGEST_PAGE[Capability.LIST_DEVICES]
        return (yield from self._work(lambda: self._modules.list_devices(product, cursor, rows)))

    @flow
    def get_device(
        self, *, product: str | None = None, device: str | None = None, device_id: str | None = None
    ) -> Steps[Device]:
        name = _named("device", device, device_id)
        return (yield from self._work(lambda: self._modules.get_device(product, name)))

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
        name = _named("device", device, device_id)
        rows = limit or LARGEST_PAGE[Capability.LIST_MODULE_VERSIONS]
        return (yield from self._work(lambda: self._versions.list_current(product, name, cursor, rows)))

    @flow
    def list_version_history(
        self,
        *,
        product: str,
        device: str,
        module: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[ModuleVersion]]:
        rows = limit or LARGEST_PAGE[Capability.LIST_VERSION_HISTORY]
        return (yield from self._work(lambda: self._versions.list_history(product, device, module, cursor, rows)))

    @flow
    def list_fleet_versions(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[ModuleVersion]]:
        rows = limit or LARGEST_PAGE[Capability.LIST_FLEET_VERSIONS]
        return (yield from self._work(lambda: self._versions.list_fleet(product, cursor, rows)))

    @flow
    def count_fleet_versions(
        self, *, product: str | None = None, module: str | None = None, version: str | None = None
    ) -> Steps[int]:
        return (yield from self._work(lambda: self._versions.count_fleet(product, module, version)))

    @flow
    def report_module_versions(self, *, versions: Iterable[ModuleVersion]) -> Steps[int]:
        intake, count = Intake(versions, self._checked, self.world.now), 0
        while taken := (yield from self._work(lambda: self._versions.take(intake.batch()))):
            count += taken
        return count

    def _work(self, call: Callable[[], T]) -> Steps[T]:
        """Work on the store; the first time, with its leftovers swept."""
        now = self.world.now()
        return (yield from local(lambda: self._swept_before(call, now)))

    def _swept_before(self, call: Callable[[], T], now: datetime) -> T:
        if not self._swept:
            self._swept = True
            self._artifacts.sweep(now)
        return call()

    def _checked(self, name: str, value: str) -> None:
        """Check a text that the contract's own check does not see."""
        if name == "module.name" and value in BUILTINS:
            return
        if self.config.validation == "off":
            return
        try:
            self.limits.check_text(name, value)
        except ValidationError as error:
            if self.config.validation == "strict":
                raise
            warnings.warn(str(error), stacklevel=2)


def _named(what: str, name: str | None, given_id: str | None) -> str:
    """The name of a module or device; the store gives out no ids."""
    if given_id is not None:
        raise broken(f"{what}.id", f"a local {what} has no id", given_id, "give its product and name")
    if name is None:
        raise broken(f"{what}.name", "required", "", f"give the {what}'s name")
    return name
