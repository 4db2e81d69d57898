"""The ground that conformance tests stand on: a cloud that can be filled, spoilt and looked into from behind.

By default it is the plugin's own facade, served on loopback over a store in memory. A backend that has none stands on
itself: what is behind it is a second client of the same.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest

from otabridge._exchange import Exchange
from otabridge.backend import Backend
from otabridge.capabilities import Capability
from otabridge.client import Client
from otabridge.errors import ValidationError
from otabridge.facade import Reason
from otabridge.flow import Flow
from otabridge.models import ModuleVersion, Package, Page
from otabridge.testing.clock import Clock
from otabridge.testing.tape import Deck, Tape
from otabridge.wire import Request, Response

T = TypeVar("T")
COLOURS = ("sync", "async")
MOST_PAGES = 1000  # of one walk: a cursor that goes in a circle ends here
CANARY = "Kit-Canary-0f9c2b7e/+="  # stands for a secret that must show nowhere
# Texts that are hard to encode, hardest first: a test takes the first that the cloud's limits allow.
TEXTS = (
    "a~b*c+d e/é%41&=?#'\"<>\\主控🙂",
    "a~b*c+d e/é%41&=?主控",
    "a_b-c d.主控",
    "主控_a-b.c",
    "a~b*c+d e/%41&=?",
    "a_b-c.d",
    "a_b",
    "abc",
)


class Cloud:
    """One client of the backend under test. `store` is a client of what lies behind it; `tape` has its requests."""

    def __init__(self, ground: "Ground", backend: Backend, colour: str, product: str) -> None:
        self.ground = ground
        self.backend = backend
        self.colour = colour
        self.product = product
        self.clock = ground.clock
        self.store = ground.store
        self._deck = Deck(Exchange(backend), colour)

    @property
    def tape(self) -> Tape:
        return self._deck.tape

    def run(self, flow: Flow[T]) -> T:
        """The result of an operation."""
        return self._deck.run(flow)

    def do(self, operation: Capability | str, **arguments: Any) -> Any:
        """The result of an operation by its name, its arguments checked as a client checks them."""
        name = str(operation)
        self.backend.admit(name, arguments)
        return self.run(getattr(self.backend, name)(**arguments))

    def pages(self, operation: Capability | str, **arguments: Any) -> Iterator[Page[Any]]:
        """Every page of a list."""
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = self.do(operation, cursor=cursor, **arguments)
            yield page
            cursor = page.cursor
            if cursor is None:
                return
        raise AssertionError(f"{operation} never ends: {MOST_PAGES} pages, and there is still a cursor")

    def rows(self, operation: Capability | str, **arguments: Any) -> list[Any]:
        """Every row of a list."""
        return [row for page in self.pages(operation, **arguments) for row in page.items]

    def supports(self, *operations: Capability) -> bool:
        return all(
            operation in self.backend.capabilities and self.backend.capabilities[operation].level.usable
            for operation in operations
        )

    def text(self, field: str, *candidates: str) -> str:
        """The hardest text that the limits of a field allow, here and behind."""
        limits = [self.backend.limits, *([self.store.limits] if self.store else [])]
        rules = [limit for each in limits if (limit := each.text.get(field))]
        for text in candidates or TEXTS:
            if not any(rule.breach(text) for rule in rules):
                return text
        raise AssertionError(f"no text of the kit is allowed as {field}: give one in `texts`")

    def another(self, **changes: Any) -> "Cloud":
        """A second client of the same cloud, which remembers nothing of the first."""
        return self.ground.cloud(self.colour, product=self.product, **changes)

    def settle(self) -> None:
        """Let so much time pass that lists show what was made."""
        if self.backend.traits.list_lag_seconds:
            self.clock.wait(self.backend.traits.list_lag_seconds + 1)

    def close(self) -> None:
        self._deck.close()


class Ground:
    """What all tests of one class share: the server, its clock, and products that no other test has."""

    _numbers = itertools.count(1)

    def __init__(
        self,
        kind: type[Backend],
        settings: Mapping[str, Any],
        *,
        clock: Clock,
        store: Client | None,
        server: Any = None,
        facade: str | None = None,
        product: Callable[[int], str],
    ) -> None:
        self.kind = kind
        self.clock = clock
        self.store = store
        self.server = server
        self.facade = facade
        self._settings = dict(settings)
        self._product = product
        self._open = ExitStack()

    def __repr__(self) -> str:
        return f"<ground of {self.kind.name}>"

    def config(self, **changes: Any) -> Any:
        """The settings of a client; None leaves a field out."""
        given = self._settings | changes
        return self.kind.settings(**{name: value for name, value in given.items() if value is not None})

    def cloud(self, colour: str = "sync", *, product: str = "", **changes: Any) -> Cloud:
        """A new client, closed with the test."""
        backend = self.kind(self.config(**changes), world=self.clock.world)
        cloud = Cloud(self, backend, colour, product or self._product(next(self._numbers)))
        self._open.callback(cloud.close)
        return cloud

    def close_clouds(self) -> None:
        """Close every client that a test has made."""
        self._open.close()

    def refusal(self, request: Request, reason: Reason) -> Response:
        """What the cloud says of a request for a reason of its own, in its own words."""
        from otabridge.testing.facades import Mirror

        assert self.facade is not None
        mirror = Mirror(self.facade, self)
        try:
            answer = mirror.facade.refuse(mirror.call(request), reason)
        finally:
            mirror.close()
        return Response(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)

    def begin(self, product: str) -> None:
        """Have a product come into being, where that can be done from behind."""
        support = self.kind.capabilities.get(Capability.REPORT_MODULE_VERSIONS)
        if self.server is not None or (support and support.level.usable):
            self.report(product, {("unit", "unit_0"): "1.0"})

    def package(self, product: str, version: str, **more: Any) -> Package:
        """A package of the module `unit_0`, of no files unless `more` has some."""
        assert self.store is not None
        name = f"{product}_{version}".replace(".", "_")
        try:
            return self.store.packages.create(
                product=product, module="unit_0", version=version, **({"name": name, "artifacts": []} | more)
            )
        except ValidationError as error:
            if self.server is None:
                pytest.skip(f"no package can be made on this ground: {error}")
            raise

    def report(self, product: str, rows: Mapping[tuple[str, str], str]) -> None:
        """Have devices report versions: (device, module) -> version."""
        assert self.store is not None
        self.store.devices.report_versions(
            ModuleVersion(product=product, device=device, module=module, version=version)
            for (device, module), version in rows.items()
        )
