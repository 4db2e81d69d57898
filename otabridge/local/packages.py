"""Packages in the database, and the artifacts that they refer to."""

import json
import sqlite3
from dataclasses import replace
from datetime import datetime

from otabridge.errors import IntegrityError
from otabridge.local.artifacts import UNUSED
from otabridge.local.database import Database
from otabridge.local.modules import add_module
from otabridge.local.queries import Row, cut, newest_first, record_of, where
from otabridge.local.times import micros, moment
from otabridge.local.trouble import absent
from otabridge.models import Location
from otabridge.plugin import (
    Artifact,
    Checksum,
    ConflictError,
    LocalLocation,
    NotFoundError,
    ObjectLocation,
    Package,
    PackageDraft,
    Page,
    UrlLocation,
    broken,
)

_COLUMNS = """SELECT k.record, k.id, p.id, m.name, k.version, k.kind, k.source_versions, k.name, k.description,
    k.custom_info, k.created_at, coalesce(k.updated_at, k.created_at), k.verification """
_TABLES = """FROM packages k JOIN products p ON p.record = k.product JOIN modules m ON m.record = k.module"""
_ARTIFACTS = """SELECT a.package, a.name, coalesce(b.size, a.size), a.algorithm, a.digest, a.blob, a.url, a.region,
    a.bucket, a.key, b.md5 FROM artifacts a LEFT JOIN blobs b ON b.sha256 = a.blob"""


class PackageStore:
    """Packages of one local store. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_packages(
        self, product: str | None, module: str | None, version: str | None, cursor: str | None, limit: int
    ) -> Page[Package]:
        of, values = where(("p.id", product), ("m.name", module), ("k.version", version))
        with self._database.reading() as connection:
            (total,) = connection.execute(f"SELECT count(*) {_TABLES} {of}", values).fetchone()
            rows = newest_first(connection, _COLUMNS + _TABLES, "k.record", of, values, cursor, limit)
            artifacts = _artifacts(connection, [row[0] for row in rows[:limit]])
        return cut(rows, limit, lambda row: _package(row, artifacts.get(row[0], [])), record_of, total)

    def get_package(self, package_id: str) -> Package:
        with self._database.reading() as connection:
            return _get_package(connection, package_id)

    def create_package(self, draft: PackageDraft, package_id: str, now: datetime, *, builtin: bool) -> Package:
        with self._database.writing() as connection:
            if builtin:
                add_module(connection, draft.product, draft.module, now)
            row = connection.execute(
                "SELECT m.product, m.record FROM modules m JOIN products p ON p.record = m.product "
                "WHERE p.id = ? AND m.name = ?",
                (draft.product, draft.module),
            ).fetchone()
            if row is None:
                raise absent(
                    f"product {draft.product!r} has no module {draft.module!r}: create it first with "
                    f"`otabridge modules create --product {draft.product} --name {draft.module}`"
                )
            taken = "SELECT 1 FROM packages WHERE module = ? AND version = ?"
            if connection.execute(taken, (row[1], draft.version)).fetchone():
                raise ConflictError(
                    f"module {draft.module!r} of product {draft.product!r} has a package of version "
                    f"{draft.version!r} already: choose another version, or delete that package",
                    backend="local",
                )
            record = connection.execute(
                """INSERT INTO packages (id, product, module, version, kind, source_versions, name, description,
                custom_info, created_at, verification) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(package_id, *row, draft.version, draft.kind, json.dumps(draft.source_versions)),
                    *(draft.name or None, draft.description or None, draft.custom_info or None),
                    *(micros(now), bool(draft.verify)),
                ),
            ).lastrowid
            for position, artifact in enumerate(draft.artifacts):
                _add_artifact(connection, record or 0, position, artifact)
            return _get_package(connection, package_id)

    def update_package(
        self, package_id: str, name: str | None, description: str | None, custom_info: str | None, now: datetime
    ) -> Package:
        """None stays as it is, an empty text clears."""
        with self._database.writing() as connection:
            connection.execute(
                """UPDATE packages SET name = nullif(coalesce(?, name), ''),
                description = nullif(coalesce(?, description), ''),
                custom_info = nullif(coalesce(?, custom_info), ''), updated_at = ? WHERE id = ?""",
                (name, description, custom_info, micros(now), package_id),
            )
            return _get_package(connection, package_id)

    def delete_package(self, package_id: str) -> list[str]:
        """Delete a package, and the records of blobs that nothing needs any more: returns those, for `discard`."""
        with self._database.writing(durable=True) as connection:
            row = connection.execute("SELECT record FROM packages WHERE id = ?", (package_id,)).fetchone()
            if row is None:
                raise _no_package(package_id)
            blobs = connection.execute("SELECT blob FROM artifacts WHERE package = ? AND blob NOT NULL", row).fetchall()
            connection.execute("DELETE FROM packages WHERE record = ?", row)
            drop = f"DELETE FROM blobs WHERE sha256 = ? AND {UNUSED} RETURNING sha256"
            return [digest for blob in blobs for (digest,) in connection.execute(drop, blob).fetchall()]


