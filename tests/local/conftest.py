"""A store of its own for every test, in a folder and in memory, and a clock that a test can set."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import otabridge
from otabridge import Client
from otabridge.signing import World
from tests.local.helpers import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "not" / "yet" / "there"


@pytest.fixture(params=["folder", "memory"])
def cloud(request: pytest.FixtureRequest, folder: Path, clock: Clock) -> Iterator[Client]:
    where = "memory:" if request.param == "memory" else f"local:{folder}"
    with otabridge.connect(where, world=World(now=clock.now)) as client:
        yield client


@pytest.fixture
def depot(folder: Path) -> Iterator[Client]:
    """A store in a folder, with the true clock."""
    with otabridge.connect(f"local:{folder}") as client:
        yield client
