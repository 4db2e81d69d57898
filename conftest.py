"""For every test of the tree: the run ends with a count of the evidence behind it."""

from collections import Counter

import pytest

# A part of a test's address -> the witness that it calls.
WITNESSES = {
    "test_documents.py": "vendor-doc (published exchanges replayed)",
    "test_vectors.py": "official-sdk (signatures made by the vendors' signers)",
    "test_signing_witness.py": "official-sdk (the vendors' signers beside ours)",
    "test_wire_witness.py": "official-sdk (what arrives on a socket)",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that counts the passed tests whose witness is not our own code."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", [])]
    counts = Counter(label for address, label in WITNESSES.items() for nodeid in passed if address in nodeid)
    if counts:
        told = "; ".join(f"{label}: {count}" for label, count in counts.items())
        terminalreporter.write_line(f"evidence: {told}")
