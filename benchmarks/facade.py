"""Goal P12: answers per second and core of the mirror's server, with signatures verified; errors, and its memory.

python benchmarks/facade.py --seconds 60

32 connections on processes of their own ask without a pause, each request freshly signed. A core's worth is counted in
the server's own CPU time, so that a busy machine changes the figures little.

On two shared x86-64 cores and Python 3.11: 2,000 lists of modules (huawei), 2,500 (tuya), 310 pages of 50 devices,
760 pages of 200 versions, and no error in 60 s of each. Memory grows by what the used nonces of 15 minutes take.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import otabridge
from otabridge import ModuleVersion
from otabridge._connect import prepare
from otabridge._runners import Runner
from otabridge.signing import Signer
from otabridge.wire import Request

PRODUCT, DEVICE = "bench-1", "unit-000"
CLIENTS, PROCESSES = 32, 2
TICKS = os.sysconf("SC_CLK_TCK")

# A case -> the dialect, and the operation of its backend whose first request it is.
CASES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "huawei, 10 modules": ("huawei", lambda backend: backend.list_modules(product=PRODUCT)),
    "huawei, page of 50 devices": ("huawei", lambda backend: backend.list_devices(product=PRODUCT, limit=50)),
    "tuya, 10 modules": ("tuya", lambda backend: backend.list_modules(product=PRODUCT)),
    "tuya, page of 200 versions": (
        "tuya",
        lambda backend: backend.list_module_versions(product=PRODUCT, device=DEVICE, limit=200),
    ),
}


@dataclass(frozen=True)
class Told:
    """What one process of clients saw: how many answers, how many of them wrong, and the first of those."""

    answers: int
    wrong: int
    errors: tuple[str, ...]


def settings(line: dict[str, str]) -> dict[str, Any]:
    """How a backend of ours reaches the facade that a line of the server tells of."""
    common = {"backend": line["facade"], "endpoint": line["url"], "quotas": "off"}
    key, secret = line["access_key"], line["secret_key"]
    if line["facade"] == "huawei":
        more = {name: line[name] for name in ("project_id", "app_id", "region")}
        return common | more | {"access_key": key, "secret_key": secret}
    return common | {"access_key_id": key, "access_key_secret": secret}


class Maker:
    """Makes the bytes of one request, signed anew each time."""

    def __init__(self, line: dict[str, str], case: str) -> None:
        _, exchange = prepare(None, settings(line), file=None, world=None)
        steps = iter(CASES[case][1](exchange.backend))
        request = next(steps)
        steps.close()
        assert isinstance(request, Request)
        signer = Runner(exchange).run(exchange.backend.credential()).signer
        assert signer is not None
        self._request: Request = request
        self._signer: Signer = signer
        self._nonce = exchange.world.nonce
        self._host = urlsplit(line["url"]).netloc

    def __call__(self) -> bytes:
        signed = self._signer.sign(self._request, now=datetime.now(UTC), nonce=self._nonce()).on_wire()
        named = {name.lower() for name, _ in signed.headers}
        headers = [f"{name}: {value}" for name, value in signed.headers]
        headers += [] if "host" in named else [f"Host: {self._host}"]
        headers.append(f"Content-Length: {len(signed.body)}")
        head = "\r\n".join((f"{signed.method} {signed.target} HTTP/1.1", *headers))
        return head.encode() + b"\r\n\r\n" + signed.body


class Client(asyncio.Protocol):
    """One connection that asks as soon as it is answered."""

    def __init__(self, make: Maker, until: float, told: Callable[[bytes], None]) -> None:
        self._make = make
        self._until = until
        self._told = told
        self._received = b""
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, mark, body = self._received.partition(b"\r\n\r\n")
        if not mark or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        self._told(self._received)
        self._received = b""
        if time.monotonic() < self._until:
            self._transport.write(self._make())
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


def ask(line: dict[str, str], case: str, clients: int, seconds: float) -> Told:
    """So many clients at once, for so long, from one process."""
    answers, errors = 0, []

    def told(received: bytes) -> None:
        nonlocal answers
        answers += 1
        if not received.startswith(b"HTTP/1.1 200 ") or b'"Success":false' in received:
            errors.append(received[:500].decode("utf-8", "replace"))

    async def run() -> None:
        make, until = Maker(line, case), time.monotonic() + seconds
        place, loop = urlsplit(line["url"]), asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Client(make, until, told), place.hostname, place.port)
            for _ in range(clients)
        ]
        await asyncio.gather(*(client.over for _, client in made))

    asyncio.run(run())
    return Told(answers, len(errors), tuple(errors[:3]))


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, dict[str, dict[str, str]]]]:
    """A server of both dialects over a store with something in it: its process and its lines."""
    on = f"local:{folder}"
    with otabridge.connect(on) as cloud:
        for number in range(10):
            cloud.modules.create(f"module-{number}", product=PRODUCT, alias="Main-controller", description="a module")
        rows = [(DEVICE, f"module-{number:03}") for number in range(200)]
        rows += [(f"unit-{number:03}", "module-000") for number in range(1, 100)]
        cloud.devices.report_versions(
            ModuleVersion(product=PRODUCT, device=device, module=module, version="1.0.0") for device, module in rows
        )
    names = sorted({dialect for dialect, _ in CASES.values()})
    words = ["serve", *(word for name in names for word in ("--as", name)), "--on", on]
    command = [sys.executable, "-m", "otabridge.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in names]
        for line in lines:
            line.setdefault("secret_key", lines[0]["secret_key"])
        yield process.pid, {line["facade"]: line for line in lines}
        process.terminate()


def cpu(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(process: int) -> float:
    """Its memory, in MB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(
    process: int, line: dict[str, str], case: str, seconds: float, clients: int = CLIENTS
) -> tuple[float, Told]:
    """Answers per second of the server's CPU, and what was seen."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        jobs = [(line, case, clients // PROCESSES, seconds)] * PROCESSES
        pool.starmap(ask, [(line, case, 1, 0.0)] * PROCESSES)  # everything is loaded
        before = cpu(process)
        parts = pool.starmap(ask, jobs, chunksize=1)
        used = cpu(process) - before
    shown = tuple(error for part in parts for error in part.errors)
    total = Told(sum(part.answers for part in parts), sum(part.wrong for part in parts), shown)
    return total.answers / used, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case")
    parser.add_argument("--only", default="", help="cases whose name has this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "store") as (process, lines):
        for case, (dialect, _) in CASES.items():
            if options.only in case:
                measure(process, lines[dialect], case, 1.0)
                memory = resident(process)
                rate, told = measure(process, lines[dialect], case, options.seconds)
                grown = resident(process) - memory
                print(
                    f"{case:28} {rate:7,.0f} answers/s per core  {told.answers:8,} answers  "
                    f"{told.wrong} errors  memory {grown:+.1f} MB",
                    flush=True,
                )
                for error in told.errors:
                    print(error)


if __name__ == "__main__":
    main()
