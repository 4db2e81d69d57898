"""The way of one item: read again at the source, looked for, intended, made, proven.

A repeat, in the same run or in a later one, goes the same way from its beginning and looks before it writes.
"""

import shutil
from typing import Any

from otabridge.errors import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    IntegrityError,
    NotFoundError,
    OtaBridgeError,
    OutcomeUnknownError,
    ProtocolError,
    ServerError,
    TransportError,
)
from otabridge.files import Digests
from otabridge.flow import Sleep, Steps, local, or_none
from otabridge.migrate.carrying import fetched, staged
from otabridge.migrate.course import Course
from otabridge.migrate.journal import ItemState, State
from otabridge.migrate.looking import (
    TEXTS,
    differences,
    fingerprint,
    found_packages,
    proof,
    shown_module,
    shown_package,
)
from otabridge.migrate.model import Item
from otabridge.migrate.steps import ask
from otabridge.models import Module, Package

TRIES = 4
# After these nobody knows whether a write took effect; but no connection, nothing written.
_UNSURE = (OutcomeUnknownError, ServerError, ProtocolError, TransportError)


class Drifted(Exception):
    """The source has another object than the plan was made of."""


class Clash(Exception):
    """Something else stands at the destination than the plan says or wants."""


def carried(item: Item, course: Course) -> Steps[ItemState]:
    """Bring an item to an end, and say to which. What concerns the whole run is raised."""
    way = _Way(item, course)
    try:
        for attempt in range(1, TRIES + 1):
            try:
                yield from way.gone()
                break
            except Drifted as error:
                yield from way.moved("drifted", words=str(error))
                break
            except Clash as error:
                yield from way.moved("conflict", words=str(error))
                break
            except ConfigurationError:
                raise
            except OtaBridgeError as error:
                failed = yield from way.moved("failed", error=type(error).__name__, words=str(error), ours=way.ours)
                if isinstance(error, AuthenticationError) and attempt == TRIES:
                    course.stop("credentials", str(error))
                if failed.hopeless or attempt == TRIES or course.breaks_off():
                    break
    finally:
        shutil.rmtree(course.folder(item), ignore_errors=True)
    return course.journal.state(item.key)


