"""Limits as data: what a cloud allows in each field, and the one place that checks an argument against them.

Fields are named `module.alias`, `package.version`, `object.key` and so on (FIELDS has all). Lengths are in characters.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from otabridge.capabilities import Capability
from otabridge.errors import ValidationError
from otabridge.models import ObjectLocation, PackageDraft, UrlLocation

# A contract argument -> the field whose limit it obeys; a PackageDraft is taken apart by `draft_fields`.
ARGUMENT_FIELDS = {
    "product": "product.id",
    "name": "module.name",
    "module": "module.name",
    "module_id": "module.id",
    "alias": "module.alias",
    "description": "module.description",
    "package_id": "package.id",
    "version": "package.version",
    "device": "device.name",
    "device_id": "device.id",
}
# The operations whose arguments mean fields of their own.
OWN_FIELDS: Mapping[Capability, Mapping[str, str]] = {
    Capability.UPDATE_PACKAGE: ARGUMENT_FIELDS
    | {text: f"package.{text}" for text in ("name", "description", "custom_info")},
}
_HALF_PAIR = re.compile("[\ud800-\udfff]")
FIELDS = (
    *dict.fromkeys(ARGUMENT_FIELDS.values()),
    *("package.name", "package.description", "package.custom_info", "package.source_versions"),
    *("artifact.name", "artifact.checksum", "artifact.url", "object.region", "object.bucket", "object.key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The limit of one text field; `words` say the pattern to a person, `hint` how to mend a breach.

    With `utf16` lengths are counted as Java and MySQL count them: an emoji is two. `absent`: there is no such field.
    """

    max_length: int | None = None
    min_length: int = 1
    pattern: str | None = None
    words: str = ""
    required: bool = False
    hint: str = ""
    utf16: bool = False
    absent: bool = False

    def breach(self, value: str) -> str | None:
        """The rule that `value` breaks, in words, or None."""
        if self.absent:
            return self.words or "this cloud has no such field"
        length = len(value.encode("utf-16-le", "surrogatepass")) // 2 if self.utf16 else len(value)
        if length < self.min_length:
            return f"at least {self.min_length} characters"
        if self.max_length is not None and length > self.max_length:
            return f"at most {self.max_length} characters (this has {length})"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return self.words or f"must match {self.pattern}"
        return None

    def __str__(self) -> str:
        if self.absent:
            return self.words or "absent"
        length = "" if self.max_length is None else f"{self.min_length} to {self.max_length} characters"
        return "; ".join(filter(None, ("required" if self.required else "", length, self.words or self.pattern)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything that a cloud limits. `counts` are known to the server alone: shown and planned with, not checked."""

    text: Mapping[str, Text] = field(default_factory=dict)
    page_size: Mapping[Capability, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    source_versions: int | None = None
    artifacts: int | None = None
    artifact_size: int | None = None
    empty_artifacts: bool = True
    empty_packages: bool = True
    artifact_suffixes: tuple[str, ...] = ()
    checksums: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("full", "delta")

    def check_text(self, name: str, value: str | None) -> None:
        """Raise ValidationError if `value` breaks the limit of the field `name`."""
        if value is not None and _HALF_PAIR.search(value):
            raise broken(name, "text that UTF-8 can hold", value, "it has half of a surrogate pair: decode it rightly")
        limit = self.text.get(name)
        if limit is None:
            return
        if value is None:
            if limit.required:
                raise broken(name, "required", "", limit.hint or f"give {name}")
            return
        rule = limit.breach(value)
        if rule:
            raise broken(name, rule, value, limit.hint or ("leave it out" if limit.absent else "change the value"))

    def check_page_size(self, operation: Capability, limit: int | None) -> None:
        """Raise ValidationError if a page of `limit` rows cannot be asked for."""
        cap = self.page_size.get(operation)
        whole = isinstance(limit, int) and not isinstance(limit, bool)
        if limit is None or (whole and limit >= 1 and (cap is None or limit <= cap)):
            return
        rule = "at least 1" if cap is None else f"1 to {cap}"
        raise broken("page_size", rule, str(limit), "leave it out for the largest page")

    def check_draft(self, draft: PackageDraft, *, skip: str = "") -> None:
        """Raise ValidationError if a package like `draft` cannot be made; the field `skip` is not looked at."""
        self._check_artifacts(draft)
        for name, value in draft_fields(draft):
            if name != skip:
                self.check_text(name, value)
        sources = draft.source_versions
        if self.source_versions is not None and len(sources) > self.source_versions:
            rule = f"at most {self.source_versions} source versions (these are {len(sources)})"
            raise broken("package.source_versions", rule, ", ".join(sources), "name fewer")
        if len(set(sources)) != len(sources):
            raise broken("package.source_versions", "each source version once", ", ".join(sources), "drop the repeats")
        if draft.kind not in self.kinds:
            raise broken("package.kind", f"one of {', '.join(self.kinds)}", draft.kind, "publish the full package")
        if draft.kind == "delta" and not sources:
            raise broken("package.source_versions", "required with kind delta", "", "name the source version")
        if draft.kind == "delta" and draft.version in sources:
            raise broken("package.source_versions", "must differ from the version", draft.version, "name older ones")

    def _check_artifacts(self, draft: PackageDraft) -> None:
        if self.artifacts is not None and len(draft.artifacts) > self.artifacts:
            rule = f"at most {self.artifacts} artifacts (these are {len(draft.artifacts)})"
            raise broken("package.artifacts", rule, "", "pack them into one archive")
        for artifact in draft.artifacts:
            if self.artifact_size is not None and (artifact.size or 0) > self.artifact_size:
                raise broken("artifact.size", f"at most {self.artifact_size} bytes", str(artifact.size), "shrink it")
            if artifact.size == 0 and not self.empty_artifacts:
                raise broken("artifact.size", "at least 1 byte", "0", "this cloud keeps no empty file: leave it out")
            if artifact.checksum and self.checksums and artifact.checksum.algorithm not in self.checksums:
                rule = f"one of {', '.join(self.checksums)}"
                raise broken("artifact.checksum", rule, artifact.checksum.algorithm, "give that digest")
            located = artifact.location.key if isinstance(artifact.location, ObjectLocation) else artifact.name
            if self.artifact_suffixes and not located.lower().endswith(self.artifact_suffixes):
                rule = f"a name that ends in one of {' '.join(self.artifact_suffixes)}"
                raise broken("artifact.name", rule, located, "rename or pack the file")


def draft_fields(draft: PackageDraft) -> Iterator[tuple[str, str | None]]:
    """Every limited text of a draft, as (field, value)."""
    yield "product.id", draft.product
    yield "module.name", draft.module
    yield "package.version", draft.version
    yield from (("package.source_versions", version) for version in draft.source_versions)
    yield "package.name", draft.name
    yield "package.description", draft.description
    yield "package.custom_info", draft.custom_info
    for artifact in draft.artifacts:
        yield "artifact.name", artifact.name
        yield "artifact.checksum", artifact.checksum.hex if artifact.checksum else None
        match artifact.location:
            case UrlLocation(url=url):
                yield "artifact.url", url
            case ObjectLocation(region=region, bucket=bucket, key=key):
                yield "object.region", region
                yield "object.bucket", bucket
                yield "object.key", key


def broken(name: str, rule: str, value: str, mend: str) -> ValidationError:
    """The error for a broken limit: field, rule, the value shortened, and the mend."""
    shown = value if len(value) <= 60 else value[:57] + "..."
    told = f", not {shown!r}" if value else ""
    return ValidationError(f"{name}: {rule}{told}: {mend}", field=name, limit=rule, value=shown)
