"""What this plugin registers."""

from typing import TYPE_CHECKING

from otabridge.plugin import Backend, hookimpl
from otabridge_huawei.backend import HuaweiBackend

if TYPE_CHECKING:
    from otabridge_huawei.facade import HuaweiFacade


@hookimpl
def otabridge_register_backends() -> list[type[Backend]]:
    """The backend `huawei`."""
    return [HuaweiBackend]


@hookimpl
def otabridge_register_facades() -> "list[type[HuaweiFacade]]":
    """The facade `huawei`. It is loaded here, since a backend alone should not pay for it."""
    from otabridge_huawei.facade import HuaweiFacade

    return [HuaweiFacade]
