"""The documents: what they show is run, what they list is compared with the code, and their links lead somewhere."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import otabridge
from otabridge import config, errors
from otabridge.config import RESERVED
from otabridge.registry import Registry
from otabridge.retry import RetryPolicy
from otabridge.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text("utf-8")
DOCUMENTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(ROOT.glob("docs/*.md"))
HOSTS = {"127.0.0.1", "github.com", "keepachangelog.com", "semver.org", "host"} | {
    f"{name}.example.com" for name in ("ota", "updates")
}
BACKENDS = ("local", "huawei", "tuya", "aliyun", "hawkbit")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def environment() -> dict[str, str]:
    """This process's environment without anything that configures otabridge, so that a machine's own is not read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTABRIDGE_")}
    return kept | {"PYTHONWARNINGS": "error", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, cwd=folder, env=environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_first_two_shell_blocks_are_the_two_command_lines() -> None:
    install, test = blocks("sh")[:2]
    folders = "-e plugins/otabridge-huawei -e plugins/otabridge-action -e plugins/otabridge-hawkbit"
    assert install == f"python -m pip install --quiet -e '.[all]' {folders} && otabridge demo\n"
    folders += " -e plugins/otabridge-example"
    assert test == f"python -m pip install --quiet -e '.[dev]' {folders} && python -m pytest\n"
    assert {f"plugins/{path.name}" for path in (ROOT / "plugins").iterdir()} == {*re.findall("-e (plugins/\\S+)", test)}


RUNNABLE = [block for block in blocks("python") if "needs an account" not in block]


def test_only_what_needs_an_account_is_not_run() -> None:
    assert len(RUNNABLE) == 4
    skipped = [block for block in blocks("python") if block not in RUNNABLE]
    assert not [block for block in skipped if "local:" in block or "memory:" in block]


@pytest.mark.parametrize("block", RUNNABLE, ids=["sync", "async", "mirror", "migration"])
def test_the_quickstart_in_python_runs_as_it_stands(block: str, tmp_path: Path) -> None:
    (tmp_path / "app.bin").write_bytes(b"firmware")
    printed = run(["-c", block], tmp_path)
    if "running(" in block:
        assert printed == "[('mcu', 'Main_controller')]\n"
        return
    if "migrate" in block:
        assert printed.splitlines()[-1] == "{'equal': 2}"
        assert "<svg" in (tmp_path / "report.html").read_text("utf-8")
        return
    assert "mcu Main controller\n" in printed
    if "local:" in block:
        assert "1 devices run 2.0\n" in printed
        (downloaded,) = (tmp_path / "downloads").iterdir()
        assert downloaded.read_bytes() == b"firmware"


@pytest.mark.parametrize("block", [block for block in blocks("python") if block not in RUNNABLE])
def test_what_needs_an_account_is_at_least_well_formed(block: str) -> None:
    compile(block, "README.md", "exec")
    called = re.findall(r"(?:cloud|otabridge)\.(\w+(?:\.\w+)?)\(", block)
    assert called
    with otabridge.connect("memory:") as cloud:
        for name in called:
            place: Any = otabridge if hasattr(otabridge, name) else cloud
            for part in name.split("."):
                place = getattr(place, part)


def test_the_quickstart_on_the_command_line_runs_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "app.bin").write_bytes(b"firmware")
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) > 4
    printed = {}
    for line in lines:
        prompt, program, *words = shlex.split(line)
        assert (prompt, program) == ("$", "otabridge")
        printed[line] = run(["-m", "otabridge.cli", *words], tmp_path)
    told = "".join(printed.values())
    assert all(word in told for word in ("Main controller", '"version": "2.1"', "unit-1", "module.alias"))


