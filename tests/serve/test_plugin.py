"""The pytest fixture: it serves for one test, and a fault that never fired fails that test."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

USES = """
import pytest, threading
from tests.serve.toy import ask, register
from otabridge.serve import Fault

@pytest.fixture(autouse=True)
def known(monkeypatch):
    register(monkeypatch)

DROP = [Fault(kind="answer", status=503, call=2)]

def test_served(otabridge_serve):
    server, other = otabridge_serve("toy"), otabridge_serve("toy2", seed="demo")
    assert [ask(each).status_code for each in (server, other)] == [200, 200]

def test_everything_was_stopped():
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]

def test_fired(otabridge_serve):
    server = otabridge_serve("toy", faults=DROP)
    assert [ask(server).status_code for _ in range(2)] == [200, 503]

def test_not_fired(otabridge_serve):
    ask(otabridge_serve("toy", faults=DROP))

def test_not_fired_and_not_checked(otabridge_serve):
    ask(otabridge_serve("toy", faults=DROP, check_faults=False))
"""


def test_the_fixture_is_there_wherever_otabridge_is_installed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES)
    # A process of its own: what it finds is the entry point.
    ran = pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:cacheprovider")
    ran.assert_outcomes(passed=5, errors=1)
    ran.stdout.fnmatch_lines(["*ERROR at teardown of test_not_fired _*", "*never fired: answer at call 2 of any op*"])


def test_the_plugin_loads_nothing_of_the_host() -> None:
    program = "import sys, otabridge.testing.plugin; print(*(name for name in sys.modules if 'otabridge' in name))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == {"otabridge", "otabridge.testing", "otabridge.testing.plugin"}
