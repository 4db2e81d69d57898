"""Credentials and clocks, through both drivers: fetched once, renewed in time, and put right when they are refused."""

import asyncio
import hashlib
import hmac
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from otabridge._exchange import Resolved
from otabridge.errors import (
    AuthenticationError,
    OtaBridgeError,
)
from otabridge.flow import Steps, flow, send
from otabridge.signing import Credential
from otabridge.wire import Request, Response
from tests.support.acme import HOME, AcmeBackend, AcmeSettings
from tests.support.runner import Bench, Script, refused, said
from tests.support.world import START

READ = Request(operation="Read", origin=HOME, path="/r")
WRITE = Request(operation="Write", method="POST", origin=HOME, path="/w", read=False)


def asked(bench: Bench, request: Request, *replies: Any, **engine: Any) -> tuple[Script, Response | OtaBridgeError]:
    """What became of one request that a script answers."""
    script = Script(*replies)
    backend = bench.acme()
    driver = bench.over(backend, script, **engine)
    try:
        return script, driver.run(backend.ask(request=request))
    except OtaBridgeError as error:
        return script, error


# --- the clock ------------------------------------------------------------------------------------------------------


def clocked(bench: Bench, ahead: timedelta, requests: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    """A cloud whose clock is ahead, and that refuses a date more than a minute off."""

    def serve(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        theirs = bench.world.now() + ahead
        if abs(datetime.fromisoformat(request.headers["x-date"]) - theirs) > timedelta(seconds=60):
            return refused("badclock", 401, headers={"Date": format_datetime(theirs, True)})
        return said()

    return serve


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_a_clock_that_is_an_hour_off_is_corrected_once_and_remembered(
    bench: Bench, ahead: timedelta, request_: Request
) -> None:
    requests: list[httpx.Request] = []
    backend = bench.acme()
    driver = bench.over(backend, clocked(bench, ahead, requests))
    driver.run(backend.ask(request=request_))
    assert len(requests) == 2
    driver.run(backend.ask(request=request_))
    assert len(requests) == 3
    assert bench.world.waits == []


def test_skew_is_remembered_for_each_origin(bench: Bench) -> None:
    requests: list[httpx.Request] = []
    backend = bench.acme()
    driver = bench.over(backend, clocked(bench, timedelta(hours=1), requests))
    driver.run(backend.ask(request=READ))
    other = Request(operation="Read", origin="https://other.test", path="/r")
    driver.run(backend.ask(request=other))
    assert [request.url.host for request in requests] == ["acme.test"] * 2 + ["other.test"] * 2


def test_a_second_refusal_of_the_time_is_final(bench: Bench) -> None:
    hours = iter(range(1, 9))

    def serve(_: httpx.Request) -> httpx.Response:
        return refused("badclock", 401, headers={"Date": format_datetime(START + timedelta(hours=next(hours)), True)})

    script, error = asked(bench, READ, *[serve] * 4)
    assert (type(error), len(script.requests)) == (AuthenticationError, 2)


@pytest.mark.parametrize("date", [None, "nonsense", format_datetime(START + timedelta(seconds=59), True)])
def test_a_refusal_that_is_not_about_the_time_is_final(bench: Bench, date: str | None) -> None:
    headers = {"Date": date} if date else None
    script, error = asked(bench, READ, refused("badclock", 401, headers=headers))
    assert (type(error), len(script.requests)) == (AuthenticationError, 1)


def test_a_clock_put_right_meanwhile_is_measured_again(bench: Bench) -> None:
    ahead = timedelta(hours=1)
    requests: list[httpx.Request] = []
    backend = bench.acme()
    driver = bench.over(backend, lambda request: clocked(bench, ahead, requests)(request))
    driver.run(backend.ask(request=READ))
    ahead = timedelta()
    driver.run(backend.ask(request=READ))
    assert len(requests) == 4


# --- credentials ----------------------------------------------------------------------------------------------------


class Gate:
    """A cloud that gives tokens for `lifetime` seconds and takes only those in `valid`."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.lifetime = lifetime
        self.logins = 0
        self.tokens: list[str | None] = []
        self.stale: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/login":
            self.logins += 1
            return said(token=f"token-{self.logins}", lifetime=self.lifetime)
        token = request.headers.get("x-token")
        self.tokens.append(token)
        return refused("expired", 401) if token in self.stale else said()


def test_a_token_is_fetched_once_and_used_again(bench: Bench) -> None:
    gate = Gate()
    backend = bench.acme(login=True)
    driver = bench.over(backend, gate)
    for _ in range(3):
        driver.run(backend.ask(request=READ))
    assert (gate.logins, gate.tokens) == (1, ["token-1"] * 3)


def test_a_token_is_fetched_again_a_minute_before_it_expires(bench: Bench) -> None:
    gate = Gate(lifetime=3600)
    backend = bench.acme(login=True)
    driver = bench.over(backend, gate)
    for seconds in (0.0, 3540.0, 3540.5):
        bench.world.seconds = seconds
        driver.run(backend.ask(request=READ))
    assert gate.tokens == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_an_expired_token_is_replaced_and_the_request_repeated(bench: Bench, request_: Request) -> None:
    gate = Gate()
    gate.stale = {"token-1"}
    backend = bench.acme(login=True)
    driver = bench.over(backend, gate)
    driver.run(backend.ask(request=request_))
    assert (gate.logins, gate.tokens, bench.world.waits) == (2, ["token-1", "token-2"], [])


def test_a_second_expired_token_is_final(bench: Bench) -> None:
    gate = Gate()
    gate.stale = {"token-1", "token-2", "token-3"}
    backend = bench.acme(login=True)
    with pytest.raises(AuthenticationError):
        bench.over(backend, gate).run(backend.ask(request=READ))
    assert gate.tokens == ["token-1", "token-2"]


def test_a_login_that_fails_is_told_and_tried_again_by_the_next_request(bench: Bench) -> None:
    script = Script(refused("badclock", 401), said(token="t", lifetime=60), said())
    backend = bench.acme(login=True)
    driver = bench.over(backend, script)
    with pytest.raises(AuthenticationError):
        driver.run(backend.ask(request=READ))
    driver.run(backend.ask(request=READ))
    assert script.paths == ["POST /login", "POST /login", "GET /r"]


def test_tasks_that_need_a_token_fetch_it_once() -> None:
    bench = Bench("async")
    gate = Gate()

    async def slow(request: httpx.Request) -> httpx.Response:
        for _ in range(5):
            await asyncio.sleep(0)
        return gate(request)

    backend = bench.acme(login=True)
    driver = bench.over(backend, slow)

    async def main() -> None:
        await asyncio.gather(*(driver.driver.run(backend.ask(request=READ)) for _ in range(20)))

    driver.loop.run(main())
    bench.close()
    assert (gate.logins, gate.tokens) == (1, ["token-1"] * 20)


def test_tasks_whose_token_has_expired_replace_it_once() -> None:
    bench = Bench("async")
    gate = Gate()
    gate.stale = {"token-1"}

    async def serve(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return gate(request)

    backend = bench.acme(login=True)
    driver = bench.over(backend, serve)

    async def main() -> None:
        await asyncio.gather(*(driver.driver.run(backend.ask(request=READ)) for _ in range(10)))

    driver.loop.run(main())
    bench.close()
    assert gate.logins == 2
    assert gate.tokens.count("token-2") == 10


def test_threads_that_need_a_token_fetch_it_once() -> None:
    bench = Bench("sync")
    gate = Gate()
    all_there = threading.Barrier(8)

    def serve(request: httpx.Request) -> httpx.Response:
        return gate(request)

    backend = bench.acme(login=True)
    driver = bench.over(backend, serve)

    def work() -> None:
        all_there.wait(10)
        driver.run(backend.ask(request=READ))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (gate.logins, gate.tokens) == (1, ["token-1"] * 8)


def test_a_task_that_is_cancelled_while_it_fetches_leaves_the_fetching_to_the_next() -> None:
    bench = Bench("async")
    gate = Gate()
    never = True

    async def serve(request: httpx.Request) -> httpx.Response:
        if never:
            await asyncio.Event().wait()
        return gate(request)

    backend = bench.acme(login=True)
    driver = bench.over(backend, serve)

    async def main() -> None:
        nonlocal never
        task = asyncio.ensure_future(driver.driver.run(backend.ask(request=READ)))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        never = False
        await driver.driver.run(backend.ask(request=READ))

    driver.loop.run(main())
    bench.close()
    assert gate.tokens == ["token-1"]


def test_settings_with_an_expiry_are_resolved_again_a_minute_before_it(bench: Bench) -> None:
    resolved: list[int] = []

    def renew() -> Resolved:
        resolved.append(1)
        later = bench.world.now() + timedelta(seconds=600)
        return Resolved(AcmeSettings(key=f"key-{len(resolved)}"), later)

    requests = Script(*[said() for _ in range(4)])
    backend = bench.acme(key="key-0")
    driver = bench.over(backend, requests, expires_at=START + timedelta(seconds=600), renew=renew)
    for seconds in (0.0, 540.0, 541.0, 1000.0):
        bench.world.seconds = seconds
        driver.run(backend.ask(request=READ))
    keys = [
        next(key for key in (b"key-0", b"key-1", b"key-2") if _signature(key, sent) == sent.headers["x-signature"])
        for sent in requests.requests
    ]
    assert keys == [b"key-0", b"key-0", b"key-1", b"key-1"]


def _signature(key: bytes, sent: httpx.Request) -> str:
    text = "\n".join((sent.method, sent.url.raw_path.decode(), sent.headers["x-date"], sent.headers["x-nonce"]))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Forgetful(AcmeBackend):
    """Its login forgets to say `auth=False`."""

    @flow
    def credential(self) -> Steps[Credential]:
        yield from send(self.request("Login", "/login", method="POST"))
        return Credential()


def test_a_login_that_asks_for_its_own_credential_is_sent_unsigned_and_does_not_wait_for_ever(bench: Bench) -> None:
    gate = Gate()
    driver = bench.over(Forgetful(AcmeSettings(), world=bench.world.world), gate)
    driver.run(driver.exchange.backend.ask(request=READ))
    assert gate.logins == 1


def test_who_waits_for_a_login_that_fails_does_not_try_it_again() -> None:
    bench = Bench("async")
    logins = 0

    async def serve(request: httpx.Request) -> httpx.Response:
        nonlocal logins
        for _ in range(5):
            await asyncio.sleep(0)
        logins += 1
        return refused("denied", 401)

    backend = bench.acme(login=True)
    driver = bench.over(backend, serve)

    async def main() -> list[Any]:
        asked = (driver.driver.run(backend.ask(request=READ)) for _ in range(30))
        return await asyncio.gather(*asked, return_exceptions=True)

    outcomes = driver.loop.run(main())
    bench.close()
    assert {type(outcome) for outcome in outcomes} == {AuthenticationError}
    assert logins == 1
