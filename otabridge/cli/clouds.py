"""`otabridge clouds`: what is configured, and whether it works."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otabridge.cli import errors, session
from otabridge.cli import output as out
from otabridge.cli.options import ConfigFile, Debug, Format, Output

if TYPE_CHECKING:
    from otabridge import Client
    from otabridge.registry import Registry
    from otabridge.settings import Settings

app = typer.Typer()
COLUMNS = ("name", "backend", "endpoint", "plugin", "settings")


@app.command("list")
def list_clouds(config: ConfigFile = None, output: Output = Format.TABLE, debug: Debug = False) -> None:
    """List the configured clouds and where their settings come from. Nothing is sent, and no secret is shown."""
    from otabridge.config import FILE, clouds, find_file
    from otabridge.registry import Registry

    path, registry = find_file(config), Registry()
    found = clouds(config)
    rows = [_configured(name, table, str(path), found, registry) for name, table in found.items()]
    out.listed(output, COLUMNS, rows)
    if not rows:
        where = f"{path} has none" if path else f"there is no {FILE}"
        errors.say("hint", f"no cloud is configured ({where}): write [clouds.NAME] into {FILE}, or use local:PATH")


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A configured cloud, or local:PATH.")],
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Make one cheap authenticated call to a cloud, and say in words what is right or wrong."""
    with session.one([name], config) as cloud, session.busy(f"calling {name}"):
        began = time.monotonic()
        call, says = _call(cloud)
        took = round((time.monotonic() - began) * 1000)
        out.show(output, {"cloud": cloud.cloud, "ok": True, "call": call, "milliseconds": took, "says": says})


def _call(cloud: "Client") -> tuple[str, str]:
    """Ask for one product, or for one module where a cloud lists no products."""
    from otabridge import Capability

    if cloud.supports(Capability.LIST_PRODUCTS):
        products = cloud.products.list(page_size=1).first_page()
        return Capability.LIST_PRODUCTS.value, _says("product", products.items, products.total)
    modules = cloud.modules.list(page_size=1).first_page()
    return Capability.LIST_MODULES.value, _says("module", modules.items, modules.total)


def _says(what: str, items: tuple[object, ...], total: int | None) -> str:
    seen = f"{total} {what}{'' if total == 1 else 's'}" if total is not None else f"a {what}" if items else f"no {what}"
    return f"the cloud answered and accepts these settings; it shows {seen}"


def _configured(
    name: str, table: Mapping[str, Any], path: str, every: Iterable[str], registry: "Registry"
) -> out.Record:
    """One row of `clouds list`; `settings` names the file and the variables they come from, never a value."""
    from otabridge.errors import OtaBridgeError

    backend = table.get("backend")
    schema, plugin = None, "installed"
    try:
        schema = registry.backend(str(backend)).settings if backend else None
    except OtaBridgeError as error:
        installed = backend in registry.names()
        plugin = f"broken: {error}" if installed else "not installed"
    variables = _variables(name, every, schema)
    where = os.environ.get(f"{_prefix(name)}ENDPOINT") or table.get("endpoint") or table.get("path")
    return {
        "name": name,
        "backend": None if backend is None else str(backend),
        "endpoint": None if where is None else _without_credentials(str(where), table),
        "plugin": plugin if backend else 'the file says no backend = "..."',
        "settings": [path, *variables],
    }


def _variables(name: str, every: Iterable[str], schema: "type[Settings] | None") -> list[str]:
    """The names of the variables that are set for a cloud: its own, then its vendor's customary ones."""
    prefix = _prefix(name)
    longer = tuple(_prefix(other) for other in every if _prefix(other).startswith(prefix) and other != name)
    own = [variable for variable in os.environ if variable.startswith(prefix)]
    if schema is None:
        return sorted(variable for variable in own if not (longer and variable.startswith(longer)))
    known = {prefix + field.upper() for field in (*schema.model_fields, "validate")}
    customary = [variable for variables in schema.environment.values() for variable in variables]
    return [*sorted(known.intersection(own)), *(variable for variable in customary if os.environ.get(variable))]


def _prefix(cloud: str) -> str:
    return f"OTABRIDGE_{cloud.upper().replace('-', '_')}_"


def _without_credentials(where: str, table: Mapping[str, Any]) -> str:
    """An endpoint for showing. One that no backend would accept may hold a password, so it is not shown."""
    from otabridge.settings import origin

    if "endpoint" not in table and "path" in table:
        return str(Path(where))
    try:
        return origin(where)
    except ValueError as error:
        return f"not valid: {error}"
