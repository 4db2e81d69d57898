"""Goal of issue 7: 500 packages of 10 modules, applied with flat memory, into a local store or through a facade.

python benchmarks/migrate.py --packages 500 --to local --to tuya
"""

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import otabridge
from otabridge import Client
from otabridge.migrate.facts import facts_of
from otabridge.migrate.journal import ItemState
from otabridge.migrate.model import Item, MigrationPlan, Side
from otabridge.migrate.planner import planned
from otabridge.migrate.runner import applied, begun
from otabridge.migrate.steps import Run

MODULES = 10
PRODUCT = "product-1"


def stock(cloud: Client, folder: Path, packages: int, size: int) -> None:
    """Modules, with packages of one file each."""
    for module in range(MODULES):
        cloud.modules.create(f"module-{module}", product=PRODUCT)
    for number in range(packages):
        file = folder / f"{number}.bin"
        file.write_bytes(f"{number} ".encode().ljust(size, b"."))
        cloud.packages.publish(file, product=PRODUCT, module=f"module-{number % MODULES}", version=f"1.{number}")
        file.unlink()


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Client]:
    """A local store, or a facade's cloud over one."""
    if name == "local":
        with otabridge.connect(f"local:{folder}") as client:
            yield client
    else:
        from otabridge.serve import running

        with running(name, on=f"local:{folder}") as server, otabridge.connect(**server.settings(name)) as client:
            yield client


def surveyed(source: Client, destination: Client) -> MigrationPlan:
    """The plan of everything, with whatever it warns of accepted."""
    steps = planned(
        source=Side(cloud=source.cloud, backend=source._backend.name),
        destination=Side(cloud=destination.cloud, backend=destination._backend.name),
        source_facts=facts_of(source),
        destination_facts=facts_of(destination),
    )
    plan = Run(source, destination).run(steps)
    return plan.accepting(rule for item in plan.items for rule in item.rules("blocker"))


def told(name: str, what: str, wall: float, cpu: float) -> None:
    """Print what was spent since."""
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name}: {what:6} {wall:7.2f} s, CPU {cpu:6.2f} s", flush=True)


def measure(name: str, packages: int, size: int, *, traced: bool) -> None:
    """One plan and one apply, with what Python's own memory grew by in between."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with opened("local", folder / "source") as source, opened(name, folder / name) as destination:
            stock(source, folder, packages, size)
            wall, cpu = time.perf_counter(), time.process_time()
            plan = surveyed(source, destination)
            print(
                f"{name}: plan   {time.perf_counter() - wall:7.2f} s, CPU {time.process_time() - cpu:6.2f} s",
                flush=True,
            )
            peaks: list[float] = []

            def tell(item: Item, state: ItemState) -> None:
                if traced and len(peaks) * packages // 10 <= journal.plan.items.index(item):
                    peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
                    tracemalloc.reset_peak()

            with begun(folder / "journal", plan) as journal:
                if traced:
                    tracemalloc.start()
                wall, cpu = time.perf_counter(), time.process_time()
                outcome = Run(source, destination).run(applied(journal, tell=tell))
                told(name, "apply", wall, cpu)
                if traced:
                    print(f"{name}: peaks  {' '.join(f'{peak:.1f}' for peak in peaks)} MB")
                    tracemalloc.stop()
            print(f"{name}: {outcome.code} {dict(outcome.counts)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=500)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--to", action="append")
    parser.add_argument("--traced", action="store_true", help="measure memory, which takes time")
    given = parser.parse_args()
    for each in given.to or ["local"]:
        measure(each, given.packages, given.size, traced=given.traced)
