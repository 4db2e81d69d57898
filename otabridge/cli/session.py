"""The clouds of one command: opened all before anything is sent, asked in turn, each failure said and none hidden."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from otabridge.cli import errors, output
from otabridge.cli.options import Format

if TYPE_CHECKING:
    from otabridge import Capability, Client, Pager
    from otabridge.progress import Progress

T = TypeVar("T")


@contextmanager
def one(on: list[str] | None, config: Path | None) -> "Iterator[Client]":
    """The one cloud of a command that talks to one."""
    if on and len(on) > 1:
        raise errors.Usage("--on: this command talks to one cloud at a time")
    with _opened(on, config) as clouds:
        yield clouds[0]


def rows(
    kind: type[T],
    listing: "Callable[[Client], Pager[T]]",
    *,
    on: list[str] | None,
    config: Path | None,
    format: Format,
) -> None:
    """Print a list of each cloud, as its pages arrive."""
    with _opened(on, config) as clouds:
        several = len(clouds) > 1
        printer = output.model_writer(format, kind, clouds=several)

        def read(cloud: "Client") -> None:
            for page in listing(cloud).pages():
                printer.page([output.record(row, cloud.cloud if several else None) for row in page.items])

        _in_turn(clouds, read)
        printer.close()


def each(
    kind: type[T],
    make: "Callable[[Client], T]",
    needs: "Sequence[Capability]",
    *,
    on: list[str] | None,
    config: Path | None,
    format: Format,
) -> None:
    """Make an object on each cloud and print it. Nothing is written anywhere if one of the clouds cannot do this."""
    with _opened(on, config) as clouds:
        for cloud in clouds:
            _check(cloud, needs)
        if len(clouds) == 1:
            output.show(format, output.record(make(clouds[0])))
            return
        printer = output.model_writer(format, kind, clouds=True)
        _in_turn(clouds, lambda cloud: printer.page([output.record(make(cloud), cloud.cloud)]))
        printer.close()


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed; where nobody can be asked, --yes is needed."""
    if yes:
        return
    if not sys.stdin or not sys.stdin.isatty():
        raise errors.Usage("nothing was deleted: there is no terminal to ask on, so say --yes")
    # Not by typer's own prompt, which writes a blank to stdout.
    print(f"{errors.readable(question)} [y/N]: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        errors.say("", "nothing was deleted")
        raise typer.Exit(errors.FAILED)


def delete(gone: Callable[[], None], which: str, *, missing_ok: bool) -> None:
    """Delete, and say what was done; with `missing_ok`, what is not there is no error."""
    from otabridge import NotFoundError

    try:
        gone()
    except NotFoundError:
        if not missing_ok:
            raise
        errors.say("", f"{which} was not there")
        return
    errors.say("", f"deleted {which}")


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """Show on a terminal that something long is going on."""
    if not _watched():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(errors.readable(doing))):
        yield


@contextmanager
def moving(doing: str) -> "Iterator[Progress | None]":
    """Show on a terminal how far a transfer is; elsewhere nobody is told."""
    if not _watched():
        yield None
        return
    from rich import progress
    from rich.console import Console
    from rich.markup import escape

    columns = (progress.BarColumn(), progress.DownloadColumn(), progress.TransferSpeedColumn())
    shown = progress.Progress(
        "{task.description}", *columns, progress.TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    with shown:
        task = shown.add_task(escape(errors.readable(doing)), total=None)
        yield lambda done, whole: shown.update(task, completed=done, total=whole)


def _watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def _opened(on: list[str] | None, config: Path | None) -> "Iterator[list[Client]]":
    from otabridge import connect

    asked = list(dict.fromkeys(on or ()))
    if not asked:
        from otabridge.config import clouds as configured

        known = ", ".join(configured(config)) or "none"
        raise errors.Usage(f"--on is missing: name a cloud (configured: {known}), or a folder as in --on local:./depot")
    with ExitStack() as opened:
        yield [opened.enter_context(connect(name, config=config)) for name in asked]


def _in_turn(clouds: "Sequence[Client]", ask: "Callable[[Client], None]") -> None:
    """Ask every cloud, also after one has failed; then end with the first failure's exit code."""
    if len(clouds) == 1:
        ask(clouds[0])
        return
    codes = []
    for cloud in clouds:
        try:
            ask(cloud)
        except errors.ReaderGone:
            raise
        except Exception as error:
            codes.append(errors.report(error, cloud=cloud.cloud))
    if codes:
        raise typer.Exit(codes[0])


def _check(cloud: "Client", needs: "Sequence[Capability]") -> None:
    from otabridge import UnsupportedError

    for capability in needs:
        if not cloud.supports(capability):
            support = cloud.capabilities.get(capability)
            reason = support.note or support.level.value if support else "the cloud cannot"
            raise UnsupportedError(f"{cloud.cloud}: {capability.value} is not available: {reason}")
