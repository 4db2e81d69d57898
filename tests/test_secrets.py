"""The canary: unique secrets go through everything that can happen, and none of them appears in what can be seen."""

import base64
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from otabridge_action.backend import AliyunBackend, TuyaBackend
from otabridge_huawei.backend import HuaweiBackend

from otabridge.aio import aconnect
from otabridge.backend import Backend
from otabridge.client import connect
from otabridge.errors import (
    ConfigurationError,
    OtaBridgeError,
    OutcomeUnknownError,
    ProtocolError,
    ValidationError,
)
from otabridge.hookspecs import RequestFinished
from otabridge.models import Device
from otabridge.redact import MASK, SHORTEST, Redactor
from otabridge.registry import Registry
from otabridge.retry import RetryPolicy
from otabridge.rows import excerpt
from otabridge.wire import Request, Response
from tests.support.acme import AcmeBackend, AcmeSettings, AcmeSigner
from tests.support.canary import CANARIES, DEVICE, FETCHED, KEY, PROXY, TOKEN, forms, found, shown, told
from tests.support.runner import Bench, Script, refused, said
from tests.support.server import DROP, HANG, Behaviour, Last, RawServer, reply

ONCE = RetryPolicy(attempts=2)


# --- the search itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", CANARIES.values())
def test_the_search_finds_each_form_of_a_secret(secret: str) -> None:
    encoded = base64.b64encode(secret.encode()).decode()
    for form in (secret, secret[::-1], quote(secret, safe=""), encoded, json.dumps(secret)):
        assert found(f"before {form} after")


# --- the redactor ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", CANARIES.values())
def test_the_redactor_masks_every_form(secret: str) -> None:
    redactor = Redactor([secret])
    for form in forms(secret):
        assert redactor.clean(f"a {form} b").startswith("a ***")
        assert not found(redactor.clean(f"a {form} b"))


@given(st.lists(st.text(min_size=SHORTEST, max_size=20), max_size=4), st.text(max_size=20))
def test_the_redactor_leaves_no_secret_in_any_text(secrets: list[str], text: str) -> None:
    redactor = Redactor(secret for secret in secrets if MASK not in secret and secret not in MASK)
    for secret in secrets:
        if not set(secret) <= {"*"}:
            assert secret not in redactor.clean(text + secret + text).replace(MASK, "\0")


def test_a_text_without_secrets_is_left_alone() -> None:
    assert Redactor([KEY]).clean("nothing in here") == "nothing in here"
    assert Redactor().clean("x") == "x"


def test_secrets_too_short_to_be_told_from_words_are_not_masked() -> None:
    assert Redactor(["abc", ""]).clean("abc") == "abc"


def test_secrets_can_be_learned_later() -> None:
    redactor = Redactor([KEY])
    redactor.add([FETCHED])
    assert redactor.clean(f"{KEY} {FETCHED}") == "*** ***"
    assert repr(redactor) == "<redactor>"


# --- excerpts of answers --------------------------------------------------------------------------------------------

EXCERPTS = [
    f'{{"deviceSecret":"{DEVICE}","a":1}}',
    f'{{"DeviceSecret": "{DEVICE}"',
    f'{{"auth_info": {{"secret" : "{DEVICE}", "timeout": 0}}}}',
    f'{{"secret":"{DEVICE[:-4]}',
    f'{{"secondary-secret":"{DEVICE}"}}',
    f'{{"secret2":"{DEVICE}"}}',
    f'{{"data":"{{\\"deviceSecret\\":\\"{DEVICE}\\"}}"}}',
    f'{{"x":"{"y" * 180}","deviceSecret":"{DEVICE}"}}',
    f"<DeviceSecret>{DEVICE}</DeviceSecret>",
]


@pytest.mark.parametrize("body", EXCERPTS)
def test_an_excerpt_leaves_out_the_values_of_secret_members(body: str) -> None:
    text = excerpt(Response(200, {}, body.encode()))
    assert text
    assert DEVICE[:12] not in text


def test_an_excerpt_keeps_the_rest_and_is_short() -> None:
    assert excerpt(Response(200, {}, b'{"name":"x"}')) == '{"name":"x"}'
    assert len(excerpt(Response(200, {}, b"x" * 5000))) == 200


# --- one client of an invented cloud, on real sockets, behind a proxy, with a token that is fetched -----------------

