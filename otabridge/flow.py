"""Flows: operations as generators that yield what they need done, and never do it.

A runner runs a flow, sync or async: it performs each effect, sends the result in or throws the error in, and closes it.
"""

import functools
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from otabridge.errors import (
    ConflictError,
    NotFoundError,
    OtaBridgeError,
    OutcomeUnknownError,
    ProtocolError,
    ServerError,
)
from otabridge.retry import outcome
from otabridge.wire import Request, Response

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Local(Generic[T_co]):
    """Blocking local work (a database, a file): run in place by the sync runner, in a thread by the async one."""

    call: Callable[[], T_co] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Together(Generic[T_co]):
    """Run flows at the same time, at most `in_flight` of them; their results come back in order."""

    flows: "tuple[Flow[T_co], ...]" = field(repr=False)
    in_flight: int = 8


Effect = Request | Sleep | Local[Any] | Together[Any]
Steps = Generator[Effect, Any, T]


class Flow(Generic[T_co]):
    """One operation, not yet run. `yield from` it in another flow, or give it to a runner."""

    __slots__ = ("_steps", "name")

    def __init__(self, steps: "Steps[T_co]", name: str) -> None:
        self._steps: Steps[T_co] | None = steps
        self.name = name

    def __iter__(self) -> "Steps[T_co]":
        steps, self._steps = self._steps, None
        if steps is None:
            raise RuntimeError(f"flow {self.name} was run already: a flow runs once, so call the operation again")
        return steps

    def __repr__(self) -> str:
        return f"<flow {self.name}>"

    def close(self) -> None:
        """Give it up; it is not run any more."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def __del__(self) -> None:
        if self._steps is not None:
            self._steps.close()
            warnings.warn(f"flow {self.name} was never run", ResourceWarning, stacklevel=2)


class Operator(Protocol):
    """What `flow` needs of the class whose method it decorates: a check of the arguments before anything is sent."""

    def admit(self, operation: str, arguments: Mapping[str, Any]) -> None: ...


def flow(function: Callable[P, "Steps[T]"]) -> Callable[P, Flow[T]]:
    """Make a generator method an operation: its arguments are admitted, then it waits to be run."""

    @functools.wraps(function)
    def start(*args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        operator: Operator = args[0]  # type: ignore[assignment]  # a method's first argument is its object
        operator.admit(function.__name__, kwargs)
        return Flow(function(*args, **kwargs), function.__qualname__)

    return start


def send(request: Request) -> "Steps[Response]":
    """Send one request. An answer that is an error is raised here, by its class."""
    reply: Response = yield request
    return reply


def local(call: Callable[[], T]) -> "Steps[T]":
    """Do blocking local work and return its result."""
    result: T = yield Local(call)
    return result


def together(flows: Iterable[Flow[T]], *, in_flight: int = 8) -> "Steps[list[T]]":
    """Run flows at the same time, at most `in_flight` of them. The first error is raised, and the others given up."""
    given = tuple(flows)
    try:
        results: list[T] = yield Together(given, in_flight)
        return results
    finally:
        for each in given:
            each.close()


def settled(
    write: Request, look: Callable[[], "Steps[T | None]"], *, read: Callable[[Response], T], lag: float = 0.0
) -> "Steps[T]":
    """Send a write and `read` its answer; if that is lost, a failure or not understood, look for the write's effect.

    It is looked for at once and after `lag` seconds.

    The lost answer's error is raised if no look finds it; a ConflictError of a look says that it found something else.
    """
    try:
        return read((yield from send(write)))
    except (OutcomeUnknownError, ServerError) as error:
        lost: OtaBridgeError = error
    except ProtocolError as error:
        lost = outcome(write, error)
    for pause in (0.0, lag) if lag else (0.0,):
        if pause:
            yield Sleep(pause)
        try:
            found = yield from look()
        except ConflictError:
            raise
        except OtaBridgeError:
            continue  # a look that fails says nothing of the write, and its error would hide that one's
        if found is not None:
            return found
    raise lost


def or_none(steps: "Steps[T] | Flow[T]") -> "Steps[T | None]":
    """Their result; None if what they ask for is not there."""
    try:
        return (yield from steps)
    except NotFoundError:
        return None


def removed(
    request: Request,
    show: Callable[[], "Steps[object] | Flow[object]"],
    *,
    read: Callable[[Response], bool] = lambda _: True,
    lag: float = 0.0,
) -> "Steps[None]":
    """Send a deletion; if its answer is lost, `show` tells by a NotFoundError that it took effect."""

    def look() -> "Steps[bool | None]":
        try:
            yield from show()
        except NotFoundError:
            return True
        return None

    yield from settled(request, look, read=read, lag=lag)
