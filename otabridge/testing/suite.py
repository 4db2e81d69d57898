"""What every group of conformance tests shares: the attributes that a subclass sets, and the fixtures made of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from otabridge.backend import Backend
from otabridge.capabilities import Capability, Level, Support
from otabridge.registry import Registry
from otabridge.testing.ground import COLOURS, Cloud, Ground
from otabridge.testing.grounds import laid, laid_live

BEHIND = "needs the plugin's facade, behind which the kit can look: name it as `facade`"


def needs(*operations: Capability) -> pytest.MarkDecorator:
    """The test is skipped, with the table's own words, where one of these operations is not there."""
    return pytest.mark.otabridge_needs(*operations)


def covers(*operations: Capability) -> pytest.MarkDecorator:
    """The test proves something of these operations; it needs them too."""
    return pytest.mark.otabridge_covers(*operations)


looks_behind = pytest.mark.otabridge_behind


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a cassette is of: an operation, its arguments, and what it returns (of a list its rows) or raises."""

    operation: Capability | str
    arguments: Mapping[str, Any]
    result: Any


class Suite:
    """Attributes of a conformance class; all but `backend` may be left out."""

    # The name of an installed backend, or its class.
    backend: ClassVar[str | type[Backend]]
    # The facade that it is tried against, by default the one of the backend's name; None if there is none.
    facade: ClassVar[str | None] = ""
    # Laid over the settings that the server tells.
    settings: ClassVar[Mapping[str, Any]] = {}
    # The settings of a real server, for `--otabridge-target=live`: what tests make, they leave there.
    live: ClassVar[Mapping[str, Any] | None] = None
    # Files below `cassettes` -> what they are of, for a backend with the settings `recorded`; parameters named in
    # `varying` (time, nonce, signature) are not compared.
    cassettes: ClassVar[Path | None] = None
    exchanges: ClassVar[Mapping[str, Exchange]] = {}
    recorded: ClassVar[Mapping[str, Any]] = {}
    varying: ClassVar[frozenset[str]] = frozenset()
    # A test, or `test[parameter]` -> the reason why it fails: it then must fail.
    known_gaps: ClassVar[Mapping[str, str]] = {}
    # Makes a product id of a number.
    product: ClassVar[Callable[[int], str]] = staticmethod("kit{:05}".format)

    @classmethod
    def kind_of(cls) -> type[Backend]:
        """The backend's class."""
        return Registry().backend(cls.backend) if isinstance(cls.backend, str) else cls.backend

    @classmethod
    def lay(cls, folder: Path, target: str = "facade") -> AbstractContextManager[Ground]:
        """The ground for all tests of the class; `folder` is its own."""
        kind = cls.kind_of()
        if target == "cassette":
            pytest.skip("a cassette is no ground: only what is on record is tried")
        if target == "live":
            if cls.live is None:
                pytest.skip(f"{cls.__name__} has no `live` settings")
            return laid_live(kind, cls.live, product=cls.product)
        facade = kind.name if cls.facade == "" else cls.facade
        return laid(kind, facade, cls.settings, folder=folder, product=cls.product)

    @pytest.fixture
    def kind(self) -> type[Backend]:
        """The backend's class."""
        return self.kind_of()

    @pytest.fixture
    def ground(self, otabridge_ground: Ground) -> Ground:
        """Where all tests of the class take place."""
        return otabridge_ground

    @pytest.fixture(params=COLOURS)
    def colour(self, request: pytest.FixtureRequest) -> str:
        """Sync or async."""
        return str(request.param)

    @pytest.fixture
    def cloud(self, ground: Ground, colour: str) -> Iterator[Cloud]:
        """A client with a product of its own."""
        try:
            yield ground.cloud(colour)
        finally:
            ground.close_clouds()

    @pytest.fixture(autouse=True)
    def _gate(self, request: pytest.FixtureRequest, kind: type[Backend]) -> None:
        item = request.node
        for name in ("otabridge_needs", "otabridge_covers"):
            for mark in item.iter_markers(name):
                for operation in mark.args:
                    support = kind.capabilities.get(operation, Support(Level.UNSUPPORTED))
                    if not support.level.usable:
                        pytest.skip(f"{operation}: {support.note or support.level.value}")
        if item.get_closest_marker("otabridge_behind") and request.getfixturevalue("ground").server is None:
            pytest.skip(BEHIND)
