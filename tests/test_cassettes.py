"""The cassette linter: every recorded exchange says where it comes from, holds no secret, and lies where it belongs.

Those of our own facades are recorded anew, and must not have changed.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from otabridge.capabilities import Level
from otabridge.registry import Registry

ROOT = Path(__file__).parents[1]
CASSETTES = ROOT / "cassettes"
CODE = {"record.py", "record_server.py", "exchanges.py"}
FILES = sorted(
    path
    for path in CASSETTES.rglob("*")
    if path.is_file() and path.parent.name != "__pycache__" and path not in {CASSETTES / name for name in CODE}
)
PROVENANCES = {"vendor-doc", "emulator", "real-server", "live"}
LARGEST = 32_000  # bytes
PLACEHOLDERS = {"", "…", "***", "PLACEHOLDER", "REDACTED", "testid", "<YourAccessKeyId>"}

# The names, less - and _, whose values are secrets or are made of secrets.
SECRET = re.compile(
    r"(authorization|.*token|signature|accesskey(id|secret)?|accesskeyid|x?(acs)?accesskeyid|.*secret|.*password"
    r"|fingerprint|policy|cookie|setcookie)",
    re.IGNORECASE,
).fullmatch
NO_SECRET = {"nexttoken", "pagetoken", "clienttoken"}  # names of this shape that are none


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def members(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the name of its member."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from members(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(name, inner)
    elif isinstance(value, str):
        yield name, value


def body(text: Any) -> Iterator[tuple[str, str]]:
    text = text.decode() if isinstance(text, bytes) else text or ""
    try:
        yield from members("", json.loads(text))
    except ValueError:
        yield from parse_qsl(text)


def texts(exchange: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every (name, value) that an exchange carries: query, headers, bodies."""
    request, response = exchange["request"], exchange["response"]
    yield from parse_qsl(urlsplit(request["uri"]).query)
    for message in (request, response):
        for name, values in (message.get("headers") or {}).items():
            yield from ((name, str(value)) for value in (values if isinstance(values, list) else [values]))
    yield from body(request.get("body"))
    yield from body(response["body"].get("string"))


def secrets(exchange: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in texts(exchange):
        plain = name.replace("-", "").replace("_", "").lower()
        if SECRET(plain) and plain not in NO_SECRET and value not in PLACEHOLDERS:
            yield name, value


def test_every_plugin_has_cassettes() -> None:
    # The example's cloud is made up: there is nobody whose exchanges could be recorded.
    for plugin in {*(ROOT / "plugins").iterdir()} - {ROOT / "plugins" / "otabridge-example"}:
        hooks = re.findall(r'^(\w+) = "otabridge_', (plugin / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
        assert hooks
        assert all(list((CASSETTES / name).rglob("*.yaml")) for name in hooks)


def test_a_cassette_lies_at_backend_operation_case() -> None:
    backends = Registry().names()
    misplaced = [
        str(path.relative_to(ROOT))
        for path in FILES
        if (parts := path.relative_to(CASSETTES).parts)
        if len(parts) != 3 or parts[0] not in backends or not re.fullmatch(r"[A-Za-z]+", parts[1])
    ]
    assert misplaced == []
    assert {path.suffix for path in FILES} == {".yaml"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CASSETTES)))
def test_a_cassette_is_a_small_vcr_file_that_says_where_it_comes_from(path: Path) -> None:
    cassette = load(path)
    assert set(cassette) == {"version", "metadata", "interactions"}
    assert cassette["version"] == 1
    assert cassette["metadata"]["provenance"] in PROVENANCES
    assert len(str(cassette["metadata"]["source"])) > 10
    assert set(cassette["metadata"]) <= {"provenance", "source", "note", "recorded"}
    for provenance, stem in (("emulator", "emulator"), ("real-server", "server")):
        assert (cassette["metadata"]["provenance"] == provenance) == path.stem.startswith(stem)
    assert path.stat().st_size <= LARGEST
    for exchange in cassette["interactions"]:
        assert {"method", "uri", "headers", "body"} <= set(exchange["request"])
        assert {"status", "headers", "body"} <= set(exchange["response"])
        assert urlsplit(exchange["request"]["uri"]).scheme == "https"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CASSETTES)))
