"""The conformance kit, run on both backends over their own facades."""

from otabridge.testing import BackendConformance


class TestTuya(BackendConformance):
    backend = "tuya"


class TestAliyun(BackendConformance):
    backend = "aliyun"


class TestAliyunByRpc(BackendConformance):
    backend = "aliyun"
    settings = {"signature": "rpc"}  # noqa: RUF012
