"""What these tests share: a real hawkBit, and an operator who leaves it as it was."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

sys.path.append(str(Path(__file__).parent))  # for the modules beside this one

from clients import COLOURS, Clouds, Used
from hawkbit_server import Hawkbit, Server, lasting, shared
from players import Operator


@pytest.fixture(scope="session")
def hawkbit() -> Hawkbit:
    """The hawkBit of all tests: ours, or the one that the environment names."""
    return shared()


@pytest.fixture(scope="session")
def lasting_hawkbit() -> Hawkbit:
    """One of ours that may be killed and started again, and that exempts nobody from its limits."""
    return lasting()


@pytest.fixture
def own_server(hawkbit: Hawkbit) -> Server:
    """The process of `hawkbit`, for tests that leave things no call can delete, and of what one version does."""
    if hawkbit.server is None:
        pytest.skip("the server is not ours")
    return hawkbit.server


@pytest.fixture
def operator(hawkbit: Hawkbit) -> Iterator[Operator]:
    """Plain REST, beside the backend; what was made with its prefix or by it is gone after the test."""
    with Operator(hawkbit) as made:
        yield made
        assert made.tidy() == []


@pytest.fixture
def device_http(hawkbit: Hawkbit) -> Iterator[httpx.Client]:
    """What a `Player` calls with."""
    with hawkbit.device_client() as client:
        yield client


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> str:
    """Every test that takes it, or a client, runs once with the sync client and once with the async one."""
    return str(request.param)


@pytest.fixture
def clouds(colour: str) -> Iterator[Clouds]:
    """A maker of clients of one colour."""
    made = Clouds(colour)
    yield made
    made.close()


@pytest.fixture
def cloud(clouds: Clouds, hawkbit: Hawkbit) -> Used:
    """A client of the server whose tenant is the one product."""
    return clouds.of(hawkbit)


@pytest.fixture
def prefixed(clouds: Clouds, hawkbit: Hawkbit) -> Used:
    """A client of the server whose type keys name their product."""
    return clouds.of(hawkbit, product_mode="prefix")


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    """A file to publish, of bytes that no other test has: a server keeps equal ones once."""
    path = tmp_path / "app.bin"
    path.write_bytes(str(tmp_path).encode() * 20)
    return path


@pytest.fixture
def tenant(hawkbit: Hawkbit) -> str:
    """The product of the mode `single`."""
    return hawkbit.tenant


@pytest.fixture
def product(operator: Operator) -> str:
    """A product of the mode `prefix` that nobody else has."""
    return operator.prefix
