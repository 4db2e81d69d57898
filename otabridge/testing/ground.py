"""The ground that conformance tests stand on: a cloud that can be filled, spoilt and looked into from behind.

By default it is the plugin's own facade, served on loopback over a store in memory. A backend that has none stands on
itself: what is behind it is a second client of the same.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from otabridge._exchange import Exchange
from otabridge.backend import Backend
from otabridge.capabilities import Capability, Level
from otabridge.client import Client
from otabridge.errors import ConflictError, ValidationError
from otabridge.facade import Reason
from otabridge.flow import Flow
from otabridge.models import Artifact, ModuleVersion, Package, Page
from otabridge.testing.clock import Clock
from otabridge.testing.tape import Deck, Tape
from otabridge.wire import Request, Response

T = TypeVar("T")
COLOURS = ("sync", "async")
BYTES = bytes(range(256)) * 300  # of a file
MANY = 230  # rows: more than the largest page of most clouds
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

    def text(self, field: str, *candidates: str) -> str | None:
        """The hardest text that the limits of a field allow, here and behind; None where there is no such field."""
        limits = [self.backend.limits, *([self.store.limits] if self.store else [])]
        rules = [limit for each in limits if (limit := each.text.get(field))]
        if any(rule.absent for rule in rules):
            return None
        given = self.ground.texts.get(field)
        for text in (self.own(field, text) for text in ((given,) if given else candidates or TEXTS)):
            if not any(rule.breach(text) for rule in rules):
                return text
        raise AssertionError(f"no text of the kit is allowed as {field}: give one, texts = {{{field!r}: ...}}")

    def own(self, field: str, text: str) -> str:
        """A text as no other product of the kit has it, where no two objects may share it."""
        return f"{text} {self.product}" if field in self.backend.traits.unique_keys else text

    def word(self, field: str, *candidates: str) -> str:
        """The same, of a field that every cloud has."""
        text = self.text(field, *candidates)
        assert text is not None, f"{field} cannot be absent"
        return text

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of modules that may be used on this cloud, in order."""
        return self.ground.modules

    def some_modules(self, count: int) -> tuple[str, ...]:
        """So many of them; the test is skipped where there are fewer."""
        if len(self.modules) < count:
            pytest.skip(f"needs {count} modules, and this cloud has {len(self.modules)}: {', '.join(self.modules)}")
        return self.modules[:count]

    def lay(self, count: int = 1) -> tuple[str, ...]:
        """Modules of the product, made from behind unless they are there."""
        names = self.some_modules(count)
        if self.store and self.store.supports(Capability.CREATE_MODULE):
            for name in set(names) - self.backend.builtins.keys():
                with suppress(ConflictError):
                    self.store.modules.create(name, product=self.product)
            self.settle()
        return names

    def device(self, number: int = 0) -> str:
        """The name of a device that no other product has."""
        return f"{self.product}_{number}"

    def title(self, module: str, version: str) -> str:
        """The name of a package that no other has."""
        return re.sub("[^A-Za-z0-9]+", "_", f"{self.product} {module} {version}")

    def ours(self, rows: Iterable[Any]) -> list[Any]:
        """Rows less those that the kit has not laid: built-in modules, unless they are used, and what is believed."""
        return [
            row
            for row in rows
            if (not getattr(row, "builtin", False) or row.name in self.modules)
            and getattr(row, "source", "reported") == "reported"
        ]

    def begin(self) -> None:
        """Have the product come into being, where that can be done from behind."""
        if self.ground.reports and self.ground.begins:
            self.report({(self.device(), self.modules[0]): "1.0"})

    def report(self, rows: Mapping[tuple[str, str], str]) -> None:
        """Have devices report versions: (device, module) -> version."""
        self.ground.report(self.product, rows)

    def package(self, version: str, module: str = "", **more: Any) -> Package:
        """A package made from behind, of no files where that can be, unless `more` has some."""
        assert self.store is not None
        module = module or self.modules[0]
        named = self.ground.server or "package.name" in self.backend.limits.text
        given = ({"name": self.title(module, version)} if named else {}) | more
        try:
            given.setdefault("artifacts", [] if self.ground.server else [self.ground.artifact(self)])
            return self.store.packages.create(product=self.product, module=module, version=version, **given)
        except ValidationError as error:
            if self.ground.server is None:
                pytest.skip(f"no package can be made on this ground: {error}")
            raise

    def another(self, **changes: Any) -> "Cloud":
        """A second client of the same cloud, which remembers nothing of the first."""
        return self.ground.cloud(self.colour, product=self.product, **changes)

    def settle(self) -> None:
        """Let so much time pass that lists show what was made."""
        if self.backend.traits.list_lag_seconds:
            self.clock.wait(self.backend.traits.list_lag_seconds + 0.1)

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
        folder: Path,
        product: Callable[[int], str],
        modules: tuple[str, ...],
        texts: Mapping[str, str],
        report: Callable[[Any, str, Mapping[tuple[str, str], str]], None] | None,
        begins: bool,
        artifact: Callable[[Cloud], Artifact],
    ) -> None:
        self.kind = kind
        self.clock = clock
        self.store = store
        self.server = server
        self.facade = facade
        self.modules = modules or usual_modules(kind)
        self.texts = texts
        self.artifact = artifact
        self.begins = begins
        self._settings = dict(settings)
        self._product = product
        self._folder = folder
        self._report = report
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

    def file(self) -> Path:
        """A file to publish."""
        path = self._folder / "app.bin"
        path.write_bytes(BYTES)
        return path

    @property
    def reports(self) -> bool:
        """Whether devices can be made to report."""
        support = self.kind.capabilities.get(Capability.REPORT_MODULE_VERSIONS)
        return bool(self.server or self._report or (support and support.level.usable))

    def report(self, product: str, rows: Mapping[tuple[str, str], str]) -> None:
        """Have devices report versions: (device, module) -> version."""
        if self._report and not self.server:
            self._report(self.config(), product, rows)
            return
        assert self.store is not None
        self.store.devices.report_versions(
            ModuleVersion(product=product, device=device, module=module, version=version)
            for (device, module), version in rows.items()
        )


def usual_modules(kind: type[Backend]) -> tuple[str, ...]:
    """Names for modules: any, but on a cloud that has the built-in ones alone these."""
    support = kind.capabilities.get(Capability.CREATE_MODULE)
    if kind.builtins and (not support or support.level is Level.UNSUPPORTED):
        return tuple(kind.builtins)
    return tuple(f"unit_{number}" for number in range(MANY))
