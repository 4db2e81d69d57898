"""The engine, through both drivers on a fake clock: retries, lost writes, credentials, clock skew, what is observed."""

import hashlib
import hmac
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from otabridge.errors import (
    AuthenticationError,
    ConflictError,
    ConnectError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    OutcomeUnknownError,
    ProtocolError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    TransportError,
)
from otabridge.flow import Flow, Sleep, Steps, flow, local, send
from otabridge.hookspecs import RequestFinished
from otabridge.retry import RetryPolicy
from otabridge.wire import Request, Response
from tests.support.acme import HOME, LAG, AcmeBackend, AcmeSettings
from tests.support.runner import Bench, Script, refused, said
from tests.support.world import FakeWorld

READ = Request(operation="Read", origin=HOME, path="/r")
WRITE = Request(operation="Write", method="POST", origin=HOME, path="/w", read=False)
MODULE = {"p": "p1", "n": "mcu"}


def asked(bench: Bench, request: Request, *replies: Any, **engine: Any) -> tuple[Script, Response | OtaBridgeError]:
    """What became of one request that a script answers."""
    script = Script(*replies)
    backend = bench.acme()
    driver = bench.over(backend, script, **engine)
    try:
        return script, driver.run(backend.ask(request=request))
    except OtaBridgeError as error:
        return script, error


# --- reads ----------------------------------------------------------------------------------------------------------


def test_an_answer_comes_back_at_once(bench: Bench) -> None:
    script, answer = asked(bench, READ, said(a=1))
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, len(script.requests), bench.world.waits) == (200, b'{"a":1}', 1, [])


FAULTS = [
    (httpx.ConnectError("refused"), ConnectError),
    (httpx.ConnectTimeout("slow"), ConnectError),
    (httpx.ProxyError("no"), ConnectError),
    (httpx.ReadTimeout("slow"), RequestTimeoutError),
    (httpx.WriteTimeout("slow"), RequestTimeoutError),
    (httpx.ReadError("reset"), TransportError),
    (httpx.WriteError("reset"), TransportError),
    (httpx.RemoteProtocolError("gone"), TransportError),
    (said(500), ServerError),
    (said(502), ServerError),
    (said(503), ServerError),
    (refused("broken"), ServerError),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=lambda value: getattr(value, "__name__", repr(value)))
def test_a_read_is_tried_four_times_and_then_fails_by_its_class(
    bench: Bench, fault: Any, error: type[OtaBridgeError]
) -> None:
    script, outcome = asked(bench, READ, *[fault] * 4)
    assert type(outcome) is error
    assert (outcome.operation, len(script.requests)) == ("Read", 4)
    assert bench.world.waits == pytest.approx([0.2, 0.4, 0.8])


@pytest.mark.parametrize("jitter", [0.0, 0.25, 1.0])
def test_the_waits_are_jittered(bench: Bench, jitter: float) -> None:
    bench.world.jitter = jitter
    asked(bench, READ, *[said(500)] * 3, said())
    assert bench.world.waits == pytest.approx([0.2 * jitter, 0.4 * jitter, 0.8 * jitter])


@pytest.mark.parametrize("throttle", [said(429), refused("throttled", 400), refused("throttled", 200)])
def test_a_throttled_read_waits_longer(bench: Bench, throttle: httpx.Response) -> None:
    _, outcome = asked(bench, READ, *[throttle] * 3, said())
    assert isinstance(outcome, Response)
    assert bench.world.waits == pytest.approx([1.0, 2.0, 4.0])


