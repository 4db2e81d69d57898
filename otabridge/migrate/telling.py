"""What there is to tell of a plan or a journal: where its items stand, what is lost, what it costs, in words."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otabridge.migrate.model import WRITES, FieldChange, Item, Severity
from otabridge.migrate.record import Record
from otabridge.migrate.rules import RULES

SEVERITIES: Mapping[Severity, str] = {
    "blocker": "Blockers: cannot be carried over, or only with a loss that somebody must accept",
    "behaviour": "Noticeable: devices or operators will see a difference",
    "info": "For information: nobody will notice",
}
# What is exact, or lost, and cannot be seen by looking at the destination.
UNPROVABLE = (
    *("artifact.digest.unknown", "artifact.digest.incomparable"),
    *("artifact.name.untold", "package.kind.untold"),
)
# Action, or state of a journal, -> what that means to a person.
WORDS = {
    "create": "to be created",
    "adopt": "there already, and equal",
    "update": "to be updated in its texts",
    "skip": "left out",
    "conflict": "in conflict",
    "unsupported": "impossible there",
    "planned": "not done yet",
    "intended": "begun, its outcome unknown",
    "made": "made, not yet checked",
    "done": "done and checked",
    "drifted": "changed or gone at the source since it was planned",
    "failed": "failed",
    "skipped": "left out",
    "undone": "undone again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What one rule says, of how many items; `changes` has each."""

    severity: Severity
    rule: str
    words: str
    accepted: bool
    changes: tuple[tuple[Item, FieldChange], ...]


def standing(item: Item, record: Record) -> str:
    """The word for where an item stands: its state in a journal, else its action."""
    if record.states is None or item.action == "unsupported":
        return item.action
    return record.state(item).state


def losses(record: Record) -> list[Loss]:
    """What does not carry over as it is, by rule, the severest first; of what is not carried at all, why alone."""
    found: dict[tuple[Severity, str], list[tuple[Item, FieldChange]]] = {}
    for item in record.plan.items:
        stays = item.action in ("conflict", "unsupported")
        for change in item.fields if item.action != "skip" else ():
            told = change.severity == "blocker" if stays else (change.fate, change.severity) != ("exact", "info")
            if change.rule and told:
                found.setdefault((change.severity, change.rule), []).append((item, change))
    order = [*SEVERITIES]
    return [
        Loss(
            severity=severity,
            rule=rule,
            words=RULES[rule].words if rule in RULES else changes[0][1].words,
            accepted=rule in record.plan.accepted,
            changes=tuple(changes),
        )
        for (severity, rule), changes in sorted(found.items(), key=lambda each: (order.index(each[0][0]), each[0][1]))
    ]


def unproven(record: Record) -> list[tuple[str, list[str]]]:
    """What no look at the destination can prove: why, and of which items."""
    found: dict[str, list[str]] = {}
    for item in record.plan.items if record.states is None else _done(record):
        for change in item.fields if item.action in ("create", "adopt", "update") else ():
            proven = change.rule == "artifact.digest.incomparable" and record.states is not None  # apply compared bytes
            if change.rule in UNPROVABLE and not proven:
                found.setdefault(RULES[change.rule].words, []).append(item.key)
    return [*found.items()]


def _done(record: Record) -> list[Item]:
    return [item for item in record.plan.items if record.state(item).state == "done"]


def left(record: Record) -> list[tuple[Item, str]]:
    """What was not done, or is not going to be, each with why."""
    done = ("done",) if record.states is not None else ("create", "adopt", "update")
    return [
        (item, " — ".join(dict.fromkeys(filter(None, (WORDS[stands], record.state(item).words or item.words)))))
        for item in record.plan.items
        if (stands := standing(item, record)) not in done
    ]


def counts(record: Record) -> list[tuple[str, int, int]]:
    """Where items stand, with how many modules and packages."""
    found = Counter((standing(item, record), item.kind) for item in record.plan.items)
    return [
        (word, found[word, "module"], found[word, "package"])
        for word in WORDS
        if found[word, "module"] or found[word, "package"]
    ]


def headline(record: Record) -> str:
    """The one sentence that somebody reads who reads no more."""
    plan, found = record.plan, {word: modules + packages for word, modules, packages in counts(record)}
    if record.states is not None:
        whole = ", ".join(f"{number} {WORDS[word]}" for word, number in found.items())
        return f"Of {number_of(len(plan.items), 'module or package', 'modules and packages')}: {whole}."
    if blocked := plan.blockers():
        rules = sorted(set().union(*(item.rules("blocker") for item in blocked)) - {*plan.accepted})
        count = number_of(len(blocked), "item has a blocker", "items have blockers")
        return f"This plan cannot be applied as it is: {count} that nobody accepted ({', '.join(rules)})."
    if not plan.items:
        return "There is nothing to do: the source has no modules and packages."
    stays = sum(found.get(word, 0) for word in ("skip", "conflict", "unsupported"))
    rest = f", and {stays} not to be carried over" if stays else ""
    if plan.empty:
        return f"There is nothing to do{rest}."
    writes = {"create": "to be created", "update": "to be updated"}
    told = ", ".join(f"{found[word]} {words}" for word, words in writes.items() if word in found)
    return f"This plan can be applied: {told}{rest}. Nothing was written yet."


def costs(record: Record) -> list[tuple[str, str]]:
    """What the plan costs, as far as it is known."""
    estimate = record.plan.estimate
    calls = {side: sum(table.values()) for side, table in sorted(estimate.calls.items(), reverse=True)}
    unknown = sum(file.size is None for item in record.plan.items if item.action in WRITES for file in item.files)
    more = f", and {number_of(unknown, 'file', 'files')} of unknown size" if unknown else ""
    told = [
        ("Files", f"{size_words(estimate.bytes)}{more}"),
        ("Time that the rates alone take", time_words(estimate.seconds)),
    ]
    told += [(f"Calls of the {side}", f"{number:,}") for side, number in calls.items()]
    for slots in estimate.slots:
        words = f"{slots.needed} needed, {max(0, slots.limit - slots.used)} free of {slots.limit}"
        told.append((f"{slots.count}: {slots.of}", words))
    return told


def size_words(size: float) -> str:
    """A number of bytes, for a person."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, {"B": "kB", "kB": "MB", "MB": "GB", "GB": "TB"}[unit]
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def time_words(seconds: float) -> str:
    """A duration, for a person."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def number_of(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many}"


def value_words(value: Any) -> str:
    """A field's value, on one line, with what a terminal or page would obey instead of show escaped."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return (
        text
        if text.isprintable()
        else "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    )


def short_words(value: Any, most: int = 70) -> str:
    """A field's value with what does not fit beside another left out before its end, which often tells most."""
    text, end = value_words(value), most // 4
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"


def target_words(item: Item) -> str:
    """The names of an item at the destination."""
    words = ("product", "name") if item.kind == "module" else ("product", "module", "version")
    return "/".join(str(item.target[word]) for word in words)
