"""What is printed on stdout: the same rows as table, JSON, JSON lines and CSV."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from otabridge.cli import output
from otabridge.cli.options import Format
from otabridge.models import Artifact, Checksum, Module, ModuleVersion, ObjectLocation, Package
from tests.cli.conftest import Ask

NAMES = ["主控", "a,b", 'say "hi"', "-dash", "--on", "ünï côdé", "😀", "a\\b", "'", " inner  space", "%20", "{}", "[x]"]
FORMATS = ["table", "json", "jsonl", "csv"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back_from_every_machine_readable_format_as_it_went_in(
    good: Ask, depot: tuple[str, str], name: str
) -> None:
    text = f"first line of {name}\nsecond, line\t\U0001f600"
    made = good("modules", "create", *depot, "--product", name, "--name", name, "--description", text)
    assert name.strip() in made.out
    listed = ["modules", "list", *depot, "--product", name, "--output"]
    (row,) = good(*listed, "json").json
    assert (row["product"], row["name"], row["description"]) == (name, name, text)
    assert json.loads(good(*listed, "jsonl").out) == row
    (flat,) = csv.DictReader(io.StringIO(good(*listed, "csv").out, newline=""))
    assert (flat["product"], flat["name"], flat["description"]) == (name, name, text)
    shown = good("modules", "show", *depot, "--product", name, "--name", name, "--output", "json").json
    assert shown == row


def test_json_has_every_field_of_the_model_but_raw(good: Ask, depot: tuple[str, str]) -> None:
    good("modules", "create", *depot, "--product", "p", "--name", "mcu", "--alias", "Main")
    (row,) = good("modules", "list", *depot, "--output", "json").json
    assert list(row) == ["product", "name", "id", "alias", "description", "created_at", "updated_at", "builtin"]
    assert (row["alias"], row["description"], row["builtin"]) == ("Main", None, False)
    assert row["created_at"].endswith("Z")


def test_unicode_is_printed_as_it_is(good: Ask, depot: tuple[str, str]) -> None:
    good("modules", "create", *depot, "--product", "p", "--name", "主控")
    for format in FORMATS:
        assert "主控" in good("modules", "list", *depot, "--output", format).out


@pytest.mark.parametrize(
    ("format", "printed"),
    [
        ("json", "[]\n"),
        ("jsonl", ""),
        ("csv", "id,name\n"),
        ("table", "id  name\n"),
    ],
)
def test_an_empty_list_is_printed_as_one(good: Ask, depot: tuple[str, str], format: str, printed: str) -> None:
    assert good("products", "list", *depot, "--output", format).out == printed


def test_times_are_printed_in_utc_with_a_z() -> None:
    east = timezone(timedelta(hours=8))
    assert output.plain(datetime(2026, 1, 2, 8, 0, tzinfo=east)) == "2026-01-02T00:00:00Z"
    assert output.plain(datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)) == "2026-01-02T03:04:05.678000Z"


def test_nested_artifacts_are_objects() -> None:
    location = ObjectLocation(region="r", bucket="b", key="k")
    artifact = Artifact(name="a.bin", size=3, checksum=Checksum(algorithm="md5", hex="00"), location=location)
    package = Package(id="1", product="p", module="m", version="v", artifacts=(artifact,), source_versions=("1", "2"))
    told = output.record(package)
    assert "raw" not in told
    assert told["source_versions"] == ["1", "2"]
    assert told["artifacts"] == [
        {
            "name": "a.bin",
            "size": 3,
            "checksum": {"algorithm": "md5", "hex": "00"},
            "location": {"region": "r", "bucket": "b", "key": "k"},
        }
    ]


def test_one_object_is_shown_to_people_with_all_that_is_nested(capsys: pytest.CaptureFixture[str]) -> None:
    location = ObjectLocation(region="r", bucket="b", key="k\x1b")
    artifact = Artifact(name="a.bin", size=3, location=location)
    package = Package(id="1", product="p", module="m", version="v", artifacts=(artifact,), source_versions=("1", "2"))
    output.show(Format.TABLE, output.record(package))
    facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if " " in line)
    assert facts["source_versions"] == "1, 2"
    assert facts["artifacts[0].size"] == "3"
    assert facts["artifacts[0].location.key"] == r"k\x1b"


def test_csv_holds_what_is_nested_as_json(good: Ask, depot: tuple[str, str], place: Path) -> None:
    good("modules", "create", *depot, "--product", "p", "--name", "mcu")
    (place / "a,b.bin").write_bytes(b"bytes")
    good("packages", "publish", "a,b.bin", *depot, "--product", "p", "--module", "mcu", "--version", "1")
    (row,) = csv.DictReader(io.StringIO(good("packages", "list", *depot, "--output", "csv").out))
    assert json.loads(row["artifacts"])[0]["name"] == "a,b.bin"
    assert json.loads(row["source_versions"]) == []
    assert row["updated_at"] == "" or row["updated_at"].endswith("Z")


def test_a_cloud_is_named_in_each_row_only_where_several_are_asked(good: Ask, fake: Path) -> None:
    one = ["modules", "list", "--product", "one", "--on", "fake"]
    two = [*one, "--on", "other"]
    assert "cloud" not in good(*one, "--output", "json").json[0]
    rows = good(*two, "--output", "json").json
    assert [(next(iter(row)), row["cloud"], row["name"]) for row in rows] == [
        ("cloud", "fake", "https://fake.test"),
        ("cloud", "other", "https://other.test"),
    ]
    assert good(*two, "--output", "csv").out.splitlines()[0].startswith("cloud,product,name,")
    assert good(*two).out.splitlines()[0].split()[:3] == ["cloud", "product", "name"]
    assert good(*one).out.splitlines()[0].split()[:2] == ["product", "name"]


def test_a_cloud_that_is_named_twice_is_asked_once(good: Ask, fake: Path) -> None:
    ran = good("modules", "list", "--product", "one", "--on", "fake", "--on", "fake", "--output", "json")
    assert len(ran.json) == 1
    assert "cloud" not in ran.json[0]


def test_a_list_that_fails_half_way_never_looks_complete(ask: Ask, fake: Path) -> None:
    ran = ask("modules", "list", "--on", "fake", "--product", "breaks", "--output", "json")
    assert ran.code == 8
    assert '"first"' in ran.out
    with pytest.raises(json.JSONDecodeError):
        json.loads(ran.out)


def test_a_list_that_fails_at_once_prints_nothing(ask: Ask, fake: Path) -> None:
    for format in FORMATS:
        assert ask("modules", "list", "--on", "fake", "--product", "ServerError", "--output", format).out == ""


def test_of_several_clouds_those_that_answer_are_printed_and_the_failure_is_named(
    ask: Ask, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTABRIDGE_FAKE_FAILS", "ForbiddenError")
    words = ["modules", "list", "--product", "one", "--on", "fake", "--on", "other", "--output"]
    ran = ask(*words, "jsonl")
    assert ran.code == 5
    assert json.loads(ran.out)["cloud"] == "other"
    assert ran.err.startswith("error: fake: the cloud said ForbiddenError")
    with pytest.raises(json.JSONDecodeError):
        json.loads(ask(*words, "json").out)


def test_a_table_shows_what_a_terminal_would_obey(good: Ask, fake: Path) -> None:
    out = good("modules", "list", "--on", "fake", "--product", "escapes").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert r"\x1b[2Jevil\u202e" in out
    assert r"a\nb\tc" in out
    assert len(out.splitlines()) == 2


def test_half_a_character_is_escaped_as_json_has_it(good: Ask, fake: Path) -> None:
    (row,) = good("modules", "list", "--on", "fake", "--product", "half", "--output", "json").json
    assert row["name"] == "a\udc80"


def test_columns_of_a_table_are_aligned_also_where_characters_are_wide(good: Ask, depot: tuple[str, str]) -> None:
    for name, alias in (("主控", "x"), ("ab", "y"), ("é", "z")):
        good("modules", "create", *depot, "--product", "p", "--name", name, "--alias", alias)
    head, *rows = good("modules", "list", *depot).out.splitlines()
    assert head.split()[:4] == ["product", "name", "id", "alias"]
    columns = {row.index(alias) + row.count("主") + row.count("控") for row in rows for alias in "xyz" if alias in row}
    assert columns == {head.index("alias")}


def test_a_later_page_may_widen_a_table(good: Ask, fake: Path) -> None:
    lines = good("modules", "list", "--on", "fake", "--product", "pages").out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["product", "p", "p"]
    assert "a longer second" in lines[2]


def test_a_row_of_the_model_is_printed_whole_in_csv_and_in_part_in_a_table() -> None:
    for kind in (Module, Package, ModuleVersion):
        shown = output.COLUMNS[kind.__name__]
        assert set(shown) < set(output.names(kind))
