"""What becomes of each field of a module or package: one table of rules, and the functions that apply it.

A rule's id is stable: users accept blockers by it. Severities: `info` nothing that anybody notices, `behaviour`
something that devices or operators will notice, `blocker` cannot be, or is dangerous.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import splitext
from typing import Any

from otabridge.migrate.facts import Facts
from otabridge.migrate.fitting import breach, fitted, marked
from otabridge.migrate.model import Fate, FieldChange, File, Kind, Severity
from otabridge.models import Artifact, Module, Package


@dataclass(frozen=True, slots=True)
class Rule:
    """How bad it is, what happens to the field, and why, in words."""

    severity: Severity
    fate: Fate
    words: str


TEXTS: Mapping[Kind, tuple[str, ...]] = {
    "module": ("alias", "description"),
    "package": ("name", "description", "custom_info"),
}
_OF_TEXTS = {
    "absent": Rule("behaviour", "dropped", "the destination has no such field"),
    "length": Rule("behaviour", "transformed", "cut to what the destination takes"),
    "characters": Rule("behaviour", "transformed", "what the destination does not take is replaced or left out"),
    "required": Rule("info", "defaulted", "the destination wants one"),
    "filled": Rule("info", "defaulted", "the destination makes one up where there is none"),
    "unique": Rule("behaviour", "transformed", "another one there has this text, so digits of a digest follow it"),
    "kept": Rule("info", "defaulted", "the source says nothing: what stands at the destination stays"),
    "replaced": Rule("behaviour", "exact", "it stands otherwise at the destination, and is replaced there"),
    "fixed": Rule("blocker", "unsupported", "it stands otherwise at the destination, which cannot change it"),
}
_DATA = "devices may read it, so it is dropped rather than cut"
_NAMES = {
    "length": Rule("blocker", "unsupported", "too long or too short for the destination: name another in the mapping"),
    "characters": Rule("blocker", "unsupported", "has what the destination does not take: name another in the mapping"),
    "mapped": Rule("behaviour", "transformed", "another one, by the mapping"),
    "clash": Rule("blocker", "unsupported", "two of the source fall on one at the destination: map or skip one"),
    "case": Rule("blocker", "unsupported", "the destination has one that differs in upper and lower case alone"),
}
RULES: Mapping[str, Rule] = {
    **{f"{kind}.{name}.{why}": rule for kind in TEXTS for name in TEXTS[kind] for why, rule in _OF_TEXTS.items()},
    **{f"package.custom_info.{why}": Rule("blocker", "dropped", _DATA) for why in ("length", "characters")},
    **{f"{what}.{why}": rule for what in ("module.name", "package.version") for why, rule in _NAMES.items()},
    **{f"product.id.{why}": _NAMES[why] for why in ("length", "characters")},
    "product.missing": Rule("blocker", "unsupported", "the destination has no such product: make it, or map another"),
    "module.name.reserved": Rule("blocker", "unsupported", "means a built-in module at the destination: map another"),
    "module.builtin.mapped": Rule("info", "transformed", "the destination's whole-device module is another one"),
    "module.builtin.absent": Rule("blocker", "unsupported", "the destination has no such built-in module: map one"),
    "module.builtin.texts": Rule("behaviour", "dropped", "a built-in module has no texts of its own"),
    "module.missing": Rule("blocker", "unsupported", "the source has packages of this module, and not the module"),
    "module.created_at.new": Rule("info", "defaulted", "the destination says when it was made there"),
    "package.created_at.new": Rule("info", "defaulted", "the destination says when it was made there"),
    "package.kind.unsupported": Rule("blocker", "unsupported", "the destination has no packages of this kind"),
    "package.kind.untold": Rule("behaviour", "dropped", "the destination does not tell deltas from full packages"),
    "package.kind.differs": Rule("blocker", "unsupported", "it stands at the destination with another kind"),
    "package.source_versions.count": Rule(
        "blocker", "transformed", "too many for the destination: the first ones stay"
    ),
    "package.source_versions.length": Rule("blocker", "transformed", "one is too long for the destination: left out"),
    "package.source_versions.characters": Rule("blocker", "transformed", "one has what is not taken there: left out"),
    "package.source_versions.mapped": Rule("behaviour", "transformed", "renamed as those versions are"),
    "package.source_versions.none": Rule("blocker", "unsupported", "none is left, so any version might be upgraded"),
    "package.source_versions.differs": Rule("blocker", "unsupported", "it stands there for other source versions"),
    "package.status.reset": Rule("behaviour", "defaulted", "the state of verification does not carry over"),
    "package.status.rejected": Rule("blocker", "defaulted", "it was rejected, and could be rolled out over there"),
    "package.verify.absent": Rule("behaviour", "dropped", "the destination verifies no packages"),
    "package.refused": Rule("blocker", "unsupported", "the destination would refuse it"),
    "artifact.none": Rule("blocker", "unsupported", "the destination has no packages without files"),
    "artifact.count": Rule("blocker", "unsupported", "more files than the destination allows in a package"),
    "artifact.size": Rule("blocker", "unsupported", "larger than the destination allows"),
    "artifact.size.unknown": Rule("info", "exact", "the source does not say how large it is: seen when it is fetched"),
    "artifact.empty": Rule("blocker", "unsupported", "the destination keeps no empty file"),
    "artifact.name.suffix": Rule("behaviour", "transformed", "the destination takes files of certain suffixes alone"),
    "artifact.name.characters": Rule("behaviour", "transformed", "the file gets a name that the destination takes"),
    "artifact.name.length": Rule("behaviour", "transformed", "the file gets a name that the destination takes"),
    "artifact.name.clash": Rule("behaviour", "transformed", "two files of the package would have one name"),
    "artifact.name.untold": Rule("info", "dropped", "the destination names files itself"),
    "artifact.digest.computed": Rule("info", "transformed", "computed anew, of the bytes that were checked"),
    "artifact.digest.unknown": Rule("behaviour", "defaulted", "the source tells no digest to check the bytes by"),
    "artifact.digest.incomparable": Rule("info", "exact", "no digest of one kind on both sides: apply compares bytes"),
    "artifact.bytes.absent": Rule("blocker", "unsupported", "the source has no bytes of it, only where they once were"),
    "artifact.bytes.differ": Rule("blocker", "unsupported", "this version stands at the destination with other bytes"),
    "count.modules": Rule("blocker", "unsupported", "more modules than the destination has room for"),
    "count.packages": Rule("blocker", "unsupported", "more packages than the destination has room for"),
    "capability.create_module": Rule("blocker", "unsupported", "modules cannot be made there from here"),
    "capability.create_package": Rule("blocker", "unsupported", "packages cannot be made there from here"),
    "capability.stage_artifact": Rule("blocker", "unsupported", "files cannot be brought there from here"),
    "capability.open_artifact": Rule("blocker", "unsupported", "files cannot be fetched from the source from here"),
}


def change(
    rule: str, name: str, old: Any = None, new: Any = None, *, detail: str = "", fate: Fate | None = None
) -> FieldChange:
    """What a rule says of a field; `fate` where it is another one than usual."""
    found = RULES[rule]
    words = f"{found.words}: {detail}" if detail else found.words
    return FieldChange(
        field=name, fate=fate or found.fate, old=old, new=new, severity=found.severity, rule=rule, words=words
    )


def texts(kind: Kind, row: Module | Package, name: str, facts: Facts) -> Iterator[FieldChange]:
    """What becomes of each text; `name` is what a required one is made of. Nothing is said of what is not there."""
    for word in TEXTS[kind]:
        field, old = f"{kind}.{word}", getattr(row, word) or None
        limit = facts.limits.text.get(field)
        if old is None:
            if limit is not None and limit.required:
                yield change(f"{field}.required", word, None, fitted(name, limit))
            elif field in facts.traits.filled:
                yield change(f"{field}.filled", word)
            continue
        why = breach(old, limit)
        if facts.lacks(field):
            yield change(f"{field}.absent", word, old)
        elif why is None:
            yield FieldChange(field=word, fate="exact", old=old, new=old)
        else:
            new = None if RULES[f"{field}.{why}"].fate == "dropped" else fitted(old, limit)
            yield change(f"{field}.{why}", word, old, new, fate=None if new else "dropped")


def named(field: str, old: str, new: str, facts: Facts, *, seed: str) -> Iterator[FieldChange]:
    """What becomes of a name that identifies: it is never changed but by the mapping; `new` is what that says."""
    word = {"product.id": "product", "module.name": "module", "package.version": "version"}[field]
    limit = facts.limits.text.get(field)
    if why := breach(new, limit):
        rule = limit.breach(new) if limit else ""
        yield change(f"{field}.{why}", word, old, fitted(new, limit, seed=seed), detail=rule or "")
    elif new != old and field != "product.id":
        yield change(f"{field}.mapped", word, old, new)


def sources(row: Package, renamed: Sequence[str], facts: Facts) -> Iterator[FieldChange]:
    """What becomes of kind and source versions; `renamed` are these by the mapping. The last of them has what stays."""
    if row.kind not in facts.limits.kinds:
        yield change("package.kind.unsupported", "kind", row.kind)
    elif row.kind != "full" and facts.lacks("package.kind"):
        yield change("package.kind.untold", "kind", row.kind, row.kind)
    else:
        yield FieldChange(field="kind", fate="exact", old=row.kind, new=row.kind)
    told, word, most = list(row.source_versions), "source_versions", facts.limits.source_versions
    if not told:
        if row.kind == "delta":
            yield change("package.source_versions.none", word, told, told)
        return
    limit, kept = facts.limits.text.get("package.source_versions"), list(dict.fromkeys(renamed))
    bad = {text: why for text in kept if (why := breach(text, limit))}
    left = [text for text in kept if text not in bad]
    if kept != told:
        yield change("package.source_versions.mapped", word, told, kept)
    for text, why in bad.items():
        yield change(f"package.source_versions.{why}", word, told, left, detail=repr(text))
    if most is not None and len(left) > most:
        left = left[:most]
        yield change("package.source_versions.count", word, told, left, detail=f"at most {most}")
    if not left:
        yield change("package.source_versions.none", word, told, left)
    elif left == told:
        yield FieldChange(field=word, fate="exact", old=told, new=left)


def artifacts(row: Package, facts: Facts) -> tuple[tuple[File, ...], list[FieldChange]]:
    """A package's files with their names at the destination, and what becomes of each."""
    limits, found, changes = facts.limits, list[File](), list[FieldChange]()
    if not row.artifacts and not limits.empty_packages:
        changes.append(change("artifact.none", "artifacts", 0))
    if limits.artifacts is not None and len(row.artifacts) > limits.artifacts:
        changes.append(change("artifact.count", "artifacts", len(row.artifacts), limits.artifacts))
    for artifact in row.artifacts:
        target, why = _file_name(artifact, {file.target for file in found}, facts)
        if why:
            changes.append(change(f"artifact.name.{why}", "artifacts", artifact.name, target))
        elif facts.lacks("artifact.name"):
            changes.append(change("artifact.name.untold", "artifact.name", artifact.name))
        changes += _bytes(artifact, facts)
        known = artifact.checksum
        found.append(
            File(
                name=artifact.name,
                target=target,
                size=artifact.size,
                algorithm=known.algorithm if known else None,
                hex=known.hex if known else None,
            )
        )
    return tuple(found), changes


