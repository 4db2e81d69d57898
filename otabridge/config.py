"""From a name to a backend with settings: otabridge.toml, the environment, the keyring, settings given in code.

Later ones win: the vendor's customary variables, the keyring, the file, `OTABRIDGE_<CLOUD>_<FIELD>`, credential
plugins, code.
"""

import importlib.util
import json
import os
import stat
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from otabridge._exchange import Resolved
from otabridge.backend import Backend
from otabridge.errors import ConfigurationError
from otabridge.registry import HOME, Registry
from otabridge.settings import Settings

FILE = "otabridge.toml"
RESERVED = frozenset({"serve", "config", "plugins", "trace", "vectors", "test"})
MEMORY = "memory:"
LOCAL = "local:"


class Concealed(dict[str, Any]):
    """Settings before they are validated: some are secret, so repr shows the names alone."""

    def __repr__(self) -> str:
        return f"<settings {', '.join(self)}>"


@dataclass(frozen=True, slots=True)
class Target:
    """A cloud as it was asked for: its name, its backend's, what the file says of it and what the code gives."""

    cloud: str
    backend: str
    file: Concealed
    given: Concealed
    named: bool = False
    rivals: tuple[str, ...] = ()  # prefixes of other clouds' variables that begin like this one's


def find_file(given: str | os.PathLike[str] | None = None) -> Path | None:
    """The configuration file: the one given, that of OTABRIDGE_CONFIG, ./otabridge.toml, or the platform's."""
    named = given or os.environ.get("OTABRIDGE_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise ConfigurationError(f"there is no configuration file {str(path)!r}")
        return path
    from platformdirs import user_config_dir

    for path in (Path(FILE), Path(user_config_dir("otabridge", appauthor=False)) / FILE):
        if path.is_file():
            return path
    return None


def clouds(given: str | os.PathLike[str] | None = None) -> dict[str, Concealed]:
    """Every `[clouds.NAME]` of the configuration file, or nothing where there is no file."""
    path = find_file(given)
    if path is None:
        return {}
    found = _tables(path)
    if isinstance(found, str):
        raise ConfigurationError(f"{path} {found}")
    for name in found:
        if name.lower() in RESERVED:
            raise ConfigurationError(f"{path}: [clouds.{name}]: that name is reserved, so choose another")
    return found


def _tables(path: Path) -> dict[str, Concealed] | str:
    """Each cloud's table, or what is wrong with the file. Raises nothing: this frame holds secrets."""
    import tomllib  # not every client has a file

    try:
        found = tomllib.loads(path.read_text("utf-8-sig")).get("clouds", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return f"is not TOML: {error}"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
        return "has clouds that are no tables: write [clouds.NAME]"
    return {name: Concealed(table) for name, table in found.items()}


def target(cloud: str | None, given: Concealed, *, config: str | os.PathLike[str] | None = None) -> Target:
    """What `connect` was asked for. ConfigurationError if there is no such cloud."""
    if cloud is not None and (cloud == MEMORY or cloud.startswith(LOCAL)):
        path = None if cloud == MEMORY else cloud.removeprefix(LOCAL)
        if path == "":
            raise ConfigurationError("local: needs a folder, as in local:./depot")
        return Target(cloud, HOME, Concealed(path=path), given)
    backend = given.pop("backend", None)
    if cloud is None:
        if not isinstance(backend, str):
            raise ConfigurationError("name a cloud, or give backend= and its settings")
        return Target(backend, backend, Concealed(), given)
    known = clouds(config)
    backend = backend or os.environ.get(f"{_prefix(cloud)}BACKEND")
    if cloud not in known and backend is None:
        listed = ", ".join(known) or "none"
        hint = f"try local:{cloud}" if "/" in cloud else f"write [clouds.{cloud}] into {FILE}, or use local:PATH"
        raise ConfigurationError(f"there is no cloud named {cloud!r}; configured: {listed}. Mend: {hint}")
    table = Concealed(known.get(cloud, {}))
    said = table.pop("backend", None)
    backend = backend or said
    if not isinstance(backend, str):
        raise ConfigurationError(f'[clouds.{cloud}] says no backend: add backend = "..."')
    _warn_if_readable(cloud, table, find_file(config))
    own = _prefix(cloud)
    rivals = tuple(prefix for prefix in map(_prefix, known) if prefix.startswith(own) and prefix != own)
    return Target(cloud, backend, table, given, named=True, rivals=rivals)


def build(cls: type[Backend], asked: Target, registry: Registry) -> Resolved:
    """The settings of a target, and until when they hold. ConfigurationError names every field that is wrong."""
    resolved = _resolved(asked, registry)
    if isinstance(resolved, str):
        raise ConfigurationError(f"cloud {asked.cloud!r}: a credential plugin {resolved}")
    expires_at = resolved.pop("expires_at", None)
    if expires_at is not None and getattr(expires_at, "tzinfo", None) is None:
        raise ConfigurationError(f"cloud {asked.cloud!r}: a credential plugin gave an expires_at without a time zone")
    settings = _validated(cls.settings, asked, resolved)
    if isinstance(settings, str):
        raise ConfigurationError(f"cloud {asked.cloud!r} (backend {asked.backend}): {settings}")
    return Resolved(settings, expires_at)


def _resolved(asked: Target, registry: Registry) -> Concealed | str:
    """What credential plugins say, or what is wrong with it. Raises nothing: their errors may hold secrets."""
    try:
        found: object = registry.resolve_credentials(asked.backend, asked.cloud)
    except Exception as error:
        return f"failed ({type(error).__name__})"
    if found is not None and not isinstance(found, Mapping):
        return f"gave a {type(found).__name__} instead of a mapping of settings"
    return Concealed(dict(found or {}))


def _validated(schema: type[Settings], asked: Target, resolved: Concealed) -> Settings | str:
    """The settings, or what is wrong with them. Raises nothing: this frame holds secrets."""
    values = Concealed(asked.file)
    if asked.named:
        values |= _from_environment(asked, schema)
    values |= resolved
    values |= asked.given
    secret = schema.secret_fields()
    # A keyring may ask its owner to unlock it, so it is left alone where a secret is known.
    for name in secret if secret.isdisjoint(values) else ():
        if kept := _keyring(asked.cloud, name):
            values[name] = kept
    # Customary variables never complete credentials that come from elsewhere: the two would not belong together.
    complete = bool((secret | schema.credentials) & values.keys())
    for name, variables in schema.environment.items():
        value = next((os.environ[variable] for variable in variables if os.environ.get(variable)), None)
        if value is not None and name not in values and not (complete and name in schema.credentials):
            values[name] = value
    try:
        return schema.model_validate(values)
    except pydantic.ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(_problem(item, schema) for item in problems)


def _problem(item: Any, schema: type[Settings]) -> str:
    field = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        known = ", ".join("validate" if name == "validation" else name for name in schema.model_fields)
        return f"{field} is no setting of this backend; it has {known}"
    if item["type"] == "missing":
        return f"{field} is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _prefix(cloud: str) -> str:
    return f"OTABRIDGE_{cloud.upper().replace('-', '_')}_"


def _from_environment(asked: Target, schema: type[Settings]) -> Concealed:
    prefix = _prefix(asked.cloud)
    found = Concealed()
    for name in (*schema.model_fields, "validate"):
        value = os.environ.get(prefix + name.upper())
        # OTABRIDGE_PROD_IAM_ENDPOINT is the endpoint of a cloud prod-iam, where there is one, and not prod's.
        another = (prefix + name.upper()).startswith(asked.rivals)
        if value is not None and name != "validation" and not another:
            found[name] = _table(value) if value.startswith("{") else value
    return found


def _table(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _keyring(cloud: str, field: str) -> str | None:
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring
    import keyring.errors

    try:
        kept: str | None = keyring.get_password("otabridge", f"{cloud}.{field}")
        return kept
    except keyring.errors.KeyringError:
        return None


def _warn_if_readable(cloud: str, table: Mapping[str, Any], path: Path | None) -> None:
    secret = [key for key in table if any(word in key for word in ("secret", "password", "token"))]
    if secret and path and sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        warnings.warn(
            f"{path} holds {secret[0]} of [clouds.{cloud}] and others may read it: chmod 600 {path}", stacklevel=5
        )
