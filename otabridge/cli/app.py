"""The commands put together, and the way from what was typed to an exit code."""

import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Annotated

import typer
from typer.main import get_command

from otabridge import __version__
from otabridge.cli import errors
from otabridge.cli.options import Debug

# A group's name, which is also its module's, and its help.
GROUPS = {
    "clouds": "List and check the clouds of the configuration file.",
    "backends": "List the kinds of clouds, and show what each of them can do.",
    "products": "List the device model lines of a cloud.",
    "modules": "Manage OTA modules: the parts of a product that are updated.",
    "packages": "Manage upgrade packages: released versions of modules.",
    "devices": "List devices, and the module versions that they report.",
    "fleet": "List and count the module versions of many devices.",
    "migrate": "Move modules and packages, files included, to another cloud, to a folder, or back.",
    "plugins": "List the installed plugins, begin a new one, and check that one keeps the contract.",
}
# Likewise those that stand alone.
COMMANDS = {"serve": "Imitate clouds, each on a port of its own, until SIGINT or SIGTERM."}


def application(load: Collection[str] = (*GROUPS, *COMMANDS)) -> typer.Typer:
    """The whole command line. What is not in `load` is there by name and help alone, which makes `--help` fast."""
    # Plain help: rich's takes twice as long. The root's rich_markup_mode holds for all groups.
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for name, words in GROUPS.items():
        group = import_module(f"otabridge.cli.{name}").app if name in load else typer.Typer()
        app.add_typer(group, name=name, help=words, no_args_is_help=True)
    for name, words in COMMANDS.items():
        app.command(name, help=words)(import_module(f"otabridge.cli.{name}").command if name in load else _unloaded)
    app.command()(demo)
    return app


def _unloaded() -> None:
    """Stand in for a command that was not asked for."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"otabridge {__version__}")
        raise typer.Exit


def root(
    debug: Debug = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Manage over-the-air updates on several IoT clouds through one model.

    Data is printed on stdout; questions, warnings and errors on stderr. Exit codes: 0 done, 2 wrong usage or
    configuration, 3 not found, 4 conflict, 5 refused credentials, 6 unsupported, 7 quota or rate, 8 no answer or an
    unknown outcome, 9 bytes or lists that are not whole, 1 anything else; `migrate` has codes of its own.
    """
    errors.hear_log()


def demo(debug: Debug = False) -> None:
    """Walk through the main job on a temporary local store."""
    from otabridge.cli.demo import tour

    tour()


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed, and print would take the other one instead
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # open to the end
    if hasattr(sys.stdout, "reconfigure"):
        # UTF-8 whatever the locale says, line ends as they are; half a character is escaped, as JSON would have it.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    # No option of the root takes a value, so the first name that is known is the one that was asked for.
    command = get_command(application([word for word in argv if word in GROUPS or word in COMMANDS][:1]))
    with errors.listening():
        try:
            code = command.main(args=list(argv), prog_name="otabridge", standalone_mode=False)
            return int(code or errors.OK)
        except errors.ReaderGone:
            return _reader_gone()
        except SystemExit as stop:
            # typer's own way to end when it prints help into a closed pipe
            return _reader_gone() if isinstance(stop.__context__, BrokenPipeError) else errors.FAILED
        except (KeyboardInterrupt, typer.Abort):
            return errors.INTERRUPTED
        except Exception as error:
            return errors.report_usage(error) if hasattr(error, "format_message") else errors.report(error)


def _reader_gone() -> int:
    errors.turn_off_stdout()
    return errors.OK
