"""Runners that keep every request a backend sends, and can spoil what comes back: one script for either colour."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from otabridge._exchange import Exchange, Step
from otabridge._runners import AsyncRunner, Runner
from otabridge.flow import Flow
from otabridge.wire import Request, Response

T = TypeVar("T")
# Takes a request that is about to be sent: None lets it pass; a response is given instead of sending it; an error is
# raised instead of sending it.
Before = Callable[[Request], Response | Exception | None]
# Takes a request and the answer to it: what the backend is given instead, or an error that hides the answer.
After = Callable[[Request, Response], Response | Exception]


@dataclass
class Tape:
    """What was sent, as it stood on the wire, and what came back; `before` and `after` spoil it while they are set."""

    sent: list[Request] = field(default_factory=list)
    answers: list[Response | Exception] = field(default_factory=list)
    before: Before | None = None
    after: After | None = None

    def begin(self, request: Request) -> Response | None:
        """What a request is answered with in place of sending it."""
        self.sent.append(request)
        instead = self.before(request) if self.before else None
        if isinstance(instead, Exception):
            self.answers.append(instead)
            raise instead
        if instead is not None:
            self.answers.append(instead)
        return instead

    def end(self, request: Request, response: Response) -> Response:
        """What the backend is given for an answer."""
        given = self.after(request, response) if self.after else response
        self.answers.append(given)
        if isinstance(given, Exception):
            raise given
        return given


class TapedRunner(Runner):
    """The sync runner, on tape."""

    tape: Tape

    def _perform(self, effect: Step) -> Any:
        if not isinstance(effect, Request):
            return super()._perform(effect)
        instead = self.tape.begin(effect)
        return instead if instead is not None else self.tape.end(effect, super()._perform(effect))


class TapedAsyncRunner(AsyncRunner):
    """The async runner, on tape."""

    tape: Tape

    async def _perform(self, effect: Step) -> Any:
        if not isinstance(effect, Request):
            return await super()._perform(effect)
        instead = self.tape.begin(effect)
        return instead if instead is not None else self.tape.end(effect, await super()._perform(effect))


class Deck:
    """Plays the flows of one engine, sync or in an event loop of its own, and waits for each."""

    def __init__(self, exchange: Exchange, colour: str) -> None:
        self.tape = Tape()
        self._loop = asyncio.Runner() if colour == "async" else None
        self._runner: TapedRunner | TapedAsyncRunner
        self._runner = TapedAsyncRunner(exchange) if self._loop else TapedRunner(exchange)
        self._runner.tape = self.tape

    def run(self, flow: Flow[T]) -> T:
        """The flow's result."""
        if isinstance(self._runner, Runner):
            return self._runner.run(flow)
        return self._await(self._runner.run(flow))

    def close(self) -> None:
        """Close connections and backend; twice does no harm."""
        if isinstance(self._runner, Runner):
            self._runner.close()
        elif self._loop:
            self._await(self._runner.aclose())
            self._loop.close()
            self._loop = None

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return self._loop.run(work)
