"""The store's database: one SQLite file that several processes may use at once, its schema, and its transactions."""

import re
import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from otabridge.local.trouble import in_words
from otabridge.plugin import ConfigurationError

FILE = "otabridge.sqlite3"
APPLICATION_ID = 0x4F544142  # "OTAB"

# `record` is a hidden, ever-growing id: lists run newest first by it, and cursors are made of it.
# products.devices and products.versions count rows, so that a page of a million need not count them.
# versions and history refer to devices without a foreign key: devices are never deleted, and bulk reports must be fast.
# A staging is one staged file not yet in a package: it keeps the blob from being deleted with another package.
_FIRST = """
CREATE TABLE products (
    record INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    devices INTEGER NOT NULL DEFAULT 0, versions INTEGER NOT NULL DEFAULT 0);
CREATE TABLE modules (
    record INTEGER PRIMARY KEY AUTOINCREMENT, product INTEGER NOT NULL REFERENCES products, name TEXT NOT NULL,
    alias TEXT, description TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (product, name));
CREATE INDEX modules_of_product ON modules (product);
CREATE TABLE packages (
    record INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, product INTEGER NOT NULL REFERENCES products,
    module INTEGER NOT NULL REFERENCES modules, version TEXT NOT NULL, kind TEXT NOT NULL,
    source_versions TEXT NOT NULL, name TEXT, description TEXT, custom_info TEXT, created_at INTEGER NOT NULL,
    UNIQUE (module, version));
CREATE INDEX packages_of_product ON packages (product);
CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, md5 TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stagings (
    record INTEGER PRIMARY KEY AUTOINCREMENT, blob TEXT NOT NULL REFERENCES blobs ON DELETE CASCADE,
    staged_at INTEGER NOT NULL);
CREATE INDEX stagings_of_blob ON stagings (blob);
CREATE TABLE artifacts (
    package INTEGER NOT NULL REFERENCES packages ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT NOT NULL,
    size INTEGER, algorithm TEXT, digest TEXT, blob TEXT REFERENCES blobs, url TEXT, region TEXT, bucket TEXT, key TEXT,
    PRIMARY KEY (package, position)) WITHOUT ROWID;
CREATE INDEX artifacts_of_blob ON artifacts (blob) WHERE blob IS NOT NULL;
CREATE TABLE devices (
    record INTEGER PRIMARY KEY AUTOINCREMENT, product INTEGER NOT NULL REFERENCES products, name TEXT NOT NULL,
    UNIQUE (product, name));
CREATE INDEX devices_of_product ON devices (product);
CREATE TABLE versions (
    device INTEGER NOT NULL, module TEXT NOT NULL, version TEXT NOT NULL, reported_at INTEGER NOT NULL,
    source INTEGER NOT NULL, PRIMARY KEY (device, module)) WITHOUT ROWID;
CREATE TABLE history (
    device INTEGER NOT NULL, reported_at INTEGER NOT NULL, module TEXT NOT NULL, version TEXT NOT NULL,
    source INTEGER NOT NULL, PRIMARY KEY (device, reported_at, module)) WITHOUT ROWID;
CREATE TRIGGER device_added AFTER INSERT ON devices BEGIN
    UPDATE products SET devices = devices + 1 WHERE record = NEW.product; END;
CREATE TRIGGER version_added AFTER INSERT ON versions BEGIN
    UPDATE products SET versions = versions + 1
    WHERE record = (SELECT product FROM devices WHERE record = NEW.device); END;
"""
# Processes of an older otabridge may go on writing to a store that was upgraded: what they do not know may be left out.
# `verification` is 1 where a package must be verified before a rollout; `updated_at` is NULL until it is changed.
_SECOND = """
ALTER TABLE packages ADD COLUMN verification INTEGER NOT NULL DEFAULT 0;
ALTER TABLE packages ADD COLUMN updated_at INTEGER;
"""
# Each format is the one before it, changed; a new store runs through all of them. Statements begin at a line's start.
FORMATS = (_FIRST, _SECOND)
VERSION = len(FORMATS)
SETTINGS = """
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -8192;
PRAGMA wal_autocheckpoint = 16000;
PRAGMA journal_size_limit = 67108864;
"""


class Database:
    """One connection, opened at first use and shared by threads one at a time. `folder` None keeps all in memory."""

    def __init__(self, folder: Path | None, *, timeout: float) -> None:
        self.place = folder or "memory:"
        self._folder = folder
        self._timeout = timeout
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._temporary: weakref.finalize[..., Database] | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent look at the store."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One change, whole or not at all. `durable`: on the disk before this returns, even if the power fails."""
        with self._transaction("BEGIN IMMEDIATE", "FULL" if durable else "NORMAL") as connection:
            yield connection

    def alone(self) -> AbstractContextManager[bool]:
        """Keep other threads away for several transactions that belong together."""
        return self._lock

    def home(self) -> Path:
        """The store's folder; that of a store in memory is a temporary one, made when first needed."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="otabridge-"))
                self._temporary = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder

    def close(self) -> None:
        """Close the file, and remove the folder of a store in memory."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._temporary is not None:
                self._temporary()

    @contextmanager
    def _transaction(self, begin: str, synchronous: str = "NORMAL") -> Iterator[sqlite3.Connection]:
        with self._lock, in_words(self.place):
            connection = self._open()
            if synchronous != "NORMAL":
                connection.execute(f"PRAGMA synchronous = {synchronous}")
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                if synchronous != "NORMAL":
                    connection.execute("PRAGMA synchronous = NORMAL")

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise ConfigurationError(f"local store {self.place}: it was closed: connect again")
        if self._connection is None:
            in_memory = self.place == "memory:"
            home = Path() if in_memory else self.home()
            home.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                ":memory:" if in_memory else home / FILE,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        found = self._format(connection)
        connection.execute("COMMIT")
        if found < VERSION:
            self._write_ahead(connection)
            connection.execute("BEGIN IMMEDIATE")
            for changes in FORMATS[self._format(connection) :]:  # another process may have been quicker
                for statement in re.split(r"\n(?=\S)", changes.strip()):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        for statement in SETTINGS.strip().splitlines():
            connection.execute(statement)

    def _format(self, connection: sqlite3.Connection) -> int:
        """The file's format, 0 if empty. ConfigurationError if it is another program's, or a newer otabridge's."""
        program, version, tables = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "schema_version")
        )
        if (program, version, tables) == (0, 0, 0):
            return 0
        if program != APPLICATION_ID:
            raise ConfigurationError(f"{self.place}: {FILE} belongs to another program: name another folder")
        if version > VERSION:
            raise ConfigurationError(
                f"{self.place}: the store has format {version}, and this otabridge knows {VERSION}: upgrade otabridge"
            )
        return int(version)

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait for its busy timeout where two processes change the journal mode at once.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)
