"""How the backend of a cloud reaches the facade of that cloud: the settings that `connect` takes."""

from collections.abc import Mapping

from otabridge.registry import Registry
from otabridge.settings import Settings


def reach(facade: str, url: str, hints: Mapping[str, str], access_key: str, secret_key: str) -> dict[str, str]:
    """The settings of the facade's own backend, its secret included. Raises as `Registry.backend` where it has none."""
    kind = Registry().backend(facade).settings
    known = {name: value for name, value in hints.items() if name in kind.model_fields}
    return {"backend": facade, "endpoint": url, **known, **_keys(kind, access_key, secret_key)}


def _keys(kind: type[Settings], access_key: str, secret_key: str) -> Mapping[str, str]:
    """The fields of an access key and its secret: the first of each sort among the credentials."""
    secret = kind.secret_fields()
    fields = [name for name in kind.model_fields if name in kind.credentials]
    plain, hidden = (next((name for name in fields if (name in secret) is which), None) for which in (False, True))
    return {name: value for name, value in ((plain, access_key), (hidden, secret_key)) if name}
