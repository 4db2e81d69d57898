"""Artifacts' files on this machine: their digests, and new files that appear whole or not at all.

No file is ever held in memory, and no name that a cloud gives is ever taken for a path.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from otabridge.errors import ConfigurationError, IntegrityError
from otabridge.limits import broken
from otabridge.models import Artifact, Checksum

CHUNK = 1 << 20
_SUFFIX = re.compile(r"(\.tar)?\.[A-Za-z0-9]{1,8}\Z")
_WORDS = {
    errno.ENOSPC: "the disk is full: free some space and try again",
    errno.EDQUOT: "the disk quota is used up: free some space and try again",
    errno.EIO: "the disk failed",
    errno.EMFILE: "too many files are open",
}


class Digests(NamedTuple):
    """What a file was found to be, on its way; `size` in bytes."""

    size: int
    sha256: str
    md5: str

    def checksum(self, algorithm: str = "sha256") -> Checksum:
        """One of them."""
        return Checksum(algorithm="md5" if algorithm == "md5" else "sha256", hex=getattr(self, algorithm))


class Hashes:
    """Takes the digests of bytes that pass."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def update(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        self._sha256.update(chunk)
        self._md5.update(chunk)
        self.size += len(chunk)

    def found(self) -> Digests:
        return Digests(self.size, self._sha256.hexdigest(), self._md5.hexdigest())


def digested(source: BinaryIO, sink: Callable[[bytes], object] | None = None) -> Digests:
    """Read to the end in chunks, giving them to `sink` on the way."""
    hashes = Hashes()
    while chunk := source.read(CHUNK):
        hashes.update(chunk)
        if sink:
            sink(chunk)
    return hashes.found()


def read_through(source: BinaryIO, path: Path, sink: Callable[[bytes], object] | None = None) -> Digests:
    """`digested`, and IntegrityError if the file at `path` changes meanwhile."""
    before = os.fstat(source.fileno())
    found = digested(source, sink)
    after = os.fstat(source.fileno())
    if found.size != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise IntegrityError(f"{path} changed while it was copied ({found.size} bytes were read): try again")
    return found


def digests_of(path: Path, sink: Callable[[bytes], object] | None = None) -> Digests:
    """Of a file, giving its chunks to `sink`. ValidationError if it cannot be read, IntegrityError if it changes."""
    with opened(path) as source:
        return read_through(source, path, sink)


def opened(path: Path) -> BinaryIO:
    """A regular file, opened to be read. ValidationError if it is none, or cannot be."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise broken("artifact.path", "a regular file", str(path), "name a file")
        return path.open("rb")
    except OSError as error:
        raise broken("artifact.path", f"a readable file ({error.strerror})", str(path), "name another") from error


def check(artifact: Artifact, found: Digests) -> None:
    """IntegrityError unless the bytes are what the artifact promises."""
    promised = artifact.checksum
    if promised and promised != found.checksum(promised.algorithm):
        raise IntegrityError(f"artifact {artifact.name!r}: its bytes have another digest than promised")
    if artifact.size not in (None, found.size):
        raise IntegrityError(f"artifact {artifact.name!r}: it has {found.size} bytes, not {artifact.size} as promised")


def file_name(artifact: Artifact, sha256: str) -> str:
    """The name that an artifact's file gets here: its SHA-256, and what is harmless of its suffix."""
    suffix = _SUFFIX.search(artifact.name)
    return f"{sha256}{suffix[0] if suffix else ''}"


def present(artifact: Artifact, folder: Path, sha256: str) -> Path | None:
    """The artifact's file, if it lies in `folder` already. IntegrityError if it is not what the artifact promises."""
    target = folder / file_name(artifact, sha256)
    if not target.is_file():
        return None
    with target.open("rb") as there:
        found = digested(there)
    if found.sha256 != sha256:
        return None
    check(artifact, found)
    return target


def moved(temporary: Path, target: Path) -> None:
    """Rename into place, and have the disk know it."""
    target.parent.mkdir(exist_ok=True)
    os.replace(temporary, target)
    synced(target.parent)


def synced(folder: Path) -> None:
    """Have the disk know the names in a folder."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def names_in(folder: Path) -> frozenset[str]:
    """What lies in a folder, which need not be there."""
    try:
        return frozenset(os.listdir(folder))
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise broken("folder", f"a folder ({error.strerror})", str(folder), "name another") from error


def discarded(paths: Iterable[Path]) -> None:
    """Files that are gone."""
    for path in paths:
        with disk_words(path):
            path.unlink(missing_ok=True)


@contextmanager
def disk_words(place: Path | str) -> Iterator[None]:
    """Turn errors of the operating system into a ConfigurationError that says what is wrong at `place`."""
    try:
        yield
    except OSError as error:
        words = _WORDS.get(error.errno or 0) or f"it cannot be used ({error.strerror or error})"
        raise ConfigurationError(f"{place}: {words}") from error
