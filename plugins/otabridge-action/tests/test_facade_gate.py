"""The facade's gate: which signatures it takes, which it refuses and in which words, and what it tells of mistakes."""

import json
import os
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from otabridge_action.signing import Acs3Signer, RpcSigner

from otabridge.facade import Account
from otabridge.registry import Registry
from otabridge.wire import Request, encoded_query
from tests.support.action import KEY, SECRET, acs3, ask, canonical, lowered, pairs, signature, stamped, to_sign

FOLDERS = [
    Path(__file__).parents[3] / "tests" / "vectors",
    *map(Path, filter(None, [os.environ.get("OTABRIDGE_VECTORS")])),
]
VECTORS = [entry for folder in FOLDERS for entry in json.loads((folder / "action.json").read_text("utf-8"))]
TOKEN = "Temporary-Token/Text+0002"
COMMON = (("Version", "2018-01-20"), ("Format", "JSON"))


# --- what is taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_is_verified(make_mirror: Any, vector: dict[str, Any]) -> None:
    mirror = make_mirror("aliyun" if "ACS3" in vector["algorithm"] or "tuya" not in vector["name"] else "tuya")
    account = Account(access_key=vector["access_key_id"], secret_key=vector["access_key_secret"])
    mirror.site.accounts.put(account.access_key, account)
    given = {name: str(value) for name, value in dict(vector["params"]).items()}
    headers = dict(vector.get("headers") or {})
    time = given.get("Timestamp") or headers["x-acs-date"]
    mirror.now = datetime.fromisoformat(time)
    if vector["algorithm"] == "HMAC-SHA1":
        given["Signature"] = vector["signature"]
    else:
        headers["authorization"] = vector["authorization"]
    body = (vector.get("body") or "").encode()
    target = "/?" + "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in given.items())
    mirror.call(vector["method"], target, body=body, **headers)
    assert mirror.verdict.refusal is None, mirror.verdict
    if vector["security_token"] is None:
        assert mirror.verdict.expected == vector.get("canonical_request", vector["string_to_sign"])


def test_parameters_may_be_in_the_query_in_the_form_or_in_both(mirror: Any) -> None:
    mirror.cloud.modules.create("mcu", product="a b+c")
    own = {"ProductKey": "a b+c"}
    for split in (0, 5, 99):
        given = pairs(mirror, "ListOTAModuleByProduct", **own)
        given["Signature"] = b64encode(signature(to_sign(canonical(given), "POST"))).decode()
        items = list(given.items())
        form = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in items[split:])
        answer = mirror.call(
            "POST",
            f"/?{encoded_query(items[:split])}",
            body=form.encode(),
            content_type="application/x-www-form-urlencoded; charset=utf-8",
        )
        assert b"mcu" in answer.body, answer


def test_acs3_is_taken_on_aliyun_and_unknown_on_tuya(make_mirror: Any) -> None:
    codes = []
    for name in ("aliyun", "tuya"):
        mirror = make_mirror(name)
        request = acs3(mirror, (("ProductKey", "p"), ("Empty", "")))
        answer = mirror.call("GET", request.target, **lowered(request))
        codes.append((answer.status, answer.code))
    assert codes == [(200, ""), (400, "MissingAccessKeyId")]


