"""Applying a plan, and going on with one: all items of a journal, modules before packages, some of them at a time."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import otabridge
from otabridge.backend import Backend
from otabridge.errors import ConfigurationError
from otabridge.flow import Flow, Steps, local, together
from otabridge.migrate.course import USUAL, Checkpoint, Choices, Course, Ended, Stop, files_of
from otabridge.migrate.facts import other_place, side_of
from otabridge.migrate.items import carried
from otabridge.migrate.journal import ItemState, Journal, State
from otabridge.migrate.model import Item, Kind, MigrationPlan, Side
from otabridge.migrate.steps import Where, ask
from otabridge.migrate.telling import number_of

Tell = Callable[[Item, ItemState], object]
_ENDED: tuple[State, ...] = ("done", "skipped", "undone")
_BEGUN: tuple[State, ...] = ("planned", "intended", "made")
_TOGETHER: tuple[Kind, ...] = ("module", "package")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run: how many items are in each state, what this run did, why it stopped, the exit code."""

    counts: Mapping[State, int] = field(default_factory=dict)
    done: int = 0
    created: int = 0
    stopped: Stop = ""
    words: str = ""
    code: int = 0


def begun(path: str | os.PathLike[str], plan: MigrationPlan) -> Journal:
    """The journal of a plan, to be applied or gone on with. ConfigurationError if the plan may not be applied."""
    permitted(plan)
    return Journal.begin(path, plan)


def permitted(plan: MigrationPlan) -> None:
    """ConfigurationError if a plan was made by another otabridge, or has blockers that nobody accepted."""
    if plan.otabridge != otabridge.__version__:
        told = f"the plan was made by otabridge {plan.otabridge}, and this is {otabridge.__version__}"
        raise ConfigurationError(f"{told}: plan again")
    blocked = plan.blockers()
    if blocked:
        rules = sorted(set().union(*(item.rules("blocker") for item in blocked)) - {*plan.accepted})
        told = f"the plan has blockers in {number_of(len(blocked), 'item', 'items')} ({', '.join(rules)})"
        raise ConfigurationError(f"{told}: mend or map them, or plan again and accept the rules")


def applied(
    journal: Journal,
    *,
    choices: Choices = USUAL,
    checkpoint: Checkpoint = lambda place: None,
    tell: Tell = lambda item, state: None,
) -> Steps[Outcome]:
    """Do what a journal's plan says and is not done yet. What is wrong with one item is in the journal, not raised.

    `checkpoint` is called at every place where a kill would leave another state behind; `tell` at each item's end.
    """
    plan = journal.plan
    permitted(plan)
    yield from _expected("source", plan.source)
    destination = yield from _expected("destination", plan.destination)
    seconds = choices.stop_seconds
    ends_at = None if seconds is None else destination.world.monotonic() + seconds
    course = Course(journal, destination, checkpoint, choices, ends_at)
    parents = {(item.source["product"], item.source["name"]): item for item in plan.items if item.kind == "module"}

    def one(item: Item) -> Steps[None]:
        if not course.may_begin():
            return
        parent = parents.get((item.source["product"], item.source.get("module", "")))
        if parent and parent.action != "skip" and (stands := journal.state(parent.key).state) != "done":
            gone = stands == "undone"
            words = "its module was undone" if gone else f"it waits for {parent.key}, which is not done"
            yield from local(lambda: journal.move(item.key, "undone" if gone else "planned", words=words))
            return
        try:
            ended = yield from carried(item, course)
        except Ended:
            return
        course.ended(item.key, ended)
        tell(item, ended)

    checkpoint("opened")
    yield from local(lambda: shutil.rmtree(files_of(journal), ignore_errors=True))
    try:
        for kind in _TOGETHER:
            left = _left(plan.items, journal, kind)
            yield from together((Flow(one(item), item.key) for item in left), in_flight=choices.in_flight)
            checkpoint(f"{kind}s ended")
    finally:
        shutil.rmtree(files_of(journal), ignore_errors=True)
    return outcome(plan, journal.states(), course)


def outcome(plan: MigrationPlan, states: Mapping[str, ItemState], course: Course | None = None) -> Outcome:
    """What a journal's states amount to."""
    counts: Counter[State] = Counter(state.state for state in states.values())
    stopped = course.stopped if course else ""
    failed = [state for state in states.values() if state.state == "failed"]
    accepted = any(item.rules("blocker") for item in plan.items)
    unfinished = any(counts[state] for state in _BEGUN)
    codes: Iterable[tuple[int, bool]] = (
        (8, stopped == "credentials"),
        (7, stopped == "budget" and unfinished),
        (4, any(not state.hopeless for state in failed)),
        (5, bool(failed)),
        (3, bool(counts["conflict"] or counts["drifted"])),
        (4, unfinished),
        (6, accepted),
    )
    return Outcome(
        counts=dict(counts),
        done=course.done if course else 0,
        created=course.created if course else 0,
        stopped=stopped,
        words=course.words if course else "",
        code=next((code for code, holds in codes if holds), 0),
    )


def _expected(where: Where, side: Side) -> Steps[Backend]:
    """The backend of one side. ConfigurationError if it is not the plan's."""
    other = yield from ask(where, lambda cloud: other_place(side, side_of(cloud)))
    if other:
        raise ConfigurationError(f"the plan's {where} is {other}: connect to that, or plan again")
    backend: Backend = yield from ask(where, lambda cloud: cloud._backend)
    return backend


def _left(items: Iterable[Item], journal: Journal, kind: Kind) -> list[Item]:
    """The items that are not at their end; what the plan itself calls a conflict is nothing to be tried."""
    states = journal.states()
    return [
        item
        for item in items
        if item.kind == kind and item.action in ("create", "adopt", "update") and states[item.key].state not in _ENDED
    ]
