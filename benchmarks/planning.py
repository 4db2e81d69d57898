"""How long a migration's plan takes: of a cloud on loopback, and of a large store.

python benchmarks/planning.py                    500 packages of 10 modules, read from a facade in a process of its own
python benchmarks/planning.py --local 10000      a store of so many, towards a facade
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import otabridge
from otabridge import Artifact, Checksum, Client, LocalLocation
from otabridge.migrate.facts import facts_of
from otabridge.migrate.model import MigrationPlan, Side
from otabridge.migrate.planner import planned
from otabridge.migrate.steps import Run

PRODUCT = "bench"
KEYS = {"access_key": "bench-access-key", "secret_key": "bench-secret-key"}


def stocked(store: Client, packages: int, modules: int, folder: Path) -> None:
    """Packages of one small file, which all share."""
    file = folder / "app.bin"
    file.write_bytes(b"the bytes of every package")
    for number in range(modules):
        store.modules.create(f"m{number:03}", product=PRODUCT, alias=f"Alias-{number}", description="a module")
    first = store.packages.publish(file, product=PRODUCT, module="m000", version="0", name="p0")
    (artifact,) = first.artifacts
    assert isinstance(artifact.location, LocalLocation)
    digest = Checksum(algorithm="sha256", hex=artifact.location.sha256)
    copy = Artifact(name="app.bin", size=artifact.size, checksum=digest, location=artifact.location)
    for number in range(1, packages):
        store.packages.create(
            product=PRODUCT,
            module=f"m{number % modules:03}",
            version=str(number),
            artifacts=[copy],
            name=f"p{number}",
            description=f"what is new in {number}",
        )


@contextmanager
def served(name: str, store: str) -> Iterator[dict[str, Any]]:
    """A facade in another process, so that its CPU is not counted with the planner's: the settings to reach it."""
    program = (
        "import sys, json\n"
        "from otabridge.serve import running\n"
        f"with running({name!r}, on={store!r}, **{KEYS!r}) as server:\n"
        f"    print(json.dumps(server.settings({name!r})), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def timed(title: str, source: Client, destination: Client) -> MigrationPlan:
    """The plan, and what it cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    steps = planned(
        source=Side(cloud="source", backend=source._backend.name),
        destination=Side(cloud="destination", backend=destination._backend.name),
        source_facts=facts_of(source),
        destination_facts=facts_of(destination),
    )
    made: MigrationPlan = Run(source, destination).run(steps)
    size = len(made.to_json())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = f"{len(made.items)} items {made.counted()}, {size / 1e6:.1f} MB"
    print(f"{title:32} wall {wall:6.2f} s  CPU {cpu:6.2f} s  peak {peak:.0f} MB  {told}", flush=True)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--local", type=int, default=0, help="packages of a local source, instead of a cloud's 500")
    parser.add_argument("--modules", type=int, default=10)
    parser.add_argument("--from", dest="source", default="aliyun")
    parser.add_argument("--to", dest="destination", default="huawei")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with otabridge.connect(f"local:{folder / 'old'}") as store:
            stocked(store, asked.local or 500, asked.modules, folder)
        with served(asked.destination, f"local:{folder / 'new'}") as there, otabridge.connect(**there) as destination:
            if asked.local:
                with otabridge.connect(f"local:{folder / 'old'}") as source:
                    timed(f"local -> {asked.destination}", source, destination)
                return
            with served(asked.source, f"local:{folder / 'old'}") as here, otabridge.connect(**here) as source:
                timed(f"{asked.source} -> {asked.destination}", source, destination)
                timed(f"{asked.source} -> itself, all there", source, source)


if __name__ == "__main__":
    main()
