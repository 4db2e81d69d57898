"""Something to migrate, plans made without the planner, and what stands on a side."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import otabridge
from otabridge import Client, Module, Package
from otabridge.migrate.facts import facts_of, side_of
from otabridge.migrate.looking import fingerprint
from otabridge.migrate.model import File, Item, MigrationPlan, Side
from otabridge.migrate.planner import planned as survey
from otabridge.migrate.runner import Outcome, applied, begun
from otabridge.migrate.steps import Run

PRODUCT = "p1"


def payload(module: str, version: str) -> bytes:
    """The bytes of a package: unlike any other's."""
    return f"{module} {version} ".encode() * 50


def stocked(cloud: Client, folder: Path, *, modules: int = 2, packages: int = 2) -> None:
    """Modules `m0`, `m1`, ... with packages `1.0`, `1.1`, ... of one file each."""
    folder.mkdir(exist_ok=True)
    for number in range(modules):
        module = f"m{number}"
        cloud.modules.create(module, product=PRODUCT, alias=f"Alias-{number}", description=f"The module {number}")
        for minor in range(packages):
            published(cloud, folder, module, f"1.{minor}")


def published(cloud: Client, folder: Path, module: str, version: str, content: bytes | None = None) -> Package:
    """A package of one file."""
    file = folder / f"{module}-{version}.bin"
    file.write_bytes(payload(module, version) if content is None else content)
    return cloud.packages.publish(
        file, product=PRODUCT, module=module, version=version, description=f"What is new in {version}"
    )


def module_item(module: Module, **more: Any) -> Item:
    target: dict[str, str | None] = {"product": module.product, "name": module.name}
    target |= {"alias": module.alias, "description": module.description}
    return Item(
        **{
            "key": f"module {module.product}/{module.name}",
            "kind": "module",
            "action": "create",
            "source": {"product": module.product, "name": module.name},
            "target": target,
            "fingerprint": fingerprint(module),
            **more,
        }
    )


def package_item(package: Package, **more: Any) -> Item:
    names = ("product", "module", "version", "kind", "description", "custom_info")
    target = {name: getattr(package, name) for name in names}
    files = tuple(
        File(
            name=each.name,
            target=each.name if "." in each.name else f"{each.name}.bin",
            size=each.size,
            algorithm=each.checksum.algorithm if each.checksum else None,
            hex=each.checksum.hex if each.checksum else None,
        )
        for each in package.artifacts
    )
    return Item(
        **{
            "key": f"package {package.product}/{package.module}/{package.version}",
            "kind": "package",
            "action": "create",
            "source": {name: getattr(package, name) for name in ("product", "module", "version", "id")},
            "target": {**target, "source_versions": list(package.source_versions), "verify": False},
            "files": files,
            "fingerprint": fingerprint(package),
            **more,
        }
    )


def planned(source: Client, destination: Client, items: Iterable[Item] | None = None, **more: Any) -> MigrationPlan:
    """A plan of these items; by default all of the source, to be created."""
    if items is None:
        modules = [row for row in source.modules.list(product=PRODUCT) if not row.builtin]
        packages = [source.packages.get(row.id) for row in source.packages.list(product=PRODUCT)]
        items = [*map(module_item, modules), *map(package_item, packages)]
    return MigrationPlan(
        **{
            "source": Side(cloud=source.cloud, backend=source._backend.name),
            "destination": Side(cloud=destination.cloud, backend=destination._backend.name),
            "made_at": "2026-05-01T12:00:00+00:00",
            "otabridge": otabridge.__version__,
            "items": tuple(sorted(items, key=lambda item: item.key)),
            **more,
        }
    )


def apply(plan: MigrationPlan, path: Path, source: Client, destination: Client, **more: Any) -> Outcome:
    """Apply a plan, or go on with it."""
    with begun(path, plan) as journal:
        return Run(source, destination).run(applied(journal, **more))


def modules_of(cloud: Client) -> dict[str, tuple[str | None, str | None]]:
    """Name -> alias and description."""
    return {row.name: (row.alias, row.description) for row in cloud.modules.list(product=PRODUCT) if not row.builtin}


def packages_of(cloud: Client, folder: Path) -> dict[tuple[str, str], list[tuple[str | None, tuple[bytes, ...]]]]:
    """(Module, version) -> for each package of it, its description and its files' bytes."""
    found: dict[tuple[str, str], list[tuple[str | None, tuple[bytes, ...]]]] = {}
    for row in cloud.packages.list(product=PRODUCT):
        paths = cloud.packages.download(row.id, folder / row.id)
        told = (row.description, tuple(path.read_bytes() for path in paths))
        found.setdefault((row.module, row.version), []).append(told)
    return found


def faults_of(source: Client, destination: Client, folder: Path) -> dict[str, object]:
    """What is lost, duplicated or corrupted at the destination. Nothing of these is an empty table."""
    wanted, there = packages_of(source, folder / "source"), packages_of(destination, folder / "destination")
    told = {
        "lost modules": {*modules_of(source)} - {*modules_of(destination)},
        "corrupted modules": {
            name for name, texts in modules_of(source).items() if modules_of(destination).get(name, texts) != texts
        },
        "lost": {*wanted} - {*there},
        "duplicated": {key for key, found in there.items() if len(found) > 1},
        "corrupted": {key for key in {*wanted} & {*there} if not {*there[key]} <= {*wanted[key]}},
        "strange": {*there} - {*wanted},
    }
    return {name: found for name, found in told.items() if found}


def surveyed(source: Client, destination: Client) -> MigrationPlan:
    """The plan that the planner makes."""
    steps = survey(
        source=side_of(source),
        destination=side_of(destination),
        source_facts=facts_of(source),
        destination_facts=facts_of(destination),
    )
    return Run(source, destination).run(steps)
