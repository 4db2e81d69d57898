"""What a store can be filled with for a look around: the same at every run, and only what is not there yet."""

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from otabridge.capabilities import Capability
from otabridge.client import Client
from otabridge.errors import ConfigurationError
from otabridge.models import DEFAULT, ModuleVersion

BEGUN = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
SIZE = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """A product: its modules as name -> (alias, description, versions, oldest first), and its devices."""

    product: str
    devices: str
    count: int
    modules: Mapping[str, tuple[str, str, tuple[str, ...]]]


# Every text is legal on every cloud: letters, digits and - in names, no blank in an alias.
FLEET = (
    Line(
        "thermostat-T2",
        "hall-",
        24,
        {
            "mcu": ("Main-controller", "Reads the sensors and switches the heating", ("1.4.0", "1.5.2", "2.0.1")),
            "radio": ("Radio", "Talks to the gateway", ("3.1", "3.2")),
            "display": ("Display", "Shows temperature and time", ("0.9.8", "1.0.0")),
        },
    ),
    Line(
        "door-lock-L1",
        "door-",
        16,
        {
            "mcu": ("Main-controller", "Decides who may come in", ("2.2.0", "2.3.0", "2.3.1")),
            "ble": ("Bluetooth", "Talks to phones", ("1.8", "1.9")),
            "keypad": ("Keypad", "Reads the code", ("1.0", "1.1")),
            "motor": ("Motor", "Turns the bolt", ("4.0.3", "4.1.0")),
        },
    ),
    Line(
        "ev-charger-C3",
        "bay-",
        14,
        {
            "mcu": ("Main-controller", "Talks to the car", ("5.0.0", "5.1.0")),
            "meter": ("Energy-meter", "Counts what is drawn", ("1.2.7", "1.3.0")),
            "modem": ("Modem", "Talks to the back office", ("20.4", "21.0", "21.1")),
        },
    ),
)
FIRMWARE_VERSIONS = ("2026.1", "2026.2")  # of the whole device, for every product


def demo(cloud: Client) -> None:
    """Fill a local store with products, modules, packages and devices, some of them behind."""
    if not cloud.supports(Capability.REPORT_MODULE_VERSIONS):
        raise ConfigurationError("serve: a seed is for a local store: say --on memory: or --on local:PATH")
    with tempfile.TemporaryDirectory(prefix="otabridge-seed-") as folder:
        for line in FLEET:
            _modules(cloud, line)
            _packages(cloud, line, Path(folder))
            _reports(cloud, line)


SEEDS: Mapping[str, Callable[[Client], None]] = {"demo": demo}


def _modules(cloud: Client, line: Line) -> None:
    there = {module.name for module in cloud.modules.list(product=line.product)}
    for name, (alias, description, _) in line.modules.items():
        if name not in there:
            cloud.modules.create(name, product=line.product, alias=alias, description=description)


def _packages(cloud: Client, line: Line, folder: Path) -> None:
    there = {(package.module, package.version) for package in cloud.packages.list(product=line.product)}
    for module, versions in _released(line):
        before = ("", *versions)
        for old, version in zip(before, versions, strict=False):
            if (module, version) in there:
                continue
            file = folder / f"{module.strip('@')}-{version}.bin"
            file.write_bytes(random.Random(f"{line.product} {module} {version}").randbytes(SIZE))
            # Only the newest of three is a step that needs the one before it.
            step = len(versions) > 2 and version == versions[-1]
            cloud.packages.publish(
                file,
                product=line.product,
                module=module,
                version=version,
                source_versions=[old] if step else [],
                name=f"{line.product}_{module.strip('@')}_{version.replace('.', '-')}",
                description=f"{module.strip('@')} {version} of {line.product}",
            )


def _reports(cloud: Client, line: Line) -> None:
    known = {device.name for device in cloud.devices.list(product=line.product)}
    cloud.devices.report_versions(row for row in _rows(line) if row.device not in known)


def _rows(line: Line) -> Iterator[ModuleVersion]:
    chance = random.Random(line.product)
    for number in range(1, line.count + 1):
        seen = BEGUN + timedelta(minutes=chance.randrange(60 * 24 * 14), seconds=chance.randrange(60))
        for module, versions in _released(line):
            # One in four is one version behind, and one in twelve is at the first.
            back = 0 if chance.random() > 0.25 else 1 if chance.random() > 0.3 else len(versions) - 1
            yield ModuleVersion(
                product=line.product,
                device=f"{line.devices}{number:03}",
                module=module,
                version=versions[-1 - back],
                reported_at=seen,
            )


def _released(line: Line) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield DEFAULT, FIRMWARE_VERSIONS
    for name, (_, _, versions) in line.modules.items():
        yield name, versions
