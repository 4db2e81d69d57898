"""Our own backends against the facades over real HTTP, in every way to sign, sync and async."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from otabridge import (
    Artifact,
    AuthenticationError,
    Checksum,
    ConflictError,
    ModuleVersion,
    NotFoundError,
    ObjectLocation,
    Package,
    QuotaExceededError,
    ValidationError,
)
from otabridge.serve import Server, running
from tests.support.mirror import WAYS, Reach, settings

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHA = "595124473f866b033dfa1f7e831c8c99a12f6143f392dfa996a819010842c99d"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("huawei", "tuya", "aliyun") as server:
        yield server


@pytest.fixture
def product() -> str:
    """A product that no other test has."""
    return f"a1Prod{next(_numbers):05}"


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=WAYS)
def cloud(request: pytest.FixtureRequest, server: Server, colour: str) -> Iterator[Reach]:
    reach = Reach(colour, **settings(server, request.param))
    yield reach
    reach.close()


def report(server: Server, product: str, devices: int, **versions: str) -> None:
    server.cloud.devices.report_versions(
        ModuleVersion(product=product, device=f"unit-{number:03}", module=module, version=version, reported_at=THEN)
        for number in range(devices)
        for module, version in versions.items()
    )


def package(server: Server, product: str, module: str, version: str) -> Package:
    """A package of an object, as it stands in the store."""
    lies = ObjectLocation(region="cn-north-4", bucket="abc", key=f"{module.strip('@')}/{version}.bin")
    artifact = Artifact(name=f"{version}.bin", size=10, checksum=Checksum(algorithm="sha256", hex=SHA), location=lies)
    return server.cloud.packages.create(product=product, module=module, version=version, artifacts=[artifact])


# --- modules ----------------------------------------------------------------------------------------------------------


def test_a_module_that_is_made_is_in_the_store_and_reads_the_same(cloud: Reach, server: Server, product: str) -> None:
    cloud.do(lambda c: c.modules.create("mcu", product=product, alias="主控_unit", description="50% off *~'()+é😀"))
    kept = server.cloud.modules.get("mcu", product=product)
    assert (kept.alias, kept.description) == ("主控_unit", "50% off *~'()+é😀")
    found = cloud.do(lambda c: c.modules.get("mcu", product=product))
    assert (found.product, found.name, found.alias, found.description, found.builtin) == (
        product,
        "mcu",
        kept.alias,
        kept.description,
        False,
    )
    assert found.created_at is not None
    assert kept.created_at is not None
    # The clouds write whole seconds or whole minutes.
    assert 0 <= (kept.created_at - found.created_at).total_seconds() < 60


def test_a_module_is_changed_in_part(cloud: Reach, server: Server, product: str) -> None:
    cloud.do(lambda c: c.modules.create("mcu", product=product, alias="A1", description="one"))
    cloud.do(lambda c: c.modules.update("mcu", product=product, description="two"))
    kept = server.cloud.modules.get("mcu", product=product)
    assert (kept.alias, kept.description) == ("A1", "two")


def test_a_deleted_module_is_gone(cloud: Reach, server: Server, product: str) -> None:
    cloud.do(lambda c: c.modules.create("mcu", product=product))
    cloud.do(lambda c: c.modules.delete("mcu", product=product))
    assert list(server.cloud.modules.list(product=product)) == []
    with pytest.raises(NotFoundError):
        cloud.do(lambda c: c.modules.delete("mcu", product=product))


def test_a_name_that_is_taken_is_a_conflict(cloud: Reach, product: str) -> None:
    cloud.do(lambda c: c.modules.create("mcu", product=product, alias="A1"))
    with pytest.raises(ConflictError):
        cloud.do(lambda c: c.modules.create("mcu", product=product, alias="A2"))


def test_an_eleventh_module_is_refused_as_the_cloud_refuses_it(cloud: Reach, server: Server, product: str) -> None:
    for number in range(10):
        server.cloud.modules.create(f"m{number}", product=product)
    with pytest.raises((QuotaExceededError, ConflictError)):
        cloud.do(lambda c: c.modules.create("m10", product=product))
    assert len(list(server.cloud.modules.list(product=product))) == 10


def test_a_module_with_packages_is_not_deleted(cloud: Reach, server: Server, product: str) -> None:
    server.cloud.modules.create("mcu", product=product)
    package(server, product, "mcu", "1.0")
    with pytest.raises(ConflictError):
        cloud.do(lambda c: c.modules.delete("mcu", product=product))


def test_a_builtin_module_is_in_no_cloud_s_list(cloud: Reach, server: Server, product: str) -> None:
    server.cloud.modules.create("mcu", product=product)
    for builtin in ("@default", "@firmware", "@software"):
        package(server, product, builtin, "1.0")
    assert [module.name for module in cloud.rows(lambda c: c.modules.list(product=product))] == ["mcu"]


def test_modules_of_all_products_are_listed(cloud: Reach, server: Server, product: str) -> None:
    server.cloud.modules.create("mcu", product=product)
    found = {(module.product, module.name) for module in cloud.rows(lambda c: c.modules.list())}
    assert (product, "mcu") in found
    assert found == {(row.product, row.name) for row in server.cloud.modules.list() if not row.builtin}


# --- packages ---------------------------------------------------------------------------------------------------------


def test_packages_of_every_module_are_listed(cloud: Reach, server: Server, product: str) -> None:
    server.cloud.modules.create("mcu", product=product)
    made = {package(server, product, module, version).id for module in ("mcu", "@default") for version in "123"}
    assert {row.id for row in cloud.rows(lambda c: c.packages.list(product=product))} == made
    assert {row.module for row in cloud.rows(lambda c: c.packages.list(product=product, module="mcu"))} == {"mcu"}
    (one,) = cloud.rows(lambda c: c.packages.list(product=product, module="mcu", version="2"))
    assert one.version == "2"


def test_a_package_reads_as_it_stands_in_the_store(cloud: Reach, server: Server, product: str) -> None:
    server.cloud.modules.create("mcu", product=product)
    made = package(server, product, "mcu", "1.0")
    found = cloud.do(lambda c: c.packages.get(made.id))
    assert (found.id, found.product, found.module, found.version) == (made.id, product, "mcu", "1.0")
    (artifact,) = found.artifacts
    assert artifact.checksum == made.artifacts[0].checksum


def test_a_deleted_package_is_gone(cloud: Reach, server: Server, product: str) -> None:
    server.cloud.modules.create("mcu", product=product)
    made = package(server, product, "mcu", "1.0")
    cloud.do(lambda c: c.packages.delete(made.id))
    for gone in (cloud, None):
        with pytest.raises(NotFoundError):
            (gone.do(lambda c: c.packages.get(made.id)) if gone else server.cloud.packages.get(made.id))


@pytest.mark.parametrize("page_size", [1, 7, None])
def test_a_long_list_is_read_to_its_end(cloud: Reach, server: Server, product: str, page_size: int | None) -> None:
    server.cloud.modules.create("mcu", product=product)
    made = {package(server, product, "mcu", f"1.{number}").id for number in range(23)}
    rows = cloud.rows(lambda c: c.packages.list(product=product, page_size=page_size))
    assert len(rows) == len(made)
    assert {row.id for row in rows} == made


# --- devices and versions ---------------------------------------------------------------------------------------------


def test_devices_and_their_versions_are_those_of_the_store(cloud: Reach, server: Server, product: str) -> None:
    report(server, product, 13, mcu="2.0", ble="1.1")
    devices = cloud.rows(lambda c: c.devices.list(product=product, page_size=5))
    assert {device.name for device in devices} == {f"unit-{number:03}" for number in range(13)}
    assert len({device.id for device in devices}) == 13
    rows = cloud.rows(lambda c: c.devices.versions("unit-007", product=product))
    assert {(row.device, row.module, row.version) for row in rows} == {
        ("unit-007", "mcu", "2.0"),
        ("unit-007", "ble", "1.1"),
    }


def test_a_device_is_found_by_the_id_that_the_cloud_gave_it(cloud: Reach, server: Server, product: str) -> None:
    report(server, product, 2, mcu="2.0")
    found = cloud.do(lambda c: c.devices.get("unit-001", product=product))
    assert found.id
    again = cloud.do(lambda c: c.devices.get(id=found.id))
    assert (again.product, again.name, again.id) == (product, "unit-001", found.id)
    rows = cloud.rows(lambda c: c.devices.versions(id=found.id))
    assert [(row.device, row.device_id, row.module) for row in rows] == [("unit-001", found.id, "mcu")]


def test_a_device_that_is_not_there_is_not_found(cloud: Reach, server: Server, product: str) -> None:
    report(server, product, 1, mcu="2.0")
    with pytest.raises(NotFoundError):
        cloud.do(lambda c: c.devices.get("nobody", product=product))
    with pytest.raises(NotFoundError):
        cloud.rows(lambda c: c.devices.versions("nobody", product=product))


def test_a_fleet_is_read_and_counted(cloud: Reach, server: Server, product: str) -> None:
    report(server, product, 7, mcu="2.0", ble="1.1")
    rows = cloud.rows(lambda c: c.fleet.versions(product=product))
    assert {(row.device, row.module, row.version) for row in rows} == {
        (f"unit-{number:03}", module, version)
        for number in range(7)
        for module, version in (("mcu", "2.0"), ("ble", "1.1"))
    }
    assert cloud.do(lambda c: c.fleet.count(product=product, module="mcu", version="2.0")) == 7


def test_the_whole_device_s_version_is_the_cloud_s_builtin_module(cloud: Reach, server: Server, product: str) -> None:
    report(server, product, 1, **{"@default": "9.1"})
    (row,) = cloud.rows(lambda c: c.devices.versions("unit-000", product=product))
    assert row.version == "9.1"
    assert row.module in ("@default", "@firmware")


def test_products_are_listed(cloud: Reach, server: Server, product: str) -> None:
    report(server, product, 1, mcu="2.0")
    assert product in {row.id for row in cloud.rows(lambda c: c.products.list())}


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [way for way in WAYS if "token" not in way])
def test_a_wrong_secret_is_told_as_such(server: Server, colour: str, way: str) -> None:
    wrong = {name: "wrong" for name in ("secret_key", "access_key_secret") if name in settings(server, way)}
    reach = Reach(colour, **(settings(server, way) | wrong))
    with pytest.raises(AuthenticationError):
        reach.rows(lambda c: c.products.list())
    reach.close()


@pytest.mark.parametrize("way", WAYS)
def test_limits_that_the_client_lets_pass_are_the_server_s_to_refuse(server: Server, colour: str, way: str) -> None:
    reach = Reach(colour, **settings(server, way, validate="off"))
    with pytest.raises(Exception, match=r".") as caught:
        reach.do(lambda c: c.modules.create("not a name!", product="a1Prod"))
    assert not isinstance(caught.value, ValidationError)
    assert getattr(caught.value, "status", None) in (200, 400)
    assert getattr(caught.value, "code", None)
    reach.close()
