"""Versions: what devices report, of one device and of a fleet."""

from collections.abc import Iterable

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import NotFoundError
from otabridge.models import BUILTIN_MODULES, ModuleVersion
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, covers


def plain(rows: Iterable[ModuleVersion]) -> dict[tuple[str, str], str]:
    """(device, module) -> version, of what is reported: a server may believe something else beside it."""
    return {(row.device, row.module): row.version for row in rows if row.source == "reported"}


class Versions(Suite):
    """A rollout is planned on these."""

    @covers(Op.LIST_MODULE_VERSIONS)
    def test_the_versions_of_a_device_are_those_that_it_reported(self, cloud: Cloud) -> None:
        unit, other = cloud.device(), cloud.device(1)
        reported = dict(zip([(unit, module) for module in cloud.modules[:2]], ("1.0", "2.0-rc.1"), strict=False))
        cloud.report(reported | {(other, cloud.modules[0]): "9.9"})
        rows = cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device=unit)
        assert plain(rows) == reported
        assert {row.product for row in rows} == {cloud.product}
        assert all(row.reported_at is None or row.reported_at.tzinfo for row in rows), "a time has no zone"

    @covers(Op.LIST_MODULE_VERSIONS)
    def test_a_newer_report_takes_the_place_of_the_older(self, cloud: Cloud) -> None:
        of = (cloud.device(), cloud.modules[0])
        cloud.report({of: "1.0"})
        assert plain(cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device=of[0]))
        cloud.clock.wait(1)
        cloud.report({of: "1.1"})
        cloud.settle()
        assert plain(cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device=of[0])) == {of: "1.1"}

    @covers(Op.LIST_MODULE_VERSIONS)
    def test_built_in_modules_have_their_core_names(self, cloud: Cloud) -> None:
        for module in cloud.backend.builtins:
            assert module in BUILTIN_MODULES
            cloud.report({(cloud.device(), module): "3.0"})
            rows = cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device=cloud.device())
            assert module in [row.module for row in rows]

    @covers(Op.LIST_MODULE_VERSIONS)
    def test_a_device_that_is_not_there_is_not_found(self, cloud: Cloud) -> None:
        cloud.begin()
        with pytest.raises(NotFoundError):
            cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device="nobody")

    @covers(Op.GET_DEVICE)
    def test_a_device_is_found_by_name_and_by_its_id(self, cloud: Cloud) -> None:
        of = unit, _ = cloud.device(), cloud.modules[0]
        cloud.report({of: "1.0"})
        found = cloud.do(Op.GET_DEVICE, product=cloud.product, device=unit)
        assert (found.product, found.name) == (cloud.product, unit)
        if found.id:
            again = cloud.do(Op.GET_DEVICE, device_id=found.id)
            assert (again.product, again.name, again.id) == (cloud.product, unit, found.id)
            assert plain(cloud.rows(Op.LIST_MODULE_VERSIONS, device_id=found.id)) == {of: "1.0"}
        with pytest.raises(NotFoundError):
            cloud.do(Op.GET_DEVICE, product=cloud.product, device="nobody")

    @covers(Op.LIST_MODULE_VERSIONS)
    def test_names_and_versions_that_are_hard_to_encode_come_back_as_they_are(self, cloud: Cloud) -> None:
        prefix = cloud.device()
        hard = (f"{prefix}:1@a.b_c-d", f"{prefix}-1.a_b", f"{prefix}_1-a", f"{prefix}_1")
        device = cloud.word("device.name", *hard)
        module = cloud.modules[0]
        if module not in cloud.backend.builtins:
            module = cloud.word("module.name", "m.1_b-c", "m_1-b", "m_1", "m1")
        version = cloud.word("package.version", "1.0+b~1/é", "1.0-b_1.c", "1.0-b_1", "1.0")
        cloud.report({(device, module): version})
        cloud.settle()
        rows = cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device=device)
        assert plain(rows) == {(device, module): version}
        if cloud.supports(Op.GET_DEVICE):
            assert cloud.do(Op.GET_DEVICE, product=cloud.product, device=device).name == device

    @covers(Op.LIST_FLEET_VERSIONS)
    def test_a_fleet_is_all_of_its_devices(self, cloud: Cloud) -> None:
        reported = {
            (cloud.device(number), module): f"{number}.0" for number in range(4) for module in cloud.modules[:2]
        }
        cloud.report(reported)
        cloud.settle()
        assert plain(cloud.rows(Op.LIST_FLEET_VERSIONS, product=cloud.product)) == reported

    @covers(Op.COUNT_FLEET_VERSIONS)
    def test_a_fleet_is_counted_by_module_and_version(self, cloud: Cloud) -> None:
        module, *more = cloud.modules[:2]
        reported = {(cloud.device(number), module): "1.0" if number < 3 else "2.0" for number in range(5)}
        cloud.report(reported | {(cloud.device(), name): "1.0" for name in more})
        cloud.settle()
        counts = [
            cloud.do(Op.COUNT_FLEET_VERSIONS, product=cloud.product, module=module, version=version)
            for version in ("1.0", "2.0", "3.0")
        ]
        assert counts == [3, 2, 0]

    @covers(Op.REPORT_MODULE_VERSIONS)
    def test_what_is_reported_in_bulk_is_all_taken_in(self, cloud: Cloud) -> None:
        rows = [
            ModuleVersion(
                product=cloud.product, device=cloud.device(number), module=cloud.modules[0], version=f"{number}.0"
            )
            for number in range(30)
        ]
        assert cloud.do(Op.REPORT_MODULE_VERSIONS, versions=iter(rows)) == 30
        cloud.settle()
        for row in rows:
            told = cloud.rows(Op.LIST_MODULE_VERSIONS, product=cloud.product, device=row.device)
            assert plain(told) == plain([row])

    @covers(Op.LIST_VERSION_HISTORY)
    def test_a_history_is_newest_first(self, cloud: Cloud) -> None:
        for version in ("1.0", "1.1", "1.2"):
            cloud.report({(cloud.device(), cloud.modules[0]): version})
            cloud.clock.wait(1)
        rows = cloud.rows(Op.LIST_VERSION_HISTORY, product=cloud.product, device=cloud.device(), limit=2)
        assert [row.version for row in rows] == ["1.2", "1.1", "1.0"]
