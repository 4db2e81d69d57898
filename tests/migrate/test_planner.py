"""Planning reads both sides and writes nothing: what it says of each module and package, between stores and facades."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import otabridge
from otabridge import Artifact, Capability, Client, Level, Module, Package, UrlLocation, registry
from otabridge.errors import ConfigurationError, PluginLoadError
from otabridge.hookspecs import PlanNote
from otabridge.limits import Limits, Text
from otabridge.migrate.facts import Facts
from otabridge.migrate.looking import fingerprint
from otabridge.migrate.mapping import read_mapping
from otabridge.migrate.model import MigrationPlan
from otabridge.migrate.planner import plugin_checks
from otabridge.serve import Server, running
from tests.migrate.planning import COLOURS, actions, carried, change_of, item_of, plan, published
from tests.support.scale import FULL

Stores = Callable[[str], Client]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder for files."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Client]:
    """The store at `local:{tmp_path}/old`."""
    with otabridge.connect(f"local:{tmp_path / 'old'}") as client:
        yield client


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Client]:
    """The store at `local:{tmp_path}/new`."""
    with otabridge.connect(f"local:{tmp_path / 'new'}") as client:
        yield client


@pytest.fixture(params=["huawei", "tuya", "aliyun"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param) as server:
        yield server


@pytest.fixture
def tuya() -> Iterator[Server]:
    with running("tuya") as server:
        yield server


@pytest.fixture
def aliyun() -> Iterator[Server]:
    with running("aliyun") as server:
        yield server


def local(store: Client) -> str:
    return store.cloud


def settings(server: Server) -> dict[str, Any]:
    (name,) = server.urls
    return server.settings(name)


def stocked(store: Client, shelf: Path) -> None:
    store.modules.create("mcu", product="p1", alias="Main", description="The controller")
    store.modules.create("ble", product="p1")
    for version in ("1.0", "1.1"):
        published(store, shelf, "mcu", version, name=f"mcu-{version[-1]}", description="d", custom_info="{}")
    published(store, shelf, "@default", "7", name="whole")


# --- pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
def test_everything_of_a_store_is_to_be_created_in_an_empty_cloud(
    old: Client, cloud: Server, shelf: Path, colour: str
) -> None:
    stocked(old, shelf)
    made = plan(local(old), settings(cloud), colour=colour)
    assert made.counted() == {"create": 5}
    whole = "package p1/@default/7"
    assert [*actions(made)] == [
        whole, "module p1/ble", "module p1/mcu", "package p1/mcu/1.0", "package p1/mcu/1.1",
    ]  # fmt: skip
    assert not made.empty
    assert made.blockers() == []


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("pair", ["aliyun huawei", "aliyun tuya", "huawei tuya", "tuya huawei", "huawei local"])
def test_a_cloud_is_planned_into_another(pair: str, new: Client, shelf: Path, colour: str) -> None:
    first, second = pair.split()
    with running(first) as front:
        stocked(front.cloud, shelf)
        if second == "local":
            made = plan(settings(front), local(new), colour=colour)
        else:
            with running(second) as back:
                made = plan(settings(front), settings(back), colour=colour)
    assert {*actions(made).values()} == {"create"}
    package = item_of(made, "package p1/mcu/1.0")
    assert (package.target["version"], package.target["description"], len(package.files)) == ("1.0", "d", 1)
    assert package.files[0].hex


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plan_is_empty_once_the_destination_has_what_it_says(
    old: Client, cloud: Server, shelf: Path, tmp_path: Path, colour: str
) -> None:
    stocked(old, shelf)
    old.modules.create("odd", product="p1", alias="主控 制器☂", description="d" * 2000)
    published(old, shelf, "odd", "1", name="a.b c", file="app.hex", source_versions=["0.9"])
    carried(plan(local(old), settings(cloud)), old, cloud.cloud, tmp_path / "carried")
    made = plan(local(old), settings(cloud), colour=colour)
    assert made.counted() == {"adopt": 7}
    assert made.empty
    assert made.blockers() == []


def test_the_same_sides_give_the_same_plan(old: Client, cloud: Server, shelf: Path) -> None:
    stocked(old, shelf)
    first, second = (plan(local(old), settings(cloud), colour=colour) for colour in COLOURS)
    assert first.id == second.id
    assert first.items == second.items


def test_an_item_has_the_fingerprint_of_what_a_look_shows(cloud: Server, new: Client, shelf: Path) -> None:
    stocked(cloud.cloud, shelf)
    made = plan(settings(cloud), local(new))
    assert made.items
    with otabridge.connect(**settings(cloud)) as client:
        for item in made.items:
            row: Module | Package
            if item.kind == "module":
                row = client.modules.get(item.source["name"], product=item.source["product"])
            else:
                row = client.packages.get(item.source["id"])
            assert item.fingerprint == fingerprint(row), item.key


def test_a_plan_of_some_products_is_of_these_alone(old: Client, new: Client) -> None:
    for product in ("p1", "p2", "p3"):
        old.modules.create("mcu", product=product)
    made = plan(local(old), local(new), products=["p3", "p1"])
    assert [*actions(made)] == ["module p1/mcu", "module p3/mcu"]
    assert made.options["products"] == ["p1", "p3"]


def test_users_names_of_products_are_known_on_both_sides(old: Client, new: Client, tmp_path: Path) -> None:
    old.modules.create("mcu", product="4711")
    here = {"backend": "local", "path": str(tmp_path / "old"), "products": {"gate": "4711"}}
    there = {"backend": "local", "path": str(tmp_path / "new"), "products": {"gate": "0815"}}
    made = plan(here, there, products=["gate"])
    assert item_of(made, "module 4711/mcu").target["product"] == "0815"


# --- clashes ----------------------------------------------------------------------------------------------------------


def test_the_same_version_with_other_bytes_is_a_conflict(old: Client, tuya: Server, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    tuya.cloud.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0", content=b"these")
    published(tuya.cloud, shelf, "mcu", "1.0", content=b"other bytes", name="n")
    made = plan(local(old), settings(tuya))
    assert actions(made) == {"module p1/mcu": "adopt", "package p1/mcu/1.0": "conflict"}
    found = change_of(made, "package p1/mcu/1.0", "artifact.bytes.differ")
    assert "app.bin 5 sha256" in found.old[0]
    assert made.blockers() == [item_of(made, "package p1/mcu/1.0")]
    assert made.empty


def test_names_that_only_differ_in_case_are_a_conflict_where_case_is_ignored(
    old: Client, tuya: Server, shelf: Path
) -> None:
    for name in ("mcu", "MCU", "ble"):
        old.modules.create(name, product="p1")
    published(old, shelf, "MCU", "1.0")
    made = plan(local(old), settings(tuya))
    clash = {"module p1/MCU": "conflict", "package p1/MCU/1.0": "conflict", "module p1/mcu": "conflict"}
    assert actions(made) == {**clash, "module p1/ble": "create"}
    assert "module p1/mcu" in change_of(made, "module p1/MCU", "module.name.clash").words
    assert item_of(made, "package p1/MCU/1.0").rules("blocker") == {"module.name.clash"}
    assert plan(local(old), f"local:{shelf / 'fresh'}").counted() == {"create": 4}


def test_a_name_that_another_case_has_taken_there_is_a_conflict(old: Client, tuya: Server) -> None:
    old.modules.create("mcu", product="p1")
    tuya.cloud.modules.create("MCU", product="p1")
    made = plan(local(old), settings(tuya))
    assert actions(made) == {"module p1/mcu": "conflict"}
    assert change_of(made, "module p1/mcu", "module.name.case").new == "MCU"


def test_eleven_modules_are_one_too_many_for_ten_places(old: Client, cloud: Server, shelf: Path) -> None:
    for number in range(11):
        old.modules.create(f"m{number:02}", product="p1")
    published(old, shelf, "m10", "1.0")
    made = plan(local(old), settings(cloud))
    assert made.counted() == {"create": 10, "unsupported": 2}
    assert item_of(made, "module p1/m10").rules("blocker") == {"count.modules"}
    assert item_of(made, "package p1/m10/1.0").rules("blocker") == {"count.modules"}
    (slots,) = (each for each in made.estimate.slots if each.count == "modules per product")
    assert (slots.of, slots.limit, slots.used, slots.needed) == ("p1", 10, 0, 11)


def test_places_that_are_taken_are_counted(old: Client, cloud: Server) -> None:
    for number in range(9):
        cloud.cloud.modules.create(f"there{number}", product="p1")
    for name in ("a", "b", "there0"):
        old.modules.create(name, product="p1")
    made = plan(local(old), settings(cloud))
    assert actions(made) == {
        "module p1/a": "create", "module p1/b": "unsupported", "module p1/there0": "adopt",
    }  # fmt: skip


def test_packages_of_the_whole_account_are_counted(old: Client, tuya: Server, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    tuya.cloud.modules.create("mcu", product="elsewhere")
    published(tuya.cloud, shelf, "mcu", "1", product="elsewhere", name="there")
    for version in "123":
        published(old, shelf, "mcu", version)
    few = {"modules per product": 10, "packages per account": 3}
    made = plan(local(old), settings(tuya), facts=limited(counts=few))
    assert [action for key, action in actions(made).items() if "package" in key] == ["create", "create", "unsupported"]
    (slots,) = (each for each in made.estimate.slots if each.count == "packages per account")
    assert (slots.limit, slots.used, slots.needed) == (3, 1, 3)


def limited(**limits: Any) -> Callable[[Facts], Facts]:
    """The destination with other limits."""
    return lambda facts: replace(facts, limits=replace(facts.limits, **limits))


@pytest.mark.parametrize("text", ["v" * 300, "1.0 beta", "1.0+é"])
def test_a_version_that_cannot_be_is_unsupported_and_named_another_by_the_mapping(
    old: Client, cloud: Server, shelf: Path, text: str
) -> None:
    old.modules.create("mcu", product="p1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(old._backend, "limits", Limits())
        published(old, shelf, "mcu", text)
    key = f"package p1/mcu/{text}"
    made = plan(local(old), settings(cloud))
    found = item_of(made, key)
    (rule,) = found.rules("blocker")
    assert (found.action, rule.rpartition(".")[0]) == ("unsupported", "package.version")
    mapping = read_mapping(f'[versions.p1.mcu]\n"{text}" = "1.0-b"')
    mapped = item_of(plan(local(old), settings(cloud), mapping=mapping), key)
    assert (mapped.action, mapped.target["version"]) == ("create", "1.0-b")
    assert mapped.rules("behaviour") >= {"package.version.mapped"}


@pytest.mark.parametrize(
    ("alias", "huawei", "tuya"),
    [
        ("主控制器", "主控制器", "主控制器"),
        ("主控 器", "主控 器", "主控_器"),
        ("コア", "__", "__"),
        ("温" * 70, "温" * 64, "温" * 64),
    ],
)
def test_chinese_aliases_are_kept_as_far_as_they_can_be(old: Client, alias: str, huawei: str, tuya: str) -> None:
    old.modules.create("mcu", product="p1", alias=alias)
    for name, expected in (("huawei", huawei), ("tuya", tuya)):
        with running(name) as server:
            made = plan(local(old), settings(server))
        assert item_of(made, "module p1/mcu").target["alias"] == expected
        fate = "exact" if expected == alias else "transformed"
        assert [each.fate for each in item_of(made, "module p1/mcu").fields if each.field == "alias"] == [fate]


def test_a_sha256_is_computed_anew_as_md5_and_what_stands_there_is_left_to_be_proven(
    old: Client, aliyun: Server, shelf: Path
) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0")
    first = plan(local(old), settings(aliyun))
    assert change_of(first, "package p1/mcu/1.0", "artifact.digest.computed").new == "md5"
    aliyun.cloud.modules.create("mcu", product="p1")
    published(aliyun.cloud, shelf, "mcu", "1.0", name="n")
    again = plan(local(old), settings(aliyun))
    second = item_of(again, "package p1/mcu/1.0")
    assert second.action == "adopt"
    assert [again.estimate.calls[side]["open_artifact"] for side in ("source", "destination")] == [1, 1]
    assert "artifact.digest.incomparable" in second.rules("info")


def test_other_bytes_of_another_length_need_no_common_digest_to_be_a_conflict(
    old: Client, aliyun: Server, shelf: Path
) -> None:
    for store in (old, aliyun.cloud):
        store.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0", content=b"12345")
    published(aliyun.cloud, shelf, "mcu", "1.0", content=b"123456", name="n")
    assert actions(plan(local(old), settings(aliyun)))["package p1/mcu/1.0"] == "conflict"


def test_deltas_are_unsupported_by_a_cloud_that_has_none(old: Client, tuya: Server, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.1", kind="delta", source_versions=["1.0"])
    made = plan(local(old), settings(tuya))
    assert item_of(made, "package p1/mcu/1.1").action == "unsupported"
    assert item_of(made, "package p1/mcu/1.1").rules("blocker") == {"package.kind.unsupported"}
    assert made.accepting(["package.kind.unsupported"]).blockers() == []


def test_a_delta_is_not_another_package_where_the_cloud_does_not_tell(old: Client, shelf: Path, tmp_path: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.1", kind="delta", source_versions=["1.0"])
    with running("huawei") as server:
        first = plan(local(old), settings(server))
        assert item_of(first, "package p1/mcu/1.1").rules("behaviour") == {"package.kind.untold"}
        carried(first, old, server.cloud, tmp_path / "carried")
        assert plan(local(old), settings(server)).counted() == {"adopt": 2}


def test_two_versions_mapped_onto_one_are_a_conflict(old: Client, new: Client, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    for version in ("1.0", "1.0-rc", "2"):
        published(old, shelf, "mcu", version)
    made = plan(local(old), local(new), mapping=read_mapping('[versions.p1.mcu]\n"1.0-rc" = "1.0"'))
    assert made.counted() == {"create": 2, "conflict": 2}


def test_of_several_source_versions_one_stays_once_that_is_accepted(old: Client, aliyun: Server, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.1", source_versions=["0.8", "0.9"])
    made = plan(local(old), settings(aliyun))
    found = item_of(made, "package p1/mcu/1.1")
    assert (found.action, found.target["source_versions"]) == ("create", ["0.8"])
    assert made.blockers() == [found]
    accepted = plan(local(old), settings(aliyun), accept=["package.source_versions.count"])
    assert accepted.blockers() == []
    assert accepted.items == made.items
    assert accepted.id != made.id


# --- what stands there ------------------------------------------------------------------------------------------------


def test_texts_that_differ_there_are_updated(old: Client, tuya: Server, shelf: Path) -> None:
    for store, text in ((old, "new"), (tuya.cloud, "old")):
        store.modules.create("mcu", product="p1", alias=text)
        published(store, shelf, "mcu", "1.0", description=text, name="n")
    made = plan(local(old), settings(tuya))
    assert {*actions(made).values()} == {"update"}
    assert item_of(made, "package p1/mcu/1.0").existing
    for key, rule in (
        ("module p1/mcu", "module.alias.replaced"),
        ("package p1/mcu/1.0", "package.description.replaced"),
    ):
        told = change_of(made, key, rule)
        assert (told.old, told.new, told.severity) == ("old", "new", "behaviour")
    assert {*actions(plan(local(old), settings(tuya), update=False)).values()} == {"skip"}


def test_a_plan_goes_by_what_a_cloud_declares_whatever_is_checked_before_sending(
    old: Client, tuya: Server, shelf: Path
) -> None:
    old.modules.create("mcu", product="p1", alias="a b")
    published(old, shelf, "mcu", "1.0 beta")
    strict, off = (plan(local(old), settings(tuya) | {"validate": how}) for how in ("strict", "off"))
    assert off.items == strict.items
    assert item_of(off, "package p1/mcu/1.0 beta").action == "unsupported"


def test_a_package_of_which_the_source_has_no_bytes_is_a_blocker(old: Client, new: Client, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0")
    place = UrlLocation(url="https://files.example.com/app.bin")
    lost = Artifact(name="app.bin", size=3, location=place)
    old.packages.create(product="p1", module="mcu", version="1.1", artifacts=[lost])
    made = plan(local(old), local(new))
    found = item_of(made, "package p1/mcu/1.1")
    assert (found.action, found.rules("blocker")) == ("unsupported", {"artifact.bytes.absent"})
    assert "no bytes" in found.words
    assert item_of(made, "package p1/mcu/1.0").action == "create"


@pytest.mark.parametrize("colour", COLOURS)
def test_a_product_of_which_the_source_has_nothing_is_warned_of(
    old: Client, new: Client, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan(local(old), local(new), colour=colour)
    assert caplog.messages == [f"{old.cloud} has no modules and packages: check the name"]
    caplog.clear()
    old.modules.create("mcu", product="p1")
    plan(local(old), local(new), colour=colour, products=["p1", "p2"])
    assert caplog.messages == [f"{old.cloud} has no modules and packages of p2: check the name"]


def test_texts_of_what_can_never_be_changed_are_a_conflict(old: Client, shelf: Path) -> None:
    with running("huawei") as server:
        for store, text in ((old, "new"), (server.cloud, "old")):
            store.modules.create("mcu", product="p1")
            published(store, shelf, "mcu", "1.0", description=text)
        made = plan(local(old), settings(server))
    assert item_of(made, "package p1/mcu/1.0").rules("blocker") == {"package.description.fixed"}
    assert item_of(made, "package p1/mcu/1.0").action == "conflict"


def test_texts_that_the_source_has_not_stay_as_they_are_there(old: Client, new: Client) -> None:
    old.modules.create("mcu", product="p1")
    new.modules.create("mcu", product="p1", alias="Main")
    made = plan(local(old), local(new))
    assert actions(made) == {"module p1/mcu": "adopt"}
    assert change_of(made, "module p1/mcu", "module.alias.kept").new == "Main"


def test_package_names_that_must_be_unique_are_told_apart_and_stay_so(
    old: Client, tuya: Server, shelf: Path, tmp_path: Path
) -> None:
    for name in ("mcu", "ble"):
        old.modules.create(name, product="p1")
        published(old, shelf, name, "1.0", name="firmware")
    first = plan(local(old), settings(tuya))
    found = {item.key: item.target["name"] for item in first.items if item.kind == "package"}
    assert len({*found.values()}) == 2
    assert all(name.startswith("firmware_") for name in found.values())
    carried(first, old, tuya.cloud, tmp_path / "carried")
    assert plan(local(old), settings(tuya)).counted() == {"adopt": 4}


def test_a_name_given_without_need_to_tell_apart_stays_when_a_rival_comes(
    old: Client, tuya: Server, shelf: Path, tmp_path: Path
) -> None:
    for name in ("mcu", "ble"):
        old.modules.create(name, product="p1")
    published(old, shelf, "mcu", "1.0", name="firmware")
    carried(plan(local(old), settings(tuya)), old, tuya.cloud, tmp_path / "carried")
    published(old, shelf, "ble", "1.0", name="firmware")
    made = plan(local(old), settings(tuya))
    assert actions(made) == {
        "module p1/ble": "adopt", "package p1/ble/1.0": "create",
        "module p1/mcu": "adopt", "package p1/mcu/1.0": "adopt",
    }  # fmt: skip


# --- built-in modules -------------------------------------------------------------------------------------------------


def test_a_built_in_module_becomes_its_twin_and_is_no_item(old: Client, shelf: Path) -> None:
    published(old, shelf, "@default", "1")
    with running("huawei") as server:
        made = plan(local(old), settings(server))
    assert item_of(made, "package p1/@default/1").target["module"] == "@firmware"
    assert len(made.items) == 1


def test_a_built_in_module_without_a_twin_is_unsupported_until_it_is_mapped(
    old: Client, tuya: Server, shelf: Path
) -> None:
    published(old, shelf, "@software", "1")
    made = plan(local(old), settings(tuya))
    assert item_of(made, "package p1/@software/1").rules("blocker") == {"module.builtin.absent"}
    mapped = plan(local(old), settings(tuya), mapping=read_mapping('[modules.p1]\n"@software" = "soft"'))
    assert actions(mapped) == {"module p1/@software": "create", "package p1/@software/1": "create"}


def test_a_module_may_be_mapped_onto_one_that_is_built_in(old: Client, tuya: Server, shelf: Path) -> None:
    old.modules.create("os", product="p1", alias="The system")
    published(old, shelf, "os", "1")
    made = plan(local(old), settings(tuya), mapping=read_mapping('[modules.p1]\nos = "@default"'))
    assert actions(made) == {"module p1/os": "adopt", "package p1/os/1": "create"}
    assert item_of(made, "module p1/os").rules("behaviour") == {"module.builtin.texts"}


def test_a_module_with_a_reserved_name_is_not_taken_for_a_built_in_one(old: Client, tuya: Server) -> None:
    old.modules.create("default", product="p1")
    made = plan(local(old), settings(tuya))
    assert item_of(made, "module p1/default").rules("blocker") == {"module.name.reserved"}


# --- what cannot be at all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"artifact_size": 3}, "artifact.size"),
        ({"artifacts": 0}, "artifact.count"),
        ({"kinds": ("delta",)}, "package.kind.unsupported"),
        ({"text": {"module.name": Text(max_length=2)}}, "module.name.length"),
        ({"text": {"product.id": Text(pattern="[0-9]+a?")}}, "product.id.characters"),
        ({"text": {"package.id": Text()}, "source_versions": 0}, "package.source_versions.none"),
    ],
)
def test_what_no_acceptance_can_make_possible_is_unsupported(
    old: Client, new: Client, shelf: Path, limits: dict[str, Any], rule: str
) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0", source_versions=["0.9"])
    found = item_of(plan(local(old), local(new), facts=limited(**limits)), "package p1/mcu/1.0")
    assert found.action == "unsupported"
    assert rule in found.rules("blocker")


@pytest.mark.parametrize("colour", COLOURS)
def test_a_product_that_the_destination_does_not_know_is_a_blocker(old: Client, shelf: Path, colour: str) -> None:
    stocked(old, shelf)
    with running("tuya", strict=True) as server:
        made = plan(local(old), settings(server), colour=colour)
    assert {*actions(made).values()} == {"unsupported"}
    assert {*made.blockers()[0].rules("blocker")} == {"product.missing"}


@pytest.mark.parametrize("missing", ["create_module", "create_package", "stage_artifact"])
def test_what_the_destination_cannot_do_is_told(old: Client, new: Client, shelf: Path, missing: str) -> None:
    def without(facts: Facts) -> Facts:
        known = dict(facts.capabilities)
        known[Capability(missing)] = replace(known[Capability(missing)], level=Level.UNSUPPORTED, note="never could")
        return replace(facts, capabilities=known)

    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0")
    found = item_of(plan(local(old), local(new), facts=without), "package p1/mcu/1.0")
    assert found.action == "unsupported"
    assert found.rules("blocker") == {f"capability.{missing}"}
    assert "never could" in found.words


def test_an_empty_file_is_unsupported_where_none_is_kept(old: Client, new: Client, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0", content=b"")
    made = plan(local(old), local(new), facts=limited(empty_artifacts=False))
    assert item_of(made, "package p1/mcu/1.0").rules("blocker") == {"artifact.empty"}


def test_the_destination_s_own_check_has_the_last_word(old: Client, aliyun: Server, shelf: Path) -> None:
    names = ["a" * 40 + ".bin", "b.bin"]
    files = []
    for name in names:
        (shelf / name).write_bytes(name.encode())
        files.append(old._runner.run(old._backend.stage_artifact(path=shelf / name, filename=name)))
    old.modules.create("mcu", product="p1")
    old.packages.create(product="p1", module="mcu", version="1", artifacts=files)
    made = plan(local(old), settings(aliyun))
    assert "artifact.name" in change_of(made, "package p1/mcu/1", "package.refused").words


def test_a_rejected_package_is_not_made_ready_without_a_word(old: Client, new: Client, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0", verify=True)
    found = item_of(plan(local(old), local(new)), "package p1/mcu/1.0")
    assert found.rules("behaviour") == {"package.status.reset"}
    assert item_of(plan(local(old), local(new), verify=True), found.key).rules("behaviour") == set()


# --- choices ----------------------------------------------------------------------------------------------------------


def test_what_the_mapping_leaves_out_is_skipped_with_all_below(old: Client, new: Client, shelf: Path) -> None:
    for name in ("mcu", "ble"):
        old.modules.create(name, product="p1")
        published(old, shelf, name, "1.0")
        published(old, shelf, name, "2.0")
    mapping = read_mapping('[modules.p1]\nble = false\n[versions.p1.mcu]\n"1.0" = false')
    found = actions(plan(local(old), local(new), mapping=mapping))
    assert {key for key, action in found.items() if action == "create"} == {"module p1/mcu", "package p1/mcu/2.0"}
    assert {*found.values()} == {"create", "skip"}


def test_a_renamed_version_is_renamed_among_source_versions(old: Client, new: Client, shelf: Path) -> None:
    old.modules.create("mcu", product="p1")
    published(old, shelf, "mcu", "1.0")
    published(old, shelf, "mcu", "1.1", source_versions=["1.0", "0.9"])
    made = plan(local(old), local(new), mapping=read_mapping('[versions.p1.mcu]\n"1.0" = "1.0-b"'))
    assert item_of(made, "package p1/mcu/1.1").target["source_versions"] == ["1.0-b", "0.9"]


def test_accepting_a_rule_that_there_is_not_is_refused_with_the_nearest_one(old: Client, new: Client) -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean count\.modules\?"):
        plan(local(old), local(new), accept=["count.module"])


def test_plugins_that_check_plans_add_to_its_items(old: Client, new: Client) -> None:
    old.modules.create("mcu", product="p1")

    def checks(made: MigrationPlan) -> list[PlanNote]:
        return [PlanNote(item=item.key, rule="acme.freeze", words="no changes in May") for item in made.items]

    made = plan(local(old), local(new), checks=checks)
    assert [item.key for item in made.blockers()] == ["module p1/mcu"]
    assert plan(local(old), local(new), checks=checks, accept=["acme.freeze"]).blockers() == []


def test_a_note_on_no_item_is_refused(old: Client, new: Client) -> None:
    note = PlanNote(item="module p1/none", rule="acme.freeze", words="no")
    with pytest.raises(ConfigurationError, match="module p1/none"):
        plan(local(old), local(new), checks=lambda _: [note])


def test_a_plan_writes_nothing(old: Client, cloud: Server, shelf: Path) -> None:
    stocked(old, shelf)
    plan(local(old), settings(cloud))
    assert [*cloud.cloud.modules.list(), *cloud.cloud.packages.list()] == []
    assert not [entry for entry in cloud.record.entries if entry.operation.startswith(("Create", "Update", "Delete"))]


def test_names_with_a_slash_have_keys_of_their_own(old: Client, new: Client) -> None:
    old.modules.create("b/c", product="a")
    old.modules.create("c", product="a/b")
    made = plan(local(old), local(new))
    assert {*actions(made)} == {"module a/b%2Fc", "module a%2Fb/c"}


# --- plugins and scale ------------------------------------------------------------------------------------------------

FREEZE = """
from otabridge.hookspecs import PlanNote
from otabridge.plugin import hookimpl

