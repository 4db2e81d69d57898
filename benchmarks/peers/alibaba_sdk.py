"""alibabacloud_iot20180120, sync and async."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, ClassVar

from alibabacloud_iot20180120 import models
from alibabacloud_iot20180120.client import Client
from alibabacloud_tea_openapi.models import Config

from benchmarks.answers import DEVICE_PAGE, LARGE, PACKAGE_PAGE, PRODUCT, SMALL, VERSION_PAGE
from benchmarks.peers import ACCESS_KEY, SECRET_KEY, Peer, Place

# Kind -> the client's method, its request, and the rows of its answer.
LISTS: Mapping[str, tuple[str, Callable[[int], Any], Callable[[Any], list[Any]]]] = {
    "version": (
        "list_otamodule_versions_by_device",
        lambda number: models.ListOTAModuleVersionsByDeviceRequest(
            current_page=number, page_size=VERSION_PAGE, iot_id=LARGE
        ),
        lambda body: body.data.simple_otamodule_info,
    ),
    "numbered device": (
        "query_device",
        lambda number: models.QueryDeviceRequest(current_page=number, page_size=DEVICE_PAGE, product_key=PRODUCT),
        lambda body: body.data.device_info,
    ),
    "numbered package": (
        "list_otafirmware",
        lambda number: models.ListOTAFirmwareRequest(current_page=number, page_size=PACKAGE_PAGE, product_key=PRODUCT),
        lambda body: body.firmware_info.simple_firmware_info,
    ),
}
FEW = models.ListOTAModuleVersionsByDeviceRequest(current_page=1, page_size=VERSION_PAGE, iot_id=SMALL)
_VERSION = ("product_key", "device_name", "iot_id", "module_name", "module_version")


class _Both(Peer):
    members: ClassVar = {
        "version": _VERSION,
        "numbered device": _VERSION[:3],
        "numbered package": ("firmware_id", "product_key", "module_name", "dest_version"),
    }

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        keys = {"access_key_id": ACCESS_KEY, "access_key_secret": SECRET_KEY}
        where = {"endpoint": place.host, "protocol": "HTTPS" if place.tls else "HTTP", "region_id": "cn-shanghai"}
        # Of the two names for it, the sync half of the client reads one and the async half the other.
        self._client = Client(Config(**keys, **where, ca=place.ca_file or None, max_idle_conns=in_flight))


class Sdk(_Both):
    """The sync methods."""

    def few_versions(self) -> list[Any]:
        return list(self._client.list_otamodule_versions_by_device(FEW).body.data.simple_otamodule_info)

    def pages(self, kind: str) -> Iterator[list[Any]]:
        name, request, rows = LISTS[kind]
        call, number, count = getattr(self._client, name), 1, 1
        while number <= count:
            body = call(request(number)).body
            number, count = number + 1, body.page_count
            yield rows(body)

    def close(self) -> None:
        """It has nothing to close by."""


class AsyncSdk(_Both):
    """The methods that end in `_async`."""

    awaited: ClassVar = True

    async def few_versions(self) -> list[Any]:
        answer = await self._client.list_otamodule_versions_by_device_async(FEW)
        return list(answer.body.data.simple_otamodule_info)

    async def pages(self, kind: str) -> AsyncIterator[list[Any]]:
        name, request, rows = LISTS[kind]
        call, number, count = getattr(self._client, f"{name}_async"), 1, 1
        while number <= count:
            body = (await call(request(number))).body
            number, count = number + 1, body.page_count
            yield rows(body)

    async def close(self) -> None:
        """It keeps nothing open."""
