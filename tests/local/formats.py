"""A store as the first otabridge left it: its schema, kept here word for word, with rows and a file."""

import hashlib
import sqlite3
from pathlib import Path

from otabridge.local import database
from otabridge.local.times import micros
from tests.local.helpers import NOON

CONTENT = b"as it was"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DEVICES = 100
NEW_PACKAGE = """INSERT INTO packages (id, product, module, version, kind, source_versions, name, description,
    custom_info, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

FORMAT_1 = """
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


def first_store(folder: Path) -> Path:
    """A store of format 1 with a module, a package of one file, and devices that report: its database's path."""
    file = folder / "artifacts" / SHA256[:2] / SHA256
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    at = micros(NOON)
    connection = sqlite3.connect(folder / database.FILE, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(FORMAT_1)
    connection.execute("INSERT INTO products (id) VALUES ('p')")
    connection.execute("INSERT INTO modules VALUES (1, 1, 'mcu', 'A', 'D', ?, ?)", (at, at))
    connection.execute(NEW_PACKAGE, ("k1", 1, 1, "1.0", "delta", '["0.9"]', "N", "about", "{}", at))
    connection.execute("INSERT INTO blobs VALUES (?, ?, ?)", (SHA256, hashlib.md5(CONTENT).hexdigest(), len(CONTENT)))
    connection.execute(
        "INSERT INTO artifacts (package, position, name, size, algorithm, digest, blob) VALUES (1, 0, ?, ?, ?, ?, ?)",
        ("app.bin", len(CONTENT), "sha256", SHA256, SHA256),
    )
    for record in range(1, DEVICES + 1):
        connection.execute("INSERT INTO devices VALUES (?, 1, ?)", (record, f"old-{record}"))
        connection.execute("INSERT INTO versions VALUES (?, 'mcu', '0.9', ?, 0)", (record, at))
        connection.execute("INSERT INTO history VALUES (?, ?, 'mcu', '0.9', 0)", (record, at))
    connection.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    return folder / database.FILE


def layout(path: Path) -> tuple[int, list[str]]:
    """A store's format, and its tables with their columns, indexes and triggers."""
    connection = sqlite3.connect(path)
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY type, name").fetchall()
    connection.close()
    return number, [" ".join(text.split()) for (text,) in rows]
