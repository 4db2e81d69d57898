"""The conformance kit, run on the local store, which stands on itself."""

from otabridge.testing import BackendConformance


class TestLocal(BackendConformance):
    backend = "local"
    facade = None
    settings = {"path": "{folder}"}  # noqa: RUF012
    known_gaps = {  # noqa: RUF012
        "test_it_does_no_io_of_its_own": "it is a database: threads share its connection",
        "test_it_has_no_clock_and_no_chance_of_its_own": "SQLite is waited for in real time",
    }
