"""Rates as a server enforces them: in no second more than allowed, and everything that keeps to them passes."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge import ConfigurationError
from otabridge.pacing import EVERYTHING, Pacer
from otabridge.serve.quota import KNOWN, QuotaRule, Throttle, quota_rule
from tests.serve.toy import ToyFacade, ask, toy
from tests.support.world import FakeWorld


def passed(rule: QuotaRule, gaps: list[float], operation: str = "Do") -> list[float]:
    """The times of the calls that pass, of calls with these gaps between them."""
    clock = FakeWorld()
    throttle, times = Throttle(ToyFacade, rule, clock.world.monotonic), []
    for gap in gaps:
        clock.pass_time(gap)
        if throttle.admits("k", operation):
            times.append(clock.seconds)
    return times


@given(st.integers(1, 20), st.lists(st.floats(0, 0.7), max_size=200))
def test_in_no_second_more_calls_pass_than_allowed(rate: int, gaps: list[float]) -> None:
    times = passed(float(rate), gaps)
    assert all(sum(start <= time < start + 0.999999 for time in times) <= rate for start in times)


@given(st.integers(1, 20), st.integers(1, 100))
def test_calls_that_come_evenly_at_the_rate_all_pass(rate: int, count: int) -> None:
    # A little slower, since many small floats do not add up to one.
    assert len(passed(float(rate), [1.000001 / rate] * count)) == count


@given(st.sampled_from([0.1, 0.5, 0.9]), st.lists(st.floats(0, 5), max_size=50))
def test_below_one_a_second_calls_are_so_far_apart(rate: float, gaps: list[float]) -> None:
    times = passed(rate, gaps)
    assert all(later - earlier >= 0.999999 / rate for earlier, later in pairwise(times))


def test_a_call_that_was_refused_uses_nothing_up() -> None:
    assert passed(2.0, [0, 0.4, 0.1, 0.1, 0.1, 0.3]) == pytest.approx([0, 0.4, 1.0])


def test_our_own_pacer_is_never_refused() -> None:
    clock = FakeWorld()
    throttle, pacer = Throttle(ToyFacade, 5.0, clock.world.monotonic), Pacer({EVERYTHING: 5.0}, clock.world)
    for _ in range(100):
        for sleep in pacer.turn("Do"):
            clock.pass_time(sleep.seconds)
        assert throttle.admits("k", "Do")


@pytest.mark.parametrize(
    ("rule", "operation", "allowed"),
    [("off", "CreateModule", 10), ("documented", "CreateModule", 2), ("documented", "Other", 3), (7.0, "Other", 7)],
)
def test_the_rule_says_whose_rates_hold(rule: QuotaRule, operation: str, allowed: int) -> None:
    assert len(passed(rule, [0.0] * 10, operation)) == allowed


def test_each_account_and_each_operation_has_its_own_budget_unless_it_is_shared() -> None:
    throttle = Throttle(ToyFacade, "documented", FakeWorld().world.monotonic)

    def admitted(*calls: tuple[str, str]) -> int:
        return sum(throttle.admits(*call) for call in calls)

    assert admitted(*[("a", "CreateModule")] * 3, *[("b", "CreateModule")] * 3) == 4
    assert admitted(*[("a", "Other")] * 3, *[("b", "Other")] * 3) == 3  # this quota is not per account
    assert admitted(*[("a", "Another")] * 3) == 3


def test_accounts_take_a_bounded_place() -> None:
    throttle = Throttle(ToyFacade, 1.0, FakeWorld().world.monotonic)
    for number in range(KNOWN + 10):
        throttle.admits(str(number), "Do")
    assert len(throttle._gates) == KNOWN


@pytest.mark.parametrize("text", ["", "fast", "0", "-1", "nan", "inf", "1e9"])
def test_what_is_no_rule_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ConfigurationError, match="give off, documented, or calls per second"):
        quota_rule(text)


@pytest.mark.parametrize(("text", "rule"), [("off", "off"), ("documented", "documented"), ("2.5", 2.5), (3, 3.0)])
def test_a_rule_is_read(text: Any, rule: QuotaRule) -> None:
    assert quota_rule(text) == rule


def test_what_is_too_fast_is_refused_by_the_facade_and_a_bad_signature_costs_nothing() -> None:
    clock = FakeWorld()
    with toy(quota="documented", world=clock.world) as server:
        assert [ask(server, key="stranger").status_code for _ in range(5)] == [403] * 5
        assert [ask(server).status_code for _ in range(4)] == [200, 200, 200, 429]
        clock.pass_time(1)
        assert ask(server).status_code == 200
