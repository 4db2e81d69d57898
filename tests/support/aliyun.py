"""The official SDK of Aliyun as a client of a facade."""

import asyncio
import importlib
import warnings
from typing import Any

import httpx

from otabridge.serve import Server

PREFIX = "alibabacloud_iot20180120"
SIGNATURES = {"acs3": None, "v2": "v2"}


def load(name: str) -> Any:
    """An SDK's module; old code warns of itself as it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


class Sdk:
    """The SDK's client: `do("query_device", page_size=1)` is the body of its answer, and complains of failures."""

    def __init__(self, server: Server, signature: str, colour: str, **changes: Any) -> None:
        config = load("alibabacloud_tea_openapi.models").Config(
            **{
                "access_key_id": server.access_key,
                "access_key_secret": server.secret_key,
                "endpoint": server.urls["aliyun"].partition("//")[2],
                "protocol": "HTTP",
                "region_id": "cn-shanghai",
                "signature_algorithm": SIGNATURES[signature],
                **changes,
            }
        )
        self._client = load(f"{PREFIX}.client").Client(config)
        self._models = load(f"{PREFIX}.models")
        self._colour = colour
        self.product = f"p-{signature}-{colour}"
        self.server = server

    def model(self, kind: str, /, **fields: Any) -> Any:
        return getattr(self._models, kind)(**fields)

    def call(self, action: str, **fields: Any) -> Any:
        """The answer's body, whatever it says."""
        asked = self.model(f"{action}Request", **fields)
        method = METHODS[action]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if self._colour == "sync":
                return getattr(self._client, method)(asked).body
            return asyncio.run(getattr(self._client, f"{method}_async")(asked)).body

    def do(self, action: str, **fields: Any) -> Any:
        body = self.call(action, **fields)
        assert body.success is True, body
        return body

    def uploaded(self, data: bytes) -> str:
        """The URL of a file that is uploaded as the vendor's documents have it."""
        return upload(self.do("GenerateOTAUploadURL", file_suffix="bin").data.to_map(), data)


def upload(grant: dict[str, str], data: bytes) -> str:
    """Upload a file by the form that is granted; its URL."""
    form = {word: grant[word[0].upper() + word[1:]] for word in ("key", "policy", "OSSAccessKeyId", "signature")}
    form["success_action_status"] = "200"
    assert httpx.post(f"{grant['Host']}/", data=form, files={"file": ("a.bin", data)}).status_code == 200
    return grant["FirmwareUrl"]


METHODS = {
    "CreateOTAModule": "create_otamodule",
    "UpdateOTAModule": "update_otamodule",
    "DeleteOTAModule": "delete_otamodule",
    "ListOTAModuleByProduct": "list_otamodule_by_product",
    "ListOTAModuleVersionsByDevice": "list_otamodule_versions_by_device",
    "GenerateOTAUploadURL": "generate_otaupload_url",
    "CreateOTAFirmware": "create_otafirmware",
    "ModifyOTAFirmware": "modify_otafirmware",
    "DeleteOTAFirmware": "delete_otafirmware",
    "ListOTAFirmware": "list_otafirmware",
    "QueryOTAFirmware": "query_otafirmware",
    "QueryProductList": "query_product_list",
    "QueryProduct": "query_product",
    "QueryDevice": "query_device",
    "QueryDeviceByStatus": "query_device_by_status",
    "QueryDeviceDetail": "query_device_detail",
    "BatchQueryDeviceDetail": "batch_query_device_detail",
    "BatchGetDeviceState": "batch_get_device_state",
    "GetDeviceStatus": "get_device_status",
    "QueryDeviceStatistics": "query_device_statistics",
    "QueryDeviceBySQL": "query_device_by_sql",
}
