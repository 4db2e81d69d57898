"""What this plugin registers under the entry point `aliyun`."""

from otabridge.plugin import Backend, hookimpl
from otabridge_action.backend import AliyunBackend


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `aliyun`."""
    return [AliyunBackend]
