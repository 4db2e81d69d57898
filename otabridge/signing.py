"""What a signer and a credential are. Every dialect's own algorithm lives in its plugin."""

import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from otabridge.wire import Request


class Signer(Protocol):
    """A pure function: the same request, time and nonce give the same bytes.

    It returns the request with `target` set to the exact text of the request line, and its headers complete. One that
    only adds a header may leave target and form as they are: they are then encoded as `Request.on_wire` says.
    """

    def sign(self, request: Request, *, now: datetime, nonce: str) -> Request: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """A signer ready for use, until `expires_at`; `secrets` are texts that must never be shown."""

    signer: Signer | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def utc_now() -> datetime:
    return datetime.now(UTC)


def fresh_nonce() -> str:
    return uuid.uuid4().hex


async def _asleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class World:
    """Time, chance and waiting, so that a test can supply its own."""

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    nonce: Callable[[], str] = fresh_nonce
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    asleep: Callable[[float], Awaitable[None]] = _asleep
