"""What can go wrong with a file or a database, in the words and classes of `otabridge.errors`."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from otabridge.errors import IntegrityError, OtaBridgeError
from otabridge.plugin import ConfigurationError, NotFoundError, ServerError, ValidationError

Kind = Callable[[str], OtaBridgeError]
_FAILED = partial(ServerError, backend="local")
_BUSY = "another process kept it locked for too long: try again"
_FULL = "the disk is full: free some space and try again"
_UNUSABLE = "it cannot be used: it must be a folder whose files this user may write"

# SQLite's primary result code -> error and words. https://www.sqlite.org/rescode.html
_SQLITE: dict[int, tuple[Kind, str]] = {
    sqlite3.SQLITE_BUSY: (_FAILED, _BUSY),
    sqlite3.SQLITE_LOCKED: (_FAILED, _BUSY),
    sqlite3.SQLITE_FULL: (_FAILED, _FULL),
    sqlite3.SQLITE_PERM: (ConfigurationError, _UNUSABLE),
    sqlite3.SQLITE_READONLY: (ConfigurationError, _UNUSABLE),
    sqlite3.SQLITE_CANTOPEN: (ConfigurationError, _UNUSABLE),
    sqlite3.SQLITE_NOTADB: (ConfigurationError, "its otabridge.sqlite3 is no database: name another folder"),
    sqlite3.SQLITE_CORRUPT: (IntegrityError, "its database is damaged: restore it from a backup"),
}
_OS: dict[int, tuple[Kind, str]] = {
    errno.ENOSPC: (_FAILED, _FULL),
    errno.EDQUOT: (_FAILED, _FULL),
    errno.EIO: (_FAILED, "the disk failed"),
    errno.EMFILE: (_FAILED, "too many files are open"),
}


@contextmanager
def in_words(place: Path | str) -> Iterator[None]:
    """Turn errors of SQLite and of the operating system into errors that say what is wrong at `place`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind, words = _SQLITE.get(code, (_FAILED, "its database failed"))
        raise kind(f"local store {place}: {words} ({error})") from error
    except UnicodeEncodeError as error:
        raise ValidationError(f"a text holds half a character and cannot be stored: {error.reason}") from error
    except OSError as error:
        kind, words = _OS.get(error.errno or 0, (ConfigurationError, _UNUSABLE))
        raise kind(f"local store {place}: {words} ({error.strerror or error})") from error


def absent(message: str) -> NotFoundError:
    """The error for an object that the store does not have."""
    return NotFoundError(message, backend="local")
