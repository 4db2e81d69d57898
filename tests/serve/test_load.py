"""Many clients at once, signatures verified: no error, no memory that grows, and a benchmark that can be run."""

import gc
import threading
import tracemalloc
from pathlib import Path

import pytest

from benchmarks import facade as bench
from otabridge import ModuleVersion, connect
from otabridge.serve import Server, running
from tests.support.mirror import settings
from tests.support.scale import FULL

SECONDS = 60.0 if FULL else 0.2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the benchmark reads the server's CPU time in /proc")
@pytest.mark.parametrize("case", bench.CASES)
def test_32_clients_at_once_get_32_right_answers_and_more(tmp_path: Path, case: str) -> None:
    with bench.served(tmp_path / "depot") as (process, lines):
        dialect, _ = bench.CASES[case]
        bench.measure(process, lines[dialect], case, SECONDS / 10, clients=32)
        before = bench.resident(process)
        rate, told = bench.measure(process, lines[dialect], case, SECONDS, clients=32)
        grown = bench.resident(process) - before
    assert told.errors == ()
    assert told.answers >= 32
    assert rate > 0
    assert grown < 10 + told.answers * 250 / 1e6  # MB; a nonce that is remembered takes some 200 bytes


def test_clients_that_read_and_write_all_dialects_at_once_lose_nothing() -> None:
    failures: list[BaseException] = []

    def work(server: Server, name: str, number: int) -> None:
        try:
            with connect(**settings(server, name)) as cloud:
                product = f"p-{name}-{number}"
                for each in range(5):
                    cloud.modules.create(f"m{each}", product=product)
                    assert len(list(cloud.modules.list(product=product))) == each + 1
        except BaseException as error:
            failures.append(error)

    with running("huawei", "tuya", "aliyun") as server:
        places = [(name, number) for name in server.urls for number in range(8)]
        threads = [threading.Thread(target=work, args=(server, *place)) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        made = {(row.product, row.name) for row in server.cloud.modules.list() if not row.builtin}
    assert made == {(f"p-{name}-{number}", f"m{each}") for name, number in places for each in range(5)}


@pytest.mark.parametrize("name", ["huawei", "tuya", "aliyun"])
def test_memory_does_not_grow_with_the_calls(name: str) -> None:
    with running(name) as server, connect(**settings(server, name)) as cloud:
        server.cloud.devices.report_versions(
            ModuleVersion(product="p", device=f"d{number}", module="m", version="1") for number in range(20)
        )

        def asked(times: int) -> int:
            for number in range(times):
                list(cloud.modules.list(product="p"))
                list(cloud.devices.versions(f"d{number % 20}", product="p"))
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = asked(150)  # by now the record of the last calls is full
            grown = asked(150) - before
        finally:
            tracemalloc.stop()
    assert grown < 250_000  # of 300 calls; a nonce that is remembered takes some 200 bytes, a call thousands
