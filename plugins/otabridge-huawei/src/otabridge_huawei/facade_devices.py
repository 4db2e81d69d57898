"""Devices and the versions on them, served from any store: listed, and shown one by one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from otabridge.facade import TWINS, Answer
from otabridge.plugin import (
    FIRMWARE,
    SOFTWARE,
    Capability,
    Device,
    ModuleVersion,
    NotFoundError,
    Steps,
    UnsupportedError,
    ValidationError,
)
from otabridge.windows import Listed
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei import schema_names as names
from otabridge_huawei.facade_calls import FacadeCalls, Given, answer, fixed, refuse
from otabridge_huawei.facade_modules import space_name
from otabridge_huawei.schema import moment
from otabridge_huawei.tables import LIMITS, STATUSES

_TIME = re.compile("[0-9]{8}T[0-9]{6}Z").fullmatch
_LONGEST = LIMITS.text["device.id"].max_length or 0
_STATUS = {told: status for status, told in STATUSES.items()}


def device_id(device: Device) -> str:
    """The vendor's own default."""
    return f"{device.product}_{device.name}"


@dataclass(frozen=True, slots=True)
class Versions:
    """What a device has: its firmware, its software, and the version of each module; and when it told them."""

    firmware: str | None
    software: str | None
    modules: Mapping[str, str]
    times: tuple[datetime, ...] = ()

    @classmethod
    def of(cls, versions: Mapping[str, str], times: Iterable[datetime] = ()) -> "Versions":
        """Sorted out from module -> version; a built-in module may have its twin's name."""
        firmware = versions.get(TWINS[FIRMWARE]) or versions.get(FIRMWARE)
        modules = {module: version for module, version in versions.items() if not module.startswith("@")}
        return cls(firmware, versions.get(SOFTWARE), modules, tuple(times))


class DeviceFacade(FacadeCalls):
    """The operations on single devices, and what a device is to a client."""

    def list_devices(self, given: Given) -> Steps[Answer]:
        app = given.query.get("app")
        self.spaces.check(app)
        listed = yield from self._devices(given, app)
        return (yield from self.page(given, "devices", listed, lambda row: self._listed(row, app)))

    def show_device(self, given: Given) -> Steps[Answer]:
        device = yield from self._found_device(given.id)
        versions = yield from self.versions(device)
        row = self.told(device, versions) | (yield from self.owner(device.product))
        return answer(given.call, wire.told(names.SHOWN, None, **row, **self._times(versions)))

    def versions(self, device: Device) -> Steps[Versions]:
        """The versions on a device."""
        rows: list[ModuleVersion] = []
        cursor, over = None, False
        while not over:
            page = yield from self.store.list_module_versions(
                product=device.product, device=device.name, device_id=device.id, cursor=cursor
            )
            rows += page.items
            cursor, over = page.cursor, page.cursor is None
        times = (row.reported_at for row in rows if row.reported_at)
        return Versions.of({row.module: row.version for row in rows}, times)

    def _times(self, versions: Versions) -> dict[str, object]:
        """When a device was made, active first and connected last, as far as its reports tell."""
        seen = versions.times or (tables.UNKNOWN_TIME,)
        connected, active = wire.extended(max(seen)), wire.extended(min(seen))
        return {"created_at": tables.UNKNOWN_TIME, "connected": connected, "active": active}

    def told(self, device: Device, versions: Versions, asked: str | None = None) -> dict[str, object]:
        """A device by our words. What the store does not know of it is in the table of inventions."""
        known = device_id(device)
        app = self.spaces.of(device.product, asked)
        return tables.DEVICE_DEFAULTS | {
            "app": app,
            "space": space_name(app),
            "id": known,
            "name": device.name,
            "gateway": known,
            "shown": device.name,
            "firmware": versions.firmware,
            "software": versions.software,
            "product": device.product,
            "status": _STATUS.get(device.status, tables.UNKNOWN_STATUS),
            "tags": [],
            "modules": wire.reported(versions.modules),
        }

    def _listed(self, device: Device, asked: str | None) -> Steps[wire.Json]:
        row = self.told(device, (yield from self.versions(device)), asked)
        return wire.told(names.LISTED, None, **row | (yield from self.owner(device.product, asked)))

    def _devices(self, given: Given, app: str | None) -> Steps[Listed[Device]]:
        """The list that a call asks for. No device is another's child, and all were made at one time."""
        query, product = given.query, given.query.get("product")
        within = self.spaces.keep(app)
        wanted = {query[word] for word in ("node", "shown") if word in query}
        start, end = (_moment(query.get(word)) for word in ("start", "end"))
        if start and end and start >= end:
            refuse(tables.BAD_ORDER)
        if query.get("cascade", "false") not in ("true", "false"):
            refuse(tables.INVALID, names.QUERY["cascade"])
        made = tables.UNKNOWN_TIME
        outside = (start and made < start) or (end and made > end) or (product and within and not within(product))
        if "gateway" in query or outside or len(wanted) > 1:
            return self.listed(_LIST, fixed())

        def keep(row: Device) -> bool:
            return wanted <= {row.name} and (product is not None or within is None or within(row.product))

        for name in wanted:
            try:
                found = yield from self.store.get_device(product=product, device=name)
                return self.listed(_LIST, fixed(found), keep=keep)
            except NotFoundError:
                return self.listed(_LIST, fixed())
            except (ValidationError, UnsupportedError):
                pass  # a name of several products' devices: the list has them
        return self.listed(
            _LIST,
            lambda cursor, limit: self.store.list_devices(product=product, cursor=cursor, limit=limit),
            keep=keep if wanted or within else None,
        )

    def _found_device(self, wanted: str) -> Steps[Device]:
        """A device by its id, which may be parted at any of its first `_`."""
        found: list[Device] = []
        places = [place for place, letter in enumerate(wanted[:-1]) if place and letter == "_"]
        for place in places[: tables.MOST_PARTINGS if len(wanted) <= _LONGEST else 0]:
            try:
                found.append((yield from self.store.get_device(product=wanted[:place], device=wanted[place + 1 :])))
            except (NotFoundError, ValidationError):
                continue
            if not tables.strict(self.site, "device"):
                break
        if len(found) == 1:
            return found[0]
        LIMITS.check_text("device.id", wanted)
        refuse(tables.NO_DEVICE, "more than one has this id" if found else "")


_LIST = Capability.LIST_DEVICES


def _moment(text: str | None) -> datetime | None:
    found = moment(text) if text and _TIME(text) else None
    if text is not None and found is None:
        refuse(tables.BAD_TIME, text[:40])
    return found
