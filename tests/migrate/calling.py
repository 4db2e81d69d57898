"""The public functions of either colour, called on clouds by name."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

from otabridge import connect, migrate
from otabridge.cli.output import record
from otabridge.migrate import MigrationPlan
from tests.migrate.conftest import Move


def call(colour: str, name: str, *args: Any, **more: Any) -> Any:
    """`otabridge.migrate.NAME`, or its async twin."""
    if colour == "sync":
        return getattr(migrate, name)(*args, **more)
    return asyncio.run(getattr(migrate, f"a{name}")(*args, **more))


def moved(move: Move, **more: Any) -> MigrationPlan:
    """The plan of the planner, applied."""
    plan: MigrationPlan = call(move.colour, "plan", move.source.cloud, move.destination.cloud, **more)
    done = call(move.colour, "apply", plan, journal=move.journal)
    assert done.code in (0, 6), done
    return plan


def stored(folder: Path, *, but: Collection[str] = ()) -> dict[str, Any]:
    """Everything that a local store tells, by what it is, without some fields."""
    with connect(f"local:{folder}") as store:
        found = {f"{row.product}/{row.name}": record(row) for row in store.modules.list() if not row.builtin}
        found |= {f"{row.product}/{row.module}/{row.version}": record(row) for row in store.packages.list()}
    return {key: {name: value for name, value in row.items() if name not in but} for key, row in found.items()}
