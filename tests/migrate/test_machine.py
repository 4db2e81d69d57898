"""Any order of planning, applying, undoing, kills and edits on both sides, against a model of what may stand where."""

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from otabridge import connect
from otabridge.migrate.course import Choices
from otabridge.migrate.facts import facts_of
from otabridge.migrate.journal import Journal
from otabridge.migrate.model import MigrationPlan
from otabridge.migrate.runner import Outcome
from otabridge.migrate.steps import Run
from otabridge.migrate.undoing import undone
from tests.migrate.making import PRODUCT, apply, published, surveyed
from tests.support.scale import scaled

Key = tuple[str, str]
KEYS = st.tuples(st.sampled_from(["m0", "m1"]), st.sampled_from(["1", "2", "3"]))
CONTENTS = st.sampled_from([b"one", b"two"])
DIGESTS = {sha256(content).hexdigest(): content for content in (b"one", b"two")}
TEXTS = st.sampled_from(["old", "new"])


class Killed(BaseException):
    """What a process does not live to handle."""


class Migrating(RuleBasedStateMachine):
    """Bytes by key: of the source and, at the destination, of what its own people put there, `theirs`."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="migrating-"))
        self.source, self.destination = connect("memory:"), connect("memory:")
        self.here: dict[Key, bytes] = {}
        self.theirs: dict[Key, bytes] = {}
        self.carried: dict[Key, set[bytes]] = {}  # what any plan's source had, so what an apply may have made
        self.texts: dict[str, str | None] = {}  # of what was reworded at the destination, what it said before
        self.plan: MigrationPlan | None = None
        self.snapshot: dict[Key, bytes] = {}
        self.edited = False
        self.journals = 0
        (self.folder / "files").mkdir()
        for module in ("m0", "m1"):
            self.source.modules.create(module, product=PRODUCT)

    def teardown(self) -> None:
        self.source.close()
        self.destination.close()
        shutil.rmtree(self.folder)

    # --- edits ------------------------------------------------------------------------------------------------------

    @rule(key=KEYS, content=CONTENTS)
    def publish(self, key: Key, content: bytes) -> None:
        self.withdraw(key)
        published(self.source, self.folder / "files", *key, content)
        self.here[key] = content
        self.edited = True

    @rule(key=KEYS)
    def withdraw(self, key: Key) -> None:
        for row in self.source.packages.list(module=key[0], version=key[1]):
            self.source.packages.delete(row.id)
            self.edited = True
        self.here.pop(key, None)

    @rule(key=KEYS, text=TEXTS)
    def reword(self, key: Key, text: str) -> None:
        for row in self.source.packages.list(module=key[0], version=key[1]):
            self.source.packages.update(row.id, description=text)
            self.edited = True

    @rule(key=KEYS, content=CONTENTS)
    def publish_there(self, key: Key, content: bytes) -> None:
        if key in self._there():
            return
        if key[0] not in {row.name for row in self.destination.modules.list()}:
            self.destination.modules.create(key[0], product=PRODUCT)
        published(self.destination, self.folder / "files", *key, content)
        self.theirs[key] = content
        self.edited = True

    @rule(key=KEYS)
    def withdraw_there(self, key: Key) -> None:
        for row in self.destination.packages.list(module=key[0], version=key[1]):
            self.destination.packages.delete(row.id)
            self.edited = True
        self.theirs.pop(key, None)

    @rule(key=KEYS, text=TEXTS)
    def reword_there(self, key: Key, text: str) -> None:
        for row in self.destination.packages.list(module=key[0], version=key[1]):
            before = self.texts.setdefault(row.id, row.description)
            self.destination.packages.update(row.id, description=text)
            if before == text:
                del self.texts[row.id]
            self.edited = True

    # --- migrating --------------------------------------------------------------------------------------------------

    @rule()
    def survey(self) -> None:
        plan = surveyed(self.source, self.destination)
        # What stands in the way stays there, whatever is accepted.
        self.plan = plan.accepting(rule for item in plan.items for rule in item.rules("blocker"))
        self.snapshot = dict(self.here)
        for key, content in self.here.items():
            self.carried.setdefault(key, set()).add(content)
        self.edited = False
        self.journals += 1

    @precondition(lambda self: self.plan)
    @rule(kill_at=st.integers(1, 60), in_flight=st.sampled_from([1, 3]))
    def apply_and_die(self, kill_at: int, in_flight: int) -> None:
        reached = 0

        def checkpoint(place: str) -> None:
            nonlocal reached
            reached += 1
            if reached == kill_at:
                raise Killed

        try:
            self._applied(checkpoint=checkpoint, choices=Choices(in_flight=in_flight))
        except Killed:
            return

    @precondition(lambda self: self.plan)
    @rule()
    def apply_to_the_end(self) -> None:
        before = self._there()
        outcome = self._applied()
        assert outcome.code in (0, 3)
        there = self._there()
        with Journal.open(self._journal()) as journal:
            done = {key for key, state in journal.states().items() if state.state == "done"}
        assert {*before.items()} <= {*there.items()}
        if self.edited:
            return
        for key, content in self.snapshot.items():
            if f"package {PRODUCT}/{key[0]}/{key[1]}" in done:
                assert there[key] == content
        again = surveyed(self.source, self.destination)
        assert again.empty
        assert again.counted().get("conflict", 0) == outcome.counts.get("conflict", 0)

    @precondition(lambda self: self.plan and self._journal().exists())
    @rule()
    def undo(self) -> None:
        before = {row.id for row in self.destination.packages.list()}
        with Journal.open(self._journal(), own=True) as journal:
            told = Run(None, self.destination).run(undone(journal, facts_of(self.destination)))
            states = journal.states()
        assert told.failed == {}
        left = {row.id for row in self.destination.packages.list()}
        assert before - left <= {states[key].id for key in told.removed}
        assert {*self.texts} & before <= left
        assert left & {states[key].id for key in told.removed if key.startswith("package")} == set()
        assert {states[key].state for key in told.removed} <= {"undone"}
        self.edited = True

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_source_is_as_its_people_left_it(self) -> None:
        assert self._of("source") == self.here

    @invariant()
    def the_destination_has_what_its_people_put_there_and_copies(self) -> None:
        there = self._there()
        assert {*self.theirs.items()} <= {*there.items()}
        for key in {*there} - {*self.theirs}:
            assert there[key] in self.carried[key]

    def _applied(self, **more: object) -> Outcome:
        assert self.plan
        return apply(self.plan, self._journal(), self.source, self.destination, **more)

    def _journal(self) -> Path:
        return self.folder / f"journal-{self.journals}"

    def _there(self) -> dict[Key, bytes]:
        return self._of("destination")

    def _of(self, side: str) -> dict[Key, bytes]:
        """Bytes by key; the store tells their digests, which it took itself."""
        rows = [*getattr(self, side).packages.list()]
        assert len({(row.module, row.version) for row in rows}) == len(rows)
        return {(row.module, row.version): DIGESTS[row.artifacts[0].checksum.hex] for row in rows}


TestMigrating = Migrating.TestCase
TestMigrating.settings = settings(scaled(40, 1000), stateful_step_count=20)
