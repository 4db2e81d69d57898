"""The grant of an upload, as an answer has it, and the form that it is used with."""

from dataclasses import dataclass, field
from typing import Any

from otabridge.plugin import Pairs, Reader, aliased
from otabridge_action import schema_names as names
from otabridge_action.reading import Kind
from otabridge_action.schema import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to upload one file, for a minute. `host` is where to, and `url` where the file is then."""

    host: str
    url: str
    key: str
    access_key: str
    policy: str = field(repr=False)
    signature: str = field(repr=False)

    def form(self) -> Pairs:
        """The fields that come before the file."""
        named = tuple((name, getattr(self, word)) for word, name in names.FORM.items())
        return (*named, (names.FORM_STATUS, "200"))


_NAMES: dict[str, Any] = {word: name.lower() for word, name in names.GRANT.items()}
_GRANT: Any = aliased(Grant, **_NAMES)
GRANTS: Kind[Listing[Grant]] = Kind(
    Reader(Listing[_GRANT]), mark=names.GRANT["policy"].lower(), place={}, prepare=lambda row: row
)
