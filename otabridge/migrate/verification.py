"""Verifying: whether what a plan or a journal promises stands at the destination. Reads, and writes nothing.

The source is not needed: it may be gone by then. What was added to it since is what another plan would show.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from otabridge.errors import AuthenticationError, ConfigurationError, IntegrityError, NotFoundError, OtaBridgeError
from otabridge.files import Digests, discarded
from otabridge.flow import Flow, Steps, local, together
from otabridge.migrate.carrying import fetched
from otabridge.migrate.codes import Code
from otabridge.migrate.facts import Facts
from otabridge.migrate.inventory import IN_FLIGHT, Found, everything, whole
from otabridge.migrate.journal import ItemState
from otabridge.migrate.looking import differences, proof
from otabridge.migrate.model import Item, Kind
from otabridge.migrate.record import Record
from otabridge.models import Artifact, Module, Package

Level = Literal["meta", "hash", "bytes"]
LEVELS: tuple[Level, ...] = get_args(Level)
Verdict = Literal["equal", "different", "missing", "unproven", "left out"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_LEFT = ("skip", "unsupported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one item; `fields` are those that differ, and `words` say why it is not just equal."""

    key: str
    kind: Kind
    verdict: Verdict
    fields: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found of every item, and the exit code that this amounts to."""

    level: Level
    findings: tuple[Finding, ...]
    code: Code

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many items there are of each verdict."""
        return Counter(finding.verdict for finding in self.findings)


def verified(record: Record, facts: Facts, *, level: Level) -> Steps[Verification]:
    """Look at everything that should stand at the destination. Run it with a destination alone."""
    if level not in LEVELS:
        raise ConfigurationError(f"no level is called {level!r}: there are {', '.join(LEVELS)}")
    plan = record.plan
    asked = [item for item in plan.items if not _left(item, record)]
    products = sorted({item.target["product"] for item in asked})
    there = yield from everything("destination", products)
    there = yield from _whole(asked, there)
    with TemporaryDirectory(prefix="otabridge-verify-") as scratch:
        look = partial(_looked, there=there, facts=facts, record=record, level=level)
        flows = [
            Flow(look(item, folder=Path(scratch) / str(number)), item.key) for number, item in enumerate(plan.items)
        ]
        findings = (yield from together(flows, in_flight=IN_FLIGHT)) if flows else []
    bad = {finding.verdict for finding in findings} & {"different", "missing", "unproven"}
    code = Code.DIFFERENT if bad else Code.LOSSES if record.losses() else Code.DONE
    return Verification(level=level, findings=tuple(findings), code=code)


def _left(item: Item, record: Record) -> bool:
    return item.action in _LEFT or record.state(item).state == "undone"


def _whole(asked: Sequence[Item], there: Found) -> Steps[Found]:
    """What stands there, of which the packages that are asked for are told wholly."""
    wanted = {_key(item) for item in asked}
    rows = [row for row in there.packages if (row.product, row.module, row.version) in wanted]
    return Found(there.modules, (yield from whole("destination", rows)), there.missing)


def _looked(item: Item, *, there: Found, facts: Facts, record: Record, level: Level, folder: Path) -> Steps[Finding]:
    state = record.state(item)
    finding = Finding(key=item.key, kind=item.kind, verdict="equal")
    if _left(item, record):
        words = "undone since" if state.state == "undone" else item.words
        return replace(finding, verdict="left out", words=words)
    if item.kind == "module" and item.target["name"] in facts.builtins:
        return finding  # not every cloud lists what is built in
    rows: Sequence[Module | Package] = there.modules if item.kind == "module" else there.packages
    found = [row for row in rows if _place(row) == _key(item)]
    if not found:
        words = "" if state.state == "done" or record.states is None else f"it is {state.state}: {state.words}"
        return replace(finding, verdict="missing", words=words.removesuffix(": "))
    if len(found) > 1:
        return replace(finding, verdict="different", words=f"{len(found)} of this version stand there")
    (row,) = found
    digests = () if level == "meta" else state.digests
    wanted = item
    if level == "meta":
        wanted = replace(item, files=tuple(replace(file, algorithm=None, hex=None) for file in item.files))
    other = differences(wanted, row, facts.limits, digests, untold=facts.traits.untold)
    if other:
        return replace(finding, verdict="different", fields=other, words=f"differs in {', '.join(other)}")
    if level == "meta" or isinstance(row, Module):
        return finding
    if level == "bytes":
        return (yield from _proven_by_bytes(finding, item, row, state, folder))
    if proof(item.files, row, digests) is None:
        return replace(finding, verdict="unproven", words="no digest can be compared: verify by bytes")
    return finding


def _proven_by_bytes(finding: Finding, item: Item, row: Package, state: ItemState, folder: Path) -> Steps[Finding]:
    try:
        files = yield from fetched("destination", row, folder)
    except (IntegrityError, NotFoundError) as error:
        return replace(finding, verdict="different", fields=("artifacts",), words=str(error))
    except AuthenticationError:
        raise
    except OtaBridgeError as error:
        return replace(finding, verdict="unproven", words=f"its files could not be fetched: {error}")
    yield from local(lambda: discarded(path for path, _ in files))
    told = zip(row.artifacts, (found for _, found in files), strict=True)
    verdict = proof(item.files, replace(row, artifacts=tuple(_told(item, *each) for each in told)), state.digests)
    if verdict is None:
        words = "neither the plan nor the journal has a digest: plan again while the source is there"
        return replace(finding, verdict="unproven", words=words)
    if verdict is False:
        return replace(finding, verdict="different", fields=("artifacts",), words="it has other bytes")
    return finding


def _told(item: Item, artifact: Artifact, found: Digests) -> Artifact:
    """The artifact with what its bytes were found to be, in the algorithm of the plan."""
    algorithm = next((file.algorithm for file in item.files if file.algorithm), "sha256")
    return replace(artifact, size=found.size, checksum=found.checksum(algorithm))


def _place(row: Module | Package) -> tuple[str, ...]:
    return (row.product, row.name) if isinstance(row, Module) else (row.product, row.module, row.version)


def _key(item: Item) -> tuple[str, ...]:
    words = ("product", "name") if item.kind == "module" else ("product", "module", "version")
    return tuple(item.target[word] for word in words)
