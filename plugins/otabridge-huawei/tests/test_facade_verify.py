"""Who may call: the vendor's vectors, broken signatures with the mistake told, tokens and temporary keys."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from otabridge_huawei import signing
from otabridge_huawei.facade_auth import Verifier

from otabridge.facade import Account, Call, Site, Table
from otabridge.signing import World

VECTORS = json.loads((Path(__file__).parents[3] / "tests" / "vectors" / "huawei.json").read_text("utf-8"))


def vector_call(entry: dict[str, Any], **changes: Any) -> Call:
    sent = {name.lower(): str(value) for name, value in entry["signed_headers_out"].items()}
    now = datetime.strptime(sent["x-sdk-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    body = entry["body"]
    call = Call(
        method=entry["method"],
        target=entry["wire_uri"],
        headers=sent,
        body=body.encode() if isinstance(body, str) else bytes(body or b""),
        now=now,
        id="r1",
        origin="http://x",
    )
    return replace(call, **changes)


def verifier(entry: dict[str, Any]) -> Verifier:
    key = Account(access_key=entry["ak"], secret_key=entry["sk"], token=entry["security_token"])
    master = Account(access_key="another", secret_key="another")
    site = Site(accounts=Table(1), master=master, world=World(), kept=lambda _: {}, objects=None)  # type: ignore
    site.accounts.put(key.access_key, key)
    return Verifier(site)


@pytest.mark.parametrize("entry", VECTORS, ids=lambda entry: entry["name"])
def test_a_vector_of_the_vendor_s_is_verified(entry: dict[str, Any]) -> None:
    verdict = verifier(entry).verify(vector_call(entry))
    assert (verdict.refusal, verdict.message) == (None, "")
    assert (verdict.scheme, verdict.account) == (entry["algorithm"], entry["ak"])


@pytest.mark.parametrize("entry", VECTORS, ids=lambda entry: entry["name"])
def test_a_vector_with_another_body_or_target_is_not(entry: dict[str, Any]) -> None:
    call = vector_call(entry)
    headers = dict(call.headers)
    unsigned = headers.get("x-sdk-content-sha256") == "UNSIGNED-PAYLOAD" and call.body
    if not unsigned:
        assert verifier(entry).verify(replace(call, body=call.body + b" ")).refusal == "bad signature"
    assert verifier(entry).verify(replace(call, target=f"/x{call.target}")).refusal == "bad signature"
    assert verifier(entry).verify(replace(call, method="PATCH")).refusal == "bad signature"


def test_the_text_that_the_server_signed_is_shown() -> None:
    entry = next(entry for entry in VECTORS if entry.get("canonical_request") and not entry["security_token"])
    call = vector_call(entry)
    bad = {**call.headers, "authorization": call.headers["authorization"][:-1] + "x"}
    verdict = verifier(entry).verify(replace(call, headers=bad))
    assert verdict.expected == f"{entry['canonical_request']}\n\n{entry['string_to_sign']}"


# --- mistakes ---------------------------------------------------------------------------------------------------------


def wrongly(mirror: Any, how: str, spoil: Callable[[str], str], body: Any = None, **query: str) -> Any:
    """The verdict on a call whose canonical request was spoilt before it was signed."""
    call = mirror.signed("POST" if body else "GET", "products", body, signer=mirror.signer(how), **query)
    names = call.headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    headers = {name: call.headers[name] for name in names.split(";")}
    own = signing.canonical_query(call.query)
    canonical = signing.canonical_request(call.method, call.path, own, headers, call.body)
    spoilt = spoil(canonical)
    assert spoilt != canonical
    authorization = mirror.signer(how).authorization(spoilt, date=call.headers["x-sdk-date"])
    signature = authorization.rpartition("=")[2]
    headers = {**call.headers, "authorization": call.headers["authorization"].rpartition("=")[0] + f"={signature}"}
    return spoilt, mirror.facade.verifier.verify(replace(call, headers=headers))


@pytest.mark.parametrize("how", ["plain", "derived"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace("/products/", "/products"), "no slash at its end"),
        (lambda text: text.replace("%20", "+"), "+ and not %20"),
        (lambda text: text.replace("GET", "get").replace("POST", "post"), "small letters"),
        (lambda text: text.replace("127.0.0.1:8080", "127.0.0.1"), "without its port"),
        (lambda text: text.replace("app_id=a&limit=1&product_name=a%20b", ""), "left out"),
        (lambda text: "\n".join([*text.split("\n")[:-1], text.split("\n")[-1].upper()]), "capitals"),
        (lambda text: "\n".join([*text.split("\n")[:-1], signing.sha256(b"").hexdigest()]), "as empty"),
        (lambda text: "\n".join([*text.split("\n")[:-1], "UNSIGNED-PAYLOAD"]), "unsigned"),
    ],
)
def test_a_usual_mistake_is_told_with_what_was_signed(mirror: Any, how: str, spoil: Any, words: str) -> None:
    query = {"product_name": "a b", "limit": "1", "app_id": "a"}
    spoilt, verdict = wrongly(mirror, how, spoil, body={"a": "b"}, **query)
    assert verdict.refusal == "bad signature"
    assert words in verdict.message
    assert verdict.received == spoilt
    assert "product_name=a%20b" in verdict.expected


def test_a_mistake_that_nobody_knows_is_no_riddle(mirror: Any) -> None:
    _, verdict = wrongly(mirror, "plain", lambda text: f"{text}?")
    assert (verdict.refusal, verdict.received) == ("bad signature", "")
    assert "another one" in verdict.message


def test_no_token_is_shown(mirror: Any) -> None:
    call = mirror.signed("GET", "products", signer=mirror.signer(secret_key="wrong", token="deep-secret"))
    verdict = mirror.facade.verify(call, mirror.facade.read(call))
    assert verdict.refusal == "bad signature"
    assert "x-security-token:***" in verdict.expected
    assert "deep-secret" not in f"{verdict}{verdict.expected}{verdict.received}{verdict.message}"


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({}, "no credential"),
        ({"authorization": ""}, "bad signature"),
        ({"authorization": "Basic abc"}, "bad signature"),
        ({"authorization": "SDK-HMAC-SHA256 Access=,SignedHeaders=host,Signature=x"}, "bad signature"),
        ({"authorization": "SDK-HMAC-SHA256 Access=é,SignedHeaders=host,Signature=x"}, "unknown key"),
        ({"authorization": "V11-HMAC-SHA256 Credential=nobody/x,SignedHeaders=a,Signature=b"}, "unknown key"),
        ({"x-auth-token": ""}, "bad token"),
        ({"x-auth-token": "nonsense\udcff"}, "bad token"),
    ],
)
def test_a_credential_that_is_none_is_refused(mirror: Any, headers: dict[str, str], refusal: str) -> None:
    call = mirror.call("GET", f"/v5/iot/{mirror.project}/products", b"", headers)
    assert mirror.facade.verify(call, mirror.facade.read(call)).refusal == refusal


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"x-sdk-date": ""}, "bad time"),
        ({"x-sdk-date": "20260102T0304Z"}, "bad time"),
        ({"x-sdk-date": "20260102T034906Z"}, "bad time"),
        ({"x-sdk-date": "20260102T031904Z"}, "bad signature"),
        ({"host": "elsewhere"}, "bad signature"),
        ({"x-project-id": None}, "bad signature"),
    ],
)
def test_headers_that_were_changed_on_the_way_are_refused(
    mirror: Any, change: dict[str, str | None], refusal: str
) -> None:
    call = mirror.signed("GET", "products")
    headers = {name: value for name, value in {**call.headers, **change}.items() if value is not None}
    call = replace(call, headers=headers)
    assert mirror.facade.verify(call, mirror.facade.read(call)).refusal == refusal


@pytest.mark.parametrize("scope", ["20260101/cn-north-4/iotdm", "20260102/cn-north-4/iotda", "20260102/iotdm"])
def test_a_derived_key_is_bound_to_its_day_and_service(mirror: Any, scope: str) -> None:
    call = mirror.signed("GET", "products", signer=mirror.signer("derived"))
    told = call.headers["authorization"].replace("20260102/cn-north-4/iotdm", scope)
    call = replace(call, headers={**call.headers, "authorization": told})
    verdict = mirror.facade.verify(call, mirror.facade.read(call))
    assert verdict.refusal == "bad signature"
    assert "scope" in verdict.message


def test_a_payload_s_hash_that_is_signed_must_be_true(mirror: Any) -> None:
    call = mirror.signed("POST", "products", {"a": 1})
    headers = {name: value for name, value in call.headers.items() if name != "authorization"}
    headers["x-sdk-content-sha256"] = signing.sha256(b"another").hexdigest()
    canonical = signing.canonical_request("POST", call.path, "", headers, call.body)
    headers["authorization"] = mirror.signer().authorization(canonical, date=headers["x-sdk-date"])
    call = replace(call, headers=headers)
    verdict = mirror.facade.verifier.verify(call)
    assert verdict.refusal == "bad signature"
    assert "x-sdk-content-sha256" in verdict.message


# --- tokens -----------------------------------------------------------------------------------------------------------


def token(mirror: Any) -> str:
    user = {"name": "someone", "password": mirror.site.master.secret_key, "domain": {"name": "home"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    answer = mirror.answer(mirror.signed("POST", "/v3/auth/tokens", {"auth": auth}))
    assert answer.status == 201
    return dict(answer.headers)["X-Subject-Token"]


def temporary(mirror: Any, **asked: Any) -> tuple[int, dict[str, Any]]:
    identity = {"methods": ["token"], "token": asked}
    status, told = mirror.ask("POST", "/v3.0/OS-CREDENTIAL/securitytokens", {"auth": {"identity": identity}})
    return status, told


def test_a_token_is_good_for_a_day(mirror: Any) -> None:
    signer = mirror.signer("token", token=token(mirror))
    assert mirror.ask("GET", "products", signer=signer)[0] == 200
    mirror.now += timedelta(hours=24)
    assert mirror.refused("GET", "products", signer=signer) == (401, "APIGW.0307")


def test_a_new_token_does_not_end_the_old_one(mirror: Any) -> None:
    first, second = token(mirror), token(mirror)
    assert first != second
    for one in (first, second):
        assert mirror.ask("GET", "products", signer=mirror.signer("token", token=one))[0] == 200


def test_tokens_are_remembered_without_their_text(mirror: Any) -> None:
    assert token(mirror) not in [*mirror.site.tokens]


@pytest.mark.parametrize("how", ["plain", "derived"])
def test_a_temporary_key_signs_with_its_token_until_it_ends(mirror: Any, how: str) -> None:
    status, told = temporary(mirror, id=token(mirror), duration_seconds=900)
    key = told["credential"]
    assert (status, key["expires_at"]) == (201, "2026-01-02T03:19:05.000000Z")
    keys = {"access_key": key["access"], "secret_key": key["secret"], "token": key["securitytoken"]}
    assert mirror.ask("GET", "products", signer=mirror.signer(how, **keys))[0] == 200
    for wrong in ("another", None):
        signer = mirror.signer(how, **(keys | {"token": wrong}))
        assert mirror.refused("GET", "products", signer=signer) == (401, "APIGW.0301")
    mirror.now += timedelta(seconds=900)
    assert mirror.refused("GET", "products", signer=mirror.signer(how, **keys)) == (401, "APIGW.0307")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"id": "nonsense"}, 401),
        ({}, 401),
        ({"id": 5}, 400),
        ({"id": "nonsense", "duration_seconds": 899}, 400),
        ({"id": "nonsense", "duration_seconds": 86401}, 400),
        ({"id": "nonsense", "duration_seconds": "900"}, 400),
        ({"id": "nonsense", "duration_seconds": True}, 400),
    ],
)
def test_a_temporary_key_is_not_given_to_everyone(mirror: Any, asked: dict[str, Any], status: int) -> None:
    found, told = temporary(mirror, **asked)
    assert (found, told["error"]["code"]) == (status, status)


@pytest.mark.parametrize(
    "body", [{}, {"auth": {}}, {"auth": {"identity": {"password": {"user": {"name": "a"}}}}}, b"["]
)
def test_a_login_that_is_not_understood_is_refused(mirror: Any, body: Any) -> None:
    status, told = mirror.ask("POST", "/v3/auth/tokens", body)
    assert (status, told["error"]["title"]) == (400, "Bad Request")
