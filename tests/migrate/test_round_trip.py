"""There and back: a store that went through a cloud is the same, but for what the plans said would be lost."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from otabridge import Client, connect, migrate
from otabridge.migrate import MigrationPlan
from otabridge.serve import running
from tests.migrate.calling import stored

CLOUDS = ("huawei", "tuya", "aliyun", "local")
# Of the store itself, and not of what it keeps.
OWN = {"id", "updated_at"}


def stocked(store: Client, folder: Path) -> None:
    """Texts in several scripts, files of several names, versions with sources, a delta, a built-in module's package."""
    store.modules.create("mcu", product="p1", alias="主控 unit", description="d" * 500)
    store.modules.create("radio", product="p1", alias="Radio_1")
    store.modules.create("bare", product="p1")
    texts: list[dict[str, Any]] = [
        {"name": "App one!", "description": "x" * 300, "custom_info": '{"a": 1}'},
        {"source_versions": ["0.8", "0.9"], "description": "<b>&amp;</b>"},
        {"kind": "delta", "source_versions": ["1.0"], "name": "delta_1"},
        {"verify": True},
    ]
    for number, more in enumerate(texts):
        file = folder / f"app-{number}{('.bin', '.hex', '.tar.gz', '.zip')[number]}"
        file.write_bytes(bytes([number]) * (1000 + number))
        store.packages.publish(file, product="p1", module="mcu", version=f"1.{number}", **more)
    store.packages.publish(file, product="p1", module="@default", version="7")


def carried(source: Client, destination: Client, folder: Path) -> MigrationPlan:
    """A whole migration, with whatever it loses."""
    rules = set().union(*(item.rules("blocker") for item in migrate.plan(source, destination).blockers()))
    plan = migrate.plan(source, destination, accept=rules)
    done = migrate.apply(plan, source, destination, journal=folder / "journal")
    assert done.code in (0, 6), done
    assert migrate.verify(folder / "journal", destination, level="bytes").code == done.code
    assert migrate.plan(source, destination, accept=rules).empty
    return plan


def ways(plan: MigrationPlan) -> dict[str, tuple[str, set[str]]]:
    """Key at the source -> key at the destination, and the fields that the plan says something of."""
    found = {}
    for item in plan.items:
        words = ("product", "name") if item.kind == "module" else ("product", "module", "version")
        here, there = ("/".join(names[word] for word in words) for names in (item.source, item.target))
        fields = {change.field.partition(".")[0].removesuffix("s") for change in item.fields if change.fate != "exact"}
        found[here] = there, fields | ({"everything"} if item.action == "unsupported" else set())
    return found


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_comes_back_is_what_went_but_for_the_losses_that_were_told(cloud: str, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    with ExitStack() as stack:
        first, last = (stack.enter_context(connect(f"local:{tmp_path / name}")) for name in ("first", "last"))
        stocked(first, tmp_path)
        if cloud == "local":
            middle = stack.enter_context(connect(f"local:{tmp_path / 'middle'}"))
        else:
            server = stack.enter_context(running(cloud))
            middle = stack.enter_context(connect(**server.settings(cloud)))
        there = carried(first, middle, tmp_path / "1")
        back = carried(middle, last, tmp_path / "2")
    before, after = stored(tmp_path / "first", but=OWN), stored(tmp_path / "last", but=OWN)
    first_way, second_way = ways(there), ways(back)
    for key, row in before.items():
        between, lost = first_way[key]
        last_key, lost_again = second_way.get(between, ("", set()))
        if not last_key:
            assert "everything" in lost, f"{key} was lost without a word"
            continue
        found = after.pop(last_key)
        assert [_bytes(file) for file in row.get("artifacts", ())] == [
            _bytes(file) for file in found.get("artifacts", ())
        ]
        other = {name for name in row if row[name] != found[name]}
        names = {"module", "version"} if last_key != key else set()
        assert {name.removesuffix("s") for name in other} - lost - lost_again - names == set(), (key, row, found)
    assert after == {}


def _bytes(file: dict[str, Any]) -> tuple[int, str]:
    return file["size"], file["location"]["sha256"]
