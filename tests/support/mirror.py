"""Our own backends pointed at facades: settings for each way to sign, and clients of both colours behind one face."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from otabridge import aconnect, connect
from otabridge.serve import Server

# A way to talk to a facade -> the facade's name, and the settings that are special to that way.
WAYS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "huawei": ("huawei", {}),
    "huawei plain": ("huawei", {"auth": "plain"}),
    "huawei token": ("huawei", {"auth": "token"}),
    "tuya": ("tuya", {}),
    "tuya minimal": ("tuya", {"minimal": True}),
    "aliyun": ("aliyun", {}),
    "aliyun rpc": ("aliyun", {"signature": "rpc"}),
}


def settings(server: Server, way: str, **more: Any) -> dict[str, Any]:
    """What `connect` needs to reach a facade in that way."""
    name, special = WAYS[way]
    found = server.settings(name)
    if special.get("auth") == "token":
        found = {field: value for field, value in found.items() if field not in ("access_key", "secret_key")}
        found |= {
            "username": "anyone",
            "password": server.secret_key,
            "domain": "home",
            "iam_endpoint": server.urls[name],
        }
    return {**found, **special, **more}


class Reach:
    """A client of one colour: `do` calls it, `rows` reads a list of it to its end."""

    def __init__(self, colour: str, **settings: Any) -> None:
        self._loop = asyncio.Runner() if colour == "async" else None
        self._client: Any = aconnect(**settings) if self._loop else connect(**settings)

    def do(self, call: Callable[[Any], Any]) -> Any:
        if self._loop is None:
            return call(self._client)

        async def made() -> Any:
            return await call(self._client)

        return self._loop.run(made())

    def rows(self, listing: Callable[[Any], Any]) -> list[Any]:
        if self._loop is None:
            return list(listing(self._client))

        async def read() -> list[Any]:
            return [row async for row in listing(self._client)]

        return self._loop.run(read())

    def close(self) -> None:
        if self._loop is None:
            self._client.close()
        else:
            self._loop.run(self._client.aclose())
            self._loop.close()
