"""What does not carry over between two clouds, from the declarations of both: the tables of docs/migrating.md.

Modules and packages that use all that a source allows are judged by the planner itself, with no cloud behind it.

    python docs/losses.py             write them
    python docs/losses.py --check     fail if they are stale
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import otabridge
from otabridge.migrate.cases import Case, judge, module_case, package_case
from otabridge.migrate.facts import Facts, facts_of
from otabridge.migrate.fitting import breach, fitted
from otabridge.migrate.mapping import NameMap
from otabridge.migrate.model import FieldChange, Severity
from otabridge.migrate.rules import RULES, TEXTS, change
from otabridge.migrate.telling import SEVERITIES
from otabridge.models import Artifact, Checksum, LocalLocation, Module, Package

PAGE = Path(__file__).parent / "migrating.md"
MARKED = re.compile(r"<!-- losses: (.*?) -->\n.*?<!-- end of losses -->", re.DOTALL)
# Settings to connect with; nothing is ever sent.
CLOUDS = {
    "local": {"path": None},
    "huawei": {
        "region": "cn-north-4",
        "project_id": "0" * 32,
        "access_key": "X" * 20,
        "secret_key": "X" * 40,
        "bucket": "b-1",
    },
    "tuya": {"endpoint": "https://ota.example.com", "access_key_id": "X" * 20, "access_key_secret": "X" * 30},
    "aliyun": {"region": "cn-shanghai", "access_key_id": "X" * 20, "access_key_secret": "X" * 30},
    "hawkbit": {"endpoint": "https://updates.example.com", "username": "u", "password": "p"},
}
NAMES = {"local": "local", "huawei": "Huawei", "tuya": "Tuya", "aliyun": "Aliyun", "hawkbit": "hawkBit"}
ODD = "主控 器é☺ #|<>/&'\"+@()"
LONG = 6000
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def facts(name: str) -> Facts:
    """What a backend declares."""
    with otabridge.connect(backend=name, **CLOUDS[name]) as cloud:
        return facts_of(cloud)


def probes(source: Facts, field: str) -> list[str | None]:
    """Texts that a source takes and tells: none, a plain one, its longest, its oddest."""
    limit = source.limits.text.get(field)
    if source.lacks(field):
        return [None]
    sign = next((each for each in "a1" if not breach(each, limit)), "a")
    room = LONG if limit is None or limit.max_length is None else min(limit.max_length, LONG)
    odd = "".join(each for each in ODD if breach(f"a{each}a", limit) is None)
    texts = [sign, sign * room, fitted(f"a{odd}a", limit)]
    return [*([] if limit is not None and limit.required else [None]), *(each for each in texts if each)]


def modules(source: Facts) -> Iterator[Module]:
    """Modules that use all that a source allows."""
    plain = Module(product="p", name="mcu", created_at=WHEN)
    for name in probes(source, "module.name"):
        yield replace(plain, name=name or "mcu")
    for word in TEXTS["module"]:
        for text in probes(source, f"module.{word}"):
            yield replace(plain, **{word: text})
    yield from (Module(product="p", name=name) for name in source.builtins)


def packages(source: Facts) -> Iterator[Package]:
    """Packages that do."""
    limits = source.limits
    suffix = next(iter(limits.artifact_suffixes), "")
    plain = Package(
        id="1", product="p", module="mcu", version="1.0", status="ready", created_at=WHEN, artifacts=(file(source),)
    )
    for version in probes(source, "package.version"):
        yield replace(plain, version=version or "1.0")
        yield replace(plain, source_versions=(version or "0.9",))
    for word in TEXTS["package"]:
        for text in probes(source, f"package.{word}"):
            yield replace(plain, **{word: text})
    most = limits.source_versions or 30
    yield replace(plain, source_versions=tuple(f"0.{number}" for number in range(most)))
    if "delta" in limits.kinds and not source.lacks("package.kind"):
        yield replace(plain, kind="delta", source_versions=("0.9",))
    for status in ("unverified", "verified", "rejected") if source.traits.verifies else ():
        yield replace(plain, status=status)
    for name in probes(source, "artifact.name"):
        yield replace(plain, artifacts=(replace(file(source), name=f"{name or 'a'}{suffix}"),))
    for suffix in limits.artifact_suffixes or (".hex",):
        yield replace(plain, artifacts=(replace(file(source), name=f"a{suffix}"),))
    for size in (limits.artifact_size or 1 << 42, *((0,) if limits.empty_artifacts else ())):
        yield replace(plain, artifacts=(replace(file(source), size=size),))
    names = [f"a{number}{suffix}" for number in range(limits.artifacts or 30)]
    yield replace(plain, artifacts=tuple(replace(file(source), name=name) for name in names))
    if limits.empty_packages:
        yield replace(plain, artifacts=())
    elsewhere = replace(file(source), location=None)
    if not source.has_bytes(elsewhere):
        yield replace(plain, artifacts=(elsewhere,))


def file(source: Facts) -> Artifact:
    """A file that a source may have."""
    algorithm = next(iter(source.limits.checksums), "sha256")
    digest = Checksum(algorithm=algorithm, hex="0" * {"md5": 32}.get(algorithm, 64))
    name = f"a{next(iter(source.limits.artifact_suffixes), '.bin')}"
    return Artifact(name=name, size=1, checksum=digest, location=LocalLocation(sha256="0" * 64))


def changes(source: Facts, destination: Facts) -> Iterator[FieldChange]:
    """What the planner says of all these."""
    names = NameMap()

    def judged(case: Case) -> Case:
        judge(case, (), source, destination, update=True)
        return case

    for row in modules(source):
        yield from judged(module_case(row, names, destination, "p")).changes
    place = module_case(Module(product="p", name="mcu"), names, destination, "p")
    for package in packages(source):
        yield from judged(package_case(package, place, names, destination, verify=False)).changes
    counts = destination.limits.counts
    for kind in ("modules", "packages"):
        for count, most in counts.items():
            if count.startswith(kind) and most < source.limits.counts.get(count, most + 1):
                yield change(f"count.{kind}", kind, detail=f"{most} {count}")
    if {"module", "package"} & destination.traits.ignore_case - source.traits.ignore_case:
        yield change("module.name.case", "module", detail="names differ there in more than case")
    for text in ("module.alias", "package.name"):
        if text in destination.traits.unique_keys and text not in source.traits.unique_keys:
            yield change(f"{text}.unique", text.partition(".")[2])


def rows(sources: Sequence[str], destination: str) -> Iterator[str]:
    """The table's lines: rule by rule, the severest first."""
    there, found = facts(destination), {}
    for name in sources:
        here = facts(name)
        for each in changes(here, there):
            if each.rule in RULES:
                found.setdefault((each.severity, each.rule), {}).setdefault(name, each)
    order: list[Severity] = [*SEVERITIES]
    wide = len(sources) > 1
    yield f"| severity | rule | what happens | why |{' from |' if wide else ''}"
    yield "|---|---|---|---|" + ("---|" if wide else "")
    for (severity, rule), told in sorted(found.items(), key=lambda each: (order.index(each[0][0]), each[0][1])):
        limit = there.limits.text.get(".".join(rule.split(".")[:2]))
        bound = f" ({limit})" if limit and rule.endswith((".length", ".characters")) and str(limit) else ""
        words = f"{RULES[rule].words}{bound}".replace("|", r"\|").replace("<", "&lt;")
        first = next(iter(told.values()))
        whence = f" {', '.join(NAMES[name] for name in told)} |" if wide else ""
        yield f"| {severity} | `{rule}` | {first.fate} | {words} |{whence}"


def renewed(text: str) -> str:
    """The page with today's tables between its markers."""

    def table(match: re.Match[str]) -> str:
        *sources, _, destination = match[1].split()
        lines = "\n".join(rows(sources, destination))
        return f"<!-- losses: {match[1]} -->\n\n{lines}\n\n<!-- end of losses -->"

    return MARKED.sub(table, text)


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(renewed(page), "utf-8")
    elif renewed(page) != page:
        raise SystemExit(f"{PAGE.name}: stale: run python docs/losses.py")
