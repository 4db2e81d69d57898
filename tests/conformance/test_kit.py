"""The manners of the kit: gaps that must be gaps, skips that say why, a report, a real server instead of a facade."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otabridge.serve import running
from tests.conformance.kiosk import install

README = Path(__file__).parents[2] / "README.md"
HEAD = """
from otabridge.testing import BackendConformance, Exchange, FacadeConformance, Gap

"""


def run(folder: Path, text: str, *options: str) -> str:
    """What pytest prints of a file with these classes."""
    path = folder / "test_adopted.py"
    path.write_text(HEAD + text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rsxf", "-p", "no:cacheprovider", "-c", "/dev/null", str(path)]
    ended = subprocess.run(
        [*command, *options], capture_output=True, text=True, cwd=folder, env=install(folder), check=False, timeout=120
    )
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


@pytest.mark.parametrize(("raises", "ends"), [("AssertionError", "2 failed"), ("OtaBridgeError", "2 xfailed")])
def test_a_gap_may_say_as_what_it_fails(tmp_path: Path, raises: str, ends: str) -> None:
    text = f"""
from otabridge.errors import OtaBridgeError

class TestHuawei(BackendConformance):
    backend = "huawei"
    known_gaps = {{"test_one_too_many_is_a_quota_exceeded": Gap("no code is published", raises={raises})}}
"""
    assert ends in run(tmp_path, text, "-k", "one_too_many")


def test_a_gap_of_no_test_is_refused(tmp_path: Path) -> None:
    text = (
        'class TestTuya(BackendConformance):\n    backend = "tuya"\n    known_gaps = {"test_one_to_many": "a slip"}\n'
    )
    assert "['test_one_to_many'] == []" in run(tmp_path, text, "-k", "gaps_are_of")


def test_a_cloud_with_built_in_modules_alone_passes_without_a_gap(tmp_path: Path) -> None:
    text = """
class TestKiosk(BackendConformance):
    backend = "kiosk"

class TestFacade(FacadeConformance):
    backend = "kiosk"
    request_ids = False
"""
    told = run(tmp_path, text)
    assert re.search(r"^[45]\d\d passed, \d+ skipped in", told, re.MULTILINE), told
    assert "needs 230 modules, and this cloud has 2: @firmware, @software" in told
    assert "a credential of this dialect says nothing of its call" in told
    assert "this cloud has no request ids" in told


def test_a_request_id_that_is_missing_is_told_with_the_mend(tmp_path: Path) -> None:
    told = run(tmp_path, 'class TestFacade(FacadeConformance):\n    backend = "kiosk"\n', "-k", "names_its_request")
    assert "of a cloud that has none, say request_ids = False" in told
    assert "13 failed" in told


def test_a_class_names_the_texts_and_the_modules_that_a_cloud_takes(tmp_path: Path) -> None:
    text = """
import re
from dataclasses import replace
from otabridge.limits import Text
from otabridge.registry import Registry

Kiosk = Registry().backend("kiosk")

class Pinned(Kiosk):
    limits = replace(Kiosk.limits, text=Kiosk.limits.text | {"package.description": Text(pattern="V[0-9]")})

class TestUntold(BackendConformance):
    backend = Pinned

class TestTold(BackendConformance):
    backend = Pinned
    texts = {"package.description": "V7"}
    modules = ("@software",)

    def test_the_draft_has_them(self, cloud):
        draft = self.draft(cloud)
        assert (draft.description, draft.module) == ("V7", "@software")
"""
    told = run(tmp_path, text, "-k", "made_as_asked or draft_has")
    assert "give one, texts = {'package.description': ...}" in told
    assert "2 failed, 4 passed" in told


def test_the_classes_of_one_backend_can_be_run_alone(tmp_path: Path) -> None:
    text = "".join(
        f'class Test{name.title()}(BackendConformance):\n    backend = "{name}"\n' for name in ("tuya", "kiosk")
    )
    told = run(tmp_path, text, "-k", "rates_are_positive", "--otabridge-backend=kiosk")
    assert "1 passed" in told


def test_what_a_backend_has_not_is_skipped_in_the_table_s_words(tmp_path: Path) -> None:
    told = run(tmp_path, 'class TestExample(BackendConformance):\n    backend = "example"\n', "-k", "staged")
    assert "the cloud keeps no files: a package names their URLs" in told
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

class TestReported(TestTuya):
    @staticmethod
    def report(settings, product, versions):
        path = pathlib.Path("reported.txt")
        path.write_text(f"{settings.endpoint} {product} {len(versions)}")
"""
    with running("tuya") as server:
        settings = {name: value for name, value in server.settings("tuya").items() if name != "backend"}
        (tmp_path / "live.json").write_text(json.dumps(settings), "utf-8")
        chosen = "name_that_is_taken or fleet_is_all or total_counts and modules"
        told = run(tmp_path, text, "-k", f"sync and not async and ({chosen})", "--otabridge-target=live")
        assert len(list(server.cloud.products.list())) >= 2
    assert "4 passed" in told
    assert "TestAliyun has no `live` settings" in told
    assert "the ground cannot be prepared: tuya: report_module_versions is not available" in told
    assert "1 failed" in told
    assert (tmp_path / "reported.txt").read_text("utf-8").split()[0] == settings["endpoint"]


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
    assert re.search("[345] passed", told), told
    assert "failed" not in told
