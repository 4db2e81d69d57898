"""Migrations in processes of their own that are killed at a checkpoint, between clouds that fail all the time."""

import asyncio
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from otabridge import (
    AsyncClient,
    Client,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    aconnect,
    connect,
)
from otabridge._exchange import Exchange
from otabridge._runners import AsyncRunner, Runner
from otabridge.backend import Backend
from otabridge.flow import Flow, Steps
from otabridge.migrate.course import Choices
from otabridge.migrate.model import MigrationPlan
from otabridge.migrate.runner import applied, begun
from otabridge.migrate.steps import AsyncRun, Run
from otabridge.serve import Fault, Server, running
from otabridge.signing import World
from otabridge.transfers import Incoming
from tests.migrate.bazaar import LAG, Bazaar, BazaarSettings, Prompt, stopped_clock
from tests.migrate.making import faults_of, stocked, surveyed
from tests.migrate.naive import copied

FACADES = ("huawei", "tuya", "aliyun")
MADE_UP: dict[str, type[Bazaar]] = {kind.name: kind for kind in (Bazaar, Prompt)}
KILLED = -signal.SIGKILL
SHARE = 0.3  # of all calls go wrong
RESUMES = 6
_CALLS = 600  # of which a script of faults knows
_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "answer", "status": 503},
    {"kind": "throttle"},
    {"kind": "lose"},
    {"kind": "truncate"},
)
# The grant of an upload, or the key that signed it, has expired.
_EXPIRED = tuple({"kind": "expire", "operation": name} for name in ("PostObject", "PutObject"))
_WRITES = {"create_module", "create_package", "update_module", "update_package", "stage_artifact"}
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "otabridge._drivers", "otabridge_huawei.hooks", "otabridge_action.backend"])


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process does, in values that can be sent to it."""

    source: dict[str, Any]
    destination: dict[str, Any]
    folder: Path
    plan: bytes
    kill_at: int = 0
    seed: int = 0
    colour: str = "sync"
    in_flight: int = 4
    faults: bool = True
    naive: bool = False


def script(seed: int) -> list[Fault]:
    """So many calls of a server go wrong, and which is chance."""
    chance = random.Random(seed)
    return [
        *(Fault(call=call, **chance.choice(_FAULTS)) for call in range(1, _CALLS) if chance.random() < SHARE),
        *(Fault(call=call, **each) for each in _EXPIRED for call in range(1, 60) if chance.random() < SHARE),
    ]


# --- in the process that is killed ------------------------------------------------------------------------------------


def work(task: Task, codes: Any) -> None:
    """Apply, or go on, and kill this process at a checkpoint, if one is named."""
    chance, reached = random.Random(task.seed), 0

    def checkpoint(place: str) -> None:
        nonlocal reached
        reached += 1
        if reached == task.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    if task.faults:
        _flip(chance)
    world = World(sleep=lambda _: None, asleep=lambda _: asyncio.sleep(0))
    opened = partial(_opened, chance=chance if task.faults else None, world=world, clock=task.folder / "clock")
    if task.naive:
        with opened(task.source) as here, opened(task.destination) as there:
            copied(here, there, task.folder / "naive", checkpoint)
            codes.put((0, reached))
        return
    with begun(task.folder / "journal", MigrationPlan.from_json(task.plan)) as journal:
        steps = applied(journal, checkpoint=checkpoint, choices=Choices(in_flight=task.in_flight))
        if task.colour == "sync":
            with opened(task.source) as here, opened(task.destination) as there:
                outcome = Run(here, there).run(steps)
        else:

            async def run() -> Any:
                async with (
                    opened(task.source, asynchronous=True) as here,
                    opened(task.destination, asynchronous=True) as there,
                ):
                    return await AsyncRun(here, there).run(steps)

            outcome = asyncio.run(run())
    codes.put((outcome.code, reached))


def _opened(
    side: dict[str, Any], *, chance: random.Random | None, world: World, clock: Path, asynchronous: bool = False
) -> Any:
    """A client of a side. Where no server misbehaves, the backend does."""
    known = dict(side)
    made_up = MADE_UP.get(known.get("backend", ""))
    if made_up is None:
        client: Any = (aconnect if asynchronous else connect)(**known, world=world)
    else:
        backend = made_up(BazaarSettings(folder=known["path"]), world=stopped_clock(clock))
        exchange = Exchange(backend)
        client = AsyncClient("made up", AsyncRunner(exchange)) if asynchronous else Client("made up", Runner(exchange))
    if chance and "endpoint" not in known:
        _unreliable(client._backend, chance)
    return client


def _unreliable(backend: Backend, chance: random.Random) -> None:
    """Let operations fail before they did anything, and writes after they did all."""

    def failing(operation: Callable[..., Flow[Any]], share: float, **arguments: Any) -> Flow[Any]:
        def steps() -> Steps[Any]:
            fate = chance.random()
            if fate < share / 2:
                raise chance.choice((RateLimitError, ServerError))("not now")
            result = yield from operation(**arguments)
            if fate < share and operation.__name__ in _WRITES:
                raise OutcomeUnknownError("the answer was lost")
            return result

        return Flow(steps(), operation.__name__)

    for name, share in {**dict.fromkeys(_WRITES, SHARE), "get_package": SHARE / 3, "open_artifact": SHARE / 3}.items():
        if hasattr(backend, name):
            setattr(backend, name, partial(failing, getattr(backend, name), share))


def _flip(chance: random.Random) -> None:
    """Let bytes of downloads be others than were sent."""
    write = Incoming.write

    def flipped(self: Incoming, chunk: bytes) -> None:
        if chunk and chance.random() < SHARE / 2:
            place = chance.randrange(len(chunk))
            chunk = chunk[:place] + bytes([chunk[place] ^ 1]) + chunk[place + 1 :]
        write(self, chunk)

    Incoming.write = flipped  # type: ignore[method-assign]  # in this process alone


# --- in the test ------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Yard:
    """Two clouds that outlive every runner, and a plan from one to the other."""

    task: Task
    source: Client
    destination: Client
    servers: list[Server] = field(default_factory=list)

    def calm(self) -> None:
        """No more faults."""
        for server in self.servers:
            server.faults.__init__(())  # type: ignore[misc]

    def wait(self) -> None:
        """Until the lists of a made-up cloud show everything."""
        stopped_clock(self.task.folder / "clock").sleep(2 * LAG)

    def damage(self, name: str = "seen") -> dict[str, object]:
        """What is lost, duplicated or corrupted at the destination."""
        self.calm()
        self.wait()
        found = faults_of(self.source, self.destination, self.task.folder / name)
        backend = self.destination._backend
        if isinstance(backend, Bazaar):  # a client's list shows a name once
            rows = Counter(row["name"] for row in backend.everything("module"))
            found |= (
                {"duplicated": [name for name, times in rows.items() if times > 1]} if max(rows.values()) > 1 else {}
            )
        return found

    def run(self, **more: Any) -> tuple[int, int]:
        """One process, to its end: its exit code, or that of the outcome, and the checkpoints that it reached."""
        codes = _FORKS.SimpleQueue()
        process = _FORKS.Process(target=work, args=(Task(**{**vars(self.task), **more}), codes))
        process.start()
        process.join(120)
        code = process.exitcode
        process.close()
        return codes.get() if code == 0 else (code if code is not None else 1, 0)

    def resumed(self, **more: Any) -> int:
        """Gone on with until it is done, or has been tried often enough: the last code."""
        code = 1
        for again in range(1, RESUMES):
            code, _ = self.run(**more, seed=self.task.seed + 1000 * again)
            if code == 0:
                break
        return code


@contextmanager
def yard(source: str, destination: str | dict[str, Any], folder: Path, *, seed: int = 0, **more: Any) -> Iterator[Yard]:
    """A source with something in it and a destination, and the faults of both from then on.

    A destination by its settings is a server that is there, empty, and has no faults of its own.
    """
    with ExitStack() as stack:
        servers: list[Server] = []

        def side(name: str | dict[str, Any], place: Path) -> tuple[Client, Client, dict[str, Any]]:
            """The store behind a cloud, a client of the cloud, and how to reach it."""
            if isinstance(name, dict):
                client = stack.enter_context(connect(**name))
                return client, client, name
            if name in MADE_UP:
                known: dict[str, Any] = {"backend": name, "path": str(place)}
                client = _opened(known, chance=None, world=World(), clock=folder / "clock")
                return client, client, known
            store = stack.enter_context(connect(f"local:{place}"))
            if name not in FACADES:
                return store, store, {"backend": "local", "path": str(place)}
            server = stack.enter_context(running(name, on=f"local:{place}"))
            servers.append(server)
            known = server.settings(name)
            return store, stack.enter_context(connect(**known)), known

        here, source_client, reach = side(source, folder / "source")
        _, destination_client, other_reach = side(destination, folder / "destination")
        stocked(here, folder / "files", **more)
        stopped_clock(folder / "clock").sleep(2 * LAG)
        plan = surveyed(source_client, destination_client)
        for number, server in enumerate(servers):
            server.faults.__init__(script(seed + number))  # type: ignore[misc]  # from now on
        task = Task(source=reach, destination=other_reach, folder=folder, plan=plan.to_json(), seed=seed)
        yield Yard(task=task, source=source_client, destination=destination_client, servers=servers)
