"""Writes the README's capability matrix from the code and the cassettes; `--check` says whether it is up to date.

python docs/matrix.py [--check]
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from otabridge.capabilities import Capability, Level, Support
from otabridge.registry import Registry

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- matrix:begin -->", "<!-- matrix:end -->"
MARKS = {Level.NATIVE: "●", Level.EMULATED: "◐", Level.NOT_IMPLEMENTED: "○", Level.UNSUPPORTED: "–"}
MARKED = re.compile(r"@pytest\.mark\.official_sdk(\(.*?\))\n", re.DOTALL)
LEGEND = "● native · ◐ composed of other calls · ○ the cloud can, otabridge does not yet · – the cloud cannot"

EVIDENCE = """\
Evidence, weakest last. vendor-doc: exchanges that the vendor publishes, replayed. official-sdk: the vendor's own SDK
makes the call to our facade, and is content with the answer; Tuya publishes none. emulator: exchanges with our own
facades, replayed: an example of the wire, and no proof of it."""
# An operation -> the vendors' calls whose exchanges are evidence for it, without their capitals.
CALLS = {
    Capability.LIST_PRODUCTS: {"listproducts", "queryproductlist"},
    Capability.LIST_MODULES: {"listotamodules", "listotamodulebyproduct"},
    Capability.GET_MODULE: {"showotamodule"},
    Capability.CREATE_MODULE: {"createotamodule"},
    Capability.UPDATE_MODULE: {"updateotamodule"},
    Capability.DELETE_MODULE: {"deleteotamodule"},
    Capability.LIST_PACKAGES: {"listotapackageinfo", "listotafirmware"},
    Capability.GET_PACKAGE: {"showotapackage", "queryotafirmware"},
    Capability.CREATE_PACKAGE: {"createotapackage", "createotafirmware"},
    Capability.UPDATE_PACKAGE: {"modifyotafirmware"},
    Capability.DELETE_PACKAGE: {"deleteotapackage", "deleteotafirmware"},
    Capability.LIST_DEVICES: {"listdevices", "querydevice"},
    Capability.GET_DEVICE: {"showdevice", "querydevicedetail"},
    Capability.LIST_MODULE_VERSIONS: {"showdevice", "listotamoduleversionsbydevice"},
    Capability.LIST_FLEET_VERSIONS: {"searchdevices", "querydevicebysql"},
}
SIGNING_IN = {"keystonecreateusertokenbypassword"}


def backends() -> Iterator[str]:
    """The backends of this repository, core's own first; that of the tutorial is of no cloud."""
    plugins = sorted(ROOT.glob("plugins/*/pyproject.toml"))
    for file in (ROOT / "pyproject.toml", *(file for file in plugins if file.parent.name != "otabridge-example")):
        yield from tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"]["otabridge"]


def replayed(provenance: str) -> Iterator[tuple[str, str]]:
    """Backend and call of each cassette of a provenance."""
    for path in ROOT.glob("cassettes/*/*/*.yaml"):
        if f"\n  provenance: {provenance}\n" in path.read_text("utf-8"):
            yield path.parts[-3], path.parts[-2]


def driven() -> Iterator[tuple[str, str]]:
    """Backend and call of what the markers of tests say that SDKs do."""
    for path in ROOT.glob("plugins/*/tests/test_facade_*.py"):
        for arguments in MARKED.findall(path.read_text("utf-8")):
            backend, *calls = ast.literal_eval(arguments)
            yield from ((backend, call) for call in calls)


def told(found: Counter[tuple[str, str]], operation: Capability, names: list[str], *, number: bool) -> str:
    """The backends with evidence for an operation, each with the number of its exchanges if that says something."""
    calls = CALLS.get(operation, set())
    sums = {name: sum(found[name, call] for call in calls) for name in names}
    return ", ".join(f"{name} {count}" if number else name for name, count in sums.items() if count)


def matrix() -> str:
    """The table, with what stands around it."""
    names = list(backends())
    registry = Registry(names)
    tables = [registry.backend(name).capabilities for name in names]
    documented, emulated, by_sdk = (
        Counter((backend, call.lower()) for backend, call in found)
        for found in (replayed("vendor-doc"), replayed("emulator"), driven())
    )
    heads = ["operation", *names, "vendor-doc", "official-sdk", "emulator"]
    lines = [LEGEND, "", EVIDENCE, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for operation in Capability:
        cells = [MARKS[table.get(operation, Support(Level.UNSUPPORTED)).level] for table in tables]
        cells.append(told(documented, operation, names, number=True))
        cells.append(told(by_sdk, operation, names, number=False))
        cells.append(told(emulated, operation, names, number=True))
        lines.append(f"| {' | '.join([f'`{operation}`', *cells])} |")
    return "\n".join(lines)


def renewed(text: str) -> str:
    """The README with today's matrix between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{README.name} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{matrix()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write the matrix, or only look: exit code 1 if it is stale."""
    text = README.read_text("utf-8")
    new = renewed(text)
    if "--check" not in arguments:
        README.write_text(new, "utf-8")
    elif new != text:
        print("the README's matrix is stale: run `python docs/matrix.py`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
