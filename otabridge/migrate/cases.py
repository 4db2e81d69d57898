"""One module or package of the source on its way to an item of the plan: its target, and what stands there already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from otabridge.capabilities import Capability
from otabridge.migrate.facts import Facts
from otabridge.migrate.fitting import marked
from otabridge.migrate.looking import differences, fingerprint, proof
from otabridge.migrate.mapping import NameMap
from otabridge.migrate.model import Action, FieldChange, File, Item, Kind, item_key
from otabridge.migrate.rules import TEXTS, artifacts, change, named, sources, texts
from otabridge.models import Artifact, Checksum, Module, Package, PackageDraft

Key = tuple[str, ...]
_NEEDED: Mapping[Kind, tuple[Capability, ...]] = {
    "module": (Capability.CREATE_MODULE,),
    "package": (Capability.CREATE_PACKAGE, Capability.STAGE_ARTIFACT),
}
_KEYS = ("product", "module", "version")
_UPDATES = {"module": Capability.UPDATE_MODULE, "package": Capability.UPDATE_PACKAGE}


@dataclass(slots=True, kw_only=True)
class Case:
    """What is known so far. `place` is the module's case of a package; `action` is open until it is decided."""

    kind: Kind
    key: str
    row: Module | Package
    target: dict[str, Any]
    changes: list[FieldChange] = field(default_factory=list)
    files: tuple[File, ...] = ()
    place: "Case | None" = None
    action: Action | None = None
    existing: str | None = None
    words: str = ""

    def decide(self, action: Action, *changes: FieldChange, words: str = "") -> None:
        """What is to be done with it, and why."""
        self.action, self.words = action, words or self.words or (changes[0].words if changes else "")
        self.changes += changes

    def item(self) -> Item:
        """The item of the plan. Nothing is done with what is adopted, so that nothing about it can block."""
        row, action = self.row, self.action or "create"
        names = ("product", "name") if isinstance(row, Module) else ("product", "module", "version", "id")
        told = tuple(self.changes)
        if action in ("adopt", "skip"):
            told = tuple(replace(each, severity="behaviour") if each.severity == "blocker" else each for each in told)
        return Item(
            key=self.key,
            kind=self.kind,
            action=action,
            source={name: getattr(row, name) for name in names},
            target=self.target,
            files=self.files,
            fields=told,
            fingerprint=fingerprint(row),
            existing=self.existing,
            words=self.words,
        )


def module_case(row: Module, names: NameMap, facts: Facts, product: str | None) -> Case:
    """A module of the source, and its name at the destination; `product` is its product's there, None to leave out."""
    case = Case(kind="module", key=item_key("module", row.product, row.name), row=row, target={})
    mapped = names.of(row.product, row.name)
    name = mapped or row.name
    if row.name.startswith("@") and not mapped:
        name = facts.builtin(row.name) or row.name
    case.target = {"product": product or row.product, "name": name, **dict.fromkeys(TEXTS["module"])}
    if product is None or mapped is False:
        case.decide("skip", words="left out by the mapping")
        return case
    case.changes += named("product.id", row.product, product, facts, seed=product)
    reserved = {spelled: builtin for builtin, spelled in facts.builtins.items() if spelled}
    if name.startswith("@"):
        if name not in facts.builtins:
            case.changes.append(change("module.builtin.absent", "module", row.name, detail=name))
        elif name != row.name:
            case.changes.append(change("module.builtin.mapped", "module", row.name, name))
        lost = (change("module.builtin.texts", word, old) for word in TEXTS["module"] if (old := getattr(row, word)))
        case.changes += () if row.name.startswith("@") else lost
        return case
    if folded((product, name), facts)[1] in reserved:
        other = marked(name, facts.limits.text.get("module.name"), case.key)
        case.changes.append(change("module.name.reserved", "module", row.name, other, detail=name))
    case.changes += named("module.name", row.name, name, facts, seed=case.key)
    told = list(texts("module", row, name, facts))
    case.target |= {each.field: each.new for each in told}
    case.changes += told
    if row.created_at:
        case.changes.append(change("module.created_at.new", "created_at", row.created_at.isoformat()))
    return case


