"""The pytest plugin: clouds on loopback for one test, and faults that must fire. It loads nothing until it is used."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otabridge.serve import Server


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
