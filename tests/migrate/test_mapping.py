"""The mapping file: read with the line of each mistake, drafted from a plan, and read back as it was written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otabridge
from otabridge.errors import ConfigurationError
from otabridge.limits import Limits, Text
from otabridge.migrate.facts import Facts
from otabridge.migrate.mapping import NameMap, drafted, read_mapping
from otabridge.migrate.model import Item, MigrationPlan, Side
from otabridge.serve import running
from tests.migrate.planning import actions, item_of, plan, published

MAPPING = """\
[products]
p1 = "q1"
p2 = false

[modules.p1]
mcu = "main"
"@default" = "@firmware"

[versions.p1.mcu]
"1.0 b" = "1.0-b"
"""


def test_every_name_of_a_mapping_is_read() -> None:
    found = read_mapping(MAPPING)
    assert found.names == {
        ("p1",): "q1",
        ("p2",): False,
        ("p1", "mcu"): "main",
        ("p1", "@default"): "@firmware",
        ("p1", "mcu", "1.0 b"): "1.0-b",
    }
    assert found.of("p1", "ble") is None


def test_a_mapping_is_told_as_it_was_written() -> None:
    assert read_mapping(MAPPING).told() == {
        "products": {"p1": "q1", "p2": False},
        "modules": {"p1": {"mcu": "main", "@default": "@firmware"}},
        "versions": {"p1": {"mcu": {"1.0 b": "1.0-b"}}},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[products\n", "map.toml: .*line 1"),
        ('[module.p1]\nmcu = "m"', "no table 'module': there are products, modules, versions"),
        ("[products]\np1 = true", r"map.toml, line 2: products.p1: must be name = \"another\" or name = false"),
        ('[products]\np1 = ""', "line 2: products.p1"),
        ('[products.p1]\nto = "q"', "products.p1: must be"),
        ('[modules]\n\nmcu = "m"', r"line 3: modules.mcu: must be .* below \[modules.PRODUCT\]"),
        ('[versions.p1]\n"1.0" = "2"', r"below \[versions.PRODUCT.MODULE\]"),
    ],
)
def test_what_is_no_mapping_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_mapping(text, file="map.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[products]\np9 = "q"', "map.toml, line 2: products.p9: the source has no product 'p9'; it has: p1"),
        ('[modules.p1]\nmcv = "m"', "line 2: modules.p1.mcv: .* no module 'mcv' in product 'p1'; it has: ble, mcu"),
        ('[modules.p9]\nmcu = "m"', "modules.p9.mcu: the source has no product 'p9'"),
        (
            '\n[versions.p1.mcu]\n"9" = false',
            "line 3: versions.p1.mcu.9: the source has no version '9' in module 'mcu' of product 'p1'; it has: 1.0",
        ),
        ('versions.p1.ble."1.0" = "2"', "line 1: versions.p1.ble.1.0: .* it has: none"),
    ],
)  # fmt: skip
def test_a_name_that_the_source_has_not_is_refused_with_its_line_and_those_there_are(text: str, words: str) -> None:
    mapping = read_mapping(text, file="map.toml")
    with pytest.raises(ConfigurationError, match=words):
        mapping.check([("p1", "mcu", "1.0"), ("p1", "ble")])


def test_names_of_products_that_are_not_read_now_are_let_pass() -> None:
    read_mapping('[products]\np9 = "q"').check([("p1",)], products=["p1"])


def test_users_names_of_products_may_stand_in_a_mapping() -> None:
    found = read_mapping('[modules.gate]\nmcu = "m"').resolved({"gate": "4711"})
    assert found.of("4711", "mcu") == "m"
    with pytest.raises(ConfigurationError, match="line 2"):
        found.check([("4711", "ble")])


def test_a_draft_names_everything_and_proposes_what_must_be_renamed(tmp_path: Path) -> None:
    with otabridge.connect(f"local:{tmp_path / 'old'}") as old, running("tuya") as server:
        old.modules.create("mcu", product="p1")
        old.modules.create("mod ule", product="p1")
        published(old, tmp_path, "mcu", "1.0 beta")
        published(old, tmp_path, "mcu", "1.1")
        published(old, tmp_path, "mod ule", "1.0")
        first = plan(old.cloud, server.settings("tuya"))
        draft = drafted(first)
        assert {*actions(first).values()} == {"create", "unsupported"}
        assert 'mcu = "mcu"' in draft
        assert "[versions.p1.mcu]" in draft
        assert "1.1" not in draft
        second = plan(old.cloud, server.settings("tuya"), mapping=read_mapping(draft))
    assert {*actions(second).values()} == {"create"}
    assert item_of(second, "module p1/mod ule").target["name"].startswith("mod_ule_")
    assert item_of(second, "package p1/mcu/1.0 beta").target["version"].startswith("1.0_beta_")


def test_a_draft_proposes_names_for_modules_that_would_fall_on_one(tmp_path: Path) -> None:
    with otabridge.connect(f"local:{tmp_path / 'old'}") as old, running("tuya") as server:
        for name in ("radio", "Radio"):
            old.modules.create(name, product="p1")
            published(old, tmp_path, name, "1.0")
        first = plan(old.cloud, server.settings("tuya"))
        assert first.counted() == {"conflict": 4}
        assert set().union(*(item.rules("blocker") for item in first.items)) == {"module.name.clash"}
        second = plan(old.cloud, server.settings("tuya"), mapping=read_mapping(drafted(first)))
    assert second.counted() == {"create": 4}


def test_a_draft_of_a_mapped_plan_keeps_the_mapping(tmp_path: Path) -> None:
    mapping = read_mapping('[products]\np1 = "q1"\n[modules.p1]\nmcu = "main"\nble = false')
    with otabridge.connect(f"local:{tmp_path / 'old'}") as old:
        for name in ("mcu", "ble"):
            old.modules.create(name, product="p1")
        made = plan(old.cloud, f"local:{tmp_path / 'new'}", mapping=mapping)
    assert read_mapping(drafted(made)).names == mapping.names


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=5))
def test_a_draft_can_be_read_whatever_the_names_are(keys: list[tuple[str, str, str]]) -> None:
    items = [
        Item(
            key=f"package {key}",
            kind="package",
            action="create",
            source=dict(zip(("product", "module", "version"), key, strict=True)),
            target=dict(zip(("product", "module", "version"), (f"{part}!" for part in key), strict=True)),
        )
        for key in keys
    ]
    side = Side(cloud="c", backend="b")
    made = MigrationPlan(source=side, destination=side, made_at="", otabridge="0", items=tuple(items))
    wanted: NameMap = read_mapping(drafted(made))
    for product, module, version in keys:
        assert wanted.of(product) == f"{product}!"
        assert wanted.of(product, module) == f"{module}!"
        assert wanted.of(product, module, version) == f"{version}!"


def test_a_version_is_proposed_that_the_destination_takes(tmp_path: Path) -> None:
    def short(facts: Facts) -> Facts:
        return Facts(limits=Limits(text={"package.version": Text(max_length=10)}), capabilities=facts.capabilities)

    with otabridge.connect(f"local:{tmp_path / 'old'}") as old:
        old.modules.create("mcu", product="p1")
        for version in ("1.0-candidate-1", "1.0-candidate-2"):
            published(old, tmp_path, "mcu", version)
        draft = drafted(plan(old.cloud, "memory:", facts=short))
        made = plan(old.cloud, "memory:", facts=short, mapping=read_mapping(draft))
    assert made.counted() == {"create": 3}
    assert len({item.target["version"] for item in made.items if item.kind == "package"}) == 2
