"""A made-up cloud in a folder that is as bad as one can be: no unique names, and lists that lag.

Its time stands still but for those who sleep, and goes on where it was when a process is killed.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any, ClassVar

from otabridge.capabilities import Capability, Support
from otabridge.errors import NotFoundError
from otabridge.files import check, digests_of, file_name
from otabridge.flow import Steps, flow, local
from otabridge.models import Artifact, Checksum, LocalLocation, Module, ModuleVersion, Package, PackageDraft, Page
from otabridge.plugin import CONTRACT, NATIVE, Backend, Settings, Traits
from otabridge.signing import World

LAG = 5.0
_DONE = (
    *("list_modules", "create_module", "list_packages", "get_package", "create_package", "list_module_versions"),
    *("stage_artifact", "open_artifact"),
)


class BazaarSettings(Settings):
    folder: str


class Bazaar(Backend):
    """Each object is a file. Only a package's own id finds it at once."""

    name = "bazaar"
    contract = CONTRACT
    settings = BazaarSettings
    capabilities: ClassVar[Mapping[Capability, Support]] = {Capability(name): NATIVE for name in _DONE}
    traits = Traits(unique_keys={}, list_lag_seconds=LAG, cursors="keyset")

    def __init__(self, config: BazaarSettings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        self._folder = Path(config.folder)
        for name in ("module", "package", "bytes"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def everything(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, late or not."""
        return [json.loads(path.read_text()) for path in sorted((self._folder / kind).iterdir())]

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        rows = yield from self._listed("module", product=product)
        return Page(tuple(Module(**row) for row in rows))

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        row = {"product": product, "name": name, "alias": alias, "description": description}
        return Module(**(yield from self._kept("module", row)))

    @flow
    def list_packages(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[Package]]:
        rows = yield from self._listed("package", product=product, module=module, version=version)
        return Page(tuple(map(_package, rows)))

    @flow
    def get_package(self, *, package_id: str) -> Steps[Package]:
        rows = yield from local(lambda: self.everything("package"))
        for row in rows:
            if row["id"] == package_id:
                return _package({name: value for name, value in row.items() if name != "seen"})
        raise NotFoundError(f"no package {package_id}")

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        row = {name: getattr(draft, name) for name in ("product", "module", "version", "kind", "name", "description")}
        row |= {"custom_info": draft.custom_info, "source_versions": draft.source_versions}
        row["artifacts"] = [(each.name, each.size, each.checksum and each.checksum.hex) for each in draft.artifacts]
        return _package((yield from self._kept("package", row)))

    @flow
    def stage_artifact(self, *, path: Path, filename: str) -> Steps[Artifact]:
        found = yield from local(lambda: digests_of(path))
        yield from local(lambda: copyfile(path, self._folder / "bytes" / found.sha256))
        return _artifact(filename, found.size, found.sha256)

    @flow
    def open_artifact(self, *, artifact: Artifact, folder: Path) -> Steps[Path]:
        assert artifact.checksum
        source, target = (
            self._folder / "bytes" / artifact.checksum.hex,
            folder / file_name(artifact, artifact.checksum.hex),
        )
        folder.mkdir(parents=True, exist_ok=True)
        yield from local(lambda: copyfile(source, target))
        check(artifact, (yield from local(lambda: digests_of(target))))
        return target

    @flow
    def list_module_versions(
        self,
        *,
        product: str | None = None,
        device: str | None = None,
        device_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[ModuleVersion]]:
        yield from ()
        raise NotFoundError("it has no devices")

    def _kept(self, kind: str, row: dict[str, Any]) -> Steps[dict[str, Any]]:
        row["id"] = self.world.nonce()
        seen = (self.world.now() + timedelta(seconds=self.traits.list_lag_seconds)).isoformat()
        draft = self._folder / f".{row['id']}"
        yield from local(lambda: draft.write_text(json.dumps({**row, "seen": seen})))
        yield from local(lambda: draft.rename(self._folder / kind / row["id"]))
        return row

    def _listed(self, kind: str, **wanted: str | None) -> Steps[list[dict[str, Any]]]:
        now = self.world.now().isoformat()
        rows = yield from local(lambda: self.everything(kind))
        asked = {name: value for name, value in wanted.items() if value is not None}
        return [row for row in rows if row.pop("seen") <= now and asked.items() <= row.items()]


class Prompt(Bazaar):
    """The same with lists that do not lag."""

    name = "prompt"
    traits = replace(Bazaar.traits, list_lag_seconds=0.0)


def stopped_clock(path: Path, **more: Any) -> World:
    """A world whose time is in a file, and moves when somebody sleeps."""
    start = datetime(2026, 5, 1, tzinfo=UTC)

    def elapsed() -> float:
        return path.stat().st_size / 1000 if path.exists() else 0.0

    def sleep(seconds: float) -> None:
        with path.open("ab") as file:
            file.write(b"." * int(seconds * 1000))

    async def asleep(seconds: float) -> None:
        sleep(seconds)

    return World(now=lambda: start + timedelta(seconds=elapsed()), sleep=sleep, asleep=asleep, **more)


def _artifact(name: str, size: int, digest: str) -> Artifact:
    checksum, lies = Checksum(algorithm="sha256", hex=digest), LocalLocation(sha256=digest)
    return Artifact(name=name, size=size, checksum=checksum, location=lies)


def _package(row: dict[str, Any]) -> Package:
    artifacts = tuple(_artifact(*each) for each in row["artifacts"])
    return Package(**{**row, "artifacts": artifacts, "source_versions": tuple(row["source_versions"])})
