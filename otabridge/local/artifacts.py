"""The artifacts' files, each named by its SHA-256: brought in, handed out, and deleted when nothing needs them.

A file is renamed into place in the very transaction that records it, and unlinked only under the write lock and after
the end of its record is on the disk. So a record without its file cannot be, and a file without a record is harmless.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import BinaryIO

from otabridge.files import Digests, check, file_name, moved, opened, present, read_through, synced
from otabridge.local.database import Database
from otabridge.local.times import micros
from otabridge.local.trouble import absent, in_words
from otabridge.plugin import Artifact, Checksum, LocalLocation, UnsupportedError, broken

LEFTOVER = timedelta(days=1)
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch


class ArtifactStore:
    """Artifacts of one local store."""

    def __init__(self, database: Database, *, nonce: Callable[[], str]) -> None:
        self._database = database
        self._nonce = nonce

    def stage(self, path: Path, filename: str, now: datetime) -> Artifact:
        """Copy a file into the store, and keep it until a package takes it up or a day has passed."""
        with opened(path) as source, in_words(self._database.place):
            temporary = self._fresh(self._folder("incoming"))
            try:
                found = _copied(source, temporary, path)
                blob = (found.sha256, found.md5, found.size)
                with self._database.writing() as connection:
                    if not (_recorded(connection, found.sha256) and self._file(found.sha256).is_file()):
                        moved(temporary, self._file(found.sha256))
                        synced(self._folder(""))
                    connection.execute("INSERT OR IGNORE INTO blobs (sha256, md5, size) VALUES (?, ?, ?)", blob)
                    connection.execute(
                        "INSERT INTO stagings (blob, staged_at) VALUES (?, ?)", (found.sha256, micros(now))
                    )
            finally:
                temporary.unlink(missing_ok=True)
        return Artifact(
            name=filename,
            size=found.size,
            checksum=Checksum(algorithm="sha256", hex=found.sha256),
            location=LocalLocation(sha256=found.sha256),
        )

    def hand_out(self, artifact: Artifact, folder: Path) -> Path:
        """Copy an artifact into `folder` under its digest and its suffix, checked; on failure nothing is left there."""
        if not isinstance(artifact.location, LocalLocation):
            raise UnsupportedError(f"local: the store holds no bytes of {artifact.name!r}, only where they are")
        digest = artifact.location.sha256
        if not _SHA256(digest):
            raise broken("artifact.location", "64 hex digits in lower case", digest, "ask for the package again")
        with in_words(self._database.place):
            try:
                source = self._file(digest).open("rb")
            except FileNotFoundError:
                raise absent(f"the store has no artifact with SHA-256 {digest}") from None
        with source, in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
            there = present(artifact, folder, digest)
            if there is not None:
                return there
            target = folder / file_name(artifact, digest)
            temporary = self._fresh(folder)
            try:
                found = _copied(source, temporary, Path(source.name))
                check(replace(artifact, checksum=artifact.checksum or Checksum(algorithm="sha256", hex=digest)), found)
                moved(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        return target

    def discard(self, digests: Iterable[str]) -> None:
        """Unlink files whose records are gone, unless they have come back meanwhile."""
        for digest in digests:
            with self._database.writing() as connection:
                if not _recorded(connection, digest):
                    self._file(digest).unlink(missing_ok=True)

    def sweep(self, now: datetime) -> None:
        """Delete what processes that were killed left behind: files half brought in, and files of no package."""
        before = now - LEFTOVER
        with self._database.reading() as connection:
            known = {sha256 for (sha256,) in connection.execute("SELECT sha256 FROM blobs")}
            stale = connection.execute("SELECT 1 FROM stagings WHERE staged_at < ?", (micros(before),)).fetchone()
        if stale:
            with self._database.writing(durable=True) as connection:
                connection.execute("DELETE FROM stagings WHERE staged_at < ?", (micros(before),))
                dropped = connection.execute(f"DELETE FROM blobs WHERE {UNUSED} RETURNING sha256").fetchall()
            known.difference_update(sha256 for (sha256,) in dropped)
        with in_words(self._database.place):
            for leftover in _files(self._folder("incoming")):
                if _older(leftover, before):
                    Path(leftover).unlink(missing_ok=True)
            shelves = [shelf for shelf in _files(self._folder("")) if len(shelf.name) == 2]
            strays = [file for shelf in shelves for file in _files(Path(shelf)) if file.name not in known]
            self.discard(file.name for file in strays if _older(file, before))

    def _file(self, digest: str) -> Path:
        return self._folder(digest[:2]) / digest

    def _folder(self, name: str) -> Path:
        return self._database.home() / "artifacts" / name

    def _fresh(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f".{self._nonce()}.part"


# A blob that neither a package nor a staging needs.
UNUSED = """NOT EXISTS (SELECT 1 FROM artifacts WHERE artifacts.blob = blobs.sha256)
    AND NOT EXISTS (SELECT 1 FROM stagings WHERE stagings.blob = blobs.sha256)"""


def _recorded(connection: Connection, digest: str) -> bool:
    return connection.execute("SELECT 1 FROM blobs WHERE sha256 = ?", (digest,)).fetchone() is not None


def _copied(source: BinaryIO, target: Path, path: Path) -> Digests:
    """Copy until the bytes are on the disk. IntegrityError if the source changed meanwhile."""
    with target.open("xb") as sink:
        found = read_through(source, path, sink.write)
        sink.flush()
        os.fsync(sink.fileno())
    return found


def _files(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _older(entry: os.DirEntry[str], before: datetime) -> bool:
    try:
        return entry.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False  # another process has just swept it
