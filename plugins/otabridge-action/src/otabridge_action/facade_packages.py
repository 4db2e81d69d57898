"""The actions on packages, which the vendors call firmware, and on their files."""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace

from otabridge.facade import Call, Site, Table
from otabridge.objects import PACKAGES, UPLOADS
from otabridge.plugin import (
    Artifact,
    Backend,
    Capability,
    LocalLocation,
    ObjectLocation,
    Package,
    Steps,
    UrlLocation,
    ValidationError,
    encoded_query,
    local,
    quote3986,
)
from otabridge.windows import Listed, window
from otabridge_action.facade_base import ActionBase
from otabridge_action.facade_codes import missing, no
from otabridge_action.facade_drafts import Named, drafted, named_files
from otabridge_action.facade_objects import PREFIX
from otabridge_action.facade_reading import Parsed
from otabridge_action.facade_tables import DOWNLOAD, UPLOAD, strict
from otabridge_action.schema_answers import File, Upload
from otabridge_action.schema_names import vendor_module
from otabridge_action.schema_writing import Tree, utc_time
from otabridge_action.signing import oss_signature, oss_string_to_sign
from otabridge_action.tables import FILE_SIZE, FILE_SUFFIXES

SUFFIXES = tuple(suffix.removeprefix(".") for suffix in FILE_SUFFIXES)


