"""What every group of conformance tests shares: the attributes that a subclass sets, and the fixtures made of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from otabridge.backend import Backend
from otabridge.capabilities import Capability, Level, Support
from otabridge.errors import InvalidRequestError, ValidationError
from otabridge.models import Artifact, Checksum, Package, PackageDraft, UrlLocation
from otabridge.registry import Registry
from otabridge.settings import Settings
from otabridge.testing.ground import BYTES, COLOURS, Cloud, Ground
from otabridge.testing.grounds import laid, laid_live

BEHIND = "needs the plugin's facade, behind which the kit can look: name it as `facade`"
PLACED = "give an artifact that lies where this cloud wants it: def artifact(self, cloud)"
Versions = Mapping[tuple[str, str], str]


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


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a test fails, and as what: a failure of another class is none that is known."""

    reason: str
    raises: type[BaseException] | tuple[type[BaseException], ...] | None = None


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
    # How devices report to a server that the kit has not made: it is given settings, product, (device, module) ->
    # version. Without it the backend's own report_module_versions is tried.
    report: ClassVar[Callable[[Any, str, Versions], None] | None] = None
    # Whether a product comes into being with its first report; not where its first module makes it.
    begins: ClassVar[bool] = True
    # Files below `cassettes` -> what they are of, for a backend with the settings `recorded`; parameters named in
    # `varying` (time, nonce, signature) are not compared.
    cassettes: ClassVar[Path | None] = None
    exchanges: ClassVar[Mapping[str, Exchange]] = {}
    recorded: ClassVar[Mapping[str, Any]] = {}
    varying: ClassVar[frozenset[str]] = frozenset()
    # A test, or `test[parameter]` -> the reason why it fails: it then must fail.
    known_gaps: ClassVar[Mapping[str, str | Gap]] = {}
    # Makes a product id of a number.
    product: ClassVar[Callable[[int], str]] = staticmethod("kit{:05}".format)
    # Names of modules to use; by default any, or the built-in ones of a cloud that has no others.
    modules: ClassVar[tuple[str, ...]] = ()
    # A field, as `module.alias` -> a text that the cloud allows there, where it allows none of the kit's.
    texts: ClassVar[Mapping[str, str]] = {}

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
        if target == "live" and cls.live is None:
            pytest.skip(f"{cls.__name__} has no `live` settings")

        def report(settings: Settings, product: str, versions: Versions) -> None:
            assert cls.report is not None
            cls.report(settings, product, versions)

        manners: dict[str, Any] = {
            "folder": folder,
            "product": cls.product,
            "modules": cls.modules,
            "texts": cls.texts,
            "report": report if cls.report else None,
            "begins": cls.begins,
            "artifact": lambda cloud: cls().artifact(cloud),
        }
        if target == "live":
            return laid_live(kind, cls.live or {}, **manners)
        return laid(kind, kind.name if cls.facade == "" else cls.facade, cls.settings, **manners)

    # --- what is published: a class that knows better overrides these -------------------------------------------------

    def artifact(self, cloud: Cloud) -> Artifact:
        """A file that lies where the cloud wants it: brought there if it can be, else behind a URL of nobody's."""
        limits = cloud.backend.limits
        name = f"app{next(iter(limits.artifact_suffixes), '.bin')}"
        if cloud.supports(Capability.STAGE_ARTIFACT):
            staged: Artifact = cloud.do(Capability.STAGE_ARTIFACT, path=cloud.ground.file(), filename=name)
            return staged
        algorithm = "md5" if limits.checksums == ("md5",) else "sha256"
        return Artifact(
            name=name,
            size=len(BYTES),
            checksum=Checksum(algorithm=algorithm, hex="5a" * (16 if algorithm == "md5" else 32)),  # type: ignore[arg-type]
            location=UrlLocation(url=f"https://files.example.com/{name}"),
        )

    def draft(self, cloud: Cloud, version: str = "1.0") -> PackageDraft:
        """What is to be made: every text that the cloud has, as hard as it allows."""
        (module,) = cloud.lay()
        limits = cloud.backend.limits
        return PackageDraft(
            product=cloud.product,
            module=module,
            version=version,
            source_versions=("0.9",) if limits.source_versions != 0 else (),
            name=cloud.title(module, version) if "package.name" in limits.text else None,
            description=cloud.text("package.description"),
            custom_info=cloud.text("package.custom_info"),
            artifacts=(self.artifact(cloud),),
        )

    def publish(self, cloud: Cloud, draft: PackageDraft) -> Package:
        """The package of a draft; skipped where the file of the kit lies in the wrong place."""
        try:
            made: Package = cloud.do(Capability.CREATE_PACKAGE, draft=draft)
        except (ValidationError, InvalidRequestError) as error:
            unplaced = getattr(error, "field", "artifact").startswith(("artifact", "package.artifacts", "object"))
            if type(self).artifact is Suite.artifact and unplaced:
                pytest.skip(f"{PLACED} ({error})")
            raise
        return made

    # --- fixtures -----------------------------------------------------------------------------------------------------

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
                    has(kind, operation)
        if item.get_closest_marker("otabridge_behind") and request.getfixturevalue("ground").server is None:
            pytest.skip(BEHIND)


def has(kind: type[Backend], operation: Capability) -> None:
    """Skip the test, in the table's own words, where an operation is not there."""
    support = kind.capabilities.get(operation, Support(Level.UNSUPPORTED))
    if not support.level.usable:
        pytest.skip(f"{operation}: {support.note or support.level.value}")
