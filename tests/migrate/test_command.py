"""`otabridge migrate`: every exit code reached by the real command line, what is printed where, and what is written."""

import errno
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otabridge import QuotaExceededError, ServerError, connect
from otabridge.cli import main
from otabridge.local.packages import PackageStore
from otabridge.migrate import Code, MigrationPlan
from otabridge.migrate.codes import _CODES, code_of
from otabridge.migrate.journal import Journal
from otabridge.serve import Server, running
from tests.cli.conftest import Ask, Ran, place
from tests.migrate.making import PRODUCT, published, stocked

__all__ = ["place"]
ENDS = ("--from", "local:old", "--to", "local:new")


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command of `otabridge migrate`."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main(["migrate", *map(str, words)])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def stock(place: Path) -> Path:
    """A folder with a store `old` that has two modules with two packages each."""
    with connect("local:old") as old:
        stocked(old, place / "files")
    return place


@pytest.fixture
def planned(ask: Ask, stock: Path) -> Path:
    assert ask("plan", *ENDS, "--out", "plan.json").code == 0
    return stock / "plan.json"


@pytest.fixture
def done(ask: Ask, planned: Path) -> Path:
    assert ask("apply", planned, "--journal", "journal").code == 0
    return planned.with_name("journal")


@pytest.fixture
def huawei(stock: Path) -> Iterator[Server]:
    """A cloud that is called `there` in the configuration."""
    with running("huawei") as server:
        configured(stock, server.settings("huawei"))
        yield server


def configured(folder: Path, settings: dict[str, Any]) -> None:
    lines = (f"{name} = {json.dumps(value)}" for name, value in settings.items())
    (folder / "otabridge.toml").write_text("[clouds.there]\n" + "\n".join(lines) + "\n")
    (folder / "otabridge.toml").chmod(0o600)


def breaking(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, from_: int = 1) -> None:
    """Let local stores fail to make packages, from the n-th on."""
    before, made = PackageStore.create_package, []

    def broken(self: PackageStore, *args: Any, **more: Any) -> Any:
        made.append(1)
        if len(made) >= from_:
            raise error
        return before(self, *args, **more)

    monkeypatch.setattr(PackageStore, "create_package", broken)


# --- exit codes -------------------------------------------------------------------------------------------------------


def test_0_for_what_is_done_equal_or_nothing(ask: Ask, done: Path) -> None:
    for words in (
        ("resume", done), ("apply", "plan.json", "--journal", done), ("verify", done, "--level", "bytes"),
        ("verify", "plan.json"), ("show", done), ("report", done), ("plan", *ENDS, "--detailed-exitcode"),
        ("undo", done, "--yes"), ("undo", done),
    ):  # fmt: skip
        ran = ask(*words)
        assert ran.code == Code.DONE, (words, ran.err)


def test_1_for_what_nobody_foresaw(ask: Ask, done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, RuntimeError("a defect"))
    assert ask("plan", "--from", "local:old", "--to", "local:third", "--out", "third.json").code == 0
    assert ask("apply", "third.json", "--journal", "j").code == Code.UNEXPECTED


def edited(planned: Path) -> Path:
    planned.write_text(planned.read_text().replace('"create"', '"skip"', 1))
    return planned


MISUSES: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "a plan that was edited": lambda plan: ("apply", edited(plan), "--journal", "j"),
    "a plan that is not there": lambda plan: ("apply", "none.json", "--journal", "j"),
    "a journal that is not there": lambda plan: ("resume", "none"),
    "a plan for a journal": lambda plan: ("resume", plan),
    "a cloud that is not there": lambda plan: ("plan", "--from", "mars", "--to", "local:new"),
    "a rule that is none": lambda plan: ("plan", *ENDS, "--accept", "package.nam.absent"),
    "a plan in a folder that is not there": lambda plan: ("plan", *ENDS, "--out", "nowhere/plan.json"),
    "a report in a folder that is not there": lambda plan: ("report", plan, "--out", "nowhere/report.md"),
    "a mapping that is not there": lambda plan: ("plan", *ENDS, "--map", "none.toml"),
    "a mapping of what the source has not": lambda plan: ("plan", *ENDS, "--map", wrong_map(plan.parent)),
    "a budget that is no number": lambda plan: ("apply", plan, "--journal", "j", "--stop-after", "soon"),
    "an option that is none": lambda plan: ("apply", plan, "--journal", "j", "--force"),
    "a draft over a reviewed mapping": lambda plan: ("plan", *ENDS, "--draft-map", wrong_map(plan.parent)),
}


