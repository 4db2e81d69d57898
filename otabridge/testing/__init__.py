"""For tests of what is built on otabridge: the conformance kit, and `plugin.py`, which brings pytest its fixtures."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otabridge.testing.backends import BackendConformance

__all__ = ["BackendConformance"]


def __getattr__(name: str) -> Any:
    # pytest loads this package in each of its runs, and most of them have no use for the kit.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otabridge.testing import backends

    return getattr(backends, name)
