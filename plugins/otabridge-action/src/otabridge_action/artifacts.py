"""The files of packages: brought to the platform's storage by a form, fetched by the URLs of packages."""

from pathlib import Path

from otabridge.plugin import (
    Artifact,
    AuthenticationError,
    ForbiddenError,
    Links,
    NotFoundError,
    Package,
    Request,
    Steps,
    UnsupportedError,
    UrlLocation,
    World,
    digests_of,
    fetched,
    flow,
    form_with_file,
    local,
    not_understood,
    send,
)
from otabridge_action import schema
from otabridge_action.engine import Engine
from otabridge_action.schema_names import FORM_FILE, parameters
from otabridge_action.schema_uploads import GRANTS, Grant
from otabridge_action.settings import ActionSettings

TRIES = 2  # a grant lives one minute, and the first may have been too old when the upload began
REMEMBERED = 1000


class ArtifactOperations(Engine):
    """The operations on artifacts. The URLs of files expire, so it is remembered whose they are."""

    def __init__(self, config: ActionSettings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        self._owners: dict[str, str] = {}

    @flow
    def stage_artifact(self, *, path: Path, filename: str) -> Steps[Artifact]:
        """Upload a file. The cloud deletes it after an hour, unless a package is made of it."""
        digests = yield from local(lambda: digests_of(path))
        checksum = digests.checksum("sha256" if "sha256" in self.limits.checksums else "md5")
        for attempt in range(1, TRIES + 1):
            grant = yield from self._grant(filename)
            kind, body = form_with_file(
                grant.form(),
                path,
                digests.size,
                filename="file",
                boundary=self.world.nonce(),
                part=FORM_FILE,
                checksum=digests.checksum(),
            )
            # Sent again it writes the same bytes in the same place.
            upload = self._links.request(
                "PostObject", f"{grant.host}/", method="POST", headers=(kind,), file=body, read=True
            )
            try:
                yield from send(upload)
                break
            except (AuthenticationError, ForbiddenError):
                if attempt == TRIES:
                    raise
        # The one file of a package has no other name here than its key's.
        name = grant.key.rpartition("/")[2]
        return Artifact(name=name, size=digests.size, checksum=checksum, location=UrlLocation(url=grant.url))

    @flow
    def open_artifact(self, *, artifact: Artifact, folder: Path) -> Steps[Path]:
        """Fetch an artifact by its URL; if that has expired, by the one that its package has by now."""
        if not isinstance(artifact.location, UrlLocation):
            raise UnsupportedError(f"{self.name}: {artifact.name!r} has no URL, so it is no artifact of this cloud")
        url = artifact.location.url

        def renewed() -> Steps[Request | None]:
            owner = self._owners.get(_bare(url))
            if owner is None:
                return None
            package = yield from self._shown(owner)
            locations = [file.location for file in package.artifacts]
            found = (lies.url for lies in locations if isinstance(lies, UrlLocation) and _bare(lies.url) == _bare(url))
            fresh = next(found, None)
            return None if fresh is None else self._fetching(fresh)

        nonce = self.world.nonce()
        return (yield from fetched(self._fetching(url), artifact, folder, nonce=nonce, renewed=renewed))

    def _shown(self, package_id: str) -> Steps[Package]:
        """One package; that it has these files is remembered."""
        request = self.action("QueryOTAFirmware", parameters(package_id=package_id))
        found = schema.PACKAGES.read(request, (yield from send(request)), raw=True)
        if not found.rows:
            raise NotFoundError(f"there is no package {package_id}", backend=self.name, operation="get_package")
        package = found.rows[0]
        for file in package.artifacts:
            if isinstance(file.location, UrlLocation):
                self._owners[_bare(file.location.url)] = package.id
        while len(self._owners) > REMEMBERED:
            del self._owners[next(iter(self._owners))]
        return package

    @property
    def _links(self) -> Links:
        return Links.of(self.config.endpoint, *self.profile.file_hosts, *self.config.file_hosts)

    def _fetching(self, url: str) -> Request:
        return self._links.request("GetObject", url)

    def _grant(self, filename: str) -> Steps[Grant]:
        known = sorted(self.limits.artifact_suffixes, key=len, reverse=True)
        suffix = next((each[1:] for each in known if filename.lower().endswith(each)), None)
        request = self.action("GenerateOTAUploadURL", parameters(suffix=suffix))
        reply = yield from send(request)
        found = GRANTS.read(request, reply).rows
        if not found:
            raise not_understood(request, reply, "it has no grant of an upload")
        return found[0]


def _bare(url: str) -> str:
    """What stays of a URL when it is signed anew."""
    return url.partition("?")[0]