GRANT = reply(json.dumps({"token": FETCHED, "lifetime": 3600}).encode(), "200 OK", f"X-Subject-Token: {FETCHED}")
MODULES = reply(json.dumps({"rows": [{"p": "p1", "n": "m", "deviceSecret": DEVICE}]}).encode())


def echo(request: bytes) -> bytes:
    """A cloud so careless that its error holds all that it heard, in every form."""
    heard = request.decode("latin-1")
    known = [secret for name, secret in CANARIES.items() if name in ("key", "token", "proxy") or secret in heard]
    message = heard + " ".join(form for secret in known for form in forms(secret))
    body = {"error": f"broken {KEY}", "message": message, "id": f"id {KEY}"}
    return reply(json.dumps(body).encode(), "400 Bad Request")


def echo_in_html(request: bytes) -> bytes:
    return reply(b"<html>" + quote(KEY).encode() + b" " + request, "200 OK", "Content-Type: text/html")


def cut_off(place: int) -> bytes:
    """HTML that breaks off the excerpt in the middle of a secret."""
    return reply(b"x" * place + KEY.encode() + b"x" * 300)


TROUBLE: dict[str, Behaviour] = {
    "success": MODULES,
    "echo": echo,
    "echo in HTML": echo_in_html,
    "401": lambda request: echo(request).replace(b"400 Bad Request", b"401 Unauthorized"),
    "404": reply(b"{}", "404 Not Found"),
    "429": reply(json.dumps({"error": "throttled", "message": KEY}).encode(), "429 Slow"),
    "500": reply(KEY.encode(), "500 Failed"),
    "truncated JSON": reply(json.dumps({"rows": [{"deviceSecret": DEVICE}]}).encode()[:-5]),
    "wrong JSON": reply(json.dumps({"rows": [{"p": 5, "secret": DEVICE, "key": KEY}]}).encode()),
    "cut off": cut_off(190),
    "redirect": reply(b"", "302 Found", f"Location: https://x.test/?key={quote(KEY)}"),
    "no answer": DROP,
    "timeout": HANG,
    "half a body": Last(reply(KEY.encode(), length=500)),
    "no HTTP": Last(KEY.encode() + b"\r\n\r\n"),
    "not compressed": reply(KEY.encode(), "200 OK", "Content-Encoding: gzip"),
}


