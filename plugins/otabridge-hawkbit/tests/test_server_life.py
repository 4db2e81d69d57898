"""The server of the tests itself: built once, its secrets kept, ended and started again; and what stands in for it."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import hawkbit_server
import httpx
import pytest
from hawkbit_server import VARIABLE, Broken, Hawkbit, Server, Unavailable, built, foreign, lasting, lent
from players import HANDS, Operator

DATA = b"firmware" * 1000


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv(f"{VARIABLE}_CACHE", str(tmp_path / "cache"))
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    """A program of a few lines."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


# --- building ---------------------------------------------------------------------------------------------------------


def test_the_server_is_built_once(tools: Path, tmp_path: Path) -> None:
    tool(tools, "java", "exit 1")
    tool(
        tools, "mvn", f"echo x >>{tmp_path}/builds; read line <pom.xml; /bin/mkdir target; echo jar >target/server.jar"
    )
    assert built() == built()
    assert (built().read_text(), (tmp_path / "builds").read_text()) == ("jar\n", "x\n")
    assert [path.name for path in built().parent.iterdir()] == [built().name]


def test_a_build_that_fails_tells_why_and_leaves_nothing(tools: Path, tmp_path: Path) -> None:
    tool(tools, "java", "exit 1")
    tool(tools, "mvn", "echo no such parent; exit 1")
    with pytest.raises(Unavailable, match="no such parent"):
        built()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("missing", ["java", "mvn"])
def test_where_a_tool_is_missing_tests_are_skipped_with_the_reason(
    tools: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    tool(tools, {"java": "mvn", "mvn": "java"}[missing], "exit 1")
    with pytest.raises(pytest.skip.Exception, match=f"needs {missing}"):
        lent(lambda: Server().start().site)


def test_where_it_is_required_nothing_is_skipped(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "required")
    with pytest.raises(Unavailable, match="needs java"):
        lent(lambda: Server().start().site)


# --- a server elsewhere -----------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hawkbit | None]:
    """What the environment says when it names a server."""
    for name, value in (("URL", "http://h:1/"), ("USERNAME", "u"), ("PASSWORD", "secret-1"), ("GATEWAY_TOKEN", "")):
        monkeypatch.setenv(f"{VARIABLE}_{name}", value)
    return foreign()


def test_the_environment_names_a_server_that_is_not_ours(elsewhere: Hawkbit) -> None:
    assert elsewhere == Hawkbit(url="http://h:1", username="u", password="secret-1")
    assert elsewhere.server is None


def test_a_server_elsewhere_is_not_killed(elsewhere: Hawkbit) -> None:
    with pytest.raises(pytest.skip.Exception, match="not ours to kill"):
        lasting()


def test_without_a_token_no_device_is_played(elsewhere: Hawkbit) -> None:
    with pytest.raises(pytest.skip.Exception, match="GATEWAY_TOKEN"):
        elsewhere.device_client()


# --- a server of ours -------------------------------------------------------------------------------------------------


def test_secrets_are_in_no_log_and_no_list_of_processes(own_server: Server, hawkbit: Hawkbit) -> None:
    process = own_server._process
    assert process is not None
    shown = f"{hawkbit!r} {process.args} {own_server.log.read_text()}"
    assert "admin" in shown
    assert hawkbit.password not in shown
    assert hawkbit.gateway_token not in shown


def test_a_server_that_dies_shows_its_log(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hawkbit_server, "JVM", ("-XX:NoSuchFlag",))
    with pytest.raises(Broken, match=r"(?s)ended with 1.*NoSuchFlag"):
        Server().start()


def test_a_flood_is_refused_without_a_word(lasting_hawkbit: Hawkbit) -> None:
    answers: list[httpx.Response] = []

    def flood() -> None:
        with lasting_hawkbit.client() as client:
            while not any(answer.status_code == 429 for answer in answers):
                answers.append(client.get("/softwaremoduletypes"))

    threads = [threading.Thread(target=flood) for _ in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.content, "retry-after" in refused.headers) == (b"", False)
    assert {answer.status_code for answer in answers} == {200, 429}


@pytest.fixture(scope="module")
def survivor(lasting_hawkbit: Hawkbit) -> Iterator[tuple[Operator, str, str]]:
    """Who saw the server killed in an upload and started again: with the paths of the files from before and then."""
    server = lasting_hawkbit.server
    assert server is not None
    with Operator(lasting_hawkbit) as operator:
        key = operator.type()["key"]
        before, during = (operator.module(key, version)["id"] for version in "12")
        kept = operator.upload(before, DATA).json()["id"]

        def body() -> Iterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="app.bin"\r\n\r\n' + DATA
            server.kill()
            yield from (bytes(1 << 16) for _ in range(256))

        headers = {"content-type": "multipart/form-data; boundary=b"}
        with pytest.raises(httpx.TransportError):
            operator.http.post(f"/softwaremodules/{during}/artifacts", content=body(), headers=headers)
        server.start()
        assert server.site == lasting_hawkbit
        yield operator, f"/softwaremodules/{before}/artifacts/{kept}/download", f"/softwaremodules/{during}/artifacts"
        assert operator.tidy() == []


def test_what_was_answered_outlives_a_kill(survivor: tuple[Operator, str, str]) -> None:
    operator, kept, _ = survivor
    assert operator.ask("GET", kept).content == DATA


def test_an_upload_that_a_kill_broke_off_left_nothing(survivor: tuple[Operator, str, str]) -> None:
    operator, _, broken_off = survivor
    assert operator.get(broken_off) == []
