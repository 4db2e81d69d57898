"""`otabridge modules`: the parts of a product that are updated on their own."""

from functools import partial
from typing import Annotated

import typer

from otabridge.cli import errors, session
from otabridge.cli import output as out
from otabridge.cli.options import (
    Alias,
    ConfigFile,
    Debug,
    Format,
    MissingOk,
    ModuleDescription,
    ModuleId,
    ModuleName,
    ModuleProduct,
    On,
    OnEach,
    Output,
    Product,
    ProductOrAll,
    Yes,
)

app = typer.Typer()


@app.command("list")
def list_modules(
    on: OnEach = None,
    product: ProductOrAll = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """List the modules of a product, or of all products."""
    from otabridge import Module

    session.rows(Module, lambda cloud: cloud.modules.list(product=product), on=on, config=config, format=output)


@app.command()
def show(
    on: On = None,
    product: ModuleProduct = None,
    name: ModuleName = None,
    module_id: ModuleId = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Show one module, by --product and --name or by --id."""
    _described(product, name, module_id)
    with session.one(on, config) as cloud:
        out.show(output, out.record(cloud.modules.get(name, product=product, id=module_id)))


@app.command()
def create(
    product: Product,
    name: Annotated[str, typer.Option("--name", metavar="N", help="The module's name, unique in its product.")],
    on: OnEach = None,
    alias: Alias = None,
    description: ModuleDescription = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Make a module, on one cloud or on several, and print it."""
    from otabridge import Capability, Client, Module

    def make(cloud: Client) -> Module:
        return cloud.modules.create(name, product=product, alias=alias, description=description)

    session.each(Module, make, [Capability.CREATE_MODULE], on=on, config=config, format=output)


@app.command()
def update(
    on: On = None,
    product: ModuleProduct = None,
    name: ModuleName = None,
    module_id: ModuleId = None,
    alias: Alias = None,
    description: ModuleDescription = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Change a module's alias or description, and print it. What is not named stays as it is."""
    _described(product, name, module_id)
    if alias is None and description is None:
        raise errors.Usage("nothing to change: give --alias or --description")
    with session.one(on, config) as cloud:
        changed = cloud.modules.update(name, product=product, id=module_id, alias=alias, description=description)
        out.show(output, out.record(changed))


@app.command()
def delete(
    on: On = None,
    product: ModuleProduct = None,
    name: ModuleName = None,
    module_id: ModuleId = None,
    yes: Yes = False,
    missing_ok: MissingOk = False,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Delete a module that has no packages. Nothing is printed on stdout."""
    which = _described(product, name, module_id)
    with session.one(on, config) as cloud:
        session.confirm(f"Delete {which} on {cloud.cloud}?", yes=yes)
        gone = partial(cloud.modules.delete, name, product=product, id=module_id)
        session.delete(gone, f"{which} on {cloud.cloud}", missing_ok=missing_ok)


def _described(product: str | None, name: str | None, module_id: str | None) -> str:
    """The module that was named, in words."""
    if (name is None) == (module_id is None):
        raise errors.Usage("say which module: either --product and --name, or --id")
    if name is not None and product is None:
        raise errors.Usage("--product is missing: a module's name is unique in its product alone")
    return f"the module with id {module_id!r}" if name is None else f"module {name!r} of product {product!r}"
