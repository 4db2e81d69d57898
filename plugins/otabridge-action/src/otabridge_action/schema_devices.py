"""What a server says of devices. No store has their secrets, so none is written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from otabridge.plugin import Device, ModuleVersion
from otabridge_action import schema_names as names
from otabridge_action.schema_writing import Shown, Tree, Writing, local_time, milliseconds, spoken, utc_time
from otabridge_action.tables import DEVICE_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a device beside itself; `seen_at` is when it was last heard of."""

    id: str
    made_at: datetime
    seen_at: datetime | None = None
    product_name: str = ""
    modules: tuple[ModuleVersion, ...] = ()

    @property
    def version(self) -> str | None:
        """That of the whole device."""
        return next((row.version for row in self.modules if names.vendor_module(row.module) == names.RESERVED), None)


class DeviceWriting(Writing):
    """Writes what concerns devices."""

    def __init__(self, *, camel: bool) -> None:
        super().__init__(camel=camel)
        self._device = self.row(names.DEVICE)

    def _known(self, device: Device, facts: Facts, *, status: str = names.DEVICE["status"]) -> Tree:
        row = self._device(device)
        del row[self.spelled[names.DEVICE["status"]]]
        return row | self.members({names.DEVICE["id"]: facts.id, status: DEVICE_WORDS[device.status]})

    def _dated(self, facts: Facts, gmt: Callable[[datetime], str]) -> Tree:
        made = facts.made_at
        return self.members(
            {
                name: write(made)
                for pair in (names.CREATED, names.MODIFIED)
                for name, write in zip(pair, (utc_time, gmt), strict=True)
            }
        )

    def device(self, device: Device, facts: Facts) -> Tree:
        """One device as it stands in the list of a product."""
        row = self._known(device, facts, status=names.DEVICE_STATUS) | self._dated(facts, spoken)
        return row | self.members({"Nickname": "", "DeviceType": "0"})

    def device_of_status(self, device: Device, facts: Facts) -> Tree:
        """One device as it stands in the list of a status."""
        return self._known(device, facts) | self._dated(facts, local_time) | self.members({"Nickname": ""})

    def devices(self, rows: list[Tree], shown: Shown, token: str) -> Tree:
        """A page of a product's devices; the token is empty on the last one."""
        return self._listed(names.DEVICES, rows, shown) | self.members({names.WORDS["token"]: token})

    def devices_of_status(self, rows: list[Tree], shown: Shown) -> Tree:
        """A page of the devices of a status."""
        return self._listed(names.DEVICES_OF_STATUS, rows, shown)

    def _listed(self, path: Iterable[str], rows: list[Tree], shown: Shown) -> Tree:
        return self.place(shown, number=names.PAGE_OF_DEVICES) | self.below(path, rows)

    def device_detail(self, device: Device, facts: Facts, *, alone: bool = True) -> Tree:
        """One device with all that is known of it; one that was asked for `alone` has more."""
        row = self._known(device, facts)
        moments = {"Create": facts.made_at, "Active": facts.made_at, "Online": facts.seen_at if alone else None}
        for event, moment in moments.items():
            if moment:
                row |= self.members({f"Utc{event}": utc_time(moment), f"Gmt{event}": local_time(moment)})
        told = {names.PRODUCT["name"]: facts.product_name, names.INSTALLED_VERSION: facts.version}
        return row | self.members({**told, "NodeType": 0, "Nickname": "", "Owner": True if alone else None})

    def device_alone(self, device: Device, facts: Facts) -> Tree:
        """The answer of one device."""
        return self.below([names.DATA], self.device_detail(device, facts))

    def device_details(self, rows: list[Tree]) -> Tree:
        """The answer of several devices, wrapped twice."""
        return self.below([names.DATA, names.DATA], rows)

    def device_state(self, device: Device, facts: Facts) -> Tree:
        """What one device of several is at."""
        seen = utc_time(facts.seen_at) if facts.seen_at else None
        row = self._known(device, facts) | self.members({"LastOnlineTime": seen})
        del row[self.spelled[names.DEVICE["product"]]]
        return row

    def device_states(self, rows: list[Tree]) -> Tree:
        """What several devices are at."""
        return self.below(names.DEVICE_STATES, rows)

    def device_status(self, device: Device, facts: Facts) -> Tree:
        """What one device is at, and since when."""
        told = {names.DEVICE["status"]: DEVICE_WORDS[device.status]}
        since = milliseconds(facts.seen_at or facts.made_at)
        return self.below([names.DATA], self.members({**told, "Timestamp": since}))

    def device_found(self, device: Device, facts: Facts) -> Tree:
        """One device of a search, with what is installed on it."""
        name, version = self.spelled[names.VERSION["module"]], self.spelled[names.INSTALLED_VERSION]
        installed = [{name: names.vendor_module(row.module), version: row.version} for row in facts.modules]
        times = dict.fromkeys((names.CREATED[1], names.MODIFIED[1], "ActiveTime"), utc_time(facts.made_at))
        return self._known(device, facts) | self.members({**times, "Nickname": "", names.INSTALLED: installed})

    def found(self, rows: list[Tree]) -> Tree:
        """The rows of a search."""
        return self.below([names.DATA], rows)

    def found_count(self, count: int) -> Tree:
        """How many rows a search has."""
        return self.members({names.DATA: [], names.TOTAL_COUNT: count})

    def device_counts(self, devices: int, active: int, online: int) -> Tree:
        """The three counts, whose names begin with small letters on both clouds."""
        counts = {names.lowered(names.DEVICE_COUNT): devices, "activeCount": active, "onlineCount": online}
        return self.below([names.DATA], counts)
