"""The settings that every backend has; a backend's own class adds its fields. Secrets are `SecretStr`."""

import ipaddress
from typing import Annotated, Any, ClassVar, Literal, NoReturn, get_args
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    SecretStr,
    ValidationInfo,
    field_validator,
)

Validate = Literal["strict", "warn", "off"]
# Of the setting `file_hosts` that goes with `Links`: a host, or `*.` and a domain for every host below it.
FileHost = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]
Quotas = Literal["documented", "off"] | PositiveFloat | dict[str, PositiveFloat]


class Settings(BaseModel):
    """Common to all: how to check arguments, how fast to go, and the user's names for products."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True, defer_build=True
    )

    # Field -> the vendor's customary environment variables, first found wins; and the fields that make up a credential.
    environment: ClassVar[dict[str, tuple[str, ...]]] = {}
    credentials: ClassVar[frozenset[str]] = frozenset()

    validation: Validate = Field("strict", validation_alias=AliasChoices("validate", "validation"))
    quotas: Quotas = "documented"
    quota_share: float = Field(1.0, gt=0, le=1)
    timeout: PositiveFloat = 30.0
    proxy: str | None = Field(None, repr=False)
    ca_file: str | None = None
    products: dict[str, str] = Field(default_factory=dict)

    @field_validator("*", mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str) and (text != text.strip() or not text.isprintable()):
            raise ValueError("holds a control character, or white space at an end: a line end pasted with it, perhaps")
        return value

    @property
    def place(self) -> str:
        """Whose objects these settings show, whoever asks for them; empty where that cannot be told."""
        return ""

    @classmethod
    def secret_fields(cls) -> frozenset[str]:
        """The names of the fields that hold secrets, optional and annotated ones too."""
        return frozenset(name for name, info in cls.model_fields.items() if _is_secret(info.annotation))

    @field_validator("proxy")
    @classmethod
    def _http_proxy(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("write it as http://host:port, or https://host:port")
        return value

    def secrets(self) -> tuple[str, ...]:
        """Every secret text, for the redactor."""
        values = (getattr(self, name) for name in type(self).model_fields)
        texts = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        password = urlsplit(self.proxy).password if self.proxy else None
        return tuple(filter(None, (*texts, password)))

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds secrets and cannot be pickled")


class HttpSettings(Settings):
    """Common to the clouds: where they are. `http://` is for loopback alone, in every field that ends in `endpoint`."""

    endpoint: str

    @property
    def place(self) -> str:
        """The endpoint; a cloud with several accounts behind one adds what tells them apart.

        Of one on loopback the port says nothing: an emulator takes another one each time.
        """
        parts = urlsplit(self.endpoint)
        host, port = parts.hostname or "", parts.port
        return "loopback" if is_loopback(host) else f"{host}:{port or 443}"

    @field_validator("*")
    @classmethod
    def _origin(cls, value: Any, info: ValidationInfo) -> Any:
        return origin(value) if value and str(info.field_name).endswith("endpoint") else value


def origin(text: str) -> str:
    """`https://host[:port]` of an endpoint; a bare host gets https. Raises ValueError for anything else."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must be a host, or https://host[:port]")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValueError("must be https://host[:port] and nothing more: no path, query or credentials")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("http:// is allowed towards loopback alone: use https://")
    _ = parts.port  # raises ValueError if it is no port
    return f"{parts.scheme}://{parts.netloc}"


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
