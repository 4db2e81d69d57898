"""docs/migrating.md: its commands and programs are run as they stand, and its tables are of today's code."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from otabridge import connect
from otabridge.cli import main
from otabridge.migrate.mapping import read_mapping
from otabridge.migrate.rules import RULES
from otabridge.serve import Server, running
from tests.cli.conftest import place
from tests.migrate.test_round_trip import stocked

__all__ = ["place"]
ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "migrating.md").read_text("utf-8")
CLOUDS = {"ali": "aliyun", "tuya-eu": "tuya", "prod-huawei": "huawei"}
HAWKBIT = "mill"  # is a real server, which the plugin's own tests start


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


CONSOLE = [block for block in blocks("console") if HAWKBIT not in block]


@pytest.fixture
def clouds(place: Path) -> Iterator[dict[str, Server]]:
    """The clouds that the document names, each with a store of its own."""
    lines = []
    with ExitStack() as stack:
        servers = {name: stack.enter_context(running(facade)) for name, facade in CLOUDS.items()}
        for name, facade in CLOUDS.items():
            lines += [
                f"[clouds.{name}]",
                *(f'{key} = "{value}"' for key, value in servers[name].settings(facade).items()),
            ]
        (place / "otabridge.toml").write_text("\n".join(lines))
        (place / "otabridge.toml").chmod(0o600)
        yield servers


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: re.findall("[\\w.]+$", block)[0])
def test_the_commands_run_as_they_stand(block: str, clouds: dict[str, Server], place: Path) -> None:
    (place / "app.bin").write_bytes(b"firmware")
    source = next((name for name in CLOUDS if f"--from {name}" in block), None)
    if source:
        stocked_plainly(clouds[source], place)
    lines = block.splitlines()
    assert len(lines) > 2
    for line in lines:
        prompt, program, *words = shlex.split(line)
        assert (prompt, program) == ("$", "otabridge")
        assert main(words) in (0, 6), line
    if (place / "report.html").exists():
        assert "<svg" in (place / "report.html").read_text("utf-8")


def stocked_plainly(server: Server, folder: Path) -> None:
    file = folder / "app.bin"
    server.cloud.modules.create("mcu", product="p1", alias="Main")
    server.cloud.packages.publish(file, product="p1", module="mcu", version="1.0")
    server.cloud.packages.publish(file, product="p1", module="mcu", version="1.1", source_versions=["1.0"])


def test_what_is_not_run_here_differs_in_names_alone() -> None:
    (block,) = [block for block in blocks("console") if block not in CONSOLE]
    plain = re.sub(r" --(?:map|level|accept) \S+", "", block).replace(HAWKBIT, "tuya").replace("tuya-eu", "tuya")
    others = [re.sub(r" --(?:map|level|accept) \S+", "", each).replace("tuya-eu", "tuya") for each in CONSOLE]
    assert plain in others


@pytest.mark.parametrize("block", blocks("python"))
def test_the_programs_run_as_they_stand(block: str, tmp_path: Path) -> None:
    (tmp_path / "app.bin").write_bytes(b"firmware")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTABRIDGE_")}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=kept,
    )
    assert ran.returncode == 0, ran.stderr
    assert "('package thermostat/mcu/2.1', 'create')" in ran.stdout


def test_the_mapping_is_one() -> None:
    (block,) = blocks("toml")
    names = read_mapping(block)
    assert names.of("thermostat", "old-radio") is False
    assert names.of("thermostat", "mcu", "1.0 beta") == "1.0-beta"


def losses(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "docs/losses.py", *words], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_tables_of_losses_are_of_today() -> None:
    ran = losses("--check")
    assert ran.returncode == 0, ran.stderr


def test_every_table_has_rules_of_the_code_and_blockers_first() -> None:
    tables = re.findall(r"<!-- losses: (.*?) -->\n(.*?)<!-- end of losses -->", DOCUMENT, re.DOTALL)
    assert len(tables) == 7
    for name, table in tables:
        rules = re.findall(r"^\| (\w+) \| `([\w.]+)`", table, re.MULTILINE)
        assert {rule for _, rule in rules} <= {*RULES}, name
        severities = [severity for severity, _ in rules]
        assert severities == sorted(severities, key=["blocker", "behaviour", "info"].index)
        assert {*severities} == {"blocker", "behaviour", "info"}


def test_a_real_migration_loses_nothing_that_the_tables_do_not_name(clouds: dict[str, Server], place: Path) -> None:
    from otabridge import migrate

    with connect("local:odd") as odd:
        stocked(odd, place)
        for name, facade in (("ali", "aliyun"), ("prod-huawei", "huawei")):
            told = re.findall(rf"<!-- losses: local to {facade} -->\n(.*?)<!-- end", DOCUMENT, re.DOTALL)[0]
            plan = migrate.plan("local:odd", name)
            rules = {change.rule for item in plan.items for change in item.fields if change.rule}
            assert rules - {*re.findall(r"`([\w.]+)`", told)} == set()
