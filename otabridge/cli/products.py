"""`otabridge products`: the device model lines of a cloud."""

import typer

from otabridge.cli import session
from otabridge.cli.options import ConfigFile, Debug, Format, OnEach, Output

app = typer.Typer()


@app.command("list")
def list_products(
    on: OnEach = None, config: ConfigFile = None, output: Output = Format.TABLE, debug: Debug = False
) -> None:
    """List every product."""
    from otabridge import Product

    session.rows(Product, lambda cloud: cloud.products.list(), on=on, config=config, format=output)
