"""The pytest plugin: clouds on loopback for one test, and faults that must fire. It loads nothing until it is used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otabridge.serve import Server
    from otabridge.testing.ground import Ground

pytest.register_assert_rewrite("otabridge.testing.groups")
MARKERS = (
    "otabridge_needs(*operations): skipped where the backend has not all of these operations",
    "otabridge_covers(*operations): proves something of these operations, and is skipped without them",
    "otabridge_behind: skipped where the kit cannot look behind the backend",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in MARKERS:
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        gaps = getattr(getattr(item, "cls", None), "known_gaps", None)
        name = getattr(item, "originalname", item.name)
        if isinstance(gaps, Mapping) and name in gaps:
            item.add_marker(pytest.mark.xfail(strict=True, reason=gaps[name]))


@pytest.fixture(scope="class")
def otabridge_ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Ground]":
    """The ground of a conformance class."""
    with request.cls.lay(tmp_path_factory.mktemp("kit")) as ground:
        yield ground


@pytest.fixture
def otabridge_serve() -> "Iterator[Callable[..., Server]]":
    """Serve clouds, as `otabridge.serve.running` does, until the test ends.

    A fault of the script that never fired fails the test, unless `check_faults=False` was said.
    """
    checked: list[Server] = []
    with ExitStack() as stack:

        def serve(*facades: str, check_faults: bool = True, **options: Any) -> "Server":
            from otabridge.serve import running

            server = stack.enter_context(running(*facades, **options))
            if check_faults:
                checked.append(server)
            return server

        yield serve
    for server in checked:
        server.faults.check()
