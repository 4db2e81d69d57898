"""The files of packages: objects in the customer's bucket, named by their bytes, so that a repeat changes nothing."""

import hashlib
import re
from pathlib import Path
from typing import Any

from otabridge.plugin import (
    Artifact,
    Checksum,
    ConfigurationError,
    FileBody,
    Flow,
    IntegrityError,
    NotFoundError,
    ObjectLocation,
    OtaBridgeError,
    Pairs,
    Request,
    Steps,
    UnsupportedError,
    digests_of,
    fetched,
    flow,
    local,
    send,
    together,
)
from otabridge_huawei import obs_calls as obs
from otabridge_huawei.calls import AGENT, Calls
from otabridge_huawei.tables import IN_FLIGHT, ONE_PIECE, PART

_SEPARATOR = re.compile(r"[/\\]")


class Parts:
    """Takes the MD5 of each part of a file that passes; the last may be shorter."""

    def __init__(self) -> None:
        self._found = [hashlib.md5(usedforsecurity=False)]
        self.sizes = [0]

    def __call__(self, chunk: bytes) -> None:
        left = memoryview(chunk)
        while left:
            if self.sizes[-1] == PART:
                self._found.append(hashlib.md5(usedforsecurity=False))
                self.sizes.append(0)
            taken = left[: PART - self.sizes[-1]]
            self._found[-1].update(taken)
            self.sizes[-1] += len(taken)
            left = left[len(taken) :]

    def bodies(self, path: Path) -> list[FileBody]:
        """The parts, as they are sent."""
        found = zip(self.sizes, self._found, strict=True)
        checksums = [(size, Checksum(algorithm="md5", hex=digest.hexdigest())) for size, digest in found]
        return [
            FileBody(path=path, offset=number * PART, size=size, checksum=checksum)
            for number, (size, checksum) in enumerate(checksums)
        ]


class ArtifactCalls(Calls):
    """The operations on artifacts."""

    @flow
    def stage_artifact(self, *, path: Path, filename: str) -> Steps[Artifact]:
        """Put a file into the bucket of the settings."""
        bucket, region = self.config.bucket, self.config.region
        if not (bucket and region):
            raise ConfigurationError("publishing a file needs the settings bucket and region")
        parts = Parts()
        digests = yield from local(lambda: digests_of(path, parts))
        key = f"{self.config.obs_prefix}{digests.sha256}/{_SEPARATOR.sub('_', filename)}"
        location = self._checked(ObjectLocation(region=region, bucket=bucket, key=key))
        meta = (obs.meta_name(self.config, "sha256"), digests.sha256)
        if digests.size <= ONE_PIECE:
            whole = FileBody(path=path, size=digests.size, checksum=digests.checksum("md5"))
            yield from send(self._sent(obs.PUT, location, whole, headers=(obs.KIND, meta)))
        else:
            yield from self._in_parts(location, parts.bodies(path), meta, digests.size)
        return Artifact(name=filename, size=digests.size, checksum=digests.checksum(), location=location)

    @flow
    def open_artifact(self, *, artifact: Artifact, folder: Path) -> Steps[Path]:
        """Get an object, from whichever bucket it is in."""
        if not isinstance(artifact.location, ObjectLocation):
            raise UnsupportedError(f"{self.name}: {artifact.name!r} is no object in a bucket")
        request = self._object(obs.GET, self._checked(artifact.location))
        return (yield from fetched(request, artifact, folder, nonce=self.world.nonce()))

    def _in_parts(
        self, location: ObjectLocation, bodies: list[FileBody], meta: tuple[str, str], size: int
    ) -> Steps[None]:
        """Upload parts, some of them at a time; if that fails, nothing of them stays."""
        begin = self._object(
            obs.BEGIN, location, method="POST", query=obs.upload_query(), headers=(obs.KIND, meta, AGENT)
        )
        upload = obs.upload_id(begin, (yield from send(begin)))
        query = obs.upload_query(upload)
        try:
            parts = (
                Flow(self._part(location, body, obs.part_query(number, upload)), obs.PART)
                for number, body in enumerate(bodies, 1)
            )
            tags = yield from together(parts, in_flight=IN_FLIGHT)
            finish = self._object(obs.FINISH, location, method="POST", query=query, body=obs.finish_body(tags))
            failure: OtaBridgeError = IntegrityError(f"the object {location.key} is not what was uploaded: try again")
            try:
                obs.check_finished(finish, (yield from send(finish)))
            except OtaBridgeError as error:
                failure = error  # a repeat finds no upload where the first has made the object of it
            if not (yield from self._there(location, meta, size)):
                raise failure
        except OtaBridgeError:
            yield from self._aborted(location, query)
            raise

    def _part(self, location: ObjectLocation, body: FileBody, query: Pairs) -> Steps[str]:
        request = self._sent(obs.PART, location, body, query=query)
        return obs.tag_of(request, (yield from send(request)))

    def _there(self, location: ObjectLocation, meta: tuple[str, str], size: int) -> Steps[bool]:
        """Whether the object is there, as long as it shall be and of the bytes that it shall have."""
        try:
            found = yield from send(self._object(obs.HEAD, location, method="HEAD"))
        except NotFoundError:
            return False
        return (found.header("content-length"), found.header(meta[0])) == (str(size), meta[1])

    def _aborted(self, location: ObjectLocation, query: Pairs) -> Steps[None]:
        try:
            yield from send(self._object(obs.ABORT, location, method="DELETE", query=query))
        except OtaBridgeError:
            return  # the failure that led here is the one to tell

    def _sent(
        self, operation: str, location: ObjectLocation, body: FileBody, *, query: Pairs = (), headers: Pairs = ()
    ) -> Request:
        assert body.checksum is not None
        given = (*headers, obs.md5_header(body.checksum.hex), AGENT)
        return self._object(operation, location, method="PUT", query=query, headers=given, file=body)

    def _object(self, operation: str, location: ObjectLocation, **more: Any) -> Request:
        obs.object_signer(self.config, self.config.endpoint)  # in words, before anything is sent
        return obs.object_request(self.config, operation, location, **{"headers": (AGENT,), **more})

    def _checked(self, location: ObjectLocation) -> ObjectLocation:
        """An object whose names may stand in an address, whoever gave them."""
        for field in ("region", "bucket", "key"):
            self.limits.check_text(f"object.{field}", getattr(location, field))
        return location