def test_a_form_signed_by_acs3_is_read(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    mirror.cloud.modules.create("mcu", product="p")
    request = acs3(mirror, form=(("ProductKey", "p"),))
    assert b"mcu" in mirror.call("POST", request.target, body=request.body, **lowered(request)).body


@pytest.mark.parametrize("scheme", ["rpc", "acs3"])
def test_any_token_goes_with_a_key_that_needs_none_unless_the_host_is_strict(make_mirror: Any, scheme: str) -> None:
    for strict, code in ((False, ""), (True, "InvalidSecurityToken.Malformed")):
        mirror = make_mirror("aliyun", strict=strict)
        mirror.cloud.modules.create("m", product="p")
        assert send_with_token(mirror, scheme) == code
        mirror.site.issue(TOKEN, mirror.now + timedelta(minutes=5))
        assert send_with_token(mirror, scheme) == ""
        mirror.site.issue(TOKEN, mirror.now - timedelta(minutes=5))
        assert send_with_token(mirror, scheme) == "InvalidSecurityToken.Expired"
        assert TOKEN not in mirror.site.tokens


def send_with_token(mirror: Any, scheme: str, token: str | None = TOKEN, key: str = KEY) -> str:
    """The code that a call with a token is answered with; it shows no token to anybody else."""
    request = Request(operation="ListOTAModuleByProduct", origin="http://127.0.0.1:8080", query=(("ProductKey", "p"),))
    signer: Any = Acs3Signer(key, SECRET, token) if scheme == "acs3" else RpcSigner(key, SECRET, token, common=COMMON)
    signed = signer.sign(request, now=mirror.now, nonce=mirror.world.nonce())
    answer = mirror.call("GET", signed.target, **lowered(signed))
    assert TOKEN not in repr(mirror.verdict) + mirror.verdict.expected + mirror.verdict.received
    assert quote(quote(TOKEN, safe="")) not in mirror.verdict.expected + mirror.verdict.received
    return str(answer.code)


@pytest.mark.parametrize("scheme", ["rpc", "acs3"])
def test_a_temporary_key_needs_its_own_token_while_it_lasts(make_mirror: Any, scheme: str) -> None:
    mirror = make_mirror("aliyun")
    end = mirror.now + timedelta(minutes=5)
    mirror.site.accounts.put("STS.A", Account(access_key="STS.A", secret_key=SECRET, token=TOKEN, expires_at=end))
    codes = [send_with_token(mirror, scheme, token, "STS.A") for token in (TOKEN, TOKEN[:-1], None)]
    assert codes == ["", "InvalidSecurityToken.Malformed", "MissingSecurityToken"]
    mirror.now = end
    assert send_with_token(mirror, scheme, TOKEN, "STS.A") == "InvalidSecurityToken.Expired"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"AccessKeyId": None}, 400, "MissingAccessKeyId"),
        ({"AccessKeyId": ""}, 400, "MissingAccessKeyId"),
        ({"AccessKeyId": "unknown"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"Timestamp": None}, 400, "MissingTimestamp"),
        ({"Timestamp": None, "TimeStamp": "2026-03-04T12:00:00Z"}, 400, "MissingTimestamp"),
        ({"Timestamp": "2026-03-04T12:15:01Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "2026-03-04T11:44:59Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "2026-03-04 12:00:00"}, 400, "InvalidTimeStamp.Format"),
        ({"Timestamp": "2026-13-04T12:00:00Z"}, 400, "InvalidTimeStamp.Format"),
        ({"SignatureNonce": None}, 400, "MissingSignatureNonce"),
        ({"SignatureMethod": None}, 400, "MissingSignatureMethod"),
        ({"SignatureMethod": "HMAC-SHA256"}, 400, "InvalidSignatureMethod"),
        ({"SignatureVersion": "2.0"}, 400, "InvalidSignatureMethod"),
        ({"Action": None}, 400, "MissingAction"),
        ({"Action": "NoSuchAction"}, 404, "InvalidAction.NotFound"),
        ({"Action": "queryproductlist"}, 404, "InvalidAction.NotFound"),
        ({"Action": "CreateOTAVerifyJob"}, 404, "InvalidAction.NotFound"),
        ({"Version": "2017-04-20"}, 400, "InvalidVersion"),
        ({"CurrentPage": None}, 400, "MissingCurrentPage"),
        ({"Timestamp": "2026-03-04T12:14:59Z"}, 200, None),
    ],
)
def test_a_call_that_is_not_right_is_refused_by_its_code(
    mirror: Any, changes: dict[str, str | None], status: int, code: str | None
) -> None:
    found, told = ask(mirror, pairs(mirror, **changes))
    assert (found, told.get("Code") or None) == (status, code)


def test_a_refusal_names_request_and_host(mirror: Any) -> None:
    _, told = ask(mirror, pairs(mirror, AccessKeyId="unknown"))
    assert told == {
        "RequestId": told["RequestId"],
        "HostId": "127.0.0.1:8080",
        "Code": "InvalidAccessKeyId.NotFound",
        "Message": "Specified access key is not found.",
    }
    assert re.fullmatch("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", told["RequestId"])


def test_only_aliyun_wants_a_version(make_mirror: Any) -> None:
    codes = [ask(mirror, pairs(mirror, Version=None))[1].get("Code") for mirror in map(make_mirror, ("aliyun", "tuya"))]
    assert codes == ["MissingVersion", ""]


