"""Flows at the same time: in order, no more than were allowed, and all given up after an error."""

import threading
from collections.abc import Iterator

import pytest

from otabridge.errors import NotFoundError
from otabridge.flow import Flow, Steps, local, send, together
from otabridge.wire import Request
from tests.support.runner import Bench, said
from tests.support.wire import ONCE


@pytest.fixture(params=["sync", "async"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    made.close()


class Crowd:
    """Requests that wait for each other: `most` is how many were there at once."""

    def __init__(self, size: int) -> None:
        self.most = self._here = 0
        self._lock = threading.Lock()
        self._all = threading.Barrier(size)

    def answer(self, request: object) -> object:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
        self._all.wait(10)
        with self._lock:
            self._here -= 1
        return said()


def number(value: int) -> Steps[int]:
    return (yield from local(lambda: value))


def numbers(count: int) -> Iterator[Flow[int]]:
    return (Flow(number(value), "number") for value in range(count))


def run(bench: Bench, steps: Steps[object]) -> object:
    driver = bench.over(bench.acme(), lambda request: said(), policy=ONCE)
    return driver.run(Flow(steps, "test"))


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_results_come_in_the_order_of_the_flows(bench: Bench, count: int) -> None:
    assert run(bench, together(numbers(count), in_flight=4)) == list(range(count))


def test_flows_together_may_have_flows_together(bench: Bench) -> None:
    def nested() -> Steps[list[int]]:
        return (yield from together(numbers(3)))

    assert run(bench, together(Flow(nested(), "nested") for _ in range(3))) == [[0, 1, 2]] * 3


def test_the_first_error_is_raised_and_no_flow_is_left_unrun() -> None:
    def missing() -> Steps[int]:
        yield from ()
        raise NotFoundError("gone")

    for colour in ("sync", "async"):
        bench = Bench(colour)
        flows = (*numbers(3), Flow(missing(), "missing"), *numbers(40))
        with pytest.raises(NotFoundError, match="gone"):
            run(bench, together(flows, in_flight=2))
        bench.close()
        assert [flow for flow in flows if flow._steps is not None] == []


def test_threads_ask_at_the_same_time() -> None:
    crowd, bench = Crowd(4), Bench("sync")
    driver = bench.over(bench.acme(), crowd.answer, policy=ONCE)  # type: ignore[arg-type]

    def ask() -> Steps[int]:
        return (yield from send(Request(operation="Read", origin="https://a.test", auth=False))).status

    flows = (Flow(ask(), "ask") for _ in range(12))
    assert driver.run(Flow(together(flows, in_flight=4), "test")) == [200] * 12
    assert crowd.most == 4
    bench.close()
