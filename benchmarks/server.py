"""The canned server, a process of its own: answers that are ready before they are asked for, and counts.

Four doors: plain HTTP, the same over TLS, the same with every answer 50 ms late, and one that tells the counts.
"""

import asyncio
import json
import re
import ssl
import sys
from functools import partial

from benchmarks import answers

DELAY = 0.05
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search
PAGE = re.compile(rb"[?&]CurrentPage=(\d+)").search
MARKER = re.compile(rb"[?&]marker=([0-9a-f]{24})").search
CALL = re.compile(b"ListOTAModuleVersionsByDevice|ListOTAFirmware|QueryDevice").search
PLACE = re.compile(b"/v5/iot/[^/]+(/devices|/ota-upgrades/packages)[ ?]").search
NO_ROWS = re.compile(b"package_type=(firmware|software)Package").search


def reply(head: bytes) -> bytes:
    """The answer to a request of which the head is enough."""
    line = head[: head.find(b"\r\n")]
    if place := PLACE(line):
        if NO_ROWS(line):
            return answers.NO_PACKAGES
        pages = answers.by_marker(place[1])
        marker = MARKER(line)
        return pages[int(marker[1], 16) if marker else 0]
    call = CALL(head)
    if call is None:
        return answers.ONE_MODULE
    if answers.SMALL.encode() in line:
        return answers.few()
    pages, number = answers.by_number(call[0]), PAGE(line)
    return pages[min(int(number[1]) if number else 1, len(pages)) - 1]


class Door:
    """One port: how late it answers, and what has come through it."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.connections = self.requests = 0


class Connection(asyncio.Protocol):
    """One connection: a request in, its answer out."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._door.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = LENGTH(self._received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            head, self._received = self._received[:end], self._received[whole:]
            self._door.requests += 1
            if self._door.delay:
                asyncio.get_running_loop().call_later(self._door.delay, self._transport.write, reply(head))
            else:
                self._transport.write(reply(head))


class Counts(asyncio.Protocol):
    """Tells the counts of every door, a line for every byte that comes."""

    def __init__(self, doors: dict[str, Door]) -> None:
        self._doors = doors

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        told = {name: [door.connections, door.requests] for name, door in self._doors.items()}
        self._transport.write(json.dumps(told).encode() + b"\n")


async def serve(certificate: str, key: str) -> None:
    """Listen on free loopback ports, print them, and go on until killed."""
    for call in answers.NUMBERED:
        answers.by_number(call)
    for place in answers.MARKED:
        answers.by_marker(place)
    loop = asyncio.get_running_loop()
    doors = {"plain": Door(), "tls": Door(), "late": Door(DELAY)}
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    servers = {
        name: await loop.create_server(
            partial(Connection, door), "127.0.0.1", 0, ssl=context if name == "tls" else None, backlog=512
        )
        for name, door in doors.items()
    }
    servers["counts"] = await loop.create_server(partial(Counts, doors), "127.0.0.1", 0)
    print(json.dumps({name: server.sockets[0].getsockname()[1] for name, server in servers.items()}), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers.values()))


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(*sys.argv[1:])))
