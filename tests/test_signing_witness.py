"""Signatures against the vendors' own signers on random requests, and what signers promise beyond the vectors."""

import copy
import hashlib
import importlib
import pickle
import string
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otabridge_action.signing import Acs3Signer, RpcSigner
from otabridge_huawei.signing import DerivedSigner, PlainSigner, TokenSigner, derived_host, sdk_date

from otabridge.signing import Signer
from otabridge.wire import Pairs, Request

Load = Callable[[str], Any]
Pair = tuple[str, str]

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
NONCE = "9e6189124f5a4716ad2de849467b0001"
SECRET = "Secret-Key/Text+0001"
TOKEN = "Temporary-Token/Text+0002"
STAMP = "2026-01-02T03:04:05Z"

RPC_COMMON = (("Format", "JSON"), ("SignatureType", ""), ("SignatureVersion", "1.0"))
RPC_OWN = {
    *("AccessKeyId", "Action", "SecurityToken", "Signature", "SignatureMethod", "SignatureNonce", "Timestamp"),
    *(name for name, _ in RPC_COMMON),
}

texts = st.text(st.characters(codec="utf-8"), max_size=12)
plain_texts = st.text(string.ascii_letters + string.digits + "-_.~", min_size=1, max_size=12)
header_values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
header_names = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=10).map("X-T-{}".format)
headers = st.lists(st.tuples(header_names, header_values), max_size=4, unique_by=lambda pair: pair[0].lower())
tokens = st.none() | st.text(string.ascii_letters + string.digits + "+/=", min_size=1, max_size=30)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE"])
content_types = st.sampled_from(
    ["application/json", "application/json;charset=utf-8", "application/bson", "text/plain", "multipart/form-data"]
)
paths = st.lists(texts, max_size=5).map(lambda segments: "/" + "/".join(segments))
rpc_names = texts.filter(lambda name: name not in RPC_OWN)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


