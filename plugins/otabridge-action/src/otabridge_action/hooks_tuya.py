"""What this plugin registers under the entry point `tuya`."""

from otabridge.plugin import Backend, hookimpl
from otabridge_action.backend import TuyaBackend


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `tuya`."""
    return [TuyaBackend]
