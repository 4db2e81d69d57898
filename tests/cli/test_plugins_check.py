"""`otabridge plugins check`: the kit on an installed plugin, and a verdict that a person can act on."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otabridge import registry
from otabridge.cli import kit, scaffold
from otabridge.cli import plugins as command
from tests.cli.conftest import ROOT, Ask

Install = Callable[..., None]


@pytest.fixture
def install(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a new plugin `acme`, with texts of its files replaced, for this process and those that it starts."""
    folder = scaffold.write("acme", place)
    source = folder / "src"
    metadata = source / "otabridge_acme-1.2.dist-info"

    def install(**changes: tuple[str, str]) -> None:
        for stem, (old, new) in changes.items():
            file = source / "otabridge_acme" / f"{stem}.py"
            text = file.read_text("utf-8")
            assert old in text
            file.write_text(text.replace(old, new), "utf-8")
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: otabridge-acme\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text("[otabridge]\nacme = otabridge_acme.hooks\n")
        monkeypatch.syspath_prepend(source)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (source, ROOT))))
        registry._installed.cache_clear()

    yield install
    registry._installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("otabridge_acme")]:
        del sys.modules[name]


def test_a_new_plugin_passes_the_kit_at_once(ask: Ask, install: Install) -> None:
    install()
    ran = ask("plugins", "check", "acme", "--output", "json")
    told = ran.json
    assert (ran.code, told["plugin"], told["passes"], told["failures"]) == (0, "acme", True, [])
    groups = {row["group"]: row for row in told["groups"]}
    assert {"declaration", "errors", "hygiene", "lifecycle", "limits", "mapping", "paging"} <= groups.keys()
    assert {"pacing", "retry", "signing", "versions"} <= {name for name, row in groups.items() if row["passed"]}
    assert sum(row["failed"] for row in groups.values()) == 0


def test_a_plugin_that_fails_is_told_what_it_does_not_keep(ask: Ask, install: Install) -> None:
    # It loses a last page of one row.
    install(backend=("return found.items, found.total", "return found.items, found.total - 1"))
    ran = ask("plugins", "check", "acme")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0].split() == ["group", "passed", "failed", "skipped"]
    told = next(line for line in lines if line.startswith("FAILED paging: pages of any size make up the whole list ["))
    assert "the pages do not make up the list" in lines[lines.index(told) + 1]
    assert lines[-1].startswith("acme fails in ")


def test_a_gap_that_is_known_fails_nobody_and_one_that_is_none_does(ask: Ask, install: Install) -> None:
    install(tables=('    "quota_exceeded": QuotaExceededError,\n', ""))  # then it is a conflict, by its status
    gap, none = "test_one_too_many_is_a_quota_exceeded", "test_what_an_update_leaves_out_stays"
    ran = ask("plugins", "check", "acme", "--output", "json", "--known-gap", gap, "--known-gap", none)
    assert ran.code == 1
    assert [(told["test"], told["message"]) for told in ran.json["failures"]] == [(none, f"[XPASS(strict)] {kit.GAP}")]


def test_a_gap_may_be_of_some_cases_alone(ask: Ask, install: Install) -> None:
    install(tables=('    "quota_exceeded": QuotaExceededError,\n', ""))
    gaps = [f"test_one_too_many_is_a_quota_exceeded[{colour}]" for colour in ("sync", "async")]
    told = ask("plugins", "check", "acme", "--output", "json", "--known-gap", gaps[0]).json
    assert [failure["cases"] for failure in told["failures"]] == [["async"]]


def test_the_facade_is_checked_as_well(ask: Ask, install: Install) -> None:
    install(facade=('"unknown key": (401', '"unknown key": (200'))
    ran = ask("plugins", "check", "acme")
    assert ran.code == 1
    assert "FAILED facade: a refusal is an error of the cloud [unknown key]" in ran.out


def test_the_plugin_s_own_classes_are_run_in_place_of_the_kit_s(ask: Ask, install: Install, place: Path) -> None:
    install()
    suite = place / "otabridge-acme" / "tests" / "test_conformance.py"
    gap = '    known_gaps = {"test_what_an_update_leaves_out_stays": "it does"}\n'
    text = suite.read_text("utf-8")
    suite.write_text(text.replace('    backend = "acme"\n', f'    backend = "acme"\n{gap}', 1), "utf-8")
    told = ask("plugins", "check", "acme", "--suite", suite, "--output", "json").json
    assert [failure["cases"] for failure in told["failures"]] == [["TestAcme sync", "TestAcme async"]]
    assert {row["group"]: row["passed"] for row in told["groups"]}["facade"] > 30
    assert {row["group"]: row["passed"] for row in told["groups"]}["publishing"] > 3


