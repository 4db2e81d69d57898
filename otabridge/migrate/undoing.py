"""Undoing: what a journal's runs have made at the destination is deleted, if nobody has changed it or relies on it.

What stood there before stays, and so does what was only updated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otabridge.errors import AuthenticationError, ConflictError, NotFoundError, OtaBridgeError
from otabridge.flow import Sleep, Steps, local, or_none
from otabridge.migrate.codes import Code
from otabridge.migrate.facts import Facts
from otabridge.migrate.journal import ItemState, Journal
from otabridge.migrate.looking import fingerprint, found_packages, shown_module, shown_package
from otabridge.migrate.model import Item
from otabridge.migrate.steps import ask
from otabridge.models import Module, Package


@dataclass(slots=True, kw_only=True)
class Undone:
    """Keys of what was deleted, and why the rest of what the journal may have made was kept, or could not be."""

    removed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> Code:
        """The exit code that this amounts to."""
        return Code.AGAIN if self.failed else Code.DIFFERENT if self.kept else Code.DONE


class Kept(Exception):
    """It is not to be deleted."""


def undone(journal: Journal, facts: Facts) -> Steps[Undone]:
    """Delete what the journal's runs made, packages before their modules. Run it with a destination alone."""
    states = journal.states()
    ours = [item for item in journal.plan.items if states[item.key].ours and states[item.key].state != "undone"]
    told = Undone()

    def one(item: Item, others: Sequence[Package] = ()) -> Steps[None]:
        try:
            words = yield from _removed(item, states[item.key], others, facts)
        except Kept as error:
            told.kept[item.key] = str(error)
        except ConflictError as error:
            told.kept[item.key] = f"the destination keeps it, as something there needs it, a rollout perhaps: {error}"
        except AuthenticationError:
            raise
        except OtaBridgeError as error:
            told.failed[item.key] = str(error)
        else:
            yield from local(lambda: journal.move(item.key, "undone", words=words))
            told.removed.append(item.key)
            told.kept.pop(item.key, None)

    packages = [item for item in ours if item.kind == "package"]
    beside = yield from _beside(packages)
    while packages:
        before = len(told.removed)
        for item in packages:
            gone = {states[key].id for key in told.removed}
            yield from one(item, [row for row in beside[_module(item)] if row.id not in gone])
        # A package that another one needs can go once that one has gone.
        packages = [item for item in packages if item.key in told.kept] if len(told.removed) > before else []
    for item in ours:
        if item.kind == "module":
            yield from one(item)
    return told


def _removed(item: Item, state: ItemState, others: Sequence[Package], facts: Facts) -> Steps[str]:
    """Delete what an item became, and say how. Kept if it is not certainly ours, or no longer as it was made."""
    there = yield from _found(item, state)
    if there is None:
        return "there was nothing to delete"
    if state.id is None:
        raise Kept("what stands there may have been made by this journal or by others: resume, then undo")
    if isinstance(there, Module) and state.id != (there.id or there.name):
        raise Kept("another one has its name by now")
    if not state.fingerprint:
        raise Kept("it was made and never checked: resume, then undo")
    if state.fingerprint != fingerprint(there):
        raise Kept("it was changed since it was made")
    if isinstance(there, Package):
        if there.status in ("verifying", "verified", "rejected"):
            raise Kept(f"it is in use: its status is {there.status}")
        if needing := [row.version for row in others if there.version in row.source_versions]:
            raise Kept(f"it is a source version of {', '.join(needing)}")
    elif (yield from _packages_of(there, facts)):
        raise Kept("it has packages")
    yield from ask("destination", lambda cloud: _delete(cloud, there))
    return "deleted"


def _found(item: Item, state: ItemState) -> Steps[Module | Package | None]:
    target = item.target
    if item.kind == "module":
        return (yield from or_none(shown_module("destination", target["product"], target["name"])))
    if state.id is not None:
        return (yield from or_none(shown_package("destination", state.id)))
    rows = yield from found_packages("destination", *_module(item), target["version"])
    return rows[0] if rows else None


def _beside(items: Sequence[Item]) -> Steps[Mapping[tuple[str, str], list[Package]]]:
    """All packages of the modules of some: they may need one of those."""
    found: dict[tuple[str, str], list[Package]] = {}
    for product, module in dict.fromkeys(map(_module, items)):
        try:
            found[product, module] = yield from _listed(product, module)
        except NotFoundError:
            found[product, module] = []
    return found


def _packages_of(module: Module, facts: Facts) -> Steps[list[Package]]:
    rows = yield from _listed(module.product, module.name)
    if rows and facts.traits.list_lag_seconds:  # they may have been deleted just now
        yield Sleep(facts.traits.list_lag_seconds)
        rows = yield from _listed(module.product, module.name)
    return rows


def _listed(product: str, module: str) -> Steps[list[Package]]:
    rows = yield from ask("destination", lambda cloud: cloud.packages.list(product=product, module=module))
    return [row for row in rows if (row.product, row.module) == (product, module)]


def _module(item: Item) -> tuple[str, str]:
    return item.target["product"], item.target["module"]


def _delete(cloud: Any, there: Module | Package) -> Any:
    if isinstance(there, Package):
        return cloud.packages.delete(there.id, missing_ok=True)
    return cloud.modules.delete(there.name, product=there.product, missing_ok=True)
