"""Clouds' APIs on loopback, over one store: an emulator, or a gateway where the store is another cloud.

`running(...)` serves from a program or a test; `otabridge serve` from a shell. `server.py` has threads and signals,
`listening.py` ports, `protocol.py` the connection, `app.py` the way from HTTP to a `Call`, `desk.py` what becomes of
one call, `faults.py` what goes wrong on purpose, `quota.py` rates, `seed.py` something to look at.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from otabridge.errors import ConfigurationError

if TYPE_CHECKING:
    from otabridge.serve.faults import Fault, Faults
    from otabridge.serve.server import Server, running

_HOMES = {"Fault": "faults", "Faults": "faults", "Server": "server", "running": "server"}
# What the extra brings, by the names to import.
_EXTRA = {"starlette", "uvicorn", "httptools", "jinja2", "markupsafe", "multipart", "python_multipart"}

__all__ = ["Fault", "Faults", "Server", "running"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'otabridge.serve' has no attribute {name!r}")
    try:
        return getattr(import_module(f"otabridge.serve.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
    raise ConfigurationError("serving is not installed. Try: pip install 'otabridge[serve]'")