def unique_pairs(names: st.SearchStrategy[str]) -> st.SearchStrategy[list[Pair]]:
    return st.lists(st.tuples(names, texts), max_size=6, unique_by=lambda pair: pair[0])


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Imports a vendor's module: Huawei's writes an id into the home folder, and old code warns of itself."""

    def load(name: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("USERPROFILE", str(tmp_path_factory.mktemp("profile")))
        yield load


def header(request: Request, name: str) -> str:
    (value,) = [text for key, text in request.headers if key.lower() == name.lower()]
    return value


def sent_pairs(request: Request) -> list[Pair]:
    return parse_qsl(request.target.partition("?")[2], keep_blank_values=True)


# The vendors' signers


@settings(max_examples=100, deadline=None)
@given(data=st.data(), derived=st.booleans(), secret=texts.filter(bool), token=tokens, now=moments)
def test_huawei_signatures_equal_the_sdk(
    vendor: Load, data: st.DataObject, derived: bool, secret: str, token: str | None, now: datetime
) -> None:
    given_headers = [("Content-Type", data.draw(content_types)), *data.draw(headers)]
    request = Request(
        operation="any",
        method=data.draw(methods),
        origin="https://iotda.example:8443",
        path=data.draw(paths),
        query=tuple(data.draw(st.lists(st.tuples(texts, texts), max_size=6))),
        headers=tuple(given_headers),
        body=data.draw(st.binary(max_size=40)),
    )
    keys = ("AK", secret, "project", token)
    signer = DerivedSigner(*keys, region="cn-north-4") if derived else PlainSigner(*keys)
    signed = signer.sign(request, now=now, nonce=NONCE)

    own = {"X-Project-Id": "project", "X-Sdk-Date": now.strftime("%Y%m%dT%H%M%SZ")}
    if token:
        own["X-Security-Token"] = token
    theirs = vendor("huaweicloudsdkcore.sdk_request").SdkRequest(
        method=request.method,
        host="iotda.example:8443",
        resource_path=signed.target.partition("?")[0],
        query_params=list(request.query),
        header_params=dict(given_headers) | own,
        body=request.body,
    )
    sdk = vendor("huaweicloudsdkcore.signer.signer")
    credentials = SimpleNamespace(ak="AK", sk=secret)
    if derived:
        sdk.DerivationAKSKSigner(credentials).sign(theirs, "iotdm", "cn-north-4")
    else:
        sdk.Signer(credentials).sign(theirs)
    assert header(signed, "Authorization") == theirs.header_params["Authorization"]
    assert signed.target == theirs.uri
    assert dict(signed.headers).keys() == theirs.header_params.keys()


SHARED_HOST = r"[a-z][a-z0-9-]{1,5}(\.[a-z]{2,3}-[a-z]{1,5}-\d{1,2})?\.(my)?(huaweicloud|myhwclouds).(com|cn)"


@settings(max_examples=100, deadline=None)
@given(host=st.from_regex(SHARED_HOST) | st.from_regex(SHARED_HOST).map("a.{}".format) | texts)
def test_the_choice_by_host_equals_the_sdk(vendor: Load, host: str) -> None:
    predicate = vendor("huaweicloudsdkcore.auth.credentials").DerivedCredentials.get_default_derived_predicate()
    assert derived_host(host) == predicate(SimpleNamespace(host=host))


@settings(max_examples=100, deadline=None)
@given(query=unique_pairs(rpc_names), form=unique_pairs(rpc_names), secret=texts, token=tokens, action=texts)
def test_rpc_signatures_equal_three_sdks(
    vendor: Load, query: list[Pair], form: list[Pair], secret: str, token: str | None, action: str
) -> None:
    form = [pair for pair in form if pair[0] not in dict(query)]
    request = Request(operation=action, method="POST", query=tuple(query), form=tuple(form))
    signed = RpcSigner("AK", secret, token, RPC_COMMON).sign(request, now=NOW, nonce=NONCE)
    *unsigned, (last, signature) = sent_pairs(signed)
    assert last == "Signature"

    every = dict(unsigned) | dict(form)
    for module, name in (("alibabacloud_openapi_util.client", "Client"), ("alibabacloud_tea_openapi.utils", "Utils")):
        assert getattr(vendor(module), name).get_rpcsignature(every, "POST", secret) == signature

    composer = vendor("aliyunsdkcore.auth.composer.rpc_signature_composer")
    params = dict(query) | {"Action": action} | ({"SecurityToken": token} if token else {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composer.helper, "get_iso_8061_date", lambda: STAMP)
        patch.setattr(composer.helper, "get_uuid", lambda: NONCE)
        url, _ = composer.get_signed_url(params, "AK", secret, "JSON", "POST", dict(form))
    assert sorted(parse_qsl(url.partition("?")[2], keep_blank_values=True)) == sorted(sent_pairs(signed))


@settings(max_examples=100, deadline=None)
@given(data=st.data(), query=unique_pairs(plain_texts), form=unique_pairs(texts), secret=texts, token=tokens)
def test_acs3_signatures_equal_two_sdks(
    vendor: Load, data: st.DataObject, query: list[Pair], form: list[Pair], secret: str, token: str | None
) -> None:
    extra = unique_pairs(plain_texts.map(str.lower).map("x-acs-t-{}".format))
    request = Request(
        operation=data.draw(texts),
        method=data.draw(methods),
        origin="https://iot.example:8443",
        query=tuple(query),
        form=tuple(form),
        headers=(("Accept", "application/json"), ("User-Agent", data.draw(header_values)), *data.draw(extra)),
    )
    signed = Acs3Signer("AK", secret, token).sign(request, now=NOW, nonce=NONCE)

    sent = {name: value for name, value in signed.headers if name != "Authorization"}
    theirs = SimpleNamespace(method=request.method, pathname="/", query=dict(query), headers=sent)
    arguments = (theirs, "ACS3-HMAC-SHA256", hashlib.sha256(signed.body).hexdigest(), "AK", secret)
    for module, name in (("alibabacloud_openapi_util.client", "Client"), ("alibabacloud_tea_openapi.utils", "Utils")):
        assert getattr(vendor(module), name).get_authorization(*arguments) == header(signed, "Authorization")


# What is signed is what is sent


SIGNERS: dict[str, Signer] = {
    "plain": PlainSigner("AK", SECRET, "project", TOKEN),
    "derived": DerivedSigner("AK", SECRET, "project", TOKEN, region="cn-north-4"),
    "token": TokenSigner(TOKEN),
    "rpc": RpcSigner("AK", SECRET, TOKEN, RPC_COMMON),
    "acs3": Acs3Signer("AK", SECRET, TOKEN),
}
every_signer = pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)


@every_signer
@settings(max_examples=50, deadline=None)
@given(query=st.lists(st.tuples(texts, texts), max_size=6), path=paths)
def test_parsing_the_target_gives_the_pairs_back(signer: Signer, query: list[Pair], path: str) -> None:
    signed = signer.sign(Request(operation="any", path=path, query=tuple(query)), now=NOW, nonce=NONCE)
    left = sent_pairs(signed)
    for pair in query:
        left.remove(pair)
    assert bool(left) == isinstance(signer, RpcSigner)
    fixed_path = isinstance(signer, RpcSigner | Acs3Signer)
    assert unquote(signed.target.partition("?")[0]) == ("/" if fixed_path else path)


@pytest.mark.parametrize("name", ["rpc", "acs3"])
def test_a_form_travels_in_the_body_under_one_content_type(name: str) -> None:
    form: Pairs = (("b", "1 +*~/"), ("a", ""), ("名", "值"))
    request = Request(operation="any", method="POST", form=form, headers=(("content-type", "text/plain"),))
    signed = SIGNERS[name].sign(request, now=NOW, nonce=NONCE).on_wire()
    assert tuple(parse_qsl(signed.body.decode(), keep_blank_values=True)) == form
    assert header(signed, "Content-Type") == "application/x-www-form-urlencoded"
    assert b"+" not in signed.body


def test_a_token_is_sent_in_its_header_with_no_signature() -> None:
    request = Request(operation="any", query=(("b", "2"), ("a", "1")), headers=(("x-auth-token", "stale"),))
    signed = SIGNERS["token"].sign(request, now=NOW, nonce=NONCE)
    assert (signed.target, signed.headers) == ("/?a=1&b=2", (("X-Auth-Token", TOKEN),))


@pytest.mark.parametrize("name", ["plain", "derived", "acs3"])
def test_header_values_are_sent_trimmed_as_they_are_signed(name: str) -> None:
    request = Request(operation="any", headers=(("User-Agent", "  a  b "),))
    assert header(SIGNERS[name].sign(request, now=NOW, nonce=NONCE), "User-Agent") == "a  b"


# Repeating


@pytest.mark.parametrize("name", ["rpc", "acs3"])
def test_a_retry_has_a_new_signature_for_its_nonce_alone(name: str) -> None:
    request = Request(operation="any", origin="https://host.example")
    first, second = (SIGNERS[name].sign(request, now=NOW, nonce=nonce) for nonce in ("one", "two"))
    assert (first.target, first.headers) != (second.target, second.headers)
    assert "two" in second.target + str(second.headers)


@pytest.mark.parametrize("name", ["plain", "derived", "rpc", "acs3"])
def test_a_retry_has_a_new_date_and_signature(name: str) -> None:
    request = Request(operation="any", origin="https://host.example")
    first, second = (SIGNERS[name].sign(request, now=now, nonce=NONCE) for now in (NOW, LATER))
    assert (first.target, first.headers) != (second.target, second.headers)
    assert "20260103T03" in (unquote(second.target) + str(second.headers)).replace("-", "")


@pytest.mark.parametrize("name", ["plain", "derived", "token", "acs3"])
def test_signing_what_was_signed_before_replaces_the_old_signature(name: str) -> None:
    signer, request = SIGNERS[name], Request(operation="any", origin="https://host.example")
    again = signer.sign(signer.sign(request, now=NOW, nonce="one"), now=LATER, nonce="two")
    fresh = signer.sign(request, now=LATER, nonce="two")
    assert (again.target, dict(again.headers)) == (fresh.target, dict(fresh.headers))
    assert len(again.headers) == len(fresh.headers)


def test_a_derived_key_is_renewed_with_the_day() -> None:
    used = DerivedSigner("AK", SECRET, region="cn-north-4")
    request = Request(operation="any", origin="https://host.example")
    for now in (NOW, LATER, NOW):
        fresh = DerivedSigner("AK", SECRET, region="cn-north-4")
        assert used.sign(request, now=now, nonce="") == fresh.sign(request, now=now, nonce="")


def test_a_time_of_another_zone_is_signed_as_utc() -> None:
    assert sdk_date(NOW.astimezone(timezone(timedelta(hours=8)))) == "20260102T030405Z"


# Secrets


@every_signer
def test_a_signer_shows_no_secret(signer: Signer) -> None:
    assert not any(text in f"{signer!r}{signer!s}" for text in (SECRET, TOKEN))


@every_signer
@pytest.mark.parametrize("save", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_signer_cannot_be_copied_out_of_the_process(signer: Signer, save: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="holds a secret and cannot be pickled"):
        save(signer)


@every_signer
def test_no_frame_of_a_failed_signing_holds_a_secret(signer: Signer) -> None:
    with pytest.raises(UnicodeEncodeError) as failure:
        signer.sign(Request(operation="any", query=(("name", "\ud800"),)), now=NOW, nonce=NONCE)
    for entry in failure.traceback[1:]:
        assert not any(text in repr(entry.frame.f_locals) for text in (SECRET, TOKEN))


@pytest.mark.parametrize("name", ["plain", "derived", "acs3"])
def test_a_header_that_cannot_be_sent_does_not_fail_beside_the_token(name: str) -> None:
    request = Request(operation="any", headers=(("User-Agent", "\ud800"),))
    assert header(SIGNERS[name].sign(request, now=NOW, nonce=NONCE), "Authorization")
