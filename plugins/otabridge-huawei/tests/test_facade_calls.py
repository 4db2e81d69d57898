"""What is asked and what is told: paths, bodies, errors."""

import json
from typing import Any

import pytest
from otabridge_huawei import facade_tables as tables
from otabridge_huawei.backend import HuaweiBackend

from otabridge import errors as err
from otabridge.backend import STATUSES
from otabridge.facade import Asked, Reason
from tests.support.huawei import PRODUCT, SHA, module, package

# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v5/{project}/products", "IOTDA.000029"),
        ("GET", "/v5/", "IOTDA.000029"),
        ("GET", "/v5/iot/{project}/nothing", "APIGW.0101"),
        ("GET", "/v5/iot/{project}/products/", "APIGW.0101"),
        ("GET", "/v5/iot/{project}/products/a/b", "APIGW.0101"),
        ("PATCH", "/v5/iot/{project}/products", "APIGW.0101"),
        ("HEAD", "/v5/iot/{project}/products", "APIGW.0101"),
        ("DELETE", "/v5/iot/{project}/ota-upgrades/modules", "APIGW.0101"),
        ("POST", "/v5/iot/{project}/batchtasks", "APIGW.0101"),
        ("GET", "/v5/iot/{project}/batchtasks/5c8ba99030344005c02316ad", "APIGW.0101"),
        ("GET", "/v5/iot/{project}/device-group", "APIGW.0101"),
        ("GET", "/", "APIGW.0101"),
    ],
)
def test_what_is_no_call_is_told_by_the_gateway_whoever_asks(mirror: Any, method: str, path: str, code: str) -> None:
    call = mirror.call(method, path.format(project=mirror.project), b"", {})
    answer = mirror.answer(call)
    assert (answer.status, json.loads(answer.body)["error_code"]) == (404, code)


def test_an_identity_service_s_unknown_path_has_its_shape(mirror: Any) -> None:
    answer = mirror.answer(mirror.call("GET", "/v3/users", b"", {}))
    assert json.loads(answer.body)["error"]["code"] == answer.status == 404


def test_the_vendor_s_own_example_has_the_module_in_the_singular(mirror: Any) -> None:
    _, made = mirror.ask("POST", "ota-upgrades/modules", module(mirror))
    assert mirror.ask("GET", f"ota-upgrades/module/{made['module_id']}") == (200, made)


def test_every_answer_has_a_request_id_and_the_gateway_s_errors_have_it_in_the_body_too(mirror: Any) -> None:
    for path, gateway in (("products", False), ("products/none", False), ("nothing", True)):
        answer = mirror.answer(mirror.signed("GET", path))
        assert dict(answer.headers)["X-Request-Id"] == "r1"
        assert dict(answer.headers)["Content-Type"] == "application/json"
        assert (json.loads(answer.body).get("request_id") == "r1") == gateway


def test_an_empty_answer_has_no_body_and_no_type(mirror: Any) -> None:
    _, made = mirror.ask("POST", "ota-upgrades/modules", module(mirror))
    answer = mirror.answer(mirror.signed("DELETE", f"ota-upgrades/modules/{made['module_id']}"))
    assert (answer.status, answer.body, dict(answer.headers)) == (204, b"", {"X-Request-Id": "r1"})


@pytest.mark.parametrize("project", ["0123456789abcdef0123456789abcde", "g" * 32, "a b", "%2F", ""])
def test_a_project_that_cannot_be_is_not_available(mirror: Any, project: str) -> None:
    call = mirror.signed("GET", f"/v5/iot/{project}/products")
    assert mirror.answer(call).code == "APIGW.0310"


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"a"', b"\xff", b"[" * 100_000, b"1" * 5000, b"{'a':1}"])
def test_a_body_that_is_no_json_object_is_malformed(mirror: Any, body: bytes) -> None:
    assert mirror.refused("POST", "ota-upgrades/modules", body) == (400, "IOTDA.000008")


