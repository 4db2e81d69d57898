"""What is measured, and by what: CPU, wall, memory, and the connections and requests that the server counted."""

import gc
import os
import resource
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import loads
from pathlib import Path

from benchmarks.peers import Place

Figures = dict[str, float]
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The ports of the canned server, the certificate that its TLS door shows, and the core that servers run on."""

    plain: int
    tls: int
    late: int
    counts: int
    certificate: str
    server_core: int | None = None

    def place(self, door: str) -> Place:
        """Where clients go for one of the doors."""
        return Place(port=getattr(self, door), ca_file=self.certificate, tls=door == "tls")

    def counted(self, door: str) -> tuple[int, int]:
        """The connections and requests that have come through a door."""
        with socket.create_connection(("127.0.0.1", self.counts)) as asked:
            asked.sendall(b"?")
            connections, requests = loads(asked.recv(4096))[door]
        return connections, requests


@dataclass(slots=True)
class Meter:
    """Figures of what happens between `with` and its end, for so many units of work."""

    ground: Ground
    door: str
    figures: Figures = field(default_factory=dict)

    @contextmanager
    def over(self, units: int) -> Iterator[None]:
        """CPU and wall microseconds a unit."""
        gc.collect()
        connections, requests = self.ground.counted(self.door)
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        now = self.ground.counted(self.door)
        self.figures |= {
            "cpu": cpu / units * 1e6,
            "wall": wall / units * 1e6,
            "connections": now[0] - connections,
            "requests": now[1] - requests,
            "units": units,
        }


def resident(process: int | str = "self") -> float:
    """The memory of a process, of this one if none is named, in MB."""
    if (status := Path(f"/proc/{process}/statm")).exists():
        return int(status.read_text().split()[1]) * PAGE / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def memory() -> float:
    """MB: what Python has allocated while that is traced, else what the process holds."""
    return tracemalloc.get_traced_memory()[0] / 1e6 if tracemalloc.is_tracing() else resident()


def pinned(process: int, core: int | None) -> None:
    """Keep a process on a core, where there is a way to choose."""
    if core is not None:
        os.sched_setaffinity(process, {core})


def spent(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
