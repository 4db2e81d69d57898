"""The settings of one account: where its service is, its keys, and how requests are signed."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from otabridge.plugin import FileHost, HttpSettings
from otabridge_action.tables import HOSTS

Visible = Annotated[str, Field(pattern=r"^[!-~]+$")]
Secret = Annotated[SecretStr, Field(min_length=1)]


class ActionSettings(HttpSettings):
    """Common to both clouds. `minimal` leaves out every common parameter that the signature does not need.

    `file_hosts` are hosts whose addresses the cloud may give for its files, beside those that the profile knows.
    """

    credentials: ClassVar[frozenset[str]] = frozenset({"access_key_id", "access_key_secret", "security_token"})

    region: Visible | None = None
    access_key_id: Visible
    access_key_secret: Secret
    security_token: Secret | None = None
    iot_instance_id: Visible | None = None
    signature: Literal["rpc", "acs3"] = "rpc"
    minimal: bool = False
    file_hosts: tuple[FileHost, ...] = ()


class TuyaSettings(ActionSettings):
    """A service instance of its own, at host and port; `region` and `iot_instance_id` are accepted and never sent."""

    signature: Literal["rpc"] = "rpc"


class AliyunSettings(ActionSettings):
    """A region's shared host, unless `endpoint` says otherwise."""

    environment: ClassVar[dict[str, tuple[str, ...]]] = {
        "access_key_id": ("ALIBABA_CLOUD_ACCESS_KEY_ID",),
        "access_key_secret": ("ALIBABA_CLOUD_ACCESS_KEY_SECRET",),
        "security_token": ("ALIBABA_CLOUD_SECURITY_TOKEN",),
    }

    endpoint: str = ""
    signature: Literal["rpc", "acs3"] = "acs3"

    @property
    def place(self) -> str:
        """The host is shared; whose keys these are cannot be told, and they are replaced from time to time."""
        return f"{super().place} {self.iot_instance_id}"

    @model_validator(mode="before")
    @classmethod
    def _located(cls, values: Any) -> Any:
        """The region's host where no endpoint is given."""
        host = HOSTS.get(values.get("region"))
        return {**values, "endpoint": host} if host and not values.get("endpoint") else values

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.endpoint:
            return self
        if self.region is None:
            raise ValueError("endpoint or region is missing: give the region, or the host of the service")
        raise ValueError(f"no host is known for region {self.region!r} (known: {', '.join(HOSTS)}): give endpoint")
