"""`otabridge devices`: devices, and the module versions that they report."""

from typing import TYPE_CHECKING, Annotated

import typer

from otabridge.cli import errors, session
from otabridge.cli.options import (
    ConfigFile,
    Debug,
    Format,
    Module,
    On,
    OnEach,
    Output,
    Product,
    ProductOrAll,
    Version,
)

if TYPE_CHECKING:
    from otabridge import Client, ModuleVersion, Pager

app = typer.Typer()


@app.command("list")
def list_devices(
    on: OnEach = None,
    product: ProductOrAll = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """List the devices of a product, or of all products."""
    from otabridge import Device

    session.rows(Device, lambda cloud: cloud.devices.list(product=product), on=on, config=config, format=output)


@app.command()
def versions(
    device: Annotated[
        str | None,
        typer.Argument(metavar="DEVICE", help="The device's name; one that begins with a dash goes after `--`."),
    ] = None,
    on: OnEach = None,
    product: Annotated[
        str | None, typer.Option("--product", metavar="P", help="The device's product; not needed with --id.")
    ] = None,
    device_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The vendor's id of the device, instead of its name.")
    ] = None,
    history: Annotated[
        bool,
        typer.Option("--history", help="List everything it ever reported, newest first, where that is kept."),
    ] = False,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """List the version of each module of one device."""
    from otabridge import ModuleVersion

    if (device is None) == (device_id is None):
        raise errors.Usage("say which device: either its name, or --id")

    if history and (device is None or product is None):
        raise errors.Usage("--history wants the device's name and --product")

    def listing(cloud: "Client") -> "Pager[ModuleVersion]":
        if history and device is not None and product is not None:
            return cloud.devices.history(device, product=product)
        return cloud.devices.versions(device, product=product, id=device_id)

    session.rows(ModuleVersion, listing, on=on, config=config, format=output)


@app.command()
def report(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="The device's name; it need not be known yet.")],
    product: Product,
    module: Module,
    version: Version,
    on: On = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Report a version in a device's place, where the cloud takes that. Nothing is printed on stdout."""
    with session.one(on, config) as cloud:
        cloud.devices.report(device, product=product, module=module, version=version)
        errors.say("", f"reported {module} {version} for device {device} on {cloud.cloud}")
