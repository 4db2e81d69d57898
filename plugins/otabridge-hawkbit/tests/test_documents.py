"""Each exchange with a real server that is on record, replayed through both drivers: what is sent, read and said."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from otabridge_hawkbit.backend import HawkbitBackend
from recordings import BYTES, RECORDINGS, SETTINGS, URL, Recording

from otabridge import OtaBridgeError
from otabridge._exchange import Exchange as Engine
from otabridge.testing.clock import Clock
from otabridge.testing.groups.recorded import said, told
from tests.support.runner import COLOURS

CASSETTES = Path(__file__).parents[3] / "cassettes" / "hawkbit"


def interactions(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CASSETTES / f"{name}.yaml").read_text("utf-8"))["interactions"]
    return found


def replayed(colour: str, recording: Recording, folder: Path, records: Iterator[dict[str, Any]]) -> Any:
    """What an exchange leads to, or its error, when every request is the recorded one."""

    def answer(request: httpx.Request) -> httpx.Response:
        recording.meanwhile(folder)
        record = next(records)
        asked, response = record["request"], record["response"]
        assert isinstance(request.stream, httpx.SyncByteStream)
        sent = request.method, str(request.url), said(b"".join(request.stream))
        assert sent == (asked["method"], asked["uri"], said(asked["body"]))
        assert request.headers.get("Content-Type") == asked["headers"].get("Content-Type", [None])[0]
        headers = [(field, value) for field, values in response["headers"].items() for value in values]
        body = httpx.ByteStream(response["body"]["string"].encode())
        return httpx.Response(response["status"]["code"], headers=headers, stream=body)

    (folder / "app.bin").write_bytes(BYTES)
    exchange = recording.exchange(URL, folder)
    backend = HawkbitBackend(HawkbitBackend.settings(**SETTINGS), world=Clock().world)
    with closing(COLOURS[colour](Engine(backend), httpx.MockTransport(answer))) as driver:
        try:
            return told(driver, backend, exchange)
        except OtaBridgeError as error:
            return error


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_recorded_request_is_sent_and_its_answer_is_read(name: str, colour: str, tmp_path: Path) -> None:
    recording, left = RECORDINGS[name], iter(interactions(name))
    found, wanted = replayed(colour, recording, tmp_path, left), recording.exchange(URL, tmp_path).result
    if recording.says:
        assert type(found) is wanted
        assert recording.says in str(found)
    else:
        assert (found.read_bytes() if isinstance(found, Path) else found) == wanted
    assert list(left) == []


def test_every_cassette_is_replayed() -> None:
    assert {path.relative_to(CASSETTES).with_suffix("").as_posix() for path in CASSETTES.rglob("*.yaml")} == {
        *RECORDINGS
    }
