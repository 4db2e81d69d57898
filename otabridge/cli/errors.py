"""What commands say on stderr, and with which code they exit. Every line is one line, whatever a cloud wrote."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from otabridge import errors as err

T = TypeVar("T")
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

# Class -> exit code; a class that is not here has its parent's. docs/cli.md shows this table, a test compares them.
CODES: dict[type[Exception], int] = {
    err.ConfigurationError: USAGE,
    err.PluginLoadError: USAGE,
    err.ValidationError: USAGE,
    err.InvalidRequestError: USAGE,
    err.NotFoundError: 3,
    err.ConflictError: 4,
    err.AuthenticationError: 5,
    err.ForbiddenError: 5,
    err.UnsupportedError: 6,
    err.QuotaExceededError: 7,
    err.RateLimitError: 7,
    err.TransportError: 8,
    err.ServerError: 8,
    err.OutcomeUnknownError: 8,
    err.ApiError: 8,
    err.IntegrityError: 9,
    err.PagingError: 9,
    err.ProtocolError: 9,
}
HINTS: dict[type[Exception], str] = {
    err.UnsupportedError: "`otabridge backends show NAME` lists what a backend can do",
    err.ConnectError: "check the endpoint's host name, the network, and the settings proxy and ca_file",
    err.RequestTimeoutError: "try again, or raise the setting timeout",
    err.TransportError: "try again; if it stays so, check the network and the setting proxy",
    err.AuthenticationError: "check that the credentials belong together and to this endpoint, and this computer's "
    "clock: it says {now} UTC",
    err.ForbiddenError: "the credentials are valid: give their owner the permission for this operation",
    err.QuotaExceededError: "delete what is not needed, or ask the vendor for a higher quota",
    err.RateLimitError: "wait a little; where others use the account too, lower the setting quota_share",
    err.ServerError: "the cloud failed, not the command: try again later",
    err.ProtocolError: "something else than the cloud may be answering: check the settings endpoint and proxy",
    err.PagingError: "what was printed before is not the whole list",
}


class Usage(err.OtaBridgeError):
    """The command line lacks something, or holds what does not go together."""


class ReaderGone(Exception):
    """Whoever read stdout has closed it: there is nobody left to write for."""


CODES[Usage] = USAGE


def report(error: Exception, *, cloud: str | None = None) -> int:
    """Say what went wrong, with the way out where one is known, and return the exit code."""
    if debugging():
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    where = f"{cloud}: " if cloud else ""
    if isinstance(error, err.OtaBridgeError):
        say("error", f"{where}{error}")
        hint = _first(HINTS, error)
        if hint:
            say("hint", hint.format(now=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"))
        return _first(CODES, error) or FAILED
    if isinstance(error, OSError):
        about = f": {error.filename}" if error.filename else ""
        say("error", f"{where}{error.strerror or type(error).__name__}{about}")
        return FAILED
    # The text of an error that nobody foresaw may hold anything, so it is shown on demand alone.
    say("error", f"{where}unexpected {type(error).__name__}: this is a defect of otabridge or of a plugin")
    say("hint", "--debug shows where")
    return FAILED


def report_usage(error: Exception) -> int:
    """Say what typer did not understand. Its errors are known by what they can do: their module differs by version."""
    told = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        print(told, file=sys.stderr)
        return USAGE
    say("error", told)
    context = getattr(error, "ctx", None)
    if context is not None:
        say("hint", f"see `{context.command_path} --help`")
    return int(getattr(error, "exit_code", USAGE))


def say(kind: str, text: str) -> None:
    """Print one line on stderr; kind is error, hint, warning, debug, or empty for a plain message."""
    line = readable(" ".join(text.split()))
    with suppress(OSError):  # nobody reads stderr, and there is no better place to say so
        print(f"{kind}: {line}" if kind else line, file=sys.stderr)


def readable(text: str) -> str:
    """The text with everything that a terminal would obey instead of show (control characters, bidi) escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@contextmanager
def listening() -> Iterator[None]:
    """Turn Python's warnings, and the library's log once `hear_log` was called, into lines on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = lambda message, *_, **__: say("warning", str(message))
        try:
            yield
        finally:
            if "logging" in sys.modules:
                _forget_log()


def hear_log() -> None:
    """Say what the library logs: warnings, and more with --debug."""
    import logging  # here, because `--help` needs none of it

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(record.levelname.lower(), record.getMessage())

    handler = Lines()
    handler.name = __name__
    logging.getLogger("otabridge").addHandler(handler)


def _forget_log() -> None:
    import logging

    log = logging.getLogger("otabridge")
    log.setLevel(logging.NOTSET)
    for handler in [each for each in log.handlers if each.name == __name__]:
        log.removeHandler(handler)


def start_debugging() -> None:
    """Show the library's log, which holds no secrets, and where an error came from."""
    import logging

    logging.getLogger("otabridge").setLevel(logging.DEBUG)


def debugging() -> bool:
    """Whether --debug was given."""
    logging = sys.modules.get("logging")
    return logging is not None and logging.getLogger("otabridge").isEnabledFor(logging.DEBUG)


def turn_off_stdout() -> None:
    """After its reader has gone: let Python's own last flush go nowhere, instead of complaining."""
    with suppress(OSError, ValueError, AttributeError):  # a stdout without a descriptor has no last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _first(table: Mapping[type[Exception], T], error: Exception) -> T | None:
    return next((table[cls] for cls in type(error).__mro__ if cls in table), None)
