"""Reports of a plan or a journal, for people and for programs: Markdown, JSON, CSV; `report_page.py` has the HTML one.

They hold what the plan holds: no secret, and no place where a file lies.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from otabridge.errors import ConfigurationError
from otabridge.migrate.record import Record, Source, read_record
from otabridge.migrate.telling import (
    SEVERITIES,
    WORDS,
    Loss,
    costs,
    counts,
    headline,
    left,
    losses,
    short_words,
    standing,
    target_words,
    unproven,
    value_words,
)

Format = Literal["md", "json", "csv", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
COLUMNS = (
    *("key", "kind", "action", "state", "product", "module", "version", "id"),
    *("field", "fate", "severity", "rule", "old", "new", "words"),
)
_MARKS = re.compile(r"([\\`*_\[\]|~$])")


def reported(source: Source, format: Format = "md") -> str:
    """A report of a plan or a journal. Looks at no cloud."""
    if format not in FORMATS:
        raise ConfigurationError(f"no report is called {format!r}: there are {', '.join(FORMATS)}")
    record = read_record(source)
    if format == "html":
        from otabridge.migrate.report_page import page

        return page(record)
    makers: Mapping[str, Callable[[Record], str]] = {"md": _markdown, "json": _json, "csv": _csv}
    return makers[format](record)


def _markdown(record: Record) -> str:
    plan = record.plan
    kind = "Migration plan" if record.states is None else "Migration report"
    lines = [f"# {kind}: {_md(plan.source.cloud)} → {_md(plan.destination.cloud)}", "", _md(headline(record)), ""]
    facts = [("Plan", plan.id[:12]), ("Made at", plan.made_at), ("By otabridge", plan.otabridge), *costs(record)]
    facts.append(("Accepted rules", ", ".join(plan.accepted) or "none"))
    lines += _table(("", ""), facts)
    lines += ["## Totals", "", *_table(("", "modules", "packages"), ((WORDS[word], *n) for word, *n in counts(record)))]
    lines += ["## What does not carry over as it is", ""]
    found = losses(record)
    for severity, words in SEVERITIES.items():
        rows = [
            (f"{loss.rule}{' (accepted)' if loss.accepted else ''}", loss.words, len(loss.changes), _example(loss))
            for loss in found
            if loss.severity == severity
        ]
        lines += [
            f"### {words}",
            "",
            *(_table(("rule", "what it means", "items", "as in"), rows) if rows else ["None.", ""]),
        ]
    lines += ["## What looking at the destination cannot prove", ""]
    lines += _table(("why", "items", "as in"), ((words, len(keys), keys[0]) for words, keys in unproven(record)))
    lines += ["## What is not done" if record.states is not None else "## What will not be done", ""]
    lines += _table(("item", "why"), ((item.key, words) for item, words in left(record)))
    lines += ["## Every item", ""]
    lines += _table(
        ("item", "becomes", "stands", "worst"),
        ((item.key, target_words(item), WORDS[standing(item, record)], item.worst()) for item in plan.items),
    )
    return "\n".join(lines).rstrip() + "\n"


def _example(loss: Loss) -> str:
    item, change = loss.changes[0]
    open_ = change.new is None and change.fate in ("unsupported", "defaulted")
    known = (change.old,) if open_ else (change.old, change.new)
    told = " → ".join(short_words(each) or "nothing" for each in known) if any(known) else ""
    return ": ".join(filter(None, (short_words(item.key), change.field, told)))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    body = [f"| {' | '.join(map(_md, row))} |" for row in rows]
    if not body:
        return ["None.", ""]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body, ""]


def _md(value: object) -> str:
    """A text that Markdown shows as it is."""
    text = value_words(value).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKS.sub(r"\\\1", text)


def _json(record: Record) -> str:
    plan = record.plan
    told: dict[str, Any] = {
        "plan": plan.id,
        "made_at": plan.made_at,
        "otabridge": plan.otabridge,
        "source": {"cloud": plan.source.cloud, "backend": plan.source.backend},
        "destination": {"cloud": plan.destination.cloud, "backend": plan.destination.backend},
        "of": "plan" if record.states is None else "journal",
        "headline": headline(record),
        "accepted": [*plan.accepted],
        "counts": {word: {"modules": modules, "packages": packages} for word, modules, packages in counts(record)},
        "bytes": plan.estimate.bytes,
        "seconds": plan.estimate.seconds,
        "losses": [
            {
                "severity": loss.severity,
                "rule": loss.rule,
                "words": loss.words,
                "accepted": loss.accepted,
                "items": [item.key for item, _ in loss.changes],
            }
            for loss in losses(record)
        ],
        "unproven": [{"words": words, "items": keys} for words, keys in unproven(record)],
        "left": [{"item": item.key, "stands": standing(item, record), "words": words} for item, words in left(record)],
        "items": [*_rows(record)],
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    """A row for each field of which something is to be said, and for each item of which nothing is."""
    for item in record.plan.items:
        state = record.state(item)
        own = {"key": item.key, "kind": item.kind, "action": item.action}
        own |= {"state": state.state if record.states is not None else ""}
        name = "name" if item.kind == "module" else "module"
        own |= {"product": item.target["product"], "module": item.target[name]}
        own |= {"version": item.target.get("version", ""), "id": state.id or item.existing or ""}
        changes = [change for change in item.fields if change.rule]
        for change in changes:
            told = {"field": change.field, "fate": change.fate, "severity": change.severity, "rule": change.rule}
            yield {**own, **told, "old": change.old, "new": change.new, "words": change.words}
        if not changes:
            yield {**dict.fromkeys(COLUMNS, ""), **own, "words": state.words or item.words}


def _csv(record: Record) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows([_cell(row[column]) for column in COLUMNS] for row in _rows(record))
    return text.getvalue()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = value_words(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
