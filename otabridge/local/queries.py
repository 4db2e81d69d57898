"""What the queries share. Pages are cut by key: a cursor names the last row given, so any process can go on there."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from otabridge.local.trouble import absent
from otabridge.plugin import Page, PagingError, broken

T = TypeVar("T")
Row = tuple[Any, ...]
NEWEST = 1 << 62  # above every record


def cut(
    rows: list[Row], limit: int, make: Callable[[Row], T], key: Callable[[Row], object], total: int | None
) -> Page[T]:
    """A page of `limit` rows, of up to one more that were fetched to see whether the list goes on."""
    cursor = json.dumps(key(rows[limit - 1]), ensure_ascii=False) if len(rows) > limit else None
    given = rows[:limit]
    behind = tuple([str(row[0]) for row in given]) if key is record_of else ()
    return Page(tuple(map(make, given)), cursor, total, behind=behind)


def start(cursor: str | None, *first: int | str) -> list[Any]:
    """The key to go on after: `first` at the beginning of a list. PagingError if the cursor is not of this list."""
    if cursor is None:
        return list(first)
    try:
        value = json.loads(cursor)
    except ValueError:
        value = None
    key = value if isinstance(value, list) else [value]
    # A cursor is text from anywhere, and SQLite's integers end at 64 bits.
    if [type(part) for part in key] != [type(part) for part in first] or any(
        isinstance(part, int) and abs(part) > NEWEST for part in key
    ):
        raise PagingError(f"not a cursor of this list: {cursor[:60]!r}")
    return key


def count_of(connection: sqlite3.Connection, column: str, product: str | None) -> int:
    """The number of devices or versions, of one product or of all, from the products' counters."""
    of, values = where(("id", product))
    (count,) = connection.execute(f"SELECT coalesce(sum({column}), 0) FROM products {of}", values).fetchone()
    return int(count)


def where(*terms: tuple[str, str | None]) -> tuple[str, list[Any]]:
    """A WHERE clause of the columns that are asked for, and its values."""
    given = [(column, value) for column, value in terms if value is not None]
    words = " AND ".join(f"{column} = ?" for column, _ in given)
    return f"WHERE {words}" if given else "", [value for _, value in given]


def newest_first(
    connection: sqlite3.Connection,
    select: str,
    record: str,
    of: str,
    values: list[Any],
    cursor: str | None,
    limit: int,
) -> list[Row]:
    """One row more than a page, by falling record."""
    words = f"{of} AND" if of else "WHERE"
    query = f"{select} {words} {record} < ? ORDER BY {record} DESC LIMIT ?"
    return connection.execute(query, (*values, *start(cursor, NEWEST), limit + 1)).fetchall()


def sole(connection: sqlite3.Connection, select: str, column: str, what: str, product: str | None, name: str) -> Row:
    """The one row of that name; the product may be left out where the name is unique over all."""
    of, values = where((column, name), ("p.id", product))
    rows: list[Row] = connection.execute(f"{select} {of} LIMIT 2", values).fetchall()
    if not rows:
        raise absent(f"no {what} {name!r}" + (f" in product {product!r}" if product else ""))
    if len(rows) > 1:
        products = f"{rows[0][1]!r} and {rows[1][1]!r}"
        raise broken(f"{what}.name", "unique over all products", name, f"give the product: {products} have one")
    return rows[0]


def record_of(row: Row) -> int:
    """The key of the lists that run by record."""
    return int(row[0])