def test_a_class_may_be_named_by_its_module(
    ask: Ask, install: Install, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    monkeypatch.syspath_prepend(place / "otabridge-acme" / "tests")
    told = ask("plugins", "check", "acme", "--suite", "test_conformance:TestAcmeFacade", "--output", "json").json
    assert (told["passes"], [row["group"] for row in told["groups"]]) == (True, ["facade"])


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ("tests/nothing.py", "no such file of tests, and no such class"),
        ("nothing:TestAcme", "no such file of tests, and no such class"),
        (__file__, "no conformance class of this plugin"),
    ],
)
def test_a_suite_that_is_none_is_told(ask: Ask, install: Install, suite: str, words: str) -> None:
    install()
    ran = ask("plugins", "check", "acme", "--suite", suite)
    assert ran.code == 2
    assert words in ran.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hooks": ('"""What', '1 / 0\n"""What')}, "cannot be loaded (ZeroDivisionError: division by zero)"),
        ({"backend": ("ClassVar[int] = 1", "ClassVar[int] = 9")}, "was written for contract 9"),
        ({"facade": ("ClassVar[int] = 1", "ClassVar[int] = 9")}, "facade 'acme' was written for contract 9"),
        ({"tables": ("    Capability.GET_MODULE: NATIVE,\n", "")}, "overrides get_module and does not declare it"),
        ({"hooks": ("register_facades", "register_facade")}, "unknown hook 'otabridge_register_facade'"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_told_in_the_registrys_words(
    ask: Ask, install: Install, changes: dict[str, tuple[str, str]], words: str
) -> None:
    install(**changes)
    ran = ask("plugins", "check", "acme")
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_a_plugin_that_is_not_installed_is_told_with_those_that_are(ask: Ask) -> None:
    ran = ask("plugins", "check", "nobody")
    assert ran.code == 2
    assert "no backend named 'nobody'; installed: " in ran.err


def test_a_plugin_without_a_facade_needs_settings(ask: Ask) -> None:
    ran = ask("plugins", "check", "local")
    assert (ran.code, ran.out) == (2, "")
    assert "--set" in ran.err


def test_without_the_extra_it_is_said_what_to_install(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "otabridge.testing", None)
    ran = ask("plugins", "check", "local")
    assert ran.code == 2
    assert "pip install 'otabridge[testing]'" in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--known-gap", "test_nothing"), "the kit has no test named test_nothing"),
        (("--known-gap", "test_it_does_no_io_of_its_won"), "write test_it_does_no_io_of_its_own, or test_it_does_no"),
        (("--set", "path"), "--set path: write it as SETTING=VALUE"),
        (("--suite", "a.py", "--set", "a=b"), "are attributes of its classes"),
    ],
)
def test_what_was_typed_wrong_is_told(ask: Ask, words: tuple[str, ...], told: str) -> None:
    ran = ask("plugins", "check", "local", *words)
    assert ran.code == 2
    assert told in ran.err


def test_a_kit_that_cannot_be_run_says_how_it_ended(
    ask: Ask, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    monkeypatch.setattr(kit, "TESTS", "raise RuntimeError('no tests today')")
    ran = ask("plugins", "check", "acme")
    assert (ran.code, ran.out) == (1, "")
    assert "no tests today" in ran.err


def test_a_message_that_many_tests_share_is_told_once() -> None:
    failures = [
        {"group": "paging", "sentence": sentence, "cases": ["sync-1", "async-1"], "message": "it broke\n\nhere\x1b[31m"}
        for sentence in ("a list ends", "a list begins")
    ]
    assert "".join(command._failures(failures)).splitlines() == [
        "",
        "FAILED paging: a list ends [sync-1] and 1 more",
        "    it broke",
        "    here\\x1b[31m",
        "",
        "FAILED paging: a list begins [sync-1] and 1 more",
        "    the same",
    ]