def package_case(row: Package, place: Case, names: NameMap, facts: Facts, *, verify: bool) -> Case:
    """A package of the source, in the place of its module."""
    case = Case(kind="package", key=item_key("package", row.product, row.module, row.version), row=row, target={})
    case.place = place
    path = (row.product, row.module)
    mapped = names.of(*path, row.version)
    case.target = {"product": place.target["product"], "module": place.target["name"], "version": mapped or row.version}
    if place.action == "skip" or mapped is False:
        case.decide("skip", words="left out by the mapping")
        return case
    case.changes += named("package.version", row.version, mapped or row.version, facts, seed=case.key)
    renamed = [names.of(*path, version) or version for version in row.source_versions]
    restricted = list(sources(row, renamed, facts))
    told = list(texts("package", row, f"{case.target['module']}_{case.target['version']}", facts))
    case.files, moved = artifacts(row, facts)
    case.changes += [*restricted, *told, *moved, *_states(row, facts, verify=verify)]
    left = [each.new for each in restricted if each.field == "source_versions"]
    case.target |= {
        "kind": row.kind,
        "source_versions": left[-1] if left else [],
        **dict.fromkeys(TEXTS["package"]),
        **{each.field: each.new for each in told},
        "verify": verify and facts.traits.verifies,
    }
    return case


def judge(case: Case, there: Sequence[Module | Package], source: Facts, facts: Facts, *, update: bool) -> None:
    """Decide what is to be done, by what stands at the destination in its place."""
    place = case.place
    if place and place.action in ("conflict", "unsupported"):
        why = (each for each in place.changes if each.severity == "blocker")
        case.decide(place.action, *(replace(each, field="module") for each in why), words=f"its module: {place.words}")
    elif stops := [each for each in case.changes if each.fate == "unsupported" and each.field in _KEYS]:
        case.decide("unsupported", words=stops[0].words)
    elif case.kind == "module" and case.target["name"].startswith("@"):
        case.decide("adopt", words="built in at the destination")
        case.existing = case.target["name"]
    elif there:
        _compare(case, there, facts, update=update)
    else:
        lacking = [need for need in _NEEDED[case.kind] if not facts.can(need)]
        if case.kind == "package" and not source.can(Capability.OPEN_ARTIFACT):
            lacking.append(Capability.OPEN_ARTIFACT)
        case.changes += (
            change(f"capability.{need.value}", case.kind, detail=_note(need, source, facts)) for need in lacking
        )
        if isinstance(case.row, Package):
            gone = [file.name for file in case.row.artifacts if not source.has_bytes(file)]
            case.changes += (change("artifact.bytes.absent", "artifacts", name) for name in gone)
        stops = [each for each in case.changes if each.fate == "unsupported"]
        if not stops and (refused := _refusal(case, facts)):
            stops = [change("package.refused", "package", detail=refused)]
            case.changes += stops
        case.decide("unsupported" if stops else "create", words=stops[0].words if stops else "")


def folded(key: Key, facts: Facts) -> Key:
    """The key of a module, or of a package, which begins with its module's, as the destination compares keys."""
    ignored = [kind in facts.traits.ignore_case for kind in ("product", "module", "package")]
    return tuple(part.casefold() if fold else part for part, fold in zip(key, ignored, strict=False))


