"""Two local stores, the first with something in it, and a way to apply in either colour."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from otabridge import Client, aconnect, connect
from otabridge.migrate.journal import ItemState, Journal
from otabridge.migrate.model import Item, MigrationPlan
from otabridge.migrate.runner import Outcome, applied, begun
from otabridge.migrate.steps import AsyncRun, Run
from tests.migrate.making import planned, stocked


@dataclass
class Move:
    """Two stores in a folder, and migrations from the one to the other."""

    folder: Path
    colour: str
    source: Client
    destination: Client
    told: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def plan(self, items: list[Item] | None = None, **more: Any) -> MigrationPlan:
        return planned(self.source, self.destination, items, **more)

    def apply(self, plan: MigrationPlan | None = None, **more: Any) -> Outcome:
        """Apply a plan, or go on with the journal's."""
        journal = begun(self.journal, plan) if plan else Journal.open(self.journal, own=True)
        with journal:
            steps = applied(journal, tell=lambda item, state: self.told.append(item.key), **more)
            if self.colour == "sync":
                return Run(self.source, self.destination).run(steps)

            async def run() -> Outcome:
                async with (
                    aconnect(f"local:{self.folder / 'source'}") as source,
                    aconnect(f"local:{self.folder / 'destination'}") as destination,
                ):
                    return await AsyncRun(source, destination).run(steps)

            return asyncio.run(run())

    def states(self) -> dict[str, ItemState]:
        with Journal.open(self.journal) as journal:
            return journal.states()

    def state(self, key: str) -> ItemState:
        return self.states()[key]


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_move(tmp_path: Path) -> Iterator[Callable[..., Move]]:
    opened: list[Client] = []

    def make(colour: str = "sync", **more: Any) -> Move:
        opened.extend(connect(f"local:{tmp_path / name}") for name in ("source", "destination"))
        stocked(opened[0], tmp_path / "files", **more)
        return Move(tmp_path, colour, *opened[-2:])

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def move(make_move: Callable[..., Move], colour: str) -> Move:
    return make_move(colour)
