"""Typical uses of the public API, for mypy alone: what each call's type is, and what the types forbid.

A line that must not type-check carries an ignore with its code: mypy reports the ignore as unused once it does.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import assert_type

from otabridge import (
    AsyncClient,
    AsyncPager,
    Capability,
    Client,
    Device,
    Module,
    ModuleVersion,
    ObjectLocation,
    OtaBridgeError,
    Package,
    Page,
    Pager,
    Product,
    RateLimitError,
    Support,
    UrlLocation,
    ValidationError,
    aconnect,
    connect,
    migrate,
)
from otabridge.limits import Limits
from otabridge.models import Artifact, Checksum, FileLocation, LocalLocation


def connecting(folder: Path) -> None:
    """Names, paths, settings in code; a client is its own context manager."""
    assert_type(connect("prod"), Client)
    assert_type(connect("prod", config=folder / "otabridge.toml", timeout=5.0), Client)
    assert_type(connect(backend="acme", endpoint="https://cloud.example", key="k"), Client)
    assert_type(aconnect("memory:"), AsyncClient)
    with connect("memory:") as cloud:
        assert_type(cloud, Client)
        assert_type(cloud.cloud, str)
        assert_type(cloud.limits, Limits)
        assert_type(cloud.capabilities, Mapping[Capability, Support])
        assert_type(cloud.supports(Capability.LIST_MODULES), bool)
    connect(cloud="prod", config=3)  # type: ignore[arg-type]


def listing(cloud: Client) -> None:
    """A pager is iterated for rows, asked for pages, or for one page."""
    assert_type(cloud.products.list(), Pager[Product])
    assert_type(cloud.modules.list(product="p"), Pager[Module])
    assert_type(cloud.packages.list(product="p", module="m", version="1"), Pager[Package])
    assert_type(cloud.devices.list(page_size=50, cursor=None), Pager[Device])
    assert_type(cloud.devices.versions("d", product="p"), Pager[ModuleVersion])
    assert_type(cloud.devices.history("d", product="p", module="m"), Pager[ModuleVersion])
    assert_type(cloud.fleet.versions(product="p"), Pager[ModuleVersion])
    assert_type(cloud.fleet.count(module="m", version="1"), int)
    modules = cloud.modules.list(product="p")
    assert_type(modules.first_page(), Page[Module])
    assert_type(modules.pages(), Iterator[Page[Module]])
    assert_type([module for module in modules], list[Module])  # noqa: C416  # the iteration is the point
    page = modules.first_page()
    assert_type(page.items, tuple[Module, ...])
    assert_type(page.cursor, str | None)
    assert_type(page.total, int | None)
    cloud.modules.list("p")  # type: ignore[call-arg]


def changing(cloud: Client, file: Path) -> None:
    """Writes return what was made; deletes and single reports return nothing."""
    assert_type(cloud.modules.get("mcu", product="p"), Module)
    assert_type(cloud.modules.get(id="1"), Module)
    assert_type(cloud.modules.create("mcu", product="p", alias="Main", description="..."), Module)
    assert_type(cloud.modules.update("mcu", product="p", alias="Main"), Module)
    cloud.modules.delete("mcu", product="p", missing_ok=True)
    package = cloud.packages.publish(file, product="p", module="mcu", version="2.1", source_versions=["1.9"])
    assert_type(package, Package)
    assert_type(cloud.packages.publish("app.bin", product="p", module="m", version="1", kind="delta"), Package)
    assert_type(cloud.packages.get(package.id), Package)
    assert_type(cloud.packages.download(package.id, file.parent), tuple[Path, ...])
    assert_type(cloud.packages.update(package.id, name="App", description="", custom_info="{}"), Package)
    cloud.packages.delete(package.id, missing_ok=True)
    digest = Checksum(algorithm="sha256", hex="00")
    located = ObjectLocation(region="r", bucket="b", key="k")
    artifact = Artifact(name="app.bin", size=1, checksum=digest, location=located)
    made = cloud.packages.create(product="p", module="m", version="1", artifacts=[artifact], verify=True)
    assert_type(made, Package)
    assert_type(cloud.devices.get("d", product="p"), Device)
    cloud.devices.report("d", product="p", module="m", version="1")
    rows = (ModuleVersion(product="p", device=str(n), module="m", version="1") for n in range(3))
    assert_type(cloud.devices.report_versions(rows), int)
    cloud.modules.create("mcu")  # type: ignore[call-arg]
    cloud.packages.update(package.id, version="2.2")  # type: ignore[call-arg]
    cloud.packages.publish(file, product="p", module="m", version="1", kind="half")  # type: ignore[arg-type]
    Checksum(algorithm="crc32", hex="00")  # type: ignore[arg-type]


def rows(module: Module, package: Package, version: ModuleVersion) -> None:
    """Rows are frozen, and say which of their fields may be absent."""
    assert_type(module.alias, str | None)
    assert_type(module.created_at, datetime | None)
    assert_type(package.source_versions, tuple[str, ...])
    assert_type(package.artifacts[0].location, UrlLocation | ObjectLocation | LocalLocation | FileLocation | None)
    assert_type(version.reported_at, datetime | None)
    module.name = "other"  # type: ignore[misc]
    Module("p", "mcu")  # type: ignore[call-arg]


def failing(cloud: Client) -> float | None:
    """Errors carry typed facts."""
    try:
        cloud.modules.get(id="1")
    except RateLimitError as error:
        assert_type(error.code, str | None)
        return error.retry_after
    except ValidationError as error:
        assert_type(error.field, str)
    except OtaBridgeError as error:
        assert_type(error, OtaBridgeError)
    return None


def migrating(cloud: Client, other: AsyncClient) -> None:
    """Plans, outcomes and findings are values; each colour wants its own clients."""
    plan = migrate.plan(cloud, "local:backup", products=["p"], accept=["package.name.absent"])
    assert_type(plan, migrate.MigrationPlan)
    assert_type(plan.items[0].fields[0].rule, str)
    done = migrate.apply(plan, journal="j", choices=migrate.Choices(max_creates=1))
    assert_type(done, migrate.Outcome)
    assert_type(migrate.resume("j"), migrate.Outcome)
    found = migrate.verify("j", cloud, level="bytes")
    assert_type(found, migrate.Verification)
    assert_type(found.code, migrate.Code)
    assert_type(migrate.undo("j"), migrate.Undone)
    assert_type(migrate.reported(plan, "html"), str)
    migrate.plan(cloud, other)  # type: ignore[arg-type]
    migrate.verify("j", level="all")  # type: ignore[arg-type]
    migrate.apply(plan)  # type: ignore[call-arg]


async def awaiting() -> None:
    """The async client, in the same words."""
    async with aconnect("prod") as cloud:
        assert_type(cloud, AsyncClient)
        assert_type(cloud.modules.list(product="p"), AsyncPager[Module])
        assert_type([module async for module in cloud.modules.list(product="p")], list[Module])
        assert_type(await cloud.modules.list(product="p").first_page(), Page[Module])
        assert_type(await cloud.modules.create("mcu", product="p"), Module)
        assert_type(await cloud.packages.publish("a.bin", product="p", module="m", version="1"), Package)
        assert_type(await cloud.packages.download("1", "out"), tuple[Path, ...])
        assert_type(await cloud.packages.update("1", name="App"), Package)
        assert_type(await cloud.fleet.count(product="p"), int)
        assert_type(await migrate.aplan(cloud, "prod"), migrate.MigrationPlan)
        assert_type(await migrate.aapply("plan.json", journal="j"), migrate.Outcome)
        assert_type(await migrate.averify("j", cloud), migrate.Verification)
        for _ in cloud.modules.list(product="p"):  # type: ignore[attr-defined]
            pass
    await aconnect("prod").aclose()
