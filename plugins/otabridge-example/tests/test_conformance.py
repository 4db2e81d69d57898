"""The conformance kit, run on the backend over its own facade, and on that."""

from otabridge.plugin import Artifact, Checksum, UrlLocation
from otabridge.testing import BackendConformance, Cloud, FacadeConformance


class TestExample(BackendConformance):
    """Every test of a backend, sync and async."""

    backend = "example"

    def artifact(self, cloud: Cloud) -> Artifact:
        """A file that a package may be made of: this cloud wants a URL, and looks at none."""
        digest = Checksum(algorithm="sha256", hex="5a" * 32)
        return Artifact(name="app.bin", size=7, checksum=digest, location=UrlLocation(url="https://files.test/app.bin"))


class TestExampleFacade(FacadeConformance):
    """Every test of a facade whose calls have a nonce."""

    backend = "example"
    nonces = True