def _get_package(connection: sqlite3.Connection, package_id: str) -> Package:
    row = connection.execute(f"{_COLUMNS} {_TABLES} WHERE k.id = ?", (package_id,)).fetchone()
    if row is None:
        raise _no_package(package_id)
    artifacts = _artifacts(connection, [row[0]]).get(row[0], [])
    return replace(
        _package(row, artifacts), raw={"artifacts": [{"name": item[1], "md5": item[10]} for item in artifacts]}
    )


def _no_package(package_id: str) -> NotFoundError:
    return absent(f"no package with id {package_id!r}")


def _artifacts(connection: sqlite3.Connection, records: list[int]) -> dict[int, list[Row]]:
    """The artifacts of packages, by the package's record."""
    found: dict[int, list[Row]] = {}
    marks = ", ".join("?" * len(records))
    query = f"{_ARTIFACTS} WHERE a.package IN ({marks}) ORDER BY a.package, a.position"
    for row in connection.execute(query, records):
        found.setdefault(row[0], []).append(row)
    return found


def _add_artifact(connection: sqlite3.Connection, package: int, position: int, artifact: Artifact) -> None:
    checksum, size, place = artifact.checksum, artifact.size, dict.fromkeys(("blob", "url", "region", "bucket", "key"))
    match artifact.location:
        case LocalLocation(sha256=sha256):
            checksum, size = _take_up(connection, artifact, sha256)
            place["blob"] = sha256
        case UrlLocation(url=url):
            place["url"] = url
        case ObjectLocation(region=region, bucket=bucket, key=key):
            place |= {"region": region, "bucket": bucket, "key": key}
        case _:
            raise broken("artifact.location", "required", "", f"stage {artifact.name!r} first, or say where it lies")
    connection.execute(
        "INSERT INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(package, position, artifact.name, size),
            *((checksum.algorithm, checksum.hex) if checksum else (None, None)),
            *place.values(),
        ),
    )


def _take_up(connection: sqlite3.Connection, artifact: Artifact, sha256: str) -> tuple[Checksum, int]:
    """The true digest and size of a staged file, and the end of one staging of it."""
    row = connection.execute("SELECT size, md5 FROM blobs WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        raise absent(f"the store has no artifact with SHA-256 {sha256}: stage {artifact.name!r} first")
    size, md5 = row
    promised = artifact.checksum
    if promised and promised.hex.lower() != {"sha256": sha256, "md5": md5}[promised.algorithm]:
        raise IntegrityError(f"artifact {artifact.name!r}: the staged file has another {promised.algorithm}")
    connection.execute(
        "DELETE FROM stagings WHERE record = (SELECT min(record) FROM stagings WHERE blob = ?)", (sha256,)
    )
    return Checksum(algorithm="sha256", hex=sha256), size


def _package(row: Row, artifacts: list[Row]) -> Package:
    return Package(
        id=row[1],
        product=row[2],
        module=row[3],
        version=row[4],
        kind=row[5],
        source_versions=tuple(json.loads(row[6])),
        name=row[7],
        description=row[8],
        custom_info=row[9],
        artifacts=tuple(map(_artifact, artifacts)),
        status="unverified" if row[12] else "ready",
        created_at=moment(row[10]),
        updated_at=moment(row[11]),
    )


def _artifact(row: Row) -> Artifact:
    _, name, size, algorithm, digest, blob, url, region, bucket, key, _ = row
    location: Location = ObjectLocation(region=region, bucket=bucket, key=key)
    if blob is not None:
        location = LocalLocation(sha256=blob)
    elif url is not None:
        location = UrlLocation(url=url)
    return Artifact(
        name=name,
        size=size,
        checksum=Checksum(algorithm=algorithm, hex=digest) if algorithm else None,
        location=location,
    )
