"""Reports: whole in every format, true to the plan or journal, and safe to open whatever a cloud has written."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from otabridge import ConfigurationError
from otabridge.migrate import FieldChange, Item, MigrationPlan, reported
from otabridge.migrate.journal import ItemState
from otabridge.migrate.model import Estimate, File, Side, Slots
from otabridge.migrate.record import Record
from otabridge.migrate.report import COLUMNS, FORMATS
from otabridge.migrate.report_page import page
from otabridge.migrate.rules import RULES, change
from otabridge.migrate.telling import UNPROVABLE, headline, losses
from tests.migrate.calling import call, moved
from tests.migrate.conftest import Move
from tests.support.browser import CHROMIUM

NASTY = "</title><script>alert(1)</script>|`*_[x](javascript:1)\n\r\t\x1b[31m\u202e\ud800'\"&amp;<!-- ]]>"
VOID = {"meta", "br"}


def item(module: str, version: str | None, action: str = "create", *fields: FieldChange, **more: Any) -> Item:
    names = {"product": "p", "name": module} if version is None else {"product": "p", "module": module}
    if version is not None:
        names["version"] = version
    key = f"module p/{module}" if version is None else f"package p/{module}/{version}"
    given = {"key": key, "kind": "module" if version is None else "package", "action": action, "fields": fields}
    return Item(**{**given, "source": names, "target": names, **more})


def plan(*items: Item, **more: Any) -> MigrationPlan:
    sides = {"source": Side(cloud="old", backend="local"), "destination": Side(cloud="new", backend="local")}
    return MigrationPlan(**{**sides, "made_at": "2026-05-01", "otabridge": "0.1.0", "items": items, **more})


DAMAGED = plan(
    item("mcu", None, "adopt", words="there already, and equal"),
    item("mcu", "1.0", "create", change("package.name.absent", "name", "App")),
    item("mcu", "1.1", "create", change("artifact.digest.unknown", "artifacts", "app.bin")),
    item("mcu", "2.0", "conflict", change("artifact.bytes.differ", "artifacts", ["a"], ["b"]), words="other bytes"),
    item("radio", None, "unsupported", change("module.name.length", "module", "radio"), words="too long"),
    item("valve", None, "skip", words="left out by the mapping"),
    estimate=Estimate(
        calls={"source": {"list": 3}, "destination": {"create": 2}},
        bytes=5_300_000,
        seconds=200,
        slots=(Slots(count="modules per product", of="p", limit=10, used=4, needed=1),),
    ),
    accepted=("module.name.length",),
)
HOSTILE = plan(
    item(NASTY, "1", "create", change("package.name.absent", NASTY, NASTY), words=NASTY),
    replace(item("m", NASTY, "conflict", change("artifact.bytes.differ", "artifacts", NASTY, NASTY)), existing=NASTY),
    item("@=1+1", None, "skip", words="=cmd|' /C calc'!A0"),
    source=Side(cloud=NASTY, backend="local"),
    accepted=(NASTY,),
)


def test_of_what_is_not_carried_over_only_the_reason_is_told_as_a_loss() -> None:
    cut = change("module.alias.length", "alias", "long", "lo")
    record = Record(
        plan(
            item("mcu", None, "create", cut),
            item("radio", None, "unsupported", cut, change("count.modules", "module", detail="at most 1")),
        )
    )
    found = {loss.rule: len(loss.changes) for loss in losses(record)}
    assert found == {"module.alias.length": 1, "count.modules": 1}
    assert "count.modules | more modules than the destination has room for | 1 | module p/radio: module |" in reported(
        record.plan
    )


def test_an_example_of_a_loss_says_nothing_of_what_is_not_known() -> None:
    said = reported(plan(item("mcu", None, "create", change("module.created_at.new", "created_at", "2020"))))
    assert "module p/mcu: created\\_at: 2020 |" in said


def test_a_drawing_of_a_plan_has_nothing_that_is_not_done_yet() -> None:
    mark = '<span class="open"></span>'
    made = plan(item("mcu", None))
    assert mark not in page(Record(made))
    assert mark in page(Record(made, {"module p/mcu": ItemState()}))


def test_the_headline_tells_of_what_is_left_out() -> None:
    refused = item("radio", None, "unsupported", change("count.modules", "module"))
    made = plan(item("mcu", None), refused, accepted=("count.modules",))
    assert "can be applied: 1 to be created, and 1 not to be carried over. Nothing" in headline(Record(made))
    assert headline(Record(replace(made, items=(refused,)))) == "There is nothing to do, and 1 not to be carried over."


class Elements(HTMLParser):
    """The elements of a page, and whether each that was opened was closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


