"""Clients of both colours, used alike: what a call returns is awaited, and what it lists is read whole."""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from hawkbit_server import Hawkbit

from otabridge import aconnect, connect

COLOURS = ("sync", "async")


class Used:
    """`used.modules.list(product="p")` is a list of modules, `used.modules.create(...)` a module, of either client."""

    def __init__(self, colour: str, **settings: Any) -> None:
        self._loop = asyncio.Runner() if colour == "async" else None
        self.client: Any = aconnect(**settings) if self._loop else connect(**settings)

    def __getattr__(self, group: str) -> "_Group":
        return _Group(self, getattr(self.client, group))

    def do(self, use: Callable[[Any], Any]) -> Any:
        """What `use` makes of the client, once it is there."""
        if self._loop:
            return self._loop.run(_settled(use, self.client))
        made = use(self.client)
        return list(made) if hasattr(made, "pages") else made

    def close(self) -> None:
        if self._loop:
            self._loop.run(self.client.aclose())
            self._loop.close()
        else:
            self.client.close()


class _Group:
    def __init__(self, used: Used, group: Any) -> None:
        self._used = used
        self._group = group

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._group, name)
        return lambda *given, **named: self._used.do(lambda _: method(*given, **named))


async def _settled(use: Callable[[Any], Any], client: Any) -> Any:
    made = use(client)
    if hasattr(made, "pages"):
        return [row async for row in made]
    return await made if inspect.isawaitable(made) else made


def settings(site: Hawkbit) -> dict[str, Any]:
    """The settings of a client of a server."""
    named = {"endpoint": site.url, "username": site.username, "password": site.password}
    return {"backend": "hawkbit", "quotas": "off", **named}


class Clouds:
    """Makes clients of one colour, and closes them in the end."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self._open = ExitStack()

    def of(self, site: Hawkbit, **changes: Any) -> Used:
        """A client of a server, with other settings if they are given."""
        made = Used(self.colour, **settings(site) | changes)
        self._open.callback(made.close)
        return made

    def close(self) -> None:
        self._open.close()
