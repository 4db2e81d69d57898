"""Mapping: what is told is what is there, and what is made is what was asked for."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import NotFoundError
from otabridge.models import Artifact, Checksum, UrlLocation
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, covers

MINUTE = timedelta(minutes=1)  # some clouds tell no seconds


class Mapping(Suite):
    """Neither a field nor a letter may be lost on the way."""

    @covers(Op.CREATE_MODULE, Op.LIST_MODULES)
    def test_a_module_is_made_as_asked(self, cloud: Cloud) -> None:
        (name,) = cloud.some_modules(1)
        alias, words = cloud.text("module.alias"), cloud.text("module.description")
        made = cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=alias, description=words)
        cloud.settle()
        assert cloud.store
        (stored,) = cloud.ours(cloud.store.modules.list(product=cloud.product))
        (told,) = cloud.ours(cloud.rows(Op.LIST_MODULES, product=cloud.product))
        for row in (made, stored, told):
            assert (row.product, row.name, row.alias, row.description) == (cloud.product, name, alias, words)

    @covers(Op.LIST_MODULES)
    def test_a_module_is_told_as_it_is(self, cloud: Cloud) -> None:
        assert cloud.store
        cloud.begin()
        first, *more = cloud.modules[:2]
        if first not in cloud.backend.builtins:
            alias, words = cloud.text("module.alias"), cloud.text("module.description")
            cloud.store.modules.create(first, product=cloud.product, alias=alias, description=words)
            alias = cloud.text("module.alias", "abcd", "Abcd")
            for name in more:
                cloud.store.modules.create(name, product=cloud.product, alias=alias)
        told = {row.name: row for row in cloud.ours(cloud.rows(Op.LIST_MODULES, product=cloud.product))}
        assert sorted(told) == sorted((first, *more) if first not in cloud.backend.builtins else cloud.modules)
        assert all(row.builtin == (name in cloud.backend.builtins) for name, row in told.items())
        for row in cloud.store.modules.list(product=cloud.product):
            if row.name not in told:
                continue
            found = told[row.name]
            assert (found.product, found.alias, found.description) == (row.product, row.alias, row.description)
            same_time(found.created_at, row.created_at)

    @covers(Op.GET_MODULE, Op.CREATE_MODULE)
    def test_a_module_is_found_by_name_and_by_its_id(self, cloud: Cloud) -> None:
        (name,) = cloud.some_modules(1)
        made = cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=cloud.text("module.alias"))
        cloud.settle()
        found = cloud.do(Op.GET_MODULE, product=cloud.product, name=name)
        assert (found.name, found.alias) == (made.name, made.alias)
        if found.id:
            assert cloud.do(Op.GET_MODULE, module_id=found.id).name == name

    @covers(Op.GET_MODULE)
    def test_a_built_in_module_that_is_listed_is_found(self, cloud: Cloud) -> None:
        cloud.begin()
        for row in cloud.rows(Op.LIST_MODULES, product=cloud.product):
            if row.builtin:
                found = cloud.do(Op.GET_MODULE, product=cloud.product, name=row.name)
                assert (found.product, found.name, found.builtin) == (cloud.product, row.name, True)

    @covers(Op.UPDATE_MODULE, Op.CREATE_MODULE)
    def test_what_an_update_leaves_out_stays(self, cloud: Cloud) -> None:
        (name,) = cloud.some_modules(1)
        texts = {field: cloud.text(f"module.{field}") for field in ("alias", "description")}
        there = [field for field, text in texts.items() if text]
        if not there:
            pytest.skip("a module of this cloud has nothing that could be changed")
        other = {there[0]: cloud.text(f"module.{there[0]}", "Other_name", "other")}
        cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, **texts)
        cloud.settle()
        told = cloud.do(Op.UPDATE_MODULE, product=cloud.product, name=name, **other)
        cloud.settle()
        (row,) = cloud.ours(cloud.rows(Op.LIST_MODULES, product=cloud.product))
        assert {field: getattr(row, field) for field in texts} == texts | other
        assert (told.name, {field: getattr(told, field) for field in other}) == (name, other)

    @covers(Op.DELETE_MODULE, Op.CREATE_MODULE)
    def test_a_module_that_is_deleted_is_gone(self, cloud: Cloud) -> None:
        gone, kept = cloud.some_modules(2)
        for name in (gone, kept):
            alias = cloud.text("module.alias", name, "abcd", "Abcd")
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=alias)
        cloud.settle()
        assert cloud.do(Op.DELETE_MODULE, product=cloud.product, name=gone) is None
        cloud.settle()
        assert [row.name for row in cloud.ours(cloud.rows(Op.LIST_MODULES, product=cloud.product))] == [kept]

    @covers(Op.LIST_PACKAGES)
    def test_a_package_is_told_as_it_is(self, cloud: Cloud) -> None:
        (module,) = cloud.lay()
        texts: dict[str, Any] = {name: cloud.text(f"package.{name}") for name in ("description", "custom_info")}
        digest = Checksum(algorithm="sha256", hex="5a" * 32)
        file = Artifact(name="a.bin", size=7, checksum=digest, location=UrlLocation(url="https://files.test/a.bin"))
        sources = ("0.9",) if cloud.backend.limits.source_versions != 0 else ()
        made = cloud.package("1.0", source_versions=sources, artifacts=[file], **texts)
        (row,) = cloud.rows(Op.LIST_PACKAGES, product=cloud.product)
        rows = [row]
        if cloud.supports(Op.GET_PACKAGE):
            rows.append(cloud.do(Op.GET_PACKAGE, package_id=row.id))
        for told in rows:
            assert (told.product, told.module, told.version) == (cloud.product, module, "1.0")
            assert told.source_versions == sources
            assert told.id, "a package has an id"
            assert told.description in (None, made.description)
            same_time(told.created_at, made.created_at)

    @covers(Op.DELETE_PACKAGE, Op.LIST_PACKAGES)
    def test_a_package_that_is_deleted_is_gone(self, cloud: Cloud) -> None:
        cloud.lay()
        for version in ("1.0", "2.0"):
            cloud.package(version)
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
        cloud.report({(cloud.device(), cloud.modules[0]): "1.0"})
        cloud.settle()
        assert cloud.product in [row.id for row in cloud.rows(Op.LIST_PRODUCTS, limit=2)]


def same_time(told: datetime | None, there: datetime | None) -> None:
    """A time that is told is aware, and the right one."""
    assert told is None or told.tzinfo, "a time has no zone: times are aware"
    if told and there:
        assert abs(told - there) < MINUTE, "a time is told in another zone"