class PackageActions(ActionBase):
    """Packages. What was uploaded goes into the store as it becomes one."""

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        # The MD5 of a package's files never changes, and a store may tell it of one package at a time only.
        self._md5s: Table[str, tuple[str | None, ...]] = Table(5000)
        # Packages whose maker gave a SHA-256, where the cloud lets him choose.
        self._algorithms = site.kept("algorithms")

    def list_packages(self, call: Call, asked: Parsed) -> Steps[Tree]:
        number, size = self.place(asked, Capability.LIST_PACKAGES)
        product, version = asked.words.get("product"), asked.words.get("version")
        listed = self._packages(product, version)
        found, shown = yield from self.numbered(("packages", product, version), listed, number, size)
        rows = []
        for package in found.rows:
            files = yield from self._files(package)
            name = yield from self.product_name(package.product)
            rows.append(self.scribe.package(package, name, files))
        return self.scribe.packages(rows, shown)

    def get_package(self, call: Call, asked: Parsed) -> Steps[Tree]:
        package = yield from self._package(asked)
        files = yield from self._files(package, call)
        name = yield from self.product_name(package.product)
        return self.scribe.package_detail(package, name, files)

    def create_package(self, call: Call, asked: Parsed) -> Steps[Tree]:
        named = named_files(call, asked, self.limits)
        if self.profile.digest_required and strict(self.site, "digest") and not all(file.digest for file in named):
            raise missing("digest")
        draft = drafted(asked, named, self.limits)
        yield from self._room_for(draft.product, draft.module, draft.version, draft.name or "")
        artifacts = []
        for file in named:
            artifacts.append((yield from self._brought_in(file)))
        made = replace(draft, module=self.builtin(draft.module), artifacts=tuple(artifacts))
        package = yield from self.store.create_package(draft=made)
        if any(file.algorithm == "sha256" for file in named):
            yield from self._algorithms.put(package.id, "sha256")
        return self.scribe.package_made(package)

    def update_package(self, call: Call, asked: Parsed) -> Steps[Tree]:
        words = asked.words
        if (needed := "name" if self.profile.name_required else "product") not in words:
            raise missing(needed)
        texts = {field: words.get(field) for field in ("name", "description", "custom_info")}
        for field, text in texts.items():
            self.limits.check_text(f"package.{field}", text)
        package = yield from self._package(asked)
        if words.get("product", package.product) != package.product:
            raise no("package of another")
        if texts["name"] not in (None, package.name):
            others = yield from self.all(self._packages())
            if texts["name"] in [row.name for row in others]:
                raise no("package name taken")
        yield from self.store.update_package(package_id=package.id, **texts)
        return {}

    def delete_package(self, call: Call, asked: Parsed) -> Steps[Tree]:
        self.limits.check_text("package.id", asked.words["package_id"])
        yield from self.store.delete_package(package_id=asked.words["package_id"])
        return {}

    def grant_upload(self, call: Call, asked: Parsed) -> Steps[Tree]:
        yield from ()
        suffix = asked.words.get("suffix") or SUFFIXES[0]
        if suffix not in SUFFIXES:
            raise no("suffix", ", ".join(SUFFIXES))
        place = f"{PREFIX}{self.site.world.nonce()}/"
        policy = {
            "expiration": utc_time(call.now + UPLOAD),
            "conditions": [["content-length-range", 0, FILE_SIZE], ["starts-with", "$key", place]],
        }
        encoded = base64.b64encode(json.dumps(policy, separators=(",", ":")).encode()).decode()
        return self.scribe.upload(
            Upload(
                host=call.origin,
                key=f"{place}{self.site.world.nonce()[-24:]}.{suffix}",
                access_key=self.site.master.access_key,
                policy=encoded,
                signature=oss_signature(self.site.master.secret_key, encoded),
                made_at=call.now,
            )
        )

    # --- the store's packages ---------------------------------------------------------------------------------------

    def _package(self, asked: Parsed) -> Steps[Package]:
        package_id = asked.words["package_id"]
        self.limits.check_text("package.id", package_id)
        return (yield from self.store.get_package(package_id=package_id))

    def _packages(self, product: str | None = None, version: str | None = None) -> Listed[Package]:
        return self.listed(
            Capability.LIST_PACKAGES,
            lambda cursor, limit: self.store.list_packages(
                product=product, version=version, cursor=cursor, limit=limit
            ),
        )

    def _room_for(self, product: str, module: str, version: str, name: str) -> Steps[None]:
        """Refuse a package too many, and one whose name in the account, or version in its module, is taken."""
        most = self.limits.counts["packages per account"]
        there = (yield from window(self._packages(), None, most)).rows
        if any(row.name == name for row in there):
            raise no("package name taken")
        # That a version must be new in its module, and not in its product, is unverified.
        wanted = (product, vendor_module(module), version)
        if any((row.product, vendor_module(row.module), row.version) == wanted for row in there):
            raise no("package version taken")
        if len(there) >= most:
            raise no("packages too many")

    def _brought_in(self, file: Named) -> Steps[Artifact]:
        """The artifact of a file: its bytes are brought into the store, if they were uploaded."""
        for _ in range(2):
            stored = yield from local(lambda: self.site.objects.find(UPLOADS, file.key))
            if stored is None:
                break
            file.check(stored)
            try:
                return (yield from self.store.stage_artifact(path=stored.path, filename=file.name))
            except ValidationError as error:
                if error.field != "artifact.path":
                    raise
                # The file is gone: another was uploaded in its place since it was found.
        raise no("file not uploaded")

    # --- their files ------------------------------------------------------------------------------------------------

    def _files(self, package: Package, call: Call | None = None) -> Steps[tuple[File, ...]]:
        """A package's files as this cloud shows them, to a `call` with their URLs.

        Their digest is of the kind that the package's maker gave, or else of the usual one.
        """
        chosen = self._algorithms.get(package.id) if "sha256" in self.limits.checksums else None
        algorithm = chosen or "md5"
        md5s: tuple[str | None, ...] = ()
        if algorithm == "md5" and any(_lacks_md5(artifact) for artifact in package.artifacts):
            md5s = yield from self._told_md5s(package)
        shown = []
        for position, artifact in enumerate(package.artifacts):
            known = artifact.checksum
            digest, kind = (known.hex, known.algorithm) if known else (None, algorithm)
            if kind != algorithm and position < len(md5s) and md5s[position]:
                digest, kind = md5s[position], "md5"
            url = (yield from self._url(call, package, position)) if call else None
            shown.append(File(name=artifact.name, url=url, size=artifact.size, digest=digest, algorithm=kind))
        return tuple(shown)

    def _told_md5s(self, package: Package) -> Steps[tuple[str | None, ...]]:
        """The MD5s that a local store tells of the bytes that it holds, beside the SHA-256 that it checks."""
        found = self._md5s.get(package.id)
        if found is None:
            told = package.raw or (yield from self.store.get_package(package_id=package.id)).raw or {}
            rows = told.get("artifacts")
            found = tuple(row.get("md5") for row in rows) if isinstance(rows, list) else ()
            self._md5s.put(package.id, found)
        return found

    def _url(self, call: Call, package: Package, position: int) -> Steps[str | None]:
        """Where a file can be fetched: by its own URL, or by a signed one from this server, if that has its bytes."""
        artifact = package.artifacts[position]
        match artifact.location:
            case None:
                return None
            case UrlLocation(url=url):
                return url
            case ObjectLocation(bucket=bucket, key=key):
                if (yield from local(lambda: self.site.objects.find(bucket, key))) is None:
                    return None
        return self.signed_url(call, (package.id, str(position), artifact.name))

    def signed_url(self, call: Call, key: Iterable[str]) -> str:
        """The URL of an object among the packages' files, for a while."""
        account, parts = self.site.master, tuple(key)
        expires = int((call.now + DOWNLOAD).timestamp())
        text = oss_string_to_sign("GET", expires, PACKAGES, "/".join(parts))
        signature = oss_signature(account.secret_key, text)
        query = (("Expires", str(expires)), ("OSSAccessKeyId", account.access_key), ("Signature", signature))
        return f"{call.origin}/{PACKAGES}/{'/'.join(map(quote3986, parts))}?{encoded_query(query)}"


def _lacks_md5(artifact: Artifact) -> bool:
    """Whether the MD5 is another reading away: the contract has one digest a file, and a local store more in `raw`."""
    known = artifact.checksum
    return isinstance(artifact.location, LocalLocation) and known is not None and known.algorithm != "md5"