def test_the_first_success_ends_the_retries(bench: Bench) -> None:
    script, outcome = asked(bench, READ, said(500), httpx.ReadTimeout("slow"), said(a=1))
    assert isinstance(outcome, Response)
    assert len(script.requests) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(bench: Bench, status: int) -> None:
    asked(bench, READ, said(status, headers={"Retry-After": "7"}), said())
    assert bench.world.waits == [7.0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date_is_obeyed_by_the_server_clock(bench: Bench, status: int) -> None:
    then = datetime(2030, 1, 1, tzinfo=UTC)
    dates = {"Date": format_datetime(then, True), "Retry-After": format_datetime(then + timedelta(seconds=9), True)}
    asked(bench, READ, said(status, headers=dates), said())
    assert bench.world.waits == [9.0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_longer_retry_after_is_told_at_once(bench: Bench, status: int) -> None:
    script, outcome = asked(bench, READ, said(status, headers={"Retry-After": "61"}))
    assert (outcome.retry_after, len(script.requests), bench.world.waits) == (61.0, 1, [])


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (said(401), AuthenticationError),
        (said(404), NotFoundError),
        (httpx.Response(404, html="<html>nginx</html>"), ProtocolError),
        (refused("gone", 200), NotFoundError),
        (refused("taken"), ConflictError),
        (said(418), InvalidRequestError),
        (said(302, headers={"Location": "/x"}), ProtocolError),
    ],
)
def test_a_refusal_is_not_repeated(bench: Bench, reply: httpx.Response, error: type[OtaBridgeError]) -> None:
    script, outcome = asked(bench, READ, reply)
    assert (type(outcome), len(script.requests)) == (error, 1)


def test_an_error_says_what_support_will_ask_for(bench: Bench) -> None:
    _, error = asked(bench, READ, refused("taken", 409, message="it is there", id="r-7"))
    facts = [getattr(error, name) for name in ("backend", "operation", "status", "code", "message", "request_id")]
    assert facts == ["acme", "Read", 409, "taken", "it is there", "r-7"]


def test_a_transport_error_names_backend_and_operation(bench: Bench) -> None:
    _, error = asked(bench, READ, *[httpx.ReadError("x")] * 4)
    assert (error.backend, error.operation) == ("acme", "Read")


def test_the_deadline_ends_the_retries(bench: Bench) -> None:
    policy = RetryPolicy(attempts=50, deadline=100.0)
    script, outcome = asked(bench, READ, *[said(503, headers={"Retry-After": "40"})] * 5, policy=policy)
    assert isinstance(outcome, ServerError)
    assert (bench.world.waits, len(script.requests)) == ([40.0, 40.0], 3)


def test_time_that_attempts_take_counts_against_the_deadline(bench: Bench) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        bench.world.pass_time(90)
        raise httpx.ReadTimeout("slow")

    script, _ = asked(bench, READ, *[slow] * 4)
    assert len(script.requests) == 2


# --- the budget -----------------------------------------------------------------------------------------------------


def test_an_outage_does_not_multiply_the_traffic(bench: Bench) -> None:
    requests: list[httpx.Request] = []

    def down(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return said(503)

    backend = bench.acme()
    driver = bench.over(backend, down)
    for _ in range(50):
        with pytest.raises(ServerError):
            driver.run(backend.ask(request=READ))
    assert len(requests) == 50 + 30


def test_success_pays_for_later_retries(bench: Bench) -> None:
    failing = True
    requests: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return said(503) if failing else said()

    backend = bench.acme()
    driver = bench.over(backend, serve)
    for _ in range(20):
        with pytest.raises(ServerError):
            driver.run(backend.ask(request=READ))
    failing = False
    for _ in range(6):
        driver.run(backend.ask(request=READ))
    failing = True
    before = len(requests)
    with pytest.raises(ServerError):
        driver.run(backend.ask(request=READ))
    assert len(requests) - before == 4


# --- writes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("refused"), httpx.ConnectTimeout("x"), said(429), refused("throttled")]
)
def test_a_write_is_repeated_where_nothing_was_executed(bench: Bench, fault: Any) -> None:
    script, outcome = asked(bench, WRITE, fault, said(201))
    assert isinstance(outcome, Response)
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("gone"),
        said(502),
        said(503),
        said(504),
        said(500),
    ],
)
def test_a_write_whose_answer_is_lost_is_sent_once_and_its_outcome_unknown(bench: Bench, fault: Any) -> None:
    script, outcome = asked(bench, WRITE, fault)
    assert type(outcome) is OutcomeUnknownError
    assert len(script.requests) == 1


