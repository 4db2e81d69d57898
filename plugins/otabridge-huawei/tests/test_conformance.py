"""The conformance kit, run on the backend over its own facade, and on that."""

from datetime import UTC, datetime
from pathlib import Path

from otabridge.models import Module
from otabridge.testing import BackendConformance, Exchange, FacadeConformance

MCU = Module(
    id="28f61af50fc9452aa0ed5ea25c3cc3d3",
    product="5ba24f5ebbe8f56f5a14f605",
    name="MCU",
    alias="Micro_Controller",
    description="main controller",
    created_at=datetime(2023, 2, 11, 12, 12, 12, tzinfo=UTC),
)


class TestHuawei(BackendConformance):
    backend = "huawei"
    cassettes = Path(__file__).parents[3] / "cassettes" / "huawei"
    recorded = {  # noqa: RUF012
        "region": "cn-north-4",
        "endpoint": "https://iotda.cn-north-4.myhuaweicloud.com",
        "project_id": "0123456789abcdef0123456789abcdef",
        "app_id": "61f7e74d036aca5be29e1ed4",
        "access_key": "TESTAKEXAMPLE0000001",
        "secret_key": "TestSkExample00000000000000000000000000002",
    }
    exchanges = {  # noqa: RUF012
        "ShowOtaModule/sheet.yaml": Exchange("get_module", {"module_id": MCU.id}, MCU),
        "DeleteOtaModule/sheet.yaml": Exchange("delete_module", {"module_id": MCU.id}, None),
    }
    known_gaps = {  # noqa: RUF012
        "test_one_too_many_is_a_quota_exceeded": "the vendor publishes no code for it: a 409 is a conflict",
    }


class TestHuaweiByPlainSignature(TestHuawei):
    settings = {"auth": "plain"}  # noqa: RUF012


class TestHuaweiFacade(FacadeConformance):
    backend = "huawei"
