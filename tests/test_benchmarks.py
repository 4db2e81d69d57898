"""The benchmarks run: every case with every contender, what they compare, and the page they write. Never how fast."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import document, goals
from benchmarks.cases import CASES
from benchmarks.comparing import changes, compared
from benchmarks.peers import HOMES
from benchmarks.results import Run, Spread
from benchmarks.running import JOBS
from benchmarks.tables import cases, table, verdicts

ROOT = Path(__file__).parents[1]
BY_NAME = {case.name: case for case in CASES}
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="CPU and memory are read in /proc")


def benchmarks(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str]:
    """A trial run of everything, by the command; and what it printed."""
    file = tmp_path_factory.mktemp("run") / "tiny.json"
    printed = benchmarks("run", "--tiny", "--rounds", "1", "--json", str(file))
    return Run.read(file), printed


@pytest.fixture
def run(tried: tuple[Run, str]) -> Run:
    return tried[0]


def figures(run: Run, case: str) -> dict[str, Any]:
    return {contender: rounds[0] for contender, rounds in run.results[case].items()}


# --- a run ------------------------------------------------------------------------------------------------------------


def test_every_case_gives_what_it_shows_of_every_contender(run: Run) -> None:
    for case in CASES:
        assert {*run.results[case.name]} == {*case.contenders}
        missing = [
            (case.name, name, figure)
            for name, found in figures(run, case.name).items()
            for figure in case.shows
            if figure not in found
        ]
        # Of a migration into a folder there is no server.
        assert [it for it in missing if it[1:] != ("local", "server_s")] == []


def test_contenders_of_calls_and_lists_give_as_many_rows_as_each_other(run: Run) -> None:
    for case in CASES:
        if case.how.startswith(("calling", "listing")):
            assert len({found["rows"] for found in figures(run, case.name).values()}) == 1, case.name


def test_every_contender_keeps_its_connection_but_the_one_that_is_known_not_to(run: Run) -> None:
    opened = {
        name
        for case in CASES
        # How many of several threads come to ask at once is chance.
        if case.how.startswith(("calling", "listing")) and "threads" not in case.name
        for name, found in figures(run, case.name).items()
        # A client in threads, beside those that await.
        if found["connections"] and not (name == "hw" and "in flight" in case.name)
    }
    assert opened == {"ali2 async"}


def test_every_contender_asks_as_often_as_there_are_pages(run: Run) -> None:
    for name, found in figures(run, "100,000 versions, streamed").items():
        assert found["requests"] == found["units"] == 2, name


def test_the_tables_name_every_case_goal_and_contender(tried: tuple[Run, str]) -> None:
    _, printed = tried
    for case in CASES:
        assert f"{case.goal}, {case.name}" in printed
    assert {goal.number for goal in goals.GOALS} == {f"P{number}" for number in range(1, 13)}
    assert all(f"\n| {name} " in printed for name in HOMES)
    assert len(re.findall(r"\| (?:met|NOT MET) +\|", printed)) == len(goals.GOALS)


def test_a_file_of_results_says_where_it_was_measured_and_no_path(tried: tuple[Run, str], tmp_path: Path) -> None:
    tried[0].write(tmp_path / "again.json")
    told = json.loads((tmp_path / "again.json").read_text())
    assert {*told["machine"]} == {"system", "architecture", "cores", "python", "implementation"}
    assert {"httpx", "huaweicloudsdkiotda", "alibabacloud-iot20180120", "aliyun-python-sdk-iot"} <= {*told["versions"]}
    assert Run.read(tmp_path / "again.json") == tried[0]
    assert "/" not in json.dumps(told["machine"])


# --- goals ------------------------------------------------------------------------------------------------------------


def test_every_goal_is_of_a_case_its_contenders_and_a_figure_that_it_shows() -> None:
    for goal in goals.GOALS:
        case = BY_NAME[goal.case]
        assert goal.ours in case.contenders
        assert goal.peer in (None, goals.FASTEST_SDK, *case.contenders)
        assert goal.figure in case.shows
        assert (goal.most is None) != (goal.least is None)


def of(**contenders: list[float]) -> Run:
    """A run of one case, by the CPU of each round."""
    results = {"one module, sync": {name: [{"cpu": cpu} for cpu in cpus] for name, cpus in contenders.items()}}
    return Run({}, {}, results, 3, {})


@pytest.mark.parametrize(("cpu", "met"), [(40.0, True), (50.0, True), (51.0, False)])
def test_a_goal_is_met_up_to_its_limit(cpu: float, met: bool) -> None:
    run = of(otabridge=[cpu] * 3, hw=[100.0] * 3, **{"raw httpx": [200.0] * 3})
    assert {verdict.goal.peer: verdict.met for verdict in run.verdicts()} == {"raw httpx": True, "hw": met}


def test_a_ratio_is_taken_within_each_round() -> None:
    run = of(otabridge=[10.0, 20.0, 90.0], hw=[40.0, 40.0, 90.0], **{"raw httpx": [10.0, 20.0, 90.0]})
    assert {verdict.goal.peer: verdict.value for verdict in run.verdicts()} == {
        "raw httpx": Spread(1.0, 1.0, 1.0),
        "hw": Spread(0.5, 0.375, 0.75),
    }


# --- two runs ---------------------------------------------------------------------------------------------------------


def test_a_slower_machine_makes_nothing_slower() -> None:
    before = of(otabridge=[10.0, 11.0, 12.0], hw=[20.0, 21.0, 22.0])
    after = of(otabridge=[20.0, 22.0, 24.0], hw=[40.0, 42.0, 44.0])
    assert [change.verdict for change in changes(before, after)] == ["peer", "same"]
    assert "nothing has changed" in compared(before, after)


@pytest.mark.parametrize(("cpu", "verdict"), [(20.0, "SLOWER"), (11.5, "same"), (5.0, "faster")])
def test_what_changes_beyond_the_spread_is_told(cpu: float, verdict: str) -> None:
    before = of(otabridge=[10.0, 11.0, 12.0], hw=[20.0, 20.0, 20.0])
    after = of(otabridge=[cpu] * 3, hw=[20.0, 20.0, 20.0])
    assert [change.verdict for change in changes(before, after)] == ["peer", verdict]


def test_the_command_compares_two_files(tried: tuple[Run, str], tmp_path: Path) -> None:
    tried[0].write(tmp_path / "it.json")
    printed = benchmarks("compare", str(tmp_path / "it.json"), str(tmp_path / "it.json"))
    assert printed.count(" same ") > 20
    assert printed.endswith("nothing has changed by more than the spread\n")


# --- the page ---------------------------------------------------------------------------------------------------------


def test_profiles_name_layers_functions_and_files() -> None:
    printed = benchmarks("profile", "--tiny")
    for job in JOBS:
        assert f"{job}\n" in printed
    assert printed.count("| layer ") == printed.count("| allocated in ") == len(JOBS)


def test_the_page_has_a_place_for_all_that_is_measured_and_keeps_the_rest(run: Run) -> None:
    page = document.PAGE.read_text("utf-8")
    new = document.written(page, run)
    assert {*document.MARKED.findall(page)} == {*document.parts(run)}
    assert verdicts(run) in new
    assert all(each in new for each in cases(run))
    assert document.MARKED.sub("", new) == document.MARKED.sub("", page)


def test_a_table_sets_figures_to_the_right_and_words_to_the_left() -> None:
    assert table(("a", "b"), [("x", "1.0"), ("long", "12.0")]) == (
        "| a    |    b |\n| ---- | ---: |\n| x    |  1.0 |\n| long | 12.0 |"
    )
