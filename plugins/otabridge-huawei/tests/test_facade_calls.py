"""What is asked and what is told: paths, bodies, errors, filters, and inventions by default and in strict mode."""

import json
from typing import Any

import pytest
from otabridge_huawei import facade_tables as tables
from otabridge_huawei.backend import HuaweiBackend

from otabridge import errors as err
from otabridge.backend import STATUSES
from otabridge.facade import Asked, Reason
from otabridge.models import ModuleVersion

PRODUCT = "5ba24f5ebbe8f56f5a14f605"
SHA = "595124473f866b033dfa1f7e831c8c99a12f6143f392dfa996a819010842c99d"


def module(mirror: Any, name: str = "MCU", **changes: Any) -> dict[str, Any]:
    body = {"app_id": mirror.app, "product_id": PRODUCT, "module_name": name, **changes}
    return {name: value for name, value in body.items() if value is not None}


def package(mirror: Any, **changes: Any) -> dict[str, Any]:
    lies = {"region_name": "cn-north-4", "bucket_name": "abc", "object_key": "a/b.bin", "sign": SHA}
    body = {
        "app_id": mirror.app,
        "package_type": "modulePackage",
        "product_id": PRODUCT,
        "module_name": "MCU",
        "version": "V1",
        "file_location": {"obs_location": lies},
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def report(mirror: Any, product: str, device: str, **versions: str) -> None:
    rows = [
        ModuleVersion(product=product, device=device, module=module, version=version)
        for module, version in versions.items()
    ]
    mirror.cloud.devices.report_versions(rows)


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


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"start_time": "2023-02-11"}, "IOTDA.000009"),
        ({"end_time": "20230231T121212Z"}, "IOTDA.000009"),
        ({"start_time": "20230211T121212Z", "end_time": "20230211T121212Z"}, "IOTDA.000010"),
        ({"gateway_id": "a", "is_cascade_query": "perhaps"}, "IOTDA.000006"),
        ({"node_id": "a b"}, "IOTDA.000006"),
        ({"device_name": "a" * 257}, "IOTDA.000006"),
        ({"gateway_id": "a" * 129}, "IOTDA.000006"),
        ({"product_id": "a.b"}, "IOTDA.000006"),
    ],
)
def test_a_broken_filter_of_devices_is_refused(mirror: Any, query: dict[str, str], code: str) -> None:
    assert mirror.refused("GET", "devices", **query) == (400, code)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["b_2", "b_1", "a_1"]),
        ({"product_id": "p"}, ["b_2", "a_1"]),
        ({"node_id": "b_1"}, ["b_1"]),
        ({"node_id": "a_1"}, ["a_1"]),
        ({"node_id": "nobody"}, []),
        ({"product_id": "p", "node_id": "b_1"}, []),
        ({"device_name": "b_2", "product_id": "p"}, ["b_2"]),
        ({"device_name": "b_2", "node_id": "a_1"}, []),
        ({"gateway_id": "p_a_1"}, []),
        ({"start_time": "20190101T000000Z"}, ["b_2", "b_1", "a_1"]),
        ({"start_time": "20210101T000000Z"}, []),
        ({"end_time": "20190101T000000Z"}, []),
    ],
)
def test_devices_are_filtered(mirror: Any, query: dict[str, str], found: list[str]) -> None:
    for product, device in (("p", "a_1"), ("q", "b_1"), ("p", "b_2")):
        report(mirror, product, device, mcu="1")
    status, told = mirror.ask("GET", "devices", **query)
    assert (status, [row["node_id"] for row in told["devices"]]) == (200, found)
    assert told["page"]["count"] == len(found)


def test_a_name_of_several_products_devices_gives_them_all(mirror: Any) -> None:
    for product in "pqr":
        report(mirror, product, "unit", mcu="1")
    _, told = mirror.ask("GET", "devices", node_id="unit", limit="2")
    assert ([row["product_id"] for row in told["devices"]], told["page"]["count"]) == (["r", "q"], 3)


@pytest.mark.parametrize(("product", "device"), [("p", "a"), ("p_q", "a"), ("p", "a_b_c"), ("p_q", "a_b"), ("p", "_a")])
def test_a_device_is_found_wherever_its_id_must_be_parted(mirror: Any, product: str, device: str) -> None:
    report(mirror, product, device, mcu="1")
    status, told = mirror.ask("GET", f"devices/{product}_{device}")
    assert (status, told["product_id"], told["node_id"]) == (200, product, device)


@pytest.mark.parametrize(
    ("found", "answer"),
    [("p_nobody", (404, "IOTDA.014000")), ("nobody", (404, "IOTDA.014000")), ("a?b", (400, "IOTDA.000006"))],
)
def test_a_device_that_is_not_there(mirror: Any, found: str, answer: tuple[int, str]) -> None:
    assert mirror.refused("GET", f"devices/{found}") == answer


def test_a_device_tells_either_name_of_its_whole_firmware(mirror: Any) -> None:
    report(mirror, "p", "a", **{"@firmware": "1", "@software": "2", "mcu": "3"})
    _, told = mirror.ask("GET", "devices/p_a")
    assert (told["fw_version"], told["sw_version"]) == ("1", "2")
    assert told["modules"] == [{"module_name": "mcu", "module_version": "3"}]
    report(mirror, "p", "a", **{"@default": "9"})
    assert mirror.ask("GET", "devices/p_a")[1]["fw_version"] == "9"


