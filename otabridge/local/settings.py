"""The local backend's settings."""

import os

from pydantic import Field

from otabridge.plugin import Settings


class LocalSettings(Settings):
    """`path` is the store's folder; None keeps everything in memory. `timeout` is how long to wait for its lock."""

    path: str | None = Field(min_length=1)

    @property
    def place(self) -> str:
        """The folder, however it is spelled."""
        return os.path.realpath(os.path.expanduser(self.path)) if self.path else ""
