"""A migration plan as a value: what was found on both sides, and what is to be done about each module and package.

Its file is canonical JSON with an id over its body, so that a plan which was edited is noticed. It holds neither
secrets nor locations.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import Any, Literal

from otabridge.errors import ConfigurationError

FORMAT = 1
Json = dict[str, Any]
Kind = Literal["module", "package"]
Action = Literal["create", "adopt", "update", "skip", "conflict", "unsupported"]
Fate = Literal["exact", "transformed", "dropped", "defaulted", "unsupported"]
Severity = Literal["info", "behaviour", "blocker"]
WRITES: tuple[Action, ...] = ("create", "update")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """What becomes of one field. `rule` is the stable id of why, as `package.version.length`; `words` say it."""

    field: str
    fate: Fate
    old: Any = None
    new: Any = None
    severity: Severity = "info"
    rule: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One artifact of a package: its name at the source and at the destination, its length, its digest."""

    name: str
    target: str
    size: int | None = None
    algorithm: str | None = None
    hex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One module or package. `source` is its key there; `target` the arguments that make it at the destination.

    `key` names it in the plan and the journal: `module p/mcu`, `package p/mcu/1.0`. `existing` is the id, or the name,
    of what stands at the destination. `fingerprint` is of the source's object, less what changes by itself.
    """

    key: str
    kind: Kind
    action: Action
    source: Mapping[str, Any]
    target: Mapping[str, Any]
    files: tuple[File, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    fingerprint: str = ""
    existing: str | None = None
    words: str = ""

    def worst(self) -> Severity:
        """The severest of its fields."""
        order: tuple[Severity, ...] = ("info", "behaviour", "blocker")
        return max((change.severity for change in self.fields), key=order.index, default="info")

    def rules(self, severity: Severity) -> set[str]:
        """The rules of its fields with this severity."""
        return {change.rule for change in self.fields if change.severity == severity}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two clouds: its name in the configuration, its backend's, and a digest of where its objects are.

    The digest is of the endpoint or folder, and of what tells accounts apart there; empty where that cannot be told.
    """

    cloud: str
    backend: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A count that a cloud limits: how many there may be, are, and will be needed."""

    count: str
    of: str
    limit: int
    used: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What an apply costs: calls by side and operation, bytes each way, and the seconds that the quotas alone take."""

    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0
    slots: tuple[Slots, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """What is to be done. `accepted` are the rules whose blockers were accepted; `options` what was asked for."""

    source: Side
    destination: Side
    made_at: str
    otabridge: str
    items: tuple[Item, ...]
    estimate: Estimate = field(default_factory=Estimate)
    accepted: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The digest of everything in it but its time."""
        body = {name: value for name, value in _plain(self).items() if name != "made_at"}
        return sha256(canonical(body)).hexdigest()

    @property
    def empty(self) -> bool:
        """Whether nothing would be written: adopting is not, and neither is what only informs."""
        return not any(item.action in WRITES for item in self.items)

    def blockers(self) -> list[Item]:
        """The items that stop the plan: with a blocker whose rule was not accepted."""
        return [item for item in self.items if item.rules("blocker") - {*self.accepted}]

    def counted(self) -> dict[Action, int]:
        """How many items there are of each action."""
        found: dict[Action, int] = {}
        for item in self.items:
            found[item.action] = found.get(item.action, 0) + 1
        return found

    def accepting(self, rules: Iterable[str]) -> "MigrationPlan":
        """The plan with more rules accepted."""
        return replace(self, accepted=tuple(sorted({*self.accepted, *rules})))

    def to_json(self) -> bytes:
        """The file's content."""
        told = {"format": FORMAT, "id": self.id, **_plain(self)}
        return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> "MigrationPlan":
        """The plan in a file. ConfigurationError, in words, if it is none, of another format, or was edited."""
        try:
            told = json.loads(content)
            made_for = told.pop("format")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigurationError("the file is no migration plan: make one with `otabridge migrate plan`") from None
        if made_for != FORMAT:
            version = told.get("otabridge", "an unknown version")
            message = f"the plan is of format {made_for}, made by otabridge {version}; this one reads format {FORMAT}"
            raise ConfigurationError(f"{message}: plan again")
        try:
            known, plan = told.pop("id"), _plan(told)
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"the plan cannot be read ({type(error).__name__}): plan again") from None
        if known != plan.id:
            raise ConfigurationError("the plan was edited since it was made: use a mapping file, and plan again")
        return plan


def canonical(value: Any) -> bytes:
    """JSON with one spelling, for digests."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def item_key(kind: Kind, *parts: str) -> str:
    """An item's name in the plan and the journal; a `/` in a part is written `%2F`, so that no two are alike."""
    return f"{kind} {'/'.join(part.replace('%', '%25').replace('/', '%2F') for part in parts)}"


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value


def _plan(told: Json) -> MigrationPlan:
    items = tuple(
        Item(
            **{
                **item,
                "files": tuple(File(**file) for file in item["files"]),
                "fields": tuple(FieldChange(**change) for change in item["fields"]),
            }
        )
        for item in told["items"]
    )
    estimate = told["estimate"]
    estimate = Estimate(**{**estimate, "slots": tuple(Slots(**each) for each in estimate["slots"])})
    return MigrationPlan(
        **{
            **told,
            "source": Side(**told["source"]),
            "destination": Side(**told["destination"]),
            "items": items,
            "estimate": estimate,
            "accepted": tuple(told["accepted"]),
        }
    )
