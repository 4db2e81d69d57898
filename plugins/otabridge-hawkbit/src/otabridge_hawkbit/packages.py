"""Packages: a software module with its artifacts, and what the server has no place for in notes beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otabridge.plugin import (
    FIRMWARE,
    ApiError,
    Artifact,
    ConflictError,
    FileLocation,
    Flow,
    Module,
    NotFoundError,
    Package,
    PackageDraft,
    Page,
    Steps,
    UnsupportedError,
    UrlLocation,
    agreeing,
    broken,
    check,
    copied,
    decode,
    digests_of,
    fetched,
    flow,
    form_with_file,
    local,
    or_none,
    removed,
    send,
    settled,
    together,
)
from otabridge_hawkbit import schema
from otabridge_hawkbit.calls import Calls
from otabridge_hawkbit.tables import BASE, LARGEST_PAGE, MAKER, OS, PACKAGES, PAGE, TYPES

_DOWNLOAD = re.compile(rf"{BASE}/{PACKAGES}/([0-9]+)/artifacts/([0-9]+)/download").fullmatch
TAKEN = "was deleted while a set had it, and stays taken: choose another version"
Files = Sequence[tuple[Path, Artifact]]


class PackageCalls(Calls):
    """Operations on packages and their artifacts."""

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
        """One page of packages, oldest first, without their artifacts."""
        self.keys.check(product)
        owner, module = product or self.keys.single, FIRMWARE if module == OS else module
        asked = {schema.VERSION: version, schema.TYPE: self.keys.key(owner, module) if owner and module else None}
        where = ";".join(schema.exact(field, text) for field, text in asked.items() if text is not None)

        def rows(found: Sequence[Package]) -> Steps[Sequence[Package]]:
            flows = (Flow(or_none(self._listed(row)), "getMetadata") for row in found)
            packages = yield from together(flows)
            wanted = (product, module, version)
            return [each for each in packages if each and _fits((each.product, each.module, each.version), wanted)]

        everything = self.keys.single is not None and not where
        page = ("getSoftwareModules", PACKAGES, schema.PACKAGES, cursor, limit or PAGE, rows)
        return (yield from self._page(*page, where=where, counted=everything))

    @flow
    def get_package(self, *, package_id: str) -> Steps[Package]:
        """One package. NotFoundError if there is none, or a deleted one."""
        row = yield from self._one("getSoftwareModule", schema.ONE_PACKAGE, PACKAGES, package_id)
        package = self._package(row, (yield from self._notes(row.id)))
        if package is None:
            raise NotFoundError(f"there is no package {package_id!r}", backend=self.name, operation="getSoftwareModule")
        files = [self._artifact(row, file) for file in (yield from self._files(row))]
        return replace(package, artifacts=tuple(files), raw=row.raw)

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        """Make a package and bring its files. ConflictError if the version is taken by another one.

        One that lacks files or notes of what is asked, as after a crash, is completed.
        """
        files = yield from local(lambda: [_file(artifact) for artifact in draft.artifacts])
        self.admit("create_package", {"draft": replace(draft, artifacts=tuple(artifact for _, artifact in files))})
        key, notes = self.keys.key(draft.product, draft.module), schema.notes(draft)
        body = schema.package_body(key, draft.version, draft.description, MAKER if notes else None)
        request = self._request("createSoftwareModules", PACKAGES, method="POST", body=body)
        made = True
        if draft.module in (FIRMWARE, OS) and not (yield from self._of_key(key)):
            yield from self._make_module(key, None, None)

        def look() -> Steps[Package | None]:
            return (yield from self._standing(key, draft, files))[0]

        try:
            row = yield from self._made(request, look, schema.MADE_PACKAGES)
        except ConflictError as error:
            standing, whole = yield from self._standing(key, draft, files)
            if standing is None or whole:
                told = "is there already, and it is the same: nothing is left to do" if whole else TAKEN
                raise error.reworded(f"version {draft.version!r} of module {draft.module!r} {told}") from None
            row, made = standing, False
        try:
            yield from self._complete(row, files, notes)
        except ApiError:
            if made:  # nothing half-made stays behind a refusal
                yield from send(self._request("deleteSoftwareModule", PACKAGES, row.id, method="DELETE"))
            raise
        return (yield from self.get_package(package_id=row.id))

    @flow
    def update_package(
        self,
        *,
        package_id: str,
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
    ) -> Steps[Package]:
        """Change what a package is called and says; what is None stays."""
        package = yield from self.get_package(package_id=package_id)
        given = {schema.NOTES["name"]: name, schema.NOTES["custom_info"]: custom_info}
        notes = {key: text for key, text in given.items() if text is not None}
        body = schema.change_body(description, schema.maker(package) or (MAKER if notes else None))
        yield from send(self._request("updateSoftwareModule", PACKAGES, package_id, method="PUT", body=body))
        there = yield from self._notes(package_id)
        for key in notes.keys() & there.keys():
            path, body = (PACKAGES, package_id, "metadata", key), schema.changed_note_body(key, notes[key])
            yield from send(self._request("updateMetadata", *path, method="PUT", body=body))
        yield from self._note(package_id, {key: text for key, text in notes.items() if key not in there})
        return (yield from self.get_package(package_id=package_id))

    @flow
    def delete_package(self, *, package_id: str) -> Steps[None]:
        """Withdraw a package. NotFoundError if there is none."""
        yield from self.get_package(package_id=package_id)
        request = self._request("deleteSoftwareModule", PACKAGES, package_id, method="DELETE")
        yield from removed(request, lambda: self.get_package(package_id=package_id))

    @flow
    def stage_artifact(self, *, path: Path, filename: str) -> Steps[Artifact]:
        """Take a file's digests; its bytes are brought by `create_package`."""
        artifact = Artifact(name=filename, location=FileLocation(path=path))
        return (yield from local(lambda: _file(artifact)[1]))

    @flow
    def open_artifact(self, *, artifact: Artifact, folder: Path) -> Steps[Path]:
        """Get an artifact's bytes back, checked, into a new file in `folder`."""
        match artifact.location:
            case FileLocation(path=path):
                return (yield from copied(path, artifact, folder, nonce=self.world.nonce()))
            case UrlLocation(url=url) if found := _DOWNLOAD(url.removeprefix(self.config.endpoint)):
                request = self._request("downloadArtifact", PACKAGES, found[1], "artifacts", found[2], "download")
                return (yield from fetched(request, artifact, folder, nonce=self.world.nonce()))
        raise UnsupportedError(f"{self.name}: {artifact.name!r} is no artifact of this server")

    # --- what they stand on -------------------------------------------------------------------------------------------

    def _types(self, where: str) -> Steps[list[Module]]:
        return (yield from self._found("getTypes", TYPES, schema.MODULES, where))

    def _of_key(self, key: str) -> Steps[Module | None]:
        """The type with a key; a deleted one only where the server still tells of those."""
        found = yield from self._types(schema.exact(schema.KEY, key))
        return next((row for row in found if row.name == key), None)

    def _make_module(self, key: str, alias: str | None, description: str | None) -> Steps[Module]:
        body = schema.module_body(key, alias, description)
        request = self._request("createTypes", TYPES, method="POST", body=body)

        def look() -> Steps[Module | None]:
            wanted, found = (alias or key, description or "", False), (yield from self._of_key(key))
            told = found and (found.alias, found.description or "", schema.deleted(found))
            return agreeing(found, lambda _: told == wanted, f"the type {key!r} is another one")

        try:
            row = yield from self._made(request, look, schema.MADE_MODULES)
        except ConflictError as error:
            found = yield from self._of_key(key)
            told = f"there is a type {key!r} already"
            if found is None and (yield from self._types(schema.exact(schema.NAME, alias or key))):
                told = f"another type is called {alias or key!r}: choose another alias"
            elif found is None or schema.deleted(found):
                told = f"the type {key!r} was deleted while it was in use, and keeps its name: choose another"
            raise error.reworded(told) from None
        return self.keys.module(row) or row

    def _packages(self, where: str) -> Steps[list[Package]]:
        """Rows that a search finds, without what is deleted."""
        found = yield from self._found("getSoftwareModules", PACKAGES, schema.PACKAGES, where)
        return [row for row in found if not schema.deleted(row)]

    def _listed(self, row: Package) -> Steps[Package | None]:
        """A row of a list with its notes."""
        return self._package(row, (yield from self._notes(row.id)) if schema.maker(row) == MAKER else {})

    def _natural(self, key: str, version: str) -> Steps[Package | None]:
        found = yield from self._packages(f"{schema.exact(schema.TYPE, key)};{schema.exact(schema.VERSION, version)}")
        return next((row for row in found if (row.name, row.module, row.version) == (key, key, version)), None)

    def _notes(self, package_id: str) -> Steps[dict[str, str]]:
        query = schema.query(limit=LARGEST_PAGE, sort="key:ASC")
        found = yield from self._one("getMetadata", schema.NOTED, PACKAGES, package_id, "metadata", query=query)
        return {note[schema.NOTE_KEY]: note.get(schema.NOTE_TEXT) or "" for note in found.content}

    def _note(self, package_id: str, notes: Mapping[str, str]) -> Steps[None]:
        def look() -> Steps[bool | None]:
            return notes.keys() <= (yield from self._notes(package_id)).keys() or None

        if notes:
            path, body = (PACKAGES, package_id, "metadata"), schema.note_body(notes)
            request = self._request("createMetadata", *path, method="POST", body=body)
            yield from settled(request, look, read=lambda _: True)

    def _files(self, row: Package) -> Steps[tuple[schema.File, ...]]:
        return (yield from self._one("getArtifacts", schema.FILES, PACKAGES, row.id, "artifacts"))

    def _standing(self, key: str, draft: PackageDraft, files: Files) -> Steps[tuple[Package | None, bool]]:
        """What stands where a package is to be made, and whether it is whole. ConflictError if it is another one."""
        row = yield from self._natural(key, draft.version)
        if row is None:
            return None, False
        there = {file.name: file.checksum for file in (yield from self._files(row))}
        asked = {artifact.name: artifact.checksum for _, artifact in files}
        known, wanted = (yield from self._notes(row.id)), schema.notes(draft)
        notes = {key: text for key, text in known.items() if key in schema.NOTES.values()}
        ours = schema.maker(row) == (MAKER if wanted else None) and (row.description or "") == (draft.description or "")
        if not ours or notes not in ({}, wanted) or not there.items() <= asked.items():
            told = f"module {draft.module!r} has a package of version {draft.version!r} already, and it is another one"
            raise ConflictError(f"{told}: choose another version, or delete it", backend=self.name)
        return row, (there, notes) == (asked, wanted)

    def _complete(self, row: Package, files: Files, notes: dict[str, str]) -> Steps[None]:
        """Bring what a package still lacks."""
        there = {file.name for file in (yield from self._files(row))}
        for path, artifact in files:
            if artifact.name not in there:
                yield from self._upload(row, path, artifact)
        known = yield from self._notes(row.id)
        yield from self._note(row.id, {key: text for key, text in notes.items() if key not in known})

    def _upload(self, row: Package, path: Path, artifact: Artifact) -> Steps[None]:
        digest = artifact.checksum.hex if artifact.checksum else ""
        query = ((schema.FILENAME, artifact.name), (schema.DIGEST, digest))
        request = self._request("uploadArtifact", PACKAGES, row.id, "artifacts", method="POST", query=query)
        kind, body = form_with_file((), path, artifact.size or 0, filename="file", boundary=self.world.nonce())
        request = replace(request, headers=(*request.headers, kind), file=body)

        def look() -> Steps[schema.File | None]:
            found = yield from self._files(row)
            return next((file for file in found if (file.name, file.checksum.hex) == (artifact.name, digest)), None)

        yield from settled(request, look, read=lambda reply: decode(schema.ONE_FILE, request, reply))

    def _package(self, row: Package, notes: Mapping[str, str]) -> Package | None:
        """A software module as a package; None if it is deleted, or its type has no product."""
        named = self.keys.named(row.module)
        if named is None or schema.deleted(row):
            return None
        name = row.name if row.name != row.module else None
        told: schema.Json = {"name": name, "description": row.description or None} | schema.noted(notes)
        return replace(row, product=named[0], module=named[1], status="ready", raw=None, **told)

    def _artifact(self, row: Package, file: schema.File) -> Artifact:
        url = f"{self.config.endpoint}{BASE}/{PACKAGES}/{row.id}/artifacts/{file.id}/download"
        return Artifact(name=file.name, size=file.size, checksum=file.checksum, location=UrlLocation(url=url))


def _fits(told: tuple[str, ...], asked: tuple[str | None, ...]) -> bool:
    return all(want in (None, have) for have, want in zip(told, asked, strict=True))


def _file(artifact: Artifact) -> tuple[Path, Artifact]:
    """An artifact's file, and what it tells. IntegrityError if that is not what was promised."""
    if not isinstance(artifact.location, FileLocation):
        raise broken("artifact.location", "a file on this machine", artifact.name, "publish it, or stage it first")
    digests = digests_of(artifact.location.path)
    check(artifact, digests)
    return artifact.location.path, replace(artifact, size=digests.size, checksum=digests.checksum())
