"""Small tables of texts that facades keep: in a file beside the local store, or in memory alone."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from otabridge.flow import Steps, local

FILE = "serve.sqlite3"
ROWS = 100_000
PAUSE = 0.02  # seconds; a look takes a hundredth of a call, and a call has many


class Keeper:
    """All the tables of one host. Each row is on the disk before the flow that puts it goes on."""

    def __init__(self, folder: Path | None) -> None:
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._version, self._next = 0, 0.0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(folder / FILE, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(
                """CREATE TABLE IF NOT EXISTS kept (
                kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"""
            )

    def table(self, kind: str) -> "KeptTable":
        """The table of that name."""
        return KeptTable(self, kind)

    def version(self) -> int:
        """A number that changes when another host of the folder has written; it is looked at every `PAUSE`."""
        now = time.monotonic()
        if self._connection and now >= self._next:
            with self._lock:
                self._next = now + PAUSE
                self._version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return self._version

    def rows(self, kind: str) -> dict[str, str]:
        """All rows of a table."""
        query = "SELECT key, value FROM kept WHERE kind = ? LIMIT ?"
        with self._lock:
            return dict(self._connection.execute(query, (kind, ROWS)).fetchall()) if self._connection else {}

    def store(self, kind: str, key: str, value: str) -> None:
        """Write one row."""
        with self._lock:
            if self._connection:
                self._connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, key, value))

    def close(self) -> None:
        with self._lock:
            if self._connection:
                self._connection.close()
                self._connection = None


class KeptTable:
    """One table, read from memory for as long as no other host of the folder writes."""

    def __init__(self, keeper: Keeper, kind: str) -> None:
        self._keeper = keeper
        self._kind = kind
        self._version = keeper.version()
        self._rows = keeper.rows(kind)

    def get(self, key: str) -> str | None:
        """The value of a key."""
        return self._current().get(key)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._current()])

    def put(self, key: str, value: str) -> Steps[None]:
        """Keep a value; when the table is full it is not kept."""
        rows = self._current()
        if rows.get(key) == value or (key not in rows and len(rows) >= ROWS):
            return
        rows[key] = value
        yield from local(lambda: self._keeper.store(self._kind, key, value))

    def _current(self) -> dict[str, str]:
        version = self._keeper.version()
        if version != self._version:
            self._version, self._rows = version, self._keeper.rows(self._kind)
        return self._rows
