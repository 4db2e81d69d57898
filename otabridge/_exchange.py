"""The engine that both runners share: it steps a flow and turns each of its requests into attempts.

Per attempt: credential, pace, sign, send, judge; around it: cure a stale credential or a wrong clock once, retry, log.
Itself a generator of effects, so that it does no I/O either: a runner performs what it yields.
"""

import logging
import threading
from collections.abc import Callable, Generator
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, Union

from otabridge.backend import Backend
from otabridge.errors import AuthenticationError, OtaBridgeError, ProtocolError, RateLimitError
from otabridge.flow import Effect, Flow, Local, Sleep
from otabridge.hookspecs import RequestFinished
from otabridge.pacing import Pacer
from otabridge.redact import Redactor
from otabridge.retry import Budget, RetryPolicy, outcome, repeatable
from otabridge.settings import Settings
from otabridge.signing import Credential
from otabridge.wire import Request, Response, http_date

T = TypeVar("T")
Step = Union[Effect, "Enter"]
log = logging.getLogger("otabridge")

EARLY = timedelta(seconds=60)  # a credential is renewed so long before it expires
SKEWED = timedelta(seconds=60)  # a smaller difference of clocks is not what a refusal is about
MOST_IN_FLIGHT = 32  # calls of one client; more wait in front of the pool
POLL = 0.05  # seconds between looks while another task fetches the credential


