"""Publishing: a package is made as asked, and changed without loss. `artifact` of a class may say what a file is."""

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import ConflictError
from otabridge.models import Package
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, covers


class Publishing(Suite):
    """What is published is what devices will run."""

    @covers(Op.CREATE_PACKAGE)
    def test_a_package_is_made_as_asked(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        made = self.publish(cloud, draft)
        cloud.settle()
        told: list[Package] = [made]
        if cloud.supports(Op.GET_PACKAGE):
            told.append(cloud.do(Op.GET_PACKAGE, package_id=made.id))
        assert cloud.store
        told += [row for row in cloud.store.packages.list(product=cloud.product) if row.id == made.id]
        assert len(told) > 1, "what was made is not there"
        for row in told:
            assert (row.product, row.module, row.version) == (draft.product, draft.module, draft.version)
            assert row.source_versions == draft.source_versions
            assert [file.name for file in row.artifacts] in ([], [file.name for file in draft.artifacts])
        for field in ("name", "description", "custom_info"):
            # A list may leave out what a single row has, and a cloud may give a name to what has none.
            if asked := getattr(draft, field):
                assert {getattr(row, field) for row in told} - {None} == {asked}, f"{field} is lost or changed"

    @covers(Op.CREATE_PACKAGE)
    def test_a_version_that_is_taken_is_a_conflict(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        self.publish(cloud, draft)
        cloud.settle()
        with pytest.raises(ConflictError):
            self.publish(cloud, draft)

    @covers(Op.UPDATE_PACKAGE, Op.CREATE_PACKAGE)
    def test_what_an_update_of_a_package_leaves_out_stays(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        made = self.publish(cloud, draft)
        cloud.settle()
        words = cloud.text("package.description", "other words", "other")
        if words is None:
            pytest.skip("a package of this cloud has no description")
        cloud.do(Op.UPDATE_PACKAGE, package_id=made.id, description=words)
        cloud.settle()
        told = cloud.do(Op.GET_PACKAGE, package_id=made.id)
        assert (told.description, told.custom_info) == (words, draft.custom_info)
        assert (told.version, told.source_versions) == (draft.version, draft.source_versions)
