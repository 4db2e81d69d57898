"""Broken requests of any kind: each gets the vendor's own refusal, and never a failure of the server."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from otabridge_action import schema_names as names
from otabridge_action.facade import ACTIONS
from otabridge_action.facade_devices import iot_id

from otabridge.models import Artifact, ModuleVersion, UrlLocation
from otabridge.wire import encoded_query

PARAMETERS = sorted(
    {*names.WORDS.values(), *names.PACKAGE.values(), *names.LONE_FILE.values(), "SignMethod", "NeedToVerify"}
)
NUMBERED = ["DeviceName.1", "DeviceName.x", "IotId.1", "MultiFiles.1.Url", "MultiFiles.1.Name", "MultiFiles..Size"]
texts = st.text(st.characters(codec="utf-8"), max_size=30)
# Values that lead somewhere, and values that lead nowhere.
values = texts | st.sampled_from(
    [
        *("p1", "d1", "mcu", "default", "@default", "1", "0", "-1", "99999999999999999999", "true", "", "\0", "१"),
        *(iot_id("p1", "d1"), "http://127.0.0.1:8080/ota/x/a.bin", "http://127.0.0.1:8080/ota/", "KzUg", "MQ"),
        *("SELECT * FROM device", "SELECT count(*) FROM device WHERE name = 'd1'"),
    ]
)
parameters = st.dictionaries(st.sampled_from(PARAMETERS + NUMBERED) | texts, values, max_size=12)
ROUGH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


@pytest.fixture(scope="module")
def mirrors(lasting_mirrors: dict[str, Any]) -> dict[str, Any]:
    """Both facades, over stores with a little of everything."""
    for mirror in lasting_mirrors.values():
        mirror.cloud.modules.create("mcu", product="p1")
        mirror.cloud.devices.report_versions([ModuleVersion(product="p1", device="d1", module="mcu", version="1")])
        file = Artifact(name="a.bin", location=UrlLocation(url="https://x/a.bin"))
        mirror.cloud.packages.create(version="1", product="p1", module="mcu", artifacts=[file])
    return lasting_mirrors


def check(answer: Any) -> None:
    """That an answer is one of the vendors' own."""
    assert answer.status in (200, 400, 404, 405, 413), answer
    kind = dict(answer.headers)["content-type"]
    if kind.startswith("text/xml"):
        ElementTree.fromstring(answer.body)
    else:
        assert isinstance(json.loads(answer.body), dict)


@ROUGH
@given(
    st.sampled_from(["tuya", "aliyun"]), st.sampled_from(sorted(ACTIONS)), parameters, st.sampled_from(["GET", "POST"])
)
def test_any_parameters_of_a_signed_call_get_an_answer(
    mirrors: dict[str, Any], name: str, action: str, given: dict[str, str], method: str
) -> None:
    check(mirrors[name].send(action, tuple(given.items()), method=method))


@ROUGH
@given(
    st.sampled_from(["tuya", "aliyun"]),
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "", "get"]),
    st.text(st.characters(codec="latin-1", exclude_characters=" #"), max_size=60).map("/{}".format)
    | st.dictionaries(
        st.sampled_from(
            ["Action", "AccessKeyId", "Signature", "SignatureMethod", "Timestamp", "SignatureNonce", "Format"]
        ),
        values | st.sampled_from(["AK", "HMAC-SHA1", "2026-03-04T12:00:00Z", "XML"]),
    ).map(lambda pairs: f"/?{encoded_query(pairs.items())}"),
    st.binary(max_size=80),
    st.dictionaries(
        st.sampled_from(
            ["content-type", "authorization", "accept", "x-acs-date", "x-acs-action", "x-acs-content-sha256"]
        ),
        st.text(st.characters(), max_size=40)
        | st.sampled_from(
            [
                "application/x-www-form-urlencoded",
                "ACS3-HMAC-SHA256 Credential=AK,SignedHeaders=host,Signature=0",
                "text/xml",
            ]
        ),
    ),
)
def test_any_bytes_at_all_get_an_answer(
    mirrors: dict[str, Any], name: str, method: str, target: str, body: bytes, headers: dict[str, str]
) -> None:
    check(mirrors[name].call(method, target, body=body, **headers))


@pytest.mark.parametrize("name", ["tuya", "aliyun"])
@pytest.mark.parametrize(
    "headers",
    [
        {
            "authorization": "ACS3-HMAC-SHA256 Credential=AK,SignedHeaders=\udcff;host,Signature=\udcff",
            "x-acs-date": "\udcff",
        },
        {"content-type": "application/x-www-form-urlencoded"},
        {"host": "\udcff<&>"},
    ],
)
def test_bytes_that_are_no_text_get_an_answer(mirrors: dict[str, Any], name: str, headers: dict[str, str]) -> None:
    check(mirrors[name].call("POST", "/?Action=%ff&AccessKeyId=%ff", body=b"\xff=\xff&a", **headers))


@pytest.mark.parametrize("place", ["query", "form"])
def test_parameters_without_end_are_refused(mirrors: dict[str, Any], place: str) -> None:
    many = "&".join(["a=1"] * 3000)
    form = {"body": many.encode(), "content_type": "application/x-www-form-urlencoded"} if place == "form" else {}
    answer = mirrors["aliyun"].call("POST", f"/?{many if place == 'query' else ''}", **form)
    assert (answer.status, answer.code) == (400, "InvalidParameter")
