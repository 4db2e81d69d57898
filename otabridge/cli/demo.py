"""`otabridge demo`: the main job on the embedded store, with real files, from a module to a fleet that is behind."""

from pathlib import Path
from typing import TYPE_CHECKING

from otabridge.cli import output as out

if TYPE_CHECKING:
    from otabridge import Client, Package

PRODUCT = "thermostat"
MODULES = {"mcu": "Main controller", "radio": "Radio"}
OLD, NEW = "1.0.0", "1.1.0"
DEVICES = 200
SIZE = 256 * 1024


def tour() -> None:
    """Walk through the main job on a temporary local store, and leave nothing behind."""
    import tempfile

    from otabridge import connect

    with tempfile.TemporaryDirectory(prefix="otabridge-demo-") as folder:
        home = Path(folder)
        _say(f"A local store, in a temporary folder: --on local:{home / 'depot'}")
        with connect(f"local:{home / 'depot'}") as cloud:
            _modules(cloud)
            packages = [_publish(cloud, home, version) for version in (OLD, NEW)]
            _report(cloud)
            _behind(cloud)
            _download(cloud, packages[-1], home)
            _delete(cloud, packages)
    _say("", "Done. Nothing was left behind. Next: otabridge modules list --on local:./depot")


def _modules(cloud: "Client") -> None:
    _step("Make OTA modules", f"modules create --product {PRODUCT} --name mcu --alias 'Main controller'")
    for name, alias in MODULES.items():
        cloud.modules.create(name, product=PRODUCT, alias=alias)
    for module in cloud.modules.list(product=PRODUCT):
        _say(f"  {module.name}: {module.alias}")


def _publish(cloud: "Client", home: Path, version: str) -> "Package":
    import random

    _step(f"Publish version {version}", f"packages publish mcu-{version}.bin --product {PRODUCT} --module mcu ...")
    file = home / f"mcu-{version}.bin"
    file.write_bytes(random.Random(version).randbytes(SIZE))
    sources = [OLD] if version == NEW else []
    package = cloud.packages.publish(file, product=PRODUCT, module="mcu", version=version, source_versions=sources)
    artifact = package.artifacts[0]
    digest = artifact.checksum.hex if artifact.checksum else "no digest"
    _say(f"  package {package.id}: {artifact.name}, {artifact.size} bytes, SHA-256 {digest[:16]}...")
    return package


def _report(cloud: "Client") -> None:
    from otabridge import ModuleVersion

    _step(f"Let {DEVICES} devices report their versions", f"devices report DEVICE --product {PRODUCT} ...")
    versions = (
        ModuleVersion(
            product=PRODUCT, device=f"unit-{number:03}", module="mcu", version=OLD if number % 4 == 0 else NEW
        )
        for number in range(DEVICES)
    )
    _say(f"  {cloud.devices.report_versions(versions)} reports taken in")


def _behind(cloud: "Client") -> None:
    _step("Who is behind?", f"devices versions unit-000 --product {PRODUCT}")
    behind = sorted(row.device for row in cloud.fleet.versions(product=PRODUCT) if row.version != NEW)
    counted = cloud.fleet.count(product=PRODUCT, module="mcu", version=NEW)
    _say(f"  {counted} devices run {NEW}; {len(behind)} are behind: {', '.join(behind[:5])}, ...")


def _download(cloud: "Client", package: "Package", home: Path) -> None:
    _step("Fetch the newest package, and compare", f"packages download {package.id} --out DIR")
    (path,) = cloud.packages.download(package.id, home / "out")
    published = (home / f"mcu-{NEW}.bin").read_bytes()
    if path.read_bytes() != published:
        raise AssertionError("the bytes that came back are not those that were published")
    _say(f"  {path.name[:24]}... has the bytes that were published")


def _delete(cloud: "Client", packages: "list[Package]") -> None:
    _step("Clean up", "packages delete ID --yes; modules delete ... --yes")
    for package in packages:
        cloud.packages.delete(package.id)
    for name in MODULES:
        cloud.modules.delete(name, product=PRODUCT)
    left = len(list(cloud.packages.list())) + len(list(cloud.modules.list()))
    _say(f"  {len(packages)} packages and {len(MODULES)} modules deleted, {left} left")


def _step(title: str, command: str) -> None:
    _say("", title, f"  $ otabridge {command}")


def _say(*lines: str) -> None:
    out.emit("".join(f"{line}\n" for line in lines))