def test_an_unknown_outcome_carries_what_the_gateway_said(bench: Bench) -> None:
    _, error = asked(bench, WRITE, refused("broken", 504, id="r-9"))
    assert isinstance(error, OutcomeUnknownError)
    facts = (error.backend, error.operation, error.status, error.code, error.request_id)
    assert facts == ("acme", "Write", 504, "broken", "r-9")


def test_a_refused_connection_in_the_end_is_no_unknown_outcome(bench: Bench) -> None:
    script, error = asked(bench, WRITE, *[httpx.ConnectError("refused")] * 4)
    assert (type(error), len(script.requests)) == (ConnectError, 4)


def created(bench: Bench, *replies: Any) -> tuple[Script, Any]:
    script = Script(*replies)
    backend = bench.acme()
    driver = bench.over(backend, script)
    try:
        return script, driver.run(backend.create_module(product="p1", name="mcu"))
    except OtaBridgeError as error:
        return script, error


LOOK = "GET /modules/mcu"
CREATE = "POST /modules"


def test_a_create_whose_answer_was_lost_is_found(bench: Bench) -> None:
    script, module = created(bench, httpx.ReadTimeout("slow"), said(**MODULE))
    assert (module.name, script.paths, bench.world.waits) == ("mcu", [CREATE, LOOK], [])


def test_a_create_whose_answer_was_lost_is_found_after_the_lag(bench: Bench) -> None:
    script, module = created(bench, httpx.ReadTimeout("slow"), refused("gone", 404), said(**MODULE))
    assert (module.name, script.paths, bench.world.waits) == ("mcu", [CREATE, LOOK, LOOK], [LAG])


def test_a_create_that_is_not_found_is_never_sent_again(bench: Bench) -> None:
    script, error = created(bench, httpx.ReadTimeout("slow"), refused("gone", 404), refused("gone", 404))
    assert (type(error), script.paths) == (OutcomeUnknownError, [CREATE, LOOK, LOOK])


def test_an_outage_after_a_create_leaves_its_outcome_unknown(bench: Bench) -> None:
    script, error = created(bench, httpx.ReadTimeout("slow"), *[httpx.ConnectError("down")] * 8)
    assert (type(error), error.operation) == (OutcomeUnknownError, "CreateModule")
    assert script.paths.count(CREATE) == 1


# --- each attempt is signed anew ------------------------------------------------------------------------------------


def test_every_attempt_has_its_own_nonce_date_and_signature(bench: Bench) -> None:
    script, _ = asked(bench, READ, *[said(500)] * 3, said())
    for name in ("x-nonce", "x-date", "x-signature"):
        values = script.headers(name)
        assert None not in values
        assert len(set(values)) == 4


def test_what_is_sent_is_what_was_signed(bench: Bench) -> None:
    request = Request(
        operation="Odd",
        method="POST",
        origin=HOME,
        path="/a b/*~é",
        query=(("q", "x y+&"), ("e", "")),
        body=b"\xff\x00",
    )
    script, _ = asked(bench, request, said())
    sent = script.requests[0]
    target = sent.url.raw_path.decode()
    assert target == "/a%20b/%2A~%C3%A9?q=x%20y%2B%26&e="
    text = "\n".join((sent.method, target, sent.headers["x-date"], sent.headers["x-nonce"])).encode() + sent.content
    assert sent.headers["x-signature"] == hmac.new(b"acme-key", text, hashlib.sha256).hexdigest()


def test_a_request_without_authentication_is_not_signed(bench: Bench) -> None:
    script, _ = asked(bench, Request(operation="Open", origin=HOME, path="/o", auth=False), said())
    assert script.headers("x-signature") == [None]


# --- flows in the engine --------------------------------------------------------------------------------------------


class Steps2(AcmeBackend):
    """Flows that say when they are closed."""

    def __init__(self, world: FakeWorld) -> None:
        super().__init__(AcmeSettings(), world=world.world)
        self.log: list[str] = []

    @flow
    def failing(self, *, error: Exception) -> Steps[None]:
        try:
            yield from send(READ)
            raise error
        finally:
            self.log.append("closed")

    @flow
    def caught(self) -> Steps[str]:
        try:
            yield from send(READ)
        except NotFoundError as error:
            return f"caught {error.code}"
        return "found"

    @flow
    def effects(self) -> Steps[list[Any]]:
        yield Sleep(3.5)
        name = yield from local(lambda: "local")
        try:
            yield from local(_broken)
        except OSError as error:
            return [name, str(error)]
        return []