def test_a_body_of_another_type_is_malformed(mirror: Any) -> None:
    call = mirror.signed("POST", "ota-upgrades/modules", module(mirror))
    headers = {"x-auth-token": "", **call.headers, "content-type": "text/plain"}
    assert mirror.facade.read(call).operation == "CreateOtaModule"
    given = mirror.call("POST", call.target, call.body, headers)
    with pytest.raises(err.ApiError) as caught:
        next(mirror.facade.perform(given, mirror.facade.read(given)))
    assert caught.value.code == "IOTDA.000008"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app_id": None}, "app_id"),
        ({"app_id": "a b"}, "app_id"),
        ({"product_id": None}, "product_id"),
        ({"product_id": "p" * 37}, "product_id"),
        ({"product_id": 5}, "product_id"),
        ({"module_name": None}, "module_name"),
        ({"module_name": ""}, "module_name"),
        ({"module_name": "@firmware"}, "module_name"),
        ({"module_name": "a b"}, "module_name"),
        ({"module_name": ["MCU"]}, "module_name"),
        ({"alias_name": "a" * 65}, "alias_name"),
        ({"alias_name": "?"}, "alias_name"),
        ({"alias_name": 1e300}, "alias_name"),
        ({"description": "d" * 1025}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"description": {}}, "description"),
    ],
)
def test_a_module_s_broken_member_is_named(mirror: Any, changes: dict[str, Any], named: str) -> None:
    status, told = mirror.ask("POST", "ota-upgrades/modules", module(mirror, **changes))
    assert (status, told["error_code"]) == (400, "IOTDA.000006")
    assert f" {named}:" in told["error_msg"]
    assert list(mirror.cloud.modules.list()) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app_id": None}, "app_id"),
        ({"package_type": None}, "package_type"),
        ({"package_type": "wholePackage"}, "package_type"),
        ({"package_type": 5}, "package_type"),
        ({"module_name": None}, "module_name"),
        ({"module_name": "@firmware"}, "module_name"),
        ({"package_type": "firmwarePackage"}, "module_name"),
        ({"version": None}, "version"),
        ({"version": "a b"}, "version"),
        ({"version": "v" * 257}, "version"),
        ({"support_source_versions": "V1"}, "support_source_versions"),
        ({"support_source_versions": [1]}, "support_source_versions"),
        ({"support_source_versions": ["a b"]}, "support_source_versions"),
        ({"support_source_versions": [f"V{number}" for number in range(21)]}, "support_source_versions"),
        ({"custom_info": "c" * 4097}, "custom_info"),
        ({"file_location": None}, "file_location.obs_location"),
        ({"file_location": {}}, "file_location.obs_location"),
        ({"file_location": {"obs_location": "here"}}, "file_location.obs_location"),
    ],
)
def test_a_package_s_broken_member_is_named(mirror: Any, changes: dict[str, Any], named: str) -> None:
    mirror.cloud.modules.create("MCU", product=PRODUCT)
    status, told = mirror.ask("POST", "ota-upgrades/packages", package(mirror, **changes))
    assert (status, told["error_code"]) == (400, "IOTDA.000006")
    assert f" {named}:" in told["error_msg"]
    assert list(mirror.cloud.packages.list()) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"region_name": None}, "region_name"),
        ({"region_name": "a b"}, "region_name"),
        ({"bucket_name": "AB"}, "bucket_name"),
        ({"object_key": 5}, "object_key"),
        ({"object_key": "upgrade.txt"}, "object_key"),
        ({"object_key": "k" * 1021 + ".bin"}, "object_key"),
        ({"sign": "xyz"}, "sign"),
        ({"sign": SHA[:-1]}, "sign"),
        ({"sign_method": "MD5"}, "sign_method"),
    ],
)
def test_a_location_s_broken_member_is_named(mirror: Any, changes: dict[str, Any], named: str) -> None:
    mirror.cloud.modules.create("MCU", product=PRODUCT)
    lies = package(mirror)["file_location"]["obs_location"] | changes
    lies = {name: value for name, value in lies.items() if value is not None}
    status, told = mirror.ask("POST", "ota-upgrades/packages", package(mirror, file_location={"obs_location": lies}))
    assert (status, told["error_code"]) == (400, "IOTDA.000006")
    assert f" {named}:" in told["error_msg"]


