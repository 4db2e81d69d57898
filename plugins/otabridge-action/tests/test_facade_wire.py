"""The facade's answers as bytes: JSON and XML, both spellings, envelopes, and what a failing store becomes."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from otabridge_action.facade import as_json, as_xml
from otabridge_action.reading import cased
from otabridge_action.schema_writing import Spelling

from otabridge.errors import (
    AuthenticationError,
    ConflictError,
    ConnectError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    OutcomeUnknownError,
    PagingError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    UnsupportedError,
    ValidationError,
)
from otabridge.limits import broken
from otabridge.models import ModuleVersion

PRODUCT = (("ProductKey", "p1"),)
VERSION = ("Version", "2018-01-20")
JSON, XML = "application/json;charset=utf-8", "text/xml;charset=utf-8"


def kind(answer: Any) -> str:
    return str(dict(answer.headers)["content-type"])


# --- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "asked", "accept", "expected"),
    [
        ("aliyun", None, None, XML),
        ("aliyun", None, "*/*", XML),
        ("aliyun", None, "application/json", JSON),
        ("aliyun", "JSON", None, JSON),
        ("aliyun", "json", "text/xml", JSON),
        ("aliyun", "XML", "application/json", XML),
        ("tuya", None, None, JSON),
        ("tuya", None, "text/xml", JSON),
        ("tuya", "xml", None, XML),
    ],
)
@pytest.mark.parametrize("action", ["ListOTAModuleByProduct", "NoSuchAction"])
def test_the_format_is_as_asked_or_as_usual(
    make_mirror: Any, name: str, asked: str | None, accept: str | None, expected: str, action: str
) -> None:
    common = (VERSION, *((("Format", asked),) if asked else ()))
    answer = make_mirror(name).send(action, PRODUCT, common=common, **({"accept": accept} if accept else {}))
    assert kind(answer) == expected


def test_an_answer_in_xml_repeats_the_elements_of_an_array(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    mirror.cloud.devices.report_versions(
        ModuleVersion(product="p1", device="d", module=module, version="<1>") for module in ("a", "b")
    )
    pairs = (*PRODUCT, ("DeviceName", "d"), ("CurrentPage", "1"), ("PageSize", "9"))
    root = ElementTree.fromstring(mirror.send("ListOTAModuleVersionsByDevice", pairs, common=(VERSION,)).body)
    assert root.tag == "ListOTAModuleVersionsByDeviceResponse"
    assert (root.findtext("Success"), root.findtext("Total")) == ("true", "2")
    rows = root.findall("Data/SimpleOTAModuleInfo")
    assert [(row.findtext("ModuleName"), row.findtext("ModuleVersion")) for row in rows] == [("a", "<1>"), ("b", "<1>")]


def test_an_error_in_xml_has_a_root_of_its_own_unless_it_is_the_actions(make_mirror: Any) -> None:
    mirror = make_mirror("aliyun")
    unknown = ElementTree.fromstring(mirror.send("NoSuchAction", (), common=(VERSION,)).body)
    assert (unknown.tag, [child.tag for child in unknown]) == ("Error", ["RequestId", "HostId", "Code", "Message"])
    pairs = (*PRODUCT, ("ModuleName", "none"))
    failed = ElementTree.fromstring(mirror.send("DeleteOTAModule", pairs, common=(VERSION,)).body)
    assert (failed.tag, failed.findtext("Success")) == ("DeleteOTAModuleResponse", "false")
    assert failed.findtext("Code") == "iot.ota.OTAModuleNotExist"
    assert failed.findtext("ErrorMessage")


trees = st.dictionaries(
    st.text("abcXYZ", min_size=1, max_size=5),
    st.recursive(
        st.text(max_size=20) | st.integers() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abcXYZ", min_size=1, max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
)


@given(trees)
def test_whatever_is_written_can_be_read(tree: dict[str, Any]) -> None:
    assert isinstance(json.loads(as_json(tree)), dict)
    assert ElementTree.fromstring(as_xml("Root", tree)).tag == "Root"


# --- spellings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("ProductKey", ("ProductKey", "productKey", "productkey")),
        ("IotId", ("IotId", "iotId", "iotid")),
        ("UtcCreate", ("UtcCreate", "utcCreate", "utccreate")),
        ("SimpleOTAModuleInfo", ("SimpleOTAModuleInfo", "simpleOTAModuleInfo", "simpleotamoduleinfo")),
        ("OTAModules", ("OTAModules", "oTAModules", "otamodules")),
        ("OSSAccessKeyId", ("OSSAccessKeyId", "oSSAccessKeyId", "ossaccesskeyid")),
    ],
)
def test_a_name_is_read_in_three_spellings_of_which_tuya_writes_the_second(
    name: str, accepted: tuple[str, ...]
) -> None:
    assert cased(name) == accepted
    assert [Spelling(camel=camel)[name] for camel in (False, True)] == [*accepted[:2]]


def test_tuya_spells_the_members_of_a_grant(make_mirror: Any) -> None:
    answer = json.loads(make_mirror("tuya").send("GenerateOTAUploadURL", ()).body)
    assert sorted(answer["data"]) == [
        *("firmwareUrl", "host", "key", "oSSAccessKeyId", "objectStorage", "policy", "signature", "utcCreate"),
    ]


# --- envelopes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [("aliyun", {"RequestId": "", "Success": True}), ("tuya", {"code": "", "requestId": "", "success": True})],
)
def test_a_success_without_data_is_bare(make_mirror: Any, name: str, expected: dict[str, Any]) -> None:
    answer = make_mirror(name).send("CreateOTAModule", (*PRODUCT, ("ModuleName", "m")))
    told = json.loads(answer.body)
    assert {key: "" if "equest" in key else value for key, value in told.items()} == expected


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("aliyun", ["RequestId", "Success", "Code", "ErrorMessage"]),
        ("tuya", ["requestId", "success", "code", "errorMessage"]),
    ],
)
def test_a_failure_of_an_action_is_a_200_that_says_so(make_mirror: Any, name: str, members: list[str]) -> None:
    answer = make_mirror(name).send("DeleteOTAModule", (*PRODUCT, ("ModuleName", "none")))
    told = json.loads(answer.body)
    assert (answer.status, list(told), told[members[1]]) == (200, members, False)
    assert answer.code == told[members[2]] == "iot.ota.OTAModuleNotExist"


def test_ids_of_requests_are_in_capitals_on_aliyun_alone(make_mirror: Any) -> None:
    for name, letters in (("aliyun", str.upper), ("tuya", str.lower)):
        told = make_mirror(name).ask("ListOTAModuleByProduct", ProductKey="p1")
        assert told["RequestId"] == letters(told["RequestId"])


def test_names_of_parameters_have_their_case(mirror: Any) -> None:
    assert mirror.refused("ListOTAModuleByProduct", productKey="p1") == "MissingProductKey"


# --- a store that fails -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ServerError("down", code="IOTDA.000500"), 503, "ServiceUnavailable"),
        (ConnectError("no connection to https://elsewhere"), 503, "ServiceUnavailable"),
        (RequestTimeoutError("late"), 503, "ServiceUnavailable"),
        (OutcomeUnknownError("lost"), 503, "ServiceUnavailable"),
        (ProtocolError("not understood"), 503, "ServiceUnavailable"),
        (AuthenticationError("refused"), 503, "ServiceUnavailable"),
        (ForbiddenError("refused"), 503, "ServiceUnavailable"),
        (RateLimitError("slow down"), 400, "Throttling.User"),
        (UnsupportedError("cannot"), 200, "iot.common.APINotSupportedInInstance"),
        (PagingError("shrunk"), 200, "iot.common.InvalidPageParams"),
        (NotFoundError("gone", code="IOTDA.014000"), 200, "iot.ota.OTAModuleNotExist"),
        (ConflictError("packages"), 200, "iot.ota.DeleteOTAModulePackageExist"),
        (InvalidRequestError("no"), 200, "iot.common.InvalidFormattedParameter"),
        (QuotaExceededError("full"), 200, "iot.common.InvalidFormattedParameter"),
        (ValidationError("a field of that store", field="module.id"), 200, "iot.common.InvalidFormattedParameter"),
        (OtaBridgeError("something"), 503, "ServiceUnavailable"),
    ],
)
def test_what_a_store_raises_becomes_the_vendors_own(
    mirror: Any, monkeypatch: Any, error: OtaBridgeError, status: int, code: str
) -> None:
    def fail(**_: object) -> Any:
        raise error

    monkeypatch.setattr(mirror.facade.store, "delete_module", fail)
    answer = mirror.send("DeleteOTAModule", (*PRODUCT, ("ModuleName", "m")))
    assert (answer.status, answer.code) == (status, code)
    assert b"elsewhere" not in answer.body


@pytest.mark.parametrize(("value", "told"), [("m", True), ("/a/place/of/the/server", False)])
def test_a_broken_limit_is_told_without_a_value_that_nobody_sent(
    mirror: Any, monkeypatch: Any, value: str, told: bool
) -> None:
    def fail(**_: object) -> Any:
        raise broken("module.name", "another word", value, "rename it")

    monkeypatch.setattr(mirror.facade.store, "delete_module", fail)
    message = mirror.ask("DeleteOTAModule", ProductKey="p1", ModuleName="m")["ErrorMessage"]
    assert message == f"module.name: another word{f', not {value!r}' if told else ''}: rename it"


def test_how_long_a_store_wants_to_wait_is_told(make_mirror: Any, monkeypatch: Any) -> None:
    mirror = make_mirror("aliyun")

    def fail(**_: object) -> Any:
        raise RateLimitError("slow down", retry_after=1.5)

    monkeypatch.setattr(mirror.facade.store, "delete_module", fail)
    answer = mirror.send("DeleteOTAModule", (*PRODUCT, ("ModuleName", "m")))
    assert dict(answer.headers)["x-acs-retry-after"] == "1500"


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        ("throttled", 400, "Throttling.User"),
        ("too large", 413, "RequestTooLarge"),
        ("unavailable", 503, "ServiceUnavailable"),
        ("failed", 500, "InternalError"),
        ("bad request", 400, "InvalidParameter"),
    ],
)
def test_what_a_host_refuses_is_told_in_the_vendors_words(mirror: Any, reason: Any, status: int, code: str) -> None:
    mirror.ask("ListOTAModuleByProduct", ProductKey="p1")
    call = mirror.last
    answer = mirror.facade.refuse(call, reason)
    assert (answer.status, answer.code) == (status, code)
    replaced = mirror.facade.refuse(call, reason, "words", status=429, code="Throttling.Api")
    told = json.loads(replaced.body)
    assert (replaced.status, replaced.code) == (429, "Throttling.Api")
    assert {name.lower(): value for name, value in told.items()}["message"] == "words"