def wrong_map(folder: Path) -> Path:
    file = folder / "map.toml"
    file.write_text('[modules.p1]\nradio = "main"\n')
    return file


@pytest.mark.parametrize("misuse", MISUSES)
def test_2_for_wrong_usage_or_configuration(ask: Ask, planned: Path, misuse: str) -> None:
    ran = ask(*MISUSES[misuse](planned))
    assert (ran.code, ran.out) == (Code.USAGE, "")
    assert ran.err.startswith("error: ")
    assert not (planned.parent / "j").exists()


def test_2_for_the_journal_of_another_plan(ask: Ask, done: Path, planned: Path) -> None:
    assert ask("plan", *ENDS, "--product", PRODUCT, "--verify", "required", "--out", "other.json").code == 0
    ran = ask("apply", "other.json", "--journal", done)
    assert (ran.code, "another plan" in ran.err) == (Code.USAGE, True)


def test_2_for_undoing_without_a_terminal_to_ask_on(ask: Ask, done: Path) -> None:
    ran = ask("undo", done)
    assert (ran.code, "--yes" in ran.err) == (Code.USAGE, True)


def test_3_for_a_plan_with_something_to_do_if_asked_in_detail(ask: Ask, stock: Path) -> None:
    assert ask("plan", *ENDS).code == Code.DONE
    assert ask("plan", *ENDS, "--detailed-exitcode").code == Code.DIFFERENT


def test_3_for_drift_conflicts_and_differences(ask: Ask, planned: Path) -> None:
    with connect("local:old") as old:
        (row,) = old.packages.list(product=PRODUCT, module="m0", version="1.0")
        old.packages.update(row.id, description="edited")
    ran = ask("apply", planned, "--journal", "journal")
    assert (ran.code, "drifted" in ran.out) == (Code.DIFFERENT, True)
    ran = ask("verify", "journal", "--output", "json")
    assert ran.code == Code.DIFFERENT
    assert [row["key"] for row in ran.json if row["verdict"] == "missing"] == ["package p1/m0/1.0"]


def test_3_for_what_undo_keeps(ask: Ask, done: Path) -> None:
    with connect("local:new") as new:
        published(new, done.parent / "files", "m0", "9")
    ran = ask("undo", done, "--yes", "--output", "json")
    assert ran.code == Code.DIFFERENT
    assert [row["key"] for row in ran.json if not row["undone"]] == ["module p1/m0"]


