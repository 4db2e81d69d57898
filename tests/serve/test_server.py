"""Starting and stopping: ports, names, keys, what is wrong at the start, and what is left at the end."""

import logging
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from otabridge import ConfigurationError, OtaBridgeError
from otabridge.registry import Registry
from otabridge.serve import Fault, listening, running
from otabridge.serve.serving import facade_ports
from tests.serve.raw import ASK, answer, connected, rest
from tests.serve.toy import CREATE, ask, hold, make, register, toy
from tests.support.server import free_port


def test_a_server_says_where_it_is_and_how_it_is_asked() -> None:
    with toy("toy2") as server:
        assert list(server.urls) == ["toy", "toy2"]
        assert server.url == server.urls["toy"] != server.urls["toy2"]
        assert server.url.startswith("http://127.0.0.1:")
        assert not server.url.endswith("/")
        assert (len(server.access_key), len(server.secret_key)) == (20, 40)
        assert server.hints == {"toy": {}, "toy2": {}}
        assert [httpx.get(f"{url}/Echo", trust_env=False).status_code for url in server.urls.values()] == [200, 200]
        assert list(server.record.calls) == ["toy", "toy2"]


def test_two_servers_have_keys_of_their_own() -> None:
    with toy() as one, toy() as two:
        assert one.secret_key != two.secret_key
        assert one.url != two.url


def test_no_secret_is_in_what_is_printed_of_a_server() -> None:
    with toy(access_key="AK", secret_key="canary-secret") as server:
        assert (server.access_key, server.secret_key) == ("AK", "canary-secret")
        assert "canary" not in f"{server!r} {server.serving!r}"


def test_the_cloud_behind_is_one_for_all_facades_and_for_the_client() -> None:
    with toy("toy2") as server:
        make(server, "a")
        for url in server.urls.values():
            assert httpx.get(f"{url}/ListModules?product=p", trust_env=False).json()["rows"] == ["a"]


def test_what_is_written_to_a_folder_is_there_after_a_restart(tmp_path: Path) -> None:
    on = f"local:{tmp_path / 'depot'}"
    with toy(on=on) as server:
        ask(server, "CreateModule", product="p", name="m")
    with toy(on=on) as server:
        assert ask(server, product="p").json()["rows"] == ["m"]


def test_a_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    port = free_port()
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch:
            register(patch)
            with running(f"toy:{port}") as server:
                assert server.url == f"http://127.0.0.1:{port}"
                assert ask(server, "Echo").status_code == 200


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")])
def test_another_address_can_be_listened_on(host: str, shown: str) -> None:
    with toy(host=host) as server:
        assert server.url.startswith(f"http://{shown}:")
        assert ask(server, "Echo").status_code == 200


# --- what is wrong at the start ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a", "b", "a"], "a is named twice"),
        (["a:1", "a:2"], "a is named twice"),
        (["a:"], "'a:' is no facade"),
        ([":80"], "':80' is no facade"),
        (["a:b"], "'a:b' is no facade"),
        (["a:65536"], "a port from 0 to 65535"),
        (["a:-1"], "is no facade"),
        (["a:99999999999999999999"], "is no facade"),
        ([""], "is no facade"),
        ([], "no facade is named; installed: "),
    ],
)
def test_names_and_ports_that_are_none_are_refused(names: list[str], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        facade_ports(names)
    assert told in str(caught.value)


def test_names_and_ports_are_read() -> None:
    assert facade_ports(["a", "b:0", "c:8080"]) == {"a": 0, "b": 0, "c": 8080}


def test_an_unknown_facade_is_told_with_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "facades", lambda self: ["one", "two"])
    with pytest.raises(ConfigurationError, match="no facade is called 'none'; installed: one, two"), running("none"):
        pass


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"access_key": "AK"}, "go together"),
        ({"secret_key": "SK"}, "go together"),
        ({"seed": "forest"}, "no seed is called 'forest'; there are: demo"),
        ({"quota": "slow"}, "give off, documented"),
        ({"faults": "no-such-file.toml"}, "No such file"),
        ({"on": "nowhere"}, "nowhere"),
        ({"host": "192.0.2.1"}, "toy cannot listen on 192.0.2.1"),
    ],
)
def test_what_is_wrong_at_the_start_is_raised_where_it_was_asked_for(settings: dict[str, Any], told: str) -> None:
    before = threading.enumerate()
    with pytest.raises(OtaBridgeError, match=told), toy(**settings):
        pass
    assert threading.enumerate() == before


def test_a_port_that_is_taken_is_told_and_the_others_are_let_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as patch:
        register(patch)
        taken, free = listener.getsockname()[1], free_port()
        with (
            pytest.raises(ConfigurationError, match=f"toy2 cannot listen on 127.0.0.1 port {taken} .*name another"),
            running(f"toy:{free}", f"toy2:{taken}"),
        ):
            pass
        with socket.create_server(("127.0.0.1", free)):
            pass


# --- the end ----------------------------------------------------------------------------------------------------------


def test_nothing_is_left_at_the_end() -> None:
    before = threading.enumerate()
    with toy() as server:
        make(server, "a")
        with connected(server) as idle:
            idle.sendall(ASK)
            answer(idle)
            server.stop()
            assert rest(idle) == b""
    assert threading.enumerate() == before
    with pytest.raises(httpx.ConnectError):
        ask(server)
    with pytest.raises(OtaBridgeError):
        server.cloud.modules.list().first_page()


def test_a_call_at_work_is_finished_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, go_on = hold(monkeypatch)
    with toy() as server, connected(server) as sock:
        sock.sendall(CREATE)
        assert at_work.wait(20)
        server.stop()
        go_on.set()
        status, _, body = answer(sock)
    assert (status, body) == (200, b'"m"')


def test_a_call_that_is_at_work_for_too_long_loses_its_connection_and_is_told_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "GRACE", 0.05)
    at_work, go_on = hold(monkeypatch)
    with toy() as server, connected(server) as sock:
        sock.sendall(CREATE)
        assert at_work.wait(20)
        server.stop()
        assert rest(sock) == b""
        go_on.set()


def test_stopping_twice_and_from_another_thread_is_harmless() -> None:
    with toy() as server:
        threads = [threading.Thread(target=server.stop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    server.stop()


def test_half_a_request_does_not_hold_up_the_end() -> None:
    with toy() as server, connected(server) as sock:
        sock.sendall(ASK + b"POST /Echo HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nabc")
        answer(sock)
        server.stop()
        assert b" 408 " in rest(sock)


def test_an_error_in_the_block_is_the_one_that_is_raised() -> None:
    with pytest.raises(KeyError, match="mine"), toy():
        raise KeyError("mine")


def test_serving_says_nothing_by_itself(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with toy(faults=[Fault(kind="drop", call=2), Fault(kind="truncate", call=3)]) as server:
        ask(server)
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                ask(server)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert [record for record in caplog.records if record.name not in ("httpx", "asyncio")] == []
