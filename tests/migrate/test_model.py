"""A plan as a file: read back as it was, with one id, and refused in words if it is none or was edited."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otabridge
from otabridge import Artifact, UrlLocation
from otabridge.errors import ConfigurationError
from otabridge.migrate.model import Estimate, FieldChange, File, Item, MigrationPlan, Side, Slots, item_key
from otabridge.serve import running
from tests.migrate.planning import plan, published

TEXT = st.text(max_size=20)
SIDES = st.builds(Side, cloud=TEXT, backend=TEXT)
SEVERITIES = st.sampled_from(["info", "behaviour", "blocker"])
VALUES = st.one_of(st.none(), TEXT, st.integers(), st.lists(TEXT, max_size=3))
CHANGES = st.builds(
    FieldChange,
    field=TEXT,
    fate=st.sampled_from(["exact", "transformed", "dropped", "defaulted", "unsupported"]),
    old=VALUES,
    new=VALUES,
    severity=SEVERITIES,
    rule=TEXT,
    words=TEXT,
)
FILES = st.builds(
    File, name=TEXT, target=TEXT, size=st.none() | st.integers(0), algorithm=st.none() | TEXT, hex=st.none() | TEXT
)
ITEMS = st.builds(
    Item,
    key=TEXT,
    kind=st.sampled_from(["module", "package"]),
    action=st.sampled_from(["create", "adopt", "update", "skip", "conflict", "unsupported"]),
    source=st.dictionaries(TEXT, TEXT, max_size=3),
    target=st.dictionaries(TEXT, VALUES, max_size=3),
    files=st.tuples(FILES),
    fields=st.tuples(CHANGES),
    fingerprint=TEXT,
    existing=st.none() | TEXT,
    words=TEXT,
)
NUMBERS = st.integers(0, 10**6)
ESTIMATES = st.builds(
    Estimate,
    calls=st.dictionaries(TEXT, st.dictionaries(TEXT, NUMBERS, max_size=2), max_size=2),
    bytes=NUMBERS,
    seconds=st.floats(0, 10**6),
    slots=st.tuples(st.builds(Slots, count=TEXT, of=TEXT, limit=NUMBERS, used=NUMBERS, needed=NUMBERS)),
)
PLANS = st.builds(
    MigrationPlan,
    source=SIDES,
    destination=SIDES,
    made_at=TEXT,
    otabridge=TEXT,
    items=st.tuples(ITEMS, ITEMS),
    estimate=ESTIMATES,
    accepted=st.tuples(TEXT),
    options=st.dictionaries(TEXT, VALUES, max_size=3),
)


def small(**more: Any) -> MigrationPlan:
    sides = {"source": Side(cloud="a", backend="x"), "destination": Side(cloud="b", backend="y")}
    return MigrationPlan(**{**sides, "made_at": "2026", "otabridge": "0.1.0", "items": (), **more})


@given(PLANS)
def test_a_plan_is_read_back_as_it_was(made: MigrationPlan) -> None:
    again = MigrationPlan.from_json(made.to_json())
    assert again == made
    assert again.id == made.id
    assert again.to_json() == made.to_json()


@given(PLANS, TEXT)
def test_the_time_is_no_part_of_the_id(made: MigrationPlan, time: str) -> None:
    told = json.loads(made.to_json()) | {"made_at": time}
    assert MigrationPlan.from_json(json.dumps(told).encode()).id == made.id


@given(PLANS, st.data())
def test_a_plan_that_was_edited_is_refused_in_words(made: MigrationPlan, data: st.DataObject) -> None:
    told = json.loads(made.to_json())
    edit = data.draw(st.sampled_from(["action", "target", "severity", "accepted", "cloud", "seconds"]))
    match edit:
        case "action":
            told["items"][0]["action"] = "skip" if told["items"][0]["action"] != "skip" else "create"
        case "target":
            told["items"][1]["target"]["edited"] = "yes"
        case "severity":
            told["items"][0]["fields"][0]["severity"] += "!"
        case "accepted":
            told["accepted"].append("count.modules")
        case "cloud":
            told["destination"]["cloud"] += "2"
        case "seconds":
            told["estimate"]["seconds"] += 1
    with pytest.raises(ConfigurationError, match="edited since it was made"):
        MigrationPlan.from_json(json.dumps(told).encode())


def test_white_space_and_the_order_of_members_are_no_edit() -> None:
    made = small(options={"b": 1, "a": "é"})
    told = json.loads(made.to_json())
    assert MigrationPlan.from_json(json.dumps(dict(reversed(told.items()))).encode()) == made


def test_a_plan_of_another_format_is_refused_with_the_version_that_made_it() -> None:
    told = json.loads(small(otabridge="9.9").to_json()) | {"format": 2}
    with pytest.raises(ConfigurationError, match=r"format 2, made by otabridge 9\.9; this one reads format 1"):
        MigrationPlan.from_json(json.dumps(told).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'"plan"', b"\xff\xfe", b"[" * 100_000],
    ids=["nothing", "half", "list", "null", "empty", "text", "bytes", "deep"],
)
def test_what_is_no_plan_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no migration plan"):
        MigrationPlan.from_json(content)


@pytest.mark.parametrize("member", ["id", "items", "source", "estimate", "made_at", "unknown"])
def test_a_plan_with_a_member_missing_or_too_many_is_refused_in_words(member: str) -> None:
    told = json.loads(small().to_json())
    if told.pop(member, None) is None:
        told[member] = 1
    with pytest.raises(ConfigurationError, match=r"cannot be read|no migration plan"):
        MigrationPlan.from_json(json.dumps(told).encode())


@given(
    st.lists(st.lists(st.text(st.sampled_from("a/%2F"), max_size=4), min_size=3, max_size=3), min_size=2, max_size=2)
)
def test_no_two_packages_have_one_key(names: list[list[str]]) -> None:
    one, other = (item_key("package", *each) for each in names)
    assert (one == other) == (names[0] == names[1])


def test_what_is_to_be_done_is_counted_and_an_empty_plan_writes_nothing() -> None:
    def item(action: Any) -> Item:
        return Item(key=action, kind="module", action=action, source={}, target={})

    made = small(items=tuple(map(item, ["adopt", "adopt", "skip", "conflict", "unsupported"])))
    assert made.counted() == {"adopt": 2, "skip": 1, "conflict": 1, "unsupported": 1}
    assert made.empty
    assert not small(items=(item("update"),)).empty
    assert not small(items=(item("create"),)).empty


def test_a_blocker_stops_the_plan_until_all_its_rules_are_accepted() -> None:
    changes = tuple(
        FieldChange(field="f", fate="dropped", severity="blocker", rule=rule) for rule in ("r.one", "r.two")
    )
    item = Item(key="k", kind="module", action="create", source={}, target={}, fields=changes)
    made = small(items=(item,))
    assert item.worst() == "blocker"
    assert made.accepting(["r.one"]).blockers() == [item]
    assert made.accepting(["r.one"]).accepting(["r.two"]).blockers() == []


def test_a_plan_holds_neither_secrets_nor_locations(tmp_path: Path) -> None:
    signed = UrlLocation(url="https://files.example.com/place/app.bin?Signature=sesame")
    with otabridge.connect(f"local:{tmp_path / 'old'}") as old, running("aliyun") as server:
        old.modules.create("mcu", product="p1")
        published(old, tmp_path, "mcu", "1.0")
        old.packages.create(product="p1", module="mcu", version="2.0", artifacts=[Artifact(name="a", location=signed)])
        cloud = server.settings("aliyun")
        server.cloud.modules.create("mcu", product="p1")
        published(server.cloud, tmp_path, "mcu", "1.0", name="n")
        files = [plan(old.cloud, cloud), plan(cloud, f"local:{tmp_path / 'new'}")]
    for made in files:
        written = made.to_json().decode()
        assert "1.0" in written
        secrets = [server.secret_key, server.access_key, "sesame", "files.example.com", "Signature=", server.url]
        assert [each for each in secrets if each in written] == []
