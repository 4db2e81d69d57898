"""A migration that is killed at a checkpoint while both clouds misbehave, and gone on with: nothing is lost or doubled.

With OTABRIDGE_TEST_SCALE=full at every checkpoint of every pair, else at a seeded sample of them.
"""

import random
from itertools import product
from pathlib import Path

import pytest

from tests.migrate.crashing import FACADES, KILLED, MADE_UP, yard
from tests.migrate.making import apply, surveyed
from tests.support.scale import FULL

SIDES = (*FACADES, "local")
PAIRS = [*product(SIDES, SIDES), *product(("local", "bazaar"), MADE_UP), ("tuya", "bazaar"), ("bazaar", "huawei")]
NAIVE_PAIRS = [*((name, name) for name in SIDES), ("local", "prompt"), ("bazaar", "bazaar")]
CHECKPOINTS = 71  # of a run without faults: a test below counts them
SAMPLE = 2


def kills(source: str, destination: str, *, of: int = CHECKPOINTS) -> list[int]:
    """The checkpoints at which a pair's runner is killed."""
    chance = random.Random(f"{source} {destination}")
    return [*range(1, of + 1)] if FULL else sorted(chance.sample(range(1, of + 1), SAMPLE))


def test_a_checkpoint_is_at_each_place_where_a_kill_leaves_something_else_behind(tmp_path: Path) -> None:
    seen: list[str] = []
    with yard("local", "local", tmp_path) as place:
        plan = surveyed(place.source, place.destination)
        assert apply(plan, tmp_path / "j", place.source, place.destination, checkpoint=seen.append).code == 0
    assert len(seen) == len({*seen}) == CHECKPOINTS
    module, package = (
        [place.split(f" {kind} ")[0] for place in seen if place.endswith(key)]
        for kind, key in (("module", "/m0"), ("package", "/m0/1.0"))
    )
    ended = ["intended", "created", "before made", "made", "proven", "before done", "done"]
    assert module == ["begun", "read again", "before intended", *ended]
    assert package == ["begun", "read again", "fetched", "before intended", ended[0], "staged", *ended[1:]]


@pytest.mark.parametrize(("source", "destination"), PAIRS)
def test_what_was_killed_at_any_checkpoint_is_gone_on_with_to_the_end(
    source: str, destination: str, tmp_path: Path
) -> None:
    for kill_at in kills(source, destination):
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        colour = ("sync", "async")[kill_at % 2]
        with yard(source, destination, folder, seed=kill_at) as place:
            assert place.run(kill_at=kill_at, colour=colour, in_flight=1 + 3 * (kill_at % 3 > 0)) == (KILLED, 0)
            assert place.resumed(colour=colour) == 0, f"killed at {kill_at}"
            assert place.damage() == {}, f"killed at {kill_at}"
            again = surveyed(place.source, place.destination)
            assert (again.empty, {*again.counted()}) == (True, {"adopt"}), f"killed at {kill_at}"


@pytest.mark.parametrize(("source", "destination"), PAIRS if FULL else NAIVE_PAIRS)
def test_a_naive_copier_fails_at_this(source: str, destination: str, tmp_path: Path) -> None:
    damaged = []
    for kill_at in kills(source, destination, of=10) if FULL else (6, 10):
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        with yard(source, destination, folder, seed=kill_at, packages=4) as place:
            assert place.run(kill_at=kill_at, naive=True) == (KILLED, 0)
            place.run(naive=True, seed=kill_at + 1)
            damaged.append(place.damage())
    assert any(damaged)
    if destination in MADE_UP:
        assert any("duplicated" in found for found in damaged)
