"""Undoing: what this journal made is deleted, and nothing that anybody else made, changed or needs."""

from collections.abc import Callable
from typing import Any

import pytest

from otabridge import ConfigurationError, ConflictError, Package, ServerError, migrate
from otabridge.migrate import Code, Journal, Undone
from tests.migrate.calling import call, moved, stored
from tests.migrate.conftest import Move
from tests.migrate.making import PRODUCT, published

FIRST, SECOND, MODULE = "package p1/m0/1.0", "package p1/m0/1.1", "module p1/m0"


def undone(move: Move) -> Undone:
    told: Undone = call(move.colour, "undo", move.journal)
    return told


def there(move: Move) -> set[str]:
    return {*stored(move.folder / "destination")}


def test_everything_that_was_made_goes_and_the_source_stays(move: Move) -> None:
    before = stored(move.folder / "source")
    moved(move)
    told = undone(move)
    assert (len(told.removed), told.kept, told.failed, told.code) == (6, {}, {}, Code.DONE)
    assert there(move) == set()
    assert stored(move.folder / "source") == before
    assert {state.state for state in move.states().values()} == {"undone"}


def test_undoing_again_does_nothing_and_neither_does_resuming(move: Move) -> None:
    moved(move)
    undone(move)
    assert (undone(move).removed, undone(move).code) == ([], Code.DONE)
    call(move.colour, "resume", move.journal)
    assert there(move) == set()


def test_what_stood_there_before_stays(move: Move) -> None:
    move.destination.modules.create("m0", product=PRODUCT, alias="Alias-0", description="The module 0")
    published(move.destination, move.folder / "files", "m0", "1.0")
    moved(move)
    assert undone(move).code == Code.DONE
    assert there(move) == {"p1/m0", "p1/m0/1.0"}


def test_what_was_only_updated_stays(move: Move) -> None:
    move.destination.modules.create("m0", product=PRODUCT, alias="Old")
    moved(move)
    assert undone(move).code == Code.DONE
    assert there(move) == {"p1/m0"}


