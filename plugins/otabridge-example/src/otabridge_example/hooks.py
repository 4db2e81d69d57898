"""What this plugin registers."""

from typing import TYPE_CHECKING

from otabridge.plugin import Backend, hookimpl

from otabridge_example.backend import ExampleBackend

if TYPE_CHECKING:
    from otabridge_example.facade import ExampleFacade


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `example`."""
    return [ExampleBackend]


@hookimpl
def otabridge_register_facades() -> "list[type[ExampleFacade]]":
    """The facade `example`. It is loaded here, since a backend alone should not pay for it."""
    from otabridge_example.facade import ExampleFacade

    return [ExampleFacade]
