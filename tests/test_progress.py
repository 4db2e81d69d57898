"""How far transfers are: told as bytes move, for any backend, and never against the transfer itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otabridge.flow import Flow, Steps, local, send, together
from otabridge.models import Artifact
from otabridge.progress import Meter, Progress, metered
from otabridge.retry import RetryPolicy
from otabridge.transfers import fetched
from otabridge.wire import FileBody, Request
from tests.support.server import DROP, Last, RawServer, reply
from tests.support.wire import Wire

BYTES = bytes(range(256)) * 10_000
MIB = 1 << 20
TWICE = RetryPolicy(attempts=2, base=0.0)
Told = list[tuple[int, int | None]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.bin"
    path.write_bytes(BYTES)
    return path


def put(origin: str, file: Path, *, offset: int = 0, size: int = len(BYTES)) -> Steps[None]:
    body = FileBody(path=file, size=size, offset=offset)
    yield from send(Request(operation="Put", method="PUT", origin=origin, path="/f", auth=False, read=True, file=body))


def ran(wire: Wire, steps: Any, *behaviours: Any, total: int | None = len(BYTES), tell: Progress | None = None) -> Told:
    """What is told of a flow that a server answers so."""
    told: Told = []

    def make(meter: Meter) -> Steps[Any]:
        meter.total = total
        return (yield from steps(server.url))

    with RawServer(*behaviours) as server:
        client = wire.client(server, policy=TWICE)
        client.run(metered(make, tell or (lambda done, whole: told.append((done, whole))), "transfer"))
        wire.bench.close()
    return told


def test_what_is_sent_is_told(wire: Wire, file: Path) -> None:
    told = ran(wire, lambda origin: put(origin, file))
    assert told == [(MIB, len(BYTES)), (2 * MIB, len(BYTES)), (len(BYTES), len(BYTES))]


def test_an_attempt_that_begins_anew_takes_back_what_was_told(wire: Wire, file: Path) -> None:
    told = ran(wire, lambda origin: put(origin, file), DROP, reply())
    assert [done for done, _ in told].count(MIB) == 2
    assert max(done for done, _ in told) == told[-1][0] == len(BYTES)


def test_parts_that_are_sent_together_are_added_up(wire: Wire, file: Path) -> None:
    def parts(origin: str) -> Steps[Any]:
        half = len(BYTES) // 2
        flows = (Flow(put(origin, file, offset=offset, size=half), "put") for offset in (0, half))
        return (yield from together(flows))

    told = ran(wire, parts)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(BYTES), len(BYTES))


def download(folder: Path) -> Any:
    def steps(origin: str) -> Steps[Path]:
        request = Request(operation="Get", origin=origin, path="/f", auth=False)
        return (yield from fetched(request, Artifact(name="a.bin"), folder, nonce="n"))

    return steps


def test_what_comes_in_is_told_and_what_comes_again_is_not_counted_twice(wire: Wire, tmp_path: Path) -> None:
    broken = Last(reply(BYTES[: len(BYTES) // 2], length=len(BYTES)))
    told = ran(wire, download(tmp_path), broken, reply(BYTES), total=None)
    assert 0 in [done for done, _ in told[1:]]
    assert max(done for done, _ in told) == len(BYTES)
    assert told[-1] == (len(BYTES), None)


def test_where_nothing_moves_the_end_is_told(wire: Wire) -> None:
    assert ran(wire, lambda _: local(lambda: None), total=7) == [(7, 7)]


def test_a_callback_that_fails_is_called_once_and_harms_nothing(
    wire: Wire, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def fails(done: int, whole: int | None) -> None:
        calls.append(done)
        raise ValueError("secret words")

    ran(wire, lambda origin: put(origin, file), tell=fails)
    assert calls == [MIB]
    (record,) = [record for record in caplog.records if record.name == "otabridge"]
    assert "ValueError" in record.getMessage()
    assert "secret words" not in record.getMessage()


def test_nobody_is_told_of_what_nobody_asked(wire: Wire, file: Path) -> None:
    sent = []

    def make(meter: Meter) -> Iterator[Any]:
        request = Request(operation="Put", file=FileBody(path=file, size=1))
        sent.append((yield request))

    steps = iter(metered(make, None, "transfer"))  # type: ignore[arg-type]
    assert next(steps).file.watch is None  # type: ignore[union-attr]
    steps.close()
