"""Aliyun's older official SDK, whose answers are raw bytes, as a client of both facades: also with temporary keys."""

import importlib
import json
import warnings
from collections.abc import Iterator
from hashlib import md5
from typing import Any

import pytest
from otabridge_action.facade_devices import iot_id

from otabridge.models import ModuleVersion
from otabridge.serve import Server, running
from tests.support.aliyun import upload

TOKEN = "CAIS+wF1q6Ft5B2yfSjIr5f/Ip==/abc+def~*"
LISTS = ("DeviceName", "MultiFiles")


def load(name: str) -> Any:
    """An SDK's module; old code warns of itself as it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("tuya", "aliyun") as server:
        yield server


class Sdk:
    """The SDK's client: `do("QueryDevice", PageSize=1)` gives an answer with Aliyun's first letters."""

    def __init__(self, server: Server, name: str, *, token: str | None = None, secret: str | None = None) -> None:
        client = load("aliyunsdkcore.client")
        secret = secret or server.secret_key
        if token:
            credential = load("aliyunsdkcore.auth.credentials").StsTokenCredential(server.access_key, secret, token)
            self._client = client.AcsClient(region_id="cn-shanghai", credential=credential)
        else:
            self._client = client.AcsClient(server.access_key, secret, "cn-shanghai")
        self._endpoint = server.urls[name].partition("//")[2]
        self.cloud, self.name = server.cloud, name
        self.product = f"p-{name}-{'sts' if token else 'key'}"

    def send(self, action: str, method: str = "POST", **fields: Any) -> dict[str, Any]:
        """The answer as it came."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = getattr(load(f"aliyunsdkiot.request.v20180120.{action}Request"), f"{action}Request")
            request = kind()
            request.set_endpoint(self._endpoint)
            request.set_protocol_type("http")
            request.set_method(method)
            for name, value in fields.items():
                getattr(request, f"set_{name}{'s' if name in LISTS and isinstance(value, list) else ''}")(value)
            answer: dict[str, Any] = json.loads(self._client.do_action_with_exception(request))
        return answer

    def do(self, action: str, **fields: Any) -> dict[str, Any]:
        told = self.send(action, **fields)
        assert told.get("Success", told.get("success")) is True, told
        return cased(told)


