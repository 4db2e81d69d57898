"""A move of small packages of ten modules: planned and applied, into another local store or through a facade."""

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import otabridge
from benchmarks.measuring import Figures, Ground, pinned, spent
from otabridge import Client
from otabridge.migrate import Code, apply, plan

MODULES, SIZE = 10, 2_000
PRODUCT = "product-1"
KEYS = {"access_key": "bench-access-key", "secret_key": "bench-secret-key"}


def stocked(cloud: Client, folder: Path, packages: int) -> None:
    """Modules, and packages of one small file each, no two files alike."""
    for module in range(MODULES):
        cloud.modules.create(f"module-{module}", product=PRODUCT, alias=f"Alias-{module}", description="a module")
    file = folder / "app.bin"
    for number in range(packages):
        file.write_bytes(f"{number} ".encode().ljust(SIZE, b"."))
        cloud.packages.publish(file, product=PRODUCT, module=f"module-{number % MODULES}", version=f"1.{number}")


@contextmanager
def served(name: str, store: str, core: int | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """A facade in another process, so that its CPU is not counted with ours: its process, and how it is reached."""
    program = (
        "import sys, json\n"
        "from otabridge.serve import running\n"
        f"with running({name!r}, on={store!r}, **{KEYS!r}) as server:\n"
        f"    print(json.dumps(server.settings({name!r})), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pinned(process.pid, core)
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.pid, json.loads(process.stdout.readline())
        process.stdin.close()


@contextmanager
def opened(name: str, folder: Path, core: int | None) -> Iterator[tuple[Client, int | None]]:
    """A local store, or a facade's cloud over one; and the facade's process."""
    if name == "local":
        with otabridge.connect(f"local:{folder}") as client:
            yield client, None
        return
    with served(name, f"local:{folder}", core) as (process, settings), otabridge.connect(**settings) as client:
        yield client, process


def moved(contender: str, ground: Ground, *, packages: int, traced: bool = False) -> Figures:
    """Seconds of a plan, of its apply, of the facade meanwhile; of `traced`, the most MB that Python held."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (
            otabridge.connect(f"local:{folder / 'source'}") as source,
            opened(contender, folder / "there", ground.server_core) as (destination, process),
        ):
            stocked(source, folder, packages)
            began = _now()
            made = plan(source, destination)
            made = made.accepting({rule for item in made.items for rule in item.rules("blocker")})
            planned, served_before = _now(), spent(process) if process else 0.0
            if traced:
                tracemalloc.start()
            outcome = apply(made, source, destination, journal=folder / "journal")
            applied, served_after = _now(), spent(process) if process else 0.0
            assert outcome.code in (Code.DONE, Code.LOSSES), outcome
            assert outcome.created >= packages
            figures = {
                "plan_s": planned[0] - began[0],
                "apply_s": applied[0] - planned[0],
                "apply_wall_s": applied[1] - planned[1],
                "packages": packages / (applied[0] - planned[0]),
            }
            if process:
                figures["server_s"] = served_after - served_before
            if traced:
                figures = {"peak_mb": tracemalloc.get_traced_memory()[1] / 1e6}
                tracemalloc.stop()
            return figures


def _now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()
