"""aliyun-python-sdk-iot, the older one. It gives bytes, so its rows are the dicts of their JSON."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from aliyunsdkcore.client import AcsClient
from aliyunsdkiot.request.v20180120.ListOTAFirmwareRequest import ListOTAFirmwareRequest
from aliyunsdkiot.request.v20180120.ListOTAModuleVersionsByDeviceRequest import ListOTAModuleVersionsByDeviceRequest
from aliyunsdkiot.request.v20180120.QueryDeviceRequest import QueryDeviceRequest

from benchmarks.answers import DEVICE_PAGE, LARGE, MEMBERS, NUMBERED, PACKAGE_PAGE, PRODUCT, SMALL, VERSION_PAGE
from benchmarks.peers import ACCESS_KEY, SECRET_KEY, Peer, Place

KINDS: Mapping[str, tuple[Callable[[], Any], int, bytes]] = {
    "version": (ListOTAModuleVersionsByDeviceRequest, VERSION_PAGE, b"ListOTAModuleVersionsByDevice"),
    "numbered device": (QueryDeviceRequest, DEVICE_PAGE, b"QueryDevice"),
    "numbered package": (ListOTAFirmwareRequest, PACKAGE_PAGE, b"ListOTAFirmware"),
}


class Sdk(Peer):
    """AcsClient."""

    members: ClassVar = MEMBERS

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        logging.getLogger("aliyunsdkcore.http.http_response").setLevel(logging.WARNING)
        self._client = AcsClient(
            ACCESS_KEY, SECRET_KEY, "cn-shanghai", pool_size=in_flight, port=place.port, verify=place.ca_file or None
        )

    def _sent(self, request: Any) -> Any:
        request.set_endpoint("127.0.0.1")
        request.set_protocol_type("https" if self.place.tls else "http")
        return json.loads(self._client.do_action_with_exception(request))

    def few_versions(self) -> list[Any]:
        request = ListOTAModuleVersionsByDeviceRequest()
        request.set_IotId(SMALL)
        request.set_CurrentPage(1)
        request.set_PageSize(VERSION_PAGE)
        rows: list[Any] = self._sent(request)["Data"]["SimpleOTAModuleInfo"]
        return rows

    def pages(self, kind: str) -> Iterator[list[Any]]:
        make, size, call = KINDS[kind]
        number, count = 1, 1
        while number <= count:
            request = make()
            request.set_CurrentPage(number)
            request.set_PageSize(size)
            request.set_IotId(LARGE) if kind == "version" else request.set_ProductKey(PRODUCT)
            body = self._sent(request)
            number, count = number + 1, body["PageCount"]
            for name in NUMBERED[call][1]:
                body = body[name]
            yield body

    def close(self) -> None:
        self._client.session.close()
