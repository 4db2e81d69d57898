"""The conformance kit, run on the local store, which stands on itself."""

from hashlib import sha256
from pathlib import Path

from otabridge.capabilities import Capability
from otabridge.models import Artifact
from otabridge.testing import BackendConformance
from otabridge.testing.ground import Cloud


class TestLocal(BackendConformance):
    backend = "local"
    facade = None
    settings = {"path": "{folder}"}  # noqa: RUF012
    known_gaps = {  # noqa: RUF012
        "test_it_does_no_io_of_its_own": "it is a database: threads share its connection",
        "test_it_has_no_clock_and_no_chance_of_its_own": "SQLite is waited for in real time",
    }

    def artifact(self, cloud: Cloud) -> Artifact:
        path = Path(cloud.ground.config().path) / "app.bin"
        path.write_bytes(b"firmware")
        staged: Artifact = cloud.do(Capability.STAGE_ARTIFACT, path=path, filename="app.bin")
        assert staged.checksum
        assert staged.checksum.hex == sha256(b"firmware").hexdigest()
        return staged
