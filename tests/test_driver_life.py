"""The drivers with many threads, tasks and event loops, and how all ends."""

import asyncio
import gc
import threading
from typing import Any

import httpx
import pytest

from otabridge import aconnect
from otabridge._exchange import MOST_IN_FLIGHT, Exchange
from otabridge.flow import Flow, Local, Steps, local
from otabridge.wire import Request, Response
from tests.support.runner import Async, Bench, Script, Sync, said
from tests.support.server import HANG, RawServer, reply
from tests.support.wire import Wire

# --- many at once ---------------------------------------------------------------------------------------------------


def test_no_more_than_so_many_calls_of_threads_are_in_flight() -> None:
    bench = Bench("sync")
    lock, full, freed = threading.Lock(), threading.Event(), threading.Event()
    inside, most = 0, 0

    def serve(_: httpx.Request) -> httpx.Response:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == MOST_IN_FLIGHT:
                full.set()
        freed.wait(10)
        with lock:
            inside -= 1
        return said()

    backend = bench.acme()
    driver = bench.over(backend, serve)
    request = Request(operation="Read", origin="https://acme.test")
    threads = [
        threading.Thread(target=lambda: driver.run(backend.ask(request=request))) for _ in range(MOST_IN_FLIGHT + 8)
    ]
    for thread in threads:
        thread.start()
    assert full.wait(10)
    freed.set()
    for thread in threads:
        thread.join()
    assert most == MOST_IN_FLIGHT


def test_no_more_than_so_many_calls_of_tasks_are_in_flight() -> None:
    bench = Bench("async")
    inside, most = 0, 0

    async def serve(_: httpx.Request) -> httpx.Response:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        for _ in range(20):
            await asyncio.sleep(0)
        inside -= 1
        return said()

    backend = bench.acme()
    driver = bench.over(backend, serve)
    request = Request(operation="Read", origin="https://acme.test")

    async def main() -> None:
        await asyncio.gather(*(driver.driver.run(backend.ask(request=request)) for _ in range(100)))

    driver.loop.run(main())
    bench.close()
    assert most == MOST_IN_FLIGHT


def echo(request: bytes) -> bytes:
    return reply(request.split(b" ")[1])


def test_threads_share_a_client_and_get_their_own_answers() -> None:
    wire = Wire("sync")
    answers: dict[str, bytes] = {}
    with RawServer(echo) as server:
        client = wire.client(server)

        def work(number: int) -> None:
            for turn in range(5):
                target = f"/{number}/{turn}"
                answers[target] = wire.ask(client, target).body

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wire.bench.close()
    assert answers == {f"/{number}/{turn}": f"/{number}/{turn}".encode() for number in range(8) for turn in range(5)}
    assert server.connections <= 8


# --- the async client's tasks and loops -----------------------------------------------------------------------------


@pytest.mark.parametrize("wire", ["async", "async without aiohttp"], indirect=True)
def test_a_task_that_is_cancelled_closes_its_flow_and_its_connection(wire: Wire) -> None:
    closed: list[str] = []

    def steps(request: Request) -> Steps[Response]:
        try:
            return (yield request)
        finally:
            closed.append("flow")

    with RawServer(HANG, reply(b"next")) as server:
        client = wire.client(server)
        request = Request(operation="Read", origin=server.url, auth=False)

        async def main() -> None:
            task = asyncio.ensure_future(client.driver.run(Flow(steps(request), "steps")))
            await asyncio.to_thread(server.asked.acquire)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        client.loop.run(main())
        assert closed == ["flow"]
        assert wire.ask(client).body == b"next"
        wire.bench.close()


def test_local_work_that_has_begun_is_finished_when_its_task_is_cancelled() -> None:
    bench = Bench("async")
    begun, finish, finished = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        finish.wait(10)
        finished.set()

    driver = bench.over(bench.acme(), lambda _: said())

    async def main() -> None:
        task = asyncio.ensure_future(driver.driver.run(Flow(local(work), "work")))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    driver.loop.run(main())
    finish.set()
    bench.close()
    assert finished.is_set()


@pytest.mark.parametrize("wire", ["async", "async without aiohttp"], indirect=True)
def test_a_second_event_loop_is_refused_clearly(wire: Wire) -> None:
    with RawServer() as server:
        client = wire.client(server)
        wire.ask(client)
        request = Request(operation="Read", origin=server.url, auth=False)
        operation = client.exchange.backend.ask(request=request)
        with asyncio.Runner() as other, pytest.raises(RuntimeError, match="another event loop"):
            other.run(client.driver.run(operation))
        wire.bench.close()


