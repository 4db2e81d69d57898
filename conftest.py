"""For every test of the tree: which evidence stands behind it, counted when the run ends."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "cassettes"))  # the exchanges that are recorded and replayed

# A pattern of a test's address -> the witness that it calls; the first that fits counts.
WITNESSES = {
    r"-hawkbit/tests/test_documents\.py|::test_an_exchange_.*/server": "real-server (its exchanges replayed)",
    r"test_documents\.py::.*/emulator": "emulator (our own facades' exchanges replayed)",
    r"/test_documents\.py": "vendor-doc (published exchanges replayed)",
    r"/test_facade_documents\.py": "vendor-doc (published exchanges served)",
    r"/test_facade_(core_)?sdk\.py|/test_gateway\.py": "official-sdk (the vendors' clients of our facades)",
    r"/otabridge-hawkbit/tests/test_(?!wire|settings|conformance|documents)": "real-server (a hawkBit that runs)",
    r"/test_backends\.py": "emulator (our own backends on our own facades)",
    r"/test_vectors\.py": "official-sdk (signatures made by the vendors' signers)",
    r"/test_signing_witness\.py": "official-sdk (the vendors' signers beside ours)",
    r"/test_wire_witness\.py": "official-sdk (what arrives on a socket)",
}
OUR_OWN = ("otabridge/", "python-httpx/")


def pytest_configure(config: pytest.Config) -> None:
    """The marker from which docs/matrix.py takes its evidence."""
    config.addinivalue_line(
        "markers", "official_sdk(cloud, *calls): the cloud's own SDK makes these calls to its facade, and they succeed"
    )


@pytest.fixture(autouse=True)
def _witnessed(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the marker says is held true: the facade's own record must have the calls, and not from a client of ours."""
    marker = request.node.get_closest_marker("official_sdk")
    if marker is None:
        yield
        return
    entries = request.getfixturevalue("server").record.entries
    before = max((entry.number for entry in entries), default=0)
    yield
    cloud, *calls = marker.args
    done = {
        entry.operation
        for entry in request.getfixturevalue("server").record.entries
        if entry.number > before and entry.facade == cloud and entry.status < 300 and not entry.code
        if not dict(entry.headers).get("user-agent", OUR_OWN[0]).startswith(OUR_OWN)
    }
    assert [call for call in calls if call not in done] == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that counts the passed tests whose witness is not our own code, and those of the emulator apart."""
    counts = Counter(_label(report.nodeid) for report in terminalreporter.stats.get("passed", []))
    told = [f"{label}: {counts[label]}" for label in WITNESSES.values() if counts[label]]
    if told:
        terminalreporter.write_line(f"evidence: {'; '.join(told)}")


def _label(nodeid: str) -> str | None:
    return next((label for pattern, label in WITNESSES.items() if re.search(pattern, nodeid)), None)
