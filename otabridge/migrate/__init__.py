"""Moving house: modules and packages, files included, from one cloud to another, to a folder, or back.

`plan` says beforehand what will not carry over, `apply` does it with a journal that survives a crash, `verify` proves
it afterwards, `undo` takes it back; each has an async twin. Clouds are clients, or names as `connect` takes them, which
are opened and closed then; by default those of the plan.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otabridge.migrate.api import aapply, aplan, apply, aresume, aundo, averify, plan, resume, undo, verify
    from otabridge.migrate.codes import Code
    from otabridge.migrate.course import Choices
    from otabridge.migrate.journal import ItemState, Journal
    from otabridge.migrate.mapping import NameMap, read_mapping
    from otabridge.migrate.model import FieldChange, Item, MigrationPlan
    from otabridge.migrate.record import Record, read_record
    from otabridge.migrate.report import reported
    from otabridge.migrate.runner import Outcome
    from otabridge.migrate.undoing import Undone
    from otabridge.migrate.verification import Finding, Verification

_HOMES = {
    "api": "aapply aplan apply aresume aundo averify plan resume undo verify",
    "codes": "Code",
    "course": "Choices",
    "journal": "ItemState Journal",
    "mapping": "NameMap read_mapping",
    "model": "FieldChange Item MigrationPlan",
    "record": "Record read_record",
    "report": "reported",
    "runner": "Outcome",
    "undoing": "Undone",
    "verification": "Finding Verification",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [  # the names above, told apart for tools that read this statically
    "Choices",
    "Code",
    "FieldChange",
    "Finding",
    "Item",
    "ItemState",
    "Journal",
    "MigrationPlan",
    "NameMap",
    "Outcome",
    "Record",
    "Undone",
    "Verification",
    "aapply",
    "aplan",
    "apply",
    "aresume",
    "aundo",
    "averify",
    "plan",
    "read_mapping",
    "read_record",
    "reported",
    "resume",
    "undo",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'otabridge.migrate' has no attribute {name!r}")
    value = getattr(import_module(f"otabridge.migrate.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
