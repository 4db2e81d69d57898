"""A process that uses a store until it is done or killed: `python worker.py FOLDER NAME ROUNDS`."""

import sys
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

import otabridge
from otabridge import Client, ConflictError
from tests.local.helpers import report


def one_round(cloud: Client, folder: Path, name: str, number: int) -> None:
    """Create, publish, report and delete; some of it of the same names and bytes as every other process."""
    own, shared = folder.parent / f"{name}.bin", folder.parent / "shared.bin"
    own.write_bytes(f"{name} {number}".encode() * 50_000)
    with suppress(ConflictError):
        cloud.modules.create(f"m{number}", product="p")
    kept = cloud.packages.publish(own, product="p", module="@default", version=f"{name}-{number}")
    dropped = cloud.packages.publish(shared, product="p", module="@default", version=f"shared-{name}-{number}")
    cloud.devices.report_versions(report(f"{name}-{row}", f"m{number}", "1") for row in range(100))
    cloud.packages.delete(dropped.id)
    if number % 2:
        cloud.packages.delete(kept.id)


def main() -> None:
    folder, name, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with otabridge.connect(f"local:{folder}") as cloud:
        for number in islice(count(), rounds):
            one_round(cloud, folder, name, number)
            print(number, flush=True)


if __name__ == "__main__":
    main()
