"""What this plugin registers under the entry point `tuya`."""

from typing import TYPE_CHECKING

from otabridge.plugin import Backend, hookimpl
from otabridge_action.backend import TuyaBackend

if TYPE_CHECKING:
    from otabridge_action.facade import TuyaFacade


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `tuya`."""
    return [TuyaBackend]


@hookimpl
def otabridge_register_facades() -> "list[type[TuyaFacade]]":
    """The facade `tuya`, loaded when it is wanted: a backend alone should not pay for it."""
    from otabridge_action.facade import TuyaFacade

    return [TuyaFacade]
