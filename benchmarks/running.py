"""A run: the canned server on one core, measurements on another, each in a process of its own, contenders in turn."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.measuring import Figures, Ground, pinned

ROOT = Path(__file__).parents[1]
Results = dict[str, dict[str, list[Figures]]]  # case -> contender -> figures of each round
JOBS = ("one call, sync", "one call, async, 32 in flight", "100,000 versions, streamed", "migration of 500 packages")
LIMIT = 900  # seconds that one measurement may take


def cores() -> tuple[int | None, int | None]:
    """The core of the clients and that of the servers; the same where there is but one, none where none is chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    known = sorted(os.sched_getaffinity(0))
    return known[0], known[-1]


@contextmanager
def ground() -> Iterator[Ground]:
    """A canned server that runs."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = certified(Path(folder))
        command = [sys.executable, "-m", "benchmarks.server", str(certificate), str(key)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
            core = cores()[1]
            pinned(server.pid, core)
            assert server.stdout is not None
            try:
                yield Ground(**json.loads(server.stdout.readline()), certificate=str(certificate), server_core=core)
            finally:
                server.kill()


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback that vouches for itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths = folder / "certificate.pem", folder / "key.pem"
    for path, data in zip(paths, (made.public_bytes(encoding), secret), strict=True):
        path.write_bytes(data)
    return paths


class Workers:
    """Asks worker processes for figures: a new one for each measurement, or the same one for all."""

    def __init__(self, ground: Ground, *, fresh: bool) -> None:
        self._ground = ground
        self._fresh = fresh
        self._process: subprocess.Popen[str] | None = None

    def ask(self, how: str, contender: str, given: Mapping[str, Any]) -> Any:
        """What the function `how` finds of a contender. RuntimeError if it fails; the process has said why."""
        process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([how, contender, asdict(self._ground), given]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if self._fresh or not line:
            self.close()
        if not line:
            raise RuntimeError(f"{how} failed for {contender}")
        return json.loads(line)

    def _started(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "benchmarks.worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        pinned(self._process.pid, cores()[0])
        return self._process

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate(timeout=LIMIT)


def run(cases: Iterable[Case], *, rounds: int, tiny: bool, tell: Callable[[str], None]) -> Results:
    """Measure every case, its contenders in turn, so many times."""
    results: Results = {}
    with ground() as place:
        workers = Workers(place, fresh=not tiny)
        try:
            for case in cases:
                given = {**case.given, **(case.tiny if tiny else {})}
                found = results[case.name] = {contender: [] for contender in case.contenders}
                for _ in range(min(rounds, case.rounds)):
                    for contender in case.contenders:
                        found[contender].append(workers.ask(case.how, contender, given))
                tell(case.name)
        finally:
            workers.close()
    return results


def profiles(jobs: Iterable[str], *, tiny: bool, tell: Callable[[str], None]) -> dict[str, str]:
    """The profiles of jobs, as text."""
    found = {}
    with ground() as place:
        workers = Workers(place, fresh=not tiny)
        try:
            for job in jobs:
                told = [workers.ask(f"profiling:{part}", job, {"tiny": tiny})["text"] for part in ("cpu", "memory")]
                found[job] = "\n\n".join(told)
                tell(f"profile: {job}")
        finally:
            workers.close()
    return found
