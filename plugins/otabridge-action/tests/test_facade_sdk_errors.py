"""Refusals as the official SDK of Aliyun tells them, and what it may sign with."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from otabridge.serve import Server, running
from tests.support.aliyun import METHODS, SIGNATURES, Sdk, load


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("aliyun") as server:
        yield server


@pytest.fixture(params=[(signature, colour) for signature in SIGNATURES for colour in ("sync", "async")], ids="-".join)
def sdk(request: pytest.FixtureRequest, server: Server) -> Sdk:
    return Sdk(server, *request.param)


def refused(sdk: Sdk, action: str = "QueryProductList", **fields: Any) -> Any:
    """The SDK's exception for what the gateway refuses."""
    kind = load("alibabacloud_tea_openapi.exceptions").AlibabaCloudException
    with pytest.raises(kind) as caught:
        sdk.call(action, **(fields or {"current_page": 1, "page_size": 1}))
    return caught.value


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"access_key_id": "unknown"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"access_key_secret": "wrong"}, 400, "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_key_is_told_by_its_code(
    server: Server, signature: str, changes: dict[str, str], status: int, code: str
) -> None:
    error = refused(Sdk(server, signature, "sync", **changes))
    assert (error.status_code, error.code) == (status, code)
    assert error.request_id


def test_a_parameter_that_is_missing_is_told_by_its_code(sdk: Sdk) -> None:
    error = refused(sdk, "CreateOTAModule", product_key="p")
    assert (error.status_code, error.code) == (400, "MissingModuleName")
    assert "ModuleName is mandatory for this action." in error.message


def test_an_action_that_comes_later_is_not_there(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "QueryOTAJob", "query_otajob")
    error = refused(sdk, "QueryOTAJob", job_id="1")
    assert (error.status_code, error.code) == (404, "InvalidAction.NotFound")


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_temporary_key_is_taken(server: Server, signature: str) -> None:
    sdk = Sdk(server, signature, "sync", security_token="CAIS+wF1q6Ft5B2yfSjIr5f/Ip==/abc+def~*")
    assert sdk.do("QueryProductList", current_page=1, page_size=1).data is not None


# --- a strict host ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with running("aliyun", "huawei", strict=True) as server:
        yield server


def issued(server: Server) -> str:
    """A token of the facade beside it."""
    user = {"name": "u", "password": server.secret_key, "domain": {"name": "d"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    answer = httpx.post(f"{server.urls['huawei']}/v3/auth/tokens", json={"auth": {"identity": identity}})
    return answer.headers["x-subject-token"]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_temporary_key_of_another_facade_is_taken(strict: Server, signature: str) -> None:
    identity = {"methods": ["token"], "token": {"id": issued(strict)}}
    place = f"{strict.urls['huawei']}/v3.0/OS-CREDENTIAL/securitytokens"
    given = httpx.post(place, json={"auth": {"identity": identity}}).json()["credential"]
    keys = {"access_key_id": given["access"], "access_key_secret": given["secret"]}
    sdk = Sdk(strict, signature, "sync", **keys, security_token=given["securitytoken"])
    assert sdk.do("QueryProductList", current_page=1, page_size=1).data is not None
    assert refused(Sdk(strict, signature, "sync", **keys, security_token="other")).code.startswith("InvalidSecurity")


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_token_of_another_facade_is_taken_and_its_digest_is_not(strict: Server, signature: str) -> None:
    token = issued(strict)
    sdk = Sdk(strict, signature, "sync", security_token=token)
    assert sdk.do("QueryProductList", current_page=1, page_size=1).data is not None
    digest = sha256(token.encode()).hexdigest()
    error = refused(Sdk(strict, signature, "sync", security_token=digest))
    assert (error.status_code, error.code) == (400, "InvalidSecurityToken.Malformed")
