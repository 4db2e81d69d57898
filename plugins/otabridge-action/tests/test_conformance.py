"""The conformance kit, run on both backends over their own facades, and on those."""

from otabridge.models import Artifact
from otabridge.testing import BackendConformance, FacadeConformance
from otabridge.testing.ground import Cloud
from tests.support.artifacts import uploaded


class TestTuya(BackendConformance):
    backend = "tuya"

    def artifact(self, cloud: Cloud) -> Artifact:
        return uploaded(cloud)


class TestAliyun(TestTuya):
    backend = "aliyun"


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
