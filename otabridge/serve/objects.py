"""The object storage of a host: files named by chance in one folder, and an index that says which object each one is.

A file is complete and on the disk before the index names it, and the index is what everybody reads: so nothing half
written is ever seen, a key is never a path, and a restart finds everything.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

from otabridge.objects import LARGEST, PACKAGES, UPLOADS, Selection, Stored
from otabridge.serve.objects_intake import Intake, ObjectTrouble
from otabridge.signing import World

UNCLAIMED = timedelta(hours=1)  # in UPLOADS
LEFTOVER = timedelta(days=1)
_LAST = "\U0010ffff"

_TABLES = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, made TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, size INTEGER, md5 TEXT, sha256 TEXT, etag TEXT, modified TEXT, file TEXT,
    kind TEXT, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT, key TEXT, kind TEXT, begun TEXT
) WITHOUT ROWID;
"""

_ONE = "SELECT * FROM objects WHERE bucket = ? AND key = ?"


class Kind(NamedTuple):
    """What is said of an object beside its bytes."""

    content_type: str = "application/octet-stream"
    meta: Mapping[str, str] = {}

    def written(self) -> str:
        """As the index has it. JSON keeps even what a header has that is no UTF-8."""
        return json.dumps((self.content_type, dict(self.meta)))

    @classmethod
    def read(cls, text: str) -> "Kind":
        return cls(*json.loads(text))


PLAIN = Kind()


class Found(NamedTuple):
    """One page of a list."""

    listing: tuple[Stored, ...]
    prefixes: tuple[str, ...]
    following: str | None


