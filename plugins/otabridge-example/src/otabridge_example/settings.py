"""The settings of one account: where the cloud is, and the key that signs."""

from typing import ClassVar

from otabridge.plugin import HttpSettings
from pydantic import Field, SecretStr


class ExampleSettings(HttpSettings):
    """What a user writes into otabridge.toml, or sets in the environment."""

    environment: ClassVar[dict[str, tuple[str, ...]]] = {
        "access_key": ("EXAMPLE_ACCESS_KEY",),
        "secret_key": ("EXAMPLE_SECRET_KEY",),
    }
    credentials: ClassVar[frozenset[str]] = frozenset({"access_key", "secret_key"})

    access_key: str = Field(pattern=r"^[A-Za-z0-9_-]+$", repr=False)
    secret_key: SecretStr
