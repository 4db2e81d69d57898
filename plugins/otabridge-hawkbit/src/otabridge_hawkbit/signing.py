"""HTTP Basic: the one way to authenticate that both the old and the new servers have."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime

from otabridge.plugin import Request


@dataclass(frozen=True, slots=True)
class BasicSigner:
    """Names the user on every request. Which tenant that means is for the server to know."""

    username: str
    password: str = field(repr=False)

    @property
    def token(self) -> str:
        """What travels."""
        return b64encode(f"{self.username}:{self.password}".encode()).decode()

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
        """The request as it is sent."""
        wire = request.on_wire()
        return wire.with_target(wire.target, headers=(*wire.headers, ("Authorization", f"Basic {self.token}")))
