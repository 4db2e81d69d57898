"""Writes the README's capability matrix from the code, the cassettes and a report of the conformance kit.

python docs/matrix.py [--check] [--kit REPORT]...

`--check` only says whether it is up to date. `--kit` takes what `pytest --otabridge-report=REPORT` has written, and
keeps in docs/kit.json what was proven.
"""

import ast
import json
import re
import sys
import tomllib
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from otabridge.capabilities import Capability, Level, Support
from otabridge.registry import Registry

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
KIT = ROOT / "docs" / "kit.json"
BEGIN, END = "<!-- matrix:begin -->", "<!-- matrix:end -->"
MARKS = {Level.NATIVE: "●", Level.EMULATED: "◐", Level.NOT_IMPLEMENTED: "○", Level.UNSUPPORTED: "–"}
MARKED = re.compile(r"@pytest\.mark\.official_sdk(\(.*?\))\n", re.DOTALL)
LEGEND = "● native · ◐ composed of other calls · ○ the cloud can, otabridge does not yet · – the cloud cannot"

EVIDENCE = """\
Evidence, weakest last. vendor-doc: exchanges that the vendor publishes, replayed. official-sdk: the vendor's own SDK
makes the call to our facade, and is content with the answer; Tuya publishes none. real-server: exchanges recorded from
a server that the tests start, replayed. emulator: exchanges with our own facades, replayed: an example of the wire, and
no proof of it. kit: the conformance kit's tests of the operation pass over the backend's own facade, over the store
itself, or on a real server."""
# An operation -> the vendors' calls whose exchanges are evidence for it, without their capitals.
CALLS = {
    Capability.LIST_PRODUCTS: {"listproducts", "queryproductlist"},
    Capability.LIST_MODULES: {"listotamodules", "listotamodulebyproduct", "gettypes"},
    Capability.GET_MODULE: {"showotamodule", "gettype"},
    Capability.CREATE_MODULE: {"createotamodule", "createtypes"},
    Capability.UPDATE_MODULE: {"updateotamodule", "updatetype"},
    Capability.DELETE_MODULE: {"deleteotamodule", "deletetype"},
    Capability.LIST_PACKAGES: {"listotapackageinfo", "listotafirmware", "getsoftwaremodules"},
    Capability.GET_PACKAGE: {"showotapackage", "queryotafirmware", "getsoftwaremodule"},
    Capability.CREATE_PACKAGE: {"createotapackage", "createotafirmware", "createsoftwaremodules", "uploadartifact"},
    Capability.UPDATE_PACKAGE: {"modifyotafirmware", "updatesoftwaremodule"},
    Capability.DELETE_PACKAGE: {"deleteotapackage", "deleteotafirmware", "deletesoftwaremodule"},
    Capability.STAGE_ARTIFACT: {"generateotauploadurl", "postobject", "putobject"},
    # The address of a file is what the first of them tells.
    Capability.OPEN_ARTIFACT: {"queryotafirmware", "getobject", "downloadartifact"},
    Capability.LIST_DEVICES: {"listdevices", "querydevice", "gettargets"},
    Capability.GET_DEVICE: {"showdevice", "querydevicedetail", "gettarget"},
    Capability.LIST_MODULE_VERSIONS: {"showdevice", "listotamoduleversionsbydevice", "getattributes"},
    Capability.LIST_FLEET_VERSIONS: {"searchdevices", "querydevicebysql", "getinstalleddistributionset"},
    Capability.COUNT_FLEET_VERSIONS: {"gettargets"},
}
TARGETS = {"facade": "", "live": " (real server)"}  # of the kit -> how its column tells them
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


def proven(reports: Iterable[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Target -> backend -> the operations whose tests have passed, none of them failing."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for told in (report["backends"] for report in reports):
        for name in filter(told.__contains__, backends()):
            counts = told[name]["operations"].items()
            passed = sorted(each for each, count in counts if count.get("passed") and not count.get("failed"))
            if passed:  # without a facade, a run on facades proves nothing
                found[told[name]["target"]][name] = passed
    return found


def kept(found: dict[str, dict[str, list[str]]]) -> str:
    """What docs/kit.json shall hold; targets that were not run stay as they are."""
    known = json.loads(KIT.read_text("utf-8"))
    return json.dumps(known | found, indent=2, sort_keys=True) + "\n"


def matrix() -> str:
    """The table, with what stands around it."""
    names = list(backends())
    registry = Registry(names)
    tables = [registry.backend(name).capabilities for name in names]
    documented, by_sdk, served, emulated = (
        Counter((backend, call.lower()) for backend, call in found)
        for found in (replayed("vendor-doc"), driven(), replayed("real-server"), replayed("emulator"))
    )
    kit = json.loads(KIT.read_text("utf-8"))
    heads = ["operation", *names, "vendor-doc", "official-sdk", "real-server", "emulator", "kit"]
    lines = [LEGEND, "", EVIDENCE, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for operation in Capability:
        cells = [MARKS[table.get(operation, Support(Level.UNSUPPORTED)).level] for table in tables]
        cells.append(told(documented, operation, names, number=True))
        cells.append(told(by_sdk, operation, names, number=False))
        cells.append(told(served, operation, names, number=True))
        cells.append(told(emulated, operation, names, number=True))
        tried = [(name, target, suffix) for name in names for target, suffix in TARGETS.items()]
        passed = (f"{name}{suffix}" for name, target, suffix in tried if operation in kit.get(target, {}).get(name, ()))
        cells.append(", ".join(passed))
        lines.append(f"| {' | '.join([f'`{operation}`', *cells])} |")
    return "\n".join(lines)


def renewed(text: str) -> str:
    """The README with today's matrix between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{README.name} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{matrix()}\n{END}{after}"


def main() -> int:
    """Write the matrix, or only look: exit code 1 if something is stale."""
    options = ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true")
    options.add_argument("--kit", action="append", default=[], type=Path, metavar="REPORT")
    given = options.parse_args()
    stale = []
    kit = kept(proven(json.loads(path.read_text("utf-8")) for path in given.kit))
    for path, make in ((KIT, lambda _: kit), (README, renewed)):
        text = path.read_text("utf-8")
        new = make(text)
        if given.check and new != text:
            stale.append(path.name)
        elif not given.check:
            path.write_text(new, "utf-8")
    if stale:
        print(f"{' and '.join(stale)}: stale, run `python docs/matrix.py`", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
