"""What can be said of a server before it starts."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from otabridge.errors import ConfigurationError
from otabridge.registry import Registry
from otabridge.serve.faults import Script
from otabridge.serve.quota import QuotaRule

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve: `facades` as name -> port, where 0 is any free one.

    `on` is a cloud as `connect` takes it: a name, or its settings as a mapping.
    """

    facades: Mapping[str, int]
    on: str | Mapping[str, Any] = field(default="memory:", repr=False)
    host: str = LOOPBACK
    strict: bool = False
    quota: QuotaRule = "off"
    faults: Script = ()
    seed: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    config: str | os.PathLike[str] | None = None

    @property
    def store(self) -> str:
        """What is behind the facades, as a person may read it."""
        return self.on if isinstance(self.on, str) else str(self.on.get("backend", "?"))


def facade_ports(names: Iterable[str]) -> dict[str, int]:
    """`NAME` or `NAME:PORT` of each facade, as name -> port. ConfigurationError for what is neither, or there twice."""
    ports: dict[str, int] = {}
    for text in names:
        name, colon, port = text.partition(":")
        if not name or (colon and not (port.isascii() and port.isdigit() and int(port[:9]) < 65536)):
            raise ConfigurationError(
                f"serve: {text!r} is no facade: say NAME, or NAME:PORT with a port from 0 to 65535"
            )
        if name in ports:
            raise ConfigurationError(f"serve: {name} is named twice: a server has one facade of each name")
        ports[name] = int(port or 0)
    if not ports:
        raise ConfigurationError(f"serve: no facade is named; installed: {', '.join(Registry().facades())}")
    return ports
