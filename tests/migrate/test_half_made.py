"""Clouds that make a package in several steps: what was broken off between them is completed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from otabridge.errors import OutcomeUnknownError
from otabridge.flow import Flow, Steps
from otabridge.local.backend import LocalBackend
from otabridge.models import Package, PackageDraft
from tests.migrate.conftest import Move
from tests.migrate.making import surveyed


def stepwise(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A local store that makes a package without its files, then brings them, and loses its first answers between."""
    create, broken_off = LocalBackend.create_package, []

    def steps(self: LocalBackend, draft: PackageDraft) -> Steps[Package]:
        key = {"product": draft.product, "module": draft.module, "version": draft.version}
        for row in (yield from self.list_packages(**key)).items:
            if not row.artifacts:
                yield from self.delete_package(package_id=row.id)
        if draft.version not in broken_off:
            broken_off.append(draft.version)
            yield from create(self, draft=replace(draft, artifacts=()))
            raise OutcomeUnknownError("the answer was lost")
        return (yield from create(self, draft=draft))

    monkeypatch.setattr(
        LocalBackend, "create_package", lambda self, *, draft: Flow(steps(self, draft), "create_package")
    )
    return broken_off


def test_a_package_that_was_half_made_by_this_journal_is_completed(
    make_move: Callable[..., Move], colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = make_move(colour)
    broken_off = stepwise(monkeypatch)
    assert (move.apply(move.plan()).code, bool(broken_off)) == (0, True)
    assert all(row.artifacts for row in move.destination.packages.list())
    assert surveyed(move.source, move.destination).empty


def test_a_package_that_another_made_meanwhile_is_left_as_it_is(
    make_move: Callable[..., Move], colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = make_move(colour)
    plan = move.plan()
    item = next(item for item in plan.items if item.kind == "package")
    create = LocalBackend.create_package

    def lost(self: LocalBackend, *, draft: PackageDraft) -> Flow[Any]:
        def steps() -> Steps[Package]:
            if draft.version == item.target["version"] and draft.module == item.target["module"]:
                monkeypatch.setattr(LocalBackend, "create_package", create)
                yield from create(self, draft=replace(draft, artifacts=(), description="somebody else's"))
                raise OutcomeUnknownError("the answer was lost")
            return (yield from create(self, draft=draft))

        return Flow(steps(), "create_package")

    monkeypatch.setattr(LocalBackend, "create_package", lost)
    assert move.apply(plan).code == 3
    assert move.state(item.key).state == "conflict"
    theirs = [row for row in move.destination.packages.list() if row.description == "somebody else's"]
    assert [row.artifacts for row in theirs] == [()]
