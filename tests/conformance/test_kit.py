"""The manners of the kit: gaps that must be gaps, skips that say why, a report, a real server instead of a facade."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otabridge.serve import running

README = Path(__file__).parents[2] / "README.md"
HEAD = """
from otabridge.testing import BackendConformance, Exchange, FacadeConformance

"""


def run(folder: Path, text: str, *options: str) -> str:
    """What pytest prints of a file with these classes."""
    path = folder / "test_adopted.py"
    path.write_text(HEAD + text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rsxf", "-p", "no:cacheprovider", "-c", "/dev/null", str(path)]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, cwd=folder, check=False, timeout=120)
    return ended.stdout + ended.stderr


def test_a_gap_that_is_none_any_more_fails(tmp_path: Path) -> None:
    text = """
class TestTuya(BackendConformance):
    backend = "tuya"
    known_gaps = {"test_a_name_that_is_taken_is_a_conflict": "it was not"}
"""
    told = run(tmp_path, text, "-k", "name_that_is_taken")
    assert "2 failed" in told
    assert "[XPASS(strict)] it was not" in told


def test_a_known_gap_says_its_reason(tmp_path: Path) -> None:
    text = """
class TestHuawei(BackendConformance):
    backend = "huawei"
    known_gaps = {"test_one_too_many_is_a_quota_exceeded": "no code is published"}
"""
    told = run(tmp_path, text, "-k", "one_too_many")
    assert "2 xfailed" in told
    assert "no code is published" in told


def test_what_a_backend_has_not_is_skipped_in_the_table_s_words(tmp_path: Path) -> None:
    told = run(tmp_path, 'class TestTuya(BackendConformance):\n    backend = "tuya"\n', "-k", "staged")
    assert "upload the file in the cloud's console" in told
    assert "failed" not in told


def test_a_report_has_operations_groups_gaps_and_failures(tmp_path: Path) -> None:
    text = """
class TestLocal(BackendConformance):
    backend = "local"
    facade = None
    settings = {"path": "{folder}"}
    known_gaps = {
        "test_it_has_no_clock_and_no_chance_of_its_own": "SQLite is waited for in real time",
        "test_rates_are_positive": "they are, so that this fails",
    }
"""
    path = tmp_path / "told" / "report.json"
    run(tmp_path, text, "-k", "chance or rates_are_positive or staged_file", f"--otabridge-report={path}")
    found = json.loads(path.read_text("utf-8"))["backends"]["local"]
    assert found["target"] == "facade"
    assert found["operations"]["stage_artifact"] == {"passed": 2}
    assert found["groups"]["Hygiene"] == {"known gap": 1}
    assert found["gaps"] == {"test_it_has_no_clock_and_no_chance_of_its_own": "SQLite is waited for in real time"}
    assert found["failed"] == ["test_rates_are_positive"]


def test_a_real_server_takes_the_place_of_a_facade(tmp_path: Path) -> None:
    text = """
import json, pathlib

class TestTuya(BackendConformance):
    backend = "tuya"
    live = json.loads(pathlib.Path("live.json").read_text())

class TestAliyun(BackendConformance):
    backend = "aliyun"
"""
    with running("tuya") as server:
        settings = {name: value for name, value in server.settings("tuya").items() if name != "backend"}
        (tmp_path / "live.json").write_text(json.dumps(settings), "utf-8")
        chosen = "name_that_is_taken or fleet_is_all or total_counts and modules"
        told = run(tmp_path, text, "-k", f"sync and not async and ({chosen})", "--otabridge-target=live")
        assert len(list(server.cloud.products.list())) >= 2
    assert "2 passed" in told
    assert "TestAliyun has no `live` settings" in told
    assert "the ground cannot be prepared: tuya: report_module_versions is not available" in told
    assert "failed" not in told


ON_RECORD = """
import pathlib

class TestTuya(BackendConformance):
    backend = "tuya"
    cassettes = pathlib.Path(__file__).parent
    recorded = {"endpoint": "https://t.example", "access_key_id": "id", "access_key_secret": "secret"}
    varying = frozenset({"AccessKeyId", "SignatureNonce", "Timestamp", "Signature"})
    exchanges = {"it.yaml": Exchange("delete_module", {"product": "p", "name": "ble"}, None)}
"""
CASSETTE = """
interactions:
- request:
    method: GET
    uri: 'https://t.example/?Action=DeleteOTAModule&ModuleName=NAME&ProductKey=p&AccessKeyId=***&Signature=***\
      &SignatureMethod=HMAC-SHA1&SignatureNonce=***&Timestamp=***&Version=2018-01-20&SignatureVersion=1.0&Format=JSON'
    body: null
  response:
    status: {code: 200, message: OK}
    headers: {Content-Type: [application/json]}
    body: {string: '{"success": SUCCESS, "code": "iot.ota.OTAModuleNotExist"}'}
"""


@pytest.mark.parametrize(
    ("name", "success", "says"),
    [("ble", "true", ""), ("other", "true", "ModuleName"), ("ble", "false", "OTAModuleNotExist")],
)
def test_a_recorded_exchange_is_held_to_what_is_on_record(tmp_path: Path, name: str, success: str, says: str) -> None:
    (tmp_path / "it.yaml").write_text(CASSETTE.replace("NAME", name).replace("SUCCESS", success), "utf-8")
    told = run(tmp_path, ON_RECORD, "--otabridge-target=cassette")
    assert ("2 failed" in told) is bool(says)
    assert says in told
    assert " passed" in told
    assert "a cassette is no ground" in told


def test_the_class_of_the_readme_runs_the_kit(tmp_path: Path) -> None:
    (block,) = re.findall("^```py\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    told = run(tmp_path, block.replace("acme", "tuya"), "-k", "registry_takes or taken_is_a_conflict")
    assert "4 passed" in told or "3 passed, 2 skipped" in told
