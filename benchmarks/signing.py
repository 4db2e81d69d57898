"""CPU per signature (goal P9): `python benchmarks/signing.py`. At most 15 us for a usual request of either kind."""

import sys
import timeit
from datetime import UTC, datetime

from contenders import AK, PATH, PROJECT, SK
from otabridge_action.signing import Acs3Signer, RpcSigner
from otabridge_huawei.signing import DerivedSigner, PlainSigner

from otabridge.wire import Request

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JSON = (("Content-Type", "application/json"), ("User-Agent", "otabridge/0.1.0"))
SHOW = Request(operation="ShowOtaModule", origin="https://iotda.cn-north-4.myhuaweicloud.com", path=PATH, headers=JSON)
PARAMETERS = (("CurrentPage", "1"), ("PageSize", "200"), ("ProductKey", "a140001"), ("DeviceName", "newDevice"))
LIST = Request(operation="ListOTAModuleVersionsByDevice", origin="https://iot.example", query=PARAMETERS)
FORM = Request(operation="UpdateOTAModule", method="POST", origin="https://iot.example", form=PARAMETERS)
COMMON = (("Version", "2018-01-20"), ("SignatureVersion", "1.0"), ("Format", "JSON"))
CASES = {
    "SDK-HMAC-SHA256": (PlainSigner(AK, SK, PROJECT), SHOW),
    "V11-HMAC-SHA256": (DerivedSigner(AK, SK, PROJECT, region="cn-north-4"), SHOW),
    "HMAC-SHA1 query": (RpcSigner(AK, SK, common=COMMON), LIST),
    "ACS3-HMAC-SHA256": (Acs3Signer(AK, SK), LIST),
    "HMAC-SHA1 form": (RpcSigner(AK, SK, common=COMMON), FORM),
    "ACS3 form": (Acs3Signer(AK, SK), FORM),
}


def main() -> int:
    """Print the best of five repeats for each algorithm."""
    for name, (signer, request) in CASES.items():
        timer = timeit.Timer(lambda signer=signer, request=request: signer.sign(request, now=NOW, nonce="0" * 32))
        best = min(timer.repeat(repeat=5, number=5000)) / 5000 * 1e6
        print(f"{name:18} {best:5.1f} us (goal 15) {'met' if best <= 15 else 'NOT MET'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
