"""Mapping: what is told is what is there, and what is made is what was asked for."""

from datetime import timedelta
from typing import Any

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import NotFoundError
from otabridge.models import Artifact, Checksum, Module, UrlLocation
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, covers, looks_behind

MINUTE = timedelta(minutes=1)  # some clouds tell no seconds


def custom(rows: list[Module]) -> list[Module]:
    """Less the built-in ones."""
    return [row for row in rows if not row.builtin]


class Mapping(Suite):
    """Neither a field nor a letter may be lost on the way."""

    @covers(Op.CREATE_MODULE, Op.LIST_MODULES)
    def test_a_module_is_made_as_asked(self, cloud: Cloud) -> None:
        alias, words = cloud.text("module.alias"), cloud.text("module.description")
        made = cloud.do(Op.CREATE_MODULE, product=cloud.product, name="unit_0", alias=alias, description=words)
        cloud.settle()
        assert cloud.store
        (stored,) = [row for row in cloud.store.modules.list(product=cloud.product) if not row.builtin]
        (told,) = custom(cloud.rows(Op.LIST_MODULES, product=cloud.product))
        for row in (made, stored, told):
            assert (row.product, row.name, row.alias, row.description) == (cloud.product, "unit_0", alias, words)

    @looks_behind
    @covers(Op.LIST_MODULES)
    def test_a_module_is_told_as_it_is(self, cloud: Cloud) -> None:
        assert cloud.store
        alias, words = cloud.text("module.alias"), cloud.text("module.description")
        cloud.store.modules.create("unit_0", product=cloud.product, alias=alias, description=words)
        cloud.store.modules.create("unit_1", product=cloud.product, alias=cloud.text("module.alias", "abcd", "Abcd"))
        told = {row.name: row for row in custom(cloud.rows(Op.LIST_MODULES, product=cloud.product))}
        for row in cloud.store.modules.list(product=cloud.product):
            if row.builtin:
                continue
            found = told[row.name]
            assert (found.product, found.alias, found.description) == (row.product, row.alias, row.description)
            assert found.created_at is None or found.created_at.tzinfo, "a time has no zone: times are aware"
            if found.created_at and row.created_at:
                assert abs(found.created_at - row.created_at) < MINUTE, "a time is told in another zone"

    @covers(Op.GET_MODULE, Op.CREATE_MODULE)
    def test_a_module_is_found_by_name_and_by_its_id(self, cloud: Cloud) -> None:
        made = cloud.do(Op.CREATE_MODULE, product=cloud.product, name="unit_0", alias=cloud.text("module.alias"))
        cloud.settle()
        found = cloud.do(Op.GET_MODULE, product=cloud.product, name="unit_0")
        assert (found.name, found.alias) == (made.name, made.alias)
        if found.id:
            assert cloud.do(Op.GET_MODULE, module_id=found.id).name == "unit_0"

    @covers(Op.UPDATE_MODULE, Op.CREATE_MODULE)
    def test_what_an_update_leaves_out_stays(self, cloud: Cloud) -> None:
        alias, words = cloud.text("module.alias"), cloud.text("module.description")
        other = cloud.text("module.alias", "Other_name", "other")
        cloud.do(Op.CREATE_MODULE, product=cloud.product, name="unit_0", alias=alias, description=words)
        cloud.settle()
        told = cloud.do(Op.UPDATE_MODULE, product=cloud.product, name="unit_0", alias=other)
        cloud.settle()
        (row,) = custom(cloud.rows(Op.LIST_MODULES, product=cloud.product))
        assert (row.alias, row.description) == (other, words)
        assert (told.name, told.alias) == ("unit_0", other)

    @covers(Op.DELETE_MODULE, Op.CREATE_MODULE)
    def test_a_module_that_is_deleted_is_gone(self, cloud: Cloud) -> None:
        for name in ("unit_0", "unit_1"):
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=cloud.text("module.alias", "abcd"))
        cloud.settle()
        assert cloud.do(Op.DELETE_MODULE, product=cloud.product, name="unit_0") is None
        cloud.settle()
        assert [row.name for row in custom(cloud.rows(Op.LIST_MODULES, product=cloud.product))] == ["unit_1"]

    @looks_behind
    @covers(Op.LIST_PACKAGES)
    def test_a_package_is_told_as_it_is(self, cloud: Cloud) -> None:
        assert cloud.store
        cloud.store.modules.create("unit_0", product=cloud.product)
        texts: dict[str, Any] = {name: cloud.text(f"package.{name}") for name in ("description", "custom_info")}
        digest = Checksum(algorithm="sha256", hex="5a" * 32)
        file = Artifact(name="a.bin", size=7, checksum=digest, location=UrlLocation(url="https://files.test/a.bin"))
        made = cloud.ground.package(cloud.product, "1.0", source_versions=["0.9"], artifacts=[file], **texts)
        (row,) = cloud.rows(Op.LIST_PACKAGES, product=cloud.product)
        rows = [row]
        if cloud.supports(Op.GET_PACKAGE):
            rows.append(cloud.do(Op.GET_PACKAGE, package_id=row.id))
        for told in rows:
            assert (told.product, told.module, told.version) == (cloud.product, "unit_0", "1.0")
            assert told.source_versions == ("0.9",)
            assert told.id, "a package has an id"
            assert told.description in (None, made.description)
            if told.created_at and made.created_at:
                assert told.created_at.tzinfo, "a time has no zone: times are aware"
                assert abs(told.created_at - made.created_at) < MINUTE, "a time is told in another zone"

    @covers(Op.DELETE_PACKAGE, Op.LIST_PACKAGES)
    @looks_behind
    def test_a_package_that_is_deleted_is_gone(self, cloud: Cloud) -> None:
        assert cloud.store
        cloud.store.modules.create("unit_0", product=cloud.product)
        for version in ("1.0", "2.0"):
            cloud.ground.package(cloud.product, version)
        rows = cloud.rows(Op.LIST_PACKAGES, product=cloud.product)
        (gone,) = [row for row in rows if row.version == "1.0"]
        assert cloud.do(Op.DELETE_PACKAGE, package_id=gone.id) is None
        cloud.settle()
        assert [row.version for row in cloud.rows(Op.LIST_PACKAGES, product=cloud.product)] == ["2.0"]
        if cloud.supports(Op.GET_PACKAGE):
            with pytest.raises(NotFoundError):
                cloud.do(Op.GET_PACKAGE, package_id=gone.id)

    @covers(Op.LIST_PRODUCTS)
    def test_a_product_that_devices_are_of_is_listed(self, cloud: Cloud) -> None:
        cloud.ground.report(cloud.product, {("unit", "unit_0"): "1.0"})
        cloud.settle()
        assert cloud.product in [row.id for row in cloud.rows(Op.LIST_PRODUCTS, limit=2)]