@pytest.mark.parametrize("wire", ["async", "async without aiohttp"], indirect=True)
def test_a_client_that_was_closed_may_be_used_in_another_event_loop(wire: Wire) -> None:
    with RawServer() as server:
        client = wire.client(server)
        wire.ask(client)
        client.loop.run(client.client.aclose())
        request = Request(operation="Read", origin=server.url, auth=False)

        async def main() -> Response:
            operation = client.exchange.backend.ask(request=request)
            answer = await client.driver.run(operation)
            await client.client.aclose()
            return answer

        with asyncio.Runner() as other:
            assert other.run(main()).status == 200
        wire.bench.close()


# --- the end --------------------------------------------------------------------------------------------------------


def test_closing_a_client_closes_its_connections_and_leaves_no_warning(wire: Wire) -> None:
    with RawServer() as server:
        client = wire.client(server)
        wire.ask(client)
        wire.bench.close()
        assert server.ended.acquire(timeout=5)
    del client
    gc.collect()


def test_a_client_may_be_closed_twice(wire: Wire) -> None:
    with RawServer() as server:
        client = wire.client(server)
        wire.ask(client)
        if isinstance(client, Async):
            client.loop.run(client.client.aclose())
        else:
            client.client.close()
        wire.bench.close()


def test_a_client_that_was_never_used_can_be_closed(wire: Wire) -> None:
    wire.client("https://acme.test")
    wire.bench.close()


def test_closing_closes_the_backend(bench: Bench) -> None:
    closed: list[str] = []
    backend = bench.acme()
    backend.close = lambda: closed.append("closed")
    bench.over(backend, lambda _: said())
    bench.close()
    assert closed == ["closed"]


def test_a_client_closes_at_the_end_of_its_with_block() -> None:
    bench = Bench("sync")
    closed: list[str] = []
    backend = bench.acme()
    backend.close = lambda: closed.append("closed")
    with Sync(Exchange(backend)).client:
        assert closed == []
    assert closed == ["closed"]


def test_local_work_that_waits_its_turn_is_dropped_with_its_task() -> None:
    begun, go = threading.Event(), threading.Event()

    async def main() -> list[str]:
        async with aconnect("memory:") as cloud:
            runner = cloud._runner
            slow = asyncio.create_task(runner._work(Local(lambda: (begun.set(), go.wait()))))
            while not begun.is_set():
                await asyncio.sleep(0)
            task = asyncio.create_task(cloud.modules.create("cancelled", product="p"))
            for _ in range(5):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go.set()
            await slow
            return [module.name async for module in cloud.modules.list(product="p")]

    assert asyncio.run(main()) == []


def test_what_is_no_effect_is_refused(bench: Bench) -> None:
    def steps() -> Any:
        yield "nonsense"

    with pytest.raises(TypeError, match="only Request, Sleep, Local and Together"):
        bench.over(bench.acme(), Script()).run(Flow(steps(), "steps"))


def test_no_more_requests_leave_in_a_second_than_the_quota_when_a_stall_ends() -> None:
    sent: list[float] = []
    stalled = threading.Event()

    def serve(_: httpx.Request) -> httpx.Response:
        stalled.wait()
        sent.append(world.seconds)
        return said()

    bench = Bench("sync")
    world = bench.world
    backend = bench.acme(quotas={"Read": 1e6})
    driver = bench.over(backend, serve)
    turns: list[int] = []
    pacer = driver.exchange._pacer
    real = pacer.turn

    def turn(operation: str) -> Any:
        turns.append(1)
        return real(operation)

    pacer.turn = turn  # type: ignore[method-assign]
    request = Request(operation="Read", origin="https://acme.test", path="/r")
    threads = [threading.Thread(target=lambda: driver.run(backend.ask(request=request))) for _ in range(80)]
    for thread in threads:
        thread.start()
    while len(turns) < MOST_IN_FLIGHT:
        threading.Event().wait(0.001)
    held = len(turns)
    stalled.set()
    for thread in threads:
        thread.join()
    bench.close()
    assert held == MOST_IN_FLIGHT  # the others wait for a place before they take a turn
    assert len(sent) == 80
