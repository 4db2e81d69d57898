"""What this plugin registers."""

from otabridge.plugin import Backend, hookimpl
from otabridge_huawei.backend import HuaweiBackend


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `huawei`."""
    return [HuaweiBackend]