def _broken() -> None:
    raise OSError("disk full")


@pytest.mark.parametrize("error", [ValueError("ours"), ConflictError("theirs")])
def test_a_flow_that_fails_is_closed_and_its_error_passed_on(bench: Bench, error: Exception) -> None:
    backend = Steps2(bench.world)
    with pytest.raises(type(error)) as caught:
        bench.over(backend, Script(said())).run(backend.failing(error=error))
    assert caught.value is error
    assert backend.log == ["closed"]


def test_an_error_is_raised_where_the_flow_can_catch_it(bench: Bench) -> None:
    backend = Steps2(bench.world)
    assert bench.over(backend, Script(refused("gone", 404))).run(backend.caught()) == "caught gone"


def test_sleeps_and_local_work_are_done_and_their_errors_thrown_in(bench: Bench) -> None:
    backend = Steps2(bench.world)
    assert bench.over(backend, Script()).run(backend.effects()) == ["local", "disk full"]
    assert bench.world.waits == [3.5]


def test_local_work_of_an_async_client_is_done_on_one_thread_that_is_not_the_loops() -> None:
    bench = Bench("async")

    def steps() -> Steps[list[int]]:
        first = yield from local(threading.get_ident)
        second = yield from local(threading.get_ident)
        return [first, second]

    first, second = bench.over(bench.acme(), Script()).run(Flow(steps(), "threads"))
    bench.close()
    assert first == second != threading.get_ident()


def test_an_interrupt_closes_the_flow(bench: Bench) -> None:
    backend = Steps2(bench.world)

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.over(backend, interrupted).run(backend.failing(error=ValueError()))
    assert backend.log == ["closed"]


# --- what is observed -----------------------------------------------------------------------------------------------


def test_an_observer_sees_every_attempt(bench: Bench) -> None:
    seen: list[RequestFinished] = []
    request = Request(operation="Read", origin=HOME, path="/r", query=(("q", "private"),))
    asked(bench, request, refused("broken", 500, id="r1"), httpx.ReadTimeout("slow"), said(), observe=seen.append)
    facts = [(event.attempt, event.status, event.code, event.request_id, event.error) for event in seen]
    assert facts == [
        (1, 500, "broken", "r1", "ServerError"),
        (2, None, None, None, "RequestTimeoutError"),
        (3, 200, None, None, None),
    ]
    assert {(event.backend, event.operation, event.method, event.url) for event in seen} == {
        ("acme", "Read", "GET", HOME + "/r")
    }


def test_an_event_is_redacted(bench: Bench) -> None:
    seen: list[RequestFinished] = []
    request = Request(operation="Read", origin=HOME, path="/r/acme-key")
    asked(bench, request, refused("code of acme-key", id="id of acme-key"), observe=seen.append)
    (event,) = seen
    assert "acme-key" not in repr(event)
    assert (event.url, event.code, event.request_id) == (HOME + "/r/***", "code of ***", "id of ***")


def test_an_observer_that_fails_breaks_itself_alone(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: RequestFinished) -> None:
        raise ZeroDivisionError

    _, outcome = asked(bench, WRITE, said(201), observe=broken)
    assert isinstance(outcome, Response)
    assert "an observer of requests failed: ZeroDivisionError" in caplog.text


def test_each_attempt_is_logged_without_its_query(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "otabridge")
    asked(bench, Request(operation="Read", origin=HOME, path="/r", query=(("q", "private"),)), refused("gone", 404))
    assert caplog.messages == [f"acme Read: GET {HOME}/r -> 404 NotFoundError gone in 0 ms, attempt 1"]


def test_a_throttled_read_in_the_end_is_a_rate_limit_error(bench: Bench) -> None:
    script, error = asked(bench, READ, *[said(429)] * 4)
    assert (type(error), len(script.requests)) == (RateLimitError, 4)
