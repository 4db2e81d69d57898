"""The pacer: no one-second window holds more requests than the quota, however they are asked for."""

import asyncio
import heapq
import threading
import time
from collections import Counter
from collections.abc import Generator
from itertools import pairwise
from math import ceil, floor, inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otabridge.errors import RateLimitError
from otabridge.flow import Sleep
from otabridge.pacing import CEILING, EVERYTHING, FLOOR, WARM_UP, Pacer, Quota
from otabridge.signing import World
from otabridge.wire import Request
from tests.support.acme import AcmeBackend
from tests.support.runner import Bench, Script, refused, said
from tests.support.world import FakeWorld

RATES = [1, 2, 5, 10, 20, 50, 0.5, 1.5, 7.3]
READ = Request(operation="Read", origin="https://acme.test", path="/r")


class Simulation:
    """Tasks that share a pacer, on a clock that moves to the next thing that happens."""

    def __init__(self, rates: dict[str, float]) -> None:
        self.world = FakeWorld()
        self.pacer = Pacer(rates, self.world.world, warm_up=0)
        self.grants: list[tuple[float, str]] = []
        self._due: list[tuple[float, int, str, Generator[Sleep, None, None]]] = []
        self._order = 0

    def ask(self, at: float, operation: str = "op") -> None:
        self._put(at, operation, self.pacer.turn(operation))

    def _put(self, at: float, operation: str, turn: Generator[Sleep, None, None]) -> None:
        heapq.heappush(self._due, (at, self._order, operation, turn))
        self._order += 1

    def run(self, until: float = inf, *, late: float = 0.0) -> None:
        while self._due and self._due[0][0] <= until:
            at, _, operation, turn = heapq.heappop(self._due)
            self.world.seconds = max(self.world.seconds, at)
            try:
                pause = next(turn)
            except StopIteration:
                self.grants.append((self.world.seconds, operation))
            else:
                self._put(self.world.seconds + pause.seconds + late, operation, turn)

    def abandon(self) -> None:
        for *_, turn in self._due:
            turn.close()
        self._due.clear()

    def times(self, operation: str = "op") -> list[float]:
        return [at for at, granted in self.grants if granted == operation]


def busiest(times: list[float], window: float = 1.0) -> int:
    """The most grants that any window holds."""
    times = sorted(times)
    return max((sum(begin <= at < begin + window for at in times) for begin in times), default=0)


# --- the promise ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
def test_no_second_holds_more_than_the_quota_when_everybody_comes_at_once(rate: float) -> None:
    simulation = Simulation({"op": rate})
    for _ in range(120):
        simulation.ask(0.0)
    simulation.run()
    assert len(simulation.grants) == 120
    assert busiest(simulation.times()) <= max(1, floor(rate) if rate >= 2 else ceil(rate))


@given(
    st.sampled_from(RATES),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["a", "b"])), max_size=60),
    st.lists(st.tuples(st.floats(0, 5), st.sampled_from(["throttled", "succeeded"])), max_size=10),
    st.sampled_from([0.0, 0.013, 0.2]),
)
@settings(max_examples=60)
def test_no_second_ever_holds_more_than_the_quota(
    rate: float, asked: list[tuple[float, str]], answers: list[tuple[float, str]], late: float
) -> None:
    simulation = Simulation({"a": rate, "b": rate})
    for at, operation in asked:
        simulation.ask(at, operation)
    for at, answer in sorted(answers):
        simulation.run(at, late=late)
        getattr(simulation.pacer, answer)("a")
    simulation.run(late=late)
    assert Counter(operation for _, operation in simulation.grants) == Counter(operation for _, operation in asked)
    for operation in "ab":
        times = sorted(simulation.times(operation))
        # A window of w seconds that holds n grants spans n - 1 spacings at least, at 95 % of the quota.
        assert all(later - sooner >= 1 / rate for sooner, later in pairwise(times))
        assert busiest(times) <= ceil(rate)


def test_the_rate_that_is_reached_is_close_to_the_quota() -> None:
    simulation = Simulation({"op": 10})
    for _ in range(100):
        simulation.ask(0.0)
    simulation.run()
    assert simulation.world.seconds == pytest.approx(99 / (10 * CEILING))


def test_after_a_rest_there_is_no_burst() -> None:
    simulation = Simulation({"op": 5})
    simulation.ask(0.0)
    for _ in range(20):
        simulation.ask(100.0)
    simulation.run()
    assert busiest(simulation.times()) <= 5


