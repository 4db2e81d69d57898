"""`otabridge backends`: what each kind of cloud can do here, and what it limits."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otabridge.cli import output as out
from otabridge.cli.options import Debug, Format, Output

if TYPE_CHECKING:
    from otabridge.backend import Backend
    from otabridge.limits import Limits
    from otabridge.settings import Settings

app = typer.Typer()
COLUMNS = ("name", "distribution", "version", "operations", "broken")
FACTS = ("section", "name", "value", "note")
Fact = tuple[str, ...]


@app.command("list")
def list_backends(output: Output = Format.TABLE, debug: Debug = False) -> None:
    """List the installed backends, and how many operations each of them has."""
    from otabridge.errors import PluginLoadError
    from otabridge.registry import Registry

    registry = Registry()
    rows: list[tuple[str | None, ...]] = []
    for name in registry.names():
        distribution, version = _origin(registry, name)
        try:
            rows.append((name, distribution, version, _operations(registry.backend(name)), None))
        except PluginLoadError as error:
            rows.append((name, distribution, version, None, str(error)))
    out.listed(output, COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in rows])


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The backend's name, as `backends list` shows it.")],
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Show what a backend can do, what it limits field by field, its quotas and its settings."""
    from otabridge.registry import Registry

    registry = Registry()
    backend = registry.backend(name)
    distribution, version = _origin(registry, name)
    told = {"name": name, "distribution": distribution, "version": version, **_described(backend)}
    if output in (Format.JSON, Format.JSONL):
        out.show(output, told)
    else:
        out.listed(output, FACTS, [dict(zip(FACTS, fact, strict=True)) for fact in _facts(told)])


def _described(backend: "type[Backend]") -> dict[str, Any]:
    """Everything that a backend declares, as JSON has it."""
    from otabridge.capabilities import Capability, Level, Support

    absent = Support(Level.UNSUPPORTED)
    capabilities = {each.value: backend.capabilities.get(each, absent) for each in Capability}
    return {
        "contract": backend.contract,
        "capabilities": {each: {"level": row.level.value, "note": row.note} for each, row in capabilities.items()},
        "limits": _limits(backend.limits),
        "quotas": {operation: {"rate": quota.rate, "per": quota.per} for operation, quota in backend.quotas.items()},
        "builtin_modules": dict(backend.builtins),
        "unique": {kind: list(fields) for kind, fields in backend.traits.unique_keys.items()},
        "settings": list(_settings(backend.settings)),
    }


def _limits(limits: "Limits") -> dict[str, Any]:
    plain = {
        "source_versions": limits.source_versions,
        "artifacts": limits.artifacts,
        "artifact_size": limits.artifact_size,
        "artifact_suffixes": list(limits.artifact_suffixes),
        "checksums": list(limits.checksums),
        "kinds": list(limits.kinds),
    }
    return {
        "fields": {field: {**out.record(text), "rule": str(text)} for field, text in limits.text.items()},
        "page_size": {operation.value: size for operation, size in limits.page_size.items()},
        "counts": dict(limits.counts),
        **plain,
    }


def _settings(schema: "type[Settings]") -> Iterator[dict[str, Any]]:
    for field, info in schema.model_fields.items():
        required = info.is_required()
        default = None if required else info.get_default(call_default_factory=True, validated_data={})
        yield {
            "name": "validate" if field == "validation" else field,
            "required": required,
            "secret": field in schema.secret_fields(),
            "default": out.plain(default),
            "environment": list(schema.environment.get(field, ())),
        }


def _facts(told: Mapping[str, Any]) -> Iterator[Fact]:
    """The same, flat: one fact a row."""
    for name in ("name", "distribution", "version", "contract"):
        yield "backend", name, str(told[name]), ""
    for name, row in told["capabilities"].items():
        yield "capability", name, row["level"], row["note"]
    limits = told["limits"]
    for name, text in limits["fields"].items():
        yield "limit", name, text["rule"], text["hint"]
    for section in ("page_size", "counts"):
        yield from ((section.replace("_", " "), name, str(value), "") for name, value in limits[section].items())
    for name in ("source_versions", "artifacts", "artifact_size", "artifact_suffixes", "checksums", "kinds"):
        if limits[name] not in (None, []):
            yield "limit", name, out.cell(limits[name]), ""
    for name, quota in told["quotas"].items():
        yield "quota", name, f"{quota['rate']:g} requests/s", f"per {quota['per']}"
    for name, spelling in told["builtin_modules"].items():
        yield "built-in module", name, spelling, ""
    for name, fields in told["unique"].items():
        yield "unique", name, out.cell(fields), ""
    for row in told["settings"]:
        needed = "required" if row["required"] else f"default {out.dumps(row['default'])}"
        words = [needed, *(["secret"] if row["secret"] else [])]
        yield "setting", row["name"], ", ".join(words), " ".join(row["environment"])


def _operations(backend: "type[Backend]") -> str:
    from otabridge.capabilities import Capability

    usable = sum(support.level.usable for support in backend.capabilities.values())
    return f"{usable} of {len(Capability)}"


def _origin(registry: Any, name: str) -> tuple[str, str]:
    """The distribution that a backend comes from, and its version."""
    from otabridge import __version__

    owners = {info.name: (info.distribution, info.version) for info in registry.plugins() if info.group == "otabridge"}
    return owners.get(name, ("otabridge", __version__))
