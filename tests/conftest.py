"""Fixtures that every test file may use; and the checkout's root at the end of the path, for `tests.support`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))

from tests.support.runner import Bench
from tests.support.wire import Wire


@pytest.fixture(params=["sync", "async"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A maker of drivers: every test that takes it runs once with each driver."""
    bench = Bench(request.param)
    yield bench
    bench.close()


@pytest.fixture(params=["sync", "async", "async without aiohttp"])
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Both drivers with the transports that ship; async also where aiohttp is not installed."""
    if request.param == "async without aiohttp":
        monkeypatch.setitem(sys.modules, "aiohttp", None)
    made = Wire(request.param.split()[0])
    yield made
    made.bench.close()
