"""The invented fleet: believable, legal on every cloud, the same at every run, and harmless to what is there."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from otabridge import Client, ConfigurationError, ModuleVersion, PackageDraft, connect
from otabridge.models import BUILTIN_MODULES
from otabridge.registry import Registry
from otabridge.serve.seed import demo
from tests.serve.toy import ask, toy


@pytest.fixture
def cloud() -> Any:
    with connect("memory:") as cloud:
        demo(cloud)
        yield cloud


def everything(cloud: Client) -> dict[str, list[Any]]:
    """What a store has, but for what it made up itself."""
    packages = [
        (row.product, row.module, row.version, row.source_versions, row.name, row.artifacts[0].checksum)
        for row in cloud.packages.list()
    ]
    modules = [(row.product, row.name, row.alias, row.description) for row in cloud.modules.list()]
    return {"packages": packages, "modules": modules, "versions": list(cloud.fleet.versions())}


def test_the_fleet_is_believable(cloud: Client) -> None:
    products = [product.id for product in cloud.products.list()]
    assert len(products) >= 3
    for product in products:
        modules = [row for row in cloud.modules.list(product=product) if not row.builtin]
        assert len(modules) >= 3
        assert all(row.alias and row.description for row in modules)
        released = defaultdict(list)
        packages = [cloud.packages.get(row.id) for row in cloud.packages.list(product=product)]
        for row in packages:
            released[row.module].append(row)
        assert all(2 <= len(released[row.name]) <= 3 for row in modules)
        assert any(row.source_versions for row in packages)
        assert len(list(cloud.devices.list(product=product))) >= 12
        newest = {name: rows[0].version for name, rows in released.items()}
        behind = Counter(row.version == newest[row.module] for row in cloud.fleet.versions(product=product))
        assert behind[True] > behind[False] > 0


def test_the_files_are_real(cloud: Client, tmp_path: Path) -> None:
    package = next(iter(cloud.packages.list()))
    (path,) = cloud.packages.download(package.id, tmp_path)
    assert path.stat().st_size == package.artifacts[0].size


@pytest.mark.parametrize("name", [name for name in Registry().facades() if name != "toy"])
def test_everything_is_legal_on_every_cloud(cloud: Client, name: str) -> None:
    limits = Registry().facade(name).limits
    for module in cloud.modules.list():
        if not module.builtin:
            limits.check_text("product.id", module.product)
            limits.check_text("module.name", module.name)
            limits.check_text("module.alias", module.alias)
            limits.check_text("module.description", module.description)
    for package in cloud.packages.list():
        draft = PackageDraft(
            product=package.product,
            module=package.module.strip("@"),
            version=package.version,
            source_versions=package.source_versions,
            name=package.name,
            description=package.description,
            artifacts=(),
        )
        limits.check_draft(draft)
        assert all(artifact.name.endswith(limits.artifact_suffixes or "") for artifact in package.artifacts)
    for row in cloud.fleet.versions():
        limits.check_text("device.name", row.device)
        limits.check_text("package.version", row.version)
    names = [package.name for package in cloud.packages.list()]
    assert len(set(names)) == len(names)


def test_every_run_makes_the_same(cloud: Client) -> None:
    with connect("memory:") as other:
        demo(other)
        assert everything(other) == everything(cloud)


def test_a_second_run_changes_nothing(cloud: Client) -> None:
    before = everything(cloud), [row.id for row in cloud.packages.list()]
    demo(cloud)
    assert (everything(cloud), [row.id for row in cloud.packages.list()]) == before


def test_a_second_run_leaves_what_was_changed_meanwhile(cloud: Client) -> None:
    device = next(iter(cloud.devices.list()))
    module = next(row for row in cloud.modules.list(product=device.product) if not row.builtin)
    cloud.modules.update(module.name, product=module.product, alias="Mine")
    cloud.devices.report(device.name, product=device.product, module=module.name, version="99")
    demo(cloud)
    assert cloud.modules.get(module.name, product=module.product).alias == "Mine"
    rows = {row.module: row.version for row in cloud.devices.versions(device.name, product=device.product)}
    assert rows[module.name] == "99"


def test_what_is_missing_is_filled_in(cloud: Client) -> None:
    package = next(iter(cloud.packages.list()))
    cloud.packages.delete(package.id)
    before = everything(cloud)["packages"]
    demo(cloud)
    assert len(everything(cloud)["packages"]) == len(before) + 1


def test_built_in_modules_have_versions_and_packages_too(cloud: Client) -> None:
    rows: list[ModuleVersion] = list(cloud.fleet.versions())
    assert {row.module for row in rows} & {*BUILTIN_MODULES}


def test_a_server_is_filled_before_it_answers() -> None:
    with toy(seed="demo") as server:
        assert ask(server).json()["total"] > 9


def test_a_store_that_is_another_cloud_is_not_filled() -> None:
    own = {"endpoint": "http://127.0.0.1:9", "access_key_id": "AK", "access_key_secret": "SK"}
    with pytest.raises(ConfigurationError, match="for a local store"), connect(backend="tuya", **own) as cloud:
        demo(cloud)
