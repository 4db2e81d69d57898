"""The mirror's server: answers per second and core, with signatures verified; errors, and its memory.

32 connections of processes of their own ask without a pause, each request freshly signed. A core's worth is counted in
the server's own CPU time, so that a busy machine changes the figures little.
"""

import asyncio
import json
import multiprocessing
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
from benchmarks.measuring import Figures, Ground, pinned, resident, spent
from otabridge import ModuleVersion
from otabridge._connect import prepare
from otabridge._runners import Runner
from otabridge.signing import Signer
from otabridge.wire import Request

PRODUCT, DEVICE = "bench-1", "unit-000"
CLIENTS, PROCESSES = 32, 2

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
        assert place.hostname
        assert place.port
        made = [
            await loop.create_connection(lambda: Client(make, until, told), place.hostname, place.port)
            for _ in range(clients)
        ]
        await asyncio.gather(*(client.over for _, client in made))

    asyncio.run(run())
    return Told(answers, len(errors), tuple(errors[:3]))


@contextmanager
def served(folder: Path, core: int | None = None) -> Iterator[tuple[int, dict[str, dict[str, str]]]]:
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
        pinned(process.pid, core)
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in names]
        for line in lines:
            line.setdefault("secret_key", lines[0]["secret_key"])
        yield process.pid, {line["facade"]: line for line in lines}
        process.terminate()


def measure(
    process: int, line: dict[str, str], case: str, seconds: float, clients: int = CLIENTS
) -> tuple[float, Told]:
    """Answers per second of the server's CPU, and what was seen."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        jobs = [(line, case, clients // PROCESSES, seconds)] * PROCESSES
        pool.starmap(ask, [(line, case, 1, 0.0)] * PROCESSES)  # everything is loaded
        before = spent(process)
        parts = pool.starmap(ask, jobs, chunksize=1)
        used = spent(process) - before
    shown = tuple(error for part in parts for error in part.errors)
    total = Told(sum(part.answers for part in parts), sum(part.wrong for part in parts), shown)
    return total.answers / used, total


def rates(contender: str, ground: Ground, *, seconds: float, warm_up: float = 1.0) -> Figures:
    """The figures of one case."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "store", ground.server_core) as (process, lines),
    ):
        line = lines[CASES[contender][0]]
        if warm_up:
            measure(process, line, contender, warm_up)
        memory = resident(process)
        rate, told = measure(process, line, contender, seconds)
        assert told.errors == ()
        return {"rate": rate, "answers": told.answers, "grown": resident(process) - memory}
