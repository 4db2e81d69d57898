"""Plans made by either colour, and a destination that has what a plan asks for without any of our runners."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import otabridge
from otabridge import AsyncClient, Client, Package
from otabridge.migrate.facts import Facts, facts_of
from otabridge.migrate.model import FieldChange, Item, MigrationPlan, Side
from otabridge.migrate.planner import planned
from otabridge.migrate.steps import AsyncRun, Run

Cloud = str | Mapping[str, Any]
COLOURS = ("sync", "async")


def silent(plan: MigrationPlan) -> list[Any]:
    """Checks of no plugin."""
    return []


def steps(
    source: Client | AsyncClient,
    destination: Client | AsyncClient,
    *,
    facts: Callable[[Facts], Facts] = lambda facts: facts,
    **more: Any,
) -> Any:
    """The planner's steps; `facts` changes what the destination declares."""
    return planned(
        source=Side(cloud=source.cloud, backend=source._backend.name),
        destination=Side(cloud=destination.cloud, backend=destination._backend.name),
        source_facts=facts_of(source),
        destination_facts=facts(facts_of(destination)),
        **{"checks": silent, **more},
    )


def plan(source: Cloud, destination: Cloud, *, colour: str = "sync", **more: Any) -> MigrationPlan:
    """The plan from one cloud to another, each a name as for `connect`, or settings."""

    async def within() -> MigrationPlan:
        async with _opened(otabridge.aconnect, source) as here, _opened(otabridge.aconnect, destination) as there:
            made: MigrationPlan = await AsyncRun(here, there).run(steps(here, there, **more))
            return made

    if colour == "async":
        return asyncio.run(within())
    with _opened(otabridge.connect, source) as here, _opened(otabridge.connect, destination) as there:
        made: MigrationPlan = Run(here, there).run(steps(here, there, **more))
        return made


def _opened(connect: Callable[..., Any], cloud: Cloud) -> Any:
    return connect(cloud) if isinstance(cloud, str) else connect(**cloud)


def published(cloud: Client, folder: Path, module: str, version: str, **more: Any) -> Package:
    """A package of one file, of the module of product `p1`; `content` and `file` say which."""
    content, name = more.pop("content", f"{module} {version}".encode()), more.pop("file", "app.bin")
    path = folder / name
    path.write_bytes(content)
    return cloud.packages.publish(path, **{"product": "p1", "module": module, "version": version, **more})


def carried(made: MigrationPlan, source: Client, store: Client, folder: Path) -> None:
    """Put into a store what a plan would make at the cloud in front of it."""
    for number, item in enumerate(made.items):
        if item.action != "create":
            continue
        target = dict(item.target)
        if item.kind == "module":
            store.modules.create(target.pop("name"), **target)
            continue
        inside, outside = folder / f"{number} in", folder / f"{number} out"
        outside.mkdir(parents=True)
        (path,) = source.packages.download(item.source["id"], inside)
        content = path.read_bytes()
        file = outside / item.files[0].target
        file.write_bytes(content)
        store.packages.publish(file, **{**target, "name": target["name"] or f"made_{number}"})


def item_of(made: MigrationPlan, key: str) -> Item:
    """One item by its key."""
    return {item.key: item for item in made.items}[key]


def change_of(made: MigrationPlan, key: str, rule: str) -> FieldChange:
    """What a rule says of an item."""
    (found,) = (each for each in item_of(made, key).fields if each.rule == rule)
    return found


def actions(made: MigrationPlan) -> dict[str, str]:
    """Key -> action."""
    return {item.key: item.action for item in made.items}
