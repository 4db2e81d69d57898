"""The functions of `otabridge.migrate`, in both colours: who is asked, and what is opened and closed again."""

import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from otabridge.aio import AsyncClient, aconnect
from otabridge.client import Client, connect
from otabridge.errors import ConfigurationError
from otabridge.files import disk_words
from otabridge.flow import Steps
from otabridge.migrate.course import USUAL, Choices
from otabridge.migrate.facts import facts_of, other_place, side_of
from otabridge.migrate.journal import ItemState, Journal
from otabridge.migrate.mapping import NameMap, read_mapping
from otabridge.migrate.model import Item, MigrationPlan, Side
from otabridge.migrate.planner import planned
from otabridge.migrate.record import Source, read_record
from otabridge.migrate.runner import Outcome, applied, begun
from otabridge.migrate.steps import AsyncRun, Run
from otabridge.migrate.undoing import Undone, undone
from otabridge.migrate.verification import Level, Verification, verified

FilePath = str | os.PathLike[str]
Mapped = NameMap | FilePath | None
Tell = Callable[[Item, ItemState], object]
AnyClient = Client | AsyncClient
C = TypeVar("C", Client, AsyncClient)

log = logging.getLogger("otabridge")


def _untold(item: Item, state: ItemState) -> None:
    """Tell nobody."""


# --- sync -------------------------------------------------------------------------------------------------------------


def plan(
    source: Client | str,
    destination: Client | str,
    *,
    products: Sequence[str] | None = None,
    mapping: Mapped = None,
    verify: bool = False,
    accept: Iterable[str] = (),
    update: bool = True,
    config: FilePath | None = None,
) -> MigrationPlan:
    """Read both sides, write nothing, and say what is to be done about each module and package.

    `mapping` renames and leaves out; `accept` names rules whose blockers are taken; without `update` texts of what
    stands there already are left. `verify`: whether packages must be verified before they can be rolled out.
    """
    with _opened(source, config) as here, _opened(destination, config) as there:
        steps = _planning(here, there, products=products, mapping=mapping, verify=verify, accept=accept, update=update)
        return Run(here, there).run(steps)


def apply(
    plan: MigrationPlan | FilePath,
    source: Client | str | None = None,
    destination: Client | str | None = None,
    *,
    journal: FilePath,
    choices: Choices = USUAL,
    tell: Tell = _untold,
    config: FilePath | None = None,
) -> Outcome:
    """Do what a plan says; with a journal of the same plan that is there, go on. What fails is in the outcome.

    `tell` is called at each item's end. ConfigurationError for blockers that were not accepted, or another's journal.
    """
    with begun(journal, _read(plan)) as kept:
        return _run(kept, source, destination, choices, tell, config)


def resume(
    journal: FilePath,
    source: Client | str | None = None,
    destination: Client | str | None = None,
    *,
    choices: Choices = USUAL,
    tell: Tell = _untold,
    config: FilePath | None = None,
) -> Outcome:
    """Go on with a journal, which has its plan: what is done is not done again."""
    with Journal.open(journal, own=True) as kept:
        return _run(kept, source, destination, choices, tell, config)


def verify(
    record: Source, destination: Client | str | None = None, *, level: Level = "hash", config: FilePath | None = None
) -> Verification:
    """Whether what a plan or a journal promises stands at the destination. Writes nothing; needs no source.

    `meta` compares what the cloud says, `hash` also the digests that it tells, `bytes` fetches every file.
    """
    known = read_record(record)
    with _opened(destination or known.plan.destination.cloud, config) as there:
        return Run(None, there).run(verified(known, facts_of(_readable(there, known.plan.destination)), level=level))


def undo(journal: FilePath, destination: Client | str | None = None, *, config: FilePath | None = None) -> Undone:
    """Delete what this journal's runs have made, if it is unchanged and nothing needs it. The source is not touched."""
    with Journal.open(journal, own=True) as kept:
        side = kept.plan.destination
        with _opened(destination or side.cloud, config) as there:
            return Run(None, there).run(undone(kept, facts_of(_fitting(there, side))))


# --- async ------------------------------------------------------------------------------------------------------------


async def aplan(
    source: AsyncClient | str,
    destination: AsyncClient | str,
    *,
    products: Sequence[str] | None = None,
    mapping: Mapped = None,
    verify: bool = False,
    accept: Iterable[str] = (),
    update: bool = True,
    config: FilePath | None = None,
) -> MigrationPlan:
    """`plan`, async."""
    async with _aopened(source, config) as here, _aopened(destination, config) as there:
        steps = _planning(here, there, products=products, mapping=mapping, verify=verify, accept=accept, update=update)
        return await AsyncRun(here, there).run(steps)


