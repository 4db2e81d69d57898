"""The hooks that a plugin may implement. They register and observe; only `resolve_credentials` may do I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from otabridge.backend import Backend

if TYPE_CHECKING:
    from otabridge.facade import Facade
    from otabridge.migrate.model import MigrationPlan

hookspec = pluggy.HookspecMarker("otabridge")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFinished:
    """One attempt of one request, already redacted: no query, no header, no body. `seconds` is its wall time."""

    backend: str
    operation: str
    method: str
    url: str
    attempt: int
    seconds: float
    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNote:
    """What a plugin has to say of one item of a migration plan. A `blocker` stops the plan until its rule is accepted.

    `rule` is a stable id, the plugin's name in front; `field` the item's field that is meant, if it is one.
    """

    item: str
    rule: str
    words: str
    severity: Literal["info", "behaviour", "blocker"] = "blocker"
    field: str = ""


@hookspec
def otabridge_register_backends() -> Iterable[type[Backend]]:  # type: ignore[empty-body]
    """Return the backend classes of this plugin."""


@hookspec
def otabridge_register_facades() -> "Iterable[type[Facade]]":  # type: ignore[empty-body]
    """Return the facade classes of this plugin, each named like the backend whose cloud it imitates."""


@hookspec(firstresult=True)
def otabridge_resolve_credentials(backend: str, cloud: str) -> Mapping[str, Any] | None:
    """Return settings to lay over a cloud's own, or None; before `expires_at`, an aware datetime, it is asked again."""


@hookspec
def otabridge_request_finished(event: RequestFinished) -> None:
    """Observe one attempt of a request."""


@hookspec
def otabridge_check_plan(plan: "MigrationPlan") -> Iterable[PlanNote] | None:
    """Return notes on the items of a migration plan, or None. It is read, never changed."""
