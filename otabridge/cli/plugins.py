"""`otabridge plugins`: what is installed, a new one, and whether one keeps the contract."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from otabridge.cli import errors
from otabridge.cli import output as out
from otabridge.cli.options import Debug, Format, Output

app = typer.Typer()
COUNTS = ("group", "passed", "failed", "skipped")
SHOWN = 600  # characters of a failure's message


@app.command("list")
def list_plugins(output: Output = Format.TABLE, debug: Debug = False) -> None:
    """List the installed plugins: whose they are, what they hook into, and why one is broken."""
    from otabridge.registry import PluginInfo, Registry

    out.listed(output, out.names(PluginInfo), [out.record(info) for info in Registry().plugins()])


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the cloud is called: small letters, digits, -.")],
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where to put it; else into the working folder.")
    ] = Path(),
    debug: Debug = False,
) -> None:
    """Write a plugin, otabridge-NAME, that works for a made-up cloud and passes the conformance kit at once."""
    from otabridge.cli import scaffold
    from otabridge.registry import Registry

    scaffold.check(name, Registry().names())
    path = scaffold.write(name, folder)
    out.emit(f"{path}\n")
    errors.say("", f"Next: cd {path}; pip install -e '.[dev]'; pytest")
    errors.say("", "Then change it file by file into your cloud's: its README.md says where to begin.")


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name, as `plugins list` shows it.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SETTING=VALUE",
            help="A setting of the backend, {folder} in it an empty folder; one without a facade needs them. "
            "Repeatable.",
        ),
    ] = None,
    gaps: Annotated[
        list[str] | None,
        typer.Option(
            "--known-gap", metavar="TEST", help="A test, or TEST[PARAMETER], that must fail, as is known. Repeatable."
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite",
            metavar="FILE|MODULE:CLASS",
            help="Run the plugin's own conformance classes, which know its gaps and its files, instead of the kit's.",
        ),
    ] = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Run the conformance kit on a plugin and its facade, and say what they break; exit code 1 if anything."""
    from otabridge.cli import kit

    given = dict(_setting(text) for text in settings or ())
    if suite and (given or gaps):
        raise errors.Usage("--suite: --set and --known-gap are attributes of its classes, settings and known_gaps")
    errors.say("", f"Running the conformance kit on {name}: this can take a minute.")
    told = kit.verdict(name, kit.run_suite(name, suite) if suite else kit.run(name, given, gaps or ()))
    if output in (Format.JSON, Format.JSONL):
        out.show(output, told)
    else:
        out.listed(output, COUNTS, told["groups"])
    if output is Format.TABLE:
        out.emit("".join((*_failures(told["failures"]), f"\n{_verdict(told)}\n")))
    if not told["passes"]:
        raise typer.Exit(errors.FAILED)


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise errors.Usage(f"--set {name}: write it as SETTING=VALUE")
    return name, value


def _failures(failures: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What failed and how, a paragraph for each; a message that was told already is not told again."""
    before = None
    for failure in failures:
        cases, message = failure["cases"], failure["message"]
        where = f" [{cases[0]}]" if cases[0] else ""
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        words = ["the same"] if message == before else [line for line in message[:SHOWN].splitlines() if _telling(line)]
        lines = (f"FAILED {failure['group']}: {failure['sentence']}{where}{more}", *(f"    {line}" for line in words))
        yield "\n" + "".join(f"{errors.readable(line)}\n" for line in lines)
        before = message


def _telling(line: str) -> bool:
    return bool(line.strip()) and "Use -v" not in line  # pytest's own advice, which is for pytest's own command line


def _verdict(told: dict[str, Any]) -> str:
    passed, failed, skipped = (sum(group[outcome] for group in told["groups"]) for outcome in COUNTS[1:])
    if told["passes"]:
        return f"{told['plugin']} passes: {passed} passed, {skipped} skipped"
    return (
        f"{told['plugin']} fails in {len(told['failures'])} tests: {failed} failed, {passed} passed, {skipped} skipped"
    )
