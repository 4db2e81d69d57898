"""The local store with many reported versions: reports in bulk, pages at any depth, memory."""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import otabridge
from benchmarks.measuring import Figures, Ground, resident
from otabridge import Client, ModuleVersion

PAGE, MODULES, LOOKS = 200, 4, 50
STEP = 7_368_787  # a prime visits every device once, in an order that jumps about


def reports(rows: int, *, version: str, day: int, step: int = 1) -> Iterator[ModuleVersion]:
    """As many reports from a day on, of devices in order or at random, each device with four modules."""
    devices, start = rows // MODULES, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    for number in range(rows):
        device, module = divmod(number, MODULES)
        yield ModuleVersion(
            product="product-1",
            device=f"device-{device * step % devices:07d}",
            module=f"module-{module}",
            version=version,
            reported_at=start + timedelta(seconds=number),
        )


def store(contender: str, ground: Ground, *, rows: int) -> Figures:
    """Rows per CPU second of what is done with a store of so many, CPU milliseconds of a page, MB grown."""
    with tempfile.TemporaryDirectory() as folder, otabridge.connect(f"local:{folder}/store") as cloud:
        cloud.devices.report_versions(reports(4_000, version="0.9", day=0))
        before = resident()
        figures = _rate("first", rows, lambda: _reported(cloud, rows, version="1.0", day=100))
        half = resident()
        figures |= _rate("again", rows, lambda: _reported(cloud, rows, version="1.1", day=200, step=STEP))
        figures |= _rate("read", rows, lambda: sum(1 for _ in cloud.fleet.versions(page_size=PAGE)))
        figures |= {"page_ms": _page(cloud, rows), "grown": max(half, resident()) - before}
        assert cloud.fleet.count(product="product-1", version="1.1", module="module-1") == rows // MODULES
        return figures


def _rate(name: str, rows: int, work: Callable[[], int]) -> Figures:
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    assert done >= rows
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {name: rows / cpu, f"{name} by wall": rows / wall}


def _reported(cloud: Client, rows: int, **more: Any) -> int:
    return cloud.devices.report_versions(reports(rows, **more))


def _page(cloud: Client, rows: int) -> float:
    """A page at nine tenths of the fleet: the median of many."""
    cursor, wanted = None, rows * 9 // 10 // PAGE
    for number, page in enumerate(cloud.fleet.versions(page_size=PAGE).pages()):
        cursor = page.cursor
        if number >= wanted or cursor is None:
            break
    costs = []
    for _ in range(LOOKS):
        cpu = time.process_time()
        cloud.fleet.versions(page_size=PAGE, cursor=cursor).first_page()
        costs.append(time.process_time() - cpu)
    return sorted(costs)[LOOKS // 2] * 1e3
