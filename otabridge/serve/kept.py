"""Small tables of texts that facades keep: in a file beside the local store, or in memory alone."""

import sqlite3
import threading
from pathlib import Path

from otabridge.flow import Steps, local

FILE = "serve.sqlite3"
ROWS = 100_000


class Keeper:
    """All the tables of one host. Each row is on the disk before the flow that puts it goes on."""

    def __init__(self, folder: Path | None) -> None:
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
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
        rows: dict[str, str] = {}
        if self._connection:
            query = "SELECT key, value FROM kept WHERE kind = ? LIMIT ?"
            rows = dict(self._connection.execute(query, (kind, ROWS)).fetchall())
        return KeptTable(self, kind, rows)

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
    """One table, read from memory."""

    def __init__(self, keeper: Keeper, kind: str, rows: dict[str, str]) -> None:
        self._keeper = keeper
        self._kind = kind
        self._rows = rows

    def get(self, key: str) -> str | None:
        """The value of a key."""
        return self._rows.get(key)

    def put(self, key: str, value: str) -> Steps[None]:
        """Keep a value; when the table is full it is not kept."""
        if self._rows.get(key) == value or (key not in self._rows and len(self._rows) >= ROWS):
            return
        self._rows[key] = value
        yield from local(lambda: self._keeper.store(self._kind, key, value))
