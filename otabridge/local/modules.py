"""Products, modules and devices in the database."""

import sqlite3
from datetime import datetime

from otabridge.local.database import Database
from otabridge.local.queries import NEWEST, Row, count_of, cut, newest_first, record_of, sole, start, where
from otabridge.local.times import micros, moment
from otabridge.local.trouble import absent
from otabridge.plugin import ConflictError, Device, Module, Page, Product

_MODULE = """SELECT m.record, p.id, m.name, m.alias, m.description, m.created_at, m.updated_at
    FROM modules m JOIN products p ON p.record = m.product"""
_DEVICE = "SELECT d.record, p.id, d.name FROM devices d JOIN products p ON p.record = d.product"


class ModuleStore:
    """Products, modules and devices of one local store. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_products(self, cursor: str | None, limit: int) -> Page[Product]:
        with self._database.reading() as connection:
            (total,) = connection.execute("SELECT count(*) FROM products").fetchone()
            rows = connection.execute(
                "SELECT record, id FROM products WHERE record < ? ORDER BY record DESC LIMIT ?",
                (*start(cursor, NEWEST), limit + 1),
            ).fetchall()
        return cut(rows, limit, lambda row: Product(id=row[1]), record_of, total)

    def list_modules(self, product: str | None, cursor: str | None, limit: int) -> Page[Module]:
        of, values = where(("p.id", product))
        with self._database.reading() as connection:
            (total,) = connection.execute(
                f"SELECT count(*) FROM modules m JOIN products p ON p.record = m.product {of}", values
            ).fetchone()
            rows = newest_first(connection, _MODULE, "m.record", of, values, cursor, limit)
        return cut(rows, limit, _module, record_of, total)

    def get_module(self, product: str | None, name: str) -> Module:
        with self._database.reading() as connection:
            return _module(sole(connection, _MODULE, "m.name", "module", product, name))

    def get_builtin(self, product: str, name: str) -> Module:
        """A built-in module: every product has it; one that has had packages has a row too."""
        with self._database.reading() as connection:
            row = connection.execute(f"{_MODULE} WHERE p.id = ? AND m.name = ?", (product, name)).fetchone()
            if row:
                return _module(row)
            if connection.execute("SELECT 1 FROM products WHERE id = ?", (product,)).fetchone():
                return Module(product=product, name=name, builtin=True)
        raise absent(f"no product {product!r}")

    def create_module(
        self, product: str, name: str, alias: str | None, description: str | None, now: datetime
    ) -> Module:
        with self._database.writing() as connection:
            if not add_module(connection, product, name, now, alias=alias or None, description=description or None):
                raise ConflictError(f"product {product!r} has a module {name!r} already", backend="local")
            return _module(sole(connection, _MODULE, "m.name", "module", product, name))

    def update_module(
        self, product: str | None, name: str, alias: str | None, description: str | None, now: datetime
    ) -> Module:
        """None stays as it is, an empty text clears."""
        with self._database.writing() as connection:
            row = sole(connection, _MODULE, "m.name", "module", product, name)
            connection.execute(
                """UPDATE modules SET alias = nullif(coalesce(?, alias), ''),
                description = nullif(coalesce(?, description), ''), updated_at = ? WHERE record = ?""",
                (alias, description, micros(now), row[0]),
            )
            return _module(sole(connection, _MODULE, "m.name", "module", row[1], name))

    def delete_module(self, product: str | None, name: str) -> None:
        with self._database.writing() as connection:
            row = sole(connection, _MODULE, "m.name", "module", product, name)
            (packages,) = connection.execute("SELECT count(*) FROM packages WHERE module = ?", row[:1]).fetchone()
            if packages:
                raise ConflictError(
                    f"module {name!r} of product {row[1]!r} has packages ({packages}): delete them first",
                    backend="local",
                )
            connection.execute("DELETE FROM modules WHERE record = ?", row[:1])

    def list_devices(self, product: str | None, cursor: str | None, limit: int) -> Page[Device]:
        of, values = where(("p.id", product))
        with self._database.reading() as connection:
            total = count_of(connection, "devices", product)
            rows = newest_first(connection, _DEVICE, "d.record", of, values, cursor, limit)
        return cut(rows, limit, _device, record_of, total)

    def get_device(self, product: str | None, name: str) -> Device:
        with self._database.reading() as connection:
            return _device(find_device(connection, product, name))


def add_module(
    connection: sqlite3.Connection,
    product: str,
    name: str,
    now: datetime,
    *,
    alias: str | None = None,
    description: str | None = None,
) -> bool:
    """Add a module, and its product if this names it first. False if the module is there already."""
    connection.execute("INSERT OR IGNORE INTO products (id) VALUES (?)", (product,))
    added = connection.execute(
        """INSERT OR IGNORE INTO modules (product, name, alias, description, created_at, updated_at)
        SELECT record, ?, ?, ?, ?, ? FROM products WHERE id = ?""",
        (name, alias, description, micros(now), micros(now), product),
    )
    return added.rowcount == 1


def find_device(connection: sqlite3.Connection, product: str | None, name: str) -> Row:
    """(record, product, name) of a device."""
    return sole(connection, _DEVICE, "d.name", "device", product, name)


def _module(row: Row) -> Module:
    return Module(
        product=row[1],
        name=row[2],
        alias=row[3],
        description=row[4],
        created_at=moment(row[5]),
        updated_at=moment(row[6]),
        builtin=row[2].startswith("@"),
    )


def _device(row: Row) -> Device:
    return Device(product=row[1], name=row[2])