def _file_name(artifact: Artifact, taken: set[str], facts: Facts) -> tuple[str, str]:
    """A file's name at the destination, and why it is another one."""
    suffixes, limit = facts.limits.artifact_suffixes, facts.limits.text.get("artifact.name")
    name, why = artifact.name or "artifact", ""
    known = (each for each in sorted(suffixes, key=len, reverse=True) if name.lower().endswith(each))
    tail = name[len(name) - len(next(known, "")) :] if suffixes else splitext(name)[1]
    if breach(f"a{tail}", limit):
        tail = ""
    stem = name.removesuffix(tail)
    if suffixes and not tail:
        tail, why = ".bin" if ".bin" in suffixes else suffixes[0], "suffix"
    room = None if limit is None or limit.max_length is None else limit.max_length - len(tail)
    inner = replace(limit, max_length=room) if limit else None
    if bad := breach(stem + tail, limit):
        stem, why = fitted(stem, inner, seed=name) or "artifact", why or bad
    if stem + tail in taken:
        stem, why = marked(stem, inner, f"{len(taken)} {name}") or stem, "clash"
    return stem + tail, why


def _bytes(artifact: Artifact, facts: Facts) -> Iterator[FieldChange]:
    limits, size, known = facts.limits, artifact.size, artifact.checksum
    if size is None:
        yield change("artifact.size.unknown", "artifacts", artifact.name)
    elif limits.artifact_size is not None and size > limits.artifact_size:
        yield change(
            "artifact.size", "artifacts", size, detail=f"{artifact.name}, at most {limits.artifact_size} bytes"
        )
    elif size == 0 and not limits.empty_artifacts:
        yield change("artifact.empty", "artifacts", size, detail=artifact.name)
    if known is None:
        yield change("artifact.digest.unknown", "artifacts", artifact.name)
    elif limits.checksums and known.algorithm not in limits.checksums:
        yield change("artifact.digest.computed", "artifacts", known.algorithm, limits.checksums[0])
