"""Publishing: a package is made as asked, once, and changed without loss. A class says what a file is by `artifact`."""

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import ConflictError, OutcomeUnknownError
from otabridge.models import Artifact, Package, PackageDraft
from otabridge.testing.ground import Cloud
from otabridge.testing.groups.errors import sent
from otabridge.testing.groups.retry import lost, once
from otabridge.testing.suite import Suite, covers


class Publishing(Suite):
    """What is published is what devices will run."""

    def artifact(self, cloud: Cloud) -> Artifact:
        """A file that lies where the cloud wants it; a class that can make packages gives one."""
        pytest.skip("give an artifact that lies where the cloud wants it: def artifact(self, cloud)")

    def draft(self, cloud: Cloud, version: str = "1.0") -> PackageDraft:
        """What is to be made: every text that the cloud has, as hard as it allows."""
        assert cloud.store
        if "unit_0" not in [row.name for row in cloud.store.modules.list(product=cloud.product)]:
            cloud.store.modules.create("unit_0", product=cloud.product)
            cloud.settle()
        limits = cloud.backend.limits
        return PackageDraft(
            product=cloud.product,
            module="unit_0",
            version=version,
            source_versions=("0.9",) if limits.source_versions != 0 else (),
            name=f"{cloud.product}_{version}".replace(".", "_") if "package.name" in limits.text else None,
            description=cloud.text("package.description"),
            custom_info=cloud.text("package.custom_info"),
            artifacts=(self.artifact(cloud),),
        )

    @covers(Op.CREATE_PACKAGE)
    def test_a_package_is_made_as_asked(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        made = cloud.do(Op.CREATE_PACKAGE, draft=draft)
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
            assert (row.description or draft.description) == draft.description
            assert (row.custom_info or draft.custom_info) == draft.custom_info
            assert [file.name for file in row.artifacts] in ([], [file.name for file in draft.artifacts])

    @covers(Op.CREATE_PACKAGE)
    def test_a_version_that_is_taken_is_a_conflict(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        cloud.do(Op.CREATE_PACKAGE, draft=draft)
        cloud.settle()
        with pytest.raises(ConflictError):
            cloud.do(Op.CREATE_PACKAGE, draft=draft)

    @covers(Op.CREATE_PACKAGE)
    def test_a_package_whose_answer_is_lost_is_not_made_twice(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        sent(cloud)
        before = len(cloud.tape.sent)
        cloud.tape.after = once(lost, writes=True)
        try:
            made = cloud.do(Op.CREATE_PACKAGE, draft=draft)
        except OutcomeUnknownError:
            made = None
        assert len([request for request in cloud.tape.sent[before:] if not request.read]) == 1
        assert cloud.store
        (stored,) = cloud.store.packages.list(product=cloud.product)
        assert made is None or made.id == stored.id

    @covers(Op.UPDATE_PACKAGE, Op.CREATE_PACKAGE)
    def test_what_an_update_of_a_package_leaves_out_stays(self, cloud: Cloud) -> None:
        draft = self.draft(cloud)
        made = cloud.do(Op.CREATE_PACKAGE, draft=draft)
        cloud.settle()
        cloud.do(Op.UPDATE_PACKAGE, package_id=made.id, description="other words")
        cloud.settle()
        told = cloud.do(Op.GET_PACKAGE, package_id=made.id)
        assert (told.description, told.custom_info) == ("other words", draft.custom_info)
        assert (told.version, told.source_versions) == (draft.version, draft.source_versions)
