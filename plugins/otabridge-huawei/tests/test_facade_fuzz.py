"""No request, however broken, is more than refused: an answer below 500 in the vendor's shape, and no exception."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_names as names

from otabridge.models import Artifact, ModuleVersion, ObjectLocation

WORDS = sorted({*names.QUERY.values(), *names.PACKAGE_BODY.values(), *names.MODULE_BODY.values(), "sql", "colour"})
VALUES = ["", "0", "10", "-1", "p", "mcu", "unit_1", "modulePackage", "firmwarePackage", "true", "f" * 24, "V1", "a b"]
TEXTS = st.sampled_from(VALUES) | st.text(max_size=8) | st.just("\ud800") | st.just("\x00")
NUMBERS = st.integers() | st.floats() | st.just(10**400)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner),
    max_leaves=8,
)
PLACE = st.fixed_dictionaries(
    {"obs_location": st.fixed_dictionaries({}, optional=dict.fromkeys(names.LOCATION.values(), TEXTS | JSON))}
)
MEMBERS = dict.fromkeys(WORDS, TEXTS | JSON) | {
    "file_location": PLACE | JSON,
    "sql": st.sampled_from(["select * from device", "select * from device where node_id = '"]) | TEXTS | JSON,
    "support_source_versions": st.lists(TEXTS, max_size=3) | JSON,
}
OBJECTS = st.fixed_dictionaries({}, optional=MEMBERS)
IDENTITY = st.recursive(
    TEXTS | NUMBERS,
    lambda inner: st.dictionaries(
        st.sampled_from(
            ["auth", "identity", "methods", "password", "user", "name", "domain", "scope", "project", "id", "token"]
        ),
        inner | st.just(["token"]),
    ),
    max_leaves=12,
)
BODIES = (OBJECTS | JSON | IDENTITY).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20)
QUERIES = st.dictionaries(
    st.sampled_from(WORDS), st.sampled_from(VALUES) | st.text(st.characters(codec="utf-8"), max_size=6), max_size=4
)
IDS = st.sampled_from(["mcu", "p_unit_1", "p", "%2F", "%ff", "%00", "a%20b", "_", "x" * 300]) | st.from_regex(
    r"[!-~]{0,12}", fullmatch=True
)
ROUTES = st.sampled_from(sorted({*tables.ROUTES, *tables.IDENTITY_ROUTES}))
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def busy(mirror: Any) -> Any:
    """A facade with one of everything."""
    mirror.cloud.modules.create("mcu", product="p")
    artifact = Artifact(name="a.bin", location=ObjectLocation(region="r", bucket="abc", key="a.bin"))
    for module in ("mcu", "@default"):
        mirror.cloud.packages.create(product="p", module=module, version="V1", artifacts=[artifact])
    mirror.cloud.devices.report_versions([ModuleVersion(product="p", device="unit_1", module="mcu", version="V1")])
    return mirror


def decent(answer: Any) -> None:
    assert answer.status < 500, answer
    headers = dict(answer.headers)
    assert headers["X-Request-Id"] == "r1"
    assert "text" not in headers.get("Content-Type", "")
    if answer.status == 204:
        assert answer.body == b""
        return
    told = json.loads(answer.body.decode())
    if answer.status >= 400:
        said = told.get("error", told)
        assert said.get("error_code", said.get("code"))
        assert said.get("error_msg", said.get("message"))
        assert answer.code


@QUICK
@given(route=ROUTES, found=IDS, query=QUERIES, body=BODIES)
def test_a_call_that_is_signed_and_broken(busy: Any, route: Any, found: str, query: Any, body: bytes) -> None:
    method, path = route
    path = path if path.startswith("/") else f"/v5/iot/{busy.project}/{path.replace('*', 'x')}"
    call = busy.signed(method, path, body, **query)
    target = call.target.replace("/x", f"/{found.replace('?', '').replace('#', '')}", 1)
    decent(busy.answer(call))
    asked = busy.facade.read(replace(call, target=target))
    if asked.operation:
        decent(busy.answer(busy.call(method, target, body, {"x-auth-token": "", **call.headers})))


@QUICK
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "\x00", "get"]),
    target=st.text(st.characters(max_codepoint=255), max_size=40).map("/v5/iot/{}".format)
    | st.text(st.characters(max_codepoint=255), max_size=20).map("/{}".format)
    | st.just("*"),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-sdk-date", "x-auth-token", "x-security-token", "host", "content-type"]),
        st.text(max_size=30)
        | st.sampled_from(
            [
                "SDK-HMAC-SHA256 Access=TESTAKEXAMPLE0000001, SignedHeaders=host;x-sdk-date, Signature=0",
                "V11-HMAC-SHA256 Credential=TESTAKEXAMPLE0000001/20260102/\udc80/iotdm,SignedHeaders=host,Signature=é",
                "20260102T030405Z",
                "\udcff",
            ]
        ),
    ),
    body=BODIES,
)
def test_a_call_of_any_bytes(busy: Any, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
    decent(busy.answer(busy.call(method, target, body, headers)))


@pytest.mark.parametrize(
    "target", ["products?" + "a=1&" * 3000, "products?" + "&" * 5000, "products?a=%zz&%", "a?" * 9]
)
def test_a_query_without_end(busy: Any, target: str) -> None:
    call = busy.signed("GET", "products")
    decent(busy.answer(replace(call, target=f"/v5/iot/{busy.project}/{target}")))


def test_a_query_without_end_is_refused_though_a_token_is_good(busy: Any) -> None:
    user = {"name": "a", "password": busy.site.master.secret_key, "domain": {"name": "b"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    answer = busy.answer(busy.signed("POST", "/v3/auth/tokens", {"auth": auth}))
    token = dict(answer.headers)["X-Subject-Token"]
    target = f"/v5/iot/{busy.project}/products?{'a=1&' * 3000}"
    answer = busy.answer(busy.call("GET", target, b"", {"x-auth-token": token}))
    assert (answer.status, answer.code) == (400, "IOTDA.000006")
