"""A hawkBit that answers from a script, as servers of any version do."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from clients import Clouds, Used
from hawkbit_server import Hawkbit

from otabridge import (
    OtaBridgeError,
)
from tests.support.runner import Script
from tests.support.world import FakeWorld

SITE = Hawkbit(url="http://127.0.0.1:9", username="admin", password="PassExample-0001")
ERRORS = "hawkbit.server.error."


def said(status: int, body: Any = None) -> httpx.Response:
    """An answer as the server gives it; None is one with no body and no type."""
    if body is None:
        return httpx.Response(status, headers={"content-length": "0"})
    headers = {"content-type": "application/hal+json"}
    return httpx.Response(status, headers=headers, content=json.dumps(body).encode())


def refused(status: int, code: str | None, message: str = "told by the server") -> httpx.Response:
    """A refusal of the server's own."""
    return said(status, {"exceptionClass": "x.y.Z", "errorCode": code and ERRORS + code, "message": message})


def listed(*rows: dict[str, Any], total: int | None = None) -> httpx.Response:
    return said(200, {"content": rows, "size": len(rows), "total": len(rows) if total is None else total})


def kind(key: str = "mcu", **more: Any) -> dict[str, Any]:
    return {"id": 7, "key": key, "name": key, "maxAssignments": 1, "deleted": False, "createdAt": 1, **more}


def unit(version: str = "1", **more: Any) -> dict[str, Any]:
    return {"id": 8, "name": "mcu", "type": "mcu", "version": version, "deleted": False, "createdAt": 1, **more}


class Play:
    """A client whose requests a script answers, in a world where waiting takes no time."""

    def __init__(self, clouds: Clouds, *replies: Any, **changes: Any) -> None:
        self.script = Script(*replies)
        self.world = FakeWorld()
        transport = httpx.MockTransport(self.script)
        self.used: Used = clouds.of(SITE, transport=transport, world=self.world.world, **changes)

    def fails(self, use: Callable[[Used], Any]) -> OtaBridgeError:
        """The error of a call, after which nothing is left of the script."""
        with pytest.raises(OtaBridgeError) as caught:
            use(self.used)
        assert self.script.replies == []
        return caught.value


BYTES = b"firmware" * 100
DIGESTS = {"sha256": hashlib.sha256(BYTES).hexdigest(), "md5": "0" * 32, "sha1": "0" * 40}
FILE = {"id": 9, "providedFilename": "a.bin", "size": len(BYTES), "hashes": DIGESTS}


def sent(data: bytes) -> httpx.Response:
    """An answer that is read as it comes."""
    return httpx.Response(200, stream=httpx.ByteStream(data))


class Shelf:
    """A server that keeps one package; what it answers otherwise is given as method, path below it, and answer."""

    def __init__(
        self,
        *otherwise: tuple[str, str, Callable[[], httpx.Response]],
        files: list[Any] | None = None,
        notes: list[Any] | None = None,
    ) -> None:
        files = [FILE] if files is None else files
        self.written: list[Any] = []
        self.asked: list[str] = []
        self._answers: dict[str, Callable[[], httpx.Response]] = {
            "GET ": lambda: said(200, unit()),
            "GET artifacts": lambda: said(200, files),
            "GET artifacts/9/download": lambda: sent(BYTES),
            "GET metadata": lambda: listed(*(notes or [] if self.written else [])),
            "POST all": lambda: said(201, [unit()]),
            "DELETE ": lambda: said(200),
        } | {f"{method} {path}": answer for method, path, answer in otherwise}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/rest/v1/softwaremodules").removeprefix("/8")
        asked = f"{request.method} {path.lstrip('/')}" if "/8" in request.url.path else f"{request.method} all"
        self.asked.append(asked)
        if asked == "POST metadata":
            self.written += json.loads(request.content)
        return self._answers[asked]()
