"""Finding plugins: only the backend that is named is loaded, and a broken plugin breaks itself alone."""

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, metadata
from typing import TYPE_CHECKING, Any

import pluggy

from otabridge import hookspecs
from otabridge.backend import CONTRACT, REQUIRED, Backend
from otabridge.capabilities import Capability
from otabridge.errors import ConfigurationError, PluginLoadError

if TYPE_CHECKING:
    from otabridge.facade import Facade
    from otabridge.migrate.model import MigrationPlan

GROUP = "otabridge"
OBSERVERS = "otabridge.hooks"
HOME = "local"  # core's own backend, found without reading any metadata
COMPOSED = (Capability.LIST_FLEET_VERSIONS, Capability.COUNT_FLEET_VERSIONS)


log = logging.getLogger("otabridge")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One line of `otabridge plugins list`; `broken` says why it cannot be used."""

    name: str
    group: str
    distribution: str
    version: str
    hooks: tuple[str, ...] = ()
    broken: str | None = None


@lru_cache(maxsize=1)
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    """Our entry points by group: reading all there are once costs as much as asking for one group."""
    every = entry_points()
    return {group: tuple(every.select(group=group)) for group in (GROUP, OBSERVERS)}


def _points(group: str) -> tuple[EntryPoint, ...]:
    return _installed()[group]


class Registry:
    """The plugins that one client sees; `only` is an allow-list of entry names, by default OTABRIDGE_PLUGINS."""

    def __init__(self, only: Iterable[str] | None = None) -> None:
        listed = os.environ.get("OTABRIDGE_PLUGINS")
        chosen = only if only is not None else listed.split(",") if listed is not None else None
        self._only = None if chosen is None else {name.strip() for name in chosen} | {HOME}
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)

    def names(self) -> list[str]:
        """The backends that are installed and allowed."""
        return sorted({point.name for point in self._allowed(GROUP)} | {HOME})

    def backend(self, name: str) -> type[Backend]:
        """The class of one backend. ConfigurationError if it is not installed, PluginLoadError if it is broken."""
        chosen: type[Backend] = self._offered(name, self._plugin(name), "backend")
        check_backend(chosen)
        return chosen

    def facade(self, name: str) -> "type[Facade]":
        """The class of one cloud's facade. Raises as `backend`, and ConfigurationError if there is none."""
        chosen: type[Facade] = self._offered(name, self._plugin(name), "facade")
        _check_contract(chosen, "facade")
        return chosen

    def facades(self) -> list[str]:
        """The names of all facades; a plugin that cannot be loaded has none."""
        found = []
        for name in self.names():
            try:
                found.append(Registry(self._only).facade(name).name)
            except (ConfigurationError, PluginLoadError):
                continue
        return found

    def _plugin(self, name: str) -> object:
        if name == HOME:
            from otabridge.local import hooks

            return hooks
        points = [point for point in self._allowed(GROUP) if point.name == name]
        if not points:
            raise ConfigurationError(self._unknown(name))
        if len(points) > 1:
            owners = " and ".join(sorted(_owner(point) for point in points))
            raise PluginLoadError(f"backend {name!r} is offered by {owners}: uninstall one of them")
        return _load(points[0])

    def load_observers(self) -> list[PluginInfo]:
        """Load the plugins that observe and resolve credentials; the broken ones are returned."""
        broken = []
        for point in self._allowed(OBSERVERS):
            try:
                self._register(point.name, _load(point), OBSERVERS)
            except PluginLoadError as error:
                broken.append(_info(point, OBSERVERS, broken=str(error)))
        return broken

    def resolve_credentials(self, backend: str, cloud: str) -> Mapping[str, Any] | None:
        """What the first plugin that knows this cloud says of its settings."""
        found: Mapping[str, Any] | None = self._manager.hook.otabridge_resolve_credentials(backend=backend, cloud=cloud)
        return found

    def observes(self) -> bool:
        return bool(self._manager.hook.otabridge_request_finished.get_hookimpls())

    def request_finished(self, event: hookspecs.RequestFinished) -> None:
        """Tell the observers of one attempt; a failing observer is logged and breaks no request."""
        try:
            self._manager.hook.otabridge_request_finished(event=event)
        except Exception as error:
            log.warning("a plugin failed to observe a request: %s", type(error).__name__)

    def check_plan(self, plan: "MigrationPlan") -> list[hookspecs.PlanNote]:
        """What plugins say of a migration plan. PluginLoadError if one fails: its silence would pass for consent."""
        try:
            said = self._manager.hook.otabridge_check_plan(plan=plan)
            return [note for notes in said for note in notes or ()]
        except Exception as error:
            raise PluginLoadError(f"a plugin failed to check the plan ({type(error).__name__}: {error})") from error

    def plugins(self) -> list[PluginInfo]:
        """Every plugin that is installed and allowed, each loaded to see whether it works."""
        found = []
        for group in (GROUP, OBSERVERS):
            for point in self._allowed(group):
                alone = Registry(self._only)
                try:
                    if group == GROUP:
                        alone.backend(point.name)
                        with suppress(ConfigurationError):  # a plugin may have no facade
                            alone.facade(point.name)
                    else:
                        alone._register(point.name, _load(point), OBSERVERS)
                    found.append(_info(point, group, hooks=alone._hooks()))
                except PluginLoadError as error:
                    found.append(_info(point, group, broken=str(error)))
        return found

    def _allowed(self, group: str) -> list[EntryPoint]:
        return [point for point in _points(group) if self._only is None or point.name in self._only]

    def _offered(self, name: str, plugin: object, kind: str) -> Any:
        """The class of that kind and name that a plugin registers."""
        self._register(name, plugin)
        hook = f"otabridge_register_{kind}s"
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        try:
            offered = [cls for group in self._manager.subset_hook_caller(hook, others)() for cls in group]
            classes = {cls.name: cls for cls in offered}
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise PluginLoadError(f"plugin {name!r} cannot register its {kind}s ({reason})") from None
        if len(classes) < len(offered):
            names = [cls.name for cls in offered]
            raise PluginLoadError(f"plugin {name!r} registers two {kind}s of one name: it has {sorted(names)}")
        if name not in classes:
            trouble = ConfigurationError if kind == "facade" and not classes else PluginLoadError
            raise trouble(f"plugin {name!r} registers no {kind} of that name; it has {sorted(classes)}")
        return classes[name]

    def _register(self, name: str, plugin: object, group: str = GROUP) -> None:
        if self._manager.is_registered(plugin):
            return
        try:
            self._manager.register(plugin, name=f"{group}:{name}")
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise PluginLoadError(f"plugin {name!r} is refused: {error}") from None

    def _hooks(self) -> tuple[str, ...]:
        callers = [
            caller for plugin in self._manager.get_plugins() for caller in self._manager.get_hookcallers(plugin) or ()
        ]
        return tuple(sorted(caller.name for caller in callers))

    def _unknown(self, name: str) -> str:
        try:
            extras = metadata("otabridge").get_all("Provides-Extra") or []
        except PackageNotFoundError:  # run from a source tree
            extras = []
        mend = f"pip install 'otabridge[{name}]'" if name in extras else "check the spelling, or install its plugin"
        return f"no backend named {name!r}; installed: {', '.join(self.names())}. Mend: {mend}"