class Output:
    """What a client has shown: logged, observed, raised."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.events: list[RequestFinished] = []
        self.errors: list[BaseException] = []
        self._caplog = caplog
        caplog.set_level(logging.DEBUG)
        for name in ("otabridge", "httpx", "httpcore", "aiohttp", "asyncio"):
            caplog.set_level(logging.DEBUG, name)

    def of(self, work: Callable[[], object]) -> object:
        try:
            return work()
        except (OtaBridgeError, TypeError) as error:
            self.errors.append(error)
            return None

    def text(self) -> str:
        records = [f"{record.getMessage()} {record.args!r} {record.__dict__!r}" for record in self._caplog.records]
        return "\n".join([*records, *map(repr, self.events), *map(told, self.errors)])


@pytest.fixture
def output(caplog: pytest.LogCaptureFixture) -> Output:
    return Output(caplog)


def settings(proxy: RawServer, **more: Any) -> dict[str, Any]:
    return {
        "key": KEY,
        "security_token": TOKEN,
        "login": True,
        "proxy": f"http://user:{PROXY}@127.0.0.1:{proxy.port}",
        "endpoint": "http://localhost:9",
        "timeout": 0.05,
        **more,
    }


@pytest.mark.parametrize("behaviour", TROUBLE.values(), ids=TROUBLE)
def test_no_secret_is_shown_whatever_the_cloud_answers(bench: Bench, output: Output, behaviour: Behaviour) -> None:
    with RawServer(GRANT, behaviour) as proxy:
        driver = bench.real(bench.acme(**settings(proxy)), policy=ONCE, observe=output.events.append)
        output.of(lambda: driver.rows(lambda client: client.modules.list()))
        output.of(lambda: driver.run(driver.exchange.backend.create_module(product="p", name="m")))
        reachable = shown(driver.client)
        bench.close()
    assert output.events
    assert len(proxy.requests) >= 3
    assert FETCHED.encode() in proxy.requests[1], "the fetched token is in use"
    assert behaviour is MODULES or output.errors
    assert not found(output.text())
    assert "<acme backend>" in reachable
    assert not found(reachable)


LOGINS: dict[str, Behaviour] = {
    "echo": echo,
    "truncated": Last(reply(json.dumps({"token": FETCHED}).encode()[:-1])),
    "wrong": reply(
        json.dumps({"token": FETCHED, "lifetime": "never"}).encode(), "200 OK", f"X-Subject-Token: {FETCHED}"
    ),
    "no answer": DROP,
}


@pytest.mark.parametrize("behaviour", LOGINS.values(), ids=LOGINS)
def test_no_secret_is_shown_when_the_login_fails(bench: Bench, output: Output, behaviour: Behaviour) -> None:
    with RawServer(behaviour) as proxy:
        driver = bench.real(bench.acme(**settings(proxy)), policy=ONCE, observe=output.events.append)
        output.of(lambda: driver.rows(lambda client: client.modules.list()))
        bench.close()
    assert output.errors
    assert not found(output.text())


def test_no_secret_is_shown_when_the_proxy_refuses(bench: Bench, output: Output) -> None:
    with RawServer(reply(PROXY.encode(), f"407 {PROXY}", "Connection: close")) as proxy:
        driver = bench.real(bench.acme(**settings(proxy, endpoint="https://acme.test")), policy=ONCE)
        output.of(lambda: driver.rows(lambda client: client.modules.list()))
        bench.close()
    assert output.errors
    assert not found(output.text())


def test_a_part_of_a_secret_at_the_end_of_an_excerpt_is_masked(bench: Bench) -> None:
    for place in range(170, 200):
        backend = bench.acme(key=KEY)
        driver = bench.over(backend, lambda _, place=place: httpx.Response(200, content=b"x" * place + KEY.encode()))
        with pytest.raises(ProtocolError) as caught:
            driver.run(backend.list_modules())
        assert KEY[:SHORTEST] not in caught.value.excerpt


def test_a_lost_write_shows_no_secret_of_its_cause(bench: Bench, output: Output) -> None:
    backend = bench.acme(key=KEY)
    driver = bench.over(backend, Script(refused(f"x{KEY}", 502, message=KEY, id=KEY)))
    request = Request(operation="W", method="POST", origin="https://acme.test", read=False)
    output.of(lambda: driver.run(backend.ask(request=request)))
    assert isinstance(output.errors[0], OutcomeUnknownError)
    assert not found(output.text())


# --- settings given and configured ----------------------------------------------------------------------------------


@pytest.fixture
def acme_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "backend", lambda *_: AcmeBackend)


WRONG: list[dict[str, Any]] = [
    {"key": KEY + "\n"},
    {"key": KEY, "no_such_setting": TOKEN},
    {"key": KEY, "endpoint": f"https://user:{PROXY}@acme.test"},
    {"key": KEY, "timeout": -1},
    {"key": [KEY]},
    {"key": KEY, "login": TOKEN},
    {"key": KEY, "quotas": TOKEN},
    {"key": KEY, "proxy": f"http://user:{PROXY}@x \n"},
]


@pytest.mark.usefixtures("acme_is_installed")
@pytest.mark.parametrize("make", [connect, aconnect])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: " ".join(wrong))
def test_settings_that_are_wrong_are_refused_without_their_values(
    output: Output, wrong: dict[str, Any], make: Callable[..., Any]
) -> None:
    output.of(lambda: make(backend="acme", **wrong))
    assert isinstance(output.errors[0], ConfigurationError)
    assert not found(output.text())


@pytest.mark.usefixtures("acme_is_installed")
def test_a_client_and_all_that_can_be_reached_from_it_show_no_secret() -> None:
    with connect(backend="acme", key=KEY, security_token=TOKEN, proxy=f"http://user:{PROXY}@127.0.0.1:9") as client:
        text = shown(client) + shown(client.modules.list(product="p"))
    assert "<otabridge client of acme, backend acme>" in text
    assert "SecretStr('**********')" in text
    assert not found(text)


def test_what_holds_secrets_cannot_be_pickled(bench: Bench) -> None:
    backend = bench.acme(key=KEY)
    driver = bench.over(backend, Script())
    for held in (driver.client, backend.config, backend, driver.exchange, AcmeSigner(KEY.encode())):
        with pytest.raises(TypeError):
            pickle.dumps(held)


def test_requests_and_answers_hide_what_they_carry() -> None:
    request = Request(
        operation="O",
        query=(("k", KEY),),
        headers=(("h", KEY),),
        body=KEY.encode(),
        form=(("f", KEY),),
        target=f"/?{quote(KEY)}",
    )
    for thing in (request, request.on_wire(), Response(200, {"x": KEY}, KEY.encode())):
        assert not found(repr(thing) + str(thing))


def test_a_header_that_cannot_be_sent_is_refused_without_its_value(bench: Bench, output: Output) -> None:
    with RawServer() as server:
        driver = bench.real(bench.acme(endpoint=server.url, key=KEY), policy=ONCE)
        request = Request(operation="O", origin=server.url, headers=(("X-Key", f"{KEY}\n"),), auth=False)
        output.of(lambda: driver.run(driver.exchange.backend.ask(request=request)))
        bench.close()
    assert isinstance(output.errors[0], ConfigurationError)
    assert not found(output.text())


def test_a_target_that_cannot_be_sent_is_refused_without_its_query(bench: Bench, output: Output) -> None:
    with RawServer() as server:
        driver = bench.real(bench.acme(endpoint=server.url), policy=ONCE)
        request = Request(operation="O", origin=server.url, target=f"/a/../b?k={KEY}", auth=False)
        output.of(lambda: driver.run(driver.exchange.backend.ask(request=request)))
        bench.close()
    assert isinstance(output.errors[0], ValidationError)
    assert not found(output.text())


# --- the real backends ----------------------------------------------------------------------------------------------


def huawei(**more: Any) -> tuple[type[Backend], dict[str, Any]]:
    return HuaweiBackend, {
        "endpoint": "https://hw.test",
        "region": "cn-north-4",
        "project_id": "p0",
        "app_id": "a0",
        **more,
    }


ACTION = {"access_key_id": "LTAI-visible", "access_key_secret": KEY, "security_token": TOKEN}
BACKENDS: dict[str, tuple[type[Backend], dict[str, Any]]] = {
    "huawei plain": huawei(auth="plain", access_key="AK-visible", secret_key=KEY, security_token=TOKEN),
    "huawei derived": huawei(auth="derived", access_key="AK-visible", secret_key=KEY, security_token=TOKEN),
    "huawei token": huawei(auth="token", username="u", password=KEY, domain="d", iam_endpoint="https://iam.test"),
    "tuya": (TuyaBackend, {"endpoint": "https://tuya.test", **ACTION}),
    "aliyun acs3": (AliyunBackend, {"region": "cn-shanghai", "signature": "acs3", **ACTION}),
    "aliyun rpc": (AliyunBackend, {"region": "cn-shanghai", "signature": "rpc", **ACTION}),
}
ACTION_DEVICE = {"DeviceName": "d1", "DeviceSecret": DEVICE, "IotId": "i1", "ProductKey": "p1", "Status": "ONLINE"}
HUAWEI_DEVICE = {
    "device_id": "i1",
    "node_id": "d1",
    "product_id": "p1",
    "status": "ONLINE",
    "auth_info": {"auth_type": "SECRET", "secret": DEVICE, "secondary_secret": DEVICE, "fingerprint": DEVICE},
}


def device(request: httpx.Request, **change: Any) -> dict[str, Any]:
    """The vendor's answer that holds a device's secrets."""
    if request.url.host == "hw.test":
        one = {**HUAWEI_DEVICE, **change}
        return {**one, "devices": [one], "page": {"count": 1}}
    one = {**ACTION_DEVICE, **change}
    paged = {"Data": {"DeviceInfo": [one], **one}, "Total": 1, "PageCount": 1, "Page": 1, "PageSize": 50}
    return {"Success": True, "RequestId": "r1", **paged}


def heard(request: httpx.Request) -> str:
    everything = f"{request.url} {request.headers.raw!r} {request.content!r}"
    known = [secret for secret in (KEY, TOKEN, FETCHED) if secret in everything or secret == KEY]
    return everything + " ".join(form for secret in known for form in forms(secret))


def envelope(request: httpx.Request, code: str) -> dict[str, Any]:
    both = {"error_code": code, "error_msg": heard(request), "Code": code, "ErrorMessage": heard(request)}
    return {**both, "Message": heard(request), "Success": False, "RequestId": f"r {KEY}"}


ANSWERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "success": lambda request: said(**device(request)),
    "refusal that echoes": lambda request: said(400, **envelope(request, "IOTDA.000001")),
    "refusal in a 200": lambda request: said(200, **envelope(request, f"x.{KEY}")),
    "unknown signature": lambda request: said(401, **envelope(request, "SignatureDoesNotMatch")),
    "failure": lambda request: said(500, **envelope(request, "SystemError")),
    "HTML": lambda request: httpx.Response(200, html=f"<html>{heard(request)}"),
    "truncated": lambda request: httpx.Response(200, content=json.dumps(device(request)).encode()[:-30]),
    "wrong types": lambda request: said(**device(request, device_id=[1], IotId=[1], node_id=5, DeviceName={})),
    "XML": lambda _: httpx.Response(500, content=f"<Error><DeviceSecret>{DEVICE}</DeviceSecret></Error>"),
    "no answer": lambda _: _raise(httpx.ReadError("broke")),
}


def _raise(error: Exception) -> Any:
    raise error


def serving(answer: Callable[[httpx.Request], httpx.Response], login: str) -> Callable[[httpx.Request], httpx.Response]:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v3/auth/tokens":
            return answer(request)
        if login == "echo":
            return said(401, error={"code": 401, "message": heard(request), "title": "Unauthorized"})
        body = (
            {"token": {"expires_at": "2099-01-01T00:00:00.000000Z"}} if login == "good" else {"token": {"x": FETCHED}}
        )
        return said(201, headers={"X-Subject-Token": FETCHED}, **body)

    return serve


def used(driver: Any, output: Output) -> Iterator[object]:
    """What a client does with a device, a list and a write."""
    backend = driver.exchange.backend
    yield output.of(lambda: driver.run(backend.get_device(product="p1", device="d1")))
    yield output.of(lambda: driver.run(backend.get_device(device_id="i1")))
    yield output.of(lambda: driver.rows(lambda client: client.devices.list(product="p1")))
    yield output.of(lambda: driver.rows(lambda client: client.devices.versions(id="i1")))
    yield output.of(lambda: driver.run(backend.create_module(product="p1", name="m")))


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("name", BACKENDS)
def test_no_backend_shows_a_secret(
    bench: Bench, output: Output, name: str, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    kind, given_settings = BACKENDS[name]
    backend = kind(kind.settings(**given_settings), world=bench.world.world)
    driver = bench.over(backend, serving(answer, "good"), policy=ONCE, observe=output.events.append)
    results = list(used(driver, output))
    rows = repr(results) + repr([getattr(row, "raw", None) for row in results])
    assert output.events
    assert answer is not ANSWERS["success"] or any(isinstance(result, Device) for result in results)
    assert not found(rows)
    assert not found(output.text())
    assert not found(shown(driver.client))


@pytest.mark.parametrize("login", ["echo", "not understood"])
def test_a_login_that_fails_shows_no_secret(bench: Bench, output: Output, login: str) -> None:
    kind, given_settings = BACKENDS["huawei token"]
    backend = kind(kind.settings(**given_settings), world=bench.world.world)
    driver = bench.over(backend, serving(lambda _: said(), login), policy=ONCE, observe=output.events.append)
    list(used(driver, output))
    assert output.errors
    assert not found(output.text())


@pytest.mark.parametrize("name", BACKENDS)
def test_an_argument_that_cannot_be_encoded_shows_no_secret(bench: Bench, output: Output, name: str) -> None:
    kind, given_settings = BACKENDS[name]
    backend = kind(kind.settings(**given_settings, validate="off"), world=bench.world.world)
    driver = bench.over(backend, serving(lambda request: said(**device(request)), "good"), policy=ONCE)
    for work in (
        lambda: driver.run(backend.create_module(product="p1", name="\ud800")),
        lambda: driver.run(backend.get_device(product="\ud800", device="d1")),
    ):
        try:
            output.of(work)
        except ValueError as error:
            output.errors.append(error)
    assert not found(output.text())


@pytest.mark.parametrize("name", BACKENDS)
def test_no_signer_and_no_settings_can_be_pickled(bench: Bench, name: str) -> None:
    kind, given_settings = BACKENDS[name]
    backend = kind(kind.settings(**given_settings))
    credential = bench.over(backend, serving(lambda _: said(), "good")).run(backend.credential())
    for held in (credential.signer, credential, backend.config, backend):
        with pytest.raises(TypeError):
            pickle.dumps(held)
        assert not found(repr(held) + str(held))


def test_settings_show_no_secret() -> None:
    given_settings = AcmeSettings(key=KEY, security_token=TOKEN, proxy=f"http://user:{PROXY}@x:1")
    assert not found(repr(given_settings) + str(given_settings) + repr(given_settings.model_dump(exclude={"proxy"})))
    assert {KEY, TOKEN, PROXY} <= set(given_settings.secrets())
