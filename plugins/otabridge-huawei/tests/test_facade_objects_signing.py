"""OBS's signatures agree to the byte with two other signers, S3's and the vendor's own; a signer keeps its secrets."""

import copy
import pickle
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import HmacV1Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from obs.auth import Authentication, V4Authentication
from obs.convertor import Adapter
from otabridge_huawei import obs_signing as signing
from otabridge_huawei.obs_signing import LegacySigner, Scheme, V4Signer

from otabridge.wire import Pairs, Request

KEYS = ("TESTAKEXAMPLE0000001", "TestSkExample00000000000000000000000000002")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOST = "obs.cn-north-4.myhuaweicloud.com"

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"])
TEXTS = st.text(CHARACTERS, max_size=8)
KEY = st.text(CHARACTERS, min_size=1, max_size=12).filter(lambda key: not key.startswith("/"))
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8)
QUERIES = st.lists(st.tuples(TEXTS.filter(bool), TEXTS), max_size=3, unique_by=lambda pair: pair[0])
SUBRESOURCES = st.sampled_from([(), (("uploads", ""),), (("partNumber", "1"), ("uploadId", "U+1/="))])


def requested(key: str, query: Pairs, meta: str, scheme: str) -> Request:
    headers = ((f"{signing.PREFIX[scheme]}meta-a", meta), ("Content-Type", "text/plain"))
    return Request(
        operation="any", method="PUT", origin=f"http://{HOST}", path=f"/abc/{key}", query=query, headers=headers
    )


def authorization(signed: Request) -> str:
    return dict(signed.headers)["Authorization"]


def as_botocore(signed: Request) -> AWSRequest:
    headers = {name: value for name, value in signed.headers if name != "Authorization"}
    return AWSRequest(signed.method, f"http://{HOST}{signed.target}", headers=headers)


@given(KEY, QUERIES, VALUES, st.sampled_from([None, "a-token"]))
def test_version_4_is_that_of_s3s_client(key: str, query: list[tuple[str, str]], meta: str, token: str | None) -> None:
    signed = V4Signer(*KEYS, token, region="any").sign(requested(key, tuple(query), meta, "AWS"), now=NOW, nonce="")
    request = as_botocore(signed)
    request.context["timestamp"] = signing.v4_date(NOW)
    # Given apart, since a parameter without a value is sent without the `=` that is signed.
    request.url = f"http://{HOST}{urlsplit(signed.target).path}"
    request.params = dict(query)
    signer = S3SigV4Auth(Credentials(*KEYS), "s3", "any")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert authorization(signed).endswith(f"Signature={signer.signature(text, request)}")


@given(KEY, SUBRESOURCES, VALUES)
def test_version_2_is_that_of_s3s_client(key: str, query: Pairs, meta: str) -> None:
    signed = LegacySigner(*KEYS, scheme="AWS").sign(requested(key, query, meta, "AWS"), now=NOW, nonce="")
    request, signer = as_botocore(signed), HmacV1Auth(Credentials(*KEYS))
    signer._get_date = lambda: dict(signed.headers)["Date"]
    text = signer.canonical_string("PUT", urlsplit(request.url), request.headers)
    assert authorization(signed) == f"AWS {KEYS[0]}:{signer.sign_string(text)}"


@pytest.mark.parametrize("scheme", ["OBS", "AWS"])
@given(key=KEY, query=SUBRESOURCES, meta=VALUES, virtual=st.booleans())
def test_the_older_ones_are_those_of_the_vendors_client(
    scheme: Scheme, key: str, query: Pairs, meta: str, virtual: bool
) -> None:
    request = requested(key, query, meta, scheme)
    if virtual:
        request = Request(operation="any", method="PUT", path=f"/{key}", query=query, headers=request.headers)
    signed = LegacySigner(*KEYS, scheme=scheme, bucket="abc" if virtual else "").sign(request, now=NOW, nonce="")
    headers = {name: value for name, value in signed.headers if name != "Authorization"}
    theirs = Authentication(*KEYS, not virtual, Adapter("obs" if scheme == "OBS" else "v2"), HOST, False)
    made = theirs.doAuth("PUT", "abc", key, {name: value or None for name, value in query}, headers)
    assert authorization(signed) == made["Authorization"]


@given(KEY, SUBRESOURCES, VALUES)
def test_version_4_is_that_of_the_vendors_client(key: str, query: Pairs, meta: str) -> None:
    signed = V4Signer(*KEYS, region="any").sign(requested(key, query, meta, "AWS"), now=NOW, nonce="")
    headers = {name: value for name, value in signed.headers if name != "Authorization"}
    date = signing.v4_date(NOW)
    theirs = V4Authentication(*KEYS, "any", date[:8], date, True, Adapter("v4"))
    assert authorization(signed) == theirs.doAuth("PUT", "abc", key, dict(query), headers)["Authorization"]


@given(KEY, QUERIES)
def test_what_is_signed_is_what_is_sent(key: str, query: list[tuple[str, str]]) -> None:
    signed = V4Signer(*KEYS, region="any").sign(requested(key, tuple(query), "", "AWS"), now=NOW, nonce="")
    path, _, text = signed.target.partition("?")
    assert signing.wire_path(path) == path
    assert parse_qsl(text, keep_blank_values=True) == query
    assert [(name, value or "") for name, value in signing.wire_query(text)] == query


@pytest.mark.parametrize(
    "signer", [V4Signer(*KEYS, "a-token", region="any"), LegacySigner(*KEYS, "a-token")], ids=["V4", "legacy"]
)
def test_a_signer_keeps_its_secrets(signer: V4Signer | LegacySigner) -> None:
    assert KEYS[1] not in repr(signer)
    assert "a-token" not in repr(signer)
    for out in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="holds a secret"):
            out(signer)