@hookimpl
def otabridge_check_plan(plan):
    items = [item for item in plan.items if item.action == "create"]
    return [PlanNote(item=item.key, rule="freeze.may", words="no changes in May") for item in items] or None
"""


@pytest.fixture
def observer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a plugin of the group of observers, by its source."""

    def install(text: str) -> None:
        (tmp_path / "plan_checker.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "plan_checker", raising=False)
        point = EntryPoint(name="checker", value="plan_checker", group=registry.OBSERVERS)
        installed = {**registry._installed(), registry.OBSERVERS: (point,)}
        monkeypatch.setattr(registry, "_installed", lambda: installed)

    return install


def test_an_installed_plugin_is_asked_about_every_plan(
    old: Client, new: Client, observer: Callable[[str], None]
) -> None:
    observer(FREEZE)
    old.modules.create("mcu", product="p1")
    made = plan(local(old), local(new), checks=plugin_checks)
    found = change_of(made, "module p1/mcu", "freeze.may")
    assert (found.severity, found.words) == ("blocker", "no changes in May")
    assert made.blockers() == [*made.items]
    new.modules.create("mcu", product="p1")
    assert plan(local(old), local(new), checks=plugin_checks).blockers() == []


def test_a_plugin_that_fails_to_check_lets_no_plan_pass(
    old: Client, new: Client, observer: Callable[[str], None]
) -> None:
    observer("from otabridge.plugin import hookimpl\n@hookimpl\ndef otabridge_check_plan(plan):\n    return 1 / 0\n")
    with pytest.raises(PluginLoadError, match="ZeroDivisionError"):
        plan(local(old), local(new), checks=plugin_checks)


@pytest.mark.parametrize(("packages", "modules"), [(10_000, 10) if FULL else (300, 10)])
def test_a_large_store_is_planned_whole(old: Client, shelf: Path, tmp_path: Path, packages: int, modules: int) -> None:
    (shelf / "app.bin").write_bytes(b"all alike")
    for number in range(modules):
        old.modules.create(f"m{number}", product="p1")
    published(old, shelf, "m0", "0")
    (artifact,) = next(iter(old.packages.list())).artifacts
    for number in range(1, packages):
        old.packages.create(product="p1", module=f"m{number % modules}", version=str(number), artifacts=[artifact])
    with running("huawei") as server:
        made = plan(local(old), settings(server))
    assert made.counted() == {"create": packages + modules}
    assert MigrationPlan.from_json(made.to_json()) == made
