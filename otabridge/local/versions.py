"""The module versions that devices report: taken in by batches, listed by device and over the fleet."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice

from otabridge.local.database import Database
from otabridge.local.modules import find_device
from otabridge.local.queries import NEWEST, Row, count_of, cut, start, where
from otabridge.local.times import micros, moment
from otabridge.models import VersionSource
from otabridge.plugin import ModuleVersion, Page, ValidationError, broken

BATCH = 40_000
# SQLite keeps in memory, until a statement ends, what each page was before it: so a statement takes so many rows.
STATEMENT = 2_000
SOURCES: tuple[VersionSource, ...] = ("reported", "believed")

# A batch is loaded into `inbox` without a lock, then taken over by a few statements in one short transaction. `sorted`
# has it by device, so that neighbours touch the same pages of the tables, and in the order of arrival for each device.
_TEMPORARY = (
    """CREATE TEMP TABLE IF NOT EXISTS inbox (
    product TEXT, device TEXT, module TEXT, version TEXT, reported_at INTEGER, source INTEGER)""",
    """CREATE TEMP TABLE IF NOT EXISTS sorted (
    device INTEGER, module TEXT, version TEXT, reported_at INTEGER, source INTEGER)""",
    "DELETE FROM temp.inbox",
    "DELETE FROM temp.sorted",
)
_LOAD = "INSERT INTO temp.inbox VALUES (?, ?, ?, ?, ?, ?)"
_RESOLVE = (
    "INSERT OR IGNORE INTO products (id) SELECT DISTINCT product FROM temp.inbox",
    """INSERT OR IGNORE INTO devices (product, name)
    SELECT p.record, i.device FROM temp.inbox i CROSS JOIN products p ON p.id = i.product ORDER BY i.rowid""",
    """INSERT INTO temp.sorted SELECT d.record, i.module, i.version, i.reported_at, i.source
    FROM temp.inbox i CROSS JOIN products p ON p.id = i.product
    CROSS JOIN devices d ON d.product = p.record AND d.name = i.device ORDER BY d.record, i.rowid""",
)
_MERGE = (
    """INSERT INTO versions (device, module, version, reported_at, source)
    SELECT * FROM temp.sorted WHERE rowid > ? AND rowid <= ? ORDER BY rowid
    ON CONFLICT DO UPDATE SET version = excluded.version, reported_at = excluded.reported_at, source = excluded.source
    WHERE excluded.reported_at >= versions.reported_at""",
    """INSERT INTO history (device, module, version, reported_at, source)
    SELECT * FROM temp.sorted WHERE rowid > ? AND rowid <= ? ORDER BY rowid
    ON CONFLICT DO UPDATE SET version = excluded.version, source = excluded.source""",
)


class Intake:
    """Reads an iterable of reports batch by batch, checks every text, and makes rows of them."""

    def __init__(
        self,
        versions: Iterable[ModuleVersion],
        check: Callable[[str, str], None],
        now: Callable[[], datetime],
    ) -> None:
        self._left = iter(versions)
        self._check = check
        self._now = now
        self._number = 0

    def batch(self) -> list[Row]:
        """The next rows; none at the end. ValidationError names the bad row's number, counted from 1, and its field."""
        rows: list[Row] = []
        known: set[tuple[str, str]] = set()  # texts that were found good: most are repeated from row to row
        for report in islice(self._left, BATCH):
            self._number += 1
            texts = (
                ("product.id", report.product),
                ("device.name", report.device),
                ("module.name", report.module),
                ("package.version", report.version),
            )
            for text in texts:
                if text not in known:
                    self._admit(*text)
                    known.add(text)
            at = self._micros(report.reported_at or self._now())
            rows.append(
                (report.product, report.device, report.module, report.version, at, SOURCES.index(report.source))
            )
        return rows

    def _admit(self, name: str, value: str) -> None:
        try:
            self._check(name, value)
        except ValidationError as error:
            raise self._told(error) from None

    def _micros(self, reported_at: datetime) -> int:
        if reported_at.tzinfo is None:
            raise self._told(broken("reported_at", "a time with its zone", str(reported_at), "add tzinfo=UTC"))
        return micros(reported_at)

    def _told(self, error: ValidationError) -> ValidationError:
        words = f"row {self._number}: {error}"
        return ValidationError(words, field=error.field, limit=error.limit, value=error.value)


