"""Devices and their versions: what they report in attributes, and what the server believes from the installed set."""

import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace

from otabridge.plugin import (
    Device,
    Flow,
    ModuleVersion,
    NotFoundError,
    Page,
    Reader,
    Steps,
    VersionSource,
    broken,
    decode,
    flow,
    or_none,
    send,
    together,
)
from otabridge_hawkbit import schema
from otabridge_hawkbit.calls import Calls, T
from otabridge_hawkbit.keys import Named
from otabridge_hawkbit.tables import DEVICES, PAGE


class DeviceCalls(Calls):
    """Operations on devices."""

    @flow
    def list_devices(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Device]]:
        """One page of devices: of the tenant, or of the products whose modules they report."""
        single = self.keys.single
        self.keys.check(product)
        modules = [] if single else (yield from self._modules(product))

        def rows(found: Sequence[Device]) -> Steps[Sequence[Device]]:
            if single:
                return [replace(device, product=single, raw=None) for device in found]
            known = _addressable(self, found)
            flows = (Flow(self._attributes(device.name), "getAttributes") for device in known)
            told = yield from together(flows)
            owners = (dict.fromkeys(owner for owner, _ in self.keys.reported(each, modules)) for each in told)
            pairs = zip(known, owners, strict=True)
            return [replace(device, product=each, raw=None) for device, owned in pairs for each in owned]

        page = ("getTargets", DEVICES, schema.DEVICES, cursor, limit or PAGE, rows)
        return (yield from self._page(*page, counted=single is not None))

    @flow
    def get_device(
        self, *, product: str | None = None, device: str | None = None, device_id: str | None = None
    ) -> Steps[Device]:
        """One device. NotFoundError if there is none, or if it reports no module of the product."""
        product, device = self._key(product, device, device_id)
        row = yield from self._one("getTarget", schema.ONE_DEVICE, DEVICES, device)
        if not self.keys.single:
            modules = yield from self._modules(product)
            self._owned(device, product, self.keys.reported((yield from self._attributes(device)), modules))
        return replace(row, product=product)

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
        """The versions of one device, reported and believed, on one page. NotFoundError if there is no such device."""
        product, device = self._key(product, device, device_id)
        rows = yield from self._versions(device, (yield from self._modules(product)))
        self._owned(device, product, rows)
        return Page(rows, None, len(rows))

    @flow
    def list_fleet_versions(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[ModuleVersion]]:
        """The versions of every device of a page of devices."""
        modules = yield from self._modules(product)

        def rows(found: Sequence[Device]) -> Steps[Sequence[ModuleVersion]]:
            flows = (
                Flow(or_none(self._versions(each.name, modules)), "getAttributes") for each in _addressable(self, found)
            )
            told = yield from together(flows)
            return [row for each in told for row in each or ()]

        return (yield from self._page("getTargets", DEVICES, schema.DEVICES, cursor, limit or PAGE, rows))

    @flow
    def count_fleet_versions(
        self, *, product: str | None = None, module: str | None = None, version: str | None = None
    ) -> Steps[int]:
        """How many (device, module) pairs are reported with this version: the server counts."""
        known = yield from self._modules(product)
        wanted = [each for each in known if module is None or self.keys.key(*each) == self.keys.key(each[0], module)]
        attributes = list(map(self.keys.attribute, wanted))
        if not all(map(schema.searchable, attributes)):
            return (yield from super().count_fleet_versions(product=product, module=module, version=version))
        counts = (self._count(attribute=each, version=version) for each in attributes)
        return sum((yield from together(counts)))

    # --- what they stand on -------------------------------------------------------------------------------------------

    def _versions(self, device: str, modules: Sequence[Named]) -> Steps[tuple[ModuleVersion, ...]]:
        attributes = yield from self._attributes(device)
        installed = yield from self._or_none("getInstalledDistributionSet", schema.INSTALLED, device, "installedDS")
        rows = [_version(each, device, version) for each, version in self.keys.reported(attributes, modules).items()]
        for row in installed.modules if installed else ():
            named = self.keys.named(row.module)
            if named and named in modules:
                rows.append(_version(named, device, row.version, "believed"))
        return tuple(rows)

    def _owned(self, device: str, product: str, modules: Collection[object]) -> None:
        if not modules and not self.keys.single:
            raise NotFoundError(f"device {device!r} reports no module of product {product!r}", backend=self.name)

    def _attributes(self, device: str) -> Steps[dict[str, object]]:
        """What a device reported of itself."""
        return (yield from self._or_none("getAttributes", schema.ATTRIBUTES, device, "attributes")) or {}

    def _or_none(self, operation: str, reader: Reader[T], *path: str) -> Steps[T | None]:
        """What is told of a device; None if nothing is."""
        request = self._request(operation, DEVICES, *path)
        reply = yield from send(request)
        return None if reply.status == 204 else decode(reader, request, reply)

    @flow
    def _count(self, *, attribute: str, version: str | None) -> Steps[int]:
        field = f"{schema.ATTRIBUTE}.{attribute}"
        where = f"{field}==*" if version is None else schema.exact(field, version)
        query = schema.query(limit=1, where=where)
        return (yield from self._one("getTargets", schema.DEVICES, DEVICES, query=query)).total

    def _key(self, product: str | None, device: str | None, device_id: str | None) -> tuple[str, str]:
        product = product or self.keys.single
        if device_id is not None or not product or not device:
            raise broken("device.name", "product and name", device_id or device or "", "a device has no id beside them")
        return product, device


def _version(named: Named, device: str, version: str, source: VersionSource = "reported") -> ModuleVersion:
    return ModuleVersion(product=named[0], module=named[1], device=device, version=version, source=source)


def _addressable(backend: Calls, devices: Sequence[Device]) -> list[Device]:
    """The devices that an address leads to. Some names can be made, and never be asked for again."""
    limit = backend.limits.text["device.name"]
    for name in (device.name for device in devices if limit.breach(device.name)):
        warnings.warn(f"the server cannot tell what device {name!r} reports: {limit.breach(name)}", stacklevel=2)
    return [device for device in devices if not limit.breach(device.name)]
