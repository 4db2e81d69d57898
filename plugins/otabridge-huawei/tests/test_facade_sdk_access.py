"""The vendor's own SDK at the door: tokens, projects, keys and parameters that are right, and that are not."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from otabridge_huawei.signing import PlainSigner

from otabridge.serve import Server
from otabridge.wire import Request
from tests.support.huawei import create_module, login, made


@pytest.mark.parametrize("region", ["cn-north-4", "eu-west-101"])
def test_a_client_without_a_project_finds_one(
    sdk: SimpleNamespace, server: Server, app: str, product: str, region: str
) -> None:
    basic = sdk.credentials.BasicCredentials
    basic._CACHE.clear()
    credentials = basic(server.access_key, server.secret_key).with_iam_endpoint(server.url)
    credentials = credentials.with_derived_predicate(basic.get_default_derived_predicate())
    client = sdk.v5.IoTDAClient.new_builder().with_credentials(credentials)
    iotda = client.with_region(sdk.region.Region(region, server.url)).build()
    assert create_module(sdk, iotda, app, product, "MCU").status_code == 201
    assert (credentials.project_id == server.hints["huawei"]["project_id"]) == (region == "cn-north-4")


@pytest.mark.parametrize("by", ["name", "id", "nothing"])
def test_a_token_opens_the_door(server: Server, app: str, by: str) -> None:
    hints = server.hints["huawei"]
    scope: dict[str, Any] = {
        "name": {"project": {"name": hints["region"]}},
        "id": {"project": {"id": hints["project_id"]}},
    }.get(by, {})
    answer = login(server, **scope)
    assert answer.status_code == 201
    assert answer.json()["token"]["project"]["id"] == hints["project_id"]
    url = f"{server.url}/v5/iot/{hints['project_id']}/ota-upgrades/modules?app_id={app}"
    token = answer.headers["X-Subject-Token"]
    assert httpx.get(url, headers={"X-Auth-Token": token}).status_code == 200
    wrong = httpx.get(url, headers={"X-Auth-Token": f"{token}x"})
    assert (wrong.status_code, wrong.json()["error_code"]) == (401, "APIGW.0301")
    assert wrong.json()["request_id"] == wrong.headers["X-Request-Id"]


def test_a_wrong_password_is_the_identity_service_s_own_error(server: Server) -> None:
    user = {"name": "someone", "password": "wrong", "domain": {"name": "home"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    answer = httpx.post(f"{server.url}/v3/auth/tokens", json={"auth": {"identity": identity}})
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"
    assert answer.headers["X-IAM-Trace-Id"]


@pytest.mark.parametrize("text", ["主控 é", "  inner  spaces  ", "latin: \u00e9"])
def test_a_header_is_signed_as_its_utf_8(server: Server, text: str) -> None:
    signer = PlainSigner(server.access_key, server.secret_key, server.hints["huawei"]["project_id"])
    path = f"/v5/iot/{server.hints['huawei']['project_id']}/apps"
    request = Request(operation="any", origin=server.url, path=path, headers=(("X-Note", text),))
    signed = signer.sign(request, now=datetime.now(UTC), nonce="")
    headers = [(name.encode(), value.encode()) for name, value in signed.headers]
    assert httpx.get(server.url + signed.target, headers=headers).status_code == 200


@pytest.mark.parametrize("way", ["plain", "derived"])
@pytest.mark.parametrize(("wrong", "code"), [("ak", "APIGW.0301"), ("sk", "APIGW.0301")])
def test_wrong_keys_are_refused(
    sdk: SimpleNamespace, server: Server, app: str, refused: Any, way: str, wrong: str, code: str
) -> None:
    iotda = made(sdk, server, way)
    setattr(iotda._credentials, wrong, "another")
    assert refused(lambda: iotda.list_ota_modules(sdk.v5.ListOtaModulesRequest(app_id=app))) == (401, code)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"limit": 0}, "IOTDA.000017"),
        ({"limit": 51}, "IOTDA.000017"),
        ({"marker": "xyz"}, "IOTDA.000018"),
        ({"offset": 501}, "IOTDA.000006"),
        ({"product_id": "not a product"}, "IOTDA.000006"),
        ({"app_id": "?"}, "IOTDA.000006"),
    ],
)
def test_parameters_out_of_range_are_refused(
    sdk: SimpleNamespace, server: Server, app: str, refused: Any, parameters: dict[str, Any], code: str
) -> None:
    iotda = made(sdk, server)
    request = sdk.v5.ListOtaModulesRequest(**{"app_id": app, **parameters})
    assert refused(lambda: iotda.list_ota_modules(request)) == (400, code)


def test_batch_tasks_are_no_calls_yet(sdk: SimpleNamespace, server: Server, refused: Any) -> None:
    iotda = made(sdk, server)
    request = sdk.v5.ListBatchTasksRequest(task_type="moduleUpgrade")
    assert refused(lambda: iotda.list_batch_tasks(request)) == (404, "APIGW.0101")
