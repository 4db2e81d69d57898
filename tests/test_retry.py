"""The retry policy, the budget, and what a lost answer means: pure, without a driver."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.errors import (
    AuthenticationError,
    ConfigurationError,
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
from otabridge.retry import Budget, RetryPolicy, outcome, repeatable
from otabridge.wire import Request, Response, retry_after

READ = Request(operation="Read")
WRITE = Request(operation="Write", read=False)
POLICY = RetryPolicy()


@pytest.mark.parametrize(("attempt", "ceiling"), [(1, 0.2), (2, 0.4), (3, 0.8)])
def test_the_wait_is_full_jitter_below_a_doubling_ceiling(attempt: int, ceiling: float) -> None:
    waits = [POLICY.wait(attempt, ServerError("x"), jitter) for jitter in (0.0, 0.5, 1.0)]
    assert waits == pytest.approx([0.0, ceiling / 2, ceiling])


@pytest.mark.parametrize(("attempt", "ceiling"), [(1, 1.0), (2, 2.0), (3, 4.0)])
def test_a_throttle_answer_waits_longer(attempt: int, ceiling: float) -> None:
    assert POLICY.wait(attempt, RateLimitError("x"), 1.0) == pytest.approx(ceiling)


@given(st.integers(1, 1000), st.floats(0, 1), st.sampled_from([ServerError("x"), RateLimitError("x")]))
def test_the_wait_never_exceeds_the_cap(attempt: int, jitter: float, error: OtaBridgeError) -> None:
    wait = RetryPolicy(attempts=10_000).wait(attempt, error, jitter)
    assert wait is not None
    assert 0 <= wait <= 20.0


def test_there_are_four_attempts() -> None:
    assert [POLICY.wait(attempt, ServerError("x"), 1.0) is None for attempt in range(1, 6)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 0.0), (7.0, 7.0), (60.0, 60.0), (60.1, None), (float("inf"), None)])
def test_retry_after_is_obeyed_up_to_a_minute(asked: float, wait: float | None) -> None:
    assert POLICY.wait(1, ServerError("x", retry_after=asked), 0.5) == wait


DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT", "date": DATE}, 30.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_of_the_server(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(Response(503, headers)) == seconds


REPEATED = [
    # error, is a read repeated, is a write
    (ConnectError("x"), True, True),
    (RateLimitError("x", status=429), True, True),
    (TransportError("x"), True, False),
    (RequestTimeoutError("x"), True, False),
    (ServerError("x", status=500), True, False),
    (ServerError("x", status=503), True, False),
    (ProtocolError("x"), False, False),
    (AuthenticationError("x"), False, False),
    (NotFoundError("x"), False, False),
    (ConflictError("x"), False, False),
    (InvalidRequestError("x"), False, False),
    (ConfigurationError("x"), False, False),
]


@pytest.mark.parametrize(("error", "read", "write"), REPEATED, ids=lambda value: type(value).__name__)
def test_only_what_was_not_executed_is_written_again(error: OtaBridgeError, read: bool, write: bool) -> None:
    assert (repeatable(READ, error), repeatable(WRITE, error)) == (read, write)


UNKNOWN = [
    (TransportError("x"), True),
    (RequestTimeoutError("x"), True),
    (ProtocolError("x", status=200), True),
    (ServerError("x", status=502), True),
    (ServerError("x", status=503, code="c"), True),
    (ServerError("x", status=504, code="c"), True),
    (ServerError("x", status=500), True),
    (ServerError("x", status=500, code="c"), False),
    (ConnectError("x"), False),
    (RateLimitError("x"), False),
    (InvalidRequestError("x"), False),
    (ConfigurationError("x"), False),
]


@pytest.mark.parametrize(("error", "unknown"), UNKNOWN, ids=lambda value: type(value).__name__)
def test_a_write_whose_answer_is_lost_is_of_unknown_outcome(error: OtaBridgeError, unknown: bool) -> None:
    assert isinstance(outcome(WRITE, error), OutcomeUnknownError) is unknown
    assert outcome(READ, error) is error


def test_an_unknown_outcome_keeps_what_its_cause_knew() -> None:
    cause = ServerError(
        "gateway timeout", backend="b", operation="Write", status=504, code="c1", request_id="r1", retry_after=3.0
    )
    error = outcome(WRITE, cause)
    assert isinstance(error, OutcomeUnknownError)
    known = (error.backend, error.operation, error.status, error.code, error.request_id, error.retry_after)
    assert known == ("b", "Write", 504, "c1", "r1", 3.0)
    assert "gateway timeout" in str(error)
    assert "look before repeating" in str(error)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


def test_an_outage_empties_the_budget() -> None:
    budget = Budget(3)
    assert [budget.take() for _ in range(5)] == [True, True, True, False, False]


def test_success_pays_back_what_it_cost_and_a_little_more() -> None:
    budget = Budget(4)
    assert all(budget.take() for _ in range(4))
    budget.give(2)
    assert [budget.take() for _ in range(3)] == [True, True, False]
    budget.give(0)
    assert budget.take()


def test_the_budget_is_never_more_than_its_capacity() -> None:
    budget = Budget(2)
    budget.give(100)
    assert [budget.take() for _ in range(3)] == [True, True, False]
