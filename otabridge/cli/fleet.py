"""`otabridge fleet`: the module versions of many devices, and how many there are."""

from typing import Annotated

import typer

from otabridge.cli import output as out
from otabridge.cli import session
from otabridge.cli.options import ConfigFile, Debug, Format, On, OnEach, Output, ProductOrAll

app = typer.Typer()


@app.command()
def versions(
    on: OnEach = None,
    product: ProductOrAll = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """List the version of each module of each device of a product, or of all products."""
    from otabridge import ModuleVersion

    session.rows(
        ModuleVersion, lambda cloud: cloud.fleet.versions(product=product), on=on, config=config, format=output
    )


@app.command()
def count(
    on: On = None,
    product: ProductOrAll = None,
    module: Annotated[
        str | None, typer.Option("--module", metavar="NAME", help="This module; all if left out.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="V", help="This version; all if left out.")
    ] = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Count the modules of devices that are reported with a version."""
    with session.one(on, config) as cloud:
        with session.busy(f"counting on {cloud.cloud}"):
            found = cloud.fleet.count(product=product, module=module, version=version)
        out.listed(output, ("count",), [{"count": found}])