# --- what is told -----------------------------------------------------------------------------------------------------

TOLD = {
    "headline": "cannot be applied as it is: 1 item has a blocker that nobody accepted (artifact.bytes.differ)",
    "bytes": "5.3 MB",
    "seconds": "3 min",
    "slots": "1 needed, 6 free of 10",
    "a loss": "the destination has no such field",
    "what was accepted": "module.name.length",
    "what cannot be proven": "the source tells no digest to check the bytes by",
    "what will not be done": "left out — left out by the mapping",
}


@pytest.mark.parametrize("format", ["md", "html"])
@pytest.mark.parametrize("what", TOLD)
def test_a_person_is_told(what: str, format: str) -> None:
    told = reported(DAMAGED, format)
    words = "".join(Elements(told).texts) if format == "html" else told.replace("\\", "")
    assert TOLD[what] in " ".join(words.split())


def test_a_program_is_told_the_same() -> None:
    told = json.loads(reported(DAMAGED, "json"))
    assert told["counts"]["create"] == {"modules": 0, "packages": 2}
    assert [(each["rule"], each["accepted"]) for each in told["losses"] if each["severity"] == "blocker"] == [
        ("artifact.bytes.differ", False),
        ("module.name.length", True),
    ]
    assert [each["items"] for each in told["unproven"]] == [["package p/mcu/1.1"]]
    assert [each["item"] for each in told["left"]] == ["package p/mcu/2.0", "module p/radio", "module p/valve"]
    assert {row["key"] for row in told["items"]} == {item.key for item in DAMAGED.items}


def test_the_table_has_a_line_for_each_loss_and_each_item_without_one() -> None:
    head, *lines = csv.reader(io.StringIO(reported(DAMAGED, "csv")))
    assert tuple(head) == COLUMNS
    assert [line[0] for line in lines] == [item.key for item in DAMAGED.items]
    assert dict(zip(head, lines[3], strict=True))["old"] == '["a"]'


def test_a_journal_is_reported_by_what_became_of_it(move: Move) -> None:
    moved(move)
    told = json.loads(reported(move.journal, "json"))
    assert (told["of"], told["counts"]) == ("journal", {"done": {"modules": 2, "packages": 4}})
    assert told["left"] == []
    assert {row["state"] for row in told["items"]} == {"done"}
    assert "6 done and checked" in reported(move.journal)


def test_a_report_is_the_same_from_a_plan_and_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(DAMAGED.to_json())
    for format in FORMATS:
        assert reported(file, format) == reported(DAMAGED, format)


def test_files_of_unknown_size_are_told_beside_the_sum() -> None:
    sizes = [File(name="a", target="a", size=size) for size in (1000, None, None)]
    made = plan(item("mcu", "1", files=tuple(sizes)), estimate=Estimate(bytes=1000))
    assert "1.0 kB, and 2 files of unknown size" in reported(made)


def test_what_apply_compared_byte_by_byte_is_proven(move: Move) -> None:
    every = call(move.colour, "plan", move.source.cloud, move.destination.cloud)
    told = change("artifact.digest.incomparable", "artifacts")
    doubtful = replace(every, items=tuple(replace(item, fields=(told,)) for item in every.items))
    assert json.loads(reported(doubtful, "json"))["unproven"]
    call(move.colour, "apply", doubtful, journal=move.journal)
    assert json.loads(reported(move.journal, "json"))["unproven"] == []


def test_what_cannot_be_proven_goes_by_rules_there_are() -> None:
    assert {*UNPROVABLE} <= {*RULES}


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there are md, json, csv, html"):
        reported(DAMAGED, "pdf")  # type: ignore[arg-type]


