"""What this plugin registers under the entry point `aliyun`."""

from typing import TYPE_CHECKING

from otabridge.plugin import Backend, hookimpl
from otabridge_action.backend import AliyunBackend

if TYPE_CHECKING:
    from otabridge_action.facade import AliyunFacade


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `aliyun`."""
    return [AliyunBackend]


@hookimpl
def otabridge_register_facades() -> "list[type[AliyunFacade]]":
    """The facade `aliyun`, loaded when it is wanted: a backend alone should not pay for it."""
    from otabridge_action.facade import AliyunFacade

    return [AliyunFacade]