@pytest.mark.parametrize("block", blocks("toml"))
def test_the_configuration_shown_is_valid_once_secrets_are_there(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "otabridge.toml"
    file.write_text(block, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "_keyring", lambda cloud, field: None)
    secrets = {"huawei": ("ACCESS_KEY", "SECRET_KEY"), "tuya": ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET")}
    secrets |= {"aliyun": secrets["tuya"], "hawkbit": ("PASSWORD",)}
    seen = set()
    for name, table in tomllib.loads(block)["clouds"].items():
        seen.add(table["backend"])
        for field in secrets.get(table["backend"], ()):
            monkeypatch.setenv(f"OTABRIDGE_{name.upper().replace('-', '_')}_{field}", "x" * 20)
        asked = config.target(name, config.Concealed(), config=file)
        registry = Registry()
        assert config.build(registry.backend(asked.backend), asked, registry).settings
    assert seen == set(BACKENDS)


def test_the_matrix_is_up_to_date() -> None:
    run(["docs/matrix.py", "--check"], ROOT)


def test_a_stale_matrix_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("docs/matrix.py", "docs/kit.json", "README.md", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    stale = README.replace("| `get_module` |", "| `got_module` |")
    assert stale != README
    (tmp_path / "README.md").write_text(stale, "utf-8")
    done = subprocess.run(
        [sys.executable, "docs/matrix.py", "--check"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, "README.md: stale" in done.stderr) == (1, True)


def test_the_kits_findings_are_of_operations_that_are_there() -> None:
    registry = Registry(BACKENDS)
    for name, operations in json.loads((ROOT / "docs" / "kit.json").read_text("utf-8"))["facade"].items():
        table = registry.backend(name).capabilities
        assert {each for each, support in table.items() if support.level.usable} >= {*operations} != set()


# --- what is listed ---------------------------------------------------------------------------------------------------


def test_the_errors_of_the_table_are_the_errors_there_are() -> None:
    rows = "".join(line for line in README.splitlines(keepends=True) if line.startswith("| `") and "Error`" in line)
    named = set(re.findall(r"`(\w+Error)`", rows))
    assert named == {name for name in vars(errors) if name.endswith("Error")} - {"OtaBridgeError"}


def test_the_numbers_of_the_retries_are_those_of_the_policy() -> None:
    policy = RetryPolicy()
    said = " ".join(README.split())
    for phrase in (
        f"tried {policy.attempts} times",
        f"from {policy.base} s ({policy.throttled_base:g} s where the cloud throttles) up to {policy.cap:g} s",
        f"obeyed up to {policy.longest_retry_after:g} s",
        f"later than {policy.deadline:g} s after the first",
    ):
        assert phrase in said


def test_the_builtin_modules_are_those_that_the_backends_have() -> None:
    builtins = {name: dict(Registry().backend(name).builtins) for name in BACKENDS}
    assert builtins["tuya"] == builtins["aliyun"] == {"@default": "default"}
    assert set(builtins["huawei"]) == {"@firmware", "@software"}
    assert set(builtins["local"]) == {"@default", "@firmware", "@software"}
    assert "`@default` on Tuya and Aliyun (whose own word `default` is accepted), `@firmware` and `@software`" in README


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", CONFIGURATION, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        *((name, f"`{name}`") for name in ("local", "huawei", "hawkbit")),
        *((name, "`tuya` and `aliyun`") for name in ("tuya", "aliyun")),
    ],
)
def test_every_setting_and_variable_of_a_backend_is_documented(name: str, title: str) -> None:
    schema = Registry().backend(name).settings
    told = section(title)
    rows = "".join(line.split("|")[1] for line in told.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == set(schema.model_fields) - set(Settings.model_fields)
    variables = {variable for names in schema.environment.values() for variable in names}
    assert [variable for variable in variables if f"`{variable}`" not in told] == []


def test_the_settings_of_every_backend_and_their_defaults_are_documented() -> None:
    rows = {
        cells[1].strip(" `"): cells[2].strip(" `")
        for cells in (line.split("|") for line in section("Settings of every backend").splitlines())
        if len(cells) > 3 and "`" in cells[1]
    }
    found = Settings.model_validate({})
    fields = {"validate" if name == "validation" else name: getattr(found, name) for name in Settings.model_fields}
    assert set(rows) == set(fields)
    told = {name: value for name, value in fields.items() if value not in (None, {})}
    assert {name: rows[name] for name in told} == {
        name: f"{value:g}" if name == "timeout" else str(value) for name, value in told.items()
    }
    assert all(f"`{name}`" in CONFIGURATION for name in RESERVED)


# --- where it leads ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_path_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []
    paths = re.findall(r"`((?:otabridge|tests|docs|cassettes|benchmarks|plugins)/[\w./-]*|\.ci/run)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_no_machines_paths_and_few_hosts(document: Path) -> None:
    text = document.read_text("utf-8")
    assert set(re.findall(r"https?://([\w.-]+\w)", text)) <= HOSTS
    assert re.findall(r"(?<![\w.~])/(?:home|root|tmp|usr|Users|mnt)/\w+", text) == []


def test_contributing_says_the_commands_that_the_gate_runs() -> None:
    gate = (ROOT / ".ci" / "run").read_text("utf-8")
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for command in ("ruff check .", "ruff format --check .", "mypy otabridge tests/typing", "python docs/matrix.py"):
        assert command in gate
        assert command in told
