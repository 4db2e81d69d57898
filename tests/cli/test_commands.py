"""Modules, packages and devices from the command line, over a local store."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ask

Depot = tuple[str, str]


@pytest.fixture
def mcu(good: Ask, depot: Depot) -> tuple[str, ...]:
    """The words that name a module which exists."""
    good("modules", "create", *depot, "--product", "p", "--name", "mcu", "--alias", "A", "--description", "D")
    return (*depot, "--product", "p", "--name", "mcu")


@pytest.fixture
def package(good: Ask, depot: Depot, mcu: tuple[str, ...], place: Path) -> Any:
    """A published package, as JSON."""
    (place / "app.bin").write_bytes(b"firmware")
    words = ("--product", "p", "--module", "mcu", "--version", "1.0", "--source-version", "0.8")
    more = ("--source-version", "0.9", "--name", "n", "--description", "d", "--custom-info", '{"a": 1}')
    return good("packages", "publish", "app.bin", *depot, *words, *more, "--output", "json").json


def test_what_is_not_named_in_an_update_stays(good: Ask, mcu: tuple[str, ...]) -> None:
    row = good("modules", "update", *mcu, "--description", "E", "--output", "json").json
    assert (row["alias"], row["description"]) == ("A", "E")
    row = good("modules", "update", *mcu, "--alias", "B", "--output", "json").json
    assert (row["alias"], row["description"]) == ("B", "E")


def test_a_module_is_deleted_with_yes_and_nothing_is_printed_on_stdout(ask: Ask, mcu: tuple[str, ...]) -> None:
    ran = ask("modules", "delete", *mcu, "--yes", "--output", "json")
    assert (ran.code, ran.out) == (0, "")
    assert "deleted module 'mcu'" in ran.err
    assert ask("modules", "show", *mcu).code == 3
    assert ask("modules", "delete", *mcu, "--yes").code == 3
    assert ask("modules", "delete", *mcu, "--yes", "--missing-ok").code == 0


@pytest.mark.parametrize("kind", ["module", "package"])
def test_without_a_terminal_and_without_yes_nothing_is_deleted(
    ask: Ask, depot: Depot, mcu: tuple[str, ...], package: Any, kind: str
) -> None:
    words = mcu if kind == "module" else (*depot, package["id"])
    ran = ask(f"{kind}s", "delete", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "--yes" in ran.err
    assert ask(f"{kind}s", "show", *words).code == 0


class Terminal:
    """A stdin that somebody types at."""

    def __init__(self, typed: str) -> None:
        self._typed = typed

    def isatty(self) -> bool:
        return True

    def readline(self, *_: int) -> str:
        return self._typed


@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, 3), ("n\n", 1, 0), ("\n", 1, 0)])
def test_on_a_terminal_a_question_is_asked_on_stderr(
    ask: Ask, mcu: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, typed: str, code: int, left: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    ran = ask("modules", "delete", *mcu)
    assert (ran.code, ran.out.strip()) == (code, "")
    assert ask("modules", "show", *mcu).code == left


def test_a_package_keeps_all_that_was_said_when_it_was_published(package: Any) -> None:
    digest = hashlib.sha256(b"firmware").hexdigest()
    said = {key: package[key] for key in ("product", "module", "version", "name", "description", "custom_info", "kind")}
    assert said == {
        "product": "p",
        "module": "mcu",
        "version": "1.0",
        "name": "n",
        "description": "d",
        "custom_info": '{"a": 1}',
        "kind": "full",
    }
    assert package["source_versions"] == ["0.8", "0.9"]
    (artifact,) = package["artifacts"]
    assert (artifact["name"], artifact["size"], artifact["checksum"]["hex"]) == ("app.bin", 8, digest)


def test_a_package_is_shown_listed_and_deleted(good: Ask, ask: Ask, depot: Depot, package: Any) -> None:
    as_json = ("--output", "json")
    assert good("packages", "show", package["id"], *depot, *as_json).json == package
    for chosen, count in (((), 1), (("--module", "mcu"), 1), (("--module", "x"), 0), (("--version", "1.0"), 1)):
        assert len(good("packages", "list", *depot, "--product", "p", *chosen, *as_json).json) == count
    assert good("packages", "delete", package["id"], *depot, "--yes").out == ""
    assert ask("packages", "show", package["id"], *depot).code == 3
    assert ask("packages", "delete", package["id"], *depot, "--yes", "--missing-ok").code == 0


def test_what_is_not_named_in_an_update_of_a_package_stays(good: Ask, depot: Depot, package: Any) -> None:
    of = ("packages", "update", package["id"], *depot, "--output", "json")
    for words, change in (
        (("--name", "m"), {"name": "m"}),
        (("--description", "e", "--custom-info", ""), {"name": "m", "description": "e", "custom_info": None}),
    ):
        row = good(*of, *words).json
        assert row == package | change | {"updated_at": row["updated_at"]}


def test_a_download_leaves_one_file_for_each_artifact_and_prints_its_path(
    good: Ask, depot: Depot, package: Any, place: Path
) -> None:
    ran = good("packages", "download", package["id"], *depot, "--out", place / "new" / "folder", "--output", "json")
    (row,) = ran.json
    (file,) = (place / "new" / "folder").iterdir()
    assert Path(row["path"]) == file
    assert file.read_bytes() == b"firmware"


def test_a_version_that_is_published_twice_is_a_conflict(ask: Ask, depot: Depot, package: Any) -> None:
    words = ("app.bin", *depot, "--product", "p", "--module", "mcu", "--version", "1.0")
    assert ask("packages", "publish", *words).code == 4


def test_a_delta_wants_its_source_and_a_file_must_be_there(ask: Ask, depot: Depot, package: Any) -> None:
    words = (*depot, "--product", "p", "--module", "mcu", "--version", "2")
    assert ask("packages", "publish", "app.bin", *words, "--kind", "delta").code == 2
    assert ask("packages", "publish", "gone.bin", *words).code == 2
    delta = ask(
        "packages", "publish", "app.bin", *words, "--kind", "delta", "--source-version", "1.0", "--output", "json"
    )
    assert (delta.json["kind"], delta.json["source_versions"]) == ("delta", ["1.0"])


def test_publishing_on_two_clouds_prints_a_row_for_each(good: Ask, place: Path) -> None:
    clouds = ("--on", "local:one", "--on", "local:two")
    made = good("modules", "create", *clouds, "--product", "p", "--name", "mcu", "--output", "json").json
    assert [row["cloud"] for row in made] == ["local:one", "local:two"]
    (place / "app.bin").write_bytes(b"x")
    words = ("--product", "p", "--module", "mcu", "--version", "1", "--output", "json")
    published = good("packages", "publish", "app.bin", *clouds, *words).json
    assert [(row["cloud"], row["version"]) for row in published] == [("local:one", "1"), ("local:two", "1")]


def test_nothing_is_published_anywhere_if_one_cloud_cannot(ask: Ask, good: Ask, depot: Depot, fake: Path) -> None:
    Path("app.bin").write_bytes(b"x")
    good("modules", "create", *depot, "--product", "p", "--name", "mcu")
    words = ("--product", "p", "--module", "mcu", "--version", "1")
    ran = ask("packages", "publish", "app.bin", *depot, "--on", "fake", *words)
    assert (ran.code, ran.out) == (6, "")
    assert "fake: stage_artifact" in ran.err
    assert good("packages", "list", *depot, "--output", "json").json == []


@pytest.mark.parametrize(
    ("where", "name", "location"),
    [
        (("--url", "https://host/a/b%20c.bin?x=1"), "b c.bin", {"url": "https://host/a/b%20c.bin?x=1"}),
        (
            ("--bucket", "b", "--key", "folder/k.bin", "--object-region", "r"),
            "k.bin",
            {"region": "r", "bucket": "b", "key": "folder/k.bin"},
        ),
        (("--url", "https://host/", "--filename", "n.bin"), "n.bin", {"url": "https://host/"}),
    ],
)
def test_a_package_is_made_of_a_file_that_lies_somewhere(
    good: Ask, depot: Depot, mcu: tuple[str, ...], where: tuple[str, ...], name: str, location: Any
) -> None:
    words = (*depot, "--product", "p", "--module", "mcu", "--version", "1", "--size", "7", "--sha256", "A" * 64)
    (artifact,) = good("packages", "create", *words, *where, "--output", "json").json["artifacts"]
    assert (artifact["name"], artifact["size"], artifact["location"]) == (name, 7, location)
    assert artifact["checksum"]["algorithm"] == "sha256"
    assert artifact["checksum"]["hex"].lower() == "a" * 64


@pytest.mark.parametrize(
    "where",
    [
        (),
        ("--bucket", "b"),
        ("--bucket", "b", "--key", "k"),
        ("--url", "u", "--bucket", "b", "--key", "k", "--object-region", "r"),
        ("--url", "https://host/"),
        ("--url", "https://host/a", "--size", "-1"),
        ("--url", "https://host/a", "--sha256", "12"),
        ("--url", "https://host/a", "--md5", "g" * 32),
        ("--url", "https://host/a", "--md5", "0" * 32, "--sha256", "0" * 64),
    ],
)
def test_a_file_that_is_not_described_exactly_is_wrong_usage(
    ask: Ask, depot: Depot, mcu: tuple[str, ...], where: tuple[str, ...]
) -> None:
    ran = ask("packages", "create", *depot, "--product", "p", "--module", "mcu", "--version", "1", *where)
    assert (ran.code, ran.out) == (2, "")
    assert ask("packages", "list", *depot, "--output", "json").json == []


def test_versions_of_a_device_are_reported_and_listed_with_their_history(good: Ask, depot: Depot) -> None:
    of = ("--product", "p")
    for version in ("1", "2"):
        ran = good("devices", "report", *depot, *of, "--module", "mcu", "--version", version, "--", "-unit")
        assert ran.out == ""
    as_json = ("--output", "json")
    (row,) = good("devices", "versions", *depot, *of, *as_json, "--", "-unit").json
    assert (row["device"], row["module"], row["version"], row["source"]) == ("-unit", "mcu", "2", "reported")
    history = good("devices", "versions", *depot, *of, "--history", *as_json, "--", "-unit").json
    assert [each["version"] for each in history] == ["2", "1"]
    (device,) = good("devices", "list", *depot, *as_json).json
    assert (device["product"], device["name"]) == ("p", "-unit")
    assert good("products", "list", *depot, *as_json).json[0]["id"] == "p"


def test_a_fleet_is_listed_and_counted(good: Ask, depot: Depot) -> None:
    of = ("--product", "p", "--module", "mcu")
    for device, version in (("a", "1"), ("b", "2"), ("c", "2")):
        good("devices", "report", device, *depot, *of, "--version", version)
    rows = good("fleet", "versions", *depot, "--product", "p", "--output", "json").json
    assert {(row["device"], row["version"]) for row in rows} == {("a", "1"), ("b", "2"), ("c", "2")}
    assert good("fleet", "count", *depot, *of, "--version", "2", "--output", "json").json == [{"count": 2}]
    assert good("fleet", "count", *depot, "--output", "csv").out == "count\n3\n"


@pytest.mark.parametrize(
    "words",
    [
        ("modules", "show"),
        ("modules", "show", "--name", "n"),
        ("modules", "show", "--name", "n", "--product", "p", "--id", "1"),
        ("modules", "delete", "--yes"),
        ("modules", "update", "--product", "p", "--name", "n"),
        ("devices", "versions"),
        ("devices", "versions", "d", "--id", "1"),
        ("devices", "versions", "d", "--history"),
        ("devices", "versions", "--id", "1", "--history"),
        ("packages", "update", "1"),
        ("packages", "update", "1", "--name", "n", "--on", "local:other"),
        ("packages", "show", "1", "--on", "local:other"),
        ("packages", "delete", "1", "--yes", "--on", "local:other"),
        ("packages", "list", "--output", "xml"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(ask: Ask, depot: Depot, words: tuple[str, ...]) -> None:
    ran = ask(*words, *depot)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
