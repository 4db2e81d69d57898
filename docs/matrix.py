"""Writes the README's capability matrix from the code and the cassettes; `--check` says whether it is up to date.

python docs/matrix.py [--check]
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from otabridge.capabilities import Capability, Level, Support
from otabridge.registry import Registry

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- matrix:begin -->", "<!-- matrix:end -->"
MARKS = {Level.NATIVE: "●", Level.EMULATED: "◐", Level.NOT_IMPLEMENTED: "○", Level.UNSUPPORTED: "–"}
LEGEND = "● native · ◐ composed of other calls · ○ the cloud can, otabridge does not yet · – the cloud cannot"

# An operation -> the vendors' calls whose documented exchanges are evidence for it, without their capitals.
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
    """The backends of this repository, core's own first."""
    for file in (ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))):
        yield from tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"]["otabridge"]


def evidence(operation: Capability, names: list[str]) -> str:
    """The backends with a documented exchange of an operation, each with their number."""
    calls = CALLS.get(operation, set())
    found = {
        name: sum(
            len(list(folder.glob("*.yaml")))
            for folder in (ROOT / "cassettes" / name).glob("*")
            if folder.name.lower() in calls
        )
        for name in names
    }
    return ", ".join(f"{name} {count}" for name, count in found.items() if count)


def matrix() -> str:
    """The table, with what stands around it."""
    names = list(backends())
    registry = Registry(names)
    tables = [registry.backend(name).capabilities for name in names]
    lines = [LEGEND, "", f"| operation | {' | '.join(names)} | documented exchanges replayed |"]
    lines.append(f"|---|{'---|' * len(names)}---|")
    for operation in Capability:
        marks = [MARKS[table.get(operation, Support(Level.UNSUPPORTED)).level] for table in tables]
        lines.append(f"| `{operation}` | {' | '.join(marks)} | {evidence(operation, names)} |")
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
