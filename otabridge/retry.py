"""When a request is repeated, and after how long: a pure policy, and a budget against multiplying an outage."""

import threading
from dataclasses import dataclass

from otabridge.errors import (
    ConnectError,
    OtaBridgeError,
    OutcomeUnknownError,
    ProtocolError,
    RateLimitError,
    ServerError,
    TransportError,
)
from otabridge.wire import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts and waits in seconds: full jitter below a doubling ceiling; `Retry-After` obeyed up to a minute."""

    attempts: int = 4
    base: float = 0.2
    throttled_base: float = 1.0
    cap: float = 20.0
    longest_retry_after: float = 60.0
    deadline: float = 180.0

    def wait(self, attempt: int, error: OtaBridgeError, jitter: float) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1), or None to give up."""
        if attempt >= self.attempts:
            return None
        asked: float | None = getattr(error, "retry_after", None)
        if asked is not None:
            return asked if asked <= self.longest_retry_after else None
        base = self.throttled_base if isinstance(error, RateLimitError) else self.base
        return min(self.cap, base * 2.0 ** (attempt - 1)) * jitter


def repeatable(request: Request, error: OtaBridgeError) -> bool:
    """Whether sending again is safe: always where nothing was executed, else for reads alone."""
    if isinstance(error, ConnectError | RateLimitError):
        return True
    return request.read and isinstance(error, TransportError | ServerError)


def outcome(request: Request, error: OtaBridgeError) -> OtaBridgeError:
    """The error to raise: a write whose answer was lost, or not given by the service itself, has an unknown outcome."""
    gateway = isinstance(error, ServerError) and (not error.code or error.status in (502, 503, 504))
    lost = gateway or isinstance(error, TransportError | ProtocolError)
    if request.read or not lost or isinstance(error, ConnectError):
        return error
    assert isinstance(error, ServerError | TransportError | ProtocolError)
    message = (
        f"the answer to {request.operation} was lost, so it may or may not have taken effect ({error}): "
        "look before repeating it"
    )
    return OutcomeUnknownError(message, **error.facts())


class Budget:
    """Retries of one client: each costs one, success pays back what it cost; an outage empties it."""

    def __init__(self, capacity: int = 30) -> None:
        self._capacity = capacity
        self._left = float(capacity)
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry, if there is one left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def give(self, retries: int) -> None:
        """A request succeeded after so many retries."""
        if retries or self._left < self._capacity:
            with self._lock:
                self._left = min(self._capacity, self._left + retries + 0.5)
