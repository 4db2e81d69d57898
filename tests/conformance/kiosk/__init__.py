"""A cloud of which our own have nothing: built-in modules alone, files inside packages, one error code for all."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[3]


def install(folder: Path) -> dict[str, str]:
    """The environment of a process that finds the kiosk installed, by what is written into `folder`."""
    info = folder / "otabridge_kiosk-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: otabridge-kiosk\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[otabridge]\nkiosk = tests.conformance.kiosk.hooks\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT)))}
