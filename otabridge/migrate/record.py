"""What a migration has left: a plan, or a journal with the plan in it and how far each item has come. Read offline."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from otabridge.errors import ConfigurationError
from otabridge.files import disk_words
from otabridge.migrate.journal import BEGINNINGS, ItemState, Journal
from otabridge.migrate.model import Item, MigrationPlan

_SQLITE = b"SQLite format 3\0"
Source = str | os.PathLike[str] | MigrationPlan | Journal


@dataclass(frozen=True, slots=True)
class Record:
    """A plan and, of a journal, what became of its items."""

    plan: MigrationPlan
    states: Mapping[str, ItemState] | None = field(default=None)

    def state(self, item: Item) -> ItemState:
        """How far an item has come; of a plan, where it would begin."""
        if self.states is None:
            return ItemState(state=BEGINNINGS.get(item.action, "planned"), words=item.words)
        return self.states[item.key]

    def losses(self) -> bool:
        """Whether something is lost of what the source has, which somebody must have accepted."""
        return any(item.rules("blocker") for item in self.plan.items)


def read_record(source: Source) -> Record:
    """A plan or a journal, or what is in the file of one. ConfigurationError, in words, if it is neither."""
    match source:
        case MigrationPlan():
            return Record(source)
        case Journal():
            return Record(source.plan, source.states())
    path = Path(source).expanduser()
    if not path.is_file():
        raise ConfigurationError(f"{source}: there is no such plan or journal")
    with disk_words(path), path.open("rb") as file:
        is_journal = file.read(len(_SQLITE)) == _SQLITE
        content = b"" if is_journal else path.read_bytes()
    if is_journal:
        with Journal.open(path) as journal:
            return Record(journal.plan, journal.states())
    try:
        return Record(MigrationPlan.from_json(content))
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from None
