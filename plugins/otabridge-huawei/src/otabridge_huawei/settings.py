"""The settings of one IoTDA instance and of the account that uses it."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from otabridge.plugin import HttpSettings
from otabridge_huawei.signing import derived_host

Scheme = Literal["plain", "derived", "token"]

_NEEDED: dict[Scheme, tuple[str, ...]] = {
    "plain": ("access_key", "secret_key"),
    "derived": ("access_key", "secret_key", "region"),
    "token": ("username", "password", "domain"),
}
_REGION_IN_HOST = re.compile(r"\.([a-z]{2,}-[a-z]+-\d{1,2})\.(?:my)?huaweicloud\.(?:com|cn)(?:$|:)").search


class HuaweiSettings(HttpSettings):
    """Where the instance is, and who asks. Without `endpoint` it is the region's shared host."""

    environment: ClassVar[dict[str, tuple[str, ...]]] = {
        "access_key": ("HUAWEICLOUD_SDK_AK",),
        "secret_key": ("HUAWEICLOUD_SDK_SK",),
        "security_token": ("HUAWEICLOUD_SDK_SECURITY_TOKEN",),
        "project_id": ("HUAWEICLOUD_SDK_PROJECT_ID",),
        "iam_endpoint": ("HUAWEICLOUD_SDK_IAM_ENDPOINT",),
    }
    credentials: ClassVar[frozenset[str]] = frozenset(
        {"access_key", "secret_key", "security_token", "username", "password"}
    )

    endpoint: str = ""
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,256}$")] | None = None
    project_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    app_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,36}$")] | None = None
    instance_id: Annotated[str, Field(pattern=r"^[!-~]+$")] | None = None
    auth: Literal["auto", "plain", "derived", "token"] = "auto"
    access_key: Annotated[str, Field(pattern=r"^[!-~]+$")] | None = Field(None, repr=False)
    secret_key: SecretStr | None = None
    security_token: SecretStr | None = None
    iam_endpoint: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    domain: str | None = None
    # Where the files of packages are brought.
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9.-]{3,63}$")] | None = None
    obs_endpoint: str | None = None
    obs_prefix: Annotated[str, Field(max_length=1024)] = ""
    obs_addressing: Literal["auto", "virtual", "path"] = "auto"
    obs_signature: Literal["v4", "v2", "obs"] = "v4"

    @model_validator(mode="before")
    @classmethod
    def _located(cls, values: Any) -> Any:
        """Endpoint and region, each from the other where one is left out."""
        if not isinstance(values, dict):
            return values
        endpoint, region = values.get("endpoint"), values.get("region")
        if region and not endpoint:
            return {**values, "endpoint": f"iotda.{region}.myhuaweicloud.com"}
        if not region and isinstance(endpoint, str) and (found := _REGION_IN_HOST(endpoint.rstrip("/"))):
            return {**values, "region": found[1]}
        return values

    @model_validator(mode="after")
    def _sufficient(self) -> Self:
        if not self.endpoint:
            raise ValueError("endpoint or region is missing: give the instance's address, or its region")
        missing = [name for name in _NEEDED[self.scheme] if not getattr(self, name)]
        if missing:
            other = "" if self.scheme == "token" else "; or give username, password and domain for a token"
            raise ValueError(
                f"auth {self.scheme} ({'chosen' if self.auth == 'auto' else 'asked for'}, "
                f"host {self.host}) needs {', '.join(missing)}{other}"
            )
        return self

    @property
    def place(self) -> str:
        """The project and its instance."""
        return f"{super().place} {self.project_id} {self.instance_id} {self.app_id}"

    @property
    def host(self) -> str:
        """`name[:port]` of the endpoint."""
        return self.endpoint.partition("://")[2]

    @property
    def scheme(self) -> Scheme:
        """How requests are authenticated: as asked for, else by what is given and by the host."""
        if self.auth != "auto":
            return self.auth
        if self.username and self.password and not self.access_key:
            return "token"
        return "derived" if derived_host(self.host) else "plain"

    @property
    def object_store(self) -> str | None:
        """The origin of the object storage, where it is not the one of a bucket's region: on loopback the endpoint."""
        return self.obs_endpoint or (self.endpoint if self.endpoint.startswith("http:") else None)

    @property
    def addressing(self) -> Literal["virtual", "path"]:
        """Where a bucket is named: in the host, but on loopback in the path, unless asked for otherwise."""
        if self.obs_addressing != "auto":
            return self.obs_addressing
        return "path" if (self.object_store or "").startswith("http:") else "virtual"

    @property
    def iam(self) -> str:
        """The origin of the identity service."""
        return self.iam_endpoint or f"https://iam.{f'{self.region}.' if self.region else ''}myhuaweicloud.com"
