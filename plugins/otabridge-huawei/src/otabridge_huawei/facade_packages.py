"""Packages, served from any store: three types over the store's modules, and one file location over its artifacts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from otabridge.facade import TWINS, Answer
from otabridge.objects import PACKAGES
from otabridge.plugin import (
    Artifact,
    Capability,
    Checksum,
    Flow,
    ObjectLocation,
    Package,
    PackageDraft,
    Page,
    Steps,
    UnsupportedError,
    ValidationError,
    broken,
    local,
)
from otabridge.windows import Fetch, count
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei import schema_names as names
from otabridge_huawei.facade_calls import FacadeCalls, Given, answer, fixed, refuse
from otabridge_huawei.tables import BUILTIN_PACKAGES, LIMITS, MODULE_PACKAGE, PACKAGE_TYPES

_LIST = Capability.LIST_PACKAGES
_TEXTS = ("app", "type", "product", "version")


class PackageFacade(FacadeCalls):
    """The operations on packages."""

    def create_package(self, given: Given) -> Steps[Answer]:
        body = given.members(names.PACKAGE_BODY)
        place = wire.lies(body.pop("location", None))
        sources = _sources(body.pop("source_versions", []))
        said = wire.texts(names.PACKAGE_BODY, body, *_TEXTS)
        module = self._module(said["type"], said.get("module"))
        draft = PackageDraft(
            product=said["product"],
            module=module,
            version=said["version"],
            source_versions=sources,
            description=said.get("description"),
            custom_info=said.get("custom_info"),
            artifacts=(_artifact(place),),
        )
        LIMITS.check_draft(draft, skip="module.name" if module.startswith("@") else "")
        yield from self.admit_owner(draft.product, said["app"])
        yield from self._admit_object(place)
        made = yield from self._made(draft, place)
        yield from self.spaces.claim(draft.product, said["app"], made.id)
        told = yield from self._package_written(made, whole=True, made=given.call.now)
        return answer(given.call, told, 201)

    def list_packages(self, given: Given) -> Steps[Answer]:
        kind, app, product = given.needed("kind"), given.query.get("app"), given.query.get("product")
        version = given.query.get("version")
        if kind not in PACKAGE_TYPES:
            raise broken(names.QUERY["kind"], f"one of {', '.join(PACKAGE_TYPES)}", kind, "change the value")
        self.spaces.check(app)
        within = self.spaces.keep(app)

        def only(*modules: str | None) -> list[Fetch[Package]]:
            return [partial(self._fetched, product, module, version) for module in modules]

        def keep(row: Package) -> bool:
            return _type(row.module) == kind and (within is None or within(row.product, row.id))

        def total() -> Steps[int]:
            number = 0
            for share, lists in shares:
                for fetch in lists:
                    number += share * (yield from count(self.listed(_LIST, fetch)))
            return number

        builtins = {own: only(*self._twins(module)) for module, own in BUILTIN_PACKAGES.items()}
        lists = builtins.get(kind) or (only(None) if kind == MODULE_PACKAGE else [fixed()])
        # The packages of modules are those that are left of all, which need not be read to be counted.
        shares = [(1, lists), *((-1, own) for own in builtins.values() if kind == MODULE_PACKAGE)]
        return (
            yield from self.page(
                given,
                "packages",
                self.listed(_LIST, *lists, keep=keep if kind == MODULE_PACKAGE or within else None),
                lambda row: self._package_written(row, asked=app),
                lists=len(lists),
                total=None if within else total,
            )
        )

    def show_package(self, given: Given) -> Steps[Answer]:
        return answer(
            given.call, (yield from self._package_written((yield from self._found_package(given.id)), whole=True))
        )

    def delete_package(self, given: Given) -> Steps[Answer]:
        LIMITS.check_text("package.id", given.id)
        yield from self.store.delete_package(package_id=given.id)
        return answer(given.call, None, 204)

    def _found_package(self, wanted: str) -> Steps[Package]:
        LIMITS.check_text("package.id", wanted)
        return (yield from self.store.get_package(package_id=wanted))

    def _fetched(
        self, product: str | None, module: str | None, version: str | None, cursor: str | None, limit: int
    ) -> Flow[Page[Package]]:
        return self.store.list_packages(product=product, module=module, version=version, cursor=cursor, limit=limit)

    def _twins(self, module: str) -> list[str]:
        """Under which names the store has a built-in module, the one that is written to first."""
        known = [name for name in (module, TWINS.get(module, module)) if name in self.store.builtins]
        return sorted({*known}, key=lambda name: name != self.builtin(module))

    def _module(self, kind: str, module: str | None) -> str:
        """The store's module for a type of package. A name is refused with the other types (unverified)."""
        if kind == MODULE_PACKAGE:
            LIMITS.check_text("module.name", module)
            return str(module)
        (own,) = [name for name, other in BUILTIN_PACKAGES.items() if other == kind] or [""]
        if not own:
            raise broken(names.PACKAGE["type"], f"one of {', '.join(PACKAGE_TYPES)}", kind, "change the value")
        if module is not None:
            raise broken("module.name", f"only with {MODULE_PACKAGE}", module, "leave it out")
        if not self._twins(own):
            refuse(tables.NOT_HERE, f"the store has no packages of type {kind}")
        return self.builtin(own)

    def _made(self, draft: PackageDraft, place: Mapping[str, str]) -> Steps[Package]:
        """A package of an object, or, on a cloud behind that takes no objects, of the bytes that lie in our bucket."""
        try:
            return (yield from self.store.create_package(draft=draft))
        except (UnsupportedError, ValidationError) as error:
            stored = yield from local(lambda: self.site.objects.find(place["bucket"], place["key"]))
            if stored is None or getattr(error, "field", "artifact.location") != "artifact.location":
                raise
        brought = yield from self.store.stage_artifact(path=stored.path, filename=draft.artifacts[0].name)
        return (yield from self.store.create_package(draft=replace(draft, artifacts=(brought,))))

    def _admit_object(self, place: Mapping[str, str]) -> Steps[None]:
        """In strict mode, refuse an object that is not in the bucket; else nobody looks at it (unverified)."""
        bucket, key = place["bucket"], place["key"]
        if not tables.strict(self.site, "object"):
            return
        if (yield from local(lambda: self.site.objects.find(bucket, key))) is None:
            refuse(tables.NO_OBJECT, f"{bucket}/{key}"[:200])

    def _package_written(
        self, package: Package, *, asked: str | None = None, whole: bool = False, made: datetime = tables.UNKNOWN_TIME
    ) -> Steps[wire.Json]:
        """A package as the vendor writes it; in a list it is not `whole`, and has no file location."""
        kind = _type(package.module)
        more = yield from self.owner(package.product, asked, package.id)
        more["module"] = package.module if kind == MODULE_PACKAGE else None
        more["source_versions"] = list(package.source_versions) or None
        more["location"] = _location(package) if whole else None
        more["created_at"] = package.created_at or made
        words = ("id", "product", "version", "description", "custom_info")
        return wire.told(names.PACKAGE, package, *words, type=kind, **more)


