"""What a plan knows of the two backends: their declarations, taken from a client in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from otabridge.aio import AsyncClient
from otabridge.capabilities import TRAITS, Capability, Support, Traits
from otabridge.client import Client
from otabridge.errors import ValidationError
from otabridge.facade import TWINS
from otabridge.limits import Limits
from otabridge.migrate.model import Side
from otabridge.models import Artifact, PackageDraft
from otabridge.signing import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one side declares. `products` are the user's aliases for its products, `rates` requests per second.

    `spends` has the rates' names that a call of an operation uses; `check` is the backend's own check of a draft, and
    `has_bytes` whether it can bring an artifact.
    """

    limits: Limits = field(default_factory=Limits)
    traits: Traits = TRAITS
    capabilities: Mapping[Capability, Support] = field(default_factory=dict)
    builtins: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    spends: Mapping[Capability, tuple[str, ...]] = field(default_factory=dict)
    check: Callable[[PackageDraft], None] | None = field(default=None, compare=False, repr=False)
    has_bytes: Callable[[Artifact], bool] = field(default=lambda artifact: True, compare=False, repr=False)
    now: Callable[[], datetime] = field(default=World().now, compare=False, repr=False)

    def can(self, capability: Capability) -> bool:
        """Whether an operation is there."""
        return capability in self.capabilities and self.capabilities[capability].level.usable

    def lacks(self, name: str) -> bool:
        """Whether what is written in a field, as `package.name`, can never be read again."""
        limit = self.limits.text.get(name)
        return name in self.traits.untold or (limit is not None and limit.absent)

    def builtin(self, module: str) -> str | None:
        """The built-in module here that means what another cloud's does; None if there is none."""
        return next((name for name in (module, TWINS.get(module)) if name in self.builtins), None)

    def refusal(self, draft: PackageDraft) -> str | None:
        """Why the backend would refuse a draft, in words, or None."""
        try:
            (self.check or self.limits.check_draft)(draft)
        except ValidationError as error:
            return str(error)
        return None


def side_of(client: Client | AsyncClient) -> Side:
    """Which cloud a client is of. Neither keys nor addresses are in it."""
    backend = client._backend
    place = backend.config.place
    digest = sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16] if place else ""
    return Side(cloud=client.cloud, backend=backend.name, place=digest)


def other_place(side: Side, found: Side) -> str:
    """Why a client is not of the cloud that a plan was made for, in words; empty if it is, whatever its name."""
    if found.backend != side.backend:
        return f"{side.cloud}, of the backend {side.backend}, not {found.backend}"
    if side.place and found.place and side.place != found.place:
        return f"{side.cloud} at another endpoint, account or folder than {found.cloud} is"
    return ""


def facts_of(client: Client | AsyncClient) -> Facts:
    """What the backend of a client declares."""
    backend = client._backend

    def check(draft: PackageDraft) -> None:
        arguments: dict[str, Any] = {"draft": draft}
        backend._check(Capability.CREATE_PACKAGE, arguments)

    return Facts(
        limits=backend.limits,
        traits=backend.traits,
        capabilities=backend.capabilities,
        builtins=backend.builtins,
        products=backend.config.products,
        rates=backend.rates(),
        spends=backend.spends,
        check=check,
        has_bytes=backend.has_bytes,
        now=backend.world.now,
    )
