"""Packages that are there already: completed, changed, found and fetched, looked at by plain REST."""

from pathlib import Path
from typing import Any

import pytest
from clients import Used
from hawkbit_server import Hawkbit
from looking import digest, files, noted, row, rows
from players import Operator

from otabridge import (
    ConflictError,
    NotFoundError,
    UnsupportedError,
    ValidationError,
)

GONE = (404, "repo.entityNotFound")
NOTES = {"kind": "delta", "source_versions": ("1.0", 'a"b\\é😀'), "name": "Spring 主", "custom_info": '{"a": "é😀"}'}


@pytest.fixture
def product(operator: Operator) -> str:
    """A product of the mode `prefix` that nobody else has, with a module `mcu`."""
    operator.type(f"{operator.prefix}.mcu")
    return operator.prefix


# --- what is there already --------------------------------------------------------------------------------------------


def test_publishing_the_same_again_says_that_nothing_is_left_to_do(
    prefixed: Used, operator: Operator, product: str, firmware: Path
) -> None:
    given = {"product": product, "module": "mcu", "version": "1", **NOTES}
    made = prefixed.packages.publish(firmware, **given)
    with pytest.raises(ConflictError, match="the same"):
        prefixed.packages.publish(firmware, **given)
    assert [str(kept["id"]) for kept in rows(operator, product)] == [made.id]


OTHER: list[dict[str, Any]] = [
    {"custom_info": "other"},
    {"description": "other"},
    {"source_versions": ("0.8",)},
    {"name": "other"},
]


@pytest.mark.parametrize("change", [*OTHER, {"bytes": b"other"}], ids=lambda change: next(iter(change)))
def test_publishing_another_package_of_the_version_changes_nothing(
    prefixed: Used, operator: Operator, product: str, firmware: Path, change: dict[str, Any]
) -> None:
    given = {"product": product, "module": "mcu", "version": "1", "source_versions": ("0.9",), "custom_info": "one"}
    made = prefixed.packages.publish(firmware, **given)
    before = row(operator, made), noted(operator, made), files(operator, made)
    firmware.write_bytes(change.get("bytes", firmware.read_bytes()))
    with pytest.raises(ConflictError, match="another one"):
        prefixed.packages.publish(firmware, **given | {word: v for word, v in change.items() if word != "bytes"})
    assert (row(operator, made), noted(operator, made), files(operator, made)) == before


def test_a_package_that_was_left_half_made_is_completed(
    prefixed: Used, operator: Operator, product: str, firmware: Path
) -> None:
    half = operator.module(f"{product}.mcu", "1", vendor="otabridge")
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="1", **NOTES)
    assert made.id == str(half["id"])
    assert (len(noted(operator, made)), files(operator, made)) == (4, {"app.bin": digest(firmware)})
    (listed,) = prefixed.packages.list(product=product)
    assert {word: getattr(listed, word) for word in NOTES} == NOTES


def test_a_package_made_by_hand_without_a_file_gets_one_but_no_notes(
    prefixed: Used, operator: Operator, product: str, firmware: Path
) -> None:
    half = operator.module(f"{product}.mcu", "1")
    with pytest.raises(ConflictError, match="another one"):
        prefixed.packages.publish(firmware, product=product, module="mcu", version="1", **NOTES)
    assert files(operator, prefixed.packages.get(str(half["id"]))) == {}
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="1")
    assert (made.id, files(operator, made)) == (str(half["id"]), {"app.bin": digest(firmware)})