# --- what is safe -----------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_runs_nothing_and_asks_for_nothing() -> None:
    elements = Elements(reported(HOSTILE, "html")).found
    assert {tag for tag, _ in elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "a",
        "base",
    } == set()
    given = {name for _, attributes in elements for name in attributes}
    assert [name for name in given if name.startswith("on") or name in ("src", "href", "action", "style")] == []
    assert "default-src 'none'" in str(elements)
    assert re.findall(r"url\(|@import", reported(HOSTILE, "html")) == []


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_that_a_terminal_or_page_would_obey_is_left(format: str) -> None:
    told = reported(HOSTILE, format)
    assert [each for each in told if not each.isprintable() and each != "\n"] == []
    assert "<script" not in told or format in ("csv", "json")
    told.encode("utf-8")


def test_a_line_of_markdown_is_a_line() -> None:
    told = reported(HOSTILE)
    rows = [line for line in told.splitlines() if line.startswith("|")]
    heads = {re.sub(r"\\.", "", line).count("|") for line in rows}
    assert heads <= {3, 4, 5}
    assert re.findall(r"(?<!\\)\]\(", told) == []


def test_no_cell_is_a_formula() -> None:
    cells = [cell for line in csv.reader(io.StringIO(reported(HOSTILE, "csv"))) for cell in line]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    assert "'@=1+1" in cells


# --- the drawing ------------------------------------------------------------------------------------------------------


def drawn(of: MigrationPlan) -> ElementTree.Element:
    return ElementTree.fromstring(re.findall(r"<svg.*?</svg>", reported(of, "html"), re.DOTALL)[0])


def thickness(path: str) -> float:
    start, end = re.findall(r"M\d+ ([\d.]+)C.* ([\d.]+)Z", path)[0]
    return float(end) - float(start)


def bands(of: MigrationPlan) -> dict[str, tuple[str, float]]:
    names = "{http://www.w3.org/2000/svg}"
    return {
        str(path.findtext(f"{names}title")): (path.attrib["class"], thickness(path.attrib["d"]))
        for path in drawn(of).iter(f"{names}path")
    }


def test_bands_are_as_wide_as_their_packages_are_many() -> None:
    many = [item("mcu", str(number)) for number in range(30)]
    few = [item("radio", str(number)) for number in range(10)]
    lost = [item("radio", f"x{number}", "unsupported") for number in range(5)]
    found = bands(plan(*many, *few, *lost, item("empty", None)))
    assert {*found} == {
        "p/mcu → p/mcu: 30",
        "p/radio → p/radio: 10",
        "p/radio → not carried over: 5",
        "p/empty → p/empty: 0",
    }
    wide = {name: width for name, (_, width) in found.items()}
    assert wide["p/mcu → p/mcu: 30"] == pytest.approx(3 * wide["p/radio → p/radio: 10"], abs=0.3)
    assert found["p/radio → not carried over: 5"][0] == "left"


@pytest.mark.parametrize("packages", [1, 200])
def test_a_drawing_of_many_modules_keeps_to_a_page(packages: int) -> None:
    made = plan(*(item(f"m{m:03}", str(number)) for m in range(100) for number in range(packages)))
    height = float(drawn(made).attrib["viewBox"].split()[3])
    assert height < 2500
    assert "other modules" in "".join(drawn(made).itertext())


def test_a_plan_of_nothing_is_reported_too() -> None:
    for format in FORMATS:
        assert reported(plan(), format)
    assert "There is nothing to do: the source has no modules" in reported(plan())


@pytest.mark.skipif(not CHROMIUM, reason="there is no chromium")
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (390, True)])
def test_a_browser_shows_it_without_a_complaint(tmp_path: Path, width: int, dark: bool) -> None:
    from tests.support.browser import Browser

    page = tmp_path / "report.html"
    page.write_text(reported(HOSTILE, "html"), "utf-8")
    with Browser(tmp_path / "profile") as browser:
        browser.look(width=width, dark=dark)
        browser.open(page.as_uri())
        assert "cannot be applied as it is" in browser.text()
        assert browser.js("document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.complaints == []