def test_a_cassette_holds_no_secret(path: Path) -> None:
    assert [found for exchange in load(path)["interactions"] for found in secrets(exchange)] == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"uri": "https://h/?Action=X&Signature=abc%3D"}, "Signature"),
        ({"uri": "https://h/?AccessKeyId=LTAI5t"}, "AccessKeyId"),
        ({"uri": "https://h/?SecurityToken=abc"}, "SecurityToken"),
        ({"headers": {"Authorization": ["SDK-HMAC-SHA256 Access=x"]}}, "Authorization"),
        ({"headers": {"x-acs-security-token": "abc"}}, "x-acs-security-token"),
        ({"headers": {"x-acs-accesskey-id": "abc"}}, "x-acs-accesskey-id"),
        ({"headers": {"X-Auth-Token": ["abc"]}}, "X-Auth-Token"),
        ({"body": '{"auth": {"user": [{"password": "abc"}]}}'}, "password"),
        ({"body": "AccessKeySecret=abc&x=1"}, "AccessKeySecret"),
        ({"body": '{"auth_info": {"secret": "abc"}}'}, "secret"),
        ({"body": '{"Data": {"DeviceSecret": "abc"}}'}, "DeviceSecret"),
    ],
)
def test_the_linter_finds_a_secret(part: dict[str, Any], name: str) -> None:
    request = {"method": "GET", "uri": "https://h/", "headers": {}, "body": None} | part
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": part.get("body", "")}}
    found = list(secrets({"request": request, "response": response}))
    assert {known for known, _ in found} == {name}
    clean = {key: re.sub(r"abc(%3D)?|LTAI5t|SDK-.*x", "PLACEHOLDER", json.dumps(value)) for key, value in part.items()}
    request |= {key: json.loads(value) for key, value in clean.items()}
    response["body"] = {"string": request["body"]}
    assert list(secrets({"request": request, "response": response})) == []


def test_what_only_looks_like_a_secret_passes() -> None:
    request = {
        "uri": "https://h/?NextToken=abc&SignatureMethod=HMAC-SHA1",
        "headers": {},
        "body": '{"token": {"a": 1}}',
    }
    response = {"headers": {"Content-Type": ["application/json"]}, "body": {"string": "<html>"}}
    assert list(secrets({"request": request, "response": response})) == []


def emulated(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("emulator*.yaml")}


def test_what_our_facades_answer_is_what_was_recorded(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTABRIDGE_", "HUAWEI"))}
    command = [sys.executable, str(CASSETTES / "record.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    recorded, kept = emulated(tmp_path), emulated(CASSETTES)
    assert sorted(recorded) == sorted(kept)
    assert [name for name in kept if kept[name] != recorded[name]] == [], "stale: run `python cassettes/record.py`"


# --- evidence ---------------------------------------------------------------------------------------------------------


def matrix() -> Any:
    """docs/matrix.py."""
    found = importlib.util.spec_from_file_location("matrix", ROOT / "docs" / "matrix.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_every_call_with_evidence_counts_in_the_matrix() -> None:
    known = set().union(*matrix().CALLS.values(), matrix().SIGNING_IN)
    calls = {path.parent.name for path in FILES} | {call for _, call in matrix().driven()}
    assert [call for call in sorted(calls) if call.lower() not in known] == []


def test_no_native_operation_of_a_cloud_is_without_evidence() -> None:
    rows = {row.split("`")[1]: row.rsplit("|", 6)[1:5] for row in matrix().matrix().splitlines() if row[:3] == "| `"}
    registry = Registry()
    without = [
        (backend, operation.value)
        for backend in {path.relative_to(CASSETTES).parts[0] for path in FILES}
        for operation, support in registry.backend(backend).capabilities.items()
        if support.level is Level.NATIVE and not any(backend in cell for cell in rows[operation])
    ]
    assert without == []


def test_a_real_server_counts_by_its_exchanges_and_is_named_by_the_kit(tmp_path: Path) -> None:
    made = matrix()
    made.KIT = tmp_path / "kit.json"
    made.KIT.write_text('{"facade": {"local": ["get_module"]}, "live": {"hawkbit": ["get_module"]}}')
    lines = (line.split(" | ") for line in made.matrix().splitlines() if line.startswith(("| op", "| `get_module`")))
    heads, row = lines
    told = dict(zip(heads, row, strict=True))
    exchanges = [path for path in FILES if path.parts[-3:-1] == ("hawkbit", "getType")]
    assert heads[-4:] == ["official-sdk", "real-server", "emulator", "kit |"]
    assert (told["real-server"], told["kit |"]) == (f"hawkbit {len(exchanges)}", "local, hawkbit (real server) |")


def test_the_evidence_of_an_sdk_is_that_of_its_own_cloud() -> None:
    assert {backend for backend, _ in matrix().driven()} == {"huawei", "aliyun"}
