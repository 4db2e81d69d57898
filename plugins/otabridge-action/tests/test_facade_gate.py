"""The facade's gate: which signatures it takes, which it refuses and in which words, and what it tells of mistakes."""

import hashlib
import hmac
import json
import os
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from otabridge_action.signing import Acs3Signer, RpcSigner

from otabridge.facade import Account
from otabridge.wire import Request, encoded_query, quote3986

FOLDERS = [
    Path(__file__).parents[3] / "tests" / "vectors",
    *map(Path, filter(None, [os.environ.get("OTABRIDGE_VECTORS")])),
]
VECTORS = [entry for folder in FOLDERS for entry in json.loads((folder / "action.json").read_text("utf-8"))]
KEY, SECRET, TOKEN = "AK", "SkExample000000000000000000002", "Temporary-Token/Text+0002"
WORDS = "Specified signature is not matched with our calculation."
COMMON = (("Version", "2018-01-20"), ("Format", "JSON"))


def stamped(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def pairs(mirror: Any, action: str = "QueryProductList", **more: str | None) -> dict[str, str]:
    """The parameters of a call that would succeed, less its signature; None leaves one out."""
    given = {
        "Action": action,
        "Version": "2018-01-20",
        "Format": "JSON",
        "AccessKeyId": KEY,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": mirror.world.nonce(),
        "Timestamp": stamped(mirror.now),
        "CurrentPage": "1",
        "PageSize": "10",
    } | more
    return {name: value for name, value in given.items() if value is not None}


def canonical(given: dict[str, str]) -> str:
    return "&".join(f"{quote3986(name)}={quote3986(given[name])}" for name in sorted(given))


def signature(text: str, key: str = f"{SECRET}&", kind: str = "sha1") -> bytes:
    return hmac.digest(key.encode(), text.encode(), kind)


def to_sign(query: str, method: str = "GET") -> str:
    return f"{method}&%2F&{quote3986(query)}"


def ask(
    mirror: Any, given: dict[str, str], text: bytes | str | None = None, method: str = "GET"
) -> tuple[int, dict[str, Any]]:
    """Send parameters with a signature, by default the right one."""
    signed = b64encode(signature(to_sign(canonical(given), method))) if text is None else text
    sent = given | {"Signature": signed.decode() if isinstance(signed, bytes) else signed}
    answer = mirror.call(method, f"/?{encoded_query(sent.items())}")
    told = json.loads(answer.body)
    return answer.status, {name[:1].upper() + name[1:]: value for name, value in told.items()}


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


def acs3(mirror: Any, query: Any = (), *, form: Any = (), secret: str = SECRET, token: str | None = None) -> Request:
    signer = Acs3Signer(KEY, secret, token)
    method = "POST" if form else "GET"
    request = Request(
        operation="ListOTAModuleByProduct", method=method, origin="http://127.0.0.1:8080", query=query, form=form
    )
    return signer.sign(request, now=mirror.now, nonce=mirror.world.nonce())


def lowered(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers} | {"accept": "application/json"}


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
        mirror.site.tokens.put(TOKEN, mirror.now + timedelta(minutes=5))
        assert send_with_token(mirror, scheme) == ""
        mirror.site.tokens.put(TOKEN, mirror.now - timedelta(minutes=5))
        assert send_with_token(mirror, scheme) == "InvalidSecurityToken.Expired"


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


# --- mistakes ---------------------------------------------------------------------------------------------------------


def small(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def plain(given: dict[str, str], encode: Callable[[str], str]) -> str:
    return "&".join(f"{encode(name)}={encode(given[name])}" for name in sorted(given))


MISTAKES: dict[str, Callable[[dict[str, str]], tuple[bytes | str, str]]] = {
    "without the &": lambda given: (b64encode(signature(to_sign(canonical(given)), SECRET)), to_sign(canonical(given))),
    "HMAC-SHA256": lambda given: (
        b64encode(signature(to_sign(canonical(given)), kind="sha256")),
        to_sign(canonical(given)),
    ),
    "hex digits were sent": lambda given: (signature(to_sign(canonical(given))).hex(), to_sign(canonical(given))),
    "came as a space": lambda given: (
        b64encode(signature(to_sign(canonical(given)))).decode().replace("+", " "),
        to_sign(canonical(given)),
    ),
    **{
        words: lambda given, wrong=wrong: (b64encode(signature(to_sign(wrong(given)))), to_sign(wrong(given)))
        for words, wrong in {
            "spaces were signed as +": lambda given: plain(given, quote_plus),
            "* was signed": lambda given: canonical(given).replace("%2A", "*"),
            "~ was signed": lambda given: canonical(given).replace("~", "%7E"),
            "/ was signed": lambda given: plain(given, lambda text: quote(text, safe="/~")),
            "as they are, not percent-encoded": lambda given: plain(given, str),
            "percent-encoding has small hex digits": lambda given: small(canonical(given)),
            "parameters were not sorted": lambda given: encoded_query(given.items()),
            "ignoring case": lambda given: encoded_query(sorted(given.items(), key=lambda pair: pair[0].lower())),
            "empty parameters were left out": lambda given: canonical({k: v for k, v in given.items() if v}),
        }.items()
    },
    "POST was signed and GET sent": lambda given: (
        b64encode(signature(to_sign(canonical(given), "POST"))),
        to_sign(canonical(given), "POST"),
    ),
    "encoded once": lambda given: (b64encode(signature(f"GET&%2F&{canonical(given)}")), f"GET&%2F&{canonical(given)}"),
    "all hex digits are small": lambda given: (
        b64encode(signature(small(to_sign(canonical(given))))),
        small(to_sign(canonical(given))),
    ),
}
# Every kind of character that a mistake needs to show.
ODD = {"zeta": "a b*c~d/e", "Zeta": "", "AliasName": "中+"}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_usual_mistake_is_told_with_what_was_signed(mirror: Any, words: str) -> None:
    given = pairs(mirror, **ODD)
    wrong, text = MISTAKES[words](given)
    while words == "came as a space" and " " not in str(wrong):
        given = pairs(mirror, **ODD)
        wrong, text = MISTAKES[words](given)
    status, told = ask(mirror, given, wrong)
    assert (status, told["Code"], mirror.verdict.refusal) == (400, "SignatureDoesNotMatch", "bad signature")
    assert words in mirror.verdict.message
    assert (mirror.verdict.expected, mirror.verdict.received) == (to_sign(canonical(given)), text)
    assert words in told["Message"]
    assert told["Message"].endswith(f"server string to sign is:{to_sign(canonical(given))}")


def test_a_form_that_was_not_signed_is_told(mirror: Any) -> None:
    given = pairs(mirror)
    given["Signature"] = b64encode(signature(to_sign(canonical(given), "POST"))).decode()
    form = {"body": b"Extra=1", "content_type": "application/x-www-form-urlencoded"}
    assert mirror.call("POST", f"/?{encoded_query(given.items())}", **form).code == "SignatureDoesNotMatch"
    assert mirror.verdict.message == "parameters of the form were left out"


def test_a_wrong_secret_is_told_by_the_servers_own_text_alone(mirror: Any) -> None:
    given = pairs(mirror)
    text = to_sign(canonical(given))
    _, told = ask(mirror, given, b64encode(signature(text, "another&")))
    assert told["Message"] == f"{WORDS} server string to sign is:{text}"
    assert (mirror.verdict.message, mirror.verdict.received) == ("", "")


def acs3_text(request: Request, query: str, *, method: str = "GET", payload: str | None = None) -> str:
    headers = {name.lower(): value for name, value in request.headers}
    names = re.search("SignedHeaders=([^,]*)", headers["authorization"])
    assert names
    lines = "".join(f"{name}:{headers[name]}\n" for name in names[1].split(";"))
    return (
        f"{method}\n/\n{query}\n{lines}\n{names[1]}\n{headers['x-acs-content-sha256'] if payload is None else payload}"
    )


def hashed(text: str) -> str:
    return f"ACS3-HMAC-SHA256\n{hashlib.sha256(text.encode()).hexdigest()}"


ACS3_QUERY = (("ProductKey", "a b*c~d/e"), ("AliasName", "中"))
GOOD = canonical(dict(ACS3_QUERY))
ACS3_MISTAKES: dict[str, Callable[[Request], tuple[str, str]]] = {
    "with & behind it": lambda request: (acs3_text(request, GOOD), f"{SECRET}&"),
    "spaces were signed as +": lambda request: (acs3_text(request, plain(dict(ACS3_QUERY), quote_plus)), SECRET),
    "parameters were not sorted": lambda request: (acs3_text(request, encoded_query(ACS3_QUERY)), SECRET),
    "as they are": lambda request: (acs3_text(request, plain(dict(ACS3_QUERY), str)), SECRET),
    "small hex digits": lambda request: (acs3_text(request, small(GOOD)), SECRET),
    "the query was left out": lambda request: (acs3_text(request, ""), SECRET),
    "POST was signed and GET sent": lambda request: (acs3_text(request, GOOD, method="POST"), SECRET),
    "digest was left out": lambda request: (acs3_text(request, GOOD, payload=""), SECRET),
    "the empty line": lambda request: (acs3_text(request, GOOD).replace("\n\n", "\n"), SECRET),
    "the path / is missing": lambda request: (acs3_text(request, GOOD).replace("\n/\n", "\n\n", 1), SECRET),
}


@pytest.mark.parametrize("words", ACS3_MISTAKES)
def test_a_usual_mistake_in_the_header_is_told_with_what_was_signed(make_mirror: Any, words: str) -> None:
    mirror = make_mirror("aliyun")
    request = acs3(mirror, ACS3_QUERY)
    text, key = ACS3_MISTAKES[words](request)
    wrong = signature(hashed(text), key, "sha256").hex()
    assert tell(mirror, request, wrong) == text
    assert words in mirror.verdict.message


@pytest.mark.parametrize("words", ["Base64", "in capitals", "the canonical request was signed"])
def test_a_signature_in_the_header_that_is_written_otherwise_is_told(make_mirror: Any, words: str) -> None:
    mirror = make_mirror("aliyun")
    request = acs3(mirror, ACS3_QUERY)
    text = acs3_text(request, GOOD)
    right = signature(hashed(text), SECRET, "sha256")
    wrong = {"Base64": b64encode(right).decode(), "in capitals": right.hex().upper()}
    assert tell(mirror, request, wrong.get(words, signature(text, SECRET, "sha256").hex())) == text
    assert words in mirror.verdict.message


def tell(mirror: Any, request: Request, wrong: str) -> str:
    """What the client seems to have signed, if it sends that signature."""
    headers = lowered(request)
    headers["authorization"] = re.sub("Signature=.*", f"Signature={wrong}", headers["authorization"])
    answer = mirror.call("GET", f"/?{encoded_query(ACS3_QUERY)}", **headers)
    text = acs3_text(request, GOOD)
    assert mirror.verdict.expected == text
    assert json.loads(answer.body)["Message"].endswith(f"server string to sign is:{hashed(text)}")
    return str(mirror.verdict.received)


def test_no_verdict_shows_a_secret(mirror: Any) -> None:
    ask(mirror, pairs(mirror), "wrong")
    shown = f"{mirror.verdict!r}{mirror.verdict.expected}{mirror.verdict.received}{mirror.facade!r}"
    assert SECRET not in shown


def test_an_hour_has_no_place_in_the_memory_of_nonces(mirror: Any) -> None:
    for _ in range(50):
        ask(mirror, pairs(mirror))
        mirror.now += timedelta(minutes=10)
    assert len(mirror.facade.gate._nonces._spent) < 6
    assert mirror.now.tzinfo is UTC
