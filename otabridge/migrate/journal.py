"""The journal of a migration: one SQLite file with the plan in it, and how far each item has come.

What was written to it is on the disk when the call returns. It appears whole or not at all, one process at a time
owns it, by a lock that the system drops with the process, and anybody may read it meanwhile.
"""

import json
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, get_args
from urllib.parse import quote

from otabridge.errors import ConfigurationError
from otabridge.files import Digests, disk_words, moved
from otabridge.migrate.model import Action, MigrationPlan
from otabridge.signing import utc_now

State = Literal["planned", "intended", "made", "done", "drifted", "conflict", "failed", "skipped", "undone"]
STATES: tuple[State, ...] = get_args(State)
BEGINNINGS: dict[Action, State] = {"skip": "skipped", "unsupported": "skipped", "conflict": "conflict"}
# The failures that stay the same however often they are tried.
HOPELESS = {"ValidationError", "UnsupportedError", "InvalidRequestError", "QuotaExceededError", "ForbiddenError"}

Clock = Callable[[], datetime]
APPLICATION_ID = 0x4F54424A  # "OTBJ"
FORMAT = 1
_SCHEMA = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
    "CREATE TABLE plan (id TEXT NOT NULL, content BLOB NOT NULL)",
    """CREATE TABLE items (position INTEGER PRIMARY KEY, key TEXT NOT NULL, state TEXT NOT NULL, id TEXT,
    ours INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', words TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, at TEXT NOT NULL, digests TEXT NOT NULL DEFAULT '[]',
    fingerprint TEXT NOT NULL DEFAULT '')""",
)
_COLUMNS = "state, id, ours, error, words, attempts, at, digests, fingerprint"
_ONE = f"SELECT {_COLUMNS} FROM items WHERE position = ?"
# SQLite's primary result code -> words. https://www.sqlite.org/rescode.html
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, then resume, or apply again",
    sqlite3.SQLITE_IOERR: "the disk failed, or is full; what was written before is safe: mend that, then resume",
    sqlite3.SQLITE_BUSY: "another program keeps it locked: end that, and try again",
    sqlite3.SQLITE_READONLY: "it may not be written: check its owner, and that of its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that it is there and may be read, with its folder",
    sqlite3.SQLITE_NOTADB: "it is no journal of a migration: name another file",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore it, or plan again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemState:
    """How far one item has come; `id` is that of what stands at the destination.

    `ours`: this journal's run made it or, before it is done, may have. `digests` are those of the bytes that went
    through, file by file; `fingerprint` that of what stood at the destination in the end. `error` is the class of what
    went wrong, `words` say it.
    """

    state: State = "planned"
    id: str | None = None
    ours: bool = False
    error: str = ""
    words: str = ""
    attempts: int = 0
    at: str = ""
    digests: tuple[Digests, ...] = ()
    fingerprint: str = ""

    @property
    def hopeless(self) -> bool:
        """Whether it failed, and would again."""
        return self.state == "failed" and self.error in HOPELESS


