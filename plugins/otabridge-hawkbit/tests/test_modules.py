"""Modules are software module types: each test looks by plain REST at what a client did."""

from typing import Any

import pytest
from clients import Used
from hawkbit_server import Hawkbit, Server
from looking import kind, kinds
from players import Operator, refusal

from otabridge import ConflictError, NotFoundError, UnsupportedError, ValidationError

GONE = (404, "repo.entityNotFound")
HARD = (
    "a b",
    "a*b",
    "*",
    "a\\b",
    "\\",
    "a'b",
    'a"b',
    "a%b_c",
    "a/b",
    "?&#=+",
    "(a,b);c==d",
    "p1.mcu.x",
    "é中😀",
    "tab\tin",
    "null",
    ".",
)


def path(module: Any) -> str:
    return f"/softwaremoduletypes/{module.id}"


# --- what is made -----------------------------------------------------------------------------------------------------


def test_a_module_is_a_type_of_which_a_set_has_one(cloud: Used, operator: Operator, tenant: str) -> None:
    name = operator.name()
    made = cloud.modules.create(name, product=tenant)
    row = kind(operator, name)
    assert (row["key"], row["name"], row["maxAssignments"], row.get("description")) == (name, name, 1, None)
    assert (made.id, made.product, made.name, made.alias) == (str(row["id"]), tenant, name, None)


def test_alias_and_description_are_the_types_name_and_description(cloud: Used, operator: Operator, tenant: str) -> None:
    name, alias = operator.name(), operator.name("主控 é😀")
    made = cloud.modules.create(name, product=tenant, alias=alias, description="50% ~*'\"\\ 😀")
    row = kind(operator, name)
    assert (row["name"], row["description"]) == (alias, "50% ~*'\"\\ 😀")
    assert (made.alias, made.description) == (row["name"], row["description"])
    assert cloud.modules.get(name, product=tenant) == made


def test_with_prefixes_the_key_begins_with_the_product(prefixed: Used, operator: Operator, product: str) -> None:
    made = prefixed.modules.create("mcu", product=product)
    assert kind(operator, f"{product}.mcu")["id"] == int(made.id)
    assert (made.product, made.name) == (product, "mcu")


def test_names_of_every_kind_are_made_found_and_deleted(prefixed: Used, operator: Operator, product: str) -> None:
    for name in HARD:
        prefixed.modules.create(name, product=product)
    assert {row["key"] for row in kinds(operator)} >= {f"{product}.{name}" for name in HARD}
    found = {name: prefixed.modules.get(name, product=product).name for name in HARD}
    assert found == {name: name for name in HARD}
    assert [module.name for module in prefixed.modules.list(product=product)] == list(HARD)
    for name in HARD:
        prefixed.modules.delete(name, product=product)
    assert [row["key"] for row in kinds(operator) if row["key"].startswith(product)] == []


def test_names_that_differ_in_case_are_two(
    prefixed: Used, operator: Operator, product: str, own_server: Server
) -> None:
    made = {name: prefixed.modules.create(name, product=product).id for name in ("a", "A")}
    assert {name: prefixed.modules.get(name, product=product).id for name in made} == made
    prefixed.modules.delete("A", product=product)
    assert [row["key"] for row in kinds(operator) if row["key"].startswith(product)] == [f"{product}.a"]


LONGEST = [("name", 64), ("alias", 64), ("description", 512)]


