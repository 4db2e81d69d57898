"""The artifacts of the store's packages, as objects that clients can get."""

import asyncio
from collections import OrderedDict
from datetime import datetime
from pathlib import Path

from otabridge._runners import AsyncRunner
from otabridge.backend import Backend
from otabridge.errors import (
    IntegrityError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    UnsupportedError,
    ValidationError,
)
from otabridge.models import Artifact, LocalLocation, ObjectLocation
from otabridge.objects import PACKAGES, Stored
from otabridge.serve.objects import Storage
from otabridge.serve.objects_intake import CHUNK, DIGESTS, ObjectTrouble

ABSENT = (NotFoundError, UnsupportedError, IntegrityError, ValidationError, InvalidRequestError)
OPENED = 4  # artifacts that stay open, since clients read a large one in many ranges


class PackageBucket:
    """The bucket `PACKAGES`: what lies in the store is opened into `folder`, what lies in the storage is found."""

    def __init__(self, store: Backend, runner: AsyncRunner, storage: Storage, folder: Path) -> None:
        self._store = store
        self._runner = runner
        self._storage = storage
        self._folder = folder
        self._opened: OrderedDict[str, Stored] = OrderedDict()
        self._opening = asyncio.Lock()

    async def find(self, key: str, now: datetime) -> Stored | None:
        """The artifact of a key, `{package id}/{position}/{name}`."""
        package_id, _, rest = key.partition("/")
        position, _, name = rest.partition("/")
        try:
            package = await self._runner.run(self._store.get_package(package_id=package_id))
            held = [
                item for number, item in enumerate(package.artifacts) if (str(number), item.name) == (position, name)
            ]
            match held:
                case [Artifact(location=ObjectLocation(bucket=bucket, key=place))]:
                    return await asyncio.to_thread(self._storage.find, bucket, place)
                case [Artifact(location=LocalLocation(sha256=sha256)) as artifact]:
                    async with self._opening:
                        return self._opened.get(sha256) or await self._open(artifact, key, package.created_at or now)
        except ABSENT:
            return None
        except OtaBridgeError as error:
            raise ObjectTrouble("unavailable", "the store did not answer") from error
        return None

    def forget(self, stored: Stored) -> None:
        """An artifact that was opened is no longer where it was."""
        self._opened.pop(stored.sha256, None)

    async def _open(self, artifact: Artifact, key: str, modified: datetime) -> Stored:
        path = await self._runner.run(self._store.open_artifact(artifact=artifact, folder=self._folder))
        stored = await asyncio.to_thread(_described, path, key, modified)
        self._opened[stored.sha256] = stored
        if len(self._opened) > OPENED:
            self._opened.popitem(last=False)[1].path.unlink(missing_ok=True)
        return stored


def _described(path: Path, key: str, modified: datetime) -> Stored:
    digests = {name: DIGESTS[name]() for name in ("md5", "sha256")}
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            for digest in digests.values():
                digest.update(data)
    found = {name: digest.hexdigest() for name, digest in digests.items()}
    return Stored(
        bucket=PACKAGES,
        key=key,
        size=path.stat().st_size,
        md5=found["md5"],
        sha256=found["sha256"],
        etag=found["md5"],
        modified=modified,
        path=path,
    )
