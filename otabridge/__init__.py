"""Manage over-the-air updates on several IoT clouds through one model.

`connect` gives a client, `aconnect` its async twin. Names are loaded when they are first used, so that importing this
package loads neither a plugin nor HTTP.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otabridge.aio import AsyncClient, AsyncPager, aconnect
    from otabridge.capabilities import Capability, Level, Support
    from otabridge.client import Client, Pager, connect
    from otabridge.errors import (
        ApiError,
        AuthenticationError,
        ConfigurationError,
        ConflictError,
        ConnectError,
        ForbiddenError,
        IntegrityError,
        InvalidRequestError,
        NotFoundError,
        OtaBridgeError,
        OutcomeUnknownError,
        PagingError,
        PluginLoadError,
        ProtocolError,
        QuotaExceededError,
        RateLimitError,
        RequestTimeoutError,
        ServerError,
        TransportError,
        UnsupportedError,
        ValidationError,
    )
    from otabridge.models import (
        Artifact,
        Checksum,
        Device,
        FileLocation,
        LocalLocation,
        Module,
        ModuleVersion,
        ObjectLocation,
        Package,
        PackageDraft,
        Page,
        Product,
        UrlLocation,
    )

__version__ = "0.1.0"

_HOMES = {
    "aio": "AsyncClient AsyncPager aconnect",
    "capabilities": "Capability Level Support",
    "client": "Client Pager connect",
    "errors": (
        "ApiError AuthenticationError ConfigurationError ConflictError ConnectError ForbiddenError IntegrityError "
        "InvalidRequestError NotFoundError OtaBridgeError OutcomeUnknownError PagingError PluginLoadError "
        "ProtocolError QuotaExceededError RateLimitError RequestTimeoutError ServerError TransportError "
        "UnsupportedError ValidationError"
    ),
    "models": (
        "Artifact Checksum Device FileLocation LocalLocation Module ModuleVersion ObjectLocation Package PackageDraft "
        "Page Product UrlLocation"
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [  # the names above, told apart for tools that read this statically
    "ApiError",
    "Artifact",
    "AsyncClient",
    "AsyncPager",
    "AuthenticationError",
    "Capability",
    "Checksum",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "Device",
    "FileLocation",
    "ForbiddenError",
    "IntegrityError",
    "InvalidRequestError",
    "Level",
    "LocalLocation",
    "Module",
    "ModuleVersion",
    "NotFoundError",
    "ObjectLocation",
    "OtaBridgeError",
    "OutcomeUnknownError",
    "Package",
    "PackageDraft",
    "Page",
    "Pager",
    "PagingError",
    "PluginLoadError",
    "Product",
    "ProtocolError",
    "QuotaExceededError",
    "RateLimitError",
    "RequestTimeoutError",
    "ServerError",
    "Support",
    "TransportError",
    "UnsupportedError",
    "UrlLocation",
    "ValidationError",
    "aconnect",
    "connect",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'otabridge' has no attribute {name!r}")
    value = getattr(import_module(f"otabridge.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
