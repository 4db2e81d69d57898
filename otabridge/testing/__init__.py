"""For tests of what is built on otabridge: the conformance kit, and `plugin.py`, which brings pytest its fixtures."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otabridge.testing.backends import BackendConformance
    from otabridge.testing.facades import FacadeConformance
    from otabridge.testing.ground import Cloud
    from otabridge.testing.suite import Exchange, Gap

__all__ = ["BackendConformance", "Cloud", "Exchange", "FacadeConformance", "Gap"]
_HOMES = {
    "BackendConformance": "backends",
    "FacadeConformance": "facades",
    "Cloud": "ground",
    "Exchange": "suite",
    "Gap": "suite",
}


def __getattr__(name: str) -> Any:
    # pytest loads this package in each of its runs, and most of them have no use for the kit.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"otabridge.testing.{_HOMES[name]}"), name)
