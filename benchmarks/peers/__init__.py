"""The contenders: one file a client, each with a class whose methods do the jobs of `benchmarks.measuring`.

A method that shows or makes one object returns a row; one whose name ends in `_pages` gives pages of rows.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

ACCESS_KEY, SECRET_KEY = "TESTAKEXAMPLE0000001", "TestSkExample00000000000000000000000000002"
PROJECT = "0123456789abcdef0123456789abcdef"
APP = "61f7e74d036aca5be29e1ed4"

# A contender -> where its class is. Those called raw, and the socket, are floors.
HOMES = {
    "otabridge": "ours:Ours",
    "otabridge async": "ours:OursAsync",
    "hw": "huawei_sdk:Sdk",
    "ali2": "alibaba_sdk:Sdk",
    "ali2 async": "alibaba_sdk:AsyncSdk",
    "ali1": "aliyun_sdk:Sdk",
    "raw httpx": "raw_httpx:Raw",
    "raw httpx async": "raw_httpx:AsyncRaw",
    "raw httpx async, fitted": "raw_httpx:AsyncFitted",
    "raw aiohttp": "raw_aiohttp:AsyncRaw",
    "socket": "raw_socket:Raw",
}
SDKS = ("hw", "ali2", "ali2 async", "ali1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the canned server answers, and who vouches for it over TLS."""

    port: int
    ca_file: str = ""
    tls: bool = False

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://{self.host}"


class Peer:
    """What every contender has: whether its calls are awaited, and how its rows call the members in `answers`."""

    awaited: ClassVar = False
    members: ClassVar[dict[str, tuple[str, ...]]]

    def __init__(self, place: Place, *, in_flight: int = 1) -> None:
        self.place = place
        self.in_flight = in_flight

    @classmethod
    def read(cls, kind: str, row: Any) -> tuple[object, ...]:
        """A row's members; of rows that are no objects, what stands at their names."""
        names = cls.members[kind]
        return tuple(row[name] for name in names) if isinstance(row, dict) else tuple(getattr(row, n) for n in names)


def found(name: str) -> type[Peer]:
    """A contender's class; whatever it needs is imported now."""
    home, _, cls = HOMES[name].partition(":")
    kind: type[Peer] = getattr(import_module(f"benchmarks.peers.{home}"), cls)
    return kind
