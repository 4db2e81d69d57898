"""docs/hawkbit.md, run from top to bottom against a server of ours."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hawkbit_server import Server
from players import Operator

from otabridge import connect
from otabridge.registry import Registry

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "hawkbit.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8080"


@pytest.fixture
def known(own_server: Server, operator: Operator) -> Iterator[dict[str, str]]:
    """The environment of a reader, whose things are removed again."""
    site = operator.site
    passed = {name: value for name, value in os.environ.items() if not name.startswith("OTABRIDGE_")}
    yield passed | {
        "OTABRIDGE_MILL_PASSWORD": site.password,
        "HAWKBIT": site.url,
        "HAWKBIT_GATEWAY_TOKEN": site.gateway_token,
        "PYTHONWARNINGS": "error,ignore::UserWarning",  # other tests leave devices that no call can delete
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    with connect(backend="hawkbit", endpoint=site.url, username=site.username, password=site.password) as cloud:
        for package in cloud.packages.list(product="DEFAULT", module="mcu"):
            cloud.packages.delete(package.id)
        cloud.modules.delete("mcu", product="DEFAULT", missing_ok=True)


def test_the_document_runs_from_top_to_bottom(known: dict[str, str], operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "app.bin").write_bytes(b"firmware 2.1")
    operator.made["targets"] |= {f"unit-{number}" for number in range(3)}
    printed = []
    for language, block in BLOCKS:
        if language == "toml":
            (tmp_path / "otabridge.toml").write_text(block.replace(ADDRESS, operator.site.url), "utf-8")
            continue
        commands = [shlex.split(line.removeprefix("$ otabridge ")) for line in block.splitlines()]
        calls = [["-c", block]] if language == "python" else [["-m", "otabridge.cli", *words] for words in commands]
        for call in calls:
            done = subprocess.run(
                [sys.executable, *call], capture_output=True, text=True, check=False, cwd=tmp_path, env=known
            )
            assert done.returncode == 0, done.stdout + done.stderr
            printed.append(done.stdout)
    told = "".join(printed)
    assert "behind: unit-0\n" in told
    assert re.search(r"^\W*2\W*$", printed[-2], re.MULTILINE)  # of `fleet count`
    (downloaded,) = (tmp_path / "downloads").iterdir()
    assert downloaded.read_bytes() == b"firmware 2.1"


def test_the_settings_in_the_readme_are_all_there_are() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    named = {*re.findall("`([a-z_]+)`", " ".join(re.findall(r"^\| (.*?) \|", text, re.MULTILINE)))}
    common = {"quotas", "quota_share", "timeout", "proxy", "ca_file", "validation", "products"}
    assert named | common == {*Registry().backend("hawkbit").settings.model_fields}
