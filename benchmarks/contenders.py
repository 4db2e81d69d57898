"""What is compared: each contender makes one typed call, or `None` in place of a client that is not installed.

The two calls: `module` shows one Huawei module by id, `versions` lists the ten module versions of one Aliyun device.
"""

import base64
import hashlib
import hmac
import http.client
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import quote

AK, SK = "TESTAKEXAMPLE0000001", "TestSkExample00000000000000000000000000002"
PROJECT = "0123456789abcdef0123456789abcdef"
MODULE_ID = "28f61af50fc9452aa0ed5ea25c3cc3d3"
PATH = f"/v5/iot/{PROJECT}/ota-upgrades/modules/{MODULE_ID}"
Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]


def _plain_signed(host: str) -> dict[str, str]:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": "application/json", "host": host, "x-project-id": PROJECT, "x-sdk-date": now}
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    names = ";".join(sorted(headers))
    canonical = f"GET\n{PATH}/\n\n{lines}\n{names}\n{hashlib.sha256(b'').hexdigest()}"
    text = f"SDK-HMAC-SHA256\n{now}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(SK.encode(), text.encode(), "sha256").hexdigest()
    return {**headers, "Authorization": f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders={names}, Signature={signature}"}


def _rpc_signed() -> str:
    pairs = {
        "Action": "ListOTAModuleVersionsByDevice",
        "Version": "2018-01-20",
        "Format": "JSON",
        "AccessKeyId": AK,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "CurrentPage": "1",
        "PageSize": "200",
        "IotId": "QjIFT0000101",
    }
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(pairs.items()))
    text = f"POST&%2F&{quote(query, safe='-_.~')}"
    signature = base64.b64encode(hmac.new(f"{SK}&".encode(), text.encode(), "sha1").digest()).decode()
    return f"/?{query}&Signature={quote(signature, safe='-_.~')}"


def socket_module(port: int) -> Call:
    """The floor: a kept connection of the standard library and prepared headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = _plain_signed(f"127.0.0.1:{port}")

    def call() -> object:
        connection.request("GET", PATH, headers=headers)
        return connection.getresponse().read()

    return call


def httpx_module(port: int) -> Call:
    """httpx with a hand-written signature and a typed result."""
    import httpx

    from otabridge.models import Module

    client = httpx.Client(base_url=f"http://127.0.0.1:{port}")

    def call() -> Module:
        row = client.get(PATH, headers=_plain_signed(f"127.0.0.1:{port}")).raise_for_status().json()
        return Module(product=row["product_id"], name=row["module_name"], id=row["module_id"], alias=row["alias_name"])

    return call


def httpx_versions(port: int) -> Call:
    """httpx with a hand-written signature and typed rows."""
    import httpx

    from otabridge.models import ModuleVersion

    client = httpx.Client(base_url=f"http://127.0.0.1:{port}")

    def call() -> list[ModuleVersion]:
        rows = client.post(_rpc_signed()).raise_for_status().json()["Data"]["SimpleOTAModuleInfo"]
        return [
            ModuleVersion(
                product=row["ProductKey"],
                device=row["DeviceName"],
                device_id=row["IotId"],
                module=row["ModuleName"],
                version=row["ModuleVersion"],
            )
            for row in rows
        ]

    return call


def httpx_module_async(port: int) -> AsyncCall:
    """The async twin of `httpx_module`."""
    import httpx

    from otabridge.models import Module

    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def call() -> Module:
        row = (await client.get(PATH, headers=_plain_signed(f"127.0.0.1:{port}"))).raise_for_status().json()
        return Module(product=row["product_id"], name=row["module_name"], id=row["module_id"], alias=row["alias_name"])

    return call


def httpx_versions_async(port: int) -> AsyncCall:
    """The async twin of `httpx_versions`."""
    import httpx

    from otabridge.models import ModuleVersion

    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    async def call() -> list[ModuleVersion]:
        rows = (await client.post(_rpc_signed())).raise_for_status().json()["Data"]["SimpleOTAModuleInfo"]
        return [
            ModuleVersion(
                product=row["ProductKey"],
                device=row["DeviceName"],
                device_id=row["IotId"],
                module=row["ModuleName"],
                version=row["ModuleVersion"],
            )
            for row in rows
        ]

    return call


def huawei_sdk_module(port: int) -> Call:
    """huaweicloudsdkiotda."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkiotda.v5 import IoTDAClient, ShowOtaModuleRequest

    credentials = BasicCredentials(AK, SK, PROJECT)
    client = IoTDAClient.new_builder().with_credentials(credentials).with_endpoint(f"http://127.0.0.1:{port}").build()
    return lambda: client.show_ota_module(ShowOtaModuleRequest(module_id=MODULE_ID)).module_name


def _alibaba(port: int) -> object:
    from alibabacloud_iot20180120.client import Client
    from alibabacloud_tea_openapi.models import Config

    secrets = {"access_key_id": AK, "access_key_secret": SK}
    return Client(Config(**secrets, endpoint=f"127.0.0.1:{port}", protocol="HTTP", region_id="cn-shanghai"))


def alibaba_sdk_versions(port: int) -> Call:
    """alibabacloud_iot20180120."""
    from alibabacloud_iot20180120.models import ListOTAModuleVersionsByDeviceRequest as Asked

    client = _alibaba(port)
    asked = Asked(current_page=1, page_size=200, iot_id="QjIFT0000101")
    return lambda: client.list_otamodule_versions_by_device(asked).body.data.simple_otamodule_info


def alibaba_sdk_versions_async(port: int) -> AsyncCall:
    """alibabacloud_iot20180120, async."""
    from alibabacloud_iot20180120.models import ListOTAModuleVersionsByDeviceRequest as Asked

    client = _alibaba(port)
    asked = Asked(current_page=1, page_size=200, iot_id="QjIFT0000101")

    async def call() -> object:
        return (await client.list_otamodule_versions_by_device_async(asked)).body.data.simple_otamodule_info

    return call


def _huawei_settings(port: int) -> dict[str, object]:
    where = {"backend": "huawei", "endpoint": f"http://127.0.0.1:{port}", "project_id": PROJECT, "auth": "plain"}
    return {**where, "access_key": AK, "secret_key": SK, "quotas": 1e6}


def _aliyun_settings(port: int) -> dict[str, object]:
    where = {"backend": "aliyun", "endpoint": f"http://127.0.0.1:{port}"}
    return {**where, "access_key_id": AK, "access_key_secret": SK, "quotas": 1e6}


def ours_module(port: int) -> Call:
    """otabridge, everything on."""
    from otabridge import connect

    cloud = connect(**_huawei_settings(port))
    return lambda: cloud.modules.get(id=MODULE_ID)


def ours_versions(port: int) -> Call:
    """otabridge, everything on."""
    from otabridge import connect

    cloud = connect(**_aliyun_settings(port))
    return lambda: list(cloud.devices.versions(id="QjIFT0000101"))


def ours_module_async(port: int) -> AsyncCall:
    """otabridge, everything on."""
    from otabridge import aconnect

    cloud = aconnect(**_huawei_settings(port))
    return lambda: cloud.modules.get(id=MODULE_ID)


def ours_versions_async(port: int) -> AsyncCall:
    """otabridge, everything on."""
    from otabridge import aconnect

    cloud = aconnect(**_aliyun_settings(port))

    async def call() -> object:
        return [row async for row in cloud.devices.versions(id="QjIFT0000101")]

    return call
