"""Devices and the module versions on them: of one by ShowDevice, of many by SearchDevices where the edition has it."""

from typing import TypeVar

from otabridge.plugin import (
    Device,
    ForbiddenError,
    InvalidRequestError,
    ModuleVersion,
    NotFoundError,
    Page,
    PagingError,
    Reader,
    Steps,
    broken,
    decode,
    flow,
    send,
)
from otabridge_huawei import schema
from otabridge_huawei.calls import Calls, Place, place_at
from otabridge_huawei.tables import PAGE

T = TypeVar("T")
_SEARCH, _EACH = "search", "each"


# How an edition without the search refuses it is not documented (unverified): forbidden, not found, or no such call.
_NO_SEARCH = (NotFoundError, ForbiddenError, InvalidRequestError)


class DeviceCalls(Calls):
    """The operations on devices and fleets."""

    @flow
    def list_devices(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Device]]:
        """One page of devices, of one product or of all."""
        place = place_at(cursor)
        found = yield from self._listed(
            "ListDevices", "devices", schema.DEVICES, place, limit, app=self._app(product), product=product
        )
        return found.page()

    @flow
    def get_device(
        self, *, product: str | None = None, device: str | None = None, device_id: str | None = None
    ) -> Steps[Device]:
        """One device, by name or by id. NotFoundError if there is none."""
        found_id = device_id or (yield from self._device_id(product, device))
        return (yield from self._shown("ShowDevice", f"devices/{found_id}", schema.DEVICE))

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
        """The versions on one device; the cloud gives them all at once, so pages are cut here."""
        found_id = device_id or (yield from self._device_id(product, device))
        inventory = yield from self._shown("ShowDevice", f"devices/{found_id}", schema.INVENTORY)
        rows = inventory.versions()
        names = [row.module for row in rows]
        if cursor is not None and cursor not in names:
            raise PagingError(f"the row at which this cursor stands is gone ({cursor[:60]!r}): read the list again")
        start = 0 if cursor is None else names.index(cursor) + 1
        end = start + limit if limit else len(rows)
        return Page(rows[start:end], names[end - 1] if end < len(rows) else None, len(rows), start)

    @flow
    def list_fleet_versions(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[ModuleVersion]]:
        """One page of the versions on every device: up to 50 devices, or device by device without the search."""
        how, _, rest = (cursor or _SEARCH).partition(" ")
        if how == _SEARCH:
            try:
                return (yield from self._searched(product, place_at(rest), limit))
            except _NO_SEARCH:
                if cursor:
                    raise
        elif how != _EACH:
            raise PagingError(f"not a cursor of this list: {cursor!r:.60}")
        page = yield from super().list_fleet_versions(product=product, cursor=rest or None, limit=limit)
        return Page(page.items, page.cursor and f"{_EACH} {page.cursor}", page.total)

    @flow
    def count_fleet_versions(
        self, *, product: str | None = None, module: str | None = None, version: str | None = None
    ) -> Steps[int]:
        """How many devices have this version of a module; one call where the cloud can count it."""
        body = schema.count_body(app=self._app(product), product=product, module=module, version=version)
        if body:
            try:
                return (yield from self._search(body, schema.COUNTED)).count
            except _NO_SEARCH:
                pass
        return (yield from super().count_fleet_versions(product=product, module=module, version=version))

    def _searched(self, product: str | None, place: Place, limit: int | None) -> Steps[Page[ModuleVersion]]:
        size = limit or PAGE
        body = schema.search_body(app=self._app(product), product=product, marker=place.marker, size=size)
        devices = (yield from self._search(body, schema.FOUND)).devices or ()
        rows = tuple(row for device in devices for row in device.versions())
        marker = devices[-1].marker if devices else None
        # No count comes with a search, so an empty page alone proves the end.
        if not devices or (marker is None and len(devices) < size):
            return Page(rows)
        if not marker:
            raise PagingError("the cloud gave devices without markers: the search cannot be continued")
        return Page(rows, f"{_SEARCH} {place.onward(marker, len(devices), None).text()}")

    def _search(self, body: bytes, reader: Reader[T]) -> Steps[T]:
        request = self._request("SearchDevices", "search/query-devices", method="POST", body=body)
        return decode(reader, request, (yield from send(request)))

    def _device_id(self, product: str | None, device: str | None) -> Steps[str]:
        if device is None:
            raise broken("device.name", "required", "", "give the device's name or id")
        found = yield from self._listed(
            "ListDevices", "devices", schema.DEVICES, Place(), None, product=product, node=device
        )
        ids = [row.id for row in found.rows if row.name == device and row.id]
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise broken("product.id", "required where products have devices of one name", device, "give the product")
        raise NotFoundError(
            f"there is no device named {device!r}{(yield from self._hint(device))}",
            backend=self.name,
            operation="ListDevices",
        )

    def _hint(self, device: str) -> Steps[str]:
        try:
            yield from self._shown("ShowDevice", f"devices/{device}", schema.INVENTORY)
        except (NotFoundError, ForbiddenError, InvalidRequestError):
            return ""
        return "; a device with that id exists: give it as id="