@pytest.mark.parametrize("action", ["QueryDeviceBySQL", "QueryProduct", "BatchGetDeviceState", "GetDeviceStatus"])
def test_tuya_has_fewer_actions(make_mirror: Any, action: str) -> None:
    tuya, aliyun = (ask(mirror, pairs(mirror, action))[1] for mirror in map(make_mirror, ("tuya", "aliyun")))
    assert tuya["Code"] == "InvalidAction.NotFound"
    assert aliyun["Code"] != "InvalidAction.NotFound"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_refused(mirror: Any, method: str) -> None:
    assert mirror.call(method, f"/?{encoded_query(pairs(mirror).items())}").code == "UnsupportedHTTPMethod"


def test_post_on_tuya_is_refused_by_a_strict_host_alone(make_mirror: Any) -> None:
    for strict, code in ((False, ""), (True, "UnsupportedHTTPMethod")):
        mirror = make_mirror("tuya", strict=strict)
        assert ask(mirror, pairs(mirror), method="POST")[1]["Code"] == code
        assert ask(mirror, pairs(mirror))[1]["Code"] == ""


def test_another_path_is_no_action(mirror: Any) -> None:
    assert mirror.call("GET", f"/v1?{encoded_query(pairs(mirror).items())}").code == "InvalidAction.NotFound"


def test_a_nonce_is_good_once_as_long_as_its_signature_is(mirror: Any) -> None:
    given = pairs(mirror, Timestamp=stamped(mirror.now + timedelta(minutes=15)))
    assert ask(mirror, given)[0] == 200
    mirror.now += timedelta(minutes=30)
    assert ask(mirror, given)[1]["Code"] == "SignatureNonceUsed"


def test_a_nonce_is_good_once_on_all_facades_of_a_site(make_mirror: Any) -> None:
    mirror = make_mirror("tuya")
    given = pairs(mirror)
    assert ask(mirror, given)[0] == 200
    mirror.facade = Registry().facade("aliyun")(mirror.facade.store, mirror.site)
    assert ask(mirror, given)[1]["Code"] == "SignatureNonceUsed"


def test_a_nonce_is_not_spent_by_a_call_that_is_refused(mirror: Any) -> None:
    given = pairs(mirror)
    assert ask(mirror, given, "wrong")[0] == 400
    assert ask(mirror, given)[0] == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-acs-date": None}, "IncompleteSignature"),
        ({"x-acs-signature-nonce": None}, "IncompleteSignature"),
        ({"authorization": "ACS3-HMAC-SHA256 Credential=AK"}, "IncompleteSignature"),
        ({"authorization": "ACS3-HMAC-SHA256"}, "MissingAccessKeyId"),
        ({"authorization": "ACS3-HMAC-SHA256 ,,=;Signature"}, "MissingAccessKeyId"),
        ({"x-acs-content-sha256": "00"}, "SignatureDoesNotMatch"),
        ({"x-acs-date": "2026-03-04T11:00:00Z"}, "InvalidTimeStamp.Expired"),
        ({"x-acs-action": "DeleteOTAModule"}, "SignatureDoesNotMatch"),
        ({"x-acs-version": "1999-01-01"}, "SignatureDoesNotMatch"),
        ({"host": "elsewhere"}, "SignatureDoesNotMatch"),
    ],
)
def test_a_header_that_is_not_right_is_refused(make_mirror: Any, change: dict[str, str | None], code: str) -> None:
    mirror = make_mirror("aliyun")
    request = acs3(mirror, (("ProductKey", "p"),))
    headers = {name: value for name, value in (lowered(request) | change).items() if value is not None}
    assert mirror.call("GET", request.target, **headers).code == code


def test_a_header_that_says_what_is_done_must_be_signed(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    request = acs3(mirror)
    headers = lowered(request)
    headers["authorization"] = headers["authorization"].replace("x-acs-action;", "")
    assert mirror.call("GET", request.target, **headers).code == "IncompleteSignature"


def test_no_verdict_shows_a_secret(mirror: Any) -> None:
    ask(mirror, pairs(mirror), "wrong")
    shown = f"{mirror.verdict!r}{mirror.verdict.expected}{mirror.verdict.received}{mirror.facade!r}"
    assert SECRET not in shown


def test_an_hour_has_no_place_in_the_memory_of_nonces(mirror: Any) -> None:
    for _ in range(50):
        ask(mirror, pairs(mirror))
        mirror.now += timedelta(minutes=10)
    assert len(mirror.site.nonces._spent) < 6
    assert mirror.now.tzinfo is UTC
