"""Artifacts: bytes go up whole, and come down checked."""

from hashlib import md5, sha256
from pathlib import Path

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import IntegrityError, OtaBridgeError
from otabridge.models import Artifact, Checksum
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, covers

BYTES = bytes(range(256)) * 300


class Artifacts(Suite):
    """What a device gets is what was published."""

    @covers(Op.STAGE_ARTIFACT)
    def test_a_staged_file_is_told_with_size_digest_and_place(self, cloud: Cloud, tmp_path: Path) -> None:
        staged = cloud.do(Op.STAGE_ARTIFACT, path=file(tmp_path), filename="app.bin")
        assert (staged.size, staged.location is not None) == (len(BYTES), True)
        assert staged.checksum
        digest = {"sha256": sha256, "md5": md5}[staged.checksum.algorithm](BYTES).hexdigest()
        assert staged.checksum.hex == digest

    @covers(Op.STAGE_ARTIFACT, Op.OPEN_ARTIFACT)
    def test_what_was_staged_comes_back_byte_for_byte(self, cloud: Cloud, tmp_path: Path) -> None:
        staged = cloud.do(Op.STAGE_ARTIFACT, path=file(tmp_path), filename="app.bin")
        folder = tmp_path / "got"
        folder.mkdir()
        path = cloud.do(Op.OPEN_ARTIFACT, artifact=staged, folder=folder)
        assert path.parent == folder
        assert path.read_bytes() == BYTES

    @covers(Op.STAGE_ARTIFACT, Op.OPEN_ARTIFACT)
    def test_bytes_with_another_digest_are_refused_and_leave_nothing(self, cloud: Cloud, tmp_path: Path) -> None:
        staged = cloud.do(Op.STAGE_ARTIFACT, path=file(tmp_path), filename="app.bin")
        wrong = Checksum(algorithm="sha256", hex="5a" * 32)
        lied = Artifact(name=staged.name, size=staged.size, checksum=wrong, location=staged.location)
        folder = tmp_path / "got"
        folder.mkdir()
        with pytest.raises((IntegrityError, OtaBridgeError)):
            cloud.do(Op.OPEN_ARTIFACT, artifact=lied, folder=folder)
        assert [*folder.iterdir()] == [], "half a file was left"

    @covers(Op.STAGE_ARTIFACT)
    def test_a_file_that_is_not_there_is_refused_in_words(self, cloud: Cloud, tmp_path: Path) -> None:
        with pytest.raises(OtaBridgeError):
            cloud.do(Op.STAGE_ARTIFACT, path=tmp_path / "nothing.bin", filename="app.bin")


def file(folder: Path) -> Path:
    """A file to publish."""
    path = folder / "app.bin"
    path.write_bytes(BYTES)
    return path
