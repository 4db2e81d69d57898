"""The exit codes of every `otabridge migrate` command: one table. What a run, a check or an undo came to has one."""

import errno
import sqlite3
from collections.abc import Mapping
from enum import IntEnum

from otabridge import errors as err


class Code(IntEnum):
    """What a script can tell from an exit code. `words` say it to a person."""

    words: str

    def __new__(cls, value: int, words: str) -> "Code":
        made = int.__new__(cls, value)
        made._value_ = value
        made.words = words
        return made

    DONE = 0, "done, nothing to do, or all equal"
    UNEXPECTED = 1, "an unexpected error"
    USAGE = 2, "wrong usage or configuration: a plan that was edited, is blocked, or belongs to another journal"
    DIFFERENT = 3, "differences, drift or conflicts are left; of `plan` only with `--detailed-exitcode`"
    AGAIN = 4, "some of it failed, and `resume` (or the same again) may help"
    HOPELESS = 5, "it failed, and would fail again: look at the report, and plan again"
    LOSSES = 6, "done, with the losses that were accepted"
    STOPPED = 7, "stopped by `--max-creates` or `--stop-after`"
    REFUSED = 8, "a cloud refused the credentials"
    INTERRUPTED = 130, "interrupted; the journal is consistent, so `resume` goes on"


# Class -> code of an error that ended the whole command; a class that is not here has its parent's.
_CODES: Mapping[type[Exception], Code] = {
    err.OtaBridgeError: Code.AGAIN,
    err.ConfigurationError: Code.USAGE,
    err.PluginLoadError: Code.USAGE,
    err.ValidationError: Code.HOPELESS,
    err.InvalidRequestError: Code.HOPELESS,
    err.UnsupportedError: Code.HOPELESS,
    err.NotFoundError: Code.HOPELESS,
    err.ConflictError: Code.HOPELESS,
    err.QuotaExceededError: Code.HOPELESS,
    err.AuthenticationError: Code.REFUSED,
    err.ForbiddenError: Code.REFUSED,
}


def code_of(error: Exception) -> Code:
    """The exit code of an error that nothing of a migration has taken care of."""
    if _full(error) or _full(error.__cause__):
        return Code.AGAIN
    return next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), Code.UNEXPECTED)


def _full(error: BaseException | None) -> bool:
    """Whether a disk has no room left, or failed: what was written before is safe."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
