"""Credentials: the signer that the settings choose, the token that is fetched and renewed, and no secret anywhere."""

import inspect
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from otabridge_huawei.signing import DerivedSigner, PlainSigner, TokenSigner

from otabridge.errors import AuthenticationError, ProtocolError
from otabridge.wire import Response

PERSON: dict[str, Any] = {"username": "u", "password": "PASS-CANARY", "domain": "d"}
TOKEN: dict[str, Any] = PERSON | {"access_key": None, "secret_key": None}
STALE = httpx.Response(401, json={"error_code": "APIGW.0307", "error_msg": "the token must be updated"})
PRODUCTS = {"products": [], "page": {"count": 0, "marker": None}}


def token(text: str, expires_at: str | None = "2026-01-03T03:04:05.000000Z") -> httpx.Response:
    return httpx.Response(201, headers={"X-Subject-Token": text}, json={"token": {"expires_at": expires_at}})


class Server:
    """Answers from a script and keeps what it was asked."""

    def __init__(self, *replies: httpx.Response) -> None:
        self.replies = iter(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return next(self.replies)

    def paths(self) -> list[str]:
        return [request.url.path.rpartition("/")[2] for request in self.requests]


def listed() -> httpx.Response:
    return httpx.Response(200, json=PRODUCTS)


def first(cloud: Any) -> Any:
    return cloud.products.list().first_page()


def twice(cloud: Any) -> Any:
    page = first(cloud)
    if not inspect.isawaitable(page):
        return first(cloud)

    async def both() -> Any:
        await page
        return await first(cloud)

    return both()


@pytest.mark.parametrize(
    ("given", "kind", "start"),
    [
        ({}, PlainSigner, "SDK-HMAC-SHA256 Access=TESTAKEXAMPLE0000001, "),
        (
            {"auth": "derived"},
            DerivedSigner,
            "V11-HMAC-SHA256 Credential=TESTAKEXAMPLE0000001/20260102/cn-north-4/iotdm, ",
        ),
        ({"endpoint": "http://127.0.0.1:8080"}, DerivedSigner, "V11-HMAC-SHA256 "),
    ],
)
def test_keys_sign_every_request(
    drive: Callable[..., Any], make_cloud: Any, given: dict[str, Any], kind: type, start: str
) -> None:
    server = Server(listed())
    drive(first, handler=server, security_token="SESSION", **given)
    headers = server.requests[0].headers
    assert headers["Authorization"].startswith(start)
    assert headers["X-Project-Id"] == "0123456789abcdef0123456789abcdef"
    assert headers["X-Security-Token"] == "SESSION"
    cloud = make_cloud(**given)
    assert isinstance(cloud.run(cloud.backend.credential()).signer.api, kind)


def test_a_token_is_fetched_once_and_sent_with_every_request(drive: Callable[..., Any]) -> None:
    server = Server(token("T1"), listed())
    drive(first, handler=server, **TOKEN)
    login, call = server.requests
    assert str(login.url) == "https://iam.cn-north-4.myhuaweicloud.com/v3/auth/tokens?nocatalog=true"
    assert "X-Auth-Token" not in login.headers
    assert call.headers["X-Auth-Token"] == "T1"
    assert "Authorization" not in call.headers


def test_a_stale_token_is_renewed_once_and_the_request_repeated(drive: Callable[..., Any]) -> None:
    server = Server(token("T1"), STALE, token("T2"), listed())
    drive(first, handler=server, **TOKEN)
    assert server.paths() == ["tokens", "products", "tokens", "products"]
    assert server.requests[-1].headers["X-Auth-Token"] == "T2"


def test_a_token_that_stays_stale_is_an_error(drive: Callable[..., Any]) -> None:
    server = Server(token("T1"), STALE, token("T2"), STALE)
    with pytest.raises(AuthenticationError, match="must be updated"):
        drive(first, handler=server, **TOKEN)
    assert server.paths().count("tokens") == 2


def test_a_token_is_renewed_before_it_expires(drive: Callable[..., Any]) -> None:
    server = Server(token("T1", "2026-01-02T03:05:00.000000Z"), listed(), token("T2"), listed())
    drive(twice, handler=server, **TOKEN)
    assert server.paths() == ["tokens", "products", "tokens", "products"]


@pytest.mark.parametrize("expires_at", [None, "soon", 5])
def test_a_token_without_a_readable_end_is_used_until_it_is_refused(make_cloud: Any, expires_at: Any) -> None:
    cloud = make_cloud(**TOKEN)
    steps = iter(cloud.backend.credential())
    next(steps)
    body = json.dumps({"token": {"expires_at": expires_at}}).encode()
    with pytest.raises(StopIteration) as done:
        steps.send(Response(201, {"x-subject-token": "T"}, body))
    credential = done.value.value
    assert credential.expires_at is None
    assert credential.secrets == ("T",)
    assert isinstance(credential.signer.api, TokenSigner)


def test_an_answer_without_a_token_is_not_understood(drive: Callable[..., Any]) -> None:
    with pytest.raises(ProtocolError, match="X-Subject-Token"):
        drive(first, handler=Server(httpx.Response(201, json={"token": {}})), **TOKEN)


def test_a_wrong_password_is_an_authentication_error(drive: Callable[..., Any]) -> None:
    refusal = {"error": {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}}
    reply = httpx.Response(401, json=refusal, headers={"X-IAM-Trace-Id": "trace-1"})
    with pytest.raises(AuthenticationError, match="password is wrong") as caught:
        drive(first, handler=Server(reply), **TOKEN)
    assert (caught.value.operation, caught.value.request_id) == ("KeystoneCreateUserTokenByPassword", "trace-1")
    assert "PASS-CANARY" not in repr(caught.value)


def test_no_secret_is_in_a_log_an_error_or_a_repr(drive: Callable[..., Any], caplog: Any) -> None:
    echo = httpx.Response(400, json={"error_code": "IOTDA.000006", "error_msg": "bad token TOKEN-CANARY PASS-CANARY"})
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match="bad token") as caught:
        drive(first, handler=Server(token("TOKEN-CANARY"), echo), **TOKEN)
    assert "CANARY" not in f"{caplog.text}{caught.value!r}{caught.value}{caught.value.__dict__}"
