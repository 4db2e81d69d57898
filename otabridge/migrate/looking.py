"""Looking at one module or package of either side: reading it, its fingerprint, and whether it is what it shall be."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from otabridge.capabilities import Capability
from otabridge.errors import NotFoundError
from otabridge.files import Digests
from otabridge.flow import Steps, or_none
from otabridge.limits import Limits
from otabridge.migrate.model import File, Item, canonical
from otabridge.migrate.steps import Where, ask
from otabridge.models import Artifact, Checksum, Module, Package

# What changes by itself, or is not the object's own.
_PASSING = {"raw", "location", "updated_at", "status"}
TEXTS = {"module": ("alias", "description"), "package": ("name", "description", "custom_info")}


def fingerprint(found: Module | Package) -> str:
    """The digest of everything that the source says of an object and that does not change by itself."""
    return sha256(canonical(_lasting(found))).hexdigest()


def _lasting(value: Any) -> Any:
    match value:
        case Module() | Package() | Artifact() | Checksum():
            return {
                each.name: _lasting(getattr(value, each.name)) for each in fields(value) if each.name not in _PASSING
            }
        case tuple():
            return [_lasting(each) for each in value]
        case datetime():
            return value.isoformat()
    return value


def shown_module(where: Where, product: str, name: str) -> Steps[Module]:
    """One module. NotFoundError if there is none."""

    def call(cloud: Any) -> Any:
        single = cloud.supports(Capability.GET_MODULE)
        return cloud.modules.get(name, product=product) if single else cloud.modules.list(product=product)

    found = yield from ask(where, call)
    for row in [found] if isinstance(found, Module) else found:
        if row.name == name:
            return row
    raise NotFoundError(f"product {product} has no module {name}")


def shown_package(where: Where, package: str) -> Steps[Package]:
    """One package. NotFoundError if there is none."""

    def call(cloud: Any) -> Any:
        return cloud.packages.get(package) if cloud.supports(Capability.GET_PACKAGE) else cloud.packages.list()

    found = yield from ask(where, call)
    for row in [found] if isinstance(found, Package) else found:
        if row.id == package:
            return row
    raise NotFoundError(f"there is no package {package}")


def found_packages(where: Where, product: str, module: str, version: str) -> Steps[list[Package]]:
    """The packages of one version, with their artifacts: one at most, where the cloud keeps versions unique."""
    rows = yield from ask(where, lambda cloud: cloud.packages.list(product=product, module=module, version=version))
    found = []
    for row in rows:
        if (row.product, row.module, row.version) == (product, module, version):
            found.append((yield from or_none(shown_package(where, row.id))))
    return [package for package in found if package]  # the others were deleted since they were listed


def differences(
    item: Item,
    found: Module | Package,
    limits: Limits,
    digests: Sequence[Digests] = (),
    *,
    untold: Collection[str] = (),
) -> tuple[str, ...]:
    """The fields in which what stands at the destination is not the item's target, as far as that can be told.

    A target of None demands nothing, and neither does a field that the destination does not keep, or never tells.
    """
    dropped = {change.field for change in item.fields if change.fate == "dropped"}
    dropped |= {name.partition(".")[2] for name in untold if name.startswith(item.kind)}
    absent = {name for name, text in limits.text.items() if text.absent}
    other = [
        name
        for name in TEXTS[item.kind]
        if item.target.get(name) and item.target[name] != getattr(found, name) and f"{item.kind}.{name}" not in absent
    ]
    if isinstance(found, Package):
        if found.kind != item.target.get("kind", "full"):
            other.append("kind")
        if {*found.source_versions} != {*item.target.get("source_versions", ())}:
            other.append("source_versions")
        if proof(item.files, found, digests) is False:
            other.append("artifacts")
    return tuple(name for name in other if name not in dropped)


def proof(files: Sequence[File], found: Package, digests: Sequence[Digests] = ()) -> bool | None:
    """Whether a package has these files, by their digests: None where the sizes agree and no digest can be compared."""
    if len(files) != len(found.artifacts):
        return False
    left = list(found.artifacts)
    told: list[bool] = []
    for position, file in enumerate(files):
        known = digests[position] if position < len(digests) else None
        verdicts = [_same(file, artifact, known) for artifact in left]
        best = next((index for wanted in (True, None) for index, each in enumerate(verdicts) if each is wanted), None)
        if best is None:
            return False
        told.append(verdicts[best] is True)
        del left[best]
    return True if all(told) else None


def _same(file: File, artifact: Artifact, known: Digests | None) -> bool | None:
    size = known.size if known else file.size
    if None not in (size, artifact.size) and size != artifact.size:
        return False
    promised = artifact.checksum
    if promised is None:
        return None
    if known:
        return known.checksum(promised.algorithm) == promised
    return file.hex == promised.hex if file.hex and file.algorithm == promised.algorithm else None