def _compare(case: Case, there: Sequence[Module | Package], facts: Facts, *, update: bool) -> None:
    own = case.target["name" if case.kind == "module" else "version"]
    same = [row for row in there if _name(row) == own]
    if not same:
        rule, word = ("module.name", "module") if case.kind == "module" else ("package.version", "version")
        case.decide("conflict", change(f"{rule}.case", word, own, _name(there[0])))
        return
    provisional = replace(case.item(), fields=tuple(case.changes))
    found = [(differences(provisional, row, facts.limits, untold=facts.traits.untold), row) for row in same]
    other, row = min(found, key=lambda each: ("artifacts" in each[0], len(each[0])))
    case.existing = row.name if isinstance(row, Module) else row.id
    silent = [word for word in TEXTS[case.kind] if not getattr(case.row, word) and case.target[word] is None]
    kept = ((word, text) for word in silent if (text := getattr(row, word)))
    case.changes += (change(f"{case.kind}.{word}.kept", word, None, text) for word, text in kept)
    if isinstance(row, Package) and (hard := [name for name in other if name not in TEXTS["package"]]):
        case.decide("conflict", *(_differs(name, case, row) for name in hard))
    elif other:
        _texts_differ(case, row, other, facts, update=update)
    else:
        unproven = isinstance(row, Package) and case.files and proof(case.files, row) is None
        told = [change("artifact.digest.incomparable", "artifacts")] if unproven else []
        case.decide("adopt", *told, words="there already, and equal" + (" as far as can be told" if unproven else ""))


def _texts_differ(case: Case, row: Module | Package, other: Iterable[str], facts: Facts, *, update: bool) -> None:
    fields = {name: f"{case.kind}.{name}" for name in other}
    fixed = [name for name in fields if fields[name] in facts.traits.fixed or not facts.can(_UPDATES[case.kind])]
    if fixed:
        told = (change(f"{fields[name]}.fixed", name, getattr(row, name), case.target[name]) for name in fixed)
        case.decide("conflict", *told)
        return
    if update:
        old = ((name, getattr(row, name) or None) for name in fields)
        case.changes += (change(f"{fields[name]}.replaced", name, text, case.target[name]) for name, text in old)
    case.decide("update" if update else "skip", words=f"differs there in {', '.join(fields)}")


def _differs(name: str, case: Case, row: Package) -> FieldChange:
    if name != "artifacts":
        new = getattr(row, name)
        return change(f"package.{name}.differs", name, case.target[name], [*new] if isinstance(new, tuple) else new)
    here = [_shown(file.name, file.size, file.algorithm, file.hex) for file in case.files]
    sums = [(file, file.checksum) for file in row.artifacts]
    there = [_shown(file.name, file.size, *((known.algorithm, known.hex) if known else ())) for file, known in sums]
    return change("artifact.bytes.differ", name, here, there)


def _shown(*told: object) -> str:
    return " ".join(str(each) for each in told if each is not None)


def _name(row: Module | Package) -> str:
    return row.name if isinstance(row, Module) else row.version


def _note(need: Capability, source: Facts, facts: Facts) -> str:
    side = source if need is Capability.OPEN_ARTIFACT else facts
    return side.capabilities[need].note if need in side.capabilities else ""


def _states(row: Package, facts: Facts, *, verify: bool) -> Iterable[FieldChange]:
    state = "unverified" if verify and facts.traits.verifies else "ready"
    if row.status not in (state, "unknown"):
        bad = row.status == "rejected" and state == "ready"
        yield change(f"package.status.{'rejected' if bad else 'reset'}", "status", row.status, state)
    if verify and not facts.traits.verifies:
        yield change("package.verify.absent", "verify", True, False)
    if row.created_at:
        yield change("package.created_at.new", "created_at", row.created_at.isoformat())


def _refusal(case: Case, facts: Facts) -> str | None:
    """What the destination's own check says of the package, which knows more than its tables."""
    if case.kind == "module":
        return None
    target = {**case.target, "source_versions": tuple(case.target["source_versions"])}
    files = []
    for file in case.files:
        usable = file.hex and (not facts.limits.checksums or file.algorithm in facts.limits.checksums)
        known = Checksum(algorithm=file.algorithm, hex=file.hex) if usable else None  # type: ignore[arg-type]
        files.append(Artifact(name=file.target, size=file.size, checksum=known))
    return facts.refusal(PackageDraft(**target, artifacts=tuple(files)))
