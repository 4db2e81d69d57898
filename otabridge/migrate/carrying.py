"""Artifacts' bytes on their way: fetched from one side and digested here, brought to the other.

The clients' own `download` and `publish` know one file a package, and not which of its readings was checked.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from otabridge.files import Digests, digests_of
from otabridge.flow import Steps, local
from otabridge.migrate.steps import Where, ask
from otabridge.models import Artifact, Package


def opened(where: Where, artifact: Artifact, folder: Path) -> Steps[Path]:
    """An artifact's bytes in a new file in `folder`, checked."""
    path: Path = yield from ask(
        where, lambda cloud: cloud._runner.run(cloud._backend.open_artifact(artifact=artifact, folder=folder))
    )
    return path


def fetched(where: Where, package: Package, folder: Path) -> Steps[list[tuple[Path, Digests]]]:
    """All of a package's artifacts, and what their bytes were found to be."""
    files = []
    for artifact in package.artifacts:
        path = yield from opened(where, artifact, folder)
        files.append((path, (yield from local(partial(digests_of, path)))))
    return files


def staged(files: Sequence[tuple[Path, str]]) -> Steps[list[Artifact]]:
    """Files, each with the name that it shall have, brought where the destination makes packages of them."""

    def one(path: Path, name: str) -> Steps[Artifact]:
        return ask(
            "destination", lambda cloud: cloud._runner.run(cloud._backend.stage_artifact(path=path, filename=name))
        )

    artifacts = []
    for path, name in files:
        artifacts.append((yield from one(path, name)))
    return artifacts