def test_a_package_made_by_hand_is_told_as_it_is(
    prefixed: Used, operator: Operator, product: str, tmp_path: Path
) -> None:
    made = operator.module(f"{product}.mcu", "7", name=operator.name("by hand"), vendor="ACME", description="d")
    for name in ("a.bin", "b.bin"):
        operator.upload(made["id"], f"{product} {name}".encode(), filename=name)
    (listed,) = prefixed.packages.list(product=product)
    found = prefixed.packages.get(listed.id)
    assert (listed.id, listed.version, listed.name, listed.description) == (str(made["id"]), "7", made["name"], "d")
    assert (found.kind, found.source_versions, found.custom_info) == ("full", (), None)
    assert [artifact.name for artifact in found.artifacts] == ["a.bin", "b.bin"]
    paths = prefixed.packages.download(found.id, tmp_path)
    assert [path.read_bytes() for path in paths] == [f"{product} {name}".encode() for name in ("a.bin", "b.bin")]


def test_two_packages_made_by_hand_may_share_a_version(prefixed: Used, operator: Operator, product: str) -> None:
    made = [operator.module(f"{product}.mcu", "7", name=operator.name(name))["id"] for name in "ab"]
    listed = prefixed.packages.list(product=product, module="mcu", version="7")
    assert [package.id for package in listed] == [str(each) for each in made]


@pytest.mark.parametrize("value", ["no json", '{"a": 1}', "[1, 2]", '"text"', "7"])
def test_a_note_that_somebody_wrote_by_hand_breaks_nothing(
    prefixed: Used, operator: Operator, product: str, value: str
) -> None:
    made = operator.module(f"{product}.mcu", "7", vendor="otabridge")
    notes = [{"key": f"otabridge.{word}", "value": value} for word in ("source_versions", "kind", "x")]
    operator.ask("POST", f"/softwaremodules/{made['id']}/metadata", json=notes)
    (listed,) = prefixed.packages.list(product=product)
    assert (listed.id, listed.kind) == (str(made["id"]), "full")
    assert all(isinstance(source, str) for source in listed.source_versions)


# --- what is changed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notes", [{}, NOTES], ids=["without notes", "with notes"])
def test_a_package_is_changed_in_part(prefixed: Used, operator: Operator, product: str, notes: dict[str, Any]) -> None:
    made = prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[], description="d", **notes)
    changed = prefixed.packages.update(made.id, custom_info="new é😀")
    assert (changed.custom_info, changed.name, changed.description) == ("new é😀", made.name, "d")
    assert noted(operator, made)["otabridge.custom_info"] == "new é😀"
    assert prefixed.packages.list(product=product)[0].custom_info == "new é😀"


def test_a_description_is_changed_alone(prefixed: Used, operator: Operator, product: str) -> None:
    made = prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[], **NOTES)
    before = noted(operator, made)
    changed = prefixed.packages.update(made.id, description="new")
    assert (row(operator, made)["description"], changed.description) == ("new", "new")
    assert noted(operator, made) == before


def test_the_maker_of_a_package_made_by_hand_is_kept(prefixed: Used, operator: Operator, product: str) -> None:
    made = operator.module(f"{product}.mcu", "7", vendor="ACME")
    changed = prefixed.packages.update(str(made["id"]), custom_info="new")
    assert row(operator, changed)["vendor"] == "ACME"
    assert (changed.custom_info, prefixed.packages.list(product=product)[0].custom_info) == ("new", None)


# --- what is found ----------------------------------------------------------------------------------------------------


def test_a_list_is_of_a_product_a_module_or_a_version(prefixed: Used, operator: Operator, product: str) -> None:
    operator.type(f"{product}.ble")
    operator.type(f"{product}x.mcu")
    named = [(product, "mcu", "1"), (product, "mcu", "2"), (product, "ble", "1"), (f"{product}x", "mcu", "1")]
    for each, module, version in named:
        operator.module(f"{each}.{module}", version)

    def found(**words: str) -> list[tuple[str, str, str]]:
        listed = prefixed.packages.list(**words)
        return [(p.product, p.module, p.version) for p in listed if p.product.startswith(product)]

    assert found() == named
    assert found(product=product) == named[:3]
    assert found(product=product, module="mcu") == named[:2]
    assert found(module="mcu") == [named[0], named[1], named[3]]
    assert found(version="1") == [named[0], named[2], named[3]]
    assert found(product=product, module="ble", version="1") == [named[2]]


