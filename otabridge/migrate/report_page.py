"""The HTML report: one file without scripts, and with nothing from elsewhere, that a manager can read and keep."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from otabridge.migrate.record import Record
from otabridge.migrate.report_flow import drawing
from otabridge.migrate.telling import (
    SEVERITIES,
    WORDS,
    Loss,
    costs,
    counts,
    headline,
    left,
    losses,
    number_of,
    standing,
    target_words,
    unproven,
    value_words,
)

MOST = 20  # examples of a loss, of which the rest is among the items
LONGEST = 300


def page(record: Record) -> str:
    """The whole file."""
    plan, journal = record.plan, record.states is not None
    title = f"{'Migration report' if journal else 'Migration plan'}: {plan.source.cloud} to {plan.destination.cloud}"
    facts = [("Plan", plan.id[:12]), ("Made at", plan.made_at), ("By otabridge", plan.otabridge), *costs(record)]
    facts.append(("Accepted losses", ", ".join(plan.accepted) or "none"))
    items = (
        (item.key, target_words(item), WORDS[standing(item, record)], record.state(item).words or item.words)
        for item in plan.items
    )
    template = Template((Path(__file__).parent / "report.html").read_text("utf-8"))
    return template.substitute(
        title=text(title),
        mood="bad" if left(record) or (plan.blockers() and not journal) else "",
        headline=text(headline(record)),
        facts="".join(f"<dt>{text(name)}</dt><dd>{text(words)}</dd>" for name, words in facts),
        totals=table(
            ("", "modules", "packages"), ((WORDS[word], *numbers) for word, *numbers in counts(record)), numbers=2
        ),
        moves="done" if journal else "to be carried over, or there already",
        open='<span class="open"></span>not done yet' if journal else "",
        flow=drawing(record),
        losses="".join(_severity(severity, words, losses(record)) for severity, words in SEVERITIES.items()),
        unproven=table(
            ("why", "as in", "items"), ((words, keys[0], len(keys)) for words, keys in unproven(record)), numbers=1
        ),
        left_title="What is not done" if journal else "What will not be done",
        left=table(("item", "why"), ((item.key, words) for item, words in left(record))),
        items_title=number_of(len(plan.items), "module or package", "modules and packages"),
        items=table(("item", "becomes", "stands", ""), items),
    )


def text(value: object) -> str:
    """A value as a page shows it, and never obeys it."""
    words = value_words(value)
    return escape(words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> str:
    """A table, or that there is nothing; the last columns are numbers."""
    first = len(head) - numbers

    def line(cells: Sequence[object], tag: str) -> str:
        classes = ("" if at < first else ' class="num"' for at in range(len(cells)))
        return "".join(f"<{tag}{how}>{text(cell)}</{tag}>" for cell, how in zip(cells, classes, strict=True))

    body = "".join(f"<tr>{line(row, 'td')}</tr>\n" for row in rows)
    if not body:
        return '<p class="none">None.</p>'
    return f'<div class="scroll"><table><thead><tr>{line(head, "th")}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _severity(severity: str, words: str, found: Iterable[Loss]) -> str:
    shown = "".join(_loss(loss) for loss in found if loss.severity == severity)
    return f'<h3 class="{severity}">{text(words)}</h3>{shown or table((), ())}'


def _loss(loss: Loss) -> str:
    """One rule, with its items behind a fold."""
    accepted = ", <strong>accepted</strong>" if loss.accepted else ""
    many = number_of(len(loss.changes), "item", "items")
    rows = [(item.key, change.field, change.old, change.new, change.words) for item, change in loss.changes[:MOST]]
    more = len(loss.changes) - len(rows)
    rest = f"<p><small>And {more} more: the report as CSV has all of them.</small></p>" if more else ""
    return (
        f"<details><summary><code>{text(loss.rule)}</code> {text(loss.words)} <small>({many}{accepted})</small>"
        f"</summary>{table(('item', 'field', 'at the source', 'at the destination', 'why'), rows)}{rest}</details>"
    )
