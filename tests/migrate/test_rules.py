"""What becomes of fields: every text that is transformed is legal there, and is transformed once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge import Artifact, Checksum, Module, Package
from otabridge.limits import Limits, Text
from otabridge.migrate.facts import Facts
from otabridge.migrate.fitting import breach, fitted, marked
from otabridge.migrate.model import FieldChange
from otabridge.migrate.rules import RULES, TEXTS, artifacts, sources, texts
from otabridge.registry import Registry

LIMITS = {name: Registry().backend(name).limits for name in Registry().names()}
FITTED = {f"{kind}.{word}" for kind, words in TEXTS.items() for word in words} | {"module.name", "package.version"}
FREE = [
    (name, field, limit) for name, limits in LIMITS.items() for field, limit in limits.text.items() if field in FITTED
]
HARD = st.text(st.one_of(st.characters(), st.sampled_from("aZ09_-. ()主控コ é\U0001f600\t@")), min_size=1, max_size=400)


def found(name: str) -> Facts:
    backend = Registry().backend(name)
    return Facts(limits=backend.limits, traits=backend.traits, capabilities=backend.capabilities)


def ruled(changes: list[FieldChange]) -> list[str]:
    return [each.rule for each in changes if each.rule]


@pytest.mark.parametrize(("name", "field", "limit"), FREE, ids=[f"{name} {field}" for name, field, _ in FREE])
@given(text=HARD)
def test_a_fitted_text_is_legal_and_stays_as_it_is(name: str, field: str, limit: Text, text: str) -> None:
    for seed in (None, "a seed"):
        once = fitted(text, limit, seed=seed)
        if once is not None:
            assert limit.breach(once) is None
            assert breach(once, limit) is None
            assert fitted(once, limit, seed=seed) == once
        if breach(text, limit) is None:
            assert once == text


@pytest.mark.parametrize(("name", "field", "limit"), FREE, ids=[f"{name} {field}" for name, field, _ in FREE])
@given(text=HARD, seeds=st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_a_marked_text_is_legal_and_another_for_each_seed(
    name: str, field: str, limit: Text, text: str, seeds: list[str]
) -> None:
    legal = fitted(text, limit)
    if legal is None:
        return
    one, other = (marked(legal, limit, seed) for seed in seeds)
    assert one is not None
    assert other is not None
    assert limit.breach(one) is None
    assert one != other


@pytest.mark.parametrize("name", LIMITS)
@given(alias=HARD, description=HARD, custom=HARD)
def test_texts_are_planned_as_the_destination_takes_them(name: str, alias: str, description: str, custom: str) -> None:
    facts = found(name)
    module = Module(product="p", name="mcu", alias=alias, description=description)
    package = Package(
        id="1", product="p", module="mcu", version="1", name=alias, description=description, custom_info=custom
    )
    for kind, row in (("module", module), ("package", package)):
        for change in texts(kind, row, "mcu", facts):  # type: ignore[arg-type]
            limit = facts.limits.text.get(f"{kind}.{change.field}")
            if change.new is not None:
                assert limit is None or limit.breach(change.new) is None
            assert (change.fate == "dropped") == (change.new is None)
            assert (change.fate == "exact") == (change.new == change.old)
            again = replace(row, **{change.field: change.new})
            assert [each.new for each in texts(kind, again, "mcu", facts) if each.field == change.field] in (  # type: ignore[arg-type]
                [change.new],
                [],
            )


@pytest.mark.parametrize("name", LIMITS)
@given(names=st.lists(HARD, min_size=1, max_size=3))
def test_files_get_names_that_the_destination_takes_each_its_own(name: str, names: list[str]) -> None:
    facts = found(name)
    package = Package(
        id="1", product="p", module="m", version="1", artifacts=tuple(Artifact(name=each, size=1) for each in names)
    )
    files, _ = artifacts(package, facts)
    limits = facts.limits
    assert [file.name for file in files] == names
    assert len({file.target for file in files}) == len(files)
    for file in files:
        assert not limits.artifact_suffixes or file.target.lower().endswith(limits.artifact_suffixes)
        limit = limits.text.get("artifact.name")
        assert limit is None or limit.breach(file.target) is None
    again, changes = artifacts(replace(package, artifacts=tuple(Artifact(name=file.target) for file in files)), facts)
    assert [file.target for file in again] == [file.target for file in files]
    assert not [rule for rule in ruled(changes) if rule.startswith("artifact.name") and rule != "artifact.name.untold"]


# --- single rules -----------------------------------------------------------------------------------------------------


def restricted(told: list[str], limits: Limits, renamed: list[str] | None = None) -> Iterator[FieldChange]:
    row = Package(id="1", product="p", module="m", version="2", source_versions=tuple(told))
    facts = Facts(limits=limits)
    return (each for each in sources(row, renamed or told, facts) if each.field == "source_versions")


@pytest.mark.parametrize(
    ("told", "limits", "rules", "left"),
    [
        (["1"], Limits(), [""], ["1"]),
        (["1", "0"], Limits(source_versions=1), ["package.source_versions.count"], ["1"]),
        (
            ["1", "a b"],
            Limits(text={"package.source_versions": Text(pattern="[a-z0-9]+")}),
            ["package.source_versions.characters"],
            ["1"],
        ),
        (
            ["a b"],
            Limits(text={"package.source_versions": Text(pattern="[a-z0-9]+")}),
            ["package.source_versions.characters", "package.source_versions.none"],
            [],
        ),
        (
            ["123"],
            Limits(text={"package.source_versions": Text(max_length=2)}),
            ["package.source_versions.length", "package.source_versions.none"],
            [],
        ),
    ],
)
def test_source_versions_are_kept_as_far_as_they_can_be(
    told: list[str], limits: Limits, rules: list[str], left: list[str]
) -> None:
    changes = [*restricted(told, limits)]
    assert [each.rule for each in changes] == rules
    assert changes[-1].new == left


def test_no_rule_lets_a_restriction_be_lost_without_being_a_blocker() -> None:
    for change in restricted(["a b", "c d"], Limits(text={"package.source_versions": Text(max_length=1)})):
        assert change.severity == "blocker"


def test_source_versions_renamed_to_one_are_named_once() -> None:
    changes = [*restricted(["1", "2"], Limits(), ["3", "3"])]
    assert [(each.rule, each.new) for each in changes] == [("package.source_versions.mapped", ["3"])]


@pytest.mark.parametrize(
    ("artifact", "limits", "rule"),
    [
        (Artifact(name="a", size=5), Limits(artifact_size=4), "artifact.size"),
        (Artifact(name="a"), Limits(artifact_size=4), "artifact.size.unknown"),
        (Artifact(name="a", size=0), Limits(empty_artifacts=False), "artifact.empty"),
        (Artifact(name="a", size=1), Limits(), "artifact.digest.unknown"),
        (Artifact(name="a.hex", size=1), Limits(artifact_suffixes=(".zip",)), "artifact.name.suffix"),
        (Artifact(name="a/b"), Limits(text={"artifact.name": Text(pattern="[a-z.]+")}), "artifact.name.characters"),
    ],
)
def test_a_rule_fits_each_trouble_of_a_file(artifact: Artifact, limits: Limits, rule: str) -> None:
    row = Package(id="1", product="p", module="m", version="1", artifacts=(artifact,))
    assert rule in ruled(artifacts(row, Facts(limits=limits))[1])


def test_a_digest_of_a_kind_that_the_destination_takes_needs_no_word() -> None:
    known = Artifact(name="a", size=1, checksum=Checksum(algorithm="md5", hex="0" * 32))
    row = Package(id="1", product="p", module="m", version="1", artifacts=(known,))
    assert artifacts(row, Facts(limits=Limits(checksums=("md5",))))[1] == []


def test_a_package_without_files_is_told_where_there_are_none() -> None:
    row = Package(id="1", product="p", module="m", version="1")
    assert ruled(artifacts(row, Facts(limits=Limits(empty_packages=False)))[1]) == ["artifact.none"]
    assert ruled(artifacts(row, Facts())[1]) == []


def test_a_long_file_name_is_cut_before_its_suffix() -> None:
    row = Package(id="1", product="p", module="m", version="1", artifacts=(Artifact(name=f"{'x' * 30}.BIN"),))
    limits = Limits(text={"artifact.name": Text(max_length=20)}, artifact_suffixes=(".bin",))
    (file,), _ = artifacts(row, Facts(limits=limits))
    assert len(file.target) == 20
    assert file.target.endswith(".BIN")


def test_required_texts_are_made_of_the_name() -> None:
    facts = Facts(limits=Limits(text={"module.alias": Text(required=True, max_length=4)}))
    (change,) = texts("module", Module(product="p", name="mcu-1"), "mcu-1", facts)
    assert (change.rule, change.new, change.fate) == ("module.alias.required", "mcu-", "defaulted")


def test_custom_info_is_never_cut() -> None:
    facts = Facts(limits=Limits(text={"package.custom_info": Text(max_length=5)}))
    row = Package(id="1", product="p", module="m", version="1", custom_info='{"a": 1}')
    (change,) = texts("package", row, "n", facts)
    assert (change.new, change.fate, change.severity) == (None, "dropped", "blocker")


def test_every_rule_says_what_it_does_in_words() -> None:
    assert [rule for rule, each in RULES.items() if len(each.words) < 10 or rule != rule.lower()] == []
    assert [rule for rule, each in RULES.items() if each.fate == "unsupported" and each.severity != "blocker"] == []
