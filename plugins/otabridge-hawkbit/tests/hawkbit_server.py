"""A real hawkBit for tests: built once from `server/` and started on a free loopback port, or one that runs elsewhere.

`shared()` is the one that all tests of a process use. A `Server` of one's own can be killed and started again.
"""

import atexit
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx
import pytest
from platformdirs import user_cache_path

PROJECT = Path(__file__).parent / "server"
VARIABLE = "OTABRIDGE_TEST_HAWKBIT"
BUILD_SECONDS = 900
READY_SECONDS = 120
STOP_SECONDS = 30
TAIL_LINES = 30

# On two cores this starts in 10 s; with the optimising compiler it takes a seventh longer and 50 MB more.
JVM = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
LISTENS = re.compile(r"started on port\(s\) (\d+)")

# Settings of every server. Port 0: it takes a free one and says in its log which.
OPTIONS: Mapping[str, object] = {
    "spring.autoconfigure.exclude": "org.springframework.boot.autoconfigure.validation.ValidationAutoConfiguration",
    "spring.cloud.bus.enabled": False,
    "spring.security.user.name": "admin",
    "server.address": "127.0.0.1",
    "server.port": 0,
    "hawkbit.dmf.rabbitmq.enabled": False,
    "hawkbit.server.ddi.security.authentication.gatewaytoken.enabled": True,
}
NO_WHITELIST = {"hawkbit.server.security.dos.filter.whitelist": "none"}


class Unavailable(Exception):
    """There is no hawkBit to test against; the message says what is missing."""


class Broken(Exception):
    """The server did not start, or died; the message ends with the tail of its log."""


@dataclass(frozen=True, kw_only=True)
class Hawkbit:
    """Where a hawkBit is and who may use it; `server` is its process when it is ours."""

    url: str
    username: str
    password: str = field(repr=False)
    gateway_token: str = field(default="", repr=False)
    tenant: str = "DEFAULT"
    server: "Server | None" = field(default=None, repr=False, compare=False)

    def client(self, path: str = "/rest/v1", **options: Any) -> httpx.Client:
        """A plain client of the Management API. Proxies of the environment are for servers elsewhere only."""
        given: dict[str, Any] = {
            "auth": (self.username, self.password),
            "timeout": 60,
            "trust_env": self.server is None,
        } | options
        return httpx.Client(base_url=self.url + path, **given)

    def device_client(self, **options: Any) -> httpx.Client:
        """A plain client of the device API, as a gateway that may speak for every device."""
        if not self.gateway_token:
            pytest.skip(f"{VARIABLE}_GATEWAY_TOKEN is not set, and no device can be played without")
        headers = {"Authorization": f"GatewayToken {self.gateway_token}"}
        return self.client(f"/{self.tenant}/controller/v1", auth=None, headers=headers, **options)