def test_4_for_what_may_go_better_and_then_resume_does_it(
    ask: Ask, planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(monkeypatch, ServerError("down"), from_=3)
    ran = ask("apply", planned, "--journal", "journal", "--in-flight", "1")
    assert ran.code == Code.AGAIN
    assert "down" in ran.out
    monkeypatch.undo()
    monkeypatch.chdir(planned.parent)
    assert ask("resume", "journal").code == Code.DONE


def test_4_ends_at_the_first_failure_with_fail_fast(ask: Ask, planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, QuotaExceededError("full"))
    ran = ask("apply", planned, "--journal", "journal", "--fail-fast", "--in-flight", "1", "--output", "json")
    assert sorted(row["state"] for row in ran.json) == ["failed", "planned", "planned", "planned"]
    assert "stopped: " in ran.err


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_4_for_a_full_disk_wherever_it_is_met(ask: Ask, planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writers = {
        "otabridge.migrate.journal.moved": ("apply", planned, "--journal", "journal"),
        "pathlib.Path.write_bytes": ("plan", *ENDS, "--out", "again.json"),
    }
    for writer, words in writers.items():
        monkeypatch.setattr(writer, full)
        ran = ask(*words)
        assert (ran.code, "the disk is full: free some space" in ran.err) == (Code.AGAIN, True), words
        assert not Path("again.json").exists()
        monkeypatch.undo()
        monkeypatch.chdir(planned.parent)


def test_4_for_a_journal_that_cannot_grow(ask: Ask, planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("apply", planned, "--journal", "journal", "--max-creates", "0").code == Code.STOPPED
    before = Journal.move

    def growing(self: Journal, *args: Any, **facts: Any) -> Any:
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        self._connection.execute(f"PRAGMA max_page_count = {pages}")
        return before(self, *args, **{**facts, "words": "x" * 10_000})

    monkeypatch.setattr(Journal, "move", growing)
    ran = ask("resume", "journal")
    assert (ran.code, "the disk is full: free some space" in ran.err) == (Code.AGAIN, True)
    monkeypatch.undo()
    monkeypatch.chdir(planned.parent)
    assert ask("resume", "journal").code == Code.DONE


def test_5_for_what_would_fail_again(ask: Ask, planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, QuotaExceededError("full"))
    assert ask("apply", planned, "--journal", "journal").code == Code.HOPELESS


def test_6_for_accepted_losses_and_2_before_they_were(ask: Ask, huawei: Server, place: Path) -> None:
    with connect("local:old") as old:
        old.modules.create("主控", product=PRODUCT)
    ends = ("--from", "local:old", "--to", "there")
    ran = ask("plan", *ends, "--out", "plan.json")
    assert (ran.code, "cannot be applied" in ran.err) == (0, True)
    ran = ask("apply", "plan.json", "--journal", "journal")
    assert (ran.code, "module.name.characters" in ran.err) == (Code.USAGE, True)
    assert ask("plan", *ends, "--accept", "module.name.characters", "--out", "plan.json").code == 0
    assert ask("apply", "plan.json", "--journal", "journal").code == Code.LOSSES
    assert ask("resume", "journal").code == Code.LOSSES
    assert ask("verify", "journal").code == Code.LOSSES


@pytest.mark.parametrize("budget", [("--max-creates", "2"), ("--stop-after", "1"), ("--stop-after", "0s")])
def test_7_for_a_budget(ask: Ask, planned: Path, budget: tuple[str, str]) -> None:
    ran = ask("apply", planned, "--journal", "journal", *budget)
    assert (ran.code, "stopped: " in ran.err) == (Code.STOPPED, True)
    assert ask("resume", "journal").code == Code.DONE


def test_8_for_refused_credentials(ask: Ask, huawei: Server, place: Path) -> None:
    assert ask("plan", "--from", "local:old", "--to", "there", "--out", "plan.json").code == 0
    configured(place, huawei.settings("huawei") | {"secret_key": "wrong" * 8})
    assert ask("apply", "plan.json", "--journal", "journal").code == Code.REFUSED
    assert ask("plan", "--from", "local:old", "--to", "there").code == Code.REFUSED
    assert ask("verify", "plan.json").code == Code.REFUSED


def test_130_for_an_interruption_after_which_resume_goes_on(
    ask: Ask, planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(monkeypatch, KeyboardInterrupt(), from_=2)
    ran = ask("apply", planned, "--journal", "journal")
    assert (ran.code, "`otabridge migrate resume journal` goes on" in ran.err) == (Code.INTERRUPTED, True)
    monkeypatch.undo()
    monkeypatch.chdir(planned.parent)
    assert ask("show", "journal").code == 0
    assert ask("resume", "journal").code == Code.DONE
    assert ask("verify", "journal", "--level", "bytes").code == Code.DONE


def test_every_exit_code_is_reached_by_a_test_of_its_number() -> None:
    reached = {int(number) for number in re.findall(r"^def test_(\d+)_", Path(__file__).read_text(), re.MULTILINE)}
    assert reached == {code.value for code in Code}


def test_every_error_of_the_library_has_a_code() -> None:
    assert {code_of(error("x")) for error in _CODES} >= {Code.USAGE, Code.AGAIN, Code.HOPELESS, Code.REFUSED}
    assert code_of(ValueError()) == Code.UNEXPECTED


# --- what is printed and written --------------------------------------------------------------------------------------


def test_data_is_on_stdout_alone_and_what_it_comes_to_on_stderr(ask: Ask, stock: Path) -> None:
    ran = ask("plan", *ENDS, "--output", "json")
    assert [(row["key"], row["action"]) for row in ran.json][:2] == [
        ("module p1/m0", "create"),
        ("package p1/m0/1.0", "create"),
    ]
    assert "6 to be created" in ran.err
    assert ask("plan", *ENDS, "--output", "csv").out.startswith("key,action,target,severity,rules,words\n")


def test_a_product_of_which_there_is_nothing_is_warned_of(ask: Ask, stock: Path) -> None:
    told = "warning: local:old has no modules and packages of p9: check the name"
    assert told in ask("plan", *ENDS, "--product", "p9").err
    assert told in ask("plan", *ENDS, "--product", "p9", "--product", PRODUCT).err
    assert "warning" not in ask("plan", *ENDS, "--product", PRODUCT).err


def test_texts_at_the_destination_are_left_if_asked(ask: Ask, done: Path) -> None:
    with connect("local:new") as new:
        new.modules.update("m0", product=PRODUCT, alias="theirs")
    assert "1 to be updated" in ask("plan", *ENDS).err
    ran = ask("plan", *ENDS, "--no-update", "--out", "plan.json")
    assert "There is nothing to do, and 1 not to be carried over." in ran.err


def test_an_empty_source_is_warned_of(ask: Ask, stock: Path) -> None:
    (stock / "empty").mkdir()
    ran = ask("plan", "--from", "local:empty", "--to", "local:new")
    assert ran.err.startswith("warning: local:empty has no modules and packages: check the name\n")
    assert "There is nothing to do: the source has no modules and packages." in ran.err


def test_a_folder_that_is_not_there_is_no_source_and_is_not_made(ask: Ask, stock: Path) -> None:
    ran = ask("plan", "--from", "local:odl", "--to", "local:new")
    assert (ran.code, ran.err) == (Code.USAGE, "error: local:odl: there is no such folder: check its name\n")
    assert not (stock / "odl").exists()


def test_a_table_stays_readable_beside_a_version_of_many_signs(ask: Ask, stock: Path) -> None:
    version = f"{'9' * 200}.7"
    with connect("local:old") as old:
        published(old, stock / "files", "m0", version[-20:])
        (row,) = old.packages.list(product=PRODUCT, module="m0", version=version[-20:])
        old.packages.create(product=PRODUCT, module="m0", version=version, artifacts=row.artifacts)
    assert max(map(len, ask("plan", *ENDS).out.splitlines())) < 200
    assert version in ask("plan", *ENDS, "--output", "json").out


def test_plan_writes_the_plan_and_a_mapping_to_be_reviewed(ask: Ask, stock: Path) -> None:
    assert ask("plan", *ENDS, "--out", "plan.json", "--draft-map", "map.toml").code == 0
    assert MigrationPlan.from_json((stock / "plan.json").read_bytes()).counted() == {"create": 6}
    assert ask("plan", *ENDS, "--map", "map.toml").code == 0
    assert not (stock / "new").exists() or [*connect("local:new").modules.list(product=PRODUCT)] == []


def test_show_and_report_look_at_no_cloud(ask: Ask, done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("a cloud was asked for")

    monkeypatch.setattr("otabridge._connect.prepare", nobody)
    assert {row["state"] for row in ask("show", done, "--output", "json").json} == {"done"}
    assert ask("show", "plan.json").code == 0
    for format in ("md", "json", "csv", "html"):
        printed = ask("report", done, "--format", format).out
        assert ask("report", done, "--format", format, "--out", "file").out == ""
        assert Path("file").read_text("utf-8") == printed


def test_undo_asks_on_a_terminal(ask: Ask, done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "n\n", raising=False)
    ran = ask("undo", done)
    assert "Delete up to 6 objects on local:new? [y/N]" in ran.err
    with connect("local:new") as new:
        assert len([*new.packages.list()]) == 4


def test_no_secret_is_in_a_plan_a_journal_or_a_report(ask: Ask, huawei: Server, place: Path) -> None:
    assert ask("plan", "--from", "there", "--to", "local:new", "--out", "plan.json").code == 0
    assert ask("plan", "--from", "local:old", "--to", "there", "--out", "plan.json").code == 0
    assert ask("apply", "plan.json", "--journal", "journal").code == 0
    texts = [place.joinpath(name).read_bytes().decode("latin-1") for name in ("plan.json", "journal")]
    texts += [ask("report", "journal", "--format", format).out for format in ("md", "json", "csv", "html")]
    for text in texts:
        for secret in (huawei.secret_key, huawei.access_key, "127.0.0.1", "http://", "https://"):
            assert secret not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
