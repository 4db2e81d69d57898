"""`otabridge plugins`: what is installed."""

import typer

from otabridge.cli import output as out
from otabridge.cli.options import Debug, Format, Output

app = typer.Typer()


@app.command("list")
def list_plugins(output: Output = Format.TABLE, debug: Debug = False) -> None:
    """List the installed plugins: whose they are, what they hook into, and why one is broken."""
    from otabridge.registry import PluginInfo, Registry

    out.listed(output, out.names(PluginInfo), [out.record(info) for info in Registry().plugins()])
