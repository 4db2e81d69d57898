"""`otabridge demo`: every installed cloud's API on loopback over one local store, and a fleet seen through each."""

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from otabridge.cli import output as out

if TYPE_CHECKING:
    from otabridge import Client, Package
    from otabridge.serve import Server

    Clouds = Mapping[str, Client]

PRODUCT = "thermostat"
MODULES = {
    "mcu": ("Main_controller", "sensors, display and schedule"),
    "radio": ("Radio", "Zigbee and BLE"),
    "valve": ("Valve_drive", "motor control"),
}
OLD, NEW = "1.0.0", "1.1.0"
DEVICES = 500
SIZE = 256 * 1024
STORE = "store"
BAR = 28
WIDTH = 110  # of a table that is not for a terminal


def tour() -> None:
    """Walk through the main job on three emulated clouds, and leave nothing behind."""
    import tempfile

    from otabridge.registry import Registry
    from otabridge.serve import running

    names = Registry().facades()
    if not names:
        from otabridge import ConfigurationError

        raise ConfigurationError("no plugin with a facade is installed: see the README's first command")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otabridge-demo-") as folder, ExitStack() as stack:
        home = Path(folder)
        server = stack.enter_context(running(*names, on=f"local:{home / 'depot'}"))
        clouds = {name: stack.enter_context(_connected(server, name)) for name in names}
        everywhere = {STORE: server.cloud, **clouds}
        _addresses(server)
        _modules(clouds, everywhere)
        package = _packages(clouds, everywhere, home)
        _fleet(everywhere)
        _refusals(clouds)
        _download(server.cloud, package, home)
    seconds = time.monotonic() - began
    _say("", f"Done in {seconds:.1f} s; nothing was left behind. Next, with a store that stays:")
    _say(f"  $ otabridge serve {' '.join(f'--as {name}' for name in names)} --on local:./depot --seed demo")


def _connected(server: "Server", name: str) -> "Client":
    from otabridge import connect

    return connect(**server.settings(name))


def _addresses(server: "Server") -> None:
    _step("Every cloud's API on loopback, over one local store", f"serve {' '.join(f'--as {n}' for n in server.urls)}")
    _table(("cloud", "its API answers at"), server.urls.items())


def _modules(clouds: "Clouds", everywhere: "Clouds") -> None:
    _step(
        "Make OTA modules, each through another cloud; list them from every one", "modules create ...; modules list ..."
    )
    through = {}
    for number, (name, (alias, description)) in enumerate(MODULES.items()):
        through[name] = list(clouds)[number % len(clouds)]
        clouds[through[name]].modules.create(name, product=PRODUCT, alias=alias, description=description)
    seen = {
        cloud: {row.name: row.alias for row in client.modules.list(product=PRODUCT)}
        for cloud, client in everywhere.items()
    }
    _table(
        ("module", "made through", *(f"alias in {cloud}" for cloud in seen)),
        ((name, through[name], *(aliases.get(name) or "-" for aliases in seen.values())) for name in MODULES),
    )


def _packages(clouds: "Clouds", everywhere: "Clouds", home: Path) -> "Package":
    import hashlib
    import random

    from otabridge import Artifact, Checksum, ObjectLocation

    _step("Make packages: one of a file in the store, one of an object in a cloud", "packages publish ...")
    content = random.Random(OLD).randbytes(SIZE)
    file = home / f"mcu-{OLD}.bin"
    file.write_bytes(content)
    published = everywhere[STORE].packages.publish(file, product=PRODUCT, module="mcu", version=OLD)
    made = {published.id: STORE}
    # Which clouds take packages of objects in buckets is told by their limits.
    for name in [name for name, cloud in clouds.items() if "object.bucket" in cloud.limits.text][:1]:
        digest = Checksum(algorithm="sha256", hex=hashlib.sha256(content).hexdigest())
        lies = ObjectLocation(region="cn-north-4", bucket="firmware", key=f"mcu/{NEW}.bin")
        artifact = Artifact(name=f"{NEW}.bin", size=SIZE, checksum=digest, location=lies)
        package = clouds[name].packages.create(
            product=PRODUCT, module="mcu", version=NEW, source_versions=[OLD], artifacts=[artifact]
        )
        made[package.id] = name
    seen = {
        cloud: {row.id: row.version for row in client.packages.list(product=PRODUCT)}
        for cloud, client in everywhere.items()
    }
    _table(
        ("package", "made in", *(f"version in {cloud}" for cloud in seen)),
        ((found[:12], where, *(rows.get(found, "-") for rows in seen.values())) for found, where in made.items()),
    )
    return published


def _fleet(everywhere: "Clouds") -> None:
    from otabridge import ModuleVersion

    _step(f"{DEVICES} devices report; who is behind?", f">>> cloud.fleet.versions(product={PRODUCT!r})")
    everywhere[STORE].devices.report_versions(
        ModuleVersion(
            product=PRODUCT, device=f"unit-{number:03}", module="mcu", version=OLD if number % 4 == 0 else NEW
        )
        for number in range(DEVICES)
    )
    rows = []
    for cloud, client in everywhere.items():
        began = time.monotonic()
        versions = [row.version for row in client.fleet.versions(product=PRODUCT)]
        rate = f"{len(versions) / (time.monotonic() - began):,.0f} devices/s"
        for version, told in ((NEW, (cloud, rate)), (OLD, ("", ""))):
            count = versions.count(version)
            rows.append((told[0], version, str(count), "█" * round(BAR * count / DEVICES), told[1]))
    _table(("cloud", "mcu version", "devices", "share", "read at"), rows)


def _refusals(clouds: "Clouds") -> None:
    from otabridge import ApiError

    _step("What is refused, is refused in each cloud's words, and raised as one class", "modules create mcu ...")
    rows = []
    for cloud, client in clouds.items():
        try:
            client.modules.create("mcu", product=PRODUCT, alias="another")
        except ApiError as error:
            rows.append((cloud, str(error.status), error.code or "-", type(error).__name__))
    _table(("cloud", "HTTP", "its code", "raised as"), rows)


def _download(store: "Client", package: "Package", home: Path) -> None:
    _step("Fetch the package's file, and compare", f"packages download {package.id[:12]}... --out DIR")
    (path,) = store.packages.download(package.id, home / "out")
    if path.read_bytes() != (home / f"mcu-{OLD}.bin").read_bytes():
        raise AssertionError("the bytes that came back are not those that were published")
    _say(f"  {path.name[:24]}... has the bytes that were published")


def _step(title: str, command: str) -> None:
    _say("", title, f"  {command if command.startswith('>>>') else f'$ otabridge {command}'}")


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    import sys
    from io import StringIO

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    # Drawn into a text, for there is one way to stdout that knows when its reader is gone.
    console = Console(file=StringIO(), width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as drawn:
        console.print(table)
    _say(*(f" {line.rstrip()}" for line in drawn.get().splitlines() if line.strip()))


def _say(*lines: str) -> None:
    out.emit("".join(f"{line}\n" for line in lines))
