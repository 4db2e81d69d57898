"""The conformance kit, run on the backend over its own facade."""

from otabridge.testing import BackendConformance


class TestHuawei(BackendConformance):
    backend = "huawei"
    known_gaps = {  # noqa: RUF012
        "test_one_too_many_is_a_quota_exceeded": "the vendor publishes no code for it: a 409 is a conflict",
    }


class TestHuaweiByPlainSignature(BackendConformance):
    backend = "huawei"
    settings = {"auth": "plain"}  # noqa: RUF012
    known_gaps = TestHuawei.known_gaps
