"""What a real hawkBit answers about devices, by plain REST and played devices, and what may be deleted after them."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hawkbit_server import Hawkbit, Server
from players import KINDS, Operator, Player, fleet_of, refusal, repeated

UNKNOWN = (404, "repo.entityNotFound")
INVALID = (400, "repo.constraintViolation")
TAKEN = (409, "repo.entityAlreadyExists")
LOCKED = (423, "locked")
DELETED = (200, 204)


@pytest.fixture
def player(operator: Operator, device_http: httpx.Client) -> Player:
    """A device that registered itself."""
    made = Player(device_http, operator.name("device"))
    made.poll()
    return made


def below(device: str, *more: str) -> str:
    """The path of a device, or of what is below it."""
    return "/".join(["/targets", quote(device, safe=""), *more])


def counted(operator: Operator, query: str) -> int:
    """How many devices of this test a filter finds."""
    total: int = operator.get("/targets", q=f"controllerid=='{operator.prefix}*';{query}", limit=1)["total"]
    return total


# --- targets ----------------------------------------------------------------------------------------------------------


def test_a_target_has_a_secret_and_no_time_before_it_called(operator: Operator) -> None:
    (made,) = operator.targets(operator.name())
    assert made["securityToken"]
    assert made["updateStatus"] == "unknown"
    assert made.get("lastControllerRequestAt") is None


def test_a_device_that_registers_itself_has_a_time_in_milliseconds(operator: Operator, player: Player) -> None:
    row = operator.get(below(player.device))
    assert row["updateStatus"] == "registered"
    assert len(str(row["lastControllerRequestAt"])) == 13


@pytest.mark.parametrize("inner", [" ", "\t"])
def test_an_id_has_no_whitespace(operator: Operator, inner: str) -> None:
    body = [{"controllerId": operator.name(f"a{inner}b"), "name": "n"}]
    assert refusal(operator.ask("POST", "/targets", json=body)) == INVALID


@pytest.mark.parametrize("text", ["é中😀", "a?b#c+d*e:f,g"])
def test_an_id_of_any_script_is_found_by_its_path(operator: Operator, text: str) -> None:
    name = operator.name(text)
    operator.targets(name)
    assert operator.get(below(name))["controllerId"] == name


@pytest.mark.parametrize("letter", "/;%\\")
def test_an_id_that_no_path_can_hold_is_made_and_never_reached(own_server: Server, letter: str) -> None:
    name = f"unreachable{letter}"  # without a prefix: no call can delete it
    with own_server.site.client() as client:
        assert client.post("/targets", json=[{"controllerId": name, "name": "n"}]).status_code == 201
        assert client.get(below(name)).status_code == 500


def test_one_of_two_calls_says_that_a_device_is_unknown(operator: Operator) -> None:
    # The old server says so of its installed set, the new one of its attributes.
    name = operator.name()
    assert UNKNOWN in [refusal(operator.ask("GET", below(name, part))) for part in ("installedDS", "attributes")]


def test_an_unknown_device_has_the_attributes_of_a_silent_one(operator: Operator, own_server: Server) -> None:
    assert operator.ask("GET", below(operator.name(), "attributes")).status_code == 204


# --- what devices report ----------------------------------------------------------------------------------------------


def test_a_device_without_attributes_is_answered_with_nothing(operator: Operator, player: Player) -> None:
    response = operator.ask("GET", below(player.device, "attributes"))
    assert (response.status_code, response.content) == (204, b"")


def test_attributes_are_texts_just_as_reported(operator: Operator, player: Player) -> None:
    told = {"mcu_version": "1.0 é", "ui.version": "", "o": " x "}
    player.report(told | {"old": "1"})
    player.report({"mcu_version": told["mcu_version"]})
    assert operator.get(below(player.device, "attributes")) == told | {"old": "1"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("attribute.mcu_version=='v1.*'", 1),
        ("attribute.mcu_version=in=('v1.*')", 0),
        ("attribute.mcu_version=in=('v1.2')", 1),
        ("attribute.mcu_version=='*'", 1),
        ("attribute.ui_version=='*'", 0),
    ],
)
def test_devices_are_found_by_what_they_report(operator: Operator, player: Player, query: str, found: int) -> None:
    player.report({"mcu_version": "v1.2"})
    assert counted(operator, query) == found


def test_a_filter_by_an_attribute_with_a_dot_is_for_new_servers(operator: Operator, player: Player) -> None:
    player.report({"mcu.version": "1"})
    query = f"controllerid=='{operator.prefix}*';attribute.mcu.version=='1'"
    response = operator.ask("GET", "/targets", params={"q": query})
    assert refusal(response) == (400, "rest.param.rsqlInvalidField") or response.json()["total"] == 1


def test_a_fleet_is_counted_as_it_reported(operator: Operator) -> None:
    modules = [operator.name(name) for name in ("mcu", "ui", "modem")]
    fleet = fleet_of(operator, modules)
    expected = {(m, v): sum(row[m] == v for row in fleet.values()) for m in modules for v in ("1.0", "2.0")}
    assert len(fleet) == 300
    assert all(expected.values())
    assert {(m, v): counted(operator, f"attribute.{m}_version=in=('{v}')") for m, v in expected} == expected


def test_a_device_must_be_registered_before_it_reports(operator: Operator, device_http: httpx.Client) -> None:
    response = device_http.put(f"/{operator.name()}/configData", json={"mode": "merge", "data": {"a": "b"}})
    assert refusal(response) == UNKNOWN


def test_a_gateway_without_token_is_answered_with_nothing(hawkbit: Hawkbit, operator: Operator) -> None:
    with hawkbit.device_client() as client:
        del client.headers["Authorization"]
        response = client.get(f"/{operator.name()}")
    assert (response.status_code, response.content) == (401, b"")


# --- what devices install, and what may be deleted then ---------------------------------------------------------------


def content(module: dict[str, Any]) -> bytes:
    """What a module's file holds."""
    return str(module["type"]).encode() * 100


