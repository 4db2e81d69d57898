"""Packages: created of an object in a bucket, listed type after type."""

import warnings

from otabridge.plugin import (
    Artifact,
    ObjectLocation,
    Package,
    PackageDraft,
    Page,
    PagingError,
    Steps,
    agreeing,
    broken,
    flow,
)
from otabridge_huawei import schema
from otabridge_huawei.artifacts import ArtifactCalls
from otabridge_huawei.calls import Place, place_at
from otabridge_huawei.tables import BUILTIN_PACKAGES, MODULE_PACKAGE, PACKAGE_TYPES


class PackageCalls(ArtifactCalls):
    """The operations on packages."""

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
        """One page of packages, type after type; rows lack their artifacts, which `get_package` has."""
        kinds, place = _walk_at(cursor, module)
        alone = module in self.builtins
        while True:
            found = yield from self._listed(
                "ListOtaPackageInfo",
                "ota-upgrades/packages",
                schema.PACKAGES,
                place,
                limit,
                kind=kinds[0],
                app=self._app(product),
                product=product,
                version=version,
            )
            rows = tuple(row for row in found.rows if module in (None, row.module))
            place = found.after
            if found.ended:
                # Nobody above knows how many there should be, as the lists are merged.
                if not alone:
                    place.check_complete()
                kinds, place = kinds[1:], Place()
            if rows or not kinds:
                following = f"{kinds[0]} {place.text() if place.seen else ''}" if kinds else None
                return Page(rows, following, found.count if alone else None)

    @flow
    def get_package(self, *, package_id: str) -> Steps[Package]:
        """One package. NotFoundError if there is none."""
        return (yield from self._package(package_id))

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        """Make a package of an object in a bucket."""
        artifact, location = _located(draft)
        if draft.verify:
            raise broken("package.verify", "this cloud verifies no packages", "True", "leave it out")
        if draft.name:
            warnings.warn(f"{self.name} keeps no names of packages: {draft.name!r} is dropped", stacklevel=2)
        body = schema.package_body(self._needed_app("CreateOtaPackage"), draft, artifact, location)
        request = self._write("CreateOtaPackage", "ota-upgrades/packages", body=body)

        def look() -> Steps[Package | None]:
            page = yield from self.list_packages(product=draft.product, module=draft.module, version=draft.version)
            made = next((row for row in page.items if row.version == draft.version), None)
            return agreeing(
                made and (yield from self._package(made.id)),
                lambda package: _facts(package) == _facts(draft),
                f"module {draft.module} has a package of version {draft.version} already, and it is another one",
            )

        return (yield from self._settled(request, look, schema.PACKAGE))

    @flow
    def delete_package(self, *, package_id: str) -> Steps[None]:
        """Withdraw a package; its object stays in the bucket. NotFoundError if there is none."""
        path = f"ota-upgrades/packages/{package_id}"
        yield from self._deleted("DeleteOtaPackage", path, lambda: self._package(package_id))

    def _package(self, package_id: str) -> Steps[Package]:
        return (yield from self._shown("ShowOtaPackage", f"ota-upgrades/packages/{package_id}", schema.PACKAGE))


def _walk_at(cursor: str | None, module: str | None) -> tuple[tuple[str, ...], Place]:
    """The package types still to be walked, and the place in the first. PagingError if the cursor is none of ours."""
    kinds = PACKAGE_TYPES if module is None else (BUILTIN_PACKAGES.get(module, MODULE_PACKAGE),)
    if cursor is None:
        return kinds, Place()
    kind, _, rest = cursor.partition(" ")
    if kind not in kinds:
        raise PagingError(f"not a cursor of this list: {cursor[:60]!r}")
    return kinds[kinds.index(kind) :], place_at(rest)


def _located(draft: PackageDraft) -> tuple[Artifact, ObjectLocation]:
    match draft.artifacts:
        case (Artifact(location=ObjectLocation() as location) as artifact,):
            return artifact, location
    rule = "exactly one artifact that lies in a bucket of the cloud's object storage"
    raise broken("package.artifacts", rule, "", "upload the file there, and give its region, bucket and key")


def _facts(package: Package | PackageDraft) -> tuple[object, ...]:
    """What makes two packages the same, however the cloud spells what is unset."""
    files = [(file.location, file.checksum.hex.lower() if file.checksum else "") for file in package.artifacts]
    described = (package.description or "", package.custom_info or "")
    return (package.module, package.version, sorted(package.source_versions), *described, files)