class Storage:
    """Objects in buckets. Every method blocks, and any thread may call it.

    Unless it is strict, every bucket that one can name exists.
    """

    def __init__(self, folder: Path, world: World, *, strict: bool = False) -> None:
        self._files = folder / "files"
        self._world = world
        self._strict = strict
        self._lock = threading.RLock()
        self._files.mkdir(parents=True, exist_ok=True)
        self._index = sqlite3.connect(
            folder / "index.sqlite3", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._index.execute("PRAGMA journal_mode = WAL")
        self._index.executescript(_TABLES)
        # What is looked up for a call must not wait for a file that is being put.
        self._looks = sqlite3.connect(folder / "index.sqlite3", check_same_thread=False, isolation_level=None)
        self._looking = threading.Lock()
        self.sweep()
        self._drop_strays()

    def close(self) -> None:
        with self._lock, self._looking:
            self._index.close()
            self._looks.close()

    # --- buckets ---

    def buckets(self) -> Mapping[str, datetime]:
        """The buckets that were made or filled, and when."""
        rows = self._rows("SELECT name, made FROM buckets ORDER BY name")
        return {name: datetime.fromisoformat(made) for name, made in rows}

    def make(self, bucket: str) -> None:
        """Make a bucket, if it is not there."""
        self._rows("INSERT OR IGNORE INTO buckets VALUES (?, ?)", bucket, self._now())

    def require(self, bucket: str) -> None:
        """Refuse a bucket that does not exist."""
        if self._strict and bucket not in (PACKAGES, UPLOADS) and bucket not in self.buckets():
            raise ObjectTrouble("no bucket", f"there is no bucket {bucket!r}")

    # --- objects ---

    def intake(self, algorithms: Iterable[str] = (), *, most: int = LARGEST) -> Intake:
        """A new file, for `put` or `put_part`."""
        return Intake(self._files / self._world.nonce(), algorithms=algorithms, most=most)

    def find(self, bucket: str, key: str) -> Stored | None:
        """One object."""
        with self._looking:
            row = self._looks.execute(_ONE, (bucket, key)).fetchone()
        return self._stored(row) if row else None

    def _held(self, bucket: str, key: str) -> Stored | None:
        """One object, as a change that is under way has left it."""
        rows = self._rows(_ONE, bucket, key)
        return self._stored(rows[0]) if rows else None

    def put(self, bucket: str, key: str, intake: Intake, kind: Kind = PLAIN, *, etag: str = "") -> Stored:
        """Make a closed intake an object, in the place of any that was there; if that fails it is discarded."""
        with intake.kept():
            self.sweep()
            self.require(bucket)
            self.make(bucket)
            return self._put(bucket, key, intake, kind, etag)

    def _put(self, bucket: str, key: str, intake: Intake, kind: Kind = PLAIN, etag: str = "") -> Stored:
        digests = intake.digests
        with self._change():
            before = self._held(bucket, key)
            self._rows(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(bucket, key, intake.size, digests["md5"], digests["sha256"], etag or digests["md5"], self._now()),
                *(intake.path.name, kind.written()),
            )
            stored = self._held(bucket, key)
        self._unlink([before.path] if before else [])
        assert stored is not None
        return stored

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, if it is there."""
        self._drop("bucket = ? AND key = ?", bucket, key)

    def page(self, bucket: str, listed: Selection) -> Found:
        """One page of a bucket, by key; keys that go on with the delimiter after the prefix are told as one prefix."""
        self.require(bucket)
        listing: list[Stored] = []
        prefixes: list[str] = []
        last, place = None, listed.after
        query = "SELECT * FROM objects WHERE bucket = ? AND key > ? AND key >= ? ORDER BY key LIMIT 1"
        while rows := self._rows(query, bucket, place, listed.prefix):
            stored = self._stored(rows[0])
            if not stored.key.startswith(listed.prefix):
                break
            group = _group(stored.key, listed)
            place = f"{group}{_LAST}" if group else stored.key
            if group and group <= listed.after:
                continue
            if len(listing) + len(prefixes) >= listed.count:
                return Found(tuple(listing), tuple(prefixes), last)
            last = group or stored.key
            if group:
                prefixes.append(group)
            else:
                listing.append(stored)
        return Found(tuple(listing), tuple(prefixes), None)

    # --- uploads in parts ---

    def begin(self, bucket: str, key: str, kind: Kind) -> str:
        """Begin an upload and return its id."""
        self.sweep()
        self.require(bucket)
        upload = self._world.nonce()
        row = (upload, bucket, key, kind.written(), self._now())
        self._rows("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", *row)
        return upload

    def put_part(self, upload: str, bucket: str, key: str, number: int, intake: Intake) -> Stored:
        """Make a closed intake a part of an upload; if that fails it is discarded."""
        with intake.kept():
            self.kind(upload, bucket, key)
            return self._put(_parts_of(upload), f"{number:06}", intake)

    def parts(self, upload: str, bucket: str, key: str) -> dict[int, Stored]:
        """The parts of an upload, by number."""
        self.kind(upload, bucket, key)
        rows = self._rows("SELECT * FROM objects WHERE bucket = ? ORDER BY key", _parts_of(upload))
        return {int(part.key): part for part in map(self._stored, rows)}

    def finish(
        self, upload: str, bucket: str, key: str, wanted: Sequence[tuple[int, str]], *, least: int = 0, most: int
    ) -> Stored:
        """Make the parts that are named, each by number and ETag, one object."""
        kind, parts = self.kind(upload, bucket, key), self.parts(upload, bucket, key)
        chosen = [parts.get(number) for number, _ in wanted]
        named = [part for part, (_, etag) in zip(chosen, wanted, strict=True) if part and part.etag == etag]
        if not wanted or len(named) < len(wanted):
            raise ObjectTrouble("bad part", "a part was not uploaded, or has another ETag")
        if [number for number, _ in wanted] != sorted({number for number, _ in wanted}):
            raise ObjectTrouble("bad order", "the parts are not in ascending order")
        if any(part.size < least for part in named[:-1]):
            raise ObjectTrouble("too small", f"each part but the last has at least {least} bytes")
        intake = self.intake(most=most)
        with intake.kept():
            for part in named:
                intake.copy(part.path)
            intake.close()
        tag = md5(b"".join(bytes.fromhex(part.md5) for part in named), usedforsecurity=False).hexdigest()
        stored = self.put(bucket, key, intake, kind, etag=f"{tag}-{len(named)}")
        self.abort(upload, bucket, key)
        return stored

    def abort(self, upload: str, bucket: str, key: str) -> None:
        """End an upload, and delete its parts."""
        self.kind(upload, bucket, key)
        self._rows("DELETE FROM uploads WHERE id = ?", upload)
        self._drop("bucket = ?", _parts_of(upload))

    def kind(self, upload: str, bucket: str, key: str) -> Kind:
        """What the object of an upload will be. An ObjectTrouble if there is no such upload."""
        rows = self._rows("SELECT kind FROM uploads WHERE id = ? AND bucket = ? AND key = ?", upload, bucket, key)
        if not rows:
            raise ObjectTrouble("no upload", f"there is no upload {upload!r} of this key")
        return Kind.read(rows[0][0])

    # --- leftovers ---

    def sweep(self) -> None:
        """Delete what no package took up in time, and uploads that nobody finished."""
        self._drop("bucket = ? AND modified < ?", UPLOADS, self._now(UNCLAIMED))
        for upload, bucket, key in self._rows(
            "SELECT id, bucket, key FROM uploads WHERE begun < ?", self._now(LEFTOVER)
        ):
            self.abort(upload, bucket, key)

    def _drop_strays(self) -> None:
        """Delete files that the index does not know: a process was killed while it took them in."""
        known = {file for (file,) in self._rows("SELECT file FROM objects")}
        before = self._world.now() - LEFTOVER
        strays = [path for path in self._files.iterdir() if path.name not in known]
        self._unlink(path for path in strays if path.stat().st_mtime < before.timestamp())

    def _drop(self, where: str, *values: str) -> None:
        rows = self._rows(f"DELETE FROM objects WHERE {where} RETURNING file", *values)
        self._unlink(self._files / file for (file,) in rows)

    @staticmethod
    def _unlink(paths: Iterable[Path]) -> None:
        for path in paths:
            with suppress(PermissionError):  # somewhere a file that is being read cannot go: a later start sweeps it
                path.unlink(missing_ok=True)

    # --- the index ---

    def _rows(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock:
            return self._index.execute(query, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock, self._index:
            self._index.execute("BEGIN IMMEDIATE")
            yield

    def _stored(self, row: tuple) -> Stored:  # type: ignore[type-arg]
        bucket, key, size, md5_, sha256, etag, modified, file, written = row
        kind = Kind.read(written)
        return Stored(
            bucket=bucket,
            key=key,
            size=size,
            md5=md5_,
            sha256=sha256,
            etag=etag,
            modified=datetime.fromisoformat(modified),
            path=self._files / file,
            content_type=kind.content_type,
            meta=kind.meta,
        )

    def _now(self, ago: timedelta = timedelta()) -> str:
        """The time as the index has it, which sorts."""
        return (self._world.now() - ago).astimezone(UTC).isoformat(timespec="microseconds")


def _group(key: str, listed: Selection) -> str:
    cut = key.find(listed.delimiter, len(listed.prefix)) if listed.delimiter else -1
    return key[: cut + len(listed.delimiter)] if cut >= 0 else ""


def _parts_of(upload: str) -> str:
    # No client can name this bucket.
    return f"/{upload}"
