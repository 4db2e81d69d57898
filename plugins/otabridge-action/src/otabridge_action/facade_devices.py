"""The actions on devices and on the versions that they report."""

import base64
from collections import Counter
from dataclasses import replace

from otabridge.facade import Call
from otabridge.plugin import Capability, Device, ModuleVersion, NotFoundError, Steps
from otabridge.windows import Listed, count, split, window
from otabridge_action.facade_base import ActionBase
from otabridge_action.facade_codes import no
from otabridge_action.facade_reading import Parsed
from otabridge_action.facade_tables import DETAILS, NUMBERED_ROWS, STATES, UNKNOWN_TIME
from otabridge_action.schema_devices import Facts
from otabridge_action.schema_names import numbered
from otabridge_action.schema_writing import Shown, Tree
from otabridge_action.tables import DEVICE_WORDS, STATUS_NUMBERS, STATUS_WORDS

DEVICE_PAGE = 10


class DeviceActions(ActionBase):
    """Devices. Their ids are made of product and name, and taken apart again."""

    # --- lists ------------------------------------------------------------------------------------------------------

    def list_devices(self, call: Call, asked: Parsed) -> Steps[Tree]:
        number, size = self.place(asked, Capability.LIST_DEVICES, size=DEVICE_PAGE)
        product, token = asked.words["product"], asked.words.get("token")
        listed = self.devices(product)
        if token:
            found = yield from window(listed, _cursor(token), size)
            total = yield from count(listed)
        elif number * size > NUMBERED_ROWS:
            found, total = None, (yield from count(listed))
        else:
            found, shown = yield from self.numbered(("devices", product), listed, number, size)
            total = shown.total
        rows = [self.scribe.device(row, self._facts(row)) for row in (found.rows if found else ())]
        following = _token(found.cursor) if found and found.cursor else ""
        return self.scribe.devices(rows, Shown(number=number, size=size, total=total), following)

    def list_devices_of_status(self, call: Call, asked: Parsed) -> Steps[Tree]:
        number, size = self.place(asked, Capability.LIST_DEVICES, size=DEVICE_PAGE)
        product, status = asked.words.get("product"), STATUS_NUMBERS.get(asked.words["status"])
        if status is None:
            raise no("device status", ", ".join(STATUS_NUMBERS))
        listed = replace(self.devices(product), keep=lambda device: shown_status(device) == status)
        found, shown = yield from self.numbered(("devices", product, status), listed, number, size)
        rows = [self.scribe.device_of_status(row, self._facts(row)) for row in found.rows]
        return self.scribe.devices_of_status(rows, shown)

    def count_devices(self, call: Call, asked: Parsed) -> Steps[Tree]:
        if asked.words.get("group"):
            raise no("group")
        listed, statuses = self.devices(asked.words.get("product")), Counter[str]()
        cursor, over = None, False
        while not over:
            part = yield from window(listed, cursor, listed.largest)
            statuses.update(map(shown_status, part.rows))
            cursor, over = part.cursor, part.cursor is None
        total = statuses.total()
        return self.scribe.device_counts(total, total - statuses["inactive"], statuses["online"])

    # --- one device, and several ------------------------------------------------------------------------------------

    def get_device(self, call: Call, asked: Parsed) -> Steps[Tree]:
        device = yield from self._device(*named_device(asked))
        return self.scribe.device_alone(device, (yield from self._all_facts(device)))

    def get_device_status(self, call: Call, asked: Parsed) -> Steps[Tree]:
        device = yield from self._device(*named_device(asked))
        return self.scribe.device_status(device, (yield from self._all_facts(device)))

    def get_devices(self, call: Call, asked: Parsed) -> Steps[Tree]:
        devices = yield from self._several(asked, DETAILS)
        rows = [self.scribe.device_detail(row, facts, alone=False) for row, facts in devices]
        return self.scribe.device_details(rows)

    def get_device_states(self, call: Call, asked: Parsed) -> Steps[Tree]:
        devices = yield from self._several(asked, STATES)
        return self.scribe.device_states([self.scribe.device_state(row, facts) for row, facts in devices])

    def list_versions(self, call: Call, asked: Parsed) -> Steps[Tree]:
        number, size = self.place(asked, Capability.LIST_MODULE_VERSIONS)
        product, name = named_device(asked)
        listed = self._versions(product, name)
        found, shown = yield from self.numbered(("versions", product, name), listed, number, size)
        return self.scribe.versions(found.rows, (product, name, iot_id(product, name)), shown)

    def _several(self, asked: Parsed, most: int) -> Steps[list[tuple[Device, Facts]]]:
        """The devices that a call names, less those that are not there."""
        names = [(asked.words.get("product", ""), name) for name in numbered(asked.pairs, "device")]
        names = names or [device_of(text) for text in numbered(asked.pairs, "device_id")]
        if not names:
            raise no("devices missing")
        if len(names) > most:
            raise no("devices too many", most)
        found = []
        for product, name in dict.fromkeys(names):
            try:
                device = yield from self._device(product, name)
            except NotFoundError:
                continue
            found.append((device, (yield from self._all_facts(device))))
        return found

    # --- the store's devices ----------------------------------------------------------------------------------------

    def devices(self, product: str | None) -> Listed[Device]:
        """The devices of a product, or all."""
        return self.listed(
            Capability.LIST_DEVICES,
            lambda cursor, limit: self.store.list_devices(product=product, cursor=cursor, limit=limit),
        )

    def _device(self, product: str, name: str) -> Steps[Device]:
        self.limits.check_text("product.id", product)
        self.limits.check_text("device.name", name)
        return (yield from self.store.get_device(product=product, device=name))

    def _versions(self, product: str, name: str) -> Listed[ModuleVersion]:
        self.limits.check_text("product.id", product)
        self.limits.check_text("device.name", name)
        return self.listed(
            Capability.LIST_MODULE_VERSIONS,
            lambda cursor, limit: self.store.list_module_versions(
                product=product, device=name, cursor=cursor, limit=limit
            ),
        )

    def _facts(self, device: Device) -> Facts:
        return Facts(id=iot_id(device.product, device.name), made_at=UNKNOWN_TIME)

    def _all_facts(self, device: Device) -> Steps[Facts]:
        """All that is known of a device: this takes further readings of the store."""
        modules = yield from self.all(self._versions(device.product, device.name))
        seen = max((row.reported_at for row in modules if row.reported_at), default=None)
        name = yield from self.product_name(device.product)
        return replace(self._facts(device), modules=modules, seen_at=seen, product_name=name)

    def found_facts(self, device: Device) -> Steps[Facts]:
        """What a search tells of a device."""
        return replace(self._facts(device), modules=(yield from self.all(self._versions(device.product, device.name))))


def shown_status(device: Device) -> str:
    """A device's status as the clouds have it, which know fewer than the core."""
    return STATUS_WORDS[DEVICE_WORDS[device.status]]


def named_device(asked: Parsed) -> tuple[str, str]:
    """The product and the name of the device that a call names, by its id before anything else."""
    words = asked.words
    if words.get("device_id"):
        return device_of(words["device_id"])
    if "product" not in words and "device" not in words:
        raise no("device missing")
    return words.get("product", ""), words.get("device", "")


def iot_id(product: str, device: str) -> str:
    """The id of a device: capitals and digits that hold its product and name."""
    return base64.b32encode(f"{product}\0{device}".encode()).decode().rstrip("=")


def device_of(text: str) -> tuple[str, str]:
    """The product and the name in a device's id."""
    try:
        product, _, device = base64.b32decode(text + "=" * (-len(text) % 8)).decode().partition("\0")
    except ValueError:
        product = device = ""
    if not product or not device or iot_id(product, device) != text:
        raise no("device id")
    return product, device


def _token(cursor: str) -> str:
    return base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")


def _cursor(token: str) -> str:
    try:
        cursor = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
        split(cursor)
        return cursor
    except ValueError:
        raise no("token") from None