class _Way:
    """One item at work. `ours`: whether this journal made it or, as far as is known by now, may have."""

    def __init__(self, item: Item, course: Course) -> None:
        self._item = item
        self._course = course
        self._journal = course.journal
        self._traits = course.destination.traits
        self._digests: tuple[Digests, ...] = ()
        self.ours = False

    def gone(self) -> Steps[None]:
        """The way from its beginning."""
        state = self._journal.state(self._item.key)
        self.ours, self._digests = state.ours, state.digests
        self._reached("begun")
        match self._item.action:
            case "create":
                yield from self._created(state)
            case "update":
                yield from self._updated(state)
            case _:
                yield from self._adopted()

    def moved(self, state: State, **facts: Any) -> Steps[ItemState]:
        """Write a state to the journal."""
        self._reached(f"before {state}")
        there = yield from local(lambda: self._journal.move(self._item.key, state, **facts))
        self._reached(state)
        return there

    # --- the three ways ---------------------------------------------------------------------------------------------

    def _created(self, state: ItemState) -> Steps[None]:
        if state.attempts or not self._unique():
            there = yield from self._look(
                lag=state.ours, half_made=state.ours and state.state != "conflict" and self._unique()
            )
            self._reached("looked")
            if there is not None:
                yield from self._finished(there)
                return
        source = yield from self._source()
        files = []
        if isinstance(source, Package):
            files = yield from fetched("source", source, self._course.folder(self._item))
            self._digests = tuple(digests for _, digests in files)
            self._reached("fetched")
        self._course.may_create()
        yield from self.moved("intended", ours=True, attempts=state.attempts + 1, digests=self._digests)
        target = dict(self._item.target)
        if isinstance(source, Package):
            named = zip(files, self._item.files, strict=True)
            target["artifacts"] = yield from staged([(path, file.target) for (path, _), file in named])
            self._reached("staged")
        made = yield from self._made(target)
        yield from self.moved("made", id=_id(made), ours=self.ours)
        yield from self._finished((yield from self._proven(made)))

    def _made(self, target: dict[str, Any]) -> Steps[Module | Package]:
        """Make it. If the name is taken, by an equal one, that one."""
        kind = self._item.kind
        try:
            made: Module | Package = yield from ask(
                "destination", lambda cloud: getattr(cloud, f"{kind}s").create(**target)
            )
        except ConflictError as error:
            there = yield from self._look(lag=True)
            if there is None:
                raise Clash(f"something stands in its way at the destination: {error}") from None
            return there
        except _UNSURE as error:
            self.ours = self.ours or not isinstance(error, ConnectError)
            raise
        self.ours = True
        self._reached("created")
        return made

    def _updated(self, state: ItemState) -> Steps[None]:
        yield from self._source()
        there = yield from self._existing()
        other = self._differences(there)
        if {*other} - {*TEXTS[self._item.kind]}:
            raise Clash(f"what stands at the destination differs in {', '.join(other)}: plan again")
        planned = {change.field: change.old for change in self._item.fields if change.rule.endswith(".replaced")}
        edited = [name for name in other if name not in planned or (getattr(there, name) or None) != planned[name]]
        if edited:
            raise Clash(f"{', '.join(edited)} was edited at the destination since it was planned: plan again")
        if other:
            self._course.may_go_on()
            yield from self.moved("intended", attempts=state.attempts + 1, id=_id(there))
            texts = {name: self._item.target[name] for name in other}
            yield from ask("destination", lambda cloud: _update(cloud, there, texts))
            self._reached("updated")
            yield from self.moved("made", id=_id(there))
            there = yield from self._proven(there)
        yield from self._finished(there)

    def _adopted(self) -> Steps[None]:
        source = yield from self._source()
        there = yield from self._existing()
        if isinstance(source, Package) and isinstance(there, Package):
            yield from self._proved_by_bytes(source, there)
        other = self._differences(there)
        if other:
            raise Clash(f"what stands at the destination differs in {', '.join(other)}: plan again")
        yield from self._finished(there)

    def _proved_by_bytes(self, source: Package, there: Package) -> Steps[None]:
        """Where the plan could not compare digests: take them here, of the one side or of both."""
        if proof(self._item.files, there) is not None:
            return
        folder = self._course.folder(self._item)
        files = yield from fetched("source", source, folder)
        self._digests = tuple(digests for _, digests in files)
        if proof(self._item.files, there, self._digests) is None:
            theirs = yield from fetched("destination", there, folder)
            if sorted(digests for _, digests in theirs) != sorted(self._digests):
                raise Clash("what stands at the destination has other bytes: plan again")

    # --- steps on them ----------------------------------------------------------------------------------------------

    def _source(self) -> Steps[Module | Package]:
        """The source's object, read again. Drifted if it is another by now, or gone."""
        source = self._item.source
        try:
            found: Module | Package
            if self._item.kind == "module":
                found = yield from shown_module("source", source["product"], source["name"])
            else:
                found = yield from shown_package("source", source["id"])
        except NotFoundError:
            raise Drifted("it is gone: plan again") from None
        if fingerprint(found) != self._item.fingerprint:
            raise Drifted("it is another one by now: plan again")
        self._reached("read again")
        return found

    def _existing(self) -> Steps[Module | Package]:
        """What the plan found at the destination."""
        target = self._item.target
        try:
            if self._item.kind == "module":
                return (yield from shown_module("destination", target["product"], target["name"]))
            if self._item.existing:
                return (yield from shown_package("destination", self._item.existing))
        except NotFoundError:
            pass
        raise Clash("what stood at the destination is gone since it was planned: plan again")

    def _look(self, *, lag: bool, half_made: bool = False) -> Steps[Module | Package | None]:
        """What stands at the destination by the item's name and is equal; it may show `lag` seconds late.

        What differs may be `half_made` by us: such a cloud completes it when it is made again, and refuses another one.
        """
        found = yield from self._named()
        if not found and lag and self._traits.list_lag_seconds:
            yield Sleep(self._traits.list_lag_seconds)
            found = yield from self._named()
        for each in found:
            other = self._differences(each)
            if not other:
                equal: Module | Package = each
                return equal
        if found and not half_made:
            raise Clash(f"another one stands at the destination; it differs in {', '.join(other)}")
        return None

    def _named(self) -> Steps[list[Any]]:
        target = self._item.target
        if self._item.kind == "package":
            return (yield from found_packages("destination", target["product"], target["module"], target["version"]))
        found = yield from or_none(shown_module("destination", target["product"], target["name"]))
        return [found] if found else []

    def _proven(self, made: Module | Package) -> Steps[Module | Package]:
        """What was written, read back, and again after the lag. IntegrityError if it is not as it was written."""
        for pause in dict.fromkeys((0.0, self._traits.list_lag_seconds)):
            if pause:
                yield Sleep(pause)
            try:
                if isinstance(made, Package):
                    there: Module | Package = yield from shown_package("destination", made.id)
                else:
                    there = yield from shown_module("destination", made.product, made.name)
            except NotFoundError:
                words = "it was made, and cannot be found"
                continue
            other = self._differences(there)
            if not other:
                self._reached("proven")
                return there
            words = f"it was written, and reads differently in {', '.join(other)}"
        raise IntegrityError(words)

    def _finished(self, there: Module | Package) -> Steps[None]:
        known = {"id": _id(there), "ours": self.ours, "digests": self._digests}
        yield from self.moved("done", **known, fingerprint=fingerprint(there))

    def _differences(self, found: Module | Package) -> tuple[str, ...]:
        limits = self._course.destination.limits
        return differences(self._item, found, limits, self._digests, untold=self._traits.untold)

    def _unique(self) -> bool:
        """Whether the destination itself refuses a second one of the same name."""
        keys = self._traits.unique_keys.get(self._item.kind)
        return keys is not None and {*keys} <= {"product", "module", "name", "version"}

    def _reached(self, place: str) -> None:
        self._course.checkpoint(f"{place} {self._item.key}")


def _id(found: Module | Package) -> str:
    return found.id or found.name if isinstance(found, Module) else found.id


def _update(cloud: Any, there: Module | Package, texts: dict[str, str]) -> Any:
    if isinstance(there, Package):
        return cloud.packages.update(there.id, **texts)
    return cloud.modules.update(there.name, product=there.product, **texts)
