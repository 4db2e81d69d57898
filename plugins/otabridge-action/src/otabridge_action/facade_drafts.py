"""From the parameters of a new package to a draft of it, each refused in the vendors' own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from otabridge.facade import Call
from otabridge.objects import Stored
from otabridge.plugin import DEFAULT, Artifact, Checksum, Limits, PackageDraft, UrlLocation
from otabridge_action.facade_base import boolean, whole
from otabridge_action.facade_codes import no
from otabridge_action.facade_objects import PREFIX
from otabridge_action.facade_reading import Parsed
from otabridge_action.schema_names import RESERVED, files
from otabridge_action.tables import FILE_NAME

_DIGITS = {"md5": 32, "sha256": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One file as a client names it; `key` is that of its object, `promised` what the client says of the object."""

    name: str
    url: str
    key: str
    size: int | None
    digest: str | None
    algorithm: Literal["md5", "sha256"]

    def artifact(self, *, name: str = "") -> Artifact:
        """The file as far as the client describes it."""
        checksum = Checksum(algorithm=self.algorithm, hex=self.digest) if self.digest else None
        return Artifact(name=name or self.name, size=self.size, checksum=checksum, location=UrlLocation(url=self.url))

    def check(self, stored: Stored) -> None:
        """Refuse a file that is not what the client says of it."""
        if not stored.size:
            raise no("file empty")
        if self.size not in (None, stored.size):
            raise no("file size", stored.size)
        if self.digest and self.digest.lower() != getattr(stored, self.algorithm):
            raise no("file digest", self.algorithm.upper())


def drafted(asked: Parsed, named: tuple[Named, ...], limits: Limits) -> PackageDraft:
    """The package that is asked for, within the limits of the cloud. Its artifacts are as the client describes them."""
    words = asked.words
    module = words.get("module") or RESERVED
    kind = {"0": "full", "1": "delta"}.get(words.get("kind", "0"))
    if kind is None:
        raise no("package type")
    source = words.get("source_versions") or None
    if kind == "delta" and source is None:
        raise no("source missing")
    if kind == "delta" and source == words["version"]:
        raise no("source same")
    draft = PackageDraft(
        product=words["product"],
        module=DEFAULT if module == RESERVED else module,
        version=words["version"],
        kind="delta" if kind == "delta" else "full",
        source_versions=(source,) if source else (),
        name=words["name"],
        description=words.get("description"),
        custom_info=words.get("custom_info"),
        # The suffix that counts is the object's.
        artifacts=tuple(file.artifact(name=file.key.rpartition("/")[2]) for file in named),
        verify=boolean(words.get("verify", "true")),
    )
    limits.check_draft(draft, skip="module.name" if module == RESERVED else "")
    return draft


def named_files(call: Call, asked: Parsed, limits: Limits) -> tuple[Named, ...]:
    """The files of a new package: several by number where the cloud has that, else one."""
    algorithm = (asked.words.get("algorithm") or "md5").lower()
    if algorithm not in _DIGITS or algorithm not in limits.checksums:
        raise no("file algorithm", ", ".join(limits.checksums))
    several = files(asked.pairs) if limits.artifacts != 1 else []
    if not several:
        words = asked.words
        alone = {"url": words.get("url", ""), "size": words.get("bytes", ""), "digest": words.get("digest", "")}
        return (_named(call, alone, algorithm),)
    if len({file.get("name") for file in several}) < len(several):
        raise no("file name taken")
    for file in several:
        if rule := FILE_NAME.breach(file.get("name", "")):
            raise no("file name", rule)
    return tuple(_named(call, file, algorithm) for file in several)


def _named(call: Call, file: Mapping[str, str], algorithm: str) -> Named:
    url, size = file.get("url", ""), file.get("size", "")
    digest = file.get("digest") or file.get("twin") or ""
    if not url:
        raise no("file missing")
    if size and not whole(size):
        raise no("file size no number")
    if digest and len(digest) != _DIGITS[algorithm]:
        raise no("file digest length", algorithm.upper(), _DIGITS[algorithm])
    key = _key(call, url)
    return Named(
        name=file.get("name") or key.rpartition("/")[2],
        url=url,
        key=key,
        size=whole(size) or None,
        digest=digest or None,
        algorithm="sha256" if algorithm == "sha256" else "md5",
    )


def _key(call: Call, url: str) -> str:
    """The key of the object at a URL that this server gave out for an upload."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise no("file nowhere")
    key = unquote(parts.path[1:])
    if f"{parts.scheme}://{parts.netloc}" != call.origin or not key.startswith(PREFIX):
        raise no("file elsewhere")
    return key
