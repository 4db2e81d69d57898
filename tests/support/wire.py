"""Clients of a raw server: what they send, and how they take what it does."""

from dataclasses import dataclass
from typing import Any

import pytest

from otabridge.errors import (
    OtaBridgeError,
)
from otabridge.retry import RetryPolicy
from otabridge.wire import Request, Response
from tests.support.runner import Async, Bench, Sync
from tests.support.server import Behaviour, RawServer

ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True, slots=True)
class Plain:
    """A signer that writes a fixed target, and the headers it is given."""

    target: str
    headers: tuple[tuple[str, str], ...] = ()

    def sign(self, request: Request, **_: Any) -> Request:
        return Request(
            operation=request.operation,
            method=request.method,
            origin=request.origin,
            target=self.target,
            headers=self.headers,
            body=request.body,
        )


class Wire:
    """One way to the wire: makes clients of a raw server, and asks."""

    def __init__(self, colour: str) -> None:
        self.bench = Bench(colour)

    def client(self, server: RawServer | str, **settings: Any) -> "Sync | Async":
        policy = settings.pop("policy", ONCE)
        endpoint = server if isinstance(server, str) else server.url
        return self.bench.real(self.bench.acme(endpoint=endpoint, **settings), policy=policy)

    def ask(self, client: "Sync | Async", target: str = "/r", **parts: Any) -> Response:
        """One request, unsigned, with this exact target."""
        request = Request(
            operation="Read",
            origin=client.exchange.backend.config.endpoint,
            target=target,
            auth=False,
            **parts,
        )
        return client.run(client.exchange.backend.ask(request=request))

    def fails(self, *behaviours: Behaviour, **settings: Any) -> OtaBridgeError:
        """The error of one read that a server answers so."""
        with RawServer(*behaviours) as server:
            client = self.client(server, **settings)
            with pytest.raises(OtaBridgeError) as caught:
                self.ask(client)
            self.bench.close()
        return caught.value
