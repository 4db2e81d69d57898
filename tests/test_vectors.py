"""Every signature vector, strings and all: the shipped ones, and those of the folder that OTABRIDGE_VECTORS names.

Each entry is checked twice where its form allows: by the functions that build the canonical strings, and through the
signer's `sign`, so that what is tested is what is sent.
"""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
from otabridge_action import signing as action
from otabridge_huawei import obs_signing as obs
from otabridge_huawei import signing as huawei

from otabridge.wire import Pairs, Request, encoded_query

Vector = dict[str, Any]

SHIPPED = Path(__file__).parent / "vectors"
SIGNER_SETS = {"AccessKeyId", "Action", "SecurityToken", "SignatureMethod", "SignatureNonce", "Timestamp"}
COMMON = {"Format", "RegionId", "SignatureVersion", "Version"}


def vectors(file: str) -> list[Vector]:
    """The entries of one file in every folder, each told where it came from."""
    folders = {"shipped": SHIPPED}
    if kept := os.environ.get("OTABRIDGE_VECTORS"):
        folders["kept"] = Path(kept)
    return [
        entry | {"from": label}
        for label, folder in folders.items()
        for entry in json.loads((folder / file).read_text(encoding="utf-8"))
    ]


def named(entry: Vector) -> str:
    return f"{entry['from']}:{entry['name']}"


def pairs_of(given: Any) -> list[tuple[str, Any]]:
    """A mapping, or a list of pairs, as pairs."""
    return [(name, value) for name, value in (given.items() if isinstance(given, dict) else given or ())]


def texts_of(given: Any) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in pairs_of(given)]


def body_of(entry: Vector) -> bytes:
    return (entry.get("body") or "").encode()


