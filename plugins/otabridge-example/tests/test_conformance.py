"""The conformance kit, run on the backend over its own facade, and on that."""

from otabridge.testing import BackendConformance, FacadeConformance


class TestExample(BackendConformance):
    """Every test of a backend, sync and async."""

    backend = "example"


class TestExampleFacade(FacadeConformance):
    """Every test of a facade whose calls have a nonce."""

    backend = "example"
    nonces = True