def test_operations_do_not_wait_for_each_other() -> None:
    simulation = Simulation({"a": 1, "b": 1})
    for _ in range(3):
        simulation.ask(0.0, "a")
    simulation.ask(0.0, "b")
    simulation.run()
    assert simulation.times("b") == [0.0]


def test_an_operation_without_a_quota_is_not_paced() -> None:
    simulation = Simulation({"a": 1})
    for _ in range(5):
        simulation.ask(0.0, "free")
    simulation.run()
    assert simulation.times("free") == [0.0] * 5


def test_a_rate_for_everything_counts_each_operation_by_itself() -> None:
    simulation = Simulation({EVERYTHING: 1, "fast": 10})
    for operation in ("a", "a", "b", "fast", "fast"):
        simulation.ask(0.0, operation)
    simulation.run()
    spacing = 1 / CEILING
    assert simulation.times("a") == pytest.approx([0.0, spacing])
    assert simulation.times("b") == [0.0]
    assert simulation.times("fast") == pytest.approx([0.0, spacing / 10])


def test_those_who_wait_are_served_in_order() -> None:
    world = FakeWorld()
    pacer = Pacer({"op": 1}, world.world, warm_up=0)
    turns = [pacer.turn("op") for _ in range(4)]
    waits = [next(turn, None) for turn in turns]
    assert [wait.seconds if wait else 0.0 for wait in waits] == pytest.approx([n / CEILING for n in range(4)])


def test_a_turn_that_is_given_up_goes_back() -> None:
    simulation = Simulation({"op": 1})
    for _ in range(1000):
        simulation.ask(0.0)
    simulation.run(0.0)
    simulation.abandon()
    simulation.ask(0.0)
    simulation.run()
    assert simulation.times() == pytest.approx([0.0, 1 / CEILING])


def test_the_first_request_is_given_time_to_open_a_connection() -> None:
    simulation = Simulation({"op": 10})
    simulation.pacer = Pacer({"op": 10}, simulation.world.world)
    for _ in range(30):
        simulation.ask(0.0)
    simulation.run()
    first, *others = simulation.times()
    assert busiest([first + WARM_UP + 0.05, *others]) <= 10


# --- throttling -----------------------------------------------------------------------------------------------------


def spacing_after(*answers: str, rate: float = 1.0) -> float:
    """Seconds between two grants after these answers, as a multiple of the spacing at the ceiling."""
    simulation = Simulation({"op": rate})
    simulation.ask(0.0)
    simulation.run()
    for answer in answers:
        getattr(simulation.pacer, answer)("op")
    for _ in range(2):
        simulation.ask(1000.0)
    simulation.run()
    first, second = simulation.times()[1:]
    return (second - first) * rate * CEILING


def test_a_throttle_answer_halves_the_rate() -> None:
    assert spacing_after("throttled") == pytest.approx(2)
    assert spacing_after("throttled", "throttled") == pytest.approx(4)


def test_success_raises_the_rate_to_the_ceiling_and_no_further() -> None:
    assert spacing_after("throttled", "succeeded") == pytest.approx(2 / 1.05)
    assert spacing_after("throttled", *["succeeded"] * 50) == pytest.approx(1)
    assert spacing_after(*["succeeded"] * 50) == pytest.approx(1)


def test_the_rate_has_a_floor() -> None:
    assert spacing_after(*["throttled"] * 50) == pytest.approx(1 / FLOOR)


def test_those_who_wait_already_go_slower_too() -> None:
    simulation = Simulation({"op": 1})
    for _ in range(6):
        simulation.ask(0.0)
    simulation.run(1.1)
    simulation.pacer.throttled("op")
    simulation.run()
    times = simulation.times()
    assert [later - sooner for sooner, later in pairwise(times[1:])] == pytest.approx([2 / CEILING] * 4)


def test_an_answer_about_an_unpaced_operation_is_nothing() -> None:
    pacer = Pacer({}, FakeWorld().world)
    pacer.throttled("op")
    pacer.succeeded("op")
    assert list(pacer.turn("op")) == []


# --- settings -------------------------------------------------------------------------------------------------------


