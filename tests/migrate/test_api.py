"""The functions of `otabridge.migrate`: the same in both colours, on clients and on names, loaded when used."""

import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otabridge import ConfigurationError, aconnect, migrate
from tests.migrate.calling import moved, stored
from tests.migrate.conftest import Move

PAIRS = ("plan", "apply", "resume", "verify", "undo")


@pytest.mark.parametrize("name", PAIRS)
def test_both_colours_have_the_same_parameters(name: str) -> None:
    sync, twin = (inspect.signature(getattr(migrate, each)) for each in (name, f"a{name}"))
    assert str(sync) == str(twin).replace("aio.AsyncClient", "client.Client")
    assert inspect.iscoroutinefunction(getattr(migrate, f"a{name}"))


def test_every_name_is_there_and_nothing_hides_behind_a_module() -> None:
    assert {*migrate.__all__} == {*migrate._HOME}
    for name in migrate.__all__:
        assert not inspect.ismodule(getattr(migrate, name)), name
    with pytest.raises(AttributeError, match="no attribute 'everything'"):
        migrate.everything  # noqa: B018


def test_importing_it_loads_nothing() -> None:
    code = "import sys; from otabridge import migrate; print([n for n in sys.modules if n.startswith('otabridge.')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "['otabridge.migrate']\n"


def test_clients_that_are_given_stay_open(move: Move) -> None:
    async def run() -> None:
        ends = (f"local:{move.folder / name}" for name in ("source", "destination"))
        async with aconnect(next(ends)) as source, aconnect(next(ends)) as destination:
            plan = await migrate.aplan(source, destination)
            await migrate.aapply(plan, source, destination, journal=move.journal)
            assert len([row async for row in destination.packages.list()]) == 4

    if move.colour == "async":
        asyncio.run(run())
    else:
        plan = migrate.plan(move.source, move.destination)
        migrate.apply(plan, move.source, move.destination, journal=move.journal)
        assert len([*move.destination.packages.list()]) == 4


def test_a_journal_has_all_that_resuming_needs(move: Move) -> None:
    plan = migrate.plan(move.source, move.destination)
    migrate.apply(plan, journal=move.journal, choices=migrate.Choices(max_creates=2))
    done = migrate.resume(str(move.journal)) if move.colour == "sync" else asyncio.run(migrate.aresume(move.journal))
    assert (done.code, {*stored(move.folder / "destination")}) == (0, {*stored(move.folder / "source")})


def test_tell_hears_of_each_item_at_its_end(move: Move) -> None:
    told: list[str] = []
    plan = migrate.plan(move.source, move.destination)
    migrate.apply(plan, journal=move.journal, tell=lambda item, state: told.append(f"{item.key} {state.state}"))
    assert sorted(told) == sorted(f"{item.key} done" for item in plan.items)


def test_a_journal_is_no_plan(move: Move) -> None:
    moved(move)
    with pytest.raises(ConfigurationError, match="is a journal, and not a plan: resume it"):
        migrate.apply(move.journal, journal=move.folder / "other")


def test_a_mapping_is_a_file_or_a_value(move: Move) -> None:
    file = move.folder / "map.toml"
    file.write_text("[modules.p1]\nm1 = false\n")
    by_file = migrate.plan(move.source, move.destination, mapping=file)
    by_value = migrate.plan(move.source, move.destination, mapping=migrate.read_mapping(file.read_text()))
    assert by_file.id == by_value.id
    assert by_file.counted() == {"create": 3, "skip": 3}
    with pytest.raises(ConfigurationError, match=re.escape("none.toml: ")):
        migrate.plan(move.source, move.destination, mapping=Path("none.toml"))
