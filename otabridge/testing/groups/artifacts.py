"""Artifacts: bytes go up whole, and come down checked."""

from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import IntegrityError, OtaBridgeError
from otabridge.models import Artifact, Checksum
from otabridge.testing.ground import BYTES, Cloud
from otabridge.testing.suite import Suite, covers


class Artifacts(Suite):
    """What a device gets is what was published."""

    @pytest.fixture
    def kept(self, cloud: Cloud) -> Artifact:
        """A file of the cloud, as its package tells of it: laid there from behind, or published."""
        if cloud.ground.server:
            (module,) = cloud.lay()
            title = cloud.title(module, "1.0")
            assert cloud.store
            cloud.store.packages.publish(
                cloud.ground.file(), product=cloud.product, module=module, version="1.0", name=title
            )
            cloud.settle()
            (package,) = cloud.rows(Op.LIST_PACKAGES, product=cloud.product)
        elif cloud.supports(Op.STAGE_ARTIFACT, Op.CREATE_PACKAGE):
            file = cloud.do(Op.STAGE_ARTIFACT, path=cloud.ground.file(), filename="app.bin")
            package = self.publish(cloud, replace(self.draft(cloud), artifacts=(file,)))
            cloud.settle()
        else:
            pytest.skip("no file can be laid on this ground")
        if cloud.supports(Op.GET_PACKAGE):
            package = cloud.do(Op.GET_PACKAGE, package_id=package.id)
        (artifact,) = package.artifacts
        assert isinstance(artifact, Artifact)
        return artifact

    @covers(Op.STAGE_ARTIFACT)
    def test_a_staged_file_is_told_with_size_digest_and_place(self, cloud: Cloud) -> None:
        staged = cloud.do(Op.STAGE_ARTIFACT, path=cloud.ground.file(), filename="app.bin")
        assert (staged.size, staged.location is not None) == (len(BYTES), True)
        assert staged.checksum
        digest = {"sha256": sha256, "md5": md5}[staged.checksum.algorithm](BYTES).hexdigest()
        assert staged.checksum.hex == digest

    @covers(Op.OPEN_ARTIFACT)
    def test_a_file_of_a_package_comes_back_byte_for_byte(self, cloud: Cloud, kept: Artifact, tmp_path: Path) -> None:
        path = cloud.do(Op.OPEN_ARTIFACT, artifact=kept, folder=tmp_path)
        assert path.parent == tmp_path
        assert path.read_bytes() == BYTES
        assert [*tmp_path.iterdir()] == [path], "something else was left in the folder"

    @covers(Op.OPEN_ARTIFACT)
    @pytest.mark.parametrize("lie", ["digest", "size"])
    def test_bytes_that_are_others_are_refused_and_leave_nothing(
        self, cloud: Cloud, kept: Artifact, lie: str, tmp_path: Path
    ) -> None:
        wrong = Checksum(algorithm="sha256", hex="5a" * 32)
        lied = replace(kept, checksum=wrong) if lie == "digest" else replace(kept, size=len(BYTES) + 1)
        with pytest.raises((IntegrityError, OtaBridgeError)):
            cloud.do(Op.OPEN_ARTIFACT, artifact=lied, folder=tmp_path)
        assert [*tmp_path.iterdir()] == [], "half a file was left"

    @covers(Op.OPEN_ARTIFACT)
    def test_a_folder_that_is_not_there_is_made_or_refused_in_words(
        self, cloud: Cloud, kept: Artifact, tmp_path: Path
    ) -> None:
        try:
            path = cloud.do(Op.OPEN_ARTIFACT, artifact=kept, folder=tmp_path / "new")
        except OtaBridgeError:
            return
        assert path.read_bytes() == BYTES

    @covers(Op.STAGE_ARTIFACT)
    def test_a_file_that_is_not_there_is_refused_in_words(self, cloud: Cloud, tmp_path: Path) -> None:
        with pytest.raises(OtaBridgeError):
            cloud.do(Op.STAGE_ARTIFACT, path=tmp_path / "nothing.bin", filename="app.bin")