def cased(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: cased(item) for name, item in value.items()}
    return [cased(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(params=[(name, token) for name in ("tuya", "aliyun") for token in (None, TOKEN)])
def sdk(request: pytest.FixtureRequest, server: Server) -> Sdk:
    name, token = request.param
    return Sdk(server, name, token=token)


def test_modules_are_made_changed_listed_and_deleted(sdk: Sdk) -> None:
    known = {"ProductKey": sdk.product, "ModuleName": "mcu"}
    sdk.do("CreateOTAModule", **known, AliasName="主控", Desc="a b+c*~/ é")
    sdk.do("UpdateOTAModule", **known, AliasName="main")
    (row,) = sdk.do("ListOTAModuleByProduct", ProductKey=sdk.product)["Data"]
    stored = sdk.cloud.modules.get("mcu", product=sdk.product)
    assert (row["AliasName"], row["Desc"]) == (stored.alias, stored.description) == ("main", "a b+c*~/ é")
    sdk.do("DeleteOTAModule", **known)
    assert sdk.do("ListOTAModuleByProduct", ProductKey=sdk.product)["Data"] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_cloud_has_its_own_first_letters(server: Server, method: str) -> None:
    kept = {}
    for name in ("tuya", "aliyun"):
        kept[name] = Sdk(server, name).send("ListOTAModuleByProduct", method, ProductKey="none")
    assert (kept["tuya"]["success"], kept["tuya"]["code"], kept["tuya"]["data"]) == (True, "", [])
    assert (kept["aliyun"]["Success"], kept["aliyun"]["Data"]) == (True, [])
    assert not any(name[0].isupper() for name in kept["tuya"])


def test_packages_are_made_listed_shown_changed_and_deleted(sdk: Sdk) -> None:
    digest = md5(b"firmware").hexdigest()
    sdk.cloud.modules.create("fw", product=sdk.product)
    made = sdk.do(
        "CreateOTAFirmware",
        ProductKey=sdk.product,
        ModuleName="fw",
        FirmwareName=f"f-{sdk.product}",
        DestVersion="2",
        FirmwareUrl=upload(sdk.do("GenerateOTAUploadURL")["Data"], b"firmware"),
        FirmwareSign=digest,
        FirmwareSize=8,
        NeedToVerify=False,
    )["Data"]
    stored = sdk.cloud.packages.get(made["FirmwareId"])
    assert (stored.product, stored.module, stored.version, stored.status) == (sdk.product, "fw", "2", "ready")
    listed = sdk.do("ListOTAFirmware", ProductKey=sdk.product, CurrentPage=1, PageSize=10)
    assert [row["FirmwareId"] for row in listed["FirmwareInfo"]["SimpleFirmwareInfo"]] == [stored.id]
    shown = sdk.do("QueryOTAFirmware", FirmwareId=stored.id)["FirmwareInfo"]
    assert (shown["FirmwareSign"], shown["FirmwareSize"], shown["Status"]) == (digest, 8, -1)
    change = {"FirmwareId": stored.id, "ProductKey": sdk.product, "FirmwareName": f"g-{sdk.product}"}
    sdk.do("ModifyOTAFirmware", **change, FirmwareUdi="info")
    changed = sdk.cloud.packages.get(stored.id)
    assert (changed.name, changed.custom_info) == (f"g-{sdk.product}", "info")
    sdk.do("DeleteOTAFirmware", FirmwareId=stored.id)
    assert list(sdk.cloud.packages.list(product=sdk.product)) == []


def test_devices_and_versions_are_read(sdk: Sdk) -> None:
    sdk.cloud.devices.report_versions(
        ModuleVersion(product=sdk.product, device=f"d{number}", module=module, version="1")
        for number in range(4)
        for module in ("@default", "mcu")
    )
    names = [row["DeviceName"] for row in sdk.do("QueryDevice", ProductKey=sdk.product)["Data"]["DeviceInfo"]]
    assert names == [device.name for device in sdk.cloud.devices.list(product=sdk.product)]
    known = {"IotId": iot_id(sdk.product, "d1"), "CurrentPage": 1, "PageSize": 10}
    rows = sdk.do("ListOTAModuleVersionsByDevice", **known)["Data"]["SimpleOTAModuleInfo"]
    assert {(row["ModuleName"], row["ModuleVersion"]) for row in rows} == {("default", "1"), ("mcu", "1")}
    batch = sdk.do("BatchQueryDeviceDetail", ProductKey=sdk.product, DeviceName=["d1", "d2"])["Data"]["Data"]
    assert [row["DeviceName"] for row in batch] == ["d1", "d2"]


def refused(sdk: Sdk, action: str = "QueryProductList", **fields: Any) -> Any:
    kind = load("aliyunsdkcore.acs_exception.exceptions").ServerException
    with pytest.raises(kind) as caught:
        sdk.send(action, **(fields or {"CurrentPage": 1, "PageSize": 1}))
    return caught.value


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_wrong_secret_is_found_by_the_servers_text(server: Server, token: str | None) -> None:
    error = refused(Sdk(server, "aliyun", token=token, secret="wrong"))
    # The SDK says so itself where the server's text to sign is its own.
    assert (error.http_status, error.error_code) == (400, "InvalidAccessKeySecret")


def test_a_parameter_that_is_missing_is_told(server: Server) -> None:
    error = refused(Sdk(server, "aliyun"), "CreateOTAModule", ProductKey="p")
    assert (error.http_status, error.error_code) == (400, "MissingModuleName")


def test_failures_are_answers_of_both_clouds(server: Server) -> None:
    told = [Sdk(server, name).send("DeleteOTAFirmware", FirmwareId="none") for name in ("tuya", "aliyun")]
    assert [answer.get("code", answer.get("Code")) for answer in told] == ["iot.firmware.FirmwareNotFound"] * 2