@pytest.mark.parametrize(("field", "most"), LONGEST)
@pytest.mark.parametrize("letter", ["x", "😀"])
def test_a_text_may_be_as_long_as_the_server_keeps_it(
    cloud: Used, operator: Operator, tenant: str, field: str, most: int, letter: str
) -> None:
    start = operator.name("")
    text = start + letter * ((most - len(start)) // len(letter.encode("utf-16-le")) * 2)
    texts = {"name": operator.name(), field: text}
    cloud.modules.create(texts.pop("name"), product=tenant, **texts)
    known = {"name": "key", "alias": "name"}.get(field, field)
    assert [row[known] for row in kinds(operator) if row.get(known) == text] == [text]


@pytest.mark.parametrize(("field", "most"), LONGEST)
@pytest.mark.parametrize("letter", ["x", "😀"])
def test_a_longer_text_is_refused_before_anything_is_sent(
    cloud: Used, operator: Operator, tenant: str, field: str, most: int, letter: str
) -> None:
    texts = {"name": operator.name(), field: operator.prefix + letter * (most - len(operator.prefix) + 1)}
    with pytest.raises(ValidationError, match=f"at most {most}") as caught:
        cloud.modules.create(texts.pop("name"), product=tenant, **texts)
    assert caught.value.field == f"module.{field}"
    assert [row for row in kinds(operator) if operator.prefix in row["key"]] == []


def test_a_name_that_its_product_makes_too_long_is_refused(prefixed: Used, operator: Operator, product: str) -> None:
    longest = "n" * (63 - len(product))
    assert prefixed.modules.create(longest, product=product).name == longest
    with pytest.raises(ValidationError, match="with its product"):
        prefixed.modules.create(f"{longest}n", product=product)
    assert [row["key"] for row in kinds(operator) if row["key"].startswith(product)] == [f"{product}.{longest}"]


@pytest.mark.parametrize("name", [" mcu", "mcu\n", "\u2003mcu", " "])
def test_white_space_that_the_server_would_cut_off_is_refused(
    prefixed: Used, operator: Operator, product: str, name: str
) -> None:
    with pytest.raises(ValidationError, match="cuts off"):
        prefixed.modules.create(name, product=product)
    assert [row for row in kinds(operator) if row["key"].startswith(product)] == []


def test_a_letter_that_no_search_finds_is_no_trap(prefixed: Used, operator: Operator, product: str) -> None:
    try:
        prefixed.modules.create("İ", product=product)
    except ValidationError:
        assert [row for row in kinds(operator) if row["key"].startswith(product)] == []
    else:
        assert prefixed.modules.get("İ", product=product).name == "İ"


# --- what stands in the way -------------------------------------------------------------------------------------------


def test_a_name_is_taken_once(cloud: Used, operator: Operator, tenant: str) -> None:
    name = operator.type()["key"]
    with pytest.raises(ConflictError, match="already"):
        cloud.modules.create(name, product=tenant)


@pytest.mark.parametrize("theirs", ["an alias", "a name"])
def test_a_taken_alias_is_told_as_such(cloud: Used, operator: Operator, tenant: str, theirs: str) -> None:
    other = operator.type(name=operator.name()) if theirs == "an alias" else operator.type()
    name = operator.name()
    with pytest.raises(ConflictError, match="choose another alias"):
        cloud.modules.create(name, product=tenant, alias=other["name"])
    assert [row for row in kinds(operator) if row["key"] == name] == []


def test_a_module_of_the_same_name_in_another_product_is_another_one(
    prefixed: Used, operator: Operator, product: str
) -> None:
    for each in (product, f"{product}b"):
        prefixed.modules.create("mcu", product=each)
    prefixed.modules.delete("mcu", product=f"{product}b")
    assert [row["key"] for row in kinds(operator) if row["key"].startswith(product)] == [f"{product}.mcu"]


# --- what is changed --------------------------------------------------------------------------------------------------


def test_an_alias_never_changes_and_a_client_says_so(cloud: Used, operator: Operator, tenant: str) -> None:
    made = operator.type(name=operator.name())
    with pytest.raises(UnsupportedError, match="alias"):
        cloud.modules.update(made["key"], product=tenant, alias="other", description="new")
    row = kind(operator, made["key"])
    assert (row["name"], row.get("description")) == (made["name"], None)


def test_the_alias_that_it_has_already_may_be_given(cloud: Used, operator: Operator, tenant: str) -> None:
    made = operator.type(name=operator.name())
    cloud.modules.update(made["key"], product=tenant, alias=made["name"], description="new")
    assert kind(operator, made["key"])["description"] == "new"


@pytest.mark.parametrize("text", ["é中😀 ~*'", ""])
def test_a_description_is_changed_and_cleared(cloud: Used, operator: Operator, tenant: str, text: str) -> None:
    made = operator.type(description="old")
    changed = cloud.modules.update(made["key"], product=tenant, description=text)
    assert (kind(operator, made["key"])["description"], changed.description) == (text, text or None)


# --- what is deleted --------------------------------------------------------------------------------------------------


def test_a_deleted_module_is_gone_and_its_name_is_free(cloud: Used, operator: Operator, tenant: str) -> None:
    made = cloud.modules.create(operator.name(), product=tenant)
    cloud.modules.delete(made.name, product=tenant)
    assert refusal(operator.ask("GET", path(made))) == GONE
    assert cloud.modules.create(made.name, product=tenant).id != made.id


def test_a_module_with_packages_is_not_deleted(cloud: Used, operator: Operator, tenant: str) -> None:
    key = operator.type()["key"]
    operator.module(key, "1")
    with pytest.raises(ConflictError, match="delete them first"):
        cloud.modules.delete(key, product=tenant)
    assert kind(operator, key)["deleted"] is False


@pytest.fixture
def buried(cloud: Used, operator: Operator, tenant: str) -> dict[str, Any]:
    """A type that was deleted, by the client, while a type of sets named it."""
    made = operator.type(operator.name())
    operator.set_of(made | {"type": made["key"], "id": operator.module(made["key"], "1")["id"]})
    (module,) = cloud.packages.list(product=tenant, module=made["key"])
    operator.ask("DELETE", f"/distributionsets/{max(map(int, operator.made['distributionsets']))}")
    cloud.packages.delete(module.id)
    cloud.modules.delete(made["key"], product=tenant)
    row: dict[str, Any] = operator.get(f"/softwaremoduletypes/{made['id']}")
    assert row["deleted"] is True
    return row


def test_a_type_that_was_deleted_softly_is_no_module(
    cloud: Used, operator: Operator, tenant: str, buried: dict[str, Any]
) -> None:
    for asked in ({"name": buried["key"], "product": tenant}, {"id": str(buried["id"])}):
        with pytest.raises(NotFoundError, match="no module"):
            cloud.modules.get(**asked)
    assert buried["key"] not in {module.name for module in cloud.modules.list(product=tenant)}


def test_the_name_of_a_softly_deleted_type_stays_taken_and_a_client_says_why(
    cloud: Used, tenant: str, buried: dict[str, Any]
) -> None:
    with pytest.raises(ConflictError, match="deleted while it was in use"):
        cloud.modules.create(buried["key"], product=tenant)


def test_deleting_a_softly_deleted_module_again_finds_none(cloud: Used, tenant: str, buried: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError):
        cloud.modules.delete(buried["key"], product=tenant)


# --- what is found ----------------------------------------------------------------------------------------------------


def test_a_type_made_by_hand_is_a_module_with_an_alias(cloud: Used, operator: Operator, tenant: str) -> None:
    made = operator.type(name=operator.name("by hand"), maxAssignments=100, description="d")
    found = cloud.modules.get(made["key"], product=tenant)
    assert (found.alias, found.description, found.id) == (made["name"], "d", str(made["id"]))
    assert found in cloud.modules.list(product=tenant)


def test_a_type_without_prefix_is_no_module_where_keys_name_products(
    prefixed: Used, operator: Operator, product: str
) -> None:
    kept = operator.type(f"{product}.mcu")
    bare = [operator.type(key)["id"] for key in (operator.name(), f".{product}", f"{product}x.")]
    listed = {module.id for module in prefixed.modules.list()}
    assert str(kept["id"]) in listed
    assert listed.isdisjoint(map(str, bare))


@pytest.mark.parametrize("asked", [{"name": "none"}, {"id": "999999999"}])
def test_a_module_that_is_not_there_is_not_found(
    cloud: Used, hawkbit: Hawkbit, tenant: str, asked: dict[str, str]
) -> None:
    named = asked | ({"product": tenant} if "name" in asked else {})
    for call in (cloud.modules.get, cloud.modules.delete):
        with pytest.raises(NotFoundError):
            call(**named)
    with pytest.raises(NotFoundError):
        cloud.modules.update(**named, description="d")


def test_an_id_that_is_no_number_is_refused_before_anything_is_sent(cloud: Used) -> None:
    with pytest.raises(ValidationError, match="digits only"):
        cloud.modules.get(id="../targets")


def test_small_pages_show_every_module_once_in_order(prefixed: Used, operator: Operator, product: str) -> None:
    made = [prefixed.modules.create(f"m{number}", product=product).id for number in range(7)]
    assert [module.id for module in prefixed.modules.list(product=product, page_size=3)] == made
    first = prefixed.do(lambda client: client.modules.list(page_size=3).first_page())
    everything = [module.id for module in prefixed.modules.list()]
    rest = [module.id for module in prefixed.modules.list(page_size=3, cursor=first.cursor)]
    assert [module.id for module in first.items] + rest == everything
