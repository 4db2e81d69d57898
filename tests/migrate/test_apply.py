"""Applying a plan: what is done about each item, what is left alone, and when a run ends early."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from otabridge import (
    AuthenticationError,
    ConfigurationError,
    OtaBridgeError,
    OutcomeUnknownError,
    QuotaExceededError,
    ServerError,
    connect,
    migrate,
)
from otabridge.migrate.course import Choices, Course, Ended
from otabridge.migrate.journal import ItemState, Journal
from otabridge.migrate.model import FieldChange, File, Item, MigrationPlan
from otabridge.migrate.runner import begun, outcome
from otabridge.settings import HttpSettings
from tests.migrate.conftest import Move
from tests.migrate.making import (
    PRODUCT,
    faults_of,
    modules_of,
    package_item,
    packages_of,
    published,
    surveyed,
)

FIRST = "package p1/m0/1.0"


def one(move: Move, key: str = FIRST, **more: Any) -> Item:
    """One item of the plan that creates everything."""
    item = next(item for item in move.plan().items if item.key == key)
    return replace(item, **more)


def breaking(
    monkeypatch: pytest.MonkeyPatch, operation: str, error: OtaBridgeError, *, after: bool = False, times: int = 99
) -> list[str]:
    """Let an operation of local stores fail, before or after it was done; the list grows with each call."""
    from otabridge.local import packages

    before, calls = getattr(packages.PackageStore, operation), count(1)
    made: list[str] = []

    def broken(self: Any, *args: Any, **more: Any) -> Any:
        made.append(operation)
        fails = next(calls) <= times
        if fails and not after:
            raise error
        result = before(self, *args, **more)
        if fails:
            raise error
        return result

    monkeypatch.setattr(packages.PackageStore, operation, broken)
    return made


# --- what is done -----------------------------------------------------------------------------------------------------


def test_everything_is_created_and_proven(move: Move) -> None:
    result = move.apply(move.plan())
    assert (result.code, result.counts, result.created) == (0, {"done": 6}, 6)
    assert faults_of(move.source, move.destination, move.folder / "seen") == {}
    assert all(state.ours and state.id and state.attempts == 1 for state in move.states().values())
    assert sorted(move.told) == sorted(item.key for item in move.plan().items)


def test_the_journal_knows_the_digests_of_what_went_through(move: Move) -> None:
    move.apply(move.plan())
    (artifact,) = move.source.packages.get(str(one(move).source["id"])).artifacts
    (found,) = move.state(FIRST).digests
    assert (found.size, found.checksum("sha256")) == (artifact.size, artifact.checksum)


def test_applied_again_it_does_nothing(move: Move) -> None:
    plan = move.plan()
    move.apply(plan)
    again = move.apply(plan, checkpoint=lambda place: None)
    assert (again.code, again.done, again.created) == (0, 0, 0)


def test_the_source_stays_as_it_is(move: Move) -> None:
    def source() -> object:
        return [*move.source.modules.list()], [*move.source.packages.list()]

    before = source()
    move.apply(move.plan())
    assert source() == before


def test_no_file_stays_behind(move: Move) -> None:
    move.apply(move.plan())
    assert {path.name for path in move.folder.iterdir()} == {
        *("source", "destination", "files", "journal", "journal.lock")
    }


def test_a_package_of_several_files_keeps_their_names_and_order(move: Move) -> None:
    runner, backend = move.source._runner, move.source._backend
    paths = [move.folder / "files" / name for name in ("m0-1.0.bin", "m0-1.1.bin", "m0-1.0.bin")]
    staged = [runner.run(backend.stage_artifact(path=path, filename=f"{n}.bin")) for n, path in enumerate(paths)]
    made = move.source.packages.create(product=PRODUCT, module="m0", version="3", artifacts=staged)
    assert move.apply(move.plan([package_item(made), one(move, "module p1/m0")])).code == 0
    (found,) = move.destination.packages.list(version="3")
    assert [file.name for file in found.artifacts] == ["0.bin", "1.bin", "2.bin"]
    assert [file.checksum for file in found.artifacts] == [file.checksum for file in staged]


def test_names_and_texts_are_those_of_the_plan(move: Move) -> None:
    module, package = one(move, "module p1/m0"), one(move)
    module = replace(module, target={**module.target, "name": "other", "alias": "Another"})
    package = replace(package, target={**package.target, "module": "other", "version": "9", "product": PRODUCT})
    assert move.apply(move.plan([module, package])).code == 0
    assert modules_of(move.destination) == {"other": ("Another", "The module 0")}
    assert {*packages_of(move.destination, move.folder / "seen")} == {("other", "9")}


# --- what is there already --------------------------------------------------------------------------------------------


def test_an_equal_one_that_came_meanwhile_is_taken_and_is_not_ours(move: Move) -> None:
    move.destination.modules.create("m0", product=PRODUCT, alias="Alias-0", description="The module 0")
    published(move.destination, move.folder / "files", "m0", "1.0")
    assert move.apply(move.plan()).code == 0
    assert [move.state(key).ours for key in ("module p1/m0", FIRST, "module p1/m1")] == [False, False, True]
    assert faults_of(move.source, move.destination, move.folder / "seen") == {}


@pytest.mark.parametrize("meanwhile", ["other bytes", "other texts"])
def test_another_one_that_came_meanwhile_is_a_conflict_and_stays_as_it_is(move: Move, meanwhile: str) -> None:
    plan = move.plan()
    content = b"other" if meanwhile == "other bytes" else None
    move.destination.modules.create("m0", product=PRODUCT, alias="Alias-0", description="The module 0")
    theirs = published(move.destination, move.folder / "files", "m0", "1.0", content)
    if content is None:
        theirs = move.destination.packages.update(theirs.id, description="mine")
    result = move.apply(plan)
    assert (result.code, result.counts) == (3, {"done": 5, "conflict": 1})
    assert ("artifacts" if content else "description") in move.state(FIRST).words
    assert move.destination.packages.get(theirs.id) == theirs


def test_a_module_in_the_way_keeps_its_packages_waiting(move: Move) -> None:
    move.destination.modules.create("m0", product=PRODUCT, alias="Mine")
    result = move.apply(move.plan())
    assert (result.code, result.counts) == (3, {"done": 3, "conflict": 1, "planned": 2})
    assert move.state(FIRST).words == "it waits for module p1/m0, which is not done"
    move.destination.modules.update("m0", product=PRODUCT, alias="Alias-0", description="The module 0")
    assert move.apply().code == 0


def adopting(move: Move, *, of: str = "sha256", content: bytes | None = None) -> tuple[MigrationPlan, str]:
    """A plan to adopt a package that stands there, of which the plan knows a digest of this algorithm."""
    move.destination.modules.create("m0", product=PRODUCT)
    theirs = published(move.destination, move.folder / "files", "m0", "1.0", content)
    (file,) = one(move).files
    digest = file.hex if of == "sha256" else "0" * 32
    files = (File(name=file.name, target=file.target, size=file.size, algorithm=of, hex=digest),)
    return move.plan([one(move, action="adopt", existing=theirs.id, files=files)]), theirs.id


@pytest.mark.parametrize("of", ["sha256", "md5"])
def test_what_is_adopted_is_looked_at_and_proven(move: Move, of: str) -> None:
    plan, known = adopting(move, of=of)
    assert move.apply(plan).code == 0
    state = move.state(FIRST)
    assert (state.state, state.id, state.ours, len(state.digests)) == ("done", known, False, int(of == "md5"))


@pytest.mark.parametrize("of", ["sha256", "md5"])
def test_what_is_not_equal_is_not_adopted(move: Move, of: str) -> None:
    content = Path(move.folder / "files" / "m0-1.0.bin").read_bytes()
    plan, _ = adopting(move, of=of, content=content[::-1])
    assert move.apply(plan).code == 3
    assert "artifacts" in move.state(FIRST).words


def test_bytes_are_compared_where_the_destination_tells_no_digest(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = adopting(move, of="md5")
    monkeypatch.setattr("otabridge.migrate.items.proof", lambda *_: None)
    assert move.apply(plan).code == 0
    assert len(move.state(FIRST).digests) == 1


def test_what_was_to_be_adopted_and_is_gone_is_a_conflict(move: Move) -> None:
    plan, known = adopting(move)
    move.destination.packages.delete(known)
    assert move.apply(plan).code == 3
    assert "gone" in move.state(FIRST).words


def test_an_update_changes_the_texts_that_differ_alone(move: Move) -> None:
    move.destination.modules.create("m0", product=PRODUCT, alias="Old", description="The module 0")
    theirs = published(move.destination, move.folder / "files", "m0", "1.0")
    move.destination.packages.update(theirs.id, description="old")
    items = [
        one(move, "module p1/m0", action="update", existing="m0", fields=(replaced("module.alias", "Old"),)),
        one(move, action="update", existing=theirs.id, fields=(replaced("package.description", "old"),)),
    ]
    assert move.apply(move.plan(items)).code == 0
    assert modules_of(move.destination) == {"m0": ("Alias-0", "The module 0")}
    assert move.destination.packages.get(theirs.id).description == "What is new in 1.0"
    assert [state.ours for state in move.states().values()] == [False, False]


def replaced(field: str, old: str | None) -> FieldChange:
    """What a plan says of a text that an update will replace."""
    return FieldChange(
        field=field.partition(".")[2], fate="exact", old=old, severity="behaviour", rule=f"{field}.replaced"
    )


@pytest.mark.parametrize("edited", ["alias", "description"])
def test_an_update_leaves_a_text_that_was_edited_since_it_was_planned(move: Move, edited: str) -> None:
    move.destination.modules.create("m0", product=PRODUCT, alias="Old", description="The module 0")
    plan = surveyed(move.source, move.destination)
    move.destination.modules.update("m0", product=PRODUCT, **{edited: "theirs"})
    assert move.apply(plan).code == 3
    state = move.state("module p1/m0")
    assert (state.state, f"{edited} was edited at the destination" in state.words) == ("conflict", True)
    assert "theirs" in modules_of(move.destination)["m0"]


def test_an_update_never_touches_other_bytes(move: Move) -> None:
    move.destination.modules.create("m0", product=PRODUCT)
    theirs = published(move.destination, move.folder / "files", "m0", "1.0", b"other")
    assert move.apply(move.plan([one(move, action="update", existing=theirs.id)])).code == 3
    assert move.destination.packages.get(theirs.id) == theirs


# --- the source -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edit", ["text", "bytes", "gone", "module"])
def test_what_was_changed_at_the_source_is_drifted_and_nothing_is_written(move: Move, edit: str) -> None:
    plan = move.plan()
    package = str(one(move).source["id"])
    match edit:
        case "text":
            move.source.packages.update(package, description="newer")
        case "module":
            move.source.modules.update("m0", product=PRODUCT, alias="newer")
        case _:
            move.source.packages.delete(package)
    if edit == "bytes":
        published(move.source, move.folder / "files", "m0", "1.0", b"newer")
    assert move.apply(plan).code == 3
    key = "module p1/m0" if edit == "module" else FIRST
    assert (move.state(key).state, move.state(key).attempts) == ("drifted", 0)
    assert ("m0", "1.0") not in packages_of(move.destination, move.folder / "seen")


def test_what_is_back_as_it_was_is_gone_on_with(move: Move) -> None:
    plan = move.plan()
    move.source.modules.update("m0", product=PRODUCT, alias="newer")
    assert move.apply(plan).code == 3
    move.source.modules.update("m0", product=PRODUCT, alias="Alias-0")
    assert move.apply(plan).code == 0


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_looked_for_and_the_work_is_ours(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, "create_package", OutcomeUnknownError("lost"), after=True)
    assert move.apply(move.plan()).code == 0
    assert move.state(FIRST).ours
    assert faults_of(move.source, move.destination, move.folder / "seen") == {}


def test_what_fails_is_tried_again_in_the_same_run(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, "create_package", ServerError("not now"), times=3)
    assert move.apply(move.plan()).code == 0
    assert max(state.attempts for state in move.states().values()) > 1


@pytest.mark.parametrize(
    ("error", "code", "calls"), [(ServerError("no"), 4, 16), (QuotaExceededError("all are used"), 5, 4)]
)
def test_what_goes_on_failing_is_in_the_journal_and_the_rest_is_done(
    move: Move, monkeypatch: pytest.MonkeyPatch, error: OtaBridgeError, code: int, calls: int
) -> None:
    made = breaking(monkeypatch, "create_package", error)
    result = move.apply(move.plan())
    assert (result.code, result.counts, len(made)) == (code, {"done": 2, "failed": 4}, calls)
    assert (move.state(FIRST).error, move.state(FIRST).words) == (type(error).__name__, str(error))
    monkeypatch.undo()
    assert move.apply().code == 0


def test_refused_credentials_end_the_run(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    made = breaking(monkeypatch, "create_package", AuthenticationError("the key was revoked"))
    result = move.apply(move.plan(), choices=Choices(in_flight=1))
    assert (result.code, result.stopped) == (8, "credentials")
    assert "the key was revoked" in result.words
    assert len(made) == 4
    monkeypatch.undo()
    assert move.apply().code == 0


def test_with_fail_fast_the_first_failure_ends_the_run(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, "create_package", QuotaExceededError("all are used"))
    result = move.apply(move.plan(), choices=Choices(in_flight=1, keep_going=False))
    assert (result.code, result.stopped, result.counts) == (5, "failure", {"done": 2, "failed": 1, "planned": 3})


def test_what_reads_otherwise_than_it_was_written_is_never_done(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, "create_package", OutcomeUnknownError("lost"), after=True)
    plan = move.plan([one(move, "module p1/m0"), one(move)])

    def spoil(place: str) -> None:
        if place == f"failed {FIRST}":
            (made,) = move.destination.packages.list()
            move.destination.packages.update(made.id, description="spoilt")

    result = move.apply(plan, checkpoint=spoil)
    assert (result.code, result.counts) == (3, {"done": 1, "conflict": 1})
    assert "description" in move.state(FIRST).words


# --- ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "created"),
    [
        (Choices(max_creates=3), 3),
        (Choices(max_creates=0), 0),
        (Choices(stop_after=1), 1),
        (Choices(stop_after=2), 2),
        (Choices(stop_seconds=0.0), 0),
    ],
)
def test_a_budget_ends_the_run_and_the_next_one_goes_on(move: Move, choices: Choices, created: int) -> None:
    plan = move.plan()
    result = move.apply(plan, choices=choices)
    assert (result.code, result.stopped, result.created) == (7, "budget", created)
    there = len([*move.destination.modules.list()]) + len([*move.destination.packages.list()])
    assert there == created
    assert move.apply(plan).code == 0


def test_what_has_begun_within_a_budget_of_items_is_brought_to_its_end(move: Move) -> None:
    with begun(move.journal, move.plan()) as journal:
        course = Course(journal, move.destination._backend, lambda place: None, Choices(stop_after=1))
        assert [course.may_begin(), course.may_begin()] == [True, False]
        course.may_create()
        course.may_go_on()
        assert course.stopped == "budget"


def test_a_failure_lets_nothing_more_be_written(move: Move) -> None:
    with begun(move.journal, move.plan()) as journal:
        course = Course(journal, move.destination._backend, lambda place: None, Choices())
        course.stop("budget", "enough")
        course.stop("failure", "m0")
        for ask in (course.may_go_on, course.may_create):
            with pytest.raises(Ended):
                ask()


def test_a_budget_that_is_enough_is_no_reason_to_stop(move: Move) -> None:
    assert move.apply(move.plan(), choices=Choices(max_creates=6, stop_after=6, stop_seconds=3600.0)).code == 0


def test_skipped_items_and_conflicts_of_the_plan_are_left_alone(move: Move) -> None:
    items = [one(move, "module p1/m0"), one(move, action="skip"), one(move, "module p1/m1", action="conflict")]
    result = move.apply(move.plan(items))
    assert (result.code, result.counts) == (3, {"done": 1, "skipped": 1, "conflict": 1})


def test_accepted_losses_are_told_by_the_code(move: Move) -> None:
    loss = FieldChange(field="kind", fate="unsupported", severity="blocker", rule="package.kind.unsupported")
    items = [one(move, "module p1/m0"), one(move, action="unsupported", fields=(loss,))]
    with pytest.raises(ConfigurationError, match=r"blockers in 1 item \(package.kind.unsupported\)"):
        move.apply(move.plan(items))
    assert not move.journal.exists()
    result = move.apply(move.plan(items, accepted=("package.kind.unsupported",)))
    assert (result.code, result.counts) == (6, {"done": 1, "skipped": 1})


def test_a_plan_of_another_version_is_refused(move: Move) -> None:
    with pytest.raises(ConfigurationError, match=r"made by otabridge 9\.9"):
        move.apply(move.plan(otabridge="9.9"))
    assert not move.journal.exists()


def test_a_journal_of_another_version_is_refused_too(move: Move) -> None:
    old = move.plan(otabridge="9.9")
    Journal.create(move.journal, old).close()
    for plan in (old, None):
        with pytest.raises(ConfigurationError, match=r"made by otabridge 9\.9"):
            move.apply(plan)
    assert {state.state for state in move.states().values()} == {"planned"}


@pytest.mark.parametrize("side", ["source", "destination"])
def test_another_place_than_the_plan_was_made_for_is_refused(move: Move, side: str, tmp_path: Path) -> None:
    plan = surveyed(move.source, move.destination)
    with connect(f"local:{tmp_path / 'elsewhere'}") as other:
        sides = {"source": move.source, "destination": move.destination, side: other}
        told = f"the plan's {side} is local:.* at another endpoint, account or folder"
        with pytest.raises(ConfigurationError, match=told):
            migrate.apply(plan, sides["source"], sides["destination"], journal=move.journal)
        assert [*other.modules.list(product=PRODUCT)] == []


def test_a_cloud_that_was_renamed_is_the_same(move: Move) -> None:
    plan = surveyed(move.source, move.destination)
    other = replace(plan, destination=replace(plan.destination, cloud="renamed"))
    assert (plan.destination.place != "", move.apply(other).code) == (True, 0)


def test_a_cloud_on_loopback_is_the_same_on_another_port_and_one_elsewhere_is_not() -> None:
    ports = ("http://127.0.0.1:1", "http://localhost:2", "http://[::1]:3")
    assert len({HttpSettings(endpoint=endpoint).place for endpoint in ports}) == 1
    hosts = ("https://iot.example:1", "https://iot.example:2", "http://127.0.0.1:1")
    assert len({HttpSettings(endpoint=endpoint).place for endpoint in hosts}) == 3


def test_clients_of_other_clouds_are_refused(move: Move) -> None:
    plan = move.plan()
    with pytest.raises(ConfigurationError, match="the plan's destination is elsewhere, of the backend other"):
        move.apply(replace(plan, destination=replace(plan.destination, cloud="elsewhere", backend="other")))


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ({}, 0),
        ({"done": 2}, 0),
        ({"done": 1, "planned": 1}, 4),
        ({"failed": 1, "conflict": 1}, 4),
        ({"drifted": 1}, 3),
        ({"undone": 1, "skipped": 1}, 0),
    ],
)
def test_a_journal_at_rest_has_a_code(make_move: Callable[..., Move], states: dict[Any, int], code: int) -> None:
    move = make_move(modules=1, packages=0)
    found = [ItemState(state=state) for state, times in states.items() for _ in range(times)]
    assert outcome(move.plan(), {str(number): state for number, state in enumerate(found)}).code == code