@pytest.mark.parametrize("method", ["SHA256", "SHA-256", None])
def test_the_one_digest_is_taken_in_both_spellings(mirror: Any, method: str | None) -> None:
    mirror.cloud.modules.create("MCU", product=PRODUCT)
    lies = package(mirror)["file_location"]["obs_location"] | ({"sign_method": method} if method else {})
    status, made = mirror.ask("POST", "ota-upgrades/packages", package(mirror, file_location={"obs_location": lies}))
    assert status == 201
    assert made["file_location"]["obs_location"] == lies | {"sign_method": "SHA256"}


def test_a_package_of_a_module_that_is_not_there_is_refused(mirror: Any) -> None:
    assert mirror.refused("POST", "ota-upgrades/packages", package(mirror))[0] == 404


@pytest.mark.parametrize("kind", [None, "", "module", "@firmware"])
def test_a_list_of_packages_needs_its_type(mirror: Any, kind: str | None) -> None:
    query = {} if kind is None else {"package_type": kind}
    assert mirror.refused("GET", "ota-upgrades/packages", **query) == (400, "IOTDA.000006")


def test_a_list_of_modules_needs_its_space(mirror: Any) -> None:
    assert mirror.refused("GET", "ota-upgrades/modules") == (400, "IOTDA.000006")


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", Reason.__args__)  # type: ignore[attr-defined]
def test_every_reason_is_an_error_that_our_backend_understands(mirror: Any, make_cloud: Any, reason: Any) -> None:
    answer = mirror.facade.refuse(mirror.signed("GET", "products"), reason, "because")
    told = json.loads(answer.body)
    assert told["error_code"] == answer.code
    assert "because" in told["error_msg"]
    kind = HuaweiBackend.ERRORS.get(answer.code.lower())
    usual = STATUSES.get(answer.status)
    assert kind or usual or answer.status in (400, 413, 502)


def test_a_fault_s_own_status_and_code_are_told(mirror: Any) -> None:
    answer = mirror.facade.refuse(mirror.signed("GET", "products"), "failed", status=200, code="IOTDA.014111")
    assert (answer.status, json.loads(answer.body)["error_code"]) == (200, "IOTDA.014111")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (err.UnsupportedError("no"), 403, "IOTDA.001002"),
        (err.ForbiddenError("no"), 403, "IOTDA.001002"),
        (err.PagingError("no"), 400, "IOTDA.000018"),
        (err.RateLimitError("no"), 429, "APIGW.0308"),
        (err.ServerError("no"), 502, "APIGW.0201"),
        (err.TransportError("no"), 502, "APIGW.0201"),
        (err.RequestTimeoutError("no"), 502, "APIGW.0201"),
        (err.AuthenticationError("no"), 502, "APIGW.0201"),
        (err.OutcomeUnknownError("no"), 504, "APIGW.0201"),
        (err.QuotaExceededError("no"), *tables.TOO_MANY_MODULES[:2]),
        (err.NotFoundError("no"), *tables.NO_MODULE[:2]),
        (err.ConflictError("no"), *tables.MODULE_TAKEN[:2]),
    ],
)
def test_a_store_s_error_becomes_the_vendor_s(mirror: Any, error: Exception, status: int, code: str) -> None:
    answer = mirror.facade.explain(mirror.signed("GET", "products"), Asked(operation="UpdateOtaModule"), error)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("error", "status"),
    [(tables.NO_MODULE, 404), (tables.MODULE_TAKEN, 409), (tables.TOO_MANY_MODULES, 409), (tables.PACKAGE_TAKEN, 409)],
)
def test_no_invented_code_is_one_that_our_backend_knows(error: tables.Error, status: int) -> None:
    assert error[0] == status
    assert error[1].lower() not in HuaweiBackend.ERRORS
