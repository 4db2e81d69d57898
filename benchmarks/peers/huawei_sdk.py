"""huaweicloudsdkiotda."""

from collections.abc import Iterator
from typing import Any, ClassVar

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkiotda.v5 import (
    CreateOtaModule,
    CreateOtaModuleRequest,
    IoTDAClient,
    ListDevicesRequest,
    ListOtaPackageInfoRequest,
    ShowOtaModuleRequest,
)

from benchmarks.answers import DEVICE_PAGE, MARKED_PAGE, MODULE_ID, PRODUCT
from benchmarks.peers import ACCESS_KEY, APP, PROJECT, SECRET_KEY, Peer, Place


class Sdk(Peer):
    """Its sync client; the one called async is this one in threads."""

    members: ClassVar = {
        "module": ("product_id", "module_name", "module_id", "alias_name"),
        "device": ("product_id", "node_id", "device_id"),
        "package": ("package_id", "product_id", "module_name", "version"),
    }

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        super().__init__(place, in_flight=in_flight)
        http = HttpConfig(pool_maxsize=in_flight, ssl_ca_cert=place.ca_file or None)
        credentials = BasicCredentials(ACCESS_KEY, SECRET_KEY, PROJECT)
        builder = IoTDAClient.new_builder().with_credentials(credentials).with_http_config(http)
        self._client = builder.with_endpoint(place.url).build()

    def show_module(self) -> Any:
        return self._client.show_ota_module(ShowOtaModuleRequest(module_id=MODULE_ID))

    def create_module(self) -> Any:
        words = {"alias_name": "Micro_Controller", "description": "main controller"}
        body = CreateOtaModule(app_id=APP, product_id=PRODUCT, module_name="MCU", **words)
        return self._client.create_ota_module(CreateOtaModuleRequest(body=body))

    def pages(self, kind: str) -> Iterator[list[Any]]:
        marker, rows = None, [None]
        while rows and (marker or rows == [None]):
            if kind == "device":
                asked = ListDevicesRequest(product_id=PRODUCT, limit=DEVICE_PAGE, marker=marker)
                answer = self._client.list_devices(asked)
                rows = answer.devices
            else:
                asked = ListOtaPackageInfoRequest(
                    package_type="modulePackage", product_id=PRODUCT, limit=MARKED_PAGE, marker=marker
                )
                answer = self._client.list_ota_package_info(asked)
                rows = answer.packages
            marker = answer.page.marker
            yield rows

    def close(self) -> None:
        """It has nothing to close by."""
