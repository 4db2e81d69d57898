"""What this plugin registers. It has no facade: a real server can be run."""

from otabridge.plugin import Backend, hookimpl
from otabridge_hawkbit.backend import HawkbitBackend


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `hawkbit`."""
    return [HawkbitBackend]
