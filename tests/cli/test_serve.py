"""`otabridge serve` in a process of its own: what it prints, what it takes from outside, and how it ends."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from otabridge import connect
from tests.cli.conftest import COMMAND, Ask, environment, spawn
from tests.serve.raw import PATIENCE
from tests.support.server import free_port

KEYS = {"OTABRIDGE_SERVE_ACCESS_KEY": "AK", "OTABRIDGE_SERVE_SECRET_KEY": "canary-secret"}


@contextmanager
def serving(*words: object, **more: str) -> Iterator["subprocess.Popen[str]"]:
    """The command at work; it is killed if it does not end by itself."""
    command = [*COMMAND, "serve", *map(str, words)]
    env = environment(**more)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line that it prints."""
    assert process.stdout is not None
    text = process.stdout.readline()
    assert text, process.stderr and process.stderr.read()
    said: dict[str, Any] = json.loads(text)
    return said


def ended(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, str]:
    """How it ends at a signal, and what it has said on stderr."""
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


def test_one_line_for_each_facade_says_where_it_is(place: Path) -> None:
    with serving("--as", "huawei", "--as", "tuya") as process:
        first, second = line(process), line(process)
        assert list(first)[:4] == ["facade", "url", "access_key", "secret_key"]
        assert (first["facade"], second["facade"]) == ("huawei", "tuya")
        assert {"project_id", "app_id"} <= set(first)
        assert "secret_key" not in second
        assert first["access_key"] == second["access_key"]
        assert httpx.get(first["url"], trust_env=False).status_code >= 400
        own = {"access_key_id": second["access_key"], "access_key_secret": first["secret_key"]}
        with connect(backend="tuya", endpoint=second["url"], **own) as cloud:
            assert list(cloud.products.list()) == []
        assert ended(process) == (0, "")
        assert process.stdout is not None


def test_a_port_and_a_seed_are_as_they_were_asked_for(place: Path) -> None:
    port = free_port()
    with serving("--as", f"tuya:{port}", "--on", f"local:{place / 'depot'}", "--seed", "demo") as process:
        assert line(process)["url"] == f"http://127.0.0.1:{port}"
        assert ended(process)[0] == 0
    with connect(f"local:{place / 'depot'}") as cloud:
        assert len(list(cloud.products.list())) >= 3


def test_keys_from_outside_are_used_and_the_secret_one_is_never_shown(place: Path) -> None:
    with serving("--as", "tuya", "--debug", **KEYS) as process:
        said = line(process)
        assert said["access_key"] == "AK"
        own = {"access_key_id": "AK", "access_key_secret": "canary-secret"}
        with connect(backend="tuya", endpoint=said["url"], **own) as cloud:
            assert list(cloud.products.list()) == []
        code, err = ended(process)
    assert code == 0
    assert "canary" not in json.dumps(said) + err


def test_a_secret_that_would_break_a_line_is_still_one_json_line(place: Path) -> None:
    keys = {**KEYS, "OTABRIDGE_SERVE_ACCESS_KEY": "a\nb\u2028"}
    with serving("--as", "tuya", **keys) as process:
        assert line(process)["access_key"] == "a\nb\u2028"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0_and_frees_the_port(place: Path, number: int) -> None:
    port = free_port()
    for _ in range(2):
        with serving("--as", f"tuya:{port}") as process:
            line(process)
            assert ended(process, number) == (0, "")


def test_a_second_signal_ends_it_at_once(place: Path) -> None:
    script = place / "faults.toml"
    script.write_text('[[fault]]\nkind = "delay"\ndelay = 600\n')
    with serving("--as", "tuya", "--faults", script) as process:
        url = httpx.URL(line(process)["url"])
        with httpx.Client(trust_env=False, timeout=None) as client:
            call = _begun(client, url)
            process.send_signal(signal.SIGTERM)
            _refused(url)
            assert ended(process)[0] == -signal.SIGTERM
            call.close()


def _begun(client: httpx.Client, url: httpx.URL) -> Any:
    """A call that is at work in the server."""
    import socket

    sock = socket.create_connection((url.host, url.port or 0), timeout=PATIENCE)
    sock.sendall(b"GET /?Action=QueryProductList HTTP/1.1\r\nhost: h\r\n\r\n")
    return sock


def _refused(url: httpx.URL) -> None:
    """Wait until nobody listens any more: the first signal was heard."""
    import socket

    while True:
        try:
            socket.create_connection((url.host, url.port or 0), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # it went at this moment
            continue


def test_a_closed_stdout_does_not_end_it(place: Path) -> None:
    port = free_port()
    with serving("--as", f"tuya:{port}") as process:
        assert process.stdout is not None
        process.stdout.close()
        while True:
            try:
                assert httpx.get(f"http://127.0.0.1:{port}", trust_env=False).status_code
                break
            except httpx.ConnectError:
                assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_reach_is_warned_of(place: Path, host: str) -> None:
    with serving("--as", "tuya", "--host", host) as process:
        line(process)
        code, err = ended(process)
    assert code == 0
    assert err.startswith(f"warning: --host {host}: whoever reaches this computer")


def test_faults_and_quotas_are_at_work(place: Path) -> None:
    script = place / "faults.toml"
    script.write_text('[[fault]]\nkind = "answer"\nstatus = 503\ncall = 1\n')
    with serving("--as", "huawei", "--faults", script, "--quota", "1", "--strict") as process:
        url = line(process)["url"]
        assert httpx.get(url, trust_env=False).status_code == 503
        assert httpx.get(url, trust_env=False).status_code != 503


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Missing option '--as'"),
        (("--as", "nothing"), "no facade is called 'nothing'; installed: "),
        (("--as", "local"), "no facade is called 'local'; installed: "),
        (("--as", "tuya", "--as", "tuya"), "tuya is named twice"),
        (("--as", "tuya:http"), "'tuya:http' is no facade"),
        (("--as", "tuya", "--on", "a", "--on", "b"), "the facades stand over one cloud"),
        (("--as", "tuya", "--on", "nowhere"), "nowhere"),
        (("--as", "tuya", "--quota", "fast"), "give off, documented, or calls per second"),
        (("--as", "tuya", "--faults", "none.toml"), "none.toml: No such file"),
        (("--as", "tuya", "--seed", "x"), "no seed is called 'x'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_exit_code_2(ask: Ask, words: tuple[str, ...], told: str) -> None:
    ran = ask("serve", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert told in ran.err


@pytest.mark.parametrize("given", list(KEYS))
def test_keys_go_together(ask: Ask, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(given, "canary")
    ran = ask("serve", "--as", "tuya")
    assert (ran.code, ran.out) == (2, "")
    assert all(name in ran.err for name in KEYS)
    assert "canary" not in ran.err


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "httptools"])
def test_without_the_extra_the_command_says_how_to_install_it(place: Path, missing: str) -> None:
    (place / f"{missing}.py").write_text(f"raise ModuleNotFoundError('gone', name='{missing}')")
    ran = spawn("serve", "--as", "tuya", env=environment(place))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode() == "error: serving is not installed. Try: pip install 'otabridge[serve]'\n"
    assert spawn("serve", "--help", env=environment(place)).returncode == 0
