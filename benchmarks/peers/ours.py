"""otabridge as its users call it: pacing, signing, retries, redaction and validation are all on.

The quotas are raised, so that the pacer works and never waits.
"""

from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from typing import Any, ClassVar

import otabridge
from benchmarks.answers import LARGE, MODULE_ID, PRODUCT, SMALL
from benchmarks.peers import ACCESS_KEY, APP, PROJECT, SECRET_KEY, Peer, Place

NO_WAITING = 1e6  # requests a second
HUAWEI = {
    "backend": "huawei",
    "project_id": PROJECT,
    "app_id": APP,
    "auth": "plain",
    "access_key": ACCESS_KEY,
    "secret_key": SECRET_KEY,
}
ALIYUN = {"backend": "aliyun", "access_key_id": ACCESS_KEY, "access_key_secret": SECRET_KEY}
MODULE = {"name": "MCU", "product": PRODUCT, "alias": "Micro_Controller", "description": "main controller"}


def settings(cloud: dict[str, str], place: Place) -> dict[str, Any]:
    """What `connect` needs to reach the canned server as one of the two clouds."""
    return {**cloud, "endpoint": place.url, "quotas": NO_WAITING, **({"ca_file": place.ca_file} if place.tls else {})}


_DEVICE, _PACKAGE = ("product", "name", "id"), ("id", "product", "module", "version")


class _Both(Peer):
    members: ClassVar = {
        "module": ("product", "name", "id", "alias"),
        "version": ("product", "device", "device_id", "module", "version"),
        "device": _DEVICE,
        "numbered device": _DEVICE,
        "package": _PACKAGE,
        "numbered package": _PACKAGE,
    }

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        self._clouds: list[Any] = []

    def _connected(self, cloud: dict[str, str]) -> Any:
        connect: Any = otabridge.aconnect if self.awaited else otabridge.connect
        self._clouds.append(connect(**settings(cloud, self.place)))
        return self._clouds[-1]

    @cached_property
    def huawei(self) -> Any:
        return self._connected(HUAWEI)

    @cached_property
    def aliyun(self) -> Any:
        return self._connected(ALIYUN)

    def listed(self, kind: str) -> Any:
        """The pager of a kind of rows."""
        match kind:
            case "version":
                return self.aliyun.devices.versions(id=LARGE)
            case "device":
                return self.huawei.devices.list(product=PRODUCT)
            case "package":
                return self.huawei.packages.list(product=PRODUCT)
            case "numbered device":
                return self.aliyun.devices.list(product=PRODUCT)
            case "numbered package":
                return self.aliyun.packages.list(product=PRODUCT)
        raise KeyError(kind)


class Ours(_Both):
    """The sync client."""

    def show_module(self) -> Any:
        return self.huawei.modules.get(id=MODULE_ID)

    def create_module(self) -> Any:
        return self.huawei.modules.create(**MODULE)

    def few_versions(self) -> list[Any]:
        return list(self.aliyun.devices.versions(id=SMALL))

    def rows(self, kind: str) -> Iterator[Any]:
        return iter(self.listed(kind))

    def pages(self, kind: str, **more: Any) -> Iterator[Any]:
        for page in self.listed(kind).pages(**more):
            yield page.items

    def close(self) -> None:
        for cloud in self._clouds:
            cloud.close()


class OursAsync(_Both):
    """The async client."""

    awaited: ClassVar = True

    async def show_module(self) -> Any:
        return await self.huawei.modules.get(id=MODULE_ID)

    async def create_module(self) -> Any:
        return await self.huawei.modules.create(**MODULE)

    async def few_versions(self) -> list[Any]:
        return [row async for row in self.aliyun.devices.versions(id=SMALL)]

    def rows(self, kind: str) -> AsyncIterator[Any]:
        rows: AsyncIterator[Any] = aiter(self.listed(kind))
        return rows

    async def pages(self, kind: str, **more: Any) -> AsyncIterator[Any]:
        async for page in self.listed(kind).pages(**more):
            yield page.items

    async def close(self) -> None:
        for cloud in self._clouds:
            await cloud.aclose()
