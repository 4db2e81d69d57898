"""What can be typed after more than one command: shared option types, so that a word means the same everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from otabridge.cli import errors


class Format(StrEnum):
    """How data is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Kind(StrEnum):
    """Whether a package holds all of a module or the difference to a version."""

    FULL = "full"
    DELTA = "delta"


class Verify(StrEnum):
    """Whether a cloud shall demand a verification of a package."""

    REQUIRED = "required"
    NONE = "none"


def _debug(asked: bool) -> None:
    if asked:
        errors.start_debugging()


_ON = "A cloud of the configuration file, or local:PATH for a store in a folder."
# Both are lists: of an option that is not repeatable the last one would win silently, on a delete too.
On = Annotated[list[str] | None, typer.Option("--on", metavar="CLOUD", help=_ON)]
OnEach = Annotated[list[str] | None, typer.Option("--on", metavar="CLOUD", help=f"{_ON} Repeatable.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration file; else $OTABRIDGE_CONFIG, ./otabridge.toml, or the one of the user's folder.",
    ),
]
Output = Annotated[
    Format, typer.Option("--output", metavar="table|json|jsonl|csv", help="How data is printed on stdout.")
]
Debug = Annotated[
    bool,
    typer.Option("--debug", is_eager=True, callback=_debug, help="Show each request, and where an error came from."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask. Needed where there is no terminal to ask on.")]
MissingOk = Annotated[bool, typer.Option("--missing-ok", help="Succeed if there is nothing to delete.")]

Product = Annotated[str, typer.Option("--product", metavar="P", help="The product: its id, or your name for it.")]
ProductOrAll = Annotated[
    str | None,
    typer.Option("--product", metavar="P", help="One product alone; else all, where the cloud can list them."),
]
Module = Annotated[str, typer.Option("--module", metavar="M", help="The name of the OTA module.")]
Version = Annotated[str, typer.Option("--version", metavar="V", help="The version: text, as devices report it.")]
ModuleName = Annotated[str | None, typer.Option("--name", metavar="N", help="The module's name. Needs --product.")]
ModuleId = Annotated[str | None, typer.Option("--id", metavar="ID", help="The vendor's id of the module instead.")]
ModuleProduct = Annotated[
    str | None, typer.Option("--product", metavar="P", help="The product of the module that --name names.")
]
Alias = Annotated[str | None, typer.Option("--alias", metavar="A", help="The name that people read.")]
ModuleDescription = Annotated[str | None, typer.Option("--description", metavar="D", help="What the module is.")]

PackageId = Annotated[str, typer.Argument(metavar="ID", help="The package's id, as `packages list` shows it.")]
PackageName = Annotated[
    str | None, typer.Option("--name", metavar="N", help="The package's name, where the cloud keeps one.")
]
PackageDescription = Annotated[str | None, typer.Option("--description", metavar="D", help="What the package brings.")]
CustomInfo = Annotated[
    str | None,
    typer.Option("--custom-info", metavar="TEXT", help="Text that devices get with the package."),
]
SourceVersions = Annotated[
    list[str] | None,
    typer.Option(
        "--source-version", metavar="V", help="A version that may be upgraded to this one; else any may. Repeatable."
    ),
]
PackageKind = Annotated[
    Kind,
    typer.Option(
        "--kind", metavar="full|delta", help="Whether it holds the whole module, or the difference to --source-version."
    ),
]
OwnVerification = Annotated[
    Verify | None,
    typer.Option(
        "--verify",
        metavar="required|none",
        help="Whether the package must be verified before it can be rolled out; else the cloud decides.",
    ),
]
Verification = Annotated[
    Verify,
    typer.Option(
        "--verify",
        metavar="required|none",
        help="Whether the package must be verified before it can be rolled out. A cloud that demands this unless told "
        "otherwise is told otherwise.",
    ),
]
