"""A server that is killed while packages are published: a clear error, and a repeat that completes."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clients import COLOURS, Clouds, Used
from hawkbit_server import Hawkbit
from passage import Passage, Passing
from players import Operator

from otabridge import ConflictError, OtaBridgeError, OutcomeUnknownError
from tests.support.world import FakeWorld

# When the server is killed: the request at which it happens, and how much of it, or of its answer, has come.
MOMENTS = {
    "before the creation is answered": ("POST /rest/v1/softwaremodules ", 0, 1),
    "before the upload": ("POST .../artifacts?", 1, 0),
    "during the upload": ("POST .../artifacts?", 1 << 20, 0),
    "before the upload is answered": ("POST .../artifacts?", 0, 1),
    "before the notes": ("POST .../metadata ", 1, 0),
}
CASES = [(colour, moment) for colour in COLOURS for moment in MOMENTS]
NOTES: dict[str, Any] = {"source_versions": ("1.0",), "custom_info": "é😀"}
PATIENCE = 60


@dataclass(frozen=True)
class Killed:
    """What a killed server left: the product of all, whose versions are the cases, the file, and the errors."""

    operator: Operator
    file: Path
    errors: dict[str, OtaBridgeError]

    def words(self, case: str) -> dict[str, Any]:
        return {"product": self.operator.prefix, "module": "mcu", "version": case, **NOTES}

    def rows(self, case: str) -> list[dict[str, Any]]:
        query = f"type=={self.operator.prefix}.mcu;version=='{case}'"
        found: list[dict[str, Any]] = self.operator.get("/softwaremodules", q=query)["content"]
        return found


def at_moment(passing: Passing, moment: str) -> bool:
    start, up, down = MOMENTS[moment]
    first, _, last = start.partition("...")
    there = passing.line.startswith(first) and last in passing.line
    return there and passing.up >= max(up, 1) and passing.down >= down


@pytest.fixture(scope="module")
def killed(lasting_hawkbit: Hawkbit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """Every case publishes at the same time; when each has come to its moment, the server is killed, and started."""
    server = lasting_hawkbit.server
    assert server is not None
    file = tmp_path_factory.mktemp("kill") / "app.bin"
    file.write_bytes(bytes(range(256)) * (1 << 14))
    everybody = threading.Barrier(len(CASES), action=server.kill, timeout=PATIENCE)

    with Operator(lasting_hawkbit) as operator:
        operator.type(f"{operator.prefix}.mcu")
        told = Killed(operator, file, {})

        def publish(case: tuple[str, str]) -> None:
            colour, moment = case

            def cut(passing: Passing) -> bool:
                if not at_moment(passing, moment):
                    return False
                everybody.wait()
                return True

            clouds = Clouds(colour)
            with ExitStack() as stack:
                stack.callback(clouds.close)
                passage = stack.enter_context(Passage(lasting_hawkbit, cut))
                world = FakeWorld().world
                used = clouds.of(lasting_hawkbit, endpoint=passage.url, product_mode="prefix", world=world)
                try:
                    used.packages.publish(file, **told.words("-".join(case)))
                except OtaBridgeError as error:
                    told.errors["-".join(case)] = error

        with ThreadPoolExecutor(len(CASES)) as hands:
            list(hands.map(publish, CASES))
        server.start()
        yield told
        assert operator.tidy() == []


@pytest.fixture(params=["-".join(case) for case in CASES])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def used(case: str, lasting_hawkbit: Hawkbit) -> Iterator[Used]:
    """Another client of the case's colour, which has no passage to go through."""
    clouds = Clouds(case.split("-")[0])
    yield clouds.of(lasting_hawkbit, product_mode="prefix")
    clouds.close()


def test_a_publication_that_a_kill_broke_off_is_a_clear_error(killed: Killed, case: str) -> None:
    error = killed.errors[case]
    assert isinstance(error, OutcomeUnknownError)
    assert "look before repeating it" in str(error)


def test_what_was_begun_is_there_once_and_what_it_has_is_whole(killed: Killed, case: str) -> None:
    (row,) = killed.rows(case)
    files = killed.operator.get(f"/softwaremodules/{row['id']}/artifacts")
    assert {file["size"] for file in files} <= {killed.file.stat().st_size}


def test_a_repeat_completes_it_and_doubles_nothing(killed: Killed, case: str, used: Used) -> None:
    (before,) = killed.rows(case)
    made = used.packages.publish(killed.file, **killed.words(case))
    (after,) = killed.rows(case)
    assert str(before["id"]) == str(after["id"]) == made.id
    (file,) = killed.operator.get(f"/softwaremodules/{made.id}/artifacts")
    assert file["hashes"]["sha256"] == hashlib.sha256(killed.file.read_bytes()).hexdigest()
    notes = killed.operator.get(f"/softwaremodules/{made.id}/metadata")["content"]
    assert sorted(note["key"] for note in notes) == ["otabridge.custom_info", "otabridge.source_versions"]
    assert used.packages.get(made.id).custom_info == NOTES["custom_info"]
    with pytest.raises(ConflictError, match="the same"):
        used.packages.publish(killed.file, **killed.words(case))