def test_small_pages_show_every_package_once_in_order(prefixed: Used, operator: Operator, product: str) -> None:
    made = [str(operator.module(f"{product}.mcu", str(number))["id"]) for number in range(7)]
    listed = prefixed.packages.list(product=product, module="mcu", page_size=3)
    assert [package.id for package in listed] == made


def test_a_row_that_is_made_while_a_list_is_read_does_not_end_it(
    prefixed: Used, operator: Operator, product: str
) -> None:
    made = [str(operator.module(f"{product}.mcu", str(number))["id"]) for number in range(4)]
    asked = {"product": product, "module": "mcu", "page_size": 2}
    first = prefixed.do(lambda client: client.packages.list(**asked).first_page())
    made.append(str(operator.module(f"{product}.mcu", "late")["id"]))
    rest = prefixed.packages.list(**asked, cursor=first.cursor)
    assert [package.id for package in (*first.items, *rest)] == made


@pytest.mark.parametrize("found", ["999999999", "0"])
def test_a_package_that_is_not_there_is_not_found(prefixed: Used, found: str) -> None:
    for call in (prefixed.packages.get, prefixed.packages.delete):
        with pytest.raises(NotFoundError):
            call(found)
    with pytest.raises(NotFoundError):
        prefixed.packages.update(found, name="n")


def test_an_id_that_is_no_number_is_refused_before_anything_is_sent(prefixed: Used) -> None:
    with pytest.raises(ValidationError, match="digits only"):
        prefixed.packages.get("../targets")


@pytest.mark.parametrize("spelling", ["@firmware", "os"])
def test_firmware_of_a_tenant_is_of_the_type_os(
    cloud: Used, operator: Operator, hawkbit: Hawkbit, spelling: str
) -> None:
    version = operator.name()
    made = cloud.packages.create(product=hawkbit.tenant, module=spelling, version=version, artifacts=[])
    operator.made["softwaremodules"].add(made.id)
    assert (made.module, row(operator, made)["type"], row(operator, made)["name"]) == ("@firmware", "os", "os")
    assert [p.id for p in cloud.packages.list(product=hawkbit.tenant, module=spelling, version=version)] == [made.id]


@pytest.mark.parametrize("spelling", ["@firmware", "os"])
def test_with_prefixes_the_type_of_firmware_is_made_when_it_is_needed(
    prefixed: Used, operator: Operator, product: str, spelling: str
) -> None:
    made = [
        prefixed.packages.create(product=product, module=spelling, version=version, artifacts=[]) for version in "12"
    ]
    assert {row(operator, package)["type"] for package in made} == {f"{product}.os"}
    assert [p.module for p in prefixed.packages.list(product=product, module=spelling)] == ["@firmware"] * 2
    assert [module.name for module in prefixed.modules.list(product=product)] == ["mcu", "@firmware"]


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_equal_bytes_of_two_packages_outlive_one_of_them(
    prefixed: Used, product: str, firmware: Path, tmp_path: Path
) -> None:
    one, other = (
        prefixed.packages.publish(firmware, product=product, module="mcu", version=version) for version in "12"
    )
    prefixed.packages.delete(one.id)
    (path,) = prefixed.packages.download(other.id, tmp_path / "out")
    assert path.read_bytes() == firmware.read_bytes()


def test_an_artifact_of_another_server_is_not_asked_for(
    prefixed: Used, clouds: Any, hawkbit: Hawkbit, product: str, firmware: Path, tmp_path: Path
) -> None:
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="1")
    stranger = clouds.of(hawkbit, endpoint="http://127.0.0.1:9")
    artifact, folder = made.artifacts[0], tmp_path / "out"
    with pytest.raises(UnsupportedError):
        stranger.do(lambda client: client._runner.run(client._backend.open_artifact(artifact=artifact, folder=folder)))
    assert not folder.exists()
