"""A server that answers canned bytes, faster than any client under test can ask. Run as a process of its own."""

import asyncio
import json
import re
import sys

MODULE = {
    "module_id": "28f61af50fc9452aa0ed5ea25c3cc3d3",
    "app_id": "61f7e74d036aca5be29e1ed4",
    "product_id": "5ba24f5ebbe8f56f5a14f605",
    "product_name": "Thermometer",
    "module_name": "MCU",
    "alias_name": "Micro_Controller",
    "description": "main controller",
    "create_time": "20230211T121212Z",
}
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def versions(count: int) -> dict[str, object]:
    """An answer of ListOTAModuleVersionsByDevice."""
    rows = [
        {
            "IotId": "QjIFT0000101",
            "ProductKey": "a140001",
            "DeviceName": "newDevice",
            "ModuleName": f"module{number}",
            "ModuleVersion": "1.6940.1",
        }
        for number in range(count)
    ]
    page = {"CurrentPage": 1, "PageSize": 200, "PageCount": 1, "Total": count}
    return {"RequestId": "67AF7881", "Success": True, **page, "Data": {"SimpleOTAModuleInfo": rows}}


def answer(body: object) -> bytes:
    """The bytes of an HTTP answer."""
    data = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: r1\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


ANSWERS = {b"/v5/": answer(MODULE), b"/": answer(versions(10))}


class Canned(asyncio.Protocol):
    """One connection: a request in, its answer out."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self.received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.received) < whole:
                return
            path = self.received.split(b" ", 2)[1]
            self.received = self.received[whole:]
            self.transport.write(next(body for prefix, body in ANSWERS.items() if path.startswith(prefix)))


async def serve() -> None:
    """Listen on a free loopback port, print it, and go on until killed."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
