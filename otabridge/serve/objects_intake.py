"""Bytes on their way into the object storage: counted, digested and written down as they come."""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from otabridge.objects import Trouble

CHUNK = 1 << 20
ALWAYS = ("md5", "sha256")


class ObjectTrouble(Exception):
    """What is wrong with a call for objects; the dialect tells it to the client."""

    def __init__(self, trouble: Trouble, message: str = "") -> None:
        super().__init__(message or trouble)
        self.trouble: Trouble = trouble
        self.message = message


class Digest(Protocol):
    """A digest that is being made; hashlib has most of them."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Crc32:
    """CRC-32 with the manners of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


DIGESTS: Mapping[str, Callable[[], Digest]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "crc32": Crc32,
}


class Intake:
    """A new file that no one knows of until it is put. Every method blocks."""

    def __init__(self, path: Path, *, algorithms: Iterable[str] = (), most: int) -> None:
        self.path = path
        self.size = 0
        self._most = most
        self._digests = {name: DIGESTS[name]() for name in {*ALWAYS, *algorithms}}
        self._file = path.open("xb")

    @property
    def digests(self) -> Mapping[str, str]:
        """The digests of what has come so far, in hex."""
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def write(self, data: bytes) -> None:
        """Take more bytes in."""
        self.size += len(data)
        if self.size > self._most:
            raise ObjectTrouble("too large", f"at most {self._most} bytes are accepted")
        for digest in self._digests.values():
            digest.update(data)
        self._file.write(data)

    def copy(self, path: Path) -> None:
        """Take a whole file in."""
        with path.open("rb") as source:
            while data := source.read(CHUNK):
                self.write(data)

    def close(self) -> None:
        """Have everything on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if os.name == "posix":  # elsewhere a folder cannot be opened
            handle = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def require(self, digests: Mapping[str, str]) -> None:
        """Refuse the bytes unless they have these digests."""
        found = self.digests
        for name, wanted in digests.items():
            if found[name] != wanted:
                raise ObjectTrouble("bad digest", f"the {name} of the body is {found[name]}, not {wanted}")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Discard the file if the block fails."""
        try:
            yield
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Forget the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)
