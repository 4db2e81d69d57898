"""`otabridge migrate`: moving house, from one cloud to another, to a folder, or back."""

from pathlib import Path
from typing import Annotated

import typer

from otabridge.cli import errors, session
from otabridge.cli import output as out
from otabridge.cli.migrating import (
    InFlight,
    JournalFile,
    KeepGoing,
    Level,
    MaxCreates,
    PlanOrJournal,
    ReportFormat,
    StopAfter,
    budget,
    coded,
    counting,
    ended,
    listed,
    shown_items,
    written,
)
from otabridge.cli.options import ConfigFile, Debug, Format, Output, Verify, Yes

app = typer.Typer()


@app.command()
def plan(
    source: Annotated[str, typer.Option("--from", metavar="CLOUD", help="The cloud to read, or local:PATH.")],
    destination: Annotated[str, typer.Option("--to", metavar="CLOUD", help="The cloud to move to, or local:PATH.")],
    product: Annotated[
        list[str] | None, typer.Option("--product", metavar="P", help="This product alone. Repeatable; else all.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="The mapping: what is renamed or left out.")
    ] = None,
    draft: Annotated[
        Path | None, typer.Option("--draft-map", metavar="FILE", help="Write a mapping to be reviewed; a new file.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the plan, which `migrate apply` takes.")
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="RULE", help="Accept the blockers of this rule. Repeatable."),
    ] = None,
    verify: Annotated[
        Verify,
        typer.Option(
            "--verify",
            metavar="required|none",
            help="Whether packages must be verified at the destination before they can be rolled out.",
        ),
    ] = Verify.NONE,
    no_update: Annotated[
        bool, typer.Option("--no-update", help="Leave texts that differ at the destination as they are.")
    ] = False,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 3 if there is something to do or in conflict.")
    ] = False,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Read both sides, write nothing there, and print what is to be done about each module and package."""
    from otabridge import migrate
    from otabridge.migrate.mapping import drafted

    with coded():
        with session.busy(f"reading {source} and {destination}"):
            made = migrate.plan(
                source,
                destination,
                products=product or None,
                mapping=mapping,
                verify=verify is Verify.REQUIRED,
                accept=accept or (),
                update=not no_update,
                config=config,
            )
        if draft is not None:
            written(draft, drafted(made), anew=True)
        if into is not None:
            written(into, made.to_json())
        shown_items(migrate.Record(made), output)
        if detailed and (not made.empty or made.blockers() or "conflict" in made.counted()):
            raise typer.Exit(migrate.Code.DIFFERENT)


@app.command()
def show(file: PlanOrJournal, output: Output = Format.TABLE, debug: Debug = False) -> None:
    """Print the items of a plan or a journal. Looks at no cloud."""
    from otabridge.migrate import read_record

    with coded():
        shown_items(read_record(file), output)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan of `migrate plan --out`.")],
    journal: Annotated[
        Path, typer.Option("--journal", metavar="FILE", help="The journal: made, or gone on with if it is this plan's.")
    ],
    max_creates: MaxCreates = None,
    stop_after: StopAfter = None,
    keep_going: KeepGoing = True,
    in_flight: InFlight = 4,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Do what a plan says. Nothing is deleted at the source or rolled out, and no file is overwritten."""
    from otabridge import migrate

    choices = budget(max_creates, stop_after, keep_going, in_flight)
    with coded():
        length = len(migrate.read_record(file).plan.items)
        with counting("applying", length, journal) as tell:
            done = migrate.apply(file, journal=journal, choices=choices, tell=tell, config=config)
        ended(done, migrate.read_record(journal), output)


@app.command()
def resume(
    file: JournalFile,
    max_creates: MaxCreates = None,
    stop_after: StopAfter = None,
    keep_going: KeepGoing = True,
    in_flight: InFlight = 4,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Go on with a journal. What is done is not done again."""
    from otabridge import migrate

    choices = budget(max_creates, stop_after, keep_going, in_flight)
    with coded():
        length = sum(state.state != "done" for state in (migrate.read_record(file).states or {}).values())
        with counting("resuming", length, file) as tell:
            done = migrate.resume(file, choices=choices, tell=tell, config=config)
        ended(done, migrate.read_record(file), output)


@app.command()
def verify(
    file: PlanOrJournal,
    level: Annotated[
        Level,
        typer.Option(
            "--level",
            metavar="meta|hash|bytes",
            help="Compare what the cloud says, also the digests that it tells, or fetch and digest every file.",
        ),
    ] = Level.HASH,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Compare the destination with a plan or a journal, and print what was found. Writes nothing, needs no source."""
    from otabridge import migrate

    with coded():
        with session.busy(f"verifying {file.name}"):
            found = migrate.verify(file, level=level.value, config=config)
        columns = ("key", "verdict", "fields", "words")
        rows = [{name: out.plain(getattr(each, name)) for name in columns} for each in found.findings]
        listed(output, columns, rows)
        errors.say("", ", ".join(f"{number} {verdict}" for verdict, number in found.counts.items()) or "nothing to do")
        raise typer.Exit(found.code)


@app.command()
def report(
    file: PlanOrJournal,
    format: Annotated[
        ReportFormat, typer.Option("--format", metavar="md|json|csv|html", help="How the report is written.")
    ] = ReportFormat.MD,
    into: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it into a file; else it is printed.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Tell what a plan or a journal comes to: totals, losses, and what was not done. Looks at no cloud."""
    from otabridge.migrate import reported

    with coded():
        told = reported(file, format.value)
        if into is None:
            out.emit(told)
        else:
            written(into, told)


@app.command()
def undo(
    file: JournalFile,
    yes: Yes = False,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Delete at the destination what this journal has made, if it is unchanged and nothing needs it."""
    from otabridge import migrate

    with coded():
        record = migrate.read_record(file)
        ours = [item for item in record.plan.items if record.state(item).ours and record.state(item).state != "undone"]
        if ours:
            session.confirm(f"Delete up to {len(ours)} objects on {record.plan.destination.cloud}?", yes=yes)
        with session.busy(f"undoing {file.name}"):
            told = migrate.undo(file, config=config)
        rows = [{"key": key, "undone": True, "words": ""} for key in told.removed]
        rows += [{"key": key, "undone": False, "words": words} for key, words in (told.kept | told.failed).items()]
        listed(output, ("key", "undone", "words"), rows)
        raise typer.Exit(told.code)