class Journal:
    """One journal, opened. Threads may share it; close it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, owner: BinaryIO | None, now: Clock) -> None:
        self.path = path
        self._connection = connection
        self._owner = owner
        self._now = now
        self._lock = threading.Lock()
        with _in_words(self.path):
            self.plan = self._checked()
        self._positions = {item.key: position for position, item in enumerate(self.plan.items)}

    @classmethod
    def begin(cls, path: str | os.PathLike[str], plan: MigrationPlan, *, now: Clock = utc_now) -> Self:
        """The journal of a plan, new or to be gone on with. ConfigurationError if it is another plan's."""
        if not _real(path).exists():
            return cls.create(path, plan, now=now)
        journal = cls.open(path, own=True, now=now)
        if journal.plan.id != plan.id:
            journal.close()
            told = f"{path} is the journal of another plan ({journal.plan.id[:12]}, not {plan.id[:12]})"
            raise ConfigurationError(f"{told}: name another journal, or resume that one without a plan")
        return journal

    @classmethod
    def create(cls, path: str | os.PathLike[str], plan: MigrationPlan, *, now: Clock = utc_now) -> Self:
        """A new journal with the plan in it. ConfigurationError if the file is there."""
        target = _real(path)
        owner = _owned(target)
        try:
            if target.exists():
                raise ConfigurationError(f"{path} is there already: resume it, or name another journal")
            draft = target.with_name(f".{target.name}.part")
            with disk_words(target):
                draft.unlink(missing_ok=True)  # of a process that was killed: it is ours, as the lock is
                with _in_words(target):
                    _written(draft, plan, now().isoformat())
                with draft.open("rb+") as written:
                    os.fsync(written.fileno())
                moved(draft, target)
            return cls(target, _connected(target), owner, now)
        except BaseException:
            owner.close()
            raise

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, own: bool = False, now: Clock = utc_now) -> Self:
        """A journal that is there, to be read or, with `own`, to be gone on with."""
        target = _real(path)
        if not target.is_file():
            raise ConfigurationError(f"{path}: there is no such journal")
        owner = _owned(target) if own else None
        try:
            return cls(target, _connected(target, own=own), owner, now)
        except BaseException:
            if owner:
                owner.close()
            raise

    def state(self, key: str) -> ItemState:
        """How far one item has come."""
        with self._lock, _in_words(self.path):
            row = self._connection.execute(_ONE, (self._positions[key],)).fetchone()
        return _state(row)

    def states(self) -> dict[str, ItemState]:
        """How far every item has come, in the plan's order."""
        with self._lock, _in_words(self.path):
            rows = self._connection.execute(f"SELECT {_COLUMNS} FROM items ORDER BY position").fetchall()
        return {key: _state(row) for key, row in zip(self._positions, rows, strict=True)}

    def move(self, key: str, state: State, **facts: Any) -> ItemState:
        """Write an item's new state, and what is known besides: on the disk before this returns."""
        there = replace(self.state(key), **{"error": "", "words": ""} | facts, state=state, at=self._now().isoformat())
        values = {each.name: getattr(there, each.name) for each in fields(there)}
        values |= {"digests": json.dumps(there.digests), "words": _storable(there.words)}
        columns = ", ".join(f"{name} = :{name}" for name in values)
        with self._lock, _in_words(self.path):
            self._connection.execute(
                f"UPDATE items SET {columns} WHERE position = :position",
                {**values, "position": self._positions[key]},
            )
        return there

    def close(self) -> None:
        """Close the file, and let others own it."""
        with self._lock:
            if self._owner:
                with suppress(sqlite3.Error):  # it may be closed, or its disk full: then its log stays beside it
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            if self._owner:
                self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self) -> MigrationPlan:
        try:
            program, made_for = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            if program != APPLICATION_ID:
                raise ConfigurationError(f"{self.path}: {_WORDS[sqlite3.SQLITE_NOTADB]}")
            if made_for != FORMAT:
                told = f"the journal is of format {made_for}, and this otabridge reads format {FORMAT}"
                raise ConfigurationError(f"{self.path}: {told}: resume it with the otabridge that began it")
            return MigrationPlan.from_json(self._connection.execute("SELECT content FROM plan").fetchone()[0])
        except BaseException:
            self._connection.close()
            raise


def _real(path: str | os.PathLike[str]) -> Path:
    """The file itself, so that one journal has one lock whatever leads to it."""
    return Path(os.path.realpath(Path(path).expanduser()))


def _owned(path: Path) -> BinaryIO:
    """The lock of a journal, held until it is closed or the process ends. ConfigurationError if another holds it."""
    # A file beside the journal: on some systems such a lock would keep SQLite itself away from it.
    with disk_words(path):
        lock = path.with_name(f"{path.name}.lock").open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ConfigurationError(f"{path}: another process is at work on this journal: let it end first") from None
    return lock


def _written(path: Path, plan: MigrationPlan, at: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "BEGIN", *_SCHEMA):
            connection.execute(statement)
        connection.execute("INSERT INTO plan VALUES (?, ?)", (plan.id, plan.to_json()))
        connection.executemany(
            "INSERT INTO items (position, key, state, words, at) VALUES (?, ?, ?, ?, ?)",
            (
                (position, _storable(item.key), BEGINNINGS.get(item.action, "planned"), _storable(item.words), at)
                for position, item in enumerate(plan.items)
            ),
        )
        connection.execute("COMMIT")
    finally:
        connection.close()


def _storable(text: str) -> str:
    """A text that a cloud may have cut in the middle of a character."""
    return text.encode("utf-8", "replace").decode()


def _connected(path: Path, *, own: bool = True) -> sqlite3.Connection:
    def opened(query: str) -> sqlite3.Connection:
        address = f"file:{quote(str(path))}?{query}"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("SELECT count(*) FROM sqlite_master")
        except BaseException:
            connection.close()
            raise
        return connection

    with _in_words(path):
        if own:
            return opened("mode=rw")
        try:
            return opened("mode=ro")
        except sqlite3.OperationalError:
            # In a folder that the reader may not write; nobody is at work while there is no log beside it.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            return opened("immutable=1")


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:
        raise ConfigurationError(f"{path}: the journal was closed: open it again") from None
    except sqlite3.DatabaseError as error:
        words = _WORDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "it cannot be used")
        raise ConfigurationError(f"{path}: {words} ({error})") from error


def _state(row: Sequence[Any]) -> ItemState:
    state, known, ours, error, words, attempts, at, digests, found = row
    return ItemState(
        state=state,
        id=known,
        ours=bool(ours),
        error=error,
        words=words,
        attempts=attempts,
        at=at,
        digests=tuple(Digests(*each) for each in json.loads(digests)),
        fingerprint=found,
    )