class Quoted(AcmeBackend):
    quotas = {"Read": Quota(10), "Write": Quota(2)}  # noqa: RUF012  # a constant of the class


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({}, {"Read": 10, "Write": 2}),
        ({"quotas": "documented"}, {"Read": 10, "Write": 2}),
        ({"quotas": "off"}, {}),
        ({"quotas": 3}, {EVERYTHING: 3}),
        ({"quotas": {"Read": 1}}, {"Read": 1, "Write": 2}),
        ({"quotas": {"Other": 4}}, {"Read": 10, "Write": 2, "Other": 4}),
        ({"quota_share": 0.25}, {"Read": 2.5, "Write": 0.5}),
        ({"quotas": 8, "quota_share": 0.5}, {EVERYTHING: 4}),
        ({"quotas": "off", "quota_share": 0.5}, {}),
    ],
)
def test_the_settings_say_the_rates(settings: dict[str, Any], rates: dict[str, float]) -> None:
    assert Quoted(Quoted.settings(**settings)).rates() == rates


# --- through the drivers --------------------------------------------------------------------------------------------


def test_a_client_keeps_to_the_quota(bench: Bench) -> None:
    sent: list[float] = []

    def serve(_: Any) -> Any:
        sent.append(bench.world.seconds)
        return said()

    driver = bench.over(bench.acme(quotas={"Read": 5}), serve)
    for _ in range(20):
        driver.run(driver.exchange.backend.ask(request=READ))
    assert busiest(sent) <= 5
    assert sent[-1] == pytest.approx(19 / (5 * CEILING) + WARM_UP)


def test_a_pace_of_its_own_is_shared_by_the_operations_that_name_it(bench: Bench) -> None:
    sent: list[float] = []

    def serve(_: Any) -> Any:
        sent.append(bench.world.seconds)
        return said()

    backend = bench.acme(quotas={"group": 1})
    driver = bench.over(backend, serve)
    for operation in ("One", "Two", "Three"):
        driver.run(backend.ask(request=Request(operation=operation, origin="https://acme.test", pace="group")))
    assert sent == pytest.approx([0, 1 / CEILING + WARM_UP, 2 / CEILING + WARM_UP])


def test_a_retry_waits_for_its_turn_as_well(bench: Bench) -> None:
    script = Script(refused("throttled"), said())
    backend = bench.acme(quotas={"Read": 1})
    bench.world.jitter = 0.0
    bench.over(backend, script).run(backend.ask(request=READ))
    # The retry itself need not wait, and the rate was halved.
    assert sum(bench.world.waits) == pytest.approx(2 / CEILING)


def test_a_throttle_answer_slows_the_client_down(bench: Bench) -> None:
    script = Script(*[refused("throttled")] * 4, said())
    backend = bench.acme(quotas={"Read": 10})
    driver = bench.over(backend, script)
    with pytest.raises(RateLimitError):
        driver.run(backend.ask(request=READ))
    before = bench.world.seconds
    driver.run(backend.ask(request=READ))
    assert bench.world.seconds - before == pytest.approx(16 / (10 * CEILING))


def test_threads_that_share_a_client_keep_to_the_quota_together() -> None:
    bench = Bench("sync")
    bench.world.world = World()  # real time: this is about real threads
    backend = bench.acme(quotas={"Read": 50})
    driver = bench.over(backend, lambda _: said())
    threads = [
        threading.Thread(target=lambda: [driver.run(backend.ask(request=READ)) for _ in range(3)]) for _ in range(8)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # However slow the machine, 24 requests at that rate cannot be done sooner.
    assert time.monotonic() - began >= 23 / 50


class VirtualTime:
    """A clock for many tasks of one loop: it moves on when all of them wait."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self._due: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = 0
        object.__setattr__(self.world.world, "asleep", self._asleep)

    async def _asleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._due, (self.world.seconds + seconds, self._order, future))
        self._order += 1
        await future

    async def run(self, *work: Any) -> None:
        tasks = [asyncio.ensure_future(item) for item in work]
        while not all(task.done() for task in tasks):
            for _ in range(10):
                await asyncio.sleep(0)
            if self._due:
                at, _, future = heapq.heappop(self._due)
                self.world.seconds = max(self.world.seconds, at)
                if not future.done():
                    future.set_result(None)
        await asyncio.gather(*tasks)


def test_tasks_that_share_a_client_keep_to_the_quota_together() -> None:
    bench = Bench("async")
    virtual = VirtualTime()
    bench.world = virtual.world
    sent: list[float] = []

    def serve(_: Any) -> Any:
        sent.append(virtual.world.seconds)
        return said()

    backend = bench.acme(quotas={"Read": 10})
    driver = bench.over(backend, serve)

    async def main() -> None:
        await virtual.run(*(driver.driver.run(backend.ask(request=READ)) for _ in range(60)))

    driver.loop.run(main())
    bench.close()
    assert len(sent) == 60
    assert busiest(sent) <= 10
    assert sent[-1] == pytest.approx(59 / (10 * CEILING) + WARM_UP)