class VersionStore:
    """Reported module versions of one local store. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, rows: list[Row]) -> int:
        """Take in one batch. Of reports of one time, the later row is the current one."""
        with self._database.alone():
            with self._database.reading() as connection:
                for statement in _TEMPORARY:
                    connection.execute(statement)
                connection.executemany(_LOAD, rows)
            with self._database.writing() as connection:
                for statement in _RESOLVE:
                    connection.execute(statement)
                for first in range(0, len(rows), STATEMENT):
                    for statement in _MERGE:
                        connection.execute(statement, (first, first + STATEMENT))
        return len(rows)

    def list_current(self, product: str | None, device: str, cursor: str | None, limit: int) -> Page[ModuleVersion]:
        """One device's current versions, by module."""
        (after,) = start(cursor, "")
        with self._database.reading() as connection:
            found = find_device(connection, product, device)
            query = "SELECT count(*) FROM versions WHERE device = ?"
            (total,) = connection.execute(query, found[:1]).fetchone()
            rows = connection.execute(
                """SELECT ?, ?, module, version, reported_at, source FROM versions
                WHERE device = ? AND module > ? ORDER BY module LIMIT ?""",
                (found[1], found[2], found[0], after, limit + 1),
            ).fetchall()
        return cut(rows, limit, _version, lambda row: row[2], total)

    def list_history(
        self, product: str, device: str, module: str | None, cursor: str | None, limit: int
    ) -> Page[ModuleVersion]:
        """Every report of a device, newest first. A second report of one module and time replaces the first."""
        before = start(cursor, NEWEST, "")
        of, values = where(("module", module))
        with self._database.reading() as connection:
            found = find_device(connection, product, device)
            rows = connection.execute(
                f"""SELECT ?, ?, module, version, reported_at, source FROM history
                {of or "WHERE true"} AND device = ? AND (reported_at, module) < (?, ?)
                ORDER BY reported_at DESC, module DESC LIMIT ?""",
                (found[1], found[2], *values, found[0], *before, limit + 1),
            ).fetchall()
        return cut(rows, limit, _version, lambda row: (row[4], row[2]), None)

    def list_fleet(self, product: str | None, cursor: str | None, limit: int) -> Page[ModuleVersion]:
        """Current versions of all devices: the newest device first, each one's by module."""
        device, module = start(cursor, NEWEST, "")
        of, values = where(("p.id", product))
        select = f"""SELECT p.id, d.name, v.module, v.version, v.reported_at, v.source, d.record
            FROM devices d CROSS JOIN versions v ON v.device = d.record CROSS JOIN products p ON p.record = d.product
            {of or "WHERE true"}"""
        with self._database.reading() as connection:
            total = count_of(connection, "versions", product)
            begun = f"{select} AND d.record = ? AND v.module > ? ORDER BY v.module LIMIT ?"
            rows = connection.execute(begun, (*values, device, module, limit + 1)).fetchall()
            rest = f"{select} AND d.record < ? ORDER BY d.record DESC, v.module LIMIT ?"
            rows += connection.execute(rest, (*values, device, limit + 1 - len(rows))).fetchall()
        return cut(rows, limit, _version, lambda row: (row[6], row[2]), total)

    def count_fleet(self, product: str | None, module: str | None, version: str | None) -> int:
        """How many current versions are of this module and version."""
        of, values = where(("p.id", product), ("v.module", module), ("v.version", version))
        with self._database.reading() as connection:
            if not (module or version):
                return count_of(connection, "versions", product)
            of_products = "JOIN devices d ON d.record = v.device JOIN products p ON p.record = d.product"
            (count,) = connection.execute(
                f"SELECT count(*) FROM versions v {of_products if product else ''} {of}", values
            ).fetchone()
        return int(count)


def _version(row: Row) -> ModuleVersion:
    return ModuleVersion(
        product=row[0],
        device=row[1],
        module=row[2],
        version=row[3],
        reported_at=moment(row[4]),
        source=SOURCES[row[5]],
    )
