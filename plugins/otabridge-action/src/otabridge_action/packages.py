"""The operations on packages, which the vendors call firmware."""

import re
from dataclasses import replace
from hashlib import sha256

from otabridge.plugin import (
    DEFAULT,
    Capability,
    Package,
    PackageDraft,
    Page,
    Response,
    Steps,
    UrlLocation,
    agreeing,
    broken,
    flow,
    not_understood,
    removed,
    settled,
)
from otabridge_action import schema
from otabridge_action.artifacts import ArtifactOperations
from otabridge_action.schema_names import RESERVED, core_module, parameters
from otabridge_action.tables import NAME_LENGTH

_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")


class PackageOperations(ArtifactOperations):
    """The operations on packages, alike on both clouds but for their limits."""

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
        """One page of packages, without their URLs; a page filtered by module may be empty and not the last."""
        wanted = module and core_module(module)
        return (
            yield from self.pages(
                Capability.LIST_PACKAGES,
                "ListOTAFirmware",
                schema.PACKAGES,
                parameters(product=product, version=version),
                cursor=cursor,
                limit=limit,
                keep=(lambda package: package.module == wanted) if wanted else None,
            )
        )

    @flow
    def get_package(self, *, package_id: str) -> Steps[Package]:
        """One package, with URLs that expire."""
        return (yield from self._shown(package_id))

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        """Make a package of files that the platform's own storage holds."""
        if not draft.artifacts or not all(isinstance(file.location, UrlLocation) for file in draft.artifacts):
            raise broken("artifact.url", "required for each file", "", "upload it to the platform's storage first")
        draft = replace(draft, module=core_module(draft.module), name=draft.name or package_name(draft))
        request = self.action("CreateOTAFirmware", schema.package_parameters(draft), read=False)

        def made(reply: Response) -> Package:
            created = schema.CREATED.read(request, reply).rows
            if not created:
                raise not_understood(request, reply, "it has no id of the new package")
            return _made(draft, created[0])

        lag = self.traits.list_lag_seconds
        return (yield from settled(request, lambda: self._like(draft), read=made, lag=lag))

    @flow
    def update_package(
        self,
        *,
        package_id: str,
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
    ) -> Steps[Package]:
        """Change a package's texts; that a parameter left out stays as it is, is unverified.

        The clouds want its product or its name too, so it is read first. The answer is bare: it is read back.
        """
        before = yield from self.get_package(package_id=package_id)

        def look() -> Steps[bool | None]:
            found = yield from self.get_package(package_id=package_id)
            wanted = ((name, found.name), (description, found.description), (custom_info, found.custom_info))
            return all(text in (None, there or "") for text, there in wanted) or None

        if name is None and self.profile.name_required:
            name = before.name
        pairs = schema.change_parameters(before, name, description, custom_info, renamed=self.profile.info_renamed)
        request = self.action("ModifyOTAFirmware", pairs, read=False)
        yield from settled(request, look, read=lambda _: True, lag=self.traits.list_lag_seconds)
        return (yield from self.get_package(package_id=package_id))

    @flow
    def delete_package(self, *, package_id: str) -> Steps[None]:
        """Delete a package."""
        request = self.action("DeleteOTAFirmware", parameters(package_id=package_id), read=False)
        yield from removed(request, lambda: self.get_package(package_id=package_id), lag=self.traits.list_lag_seconds)

    def _like(self, draft: PackageDraft) -> Steps[Package | None]:
        """The package of a draft's product, module and version; ConflictError if it is another than was asked for."""
        cursor = None
        while True:
            page = yield from self.list_packages(
                product=draft.product, module=draft.module, version=draft.version, cursor=cursor
            )
            for package in page.items:
                clash = f"{draft.product} {draft.module} {draft.version} is there already, as another package"
                return agreeing(package, lambda it: _alike(it, draft), clash)
            if page.cursor is None:
                return None
            cursor = page.cursor


def package_name(draft: PackageDraft) -> str:
    """A name that the clouds accept, the same for the same package: module and version, and what tells likes apart."""
    module = RESERVED if draft.module == DEFAULT else draft.module
    digest = sha256(f"{draft.product}/{module}/{draft.version}".encode()).hexdigest()[:6]
    readable = _ILLEGAL.sub("-", f"{module}_{draft.version}").lstrip("-_")[: NAME_LENGTH - 1 - len(digest)]
    return f"{readable}_{digest}".lstrip("_")


def _made(draft: PackageDraft, created: schema.Created) -> Package:
    """A new package: what was asked for, and what the answer adds."""
    return Package(
        id=created.id,
        product=draft.product,
        module=draft.module,
        version=draft.version,
        kind=draft.kind,
        source_versions=draft.source_versions,
        name=draft.name,
        description=draft.description or None,
        custom_info=draft.custom_info or None,
        artifacts=draft.artifacts,
        # Where nothing is said, the clouds demand a verification.
        status="ready" if draft.verify is False else "unverified",
        created_at=created.created_at,
    )


def _alike(package: Package, draft: PackageDraft) -> bool:
    """Whether a listed package is what a draft asked for, as far as a list tells."""
    digests = [file.checksum and file.checksum.hex.lower() for files in (package, draft) for file in files.artifacts]
    return (package.kind, package.source_versions, package.name, package.description) == (
        draft.kind,
        draft.source_versions,
        draft.name,
        draft.description or None,
    ) and (len(digests) != 2 or None in digests or digests[0] == digests[1])