class Server:
    """A process of our own. Its database is in memory, or with `lasting` in a file that survives `kill`."""

    def __init__(self, *, lasting: bool = False, options: Mapping[str, object] | None = None) -> None:
        self._scratch = TemporaryDirectory(prefix="hawkbit-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        self._password, self._token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._settings: dict[str, object] = {**OPTIONS, **self._own(lasting), **(options or {})}
        atexit.register(self.stop)

    def _own(self, lasting: bool) -> dict[str, str]:
        kept = {"spring.datasource.url": f"jdbc:h2:file:{self.folder.as_posix()}/db;MODE=MySQL;WRITE_DELAY=0"}
        return {
            "org.eclipse.hawkbit.repository.file.path": f"{self.folder.as_posix()}/artifacts",
            "spring.security.user.password": f"{{noop}}{self._password}",
            "hawkbit.server.ddi.security.authentication.gatewaytoken.key": self._token,
        } | (kept if lasting else {})

    @property
    def log(self) -> Path:
        """What the process of the last start wrote."""
        return self.folder / f"log-{self._starts}.txt"

    @property
    def site(self) -> Hawkbit:
        """How to reach the server; the same after every start."""
        return Hawkbit(
            url=f"http://127.0.0.1:{self._settings['server.port']}",
            username=str(self._settings["spring.security.user.name"]),
            password=self._password,
            gateway_token=self._token,
            server=self,
        )

    def start(self) -> Self:
        """Return when the server answers. Its secrets go through the environment: no list of processes shows them."""
        command = [_tool("java"), *JVM, "-jar", str(built())]
        self._starts += 1
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | {"SPRING_APPLICATION_JSON": json.dumps(self._settings)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.kill()
                how = "was not ready in time" if code is None else f"ended with {code}"
                raise Broken(f"hawkBit {how}; its log ends with:\n{_tail(self.log)}")
            time.sleep(0.1)
        return self

    def _ready(self) -> bool:
        said = LISTENS.search(self.log.read_text(errors="replace"))
        if said is None:
            return False
        self._settings = self._settings | {"server.port": int(said[1])}
        with self.site.client() as client:
            try:
                return client.get("/targets", params={"limit": 1}).status_code == 200
            except httpx.TransportError:
                return False

    def stop(self) -> None:
        """End the process as an operator does; nothing happens when it does not run."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End the process at once, as when the power fails."""
        self._end(subprocess.Popen.kill)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        how(process)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def built() -> Path:
    """The server's jar, built by Maven when the cache has none of this source."""
    digest = hashlib.sha256()
    for path in sorted(path for path in PROJECT.rglob("*") if path.is_file()):
        digest.update(json.dumps([path.relative_to(PROJECT).as_posix(), path.read_text("utf-8")]).encode())
    given = os.environ.get(f"{VARIABLE}_CACHE")
    folder = Path(given) if given else user_cache_path("otabridge-hawkbit", appauthor=False)
    jar = folder.absolute() / f"server-{digest.hexdigest()[:32]}.jar"
    if not jar.exists():
        _build(jar)
    return jar


def _build(jar: Path) -> None:
    command = [_tool("mvn"), "-q", "-B", "-DskipTests", "package"]
    _tool("java")
    jar.parent.mkdir(parents=True, exist_ok=True)
    # In a folder of its own, and renamed when whole: builds that are broken off or run side by side do no harm.
    with TemporaryDirectory(dir=jar.parent, prefix="build-", ignore_cleanup_errors=True) as scratch:
        copy, log = Path(scratch, "server"), Path(scratch, "log.txt")
        shutil.copytree(PROJECT, copy)
        try:
            with log.open("wb") as told:
                subprocess.run(
                    command,
                    cwd=copy,
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=subprocess.STDOUT,
                    timeout=BUILD_SECONDS,
                    check=True,
                )
        except subprocess.SubprocessError as error:
            raise Unavailable(f"Maven could not build the server: {error}\n{_tail(log)}") from None
        os.replace(copy / "target" / "server.jar", jar)


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"a real hawkBit needs {name}, and it is not installed")
    return found


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def foreign() -> Hawkbit | None:
    """The server that the environment names, which is not ours to stop."""
    given = {
        name: os.environ.get(f"{VARIABLE}_{name}", "") for name in ("URL", "USERNAME", "PASSWORD", "GATEWAY_TOKEN")
    }
    if not given["URL"]:
        return None
    return Hawkbit(
        url=given["URL"].rstrip("/"),
        username=given["USERNAME"],
        password=given["PASSWORD"],
        gateway_token=given["GATEWAY_TOKEN"],
    )


@cache
def _shared() -> Hawkbit:
    return foreign() or Server().start().site


@cache
def _lasting() -> Hawkbit:
    return Server(lasting=True, options=NO_WHITELIST).start().site


def shared() -> Hawkbit:
    """The hawkBit of all tests of this process: the environment's, or one of ours, started by the first who asks."""
    return lent(_shared)


def lasting() -> Hawkbit:
    """One of ours, with its database in a file and nobody exempt from its limits: it may be killed and started."""
    if foreign():
        pytest.skip(f"{VARIABLE}_URL names a server that is not ours to kill")
    return lent(_lasting)


def lent(make: Callable[[], Hawkbit]) -> Hawkbit:
    """What `make` gives; where that cannot be, the test is skipped, or fails if the environment requires it."""
    try:
        return make()
    except Unavailable as reason:
        if os.environ.get(VARIABLE) == "required":
            raise
        pytest.skip(str(reason))