def _type(module: str) -> str:
    """The type of a package, by its module in the store."""
    for name in (module, TWINS.get(module, "")):
        if name in BUILTIN_PACKAGES:
            return BUILTIN_PACKAGES[name]
    return MODULE_PACKAGE


def _sources(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(version, str) for version in value):
        raise broken("package.source_versions", "a list of texts", "", "change the value")
    return tuple(value)


def _artifact(place: Mapping[str, str]) -> Artifact:
    """The artifact of a file location. The object's size is not known."""
    if place.get("method", tables.DIGESTS[0]) not in tables.DIGESTS:
        raise broken(names.LOCATION["method"], f"one of {', '.join(tables.DIGESTS)}", place["method"], "leave it out")
    digest = place.get("digest")
    if digest is not None:
        LIMITS.check_text("artifact.checksum", digest)
    return Artifact(
        name=place["key"].rpartition("/")[2] or place["key"],
        checksum=Checksum(algorithm="sha256", hex=digest) if digest else None,
        location=ObjectLocation(region=place["region"], bucket=place["bucket"], key=place["key"]),
    )


def _location(package: Package) -> wire.Json | None:
    """Where a package's file lies: its object, or the one that the host makes of any other artifact."""
    for position, artifact in enumerate(package.artifacts[:1]):
        digest = artifact.checksum.hex if artifact.checksum and artifact.checksum.algorithm == "sha256" else None
        lies = artifact.location
        if not isinstance(lies, ObjectLocation):
            lies = ObjectLocation(region="local", bucket=PACKAGES, key=f"{package.id}/{position}/{artifact.name}")
        return wire.location(digest, region=lies.region, bucket=lies.bucket, key=lies.key)
    return None
