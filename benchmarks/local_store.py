"""Goal P11: bulk reports per second, CPU per page, and memory, of a local store with many reported versions.

python benchmarks/local_store.py --rows 1000000
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import otabridge
from otabridge import Client, ModuleVersion

START = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 200


def reports(rows: int, modules: int, *, version: str, shuffled: bool) -> Iterator[ModuleVersion]:
    """As many reports, of devices in order or at random, each device with so many modules."""
    devices = rows // modules
    step = 7_368_787 if shuffled else 1  # a prime visits every device once, in an order that jumps about
    for number in range(rows):
        device, module = divmod(number, modules)
        yield ModuleVersion(
            product="product-1",
            device=f"device-{device * step % devices:07d}",
            module=f"module-{module}",
            version=version,
            reported_at=START + timedelta(seconds=number),
        )


def resident() -> float:
    """The peak of resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def told(title: str, rows: int, work: Callable[[], object]) -> None:
    memory, wall, cpu = resident(), time.perf_counter(), time.process_time()
    work()
    wall, cpu, memory = time.perf_counter() - wall, time.process_time() - cpu, resident() - memory
    print(f"{title:42} {rows / wall:10,.0f} rows/s  CPU {cpu:6.2f} s  memory +{memory:.1f} MB", flush=True)


def page_costs(cloud: Client, rows: int) -> None:
    """CPU of one page at the start, in the middle and near the end of the fleet's list."""
    pages = max(1, rows // PAGE)
    wanted = {0: "start", pages // 2: "middle", pages * 9 // 10: "nine tenths"}
    cursors = {}
    for number, page in enumerate(cloud.fleet.versions(page_size=PAGE).pages()):
        if number + 1 in wanted:
            cursors[number + 1] = page.cursor
    for number, place in wanted.items():
        costs = []
        for _ in range(50):
            cpu = time.process_time()
            cloud.fleet.versions(page_size=PAGE, cursor=cursors.get(number)).first_page()
            costs.append((time.process_time() - cpu) * 1000)
        costs.sort()
        print(
            f"page of {PAGE} at the {place:26} CPU {costs[25]:.3f} ms (median of 50; worst {costs[-1]:.3f})", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--modules", type=int, default=4, help="modules of each device")
    options = parser.parse_args()
    rows, modules = options.rows, options.modules
    with tempfile.TemporaryDirectory() as folder, otabridge.connect(f"local:{folder}/store") as cloud:
        told("making the rows alone", rows, lambda: sum(1 for _ in reports(rows, modules, version="1", shuffled=False)))
        cloud.devices.report("warm", product="product-0", module="m", version="0")
        told("first 50,000 rows", 50_000, lambda: take(cloud, 50_000, modules, "0.9", shuffled=False))
        told("first reports", rows, lambda: take(cloud, rows, modules, "1.0", shuffled=False))
        told("the same devices again, at random", rows, lambda: take(cloud, rows, modules, "1.1", shuffled=True))
        told(f"reading all, pages of {PAGE}", rows, lambda: sum(1 for _ in cloud.fleet.versions(page_size=PAGE)))
        told("reading all, largest pages", rows, lambda: sum(1 for _ in cloud.fleet.versions()))
        page_costs(cloud, rows)
        told("counting one version", rows, lambda: cloud.fleet.count(version="1.1"))
        told("counting one version of a product", rows, lambda: cloud.fleet.count(product="product-1", version="1.1"))


def take(cloud: Client, rows: int, modules: int, version: str, *, shuffled: bool) -> None:
    taken = cloud.devices.report_versions(reports(rows, modules, version=version, shuffled=shuffled))
    assert taken == rows


if __name__ == "__main__":
    main()
