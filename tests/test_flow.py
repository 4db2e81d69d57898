"""Flows: run once, closed always, and a write that looks for what became of it."""

import gc
from collections.abc import Mapping
from typing import Any

import pytest

from otabridge.errors import (
    ConflictError,
    ConnectError,
    InvalidRequestError,
    OutcomeUnknownError,
    PagingError,
    RequestTimeoutError,
    ServerError,
)
from otabridge.flow import Flow, Local, Sleep, Steps, flow, local, send, settled
from otabridge.wire import Request, Response

WRITE = Request(operation="Create", method="POST", read=False)
READ = Request(operation="Look")
LOST = OutcomeUnknownError("lost", operation="Create", code="c1", status=502, request_id="r1")


class Shop:
    """Something with one operation that admits, or does not."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, Mapping[str, Any]]] = []

    def admit(self, operation: str, arguments: Mapping[str, Any]) -> None:
        self.admitted.append((operation, arguments))
        if arguments.get("name") == "bad":
            raise ValueError("bad name")

    @flow
    def order(self, *, name: str) -> Steps[str]:
        """Order it."""
        reply = yield from send(READ)
        size = yield from local(lambda: len(name))
        return f"{name}{size}{reply.status}"


def closed(operation: Flow[Any]) -> None:
    iter(operation).close()


def test_an_operation_admits_its_arguments_before_it_is_run() -> None:
    shop = Shop()
    closed(shop.order(name="x"))
    assert shop.admitted == [("order", {"name": "x"})]
    with pytest.raises(ValueError, match="bad name"):
        shop.order(name="bad")


def test_a_flow_yields_its_effects_and_returns_its_result() -> None:
    steps = iter(Shop().order(name="abc"))
    assert next(steps) is READ
    work = steps.send(Response(200, {}))
    assert isinstance(work, Local)
    with pytest.raises(StopIteration) as done:
        steps.send(work.call())
    assert done.value.value == "abc3200"


def test_an_operation_keeps_the_name_and_docstring_of_its_method() -> None:
    operation = Shop().order(name="x")
    assert (Shop.order.__doc__, repr(operation)) == ("Order it.", "<flow Shop.order>")
    closed(operation)


def test_a_flow_cannot_be_run_twice() -> None:
    operation = Shop().order(name="x")
    closed(operation)
    with pytest.raises(RuntimeError, match=r"Shop\.order was run already"):
        iter(operation)


def test_a_flow_dropped_unrun_warns() -> None:
    unrun = [Shop().order(name="x")]
    with pytest.warns(ResourceWarning, match=r"Shop\.order was never run"):
        unrun.clear()


def test_a_flow_that_was_begun_and_dropped_does_not_warn() -> None:
    operation = Shop().order(name="x")
    next(iter(operation))
    del operation
    gc.collect()


def test_effects_hide_what_they_carry() -> None:
    secret = "s3cret"
    work = repr(Local(lambda: secret))
    assert "lambda" not in work
    assert repr(Sleep(1.5)) == "Sleep(seconds=1.5)"


# --- settled --------------------------------------------------------------------------------------------------------


def story(found: "list[str | Exception | None]", lost: Exception, *, lag: float = 5.0) -> tuple[list[Any], Any]:
    """What a settled write does whose answer is `lost`, where each look finds the next of `found`; and its result."""

    def look() -> Steps[str | None]:
        yield from send(READ)
        saw = found.pop(0)
        if isinstance(saw, Exception):
            raise saw
        return saw

    steps = settled(WRITE, look, read=lambda reply: reply, lag=lag)
    done: list[Any] = [next(steps)]
    try:
        effect: Any = steps.throw(lost)
        while True:
            done.append(effect)
            effect = steps.send(Response(200, {}))
    except StopIteration as end:
        return done, end.value
    except Exception as error:
        return done, error


def test_a_write_that_is_answered_is_not_looked_for() -> None:
    def look() -> Steps[None]:
        raise AssertionError
        yield

    steps = settled(WRITE, look, read=lambda reply: reply)
    assert next(steps) is WRITE
    with pytest.raises(StopIteration) as done:
        steps.send(Response(201, {}))
    assert done.value.value.status == 201


@pytest.mark.parametrize("lost", [LOST, ServerError("failed", code="x", status=500)])
def test_a_lost_write_is_looked_for_at_once(lost: Exception) -> None:
    assert story(["it"], lost) == ([WRITE, READ], "it")


def test_a_lost_write_is_looked_for_again_after_the_lag() -> None:
    assert story([None, "it"], LOST) == ([WRITE, READ, Sleep(5.0), READ], "it")


def test_a_lost_write_that_is_not_found_is_of_unknown_outcome_and_never_sent_again() -> None:
    assert story([None, None], LOST) == ([WRITE, READ, Sleep(5.0), READ], LOST)


def test_without_a_lag_there_is_one_look() -> None:
    assert story([None], LOST, lag=0.0) == ([WRITE, READ], LOST)


BLIND = [ConnectError("down"), RequestTimeoutError("slow"), ServerError("ill", status=503), PagingError("circle")]


@pytest.mark.parametrize("blind", BLIND)
def test_looks_that_cannot_see_leave_the_outcome_unknown(blind: Exception) -> None:
    assert story([blind, blind], LOST) == ([WRITE, READ, Sleep(5.0), READ], LOST)


def test_a_look_that_cannot_see_is_followed_by_one_that_may() -> None:
    assert story([BLIND[0], "it"], LOST) == ([WRITE, READ, Sleep(5.0), READ], "it")


def test_a_look_that_finds_something_else_says_so() -> None:
    other = ConflictError("another one")
    assert story([other], LOST)[1] is other


def test_a_write_that_is_refused_is_not_looked_for() -> None:
    refused = InvalidRequestError("no", status=400)
    assert story([], refused) == ([WRITE], refused)


def test_closing_a_flow_closes_the_flows_within() -> None:
    ended: list[str] = []

    class Nest(Shop):
        @flow
        def inner(self) -> Steps[None]:
            try:
                yield READ
            finally:
                ended.append("inner")

        @flow
        def outer(self) -> Steps[None]:
            try:
                yield from self.inner()
            finally:
                ended.append("outer")

    steps = iter(Nest().outer())
    next(steps)
    steps.close()
    assert ended == ["inner", "outer"]


def test_an_error_is_thrown_in_where_the_request_was_sent() -> None:
    class Careful(Shop):
        @flow
        def careful(self) -> Steps[str]:
            try:
                yield from send(READ)
            except ConnectError:
                return "no connection"
            return "answered"

    steps = iter(Careful().careful())
    next(steps)
    with pytest.raises(StopIteration) as done:
        steps.throw(ConnectError("refused"))
    assert done.value.value == "no connection"