@pytest.fixture
def modules(operator: Operator) -> list[dict[str, Any]]:
    """Two modules of two types, each with a file."""
    made = [operator.module(operator.type(operator.name(name))["key"], "3.0") for name in ("mcu", "ui")]
    for module in made:  # bytes of their own: a server keeps equal ones once, for all modules
        assert operator.upload(module["id"], content(module)).status_code == 201
    return made


def test_what_a_device_installed_is_what_the_server_believes(
    operator: Operator, player: Player, modules: list[dict[str, Any]]
) -> None:
    given = operator.set_of(*modules)
    assert operator.assign(given, player.device)["assigned"] == 1
    assert operator.ask("GET", below(player.device, "installedDS")).status_code == 204
    done = player.install()
    expected = sorted((module["type"], "3.0") for module in modules)
    assert sorted((row.part, row.version) for row in done) == expected
    assert {row.part: dict(row.files) for row in done} == {m["type"]: {"app.bin": content(m)} for m in modules}
    believed = operator.get(below(player.device, "installedDS"))
    assert sorted((row["type"], row["version"]) for row in believed["modules"]) == expected
    assert counted(operator, f"installedds.name=='{given['name']}';installedds.version=='1'") == 1
    assert operator.get(below(player.device))["updateStatus"] == "in_sync"
    assert player.install() == []


def test_an_update_that_failed_is_not_believed(
    operator: Operator, player: Player, modules: list[dict[str, Any]]
) -> None:
    operator.assign(operator.set_of(*modules), player.device)
    player.install(success=False)
    assert operator.ask("GET", below(player.device, "installedDS")).status_code == 204
    assert operator.get(below(player.device))["updateStatus"] == "error"


def test_an_assigned_module_is_deleted_softly_or_locked(
    operator: Operator, player: Player, modules: list[dict[str, Any]]
) -> None:
    operator.assign(operator.set_of(*modules), player.device)
    module = modules[0]
    path = f"/softwaremodules/{module['id']}"
    answer = operator.ask("DELETE", path)
    if answer.status_code == 423:
        assert refusal(answer) == LOCKED
        return
    assert answer.status_code == 200
    assert operator.get(path)["deleted"] is True
    body = [{"name": module["name"], "version": module["version"], "type": module["type"]}]
    assert refusal(operator.ask("POST", "/softwaremodules", json=body)) == TAKEN


def test_a_softly_deleted_module_is_missing_from_lists_unless_they_are_filtered(
    operator: Operator, modules: list[dict[str, Any]], own_server: Server
) -> None:
    operator.set_of(*modules)
    path = f"/softwaremodules/{modules[0]['id']}"
    total = operator.get("/softwaremodules")["total"]
    operator.ask("DELETE", path)
    assert operator.get("/softwaremodules")["total"] == total - 1
    listed = operator.get("/softwaremodules", q=f"type=={modules[0]['type']}")
    assert [row["deleted"] for row in listed["content"]] == [True]
    (kept,) = operator.get(f"{path}/artifacts")
    response = operator.ask("GET", f"{path}/artifacts/{kept['id']}/download")
    assert refusal(response) == (500, "artifact.loadFailed")


def test_a_rollout_is_ready_after_a_while(operator: Operator, player: Player, modules: list[dict[str, Any]]) -> None:
    body = {
        "name": operator.name(),
        "distributionSetId": operator.set_of(*modules)["id"],
        "targetFilterQuery": f"controllerid=={player.device}",
        "amountGroups": 1,
    }
    response = operator.ask("POST", "/rollouts", json=body)
    assert (response.status_code, response.json()["status"]) == (201, "creating")
    path = f"/rollouts/{response.json()['id']}"
    repeated(lambda: operator.ask("GET", path), lambda told: told.json()["status"] != "creating")
    assert operator.get(path)["status"] == "ready"


def test_in_the_right_order_all_of_it_goes_and_nothing_else(
    operator: Operator, player: Player, modules: list[dict[str, Any]], hawkbit: Hawkbit
) -> None:
    operator.assign(operator.set_of(*modules), player.device)
    player.install()
    with Operator(hawkbit) as other:
        kept = other.type()
        assert operator.tidy() == []
        assert other.get(f"/softwaremoduletypes/{kept['id']}")["deleted"] is False
        assert other.tidy() == []
    left = {
        kind: operator.get(f"/{kind}", q=f"{by.lower()}=='{operator.prefix}*'")["total"] for kind, by in KINDS.items()
    }
    assert left == dict.fromkeys(KINDS, 0)
    assert refusal(operator.ask("GET", f"/softwaremodules/{modules[0]['id']}")) == UNKNOWN
