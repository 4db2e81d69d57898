"""Devices, the versions that they report, and those of a whole fleet."""

import re
from dataclasses import replace
from typing import TypeVar

from otabridge.plugin import (
    ApiError,
    Capability,
    Device,
    ForbiddenError,
    InvalidRequestError,
    ModuleVersion,
    Nested,
    NotFoundError,
    Page,
    PagingError,
    Pairs,
    Product,
    Steps,
    broken,
    flow,
    send,
)
from otabridge_action import schema
from otabridge_action.engine import Engine, Place
from otabridge_action.schema_names import parameters
from otabridge_action.tables import MODULES_PER_DEVICE, SEARCH_PAGE, SEARCHED

SEARCH = "QueryDeviceBySQL"
_SEARCH_CURSOR = "search:"
# How a statement would quote anything else is not documented.
_LITERAL = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
T = TypeVar("T")


class DeviceOperations(Engine):
    """The operations on devices, alike on both clouds but for the search."""

    @flow
    def list_devices(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Device]]:
        """One page of devices, newest first; without a product, of each product in turn."""
        if product is None:
            fleet: Nested[Product, Device] = Nested(
                self.products_at_work,
                lambda outer: self.list_products(cursor=outer),
                lambda owner, inner: self.list_devices(product=owner.id, cursor=inner, limit=limit),
            )
            return (yield from fleet.page(cursor))
        # Beyond 10,000 rows the page number alone gives nothing: the token of the page before goes along with it.
        return (
            yield from self.pages(
                Capability.LIST_DEVICES,
                "QueryDevice",
                schema.DEVICES,
                parameters(product=product),
                cursor=cursor,
                limit=limit,
            )
        )

    @flow
    def get_device(
        self, *, product: str | None = None, device: str | None = None, device_id: str | None = None
    ) -> Steps[Device]:
        """One device, by name in its product or by id."""
        request = self.action("QueryDeviceDetail", _reference(product, device, device_id))
        reply = yield from self._of_device(device, device_id, send(request))
        found = schema.DEVICES.read(request, reply, raw=True)
        if not found.rows:
            raise NotFoundError(f"there is no device {device_id or device}", backend=self.name, operation="get_device")
        return found.rows[0]

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
        """One page of what one device reported."""
        pages = self.pages(
            Capability.LIST_MODULE_VERSIONS,
            "ListOTAModuleVersionsByDevice",
            schema.VERSIONS,
            _reference(product, device, device_id),
            cursor=cursor,
            limit=limit,
        )
        return (yield from self._of_device(device, device_id, pages))

    def _of_device(self, device: str | None, device_id: str | None, steps: Steps[T]) -> Steps[T]:
        """What `steps` give; where a name is not found and is some device's id, the error says so."""
        try:
            return (yield from steps)
        except NotFoundError as error:
            missing = error
        if device_id is None and device is not None:
            try:
                yield from send(self.action("QueryDeviceDetail", _reference(None, None, device)))
                missing.args = (f"{missing.message}; {device} is the id of a device: give it as id",)
                missing.message = missing.args[0]
            except ApiError:
                pass  # it is no id either
        raise missing

    @flow
    def list_fleet_versions(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[ModuleVersion]]:
        """One page of a fleet's versions: by search where there is one, else composed; the cursor knows which."""
        place = None
        if cursor is None:
            place = yield from self._searchable(product, limit)
        elif cursor.startswith(_SEARCH_CURSOR):
            place = Place.read(cursor.removeprefix(_SEARCH_CURSOR), SEARCH_PAGE)
        if product is None or place is None:
            return (yield from super().list_fleet_versions(product=product, cursor=cursor, limit=limit))
        return (yield from self._searched(product, place))

    def _searchable(self, product: str | None, limit: int | None) -> Steps[Place | None]:
        """Where a search of the whole product begins; None if it cannot be had, or would end before all are found."""
        instance = self.config.iot_instance_id and SEARCH not in self.profile.missing
        if product is None or not instance or not _LITERAL(product):
            return None
        count = self.action(
            SEARCH, parameters(statement=f'SELECT count(*) FROM device WHERE product_key = "{product}"')
        )
        try:
            total = schema.SEARCHED.read(count, (yield from send(count))).total
        except (ForbiddenError, InvalidRequestError, NotFoundError):
            return None
        if total is None or total > SEARCHED:
            return None
        size = SEARCH_PAGE if limit is None else max(1, min(SEARCH_PAGE, limit // MODULES_PER_DEVICE))
        return Place(size=size, total=total)

    def _searched(self, product: str, place: Place) -> Steps[Page[ModuleVersion]]:
        offset, total = (place.page - 1) * place.size, place.total or 0
        size = min(place.size, SEARCHED - offset)
        statement = f'SELECT * FROM device WHERE product_key = "{product}" ORDER BY gmt_create LIMIT {offset},{size}'
        request = self.action(SEARCH, parameters(statement=statement))
        devices = schema.SEARCHED.read(request, (yield from send(request))).rows
        rows = tuple(row for device in devices for row in device)
        seen, end = place.seen + len(devices), offset + size
        if devices and (end < total or seen < total) and end < SEARCHED:
            return Page(rows, _SEARCH_CURSOR + str(replace(place, page=place.page + 1, seen=seen)))
        if seen < total:
            raise PagingError(f"the search gave {seen} devices where it had counted {total}: read the list again")
        return Page(rows)


def _reference(product: str | None, device: str | None, device_id: str | None) -> Pairs:
    """The parameters that name one device: its id, which says all, or its name within its product."""
    if device_id is not None:
        return parameters(device_id=device_id)
    if device is None or product is None:
        missing = "device.name" if device is None else "product.id"
        raise broken(missing, "required without the device's id", "", "give product and device name, or the id")
    return parameters(product=product, device=device)
