"""The local backend's settings."""

from pydantic import Field

from otabridge.plugin import Settings


class LocalSettings(Settings):
    """`path` is the store's folder; None keeps everything in memory. `timeout` is how long to wait for its lock."""

    path: str | None = Field(min_length=1)
