"""The conformance kit, run on the backend over its own facade, and on that."""

from otabridge.models import Artifact
from otabridge.testing import BackendConformance, FacadeConformance
from otabridge.testing.ground import Cloud
from tests.support.artifacts import in_a_bucket


class TestHuawei(BackendConformance):
    backend = "huawei"
    known_gaps = {  # noqa: RUF012
        "test_one_too_many_is_a_quota_exceeded": "the vendor publishes no code for it: a 409 is a conflict",
    }

    def artifact(self, cloud: Cloud) -> Artifact:
        return in_a_bucket(cloud)


class TestHuaweiByPlainSignature(TestHuawei):
    settings = {"auth": "plain"}  # noqa: RUF012


class TestHuaweiFacade(FacadeConformance):
    backend = "huawei"
