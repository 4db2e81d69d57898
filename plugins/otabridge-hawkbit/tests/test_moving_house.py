"""From a cloud that closes to a server of one's own, killed on the way: nothing is lost, doubled or corrupted."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import settings
from hawkbit_server import Hawkbit, Server

from otabridge import connect
from otabridge.cli import main
from otabridge.migrate import verify
from otabridge.serve import running
from tests.migrate.crashing import KILLED, yard
from tests.migrate.making import PRODUCT, surveyed
from tests.support.scale import FULL

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "migrating.md").read_text("utf-8")
# Of the 71 checkpoints of a run: in the midst of a module, of an upload, and near the end.
KILLS = range(1, 72) if FULL else (9, 33, 50)


@pytest.fixture
def house(hawkbit: Hawkbit, own_server: Server) -> Iterator[dict[str, Any]]:
    """The settings of the server, which has nothing of the product before and after."""
    known = settings(hawkbit) | {"product_mode": "prefix"}
    yield known
    with connect(**known) as cloud:
        for package in list(cloud.packages.list(product=PRODUCT)):
            cloud.packages.delete(package.id)
        for module in list(cloud.modules.list(product=PRODUCT)):
            cloud.modules.delete(module.name, product=PRODUCT)


@pytest.mark.parametrize("kill_at", KILLS)
def test_a_move_that_was_killed_is_gone_on_with_to_the_end(house: dict[str, Any], tmp_path: Path, kill_at: int) -> None:
    colour = ("sync", "async")[kill_at % 2]
    with yard("aliyun", house, tmp_path, seed=kill_at) as place:
        assert place.run(kill_at=kill_at, colour=colour) == (KILLED, 0)
        assert place.resumed(colour=colour) == 0
        assert place.damage() == {}
        again = surveyed(place.source, place.destination)
        assert (again.empty, {*again.counted()}) == (True, {"adopt"})
        told = verify(tmp_path / "journal", place.destination, level="bytes")
        assert told.code == 0


def test_the_way_in_the_document_runs_as_it_stands_and_back(
    hawkbit: Hawkbit, own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"^```console\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    (commands,) = [block for block in blocks if "--to mill" in block]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.bin").write_bytes(b"firmware")
    (tmp_path / "mill.toml").write_text('[products]\np1 = "DEFAULT"\n[modules.p1]\nmcu = "moved"\n')
    with running("aliyun") as server:
        server.cloud.modules.create("mcu", product="p1", alias="Moved")
        server.cloud.packages.publish("app.bin", product="p1", module="mcu", version="1.0")
        clouds = {"ali": server.settings("aliyun"), "mill": settings(hawkbit)}
        lines = [f"[clouds.{cloud}]\n" + "".join(_lines(told)) for cloud, told in clouds.items()]
        (tmp_path / "otabridge.toml").write_text("\n".join(lines))
        (tmp_path / "otabridge.toml").chmod(0o600)
        for line in [*commands.splitlines(), "$ otabridge migrate undo ali-mill.journal --yes"]:
            _, _, *words = shlex.split(line)
            assert main(words) == 0, line


def _lines(told: dict[str, Any]) -> Iterator[str]:
    return (f"{name} = {json.dumps(value)}\n" for name, value in told.items())
