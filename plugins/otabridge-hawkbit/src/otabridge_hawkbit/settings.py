"""The settings of one tenant of one server."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from otabridge.plugin import HttpSettings


class HawkbitSettings(HttpSettings):
    """Where the server is, without `/rest/v1`, who asks, and how its types are read as products and modules."""

    credentials: ClassVar[frozenset[str]] = frozenset({"username", "password"})

    username: Annotated[str, Field(pattern=r"^[^:]+$")]
    password: SecretStr
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None
    product_mode: Literal["single", "prefix"] = "single"
    version_attribute: str = "{module}_version"

    @field_validator("version_attribute")
    @classmethod
    def _a_template(cls, value: str) -> str:
        if "{module}" not in value or {*"{}"} & {*re.sub(r"\{(module|product)\}", "", value)}:
            raise ValueError("must name {module}, may name {product}, and nothing else in braces")
        return value

    @property
    def place(self) -> str:
        """The tenant of the server."""
        return f"{super().place} {self.product}"

    @property
    def product(self) -> str:
        """The one product of a tenant in the mode `single`."""
        return self.tenant or "DEFAULT"