@dataclass(frozen=True, slots=True)
class Enter:
    """To a runner: a place among the calls in flight, with HTTP made ready; it answers with the way to leave.

    Taken before the turn: a request that waited behind its turn would be sent in a heap with others, its signature old.
    """

    origin: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings as the credential hooks left them, and until when they hold."""

    settings: Settings
    expires_at: datetime | None = None


class Exchange:
    """What one client remembers between requests: pace, retry budget, credential, clock skew. Threads may share it."""

    def __init__(
        self,
        backend: Backend,
        *,
        policy: RetryPolicy | None = None,
        expires_at: datetime | None = None,
        renew: Callable[[], Resolved] | None = None,
        observe: Callable[[RequestFinished], None] | None = None,
    ) -> None:
        self.backend = backend
        self.world = backend.world
        self.redactor = Redactor(backend.config.secrets())
        self._policy = policy or RetryPolicy()
        self._pacer = Pacer(backend.rates(), self.world)
        self._budget = Budget()
        self._expires_at = expires_at
        self._renew = renew
        self._observe = observe
        self._credential: Credential | None = None
        self._fetching = False
        self._fetches = 0
        self._failure: tuple[int, OtaBridgeError] | None = None
        self._lock = threading.Lock()
        self._skew: dict[str, timedelta] = {}

    def program(self, flow: Flow[T], *, auth: bool = True) -> Generator[Step, Any, T]:
        """Step a flow to its end; requests come out signed, one attempt at a time, or with `auth` False unsigned."""
        steps = iter(flow)
        try:
            effect = next(steps)
            while True:
                try:
                    if isinstance(effect, Request):
                        result = yield from self._send(effect if auth else replace(effect, auth=False))
                    else:
                        result = yield effect
                except Exception as error:
                    effect = steps.throw(error)
                else:
                    effect = steps.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
        except OtaBridgeError as error:
            self._name(error, flow.name.rpartition(".")[2])
            self._clean(error)
            raise
        finally:
            steps.close()

    def _send(self, request: Request) -> Generator[Step, Any, Response]:
        world = self.world
        deadline = world.monotonic() + self._policy.deadline
        pace = request.pace or request.operation
        cured: set[str] = set()
        attempt = 1
        while True:
            credential = Credential()
            if request.auth:
                credential = yield from self._current_credential()
            leave: Callable[[], None] = yield Enter(request.origin)
            try:
                if request.auth:
                    yield from self._pacer.turn(pace)
                began = world.monotonic()
                response, error = yield from self._attempt(request, credential)
            finally:
                leave()
            if error is not None:
                self._clean(error)
            if self._observe or log.isEnabledFor(logging.DEBUG):
                self._report(request, response, error, attempt, world.monotonic() - began)
            if error is None and response is not None:
                self._pacer.succeeded(pace)
                self._budget.give(attempt - 1)
                return response
            assert error is not None
            if isinstance(error, RateLimitError):
                self._pacer.throttled(pace)
            cure = self._cure(request, response, error, credential)
            if cure and cure not in cured:
                cured.add(cure)
                continue
            wait = self._policy.wait(attempt, error, world.jitter()) if repeatable(request, error) else None
            if wait is None or world.monotonic() + wait > deadline or not self._budget.take():
                break
            attempt += 1
            yield Sleep(wait)
        raise outcome(request, error)

    def _attempt(
        self, request: Request, credential: Credential
    ) -> Generator[Step, Any, tuple[Response | None, OtaBridgeError | None]]:
        if request.save_to is not None:
            request = request.save_to.resumed(request)
        if request.auth and credential.signer:
            now = self.world.now() + self._skew.get(request.origin, timedelta())
            signed = credential.signer.sign(request, now=now, nonce=self.world.nonce()).on_wire()
        else:
            signed = request.on_wire()
        response: Response | None = None
        try:
            response = yield signed
            return response, self.backend.judge(request, response)
        except OtaBridgeError as error:
            failure = error
        self._name(failure, request.operation)
        return response, failure

    def _name(self, error: OtaBridgeError, operation: str) -> None:
        """Say on an error whose it is, where it does not say so itself."""
        for name, value in (("backend", self.backend.name), ("operation", operation)):
            if getattr(error, name, None) == "":
                setattr(error, name, value)

    def _current_credential(self) -> Generator[Step, Any, Credential]:
        awaited = 0
        while True:
            with self._lock:
                held = self._credential
                if held and not (held.expires_at and self.world.now() > held.expires_at - EARLY):
                    return held
                # Who waited for a login that failed does not try the same again: a locked account helps nobody.
                if self._failure and self._failure[0] == awaited:
                    raise copy(self._failure[1])
                if not self._fetching:
                    self._fetching = True
                    self._fetches += 1
                    break
                awaited = self._fetches
            yield Sleep(POLL)
        try:
            if self._renew and self._expires_at and self.world.now() > self._expires_at - EARLY:
                resolved = yield Local(self._renew)
                self.backend.config, self._expires_at = resolved.settings, resolved.expires_at
                self.redactor.add(resolved.settings.secrets())
            # Unsigned, whatever the flow says: a request that waited for this very credential would wait for ever.
            held = yield from self.program(self.backend.credential(), auth=False)
            if self._expires_at and (held.expires_at is None or self._expires_at < held.expires_at):
                held = replace(held, expires_at=self._expires_at)
            self.redactor.add(held.secrets)
            self._credential = held
        except OtaBridgeError as error:
            self._failure = (self._fetches, error)
            raise
        finally:
            self._fetching = False
        return held

    def _cure(
        self, request: Request, response: Response | None, error: OtaBridgeError, credential: Credential
    ) -> str | None:
        """Mend what made the cloud refuse, if it can be: nothing was executed, so any request may be repeated."""
        if response is None or not request.auth:
            return None
        if (getattr(error, "code", None) or "").lower() in self.backend.STALE:
            with self._lock:
                if self._credential is credential:
                    self._credential = None
                    if self._renew:
                        self._expires_at = self.world.now()  # those settings have expired, whatever they said
            return "credential"
        theirs = http_date(response.header("date"))
        if isinstance(error, AuthenticationError) and theirs:
            skew = theirs - self.world.now()
            if abs(skew - self._skew.get(request.origin, timedelta())) > SKEWED:
                self._skew[request.origin] = skew
                return "clock"
        return None

    def _clean(self, error: OtaBridgeError) -> None:
        clean = self.redactor.clean
        error.args = tuple(clean(part) if isinstance(part, str) else part for part in error.args)
        for name in ("message", "code", "request_id"):
            value = getattr(error, name, None)
            if isinstance(value, str) and value:
                setattr(error, name, clean(value))
        if isinstance(error, ProtocolError):
            error.excerpt = self.redactor.clean_cut(error.excerpt)

    def _report(
        self, request: Request, response: Response | None, error: OtaBridgeError | None, attempt: int, seconds: float
    ) -> None:
        event = RequestFinished(
            backend=self.backend.name,
            operation=request.operation,
            method=request.method,
            url=self.redactor.clean(request.origin + request.path),
            attempt=attempt,
            seconds=seconds,
            status=response.status if response else None,
            code=getattr(error, "code", None),
            request_id=getattr(error, "request_id", None),
            error=type(error).__name__ if error else None,
        )
        log.debug(
            "%s %s: %s %s -> %s%s in %.0f ms, attempt %d",
            *(event.backend, event.operation, event.method, event.url),
            event.status or "no answer",
            f" {event.error} {event.code or ''}".rstrip() if event.error else "",
            event.seconds * 1000,
            event.attempt,
        )
        if self._observe:
            try:
                self._observe(event)
            except Exception as failure:  # a broken observer breaks itself alone: the answer is not lost for it
                log.warning("an observer of requests failed: %s", type(failure).__name__)