CHANGES: dict[str, Callable[[Move, Package], object]] = {
    "a text": lambda move, row: move.destination.packages.update(row.id, description="other"),
    "a text that the source did not have": lambda move, row: move.destination.packages.update(row.id, custom_info="{}"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_package_that_was_changed_since_is_kept_and_so_is_its_module(move: Move, change: str) -> None:
    moved(move)
    CHANGES[change](move, move.destination.packages.get(str(move.state(FIRST).id)))
    told = undone(move)
    assert {*told.kept} == {FIRST, MODULE}
    assert "changed since" in told.kept[FIRST]
    assert "has packages" in told.kept[MODULE]
    assert told.code == Code.DIFFERENT
    assert there(move) == {"p1/m0", "p1/m0/1.0"}
    assert move.state(FIRST).state == "done"


def test_a_module_that_was_changed_since_is_kept(move: Move) -> None:
    moved(move)
    move.destination.modules.update("m0", product=PRODUCT, alias="Mine")
    assert {*undone(move).kept} == {MODULE}
    assert there(move) == {"p1/m0"}


def test_a_module_with_somebody_elses_package_is_kept(move: Move) -> None:
    moved(move)
    published(move.destination, move.folder / "files", "m0", "9")
    assert {*undone(move).kept} == {MODULE}
    assert there(move) == {"p1/m0", "p1/m0/9"}


def test_a_package_made_anew_by_somebody_else_is_kept(move: Move) -> None:
    moved(move)
    move.destination.packages.delete(str(move.state(FIRST).id))
    published(move.destination, move.folder / "files", "m0", "1.0")
    told = undone(move)
    assert FIRST in told.removed  # ours is gone
    assert {*told.kept} == {MODULE}
    assert there(move) == {"p1/m0", "p1/m0/1.0"}


def test_a_module_made_anew_by_somebody_else_is_kept(move: Move) -> None:
    moved(move)
    for key in (FIRST, SECOND):
        move.destination.packages.delete(str(move.state(key).id))
    move.destination.modules.delete("m0", product=PRODUCT)
    move.destination.modules.create("m0", product=PRODUCT, alias="Alias-0", description="The module 0")
    assert {*undone(move).kept} == {MODULE}
    assert there(move) == {"p1/m0"}


def test_a_package_is_kept_while_another_one_needs_it(move: Move) -> None:
    moved(move)
    file = move.folder / "delta.bin"
    file.write_bytes(b"delta")
    move.destination.packages.publish(
        file, product=PRODUCT, module="m0", version="2.0", kind="delta", source_versions=["1.0"]
    )
    told = undone(move)
    assert told.kept[FIRST] == "it is a source version of 2.0"
    assert SECOND in told.removed


def test_of_packages_that_need_each_other_all_go_if_all_are_ours(move: Move) -> None:
    file = move.folder / "delta.bin"
    file.write_bytes(b"delta")
    for version, source in (("1.05", "1.0"), ("2.0", "1.05"), ("3.0", "2.0")):
        move.source.packages.publish(
            file, product=PRODUCT, module="m0", version=version, kind="delta", source_versions=[source]
        )
    moved(move)
    told = undone(move)
    assert (told.kept, told.code) == ({}, Code.DONE)
    assert there(move) == set()


def test_what_never_came_over_waits_for_no_module_that_was_undone(move: Move) -> None:
    plan = call(move.colour, "plan", move.source.cloud, move.destination.cloud)
    (row,) = move.source.packages.list(product=PRODUCT, module="m0", version="1.0")
    move.source.packages.delete(row.id)
    assert call(move.colour, "apply", plan, journal=move.journal).counts == {"done": 5, "drifted": 1}
    assert undone(move).code == Code.DONE
    again = call(move.colour, "resume", move.journal)
    assert (again.code, again.counts) == (0, {"undone": 6})
    assert move.state(FIRST).words == "its module was undone"
    assert there(move) == set()


def test_what_nobody_knows_who_made_is_kept_until_it_is_resumed(move: Move) -> None:
    moved(move)
    with Journal.open(move.journal, own=True) as journal:
        journal.move(FIRST, "failed", id=None, ours=True, fingerprint="", error="OutcomeUnknownError", words="lost")
    assert "resume, then undo" in undone(move).kept[FIRST]
    call(move.colour, "resume", move.journal)
    assert undone(move).code == Code.DONE
    assert there(move) == set()


def test_what_was_intended_and_never_made_is_undone_without_a_delete(move: Move) -> None:
    plan = call(move.colour, "plan", move.source.cloud, move.destination.cloud)
    call(move.colour, "apply", plan, journal=move.journal, choices=migrate.Choices(max_creates=0))
    with Journal.open(move.journal, own=True) as journal:
        journal.move(FIRST, "intended", ours=True, attempts=1)
    assert undone(move).removed == [FIRST]
    assert move.state(FIRST).words == "there was nothing to delete"


@pytest.mark.parametrize(
    ("error", "code"),
    [(ServerError("down", backend="local", operation="delete"), Code.AGAIN), (ConflictError("in use"), Code.DIFFERENT)],
)
def test_what_the_destination_refuses_to_delete_is_told_and_the_rest_is_done(
    move: Move, monkeypatch: pytest.MonkeyPatch, error: Any, code: Code
) -> None:
    from otabridge.local.packages import PackageStore

    moved(move)
    before, first = PackageStore.delete_package, str(move.state(FIRST).id)

    def delete(self: PackageStore, package_id: str) -> list[str]:
        if package_id == first:
            raise error
        return before(self, package_id)

    monkeypatch.setattr(PackageStore, "delete_package", delete)
    told = undone(move)
    assert {*told.kept, *told.failed} == {FIRST, MODULE}
    if FIRST in told.kept:
        assert "something there needs it, a rollout perhaps: in use" in told.kept[FIRST]
    assert told.code == code
    monkeypatch.undo()
    assert undone(move).code == Code.DONE
    assert there(move) == set()


def test_a_journal_at_work_cannot_be_undone_meanwhile(move: Move) -> None:
    moved(move)
    with Journal.open(move.journal, own=True), pytest.raises(ConfigurationError, match="another process is at work"):
        undone(move)
    assert len(there(move)) == 6
