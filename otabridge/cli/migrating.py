"""What the commands of `otabridge migrate` share: their options, exit codes, progress, and what they print."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otabridge.cli import errors
from otabridge.cli import output as out
from otabridge.cli.options import Format

if TYPE_CHECKING:
    from otabridge.migrate import Choices, Outcome, Record

COLUMNS = ("key", "action", "state", "target", "severity", "rules", "words")


class Level(StrEnum):
    """How closely is looked."""

    META = "meta"
    HASH = "hash"
    BYTES = "bytes"


class ReportFormat(StrEnum):
    """For whom a report is."""

    MD = "md"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


PlanOrJournal = Annotated[Path, typer.Argument(metavar="FILE", help="A plan, or a journal.")]
JournalFile = Annotated[Path, typer.Argument(metavar="FILE", help="The journal of `migrate apply`.")]
MaxCreates = Annotated[
    int | None,
    typer.Option("--max-creates", metavar="N", min=0, help="Stop before more than N modules and packages are made."),
]
StopAfter = Annotated[
    str | None,
    typer.Option("--stop-after", metavar="N|SECONDSs", help="Stop after N items, or (as in 600s) after that time."),
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going/--fail-fast", help="Go on with the others after an item has failed.")
]
InFlight = Annotated[int, typer.Option("--in-flight", metavar="N", min=1, max=64, help="Items at a time.")]


def budget(max_creates: int | None, stop_after: str | None, keep_going: bool, in_flight: int) -> "Choices":
    """How an apply goes about it, of the options. Usage if one cannot be read."""
    from otabridge.migrate import Choices

    number = (stop_after or "0").removesuffix("s")
    if not (number.isascii() and number.isdigit()):
        raise errors.Usage(f"--stop-after: a number of items, or of seconds as in 600s, not {stop_after!r}")
    items = int(number) if stop_after and not stop_after.endswith("s") else None
    seconds = float(number) if stop_after and stop_after.endswith("s") else None
    return Choices(
        in_flight=in_flight, max_creates=max_creates, stop_after=items, stop_seconds=seconds, keep_going=keep_going
    )


def written(path: Path, content: str | bytes, *, anew: bool = False) -> None:
    """Write a file. Usage if it is there and shall be made `anew`."""
    from otabridge.files import disk_words

    with disk_words(path):
        if anew:
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                raise errors.Usage(f"{path} is there already, and may have been reviewed: name another file") from None
        try:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError:
            if anew:
                path.unlink(missing_ok=True)
            raise


def listed(format: Format, columns: Sequence[str], rows: Sequence[out.Record]) -> None:
    """Rows on stdout; in a table what is very long is cut, but for the words that end a line."""
    from otabridge.migrate.telling import short_words

    if format is Format.TABLE:
        rows = [
            {
                name: short_words(cell) if isinstance(cell, str) and name != "words" else cell
                for name, cell in row.items()
            }
            for row in rows
        ]
    out.listed(format, columns, rows)


def shown_items(record: "Record", format: Format) -> None:
    """The items on stdout, and what they come to on stderr."""
    from otabridge.migrate.telling import costs, headline, target_words

    rows: list[out.Record] = []
    for item in record.plan.items:
        state = record.state(item)
        row: out.Record = {"key": item.key, "action": item.action}
        row |= {"state": state.state} if record.states is not None else {}
        row |= {"target": target_words(item), "severity": item.worst()}
        rules = sorted({change.rule for change in item.fields if change.rule and change.severity != "info"})
        rows.append({**row, "rules": rules, "words": state.words or item.words})
    columns = [name for name in COLUMNS if name != "state" or record.states is not None]
    listed(format, columns, rows)
    errors.say("", headline(record))
    if record.states is None:
        errors.say("", "; ".join(f"{name}: {words}" for name, words in costs(record)))


def ended(done: "Outcome", record: "Record", format: Format) -> None:
    """What is not done on stdout, what it comes to on stderr, and the exit code."""
    from otabridge.migrate.telling import headline, left, standing

    rows: list[out.Record] = [
        {"key": item.key, "state": standing(item, record), "words": words} for item, words in left(record)
    ]
    listed(format, ("key", "state", "words"), rows)
    errors.say("", headline(record))
    if done.words:
        errors.say("", f"stopped: {done.words}")
    raise typer.Exit(done.code)


@contextmanager
def coded() -> Iterator[None]:
    """Exit with the migrations' own codes."""
    try:
        yield
    except errors.Usage:
        raise
    except Exception as error:
        from otabridge import OtaBridgeError
        from otabridge.migrate.codes import code_of

        if not isinstance(error, OtaBridgeError):
            raise
        errors.report(error)
        raise typer.Exit(code_of(error)) from None


@contextmanager
def counting(doing: str, whole: int, journal: Path) -> Iterator[Callable[..., Any]]:
    """Show on a terminal how many items have come to an end; say what to do after an interruption."""
    try:
        with _bar(doing, whole) as tell:
            yield tell
    except KeyboardInterrupt:
        errors.say("hint", f"what is done is in the journal: `otabridge migrate resume {journal}` goes on")
        raise


@contextmanager
def _bar(doing: str, whole: int) -> Iterator[Callable[..., Any]]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda item, state: None
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.BarColumn(), progress.MofNCompleteColumn(), progress.TimeElapsedColumn())
    with progress.Progress("{task.description}", *columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(doing, total=whole)
        yield lambda item, state: shown.advance(task)
