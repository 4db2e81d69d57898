"""The signatures of a usual request of each kind."""

import time
import timeit
from datetime import UTC, datetime

from otabridge_action.signing import Acs3Signer, RpcSigner
from otabridge_huawei.signing import DerivedSigner, PlainSigner

from benchmarks.measuring import Figures, Ground
from benchmarks.peers import ACCESS_KEY, PROJECT, SECRET_KEY
from benchmarks.peers.handwritten import SHOW as PATH
from otabridge.signing import Signer
from otabridge.wire import Request

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JSON = (("Content-Type", "application/json"), ("User-Agent", "otabridge/0.1.0"))
SHOW = Request(operation="ShowOtaModule", origin="https://iotda.cn-north-4.myhuaweicloud.com", path=PATH, headers=JSON)
PARAMETERS = (("CurrentPage", "1"), ("PageSize", "200"), ("ProductKey", "a140001"), ("DeviceName", "newDevice"))
LIST = Request(operation="ListOTAModuleVersionsByDevice", origin="https://iot.example", query=PARAMETERS)
FORM = Request(operation="UpdateOTAModule", method="POST", origin="https://iot.example", form=PARAMETERS)
COMMON = (("Version", "2018-01-20"), ("SignatureVersion", "1.0"), ("Format", "JSON"))
KEYS = (ACCESS_KEY, SECRET_KEY)
KINDS: dict[str, tuple[Signer, Request]] = {
    "SDK-HMAC-SHA256": (PlainSigner(*KEYS, PROJECT), SHOW),
    "V11-HMAC-SHA256": (DerivedSigner(*KEYS, PROJECT, region="cn-north-4"), SHOW),
    "HMAC-SHA1 query": (RpcSigner(*KEYS, common=COMMON), LIST),
    "HMAC-SHA1 form": (RpcSigner(*KEYS, common=COMMON), FORM),
    "ACS3-HMAC-SHA256 query": (Acs3Signer(*KEYS), LIST),
    "ACS3-HMAC-SHA256 form": (Acs3Signer(*KEYS), FORM),
}


def signatures(contender: str, ground: Ground, *, count: int) -> Figures:
    """CPU microseconds of one signature, the best of five repeats."""
    signer, request = KINDS[contender]
    timer = timeit.Timer(lambda: signer.sign(request, now=NOW, nonce="0" * 32), timer=time.process_time)
    return {"cpu": min(timer.repeat(repeat=5, number=count)) / count * 1e6}