def check_backend(cls: type[Backend]) -> None:
    """Raise PluginLoadError unless the class was written for this contract and its capabilities are what it has."""
    name = cls.name
    _check_contract(cls, "backend")
    capabilities = getattr(cls, "capabilities", None)
    if capabilities is None:
        raise PluginLoadError(f"backend {name!r} has no capabilities: declare what it can do")
    for capability in Capability:
        method = capability.value
        support = capabilities.get(capability)
        usable = support is not None and support.level.usable
        own = getattr(cls, method) is not getattr(Backend, method) or capability in COMPOSED
        if capability in REQUIRED and not usable:
            raise PluginLoadError(f"backend {name!r} must have {method}: say so in its capabilities")
        if usable and not own:
            raise PluginLoadError(f"backend {name!r} declares {method} and does not override it")
        if own and not usable and capability not in COMPOSED:
            raise PluginLoadError(f"backend {name!r} overrides {method} and does not declare it in its capabilities")


def _check_contract(cls: "type[Backend] | type[Facade]", kind: str) -> None:
    written = getattr(cls, "contract", "none")
    if written != CONTRACT:
        raise PluginLoadError(
            f"{kind} {cls.name!r} was written for contract {written}, and this otabridge has contract {CONTRACT}: "
            "install versions of both that agree"
        )


def _load(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    raise PluginLoadError(
        f"plugin {point.name!r} of {_owner(point)} cannot be loaded ({reason}): reinstall or remove it"
    )


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _info(point: EntryPoint, group: str, *, hooks: tuple[str, ...] = (), broken: str | None = None) -> PluginInfo:
    dist = point.dist
    return PluginInfo(point.name, group, dist.name if dist else "?", dist.version if dist else "?", hooks, broken)
