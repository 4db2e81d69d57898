"""From `connect`'s arguments to an engine: find the cloud, load its plugin, validate its settings."""

import logging
import os
from typing import Any

from otabridge import config
from otabridge._exchange import Exchange, Resolved
from otabridge.registry import HOME, Registry
from otabridge.signing import World

log = logging.getLogger("otabridge")


def prepare(
    cloud: str | None, given: dict[str, Any], *, file: "str | os.PathLike[str] | None", world: World | None
) -> tuple[str, Exchange]:
    """The cloud's name and an engine for it. Raises ConfigurationError or PluginLoadError; sends nothing."""
    concealed = config.Concealed(given)
    given.clear()  # so that no frame of a traceback holds a secret in the clear
    asked = config.target(cloud, concealed, config=file)
    registry = Registry()
    if asked.backend != HOME:
        for plugin in registry.load_observers():
            log.warning("%s", plugin.broken)
    kind = registry.backend(asked.backend)
    resolved = config.build(kind, asked, registry)

    def renew() -> Resolved:
        return config.build(kind, asked, registry)

    exchange = Exchange(
        kind(resolved.settings, world=world),
        expires_at=resolved.expires_at,
        renew=renew if resolved.expires_at else None,
        observe=registry.request_finished if registry.observes() else None,
    )
    return asked.cloud, exchange
