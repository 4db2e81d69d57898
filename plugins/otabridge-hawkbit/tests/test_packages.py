"""Packages are software modules, their artifacts and notes: what is made and deleted, looked at by plain REST."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from clients import Used
from hawkbit_server import Server
from looking import digest, files, noted, row, rows
from players import Operator, refusal

from otabridge import Artifact, ConflictError, FileLocation, NotFoundError, ValidationError

GONE = (404, "repo.entityNotFound")
NOTES = {"kind": "delta", "source_versions": ("1.0", 'a"b\\é😀'), "name": "Spring 主", "custom_info": '{"a": "é😀"}'}
HARD = (
    "1.0~é主😀",
    "a b",
    "a*b",
    "*",
    "a\\b",
    "\\",
    "a\\*b",
    "a'b",
    'a"b',
    "a%b_c",
    "a/b",
    "?&#=+;",
    "(a,b);c==d",
    "null",
    "1.0",
    "tab\tin",
    "..",
)


@pytest.fixture
def product(operator: Operator) -> str:
    """A product of the mode `prefix` that nobody else has, with a module `mcu`."""
    operator.type(f"{operator.prefix}.mcu")
    return operator.prefix


# --- what is made -----------------------------------------------------------------------------------------------------


def test_a_published_package_is_a_software_module_with_its_file(
    prefixed: Used, operator: Operator, product: str, firmware: Path
) -> None:
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="2.1", description="é 😀")
    kept = row(operator, made)
    assert (kept["name"], kept["type"], kept["version"]) == (f"{product}.mcu", f"{product}.mcu", "2.1")
    assert (kept["description"], made.description) == ("é 😀", "é 😀")
    assert files(operator, made) == {"app.bin": digest(firmware)}


def test_a_plain_package_has_no_notes(prefixed: Used, operator: Operator, product: str) -> None:
    made = prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[])
    assert noted(operator, made) == {}


def test_what_the_server_has_no_place_for_is_noted_where_anybody_can_read_it(
    prefixed: Used, operator: Operator, product: str, firmware: Path
) -> None:
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="2.1", **NOTES)
    told = noted(operator, made)
    assert json.loads(told.pop("otabridge.source_versions")) == list(NOTES["source_versions"])
    assert told == {f"otabridge.{word}": NOTES[word] for word in ("kind", "name", "custom_info")}


def test_devices_do_not_see_the_notes(prefixed: Used, operator: Operator, product: str) -> None:
    made = prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[], **NOTES)
    entries = operator.get(f"/softwaremodules/{made.id}/metadata")["content"]
    assert {entry["targetVisible"] for entry in entries} == {False}


def test_a_package_is_read_as_it_was_published(prefixed: Used, product: str, firmware: Path) -> None:
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="2.1", **NOTES)
    assert {word: getattr(made, word) for word in NOTES} == NOTES
    assert prefixed.packages.get(made.id) == made
    (artifact,) = made.artifacts
    assert (artifact.name, artifact.size, artifact.checksum.hex) == ("app.bin", *digest(firmware))


def test_a_list_tells_the_notes_too(prefixed: Used, product: str) -> None:
    prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[], **NOTES)
    (listed,) = prefixed.packages.list(product=product)
    assert {word: getattr(listed, word) for word in NOTES} == NOTES


def test_versions_of_every_kind_are_published_found_and_deleted(
    prefixed: Used, operator: Operator, product: str
) -> None:
    made = [prefixed.packages.create(product=product, module="mcu", version=text, artifacts=[]).id for text in HARD]
    assert {kept["version"] for kept in rows(operator, product)} == set(HARD)
    found = [prefixed.packages.list(product=product, module="mcu", version=text) for text in HARD]
    assert [[package.id for package in each] for each in found] == [[each] for each in made]
    assert [package.version for package in prefixed.packages.list(product=product)] == list(HARD)
    for each in made:
        prefixed.packages.delete(each)
    assert rows(operator, product) == []


def test_versions_that_differ_in_case_are_two(prefixed: Used, product: str, own_server: Server) -> None:
    made = {
        text: prefixed.packages.create(product=product, module="mcu", version=text, artifacts=[]).id
        for text in ("rc", "RC")
    }
    assert made["rc"] != made["RC"]
    found = {text: prefixed.packages.list(product=product, version=text) for text in made}
    assert {text: [package.id for package in each] for text, each in found.items()} == {t: [i] for t, i in made.items()}


LONGEST = [("version", 64), ("name", 128), ("description", 512), ("custom_info", 4000), ("source_versions", 64)]


def text_of(letter: str, most: int) -> str:
    """The longest text of one letter, as the server counts."""
    return letter * (most // (len(letter.encode("utf-16-le")) // 2))


def of_length(field: str, text: str) -> dict[str, Any]:
    return {"version": "1", "artifacts": [], field: (text,) if field == "source_versions" else text}


@pytest.mark.parametrize(("field", "most"), LONGEST)
@pytest.mark.parametrize("letter", ["x", "😀"])
def test_a_text_may_be_as_long_as_the_server_keeps_it(
    prefixed: Used, operator: Operator, product: str, field: str, most: int, letter: str
) -> None:
    text = text_of(letter, most)
    made = prefixed.packages.create(product=product, module="mcu", **of_length(field, text))
    assert getattr(prefixed.packages.get(made.id), field) == ((text,) if field == "source_versions" else text)
    assert text in f"{row(operator, made)} {noted(operator, made)}"


@pytest.mark.parametrize(("field", "most"), LONGEST)
@pytest.mark.parametrize("letter", ["x", "😀"])
def test_a_longer_text_is_refused_before_anything_is_sent(
    prefixed: Used, operator: Operator, product: str, field: str, most: int, letter: str
) -> None:
    with pytest.raises(ValidationError, match=f"at most {most}") as caught:
        prefixed.packages.create(product=product, module="mcu", **of_length(field, text_of(letter, most) + "x"))
    assert caught.value.field == f"package.{field}"
    assert rows(operator, product) == []


def test_as_many_source_versions_as_are_promised_are_kept(prefixed: Used, product: str) -> None:
    sources = tuple(f"{number:02}{'é' * 62}" for number in range(50))
    made = prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[], source_versions=sources)
    assert prefixed.packages.get(made.id).source_versions == sources


def test_source_versions_that_no_note_holds_are_refused_before_anything_is_sent(
    prefixed: Used, operator: Operator, product: str
) -> None:
    sources = tuple(f"{number:02}{chr(34) * 62}" for number in range(50))
    with pytest.raises(ValidationError, match="source_versions"):
        prefixed.packages.create(product=product, module="mcu", version="1", artifacts=[], source_versions=sources)
    assert rows(operator, product) == []


@pytest.mark.parametrize("text", [" 1", "1\n", "\u2003"])
@pytest.mark.parametrize("field", ["version", "custom_info", "name", "source_versions"])
def test_white_space_that_the_server_would_cut_off_is_refused(
    prefixed: Used, operator: Operator, product: str, field: str, text: str
) -> None:
    with pytest.raises(ValidationError, match="cuts off"):
        prefixed.packages.create(product=product, module="mcu", **of_length(field, text))
    assert rows(operator, product) == []


def test_a_package_may_have_several_files(prefixed: Used, operator: Operator, product: str, tmp_path: Path) -> None:
    given = {"a.bin": b"one", "é中 1;\"'.bin": b"two"}
    for name, data in given.items():
        tmp_path.joinpath(name).write_bytes(data)
    artifacts = [Artifact(name=name, location=FileLocation(path=tmp_path / name)) for name in given]
    made = prefixed.packages.create(product=product, module="mcu", version="1", artifacts=artifacts)
    assert files(operator, made) == {name: digest(tmp_path / name) for name in given}
    paths = prefixed.packages.download(made.id, tmp_path / "out")
    assert sorted(path.read_bytes() for path in paths) == [b"one", b"two"]


def test_an_empty_file_is_refused_before_anything_is_sent(
    prefixed: Used, operator: Operator, product: str, firmware: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.bin"
    empty.write_bytes(b"")
    artifacts = [Artifact(name=path.name, location=FileLocation(path=path)) for path in (firmware, empty)]
    with pytest.raises(ValidationError, match="at least 1 byte"):
        prefixed.packages.create(product=product, module="mcu", version="1", artifacts=artifacts)
    with pytest.raises(ValidationError, match="at least 1 byte"):
        prefixed.packages.publish(empty, product=product, module="mcu", version="1")
    assert rows(operator, product) == []


@pytest.mark.skipif(os.name == "nt", reason="no file can be called so")
def test_a_file_name_that_the_server_refuses_is_refused_before_anything_is_sent(
    prefixed: Used, operator: Operator, product: str, tmp_path: Path
) -> None:
    odd = tmp_path / "a<b.bin"
    odd.write_bytes(b"1")
    with pytest.raises(ValidationError, match="no < or >"):
        prefixed.packages.publish(odd, product=product, module="mcu", version="1")
    assert rows(operator, product) == []


def test_a_package_of_an_unknown_module_is_refused_and_makes_nothing(
    prefixed: Used, operator: Operator, product: str, firmware: Path
) -> None:
    with pytest.raises(NotFoundError, match="none"):
        prefixed.packages.publish(firmware, product=product, module="none", version="1")
    listed = operator.get("/softwaremoduletypes", limit=500)["content"]
    assert [kept["key"] for kept in listed if kept["key"].startswith(product)] == [f"{product}.mcu"]


# --- what is deleted --------------------------------------------------------------------------------------------------


def test_a_deleted_package_is_gone_and_its_version_free(prefixed: Used, operator: Operator, product: str) -> None:
    given: dict[str, Any] = {"product": product, "module": "mcu", "version": "1", "artifacts": []}
    made = prefixed.packages.create(**given)
    prefixed.packages.delete(made.id)
    assert refusal(operator.ask("GET", f"/softwaremodules/{made.id}")) == GONE
    assert prefixed.packages.create(**given).id != made.id


@pytest.fixture
def assigned(operator: Operator, product: str) -> dict[str, Any]:
    """A software module that a set has, and a device shall install."""
    made = operator.module(f"{product}.mcu", "1")
    operator.upload(made["id"], f"{product} bytes".encode())
    operator.targets(operator.name("device"))
    operator.assign(operator.set_of(made), operator.name("device"))
    return made


def test_a_package_in_use_is_deleted_softly_or_locked(
    prefixed: Used, operator: Operator, assigned: dict[str, Any]
) -> None:
    refused = None
    try:
        prefixed.packages.delete(str(assigned["id"]))
    except ConflictError as error:
        refused = error
    assert operator.get(f"/softwaremodules/{assigned['id']}")["deleted"] is (refused is None)
    assert refused is None or (refused.status == 423 and "set" in refused.message)


@pytest.fixture
def buried(prefixed: Used, own_server: Server, assigned: dict[str, Any]) -> dict[str, Any]:
    """One that was deleted softly, as the old server does."""
    prefixed.packages.delete(str(assigned["id"]))
    return assigned


def test_a_softly_deleted_package_is_in_no_list(prefixed: Used, product: str, buried: dict[str, Any]) -> None:
    asked: list[dict[str, str]] = [{}, {"product": product}, {"product": product, "module": "mcu"}, {"version": "1"}]
    for words in asked:
        assert str(buried["id"]) not in {package.id for package in prefixed.packages.list(**words)}


def test_a_softly_deleted_package_is_not_found(prefixed: Used, tmp_path: Path, buried: dict[str, Any]) -> None:
    found = str(buried["id"])
    calls = prefixed.packages
    for call, more in (
        (calls.get, {}),
        (calls.delete, {}),
        (calls.update, {"name": "n"}),
        (calls.download, {"folder": tmp_path}),
    ):
        with pytest.raises(NotFoundError, match="no package"):
            call(found, **more)


def test_the_version_of_a_softly_deleted_package_stays_taken_and_a_client_says_why(
    prefixed: Used, operator: Operator, product: str, firmware: Path, buried: dict[str, Any]
) -> None:
    with pytest.raises(ConflictError, match=r"deleted.*another version"):
        prefixed.packages.publish(firmware, product=product, module="mcu", version="1")
    assert len(operator.get(f"/softwaremodules/{buried['id']}/artifacts")) == 1


def test_a_package_beside_a_softly_deleted_one_is_listed(
    prefixed: Used, product: str, firmware: Path, buried: dict[str, Any]
) -> None:
    made = prefixed.packages.publish(firmware, product=product, module="mcu", version="2")
    listed = prefixed.packages.list(product=product, module="mcu", page_size=1)
    assert [package.id for package in listed] == [made.id]


def test_a_module_may_be_deleted_when_only_softly_deleted_packages_are_left(
    prefixed: Used, operator: Operator, product: str, buried: dict[str, Any]
) -> None:
    prefixed.modules.delete("mcu", product=product)
    assert prefixed.modules.list(product=product) == []
