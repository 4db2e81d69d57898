"""What a real hawkBit answers about types, modules and lists, by plain REST: what the backend relies on.

Where versions differ, every answer on record passes. What was only seen on the one that is built here takes
`own_server`.
"""

from typing import Any

import httpx
import pytest
from hawkbit_server import Hawkbit, Server
from players import Operator, refusal

TAKEN = (409, "repo.entityAlreadyExists")
UNKNOWN = (404, "repo.entityNotFound")
INVALID = {(400, "repo.constraintViolation"), (400, "rest.body.notReadable")}
DELETED = (200, 204)
LONGEST = {"softwaremoduletypes": {"key": 64, "name": 64, "description": 512}, "softwaremodules": {"version": 64}}

# Versions that a filter must find, and that another spelling of the filter would lose or widen.
HARD = (
    "a b",
    "a*b",
    "aXb",
    "a'b",
    'a"b',
    "a\\b",
    "a\\'b",
    "a%b",
    "a_b",
    "(a,b);c==d",
    "é中😀",
    "~*'",
    "*",
    "\\",
    "null",
)


def quoted(text: str) -> str:
    """A text in a filter."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def body_of(operator: Operator, kind: str, of: str = "", /, **more: Any) -> dict[str, Any]:
    """A body that creates a type, or a module of the type `of`."""
    if kind == "softwaremodules":
        return {"name": of, "version": "1", "type": of} | more
    name = operator.name()
    return {"key": name, "name": name, "maxAssignments": 1} | more


def sized(operator: Operator, length: int) -> str:
    return (operator.name() + "x" * length)[:length]


# --- types ------------------------------------------------------------------------------------------------------------


def test_a_new_tenant_has_the_types_application_and_os(operator: Operator) -> None:
    page = operator.get("/softwaremoduletypes", limit=500)
    assert {"application", "os"} <= {row["key"] for row in page["content"]}
    assert page["size"] == len(page["content"]) == page["total"]


def test_a_types_key_may_have_dots_and_any_script(operator: Operator) -> None:
    key = operator.name("p1.mcu é中😀")
    assert operator.type(key)["key"] == key
    assert [row["key"] for row in operator.get("/softwaremoduletypes", q=f"key=={quoted(key)}")["content"]] == [key]


@pytest.mark.parametrize("missing", ["key", "name", "maxAssignments"])
def test_a_type_needs_key_name_and_a_number_of_assignments(operator: Operator, missing: str) -> None:
    body = body_of(operator, "softwaremoduletypes")
    del body[missing]
    assert refusal(operator.ask("POST", "/softwaremoduletypes", json=[body])) in INVALID


@pytest.mark.parametrize("same", ["key", "name"])
def test_a_types_key_and_its_name_are_each_taken_once(operator: Operator, same: str) -> None:
    first = operator.type()
    body = body_of(operator, "softwaremoduletypes", **{same: first[same]})
    assert refusal(operator.ask("POST", "/softwaremoduletypes", json=[body])) == TAKEN


def test_a_types_new_name_is_ignored_without_a_word(operator: Operator) -> None:
    made = operator.type()
    told = operator.ask("PUT", f"/softwaremoduletypes/{made['id']}", json={"name": "other", "description": "told"})
    assert told.status_code == 200
    assert (told.json()["name"], told.json()["description"]) == (made["name"], "told")


def test_a_type_in_use_is_deleted_softly_and_its_key_stays_taken(operator: Operator) -> None:
    made = operator.type()
    operator.module(made["key"], "1")
    path = f"/softwaremoduletypes/{made['id']}"
    assert operator.ask("DELETE", path).status_code in DELETED
    assert operator.get(path)["deleted"] is True
    body = body_of(operator, "softwaremoduletypes", key=made["key"])
    assert refusal(operator.ask("POST", "/softwaremoduletypes", json=[body])) == TAKEN


def test_a_key_is_free_again_when_the_type_is_deleted_after_its_modules(operator: Operator) -> None:
    made = operator.type()
    module = operator.module(made["key"], "1")
    for path in (f"/softwaremoduletypes/{made['id']}", f"/softwaremodules/{module['id']}"):
        assert operator.ask("DELETE", path).status_code in DELETED
    assert operator.ask("DELETE", f"/softwaremoduletypes/{made['id']}").status_code in DELETED
    assert operator.type(made["key"])["deleted"] is False


def test_a_softly_deleted_type_is_in_filtered_lists_only_and_still_takes_modules(
    operator: Operator, own_server: Server
) -> None:
    made = operator.type()
    operator.module(made["key"], "1")
    operator.ask("DELETE", f"/softwaremoduletypes/{made['id']}")
    listed = operator.get("/softwaremoduletypes", limit=500)["content"]
    assert made["id"] not in {row["id"] for row in listed}
    (found,) = operator.get("/softwaremoduletypes", q=f"key=={made['key']}")["content"]
    assert found["deleted"] is True
    assert operator.module(made["key"], "2")["type"] == made["key"]


# --- modules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "field", "most"),
    [(kind, field, most) for kind, fields in LONGEST.items() for field, most in fields.items()],
)
def test_a_text_may_be_this_long(operator: Operator, kind: str, field: str, most: int) -> None:
    key = operator.type()["key"]
    made = operator.make(kind, body_of(operator, kind, key, **{field: sized(operator, most)}))
    assert len(made[0][field]) == most


@pytest.mark.parametrize(
    ("kind", "field", "most"),
    [
        ("softwaremoduletypes", "key", 64),
        ("softwaremoduletypes", "description", 512),
        ("softwaremodules", "version", 64),
    ],
)
def test_and_no_longer(operator: Operator, kind: str, field: str, most: int) -> None:
    key = operator.type()["key"]
    body = body_of(operator, kind, key, **{field: sized(operator, most + 1)})
    assert refusal(operator.ask("POST", f"/{kind}", json=[body])) in INVALID


def test_lengths_are_counted_in_utf16(operator: Operator) -> None:
    key = operator.type()["key"]
    assert operator.module(key, "😀" * 32)["version"] == "😀" * 32
    body = body_of(operator, "softwaremodules", key, version="😀" * 33)
    assert refusal(operator.ask("POST", "/softwaremodules", json=[body])) in INVALID


def test_outer_blanks_are_cut_off(operator: Operator, own_server: Server) -> None:
    assert operator.module(operator.type()["key"], "  1 ")["version"] == "1"


def test_name_version_and_type_are_taken_once(operator: Operator) -> None:
    key = operator.type()["key"]
    operator.module(key, "1")
    body = body_of(operator, "softwaremodules", key)
    assert refusal(operator.ask("POST", "/softwaremodules", json=[body])) == TAKEN


def test_versions_that_differ_in_case_are_two(operator: Operator, own_server: Server) -> None:
    key = operator.type()["key"]
    assert operator.module(key, "rc")["id"] != operator.module(key, "RC")["id"]


def test_a_module_needs_a_type_that_exists(operator: Operator) -> None:
    body = body_of(operator, "softwaremodules", operator.name())
    assert refusal(operator.ask("POST", "/softwaremodules", json=[body])) == UNKNOWN


def test_a_batch_with_a_repeat_makes_nothing(operator: Operator) -> None:
    key = operator.type()["key"]
    body = body_of(operator, "softwaremodules", key)
    assert refusal(operator.ask("POST", "/softwaremodules", json=[body, body])) == TAKEN
    assert operator.get("/softwaremodules", q=f"type=={key}")["total"] == 0


def test_an_unused_module_is_gone_when_it_is_deleted(operator: Operator) -> None:
    key = operator.type()["key"]
    path = f"/softwaremodules/{operator.module(key, '1')['id']}"
    assert operator.ask("DELETE", path).status_code in DELETED
    assert refusal(operator.ask("GET", path)) == UNKNOWN
    assert operator.module(key, "1")["version"] == "1"


def test_a_module_without_description_has_no_such_member_or_null(operator: Operator) -> None:
    made = operator.module(operator.type()["key"], "1")
    assert made.get("description") is None


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def seven(operator: Operator) -> str:
    """The key of a type with seven modules."""
    key: str = operator.type()["key"]
    for number in range(7):  # one by one: in a batch their ids have another order
        operator.module(key, str(number))
    return key


@pytest.mark.parametrize(
    ("offset", "limit", "versions"),
    [(0, 3, "012"), (3, 3, "345"), (6, 3, "6"), (7, 3, ""), (5, 1, "5"), (0, 0, "0123456"), (-1, -1, "0123456")],
)
def test_pages_are_cut_by_offset_and_limit_and_count_all(
    operator: Operator, seven: str, offset: int, limit: int, versions: str
) -> None:
    page = operator.get("/softwaremodules", q=f"type=={seven}", offset=offset, limit=limit, sort="id:ASC")
    assert "".join(row["version"] for row in page["content"]) == versions
    assert (page["total"], page["size"]) == (7, len(versions))


def test_a_page_holds_at_most_500_and_50_when_none_is_asked(operator: Operator) -> None:
    key = operator.type()["key"]
    operator.make("softwaremodules", *({"name": key, "version": str(number), "type": key} for number in range(501)))
    sizes = [operator.get("/softwaremodules", q=f"type=={key}", **asked)["size"] for asked in ({}, {"limit": 1000})]
    assert sizes == [50, 500]


@pytest.mark.parametrize(
    ("query", "code"), [("nope==1", "rest.param.rsqlInvalidField"), ("version=", "rest.param.rsqlParamSyntax")]
)
def test_a_filter_that_makes_no_sense_is_refused(operator: Operator, query: str, code: str) -> None:
    assert refusal(operator.ask("GET", "/softwaremodules", params={"q": query})) == (400, code)


def test_in_finds_exactly_one_version_where_equality_means_a_pattern(operator: Operator) -> None:
    key = operator.type()["key"]
    operator.make("softwaremodules", *({"name": key, "version": version, "type": key} for version in HARD))
    found = {
        version: operator.get("/softwaremodules", q=f"type=={key};version=in=({quoted(version)})")["content"]
        for version in HARD
    }
    assert {version: [row["version"] for row in rows] for version, rows in found.items()} == {v: [v] for v in HARD}
    assert operator.get("/softwaremodules", q=f"type=={key};version=='a*b'")["total"] > 1


def test_filters_ignore_case(operator: Operator) -> None:
    key = operator.type()["key"]
    operator.module(key, "rc")
    assert operator.get("/softwaremodules", q=f"type=={key.upper()};version=in=('RC')")["total"] == 1


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_who_is_not_known_gets_401_and_a_body_without_code(hawkbit: Hawkbit) -> None:
    with hawkbit.client(auth=(hawkbit.username, "wrong")) as client:
        response = client.get("/softwaremodules")
    assert refusal(response) == (401, "")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("PATCH", "/softwaremodules", {"json": []}, 405),
        ("POST", "/softwaremodules", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ("GET", "/no-such-thing", {}, 404),
    ],
)
def test_what_is_no_call_is_refused_without_a_code(
    operator: Operator, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    assert refusal(operator.ask(method, path, **options)) == (status, "")


def test_a_body_that_is_no_json_is_refused_with_one(operator: Operator) -> None:
    headers = {"content-type": "application/json"}
    response: httpx.Response = operator.ask("POST", "/softwaremodules", content=b"{", headers=headers)
    assert refusal(response) == (400, "rest.body.notReadable")


def test_an_id_that_is_no_number_is_refused(operator: Operator) -> None:
    assert operator.ask("GET", "/softwaremodules/abc").status_code == 400
