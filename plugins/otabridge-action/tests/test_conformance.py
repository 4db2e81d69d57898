"""The conformance kit, run on both backends over their own facades, and on those."""

from datetime import UTC, datetime
from pathlib import Path

from otabridge.errors import AuthenticationError
from otabridge.models import Device, Module, ModuleVersion
from otabridge.testing import BackendConformance, Exchange, FacadeConformance

CASSETTES = Path(__file__).parents[3] / "cassettes"
MADE = datetime(2024, 11, 11, 7, 36, tzinfo=UTC)
BLE = {"product": "k1h9drZble", "device": "device001"}
ON_TUYA = ModuleVersion(**BLE, device_id="OZs5tjTkzRRTZSCekmbRk1****", module="ble", version="1.0")


class TestTuya(BackendConformance):
    backend = "tuya"
    cassettes = CASSETTES
    recorded = {  # noqa: RUF012
        "endpoint": "https://si-0123456789abcdef0123.tuyacloud.com:8686",
        "access_key_id": "testid",
        "access_key_secret": "testsecret",
    }
    varying = frozenset({"AccessKeyId", "SignatureNonce", "Timestamp", "Signature"})
    exchanges = {  # noqa: RUF012
        "tuya/ListOTAModuleVersionsByDevice/page.yaml": Exchange(
            "list_module_versions", BLE | {"limit": 10}, [ON_TUYA]
        ),
        "tuya/ListOTAModuleByProduct/page.yaml": Exchange(
            "list_modules",
            {"product": "k1h9drZble"},
            [Module(product="k1h9drZble", name="ble", alias="ble", created_at=MADE, updated_at=MADE)],
        ),
        "tuya/DeleteOTAModule/page.yaml": Exchange("delete_module", {"product": "k1h9drZble", "name": "ble"}, None),
        "tuya/QueryDevice/table.yaml": Exchange(
            "list_devices",
            {"product": "k1h9drZble"},
            [Device(product="k1h9drZble", name="device001", id=ON_TUYA.device_id, status="offline")],
        ),
        "tuya/ListOTAModuleByProduct/emulator_bad_signature.yaml": Exchange(
            "list_modules", {"product": "thermostat"}, AuthenticationError
        ),
    }


class TestAliyun(TestTuya):
    backend = "aliyun"
    exchanges = {}  # noqa: RUF012


class TestAliyunByRpc(TestAliyun):
    settings = {"signature": "rpc"}  # noqa: RUF012


class TestTuyaFacade(FacadeConformance):
    backend = "tuya"
    nonces = True


class TestAliyunFacade(FacadeConformance):
    backend = "aliyun"
    nonces = True


class TestAliyunFacadeByRpc(TestAliyunFacade):
    settings = {"signature": "rpc"}  # noqa: RUF012