# --- spaces, projects, products ---------------------------------------------------------------------------------------


def test_a_product_belongs_to_the_space_that_something_was_made_of_it_in(mirror: Any) -> None:
    mirror.ask("POST", "ota-upgrades/modules", module(mirror, app_id="mine"))
    mirror.cloud.modules.create("free", product="q")

    def listed(app: str) -> list[tuple[str, str]]:
        _, told = mirror.ask("GET", "ota-upgrades/modules", app_id=app)
        assert told["page"]["count"] == len(told["modules"])
        return [(row["module_name"], row["app_id"]) for row in told["modules"]]

    assert listed("mine") == [("free", "mine"), ("MCU", "mine")]
    assert listed("yours") == [("free", "yours")]
    assert mirror.ask("GET", "ota-upgrades/modules", app_id="yours", product_id=PRODUCT)[1]["modules"] == []
    _, told = mirror.ask("GET", "apps")
    assert [(row["app_id"], row["default_app"]) for row in told["applications"]] == [
        (mirror.app, True),
        ("mine", False),
    ]
    assert len(mirror.ask("GET", "apps", default_app="false")[1]["applications"]) == 1


def test_products_are_filtered_by_name(mirror: Any) -> None:
    for product in "pqr":
        report(mirror, product, "unit", mcu="1")
    _, told = mirror.ask("GET", "products", product_name="q")
    assert ([row["product_id"] for row in told["products"]], told["page"]["count"]) == (["q"], 1)


@pytest.mark.parametrize("found", ["nobody", "products/?"])
def test_a_product_that_is_not_there(mirror: Any, found: str) -> None:
    assert mirror.refused("GET", f"products/{found}".replace("products/products", "products"))[0] in (400, 404)


STRICT = [
    ("an unknown product", {"product_id": "unknown"}, (404, "IOTDA.014204")),
    ("an unknown space", {"app_id": "unknown"}, (403, "IOTDA.001000")),
    ("a space in an alias", {"alias_name": "Micro Controller"}, (400, "IOTDA.000006")),
    ("a member that nobody knows", {"colour": "red"}, (400, "IOTDA.000006")),
]


@pytest.mark.parametrize(("what", "changes", "answer"), STRICT, ids=[row[0] for row in STRICT])
def test_an_assumption_holds_by_default_and_is_refused_in_strict_mode(
    make_mirror: Any, what: str, changes: dict[str, str], answer: tuple[int, str]
) -> None:
    for strict in (False, True):
        mirror = make_mirror(strict=strict)
        report(mirror, PRODUCT, "unit", mcu="1")
        body = module(mirror, **changes)
        if strict:
            assert mirror.refused("POST", "ota-upgrades/modules", body) == answer
        else:
            assert mirror.ask("POST", "ota-upgrades/modules", body)[0] == 201


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 403)])
def test_a_project_must_be_known_in_strict_mode(make_mirror: Any, strict: bool, status: int) -> None:
    mirror = make_mirror(strict=strict)
    assert mirror.ask("GET", "products", base="0" * 32)[0] == status
    _, told = mirror.ask("GET", "/v3/projects", name="eu-west-101")
    (project,) = told["projects"]
    assert project["name"] == "eu-west-101"
    assert mirror.ask("GET", "products", base=project["id"])[0] == 200


@pytest.mark.parametrize("strict", [False, True])
def test_an_object_must_be_there_in_strict_mode(make_mirror: Any, strict: bool) -> None:
    mirror = make_mirror(strict=strict)
    mirror.cloud.modules.create("MCU", product=PRODUCT)
    status = mirror.ask("POST", "ota-upgrades/packages", package(mirror))[0]
    assert status == (404 if strict else 201)
    mirror.objects["abc", "a/b.bin"] = object()
    assert mirror.ask("POST", "ota-upgrades/packages", package(mirror, version="V2"))[0] == 201


def test_what_is_hinted_works_in_strict_mode(make_mirror: Any) -> None:
    mirror = make_mirror(strict=True)
    report(mirror, PRODUCT, "unit", mcu="1")
    assert mirror.ask("POST", "ota-upgrades/modules", module(mirror))[0] == 201
    assert len(mirror.ask("GET", "ota-upgrades/modules", app_id=mirror.app)[1]["modules"]) == 1


def test_spaces_without_end_are_not_all_remembered(mirror: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_SPACES", 3)
    for number in range(5):
        body = module(mirror, app_id=f"app{number}", product_id=f"p{number}")
        assert mirror.ask("POST", "ota-upgrades/modules", body)[0] == 201
    _, told = mirror.ask("GET", "apps", default_app="false")
    assert [row["app_id"] for row in told["applications"]] == ["app0", "app1", "app2"]
    _, told = mirror.ask("GET", "ota-upgrades/modules", app_id="app4")
    assert [row["product_id"] for row in told["modules"]] == ["p4", "p3"]


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