def folded(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def decoded(target: str) -> list[tuple[str, str]]:
    return sorted(parse_qsl(target.partition("?")[2], keep_blank_values=True))


# Huawei


def huawei_query(entry: Vector) -> Pairs:
    """The query as text: a list is a repeated key, a truth value is in lower case, as the SDK has it."""
    values = [(name, value if isinstance(value, list) else [value]) for name, value in pairs_of(entry["query"])]
    return tuple((name, str(v).lower() if isinstance(v, bool) else str(v)) for name, many in values for v in many)


def huawei_date(entry: Vector) -> str:
    return folded(texts_of(entry["signed_headers_out"]))["x-sdk-date"]


def huawei_signer(entry: Vector) -> huawei.PlainSigner | huawei.DerivedSigner:
    project_id = dict(texts_of(entry["headers"])).get("X-Project-Id")
    keys = (entry["ak"], entry["sk"], project_id, entry.get("security_token"))
    if entry["algorithm"] == huawei.DERIVED:
        return huawei.DerivedSigner(*keys, region=entry["region_id"])
    assert entry["algorithm"] == huawei.PLAIN
    return huawei.PlainSigner(*keys)


def reachable(entry: Vector) -> bool:
    """Whether the wire path is what a signer makes of some path; `%2F` in a segment, say, is not."""
    path: str = entry["path"]
    return huawei.wire_path(unquote(path)) == path


HUAWEI = vectors("huawei.json")


@pytest.mark.parametrize("entry", HUAWEI, ids=named)
def test_huawei_strings_are_the_vendors(entry: Vector) -> None:
    date = huawei_date(entry)
    token = (("X-Security-Token", entry["security_token"]),) if entry.get("security_token") else ()
    given = tuple(texts_of(entry["headers"]))
    headers = huawei.completed_headers(given, host=entry["host"], date=date, extra=token)
    query = huawei.canonical_query(huawei_query(entry))
    canonical = huawei.canonical_request(entry["method"], entry["path"], query, headers, body_of(entry))
    derived = entry["algorithm"] == huawei.DERIVED
    scope = f"{date[:8]}/{entry['region_id']}/{huawei.SERVICE}" if derived else ""

    authorization = huawei_signer(entry).authorization(canonical, date=date)
    assert canonical == entry.get("canonical_request", canonical)
    text = huawei.string_to_sign(canonical, date=date, scope=scope)
    assert text == entry.get("string_to_sign", text)
    assert authorization == entry["signed_headers_out"]["Authorization"]
    assert authorization.endswith(f"Signature={entry['signature']}")


@pytest.mark.parametrize("entry", [entry for entry in HUAWEI if reachable(entry)], ids=named)
def test_huawei_signers_send_what_the_vendor_sends(entry: Vector) -> None:
    request = Request(
        operation="any",
        method=entry["method"],
        origin=f"{entry['scheme']}://{entry['host']}",
        path=unquote(entry["path"]),
        query=huawei_query(entry),
        headers=tuple(texts_of(entry["headers"])),
        body=body_of(entry),
    )
    now = datetime.strptime(huawei_date(entry), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    signed = huawei_signer(entry).sign(request, now=now, nonce="unused")
    assert signed.target == entry["wire_uri"]
    assert dict(signed.headers)["Authorization"] == entry["signed_headers_out"]["Authorization"]


# OBS


def obs_request(entry: Vector) -> Request:
    """What a client hands to a signer, which adds date, host and payload mode by itself."""
    own = ("date", "host", "x-amz-date", "x-amz-content-sha256", "x-obs-security-token")
    return Request(
        operation="any",
        method=entry["method"],
        origin=f"https://{entry['headers'].get('Host', 'abc.obs.cn-north-4.myhuaweicloud.com')}",
        path=f"/{entry['key'] or ''}",
        query=tuple((name, value or "") for name, value in entry["query"].items()),
        headers=tuple(pair for pair in texts_of(entry["headers"]) if pair[0].lower() not in own),
    )


OBS_VECTORS = vectors("huawei-obs.json")
OBS_V4 = [entry for entry in OBS_VECTORS if entry.get("signature") == "v4"]
OBS_LEGACY = [entry for entry in OBS_VECTORS if entry.get("signature") in ("obs", "v2")]
OBS_PRESIGNED = [entry for entry in OBS_VECTORS if "signature_b64" in entry]
OBS_KEYS = ("TESTAKEXAMPLE0000001", "TestSkExample00000000000000000000000000002")
OBS_NOON = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("entry", OBS_LEGACY, ids=named)
def test_obs_strings_are_the_vendors(entry: Vector) -> None:
    scheme = entry["authorization"].partition(" ")[0]
    prefix = obs.PREFIX[scheme]
    about = obs.resource(f"/{quote(entry['key'] or '')}", entry["query"].items(), bucket="abc", prefix=prefix)
    text = obs.legacy_string(entry["method"], about, folded(texts_of(entry["headers"])), prefix=prefix)
    assert text == entry["canonical_string"]
    assert entry["authorization"] == f"{scheme} {OBS_KEYS[0]}:{obs.legacy_signature(OBS_KEYS[1], text)}"


@pytest.mark.parametrize("entry", [e for e in OBS_LEGACY if "Date" in e["headers"]], ids=named)
def test_an_obs_signer_sends_what_the_vendor_sends(entry: Vector) -> None:
    scheme: obs.Scheme = "AWS" if entry["signature"] == "v2" else "OBS"
    token = entry["headers"].get("x-obs-security-token")
    signed = obs.LegacySigner(*OBS_KEYS, token, scheme=scheme, bucket="abc").sign(
        obs_request(entry), now=OBS_NOON, nonce="unused"
    )
    assert folded(signed.headers)["authorization"] == entry["authorization"]


@pytest.mark.parametrize("entry", OBS_PRESIGNED, ids=named)
def test_an_obs_url_is_signed_as_the_vendor_signs_it(entry: Vector) -> None:
    request = Request(operation="any", path="/bbb/upgrade.bin")
    until = datetime.fromtimestamp(int(entry["expires"]), UTC)
    signed = obs.LegacySigner(*OBS_KEYS, bucket="abc").presign(request, expires=until)
    query = {"Expires": entry["expires"], "AccessKeyId": OBS_KEYS[0], "Signature": entry["signature_b64"]}
    assert decoded(signed.target) == sorted(query.items())


@pytest.mark.parametrize("entry", OBS_V4, ids=named)
def test_s3_strings_in_version_4_are_the_vendors(entry: Vector) -> None:
    headers = folded(texts_of(entry["headers"]))
    canonical = obs.canonical_request(
        entry["method"], f"/{entry['key']}", entry["query"].items(), headers, obs.UNSIGNED
    )
    assert canonical == entry["canonical_request"]
    signer = obs.V4Signer(*OBS_KEYS, region="cn-north-4")
    signed = signer.sign(obs_request(entry), now=OBS_NOON, nonce="unused")
    assert folded(signed.headers)["authorization"] == entry["authorization"]


# Action


def split_params(entry: Vector) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The parameters of the query, and those of the form: `body_params` lists names or pairs, or is a mapping."""
    listed = entry.get("body_params") or ()
    if not isinstance(listed, dict):
        listed = {(item if isinstance(item, str) else item[0]): None for item in listed}
    params = [pair for pair in texts_of(entry["params"]) if pair[0] != "Signature"]
    missing = [(name, str(value)) for name, value in listed.items() if value is not None and name not in dict(params)]
    form = [pair for pair in params if pair[0] in listed] + missing
    return [pair for pair in params if pair[0] not in listed], form


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def rpc_signer(entry: Vector, common: Pairs = ()) -> action.RpcSigner:
    return action.RpcSigner(entry["access_key_id"], entry["access_key_secret"], entry.get("security_token"), common)


def acs3_signer(entry: Vector) -> action.Acs3Signer:
    version = folded(texts_of(entry["headers"])).get("x-acs-version", "")
    return action.Acs3Signer(entry["access_key_id"], entry["access_key_secret"], entry.get("security_token"), version)


def signs_as_we_do(entry: Vector) -> bool:
    """Whether the common parameters are those that a signer sets: documents also show others."""
    query = dict(split_params(entry)[0])
    set_by_us = {
        "AccessKeyId": entry["access_key_id"],
        "SignatureMethod": "HMAC-SHA1",
        "SecurityToken": entry.get("security_token"),
    }
    return query.keys() >= SIGNER_SETS - {"SecurityToken"} and all(query.get(k) == v for k, v in set_by_us.items())


def headers_as_ours(entry: Vector) -> bool:
    """Whether the headers are those that a signer sets, and ones that it signs where a caller gives them."""
    given = set(folded(texts_of(entry["headers"])))
    ours = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
    if entry.get("security_token"):
        ours |= {"x-acs-accesskey-id", "x-acs-security-token"}
    free = {"accept", "content-type", "user-agent"}
    return ours <= given and all(name in ours | free or name.startswith("x-acs-") for name in given)


ACTION = vectors("action.json")
RPC = [entry for entry in ACTION if entry["algorithm"] == "HMAC-SHA1"]
ACS3 = [entry for entry in ACTION if entry["algorithm"] == action.ACS3]


@pytest.mark.parametrize("entry", RPC, ids=named)
def test_rpc_strings_are_the_vendors(entry: Vector) -> None:
    query, form = split_params(entry)
    text = action.rpc_string_to_sign(entry["method"], action.canonical_query(query + form))
    assert text == entry["string_to_sign"]
    assert rpc_signer(entry).signature(text) == entry["signature"]


@pytest.mark.parametrize("entry", [entry for entry in RPC if signs_as_we_do(entry)], ids=named)
def test_an_rpc_signer_sends_what_the_vendor_sends(entry: Vector) -> None:
    query, form = split_params(entry)
    given = dict(query)
    request = Request(
        operation=given["Action"],
        method=entry["method"],
        query=tuple(pair for pair in query if pair[0] not in SIGNER_SETS | COMMON),
        form=tuple(form),
    )
    signer = rpc_signer(entry, tuple(pair for pair in query if pair[0] in COMMON))

    signed = signer.sign(request, now=at(given["Timestamp"]), nonce=given["SignatureNonce"])
    assert decoded(signed.target) == sorted([*query, ("Signature", entry["signature"])])
    assert decoded(signed.target) == decoded(entry.get("url", signed.target))
    assert parse_qsl(signed.body.decode(), keep_blank_values=True) == form


@pytest.mark.parametrize("entry", ACS3, ids=named)
def test_acs3_strings_are_the_vendors(entry: Vector) -> None:
    query, form = split_params(entry)
    headers = texts_of(entry["headers"])
    digest = action.body_digest(body_of(entry) or encoded_query(form).encode())
    assert digest == folded(headers).get("x-acs-content-sha256", digest)

    canonical = action.canonical_request(entry["method"], action.canonical_query(query), headers, digest)
    assert canonical == entry["canonical_request"]
    assert action.acs3_string_to_sign(canonical) == entry["string_to_sign"]
    assert acs3_signer(entry).authorization(canonical) == entry["authorization"]
    assert entry["authorization"].endswith(f"Signature={entry['signature']}")


@pytest.mark.parametrize("entry", [entry for entry in ACS3 if headers_as_ours(entry)], ids=named)
def test_an_acs3_signer_sends_what_the_vendor_sends(entry: Vector) -> None:
    query, form = split_params(entry)
    given = folded(texts_of(entry["headers"]))
    body = body_of(entry)
    if body and given.get("content-type") == action.FORM[1]:
        form = parse_qsl(body.decode(), keep_blank_values=True)
    as_form = bool(form) and encoded_query(form).encode() == (body or encoded_query(form).encode())
    request = Request(
        operation=given["x-acs-action"],
        method=entry["method"],
        origin=f"https://{given['host']}",
        query=tuple(query),
        headers=tuple(texts_of(entry["headers"])),
        form=tuple(form) if as_form else (),
        body=b"" if as_form else body,
    )

    signed = acs3_signer(entry).sign(request, now=at(given["x-acs-date"]), nonce=given["x-acs-signature-nonce"])
    assert folded(signed.headers)["authorization"] == entry["authorization"]
    assert signed.target.partition("?")[2] == entry["canonical_request"].split("\n")[2]
    assert signed.body == (body or encoded_query(form).encode())


def test_every_obs_vector_has_a_signature_that_is_tested() -> None:
    assert len(OBS_V4) + len(OBS_LEGACY) + len(OBS_PRESIGNED) == len(OBS_VECTORS)


def test_every_action_vector_has_an_algorithm_that_is_tested() -> None:
    assert len(RPC) + len(ACS3) == len(ACTION)


def test_every_shipped_vector_also_goes_through_a_signer() -> None:
    through = [*filter(reachable, HUAWEI), *filter(signs_as_we_do, RPC), *filter(headers_as_ours, ACS3)]
    shipped = [entry for entry in through if entry["from"] == "shipped"]
    assert len(shipped) == 22 + 14
