"""How a backend is made that has one mistake: its operations, requests, signatures or answers, changed."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from otabridge.errors import OutcomeUnknownError
from otabridge.flow import Flow, Steps, flow
from otabridge.models import Page
from otabridge.signing import Credential
from otabridge.wire import Request

Kind = type[Any]
Make = Callable[[Kind], Kind]
MUTANTS: dict[str, tuple[Kind, Make]] = {}


def mutant(base: Kind) -> Callable[[Make], Make]:
    """A row of the table: the function's name says the mistake, and it makes the class."""

    def row(make: Make) -> Make:
        MUTANTS[make.__name__] = base, make
        return make

    return row


def made(name: str) -> Kind:
    base, make = MUTANTS[name]
    return make(base)


def like(base: Kind, name: str) -> Callable[[Any], Any]:
    """Give an operation the signature of the right one."""

    def signed(operation: Any) -> Any:
        operation.__signature__ = inspect.signature(getattr(base, name))
        return operation

    return signed


def wrapped(name: str, change: Callable[..., Any]) -> Make:
    """A class whose operation `name` gives what `change(self, result, arguments)` makes of the right result."""

    def make(base: Kind) -> Kind:
        def operation(self: Any, **given: Any) -> Flow[Any]:
            def steps() -> Steps[Any]:
                return change(self, (yield from getattr(base, name)(self, **given)), given)

            return Flow(steps(), name)

        return type(base.__name__, (base,), {name: like(base, name)(operation)})

    return make


def asked(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Make:
    """A class whose operation `name` is asked for something else."""

    def make(base: Kind) -> Kind:
        def operation(self: Any, **given: Any) -> Any:
            return getattr(base, name)(self, **change(given))

        return type(base.__name__, (base,), {name: like(base, name)(operation)})

    return make


def stepping(name: str, perform: Callable[[Any, Any], Steps[Any]]) -> Make:
    """A class whose operation `name` has each of its effects performed by `perform(self, effect)`."""

    def make(base: Kind) -> Kind:
        def operation(self: Any, **given: Any) -> Flow[Any]:
            def steps() -> Steps[Any]:
                inner = iter(getattr(base, name)(self, **given))
                try:
                    effect = next(inner)
                    while True:
                        try:
                            result = yield from perform(self, effect)
                        except Exception as error:
                            effect = inner.throw(error)
                        else:
                            effect = inner.send(result)
                except StopIteration as done:
                    return done.value

            return Flow(steps(), name)

        return type(base.__name__, (base,), {name: like(base, name)(operation)})

    return make


def sending(name: str, change: Callable[[Request], Request]) -> Make:
    """A class whose operation `name` sends other requests."""

    def perform(self: Any, effect: Any) -> Steps[Any]:
        return (yield change(effect) if isinstance(effect, Request) else effect)

    return stepping(name, perform)


def signing(change: Callable[..., Request]) -> Make:
    """A class whose signer gives what `change(signer, request, now, nonce)` does."""

    def make(base: Kind) -> Kind:
        class Wrong:
            def __init__(self, inner: Any) -> None:
                self.inner = inner
                self.kept: dict[Any, Any] = {}

            def sign(self, request: Request, *, now: datetime, nonce: str) -> Request:
                return change(self, request, now, nonce)

        class Mutant(base):
            @flow
            def credential(self) -> Steps[Credential]:
                right = yield from base.credential(self)
                return replace(right, signer=Wrong(right.signer))

        return Mutant

    return make


def drafting(**changes: Any) -> Make:
    """A class that makes other packages than it is asked for."""
    return asked("create_package", lambda given: given | {"draft": replace(given["draft"], **changes)})


def having(**members: Any) -> Make:
    return lambda base: type(base.__name__, (base,), members)


def rows(change: Callable[[Any], Any]) -> Callable[..., Page[Any]]:
    return lambda self, page, given: replace(page, items=tuple(map(change, page.items)))


def row(name: str, base: Kind, make: Make) -> None:
    MUTANTS[name] = base, make


def again(self: Any, effect: Any) -> Steps[Any]:
    try:
        return (yield effect)
    except OutcomeUnknownError:
        return (yield effect)