async def aapply(
    plan: MigrationPlan | FilePath,
    source: AsyncClient | str | None = None,
    destination: AsyncClient | str | None = None,
    *,
    journal: FilePath,
    choices: Choices = USUAL,
    tell: Tell = _untold,
    config: FilePath | None = None,
) -> Outcome:
    """`apply`, async."""
    with begun(journal, _read(plan)) as kept:
        return await _arun(kept, source, destination, choices, tell, config)


async def aresume(
    journal: FilePath,
    source: AsyncClient | str | None = None,
    destination: AsyncClient | str | None = None,
    *,
    choices: Choices = USUAL,
    tell: Tell = _untold,
    config: FilePath | None = None,
) -> Outcome:
    """`resume`, async."""
    with Journal.open(journal, own=True) as kept:
        return await _arun(kept, source, destination, choices, tell, config)


async def averify(
    record: Source,
    destination: AsyncClient | str | None = None,
    *,
    level: Level = "hash",
    config: FilePath | None = None,
) -> Verification:
    """`verify`, async."""
    known = read_record(record)
    async with _aopened(destination or known.plan.destination.cloud, config) as there:
        facts = facts_of(_readable(there, known.plan.destination))
        return await AsyncRun(None, there).run(verified(known, facts, level=level))


async def aundo(
    journal: FilePath, destination: AsyncClient | str | None = None, *, config: FilePath | None = None
) -> Undone:
    """`undo`, async."""
    with Journal.open(journal, own=True) as kept:
        side = kept.plan.destination
        async with _aopened(destination or side.cloud, config) as there:
            return await AsyncRun(None, there).run(undone(kept, facts_of(_fitting(there, side))))


# --- what both need ---------------------------------------------------------------------------------------------------


def _planning(
    source: AnyClient,
    destination: AnyClient,
    *,
    products: Sequence[str] | None,
    mapping: Mapped,
    verify: bool,
    accept: Iterable[str],
    update: bool,
) -> Steps[MigrationPlan]:
    folder = source.cloud.removeprefix("local:")
    if folder != source.cloud and not Path(folder).expanduser().is_dir():  # to look there would make a store
        raise ConfigurationError(f"{source.cloud}: there is no such folder: check its name")
    return planned(
        source=side_of(source),
        destination=side_of(destination),
        source_facts=facts_of(source),
        destination_facts=facts_of(destination),
        products=products,
        mapping=_names(mapping),
        verify=verify,
        accept=accept,
        update=update,
    )


def _names(mapping: Mapped) -> NameMap | None:
    if mapping is None or isinstance(mapping, NameMap):
        return mapping
    with disk_words(os.fspath(mapping)):
        text = Path(mapping).expanduser().read_bytes().decode("utf-8-sig", "replace")
    return read_mapping(text, file=os.fspath(mapping))


def _read(plan: MigrationPlan | FilePath) -> MigrationPlan:
    if isinstance(plan, MigrationPlan):
        return plan
    record = read_record(plan)
    if record.states is not None:
        raise ConfigurationError(f"{plan} is a journal, and not a plan: resume it")
    return record.plan


def _run(
    journal: Journal,
    source: Client | str | None,
    destination: Client | str | None,
    choices: Choices,
    tell: Tell,
    config: FilePath | None,
) -> Outcome:
    sides = journal.plan.source.cloud, journal.plan.destination.cloud
    with _opened(source or sides[0], config) as here, _opened(destination or sides[1], config) as there:
        return Run(here, there).run(applied(journal, choices=choices, tell=tell))


async def _arun(
    journal: Journal,
    source: AsyncClient | str | None,
    destination: AsyncClient | str | None,
    choices: Choices,
    tell: Tell,
    config: FilePath | None,
) -> Outcome:
    sides = journal.plan.source.cloud, journal.plan.destination.cloud
    async with _aopened(source or sides[0], config) as here, _aopened(destination or sides[1], config) as there:
        return await AsyncRun(here, there).run(applied(journal, choices=choices, tell=tell))


def _fitting(cloud: C, side: Side) -> C:
    """The client, if it is of the cloud that the plan was made for."""
    if other := other_place(side, side_of(cloud)):
        raise ConfigurationError(f"the plan's destination is {other}: connect to that")
    return cloud


def _readable(cloud: C, side: Side) -> C:
    """The same for what only reads: a store may lie elsewhere by now, if it is of the same backend."""
    fitting = _fitting(cloud, replace(side, place=""))
    if other := other_place(side, side_of(cloud)):
        log.warning("the plan's destination is %s", other)
    return fitting


@contextmanager
def _opened(cloud: Client | str, config: FilePath | None) -> Iterator[Client]:
    if isinstance(cloud, Client):
        yield cloud
    else:
        with connect(cloud, config=config) as opened:
            yield opened


@asynccontextmanager
async def _aopened(cloud: AsyncClient | str, config: FilePath | None) -> AsyncIterator[AsyncClient]:
    if isinstance(cloud, AsyncClient):
        yield cloud
    else:
        async with aconnect(cloud, config=config) as opened:
            yield opened
