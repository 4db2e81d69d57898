"""What servers of any version answer, scripted; and a connection that breaks while a real one sends a file."""

from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from clients import Clouds
from scripted import BYTES, ERRORS, SITE, Play, Shelf, kind, listed, refused, said, sent, unit

from otabridge import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    IntegrityError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from tests.support.world import FakeWorld

OLD_AND_NEW = {
    ConflictError: ("repo.entitiyAlreayExists", "repo.entityAlreadyExists"),
    NotFoundError: ("repo.entitiyNotFound", "repo.entityNotFound"),
}


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", OLD_AND_NEW[NotFoundError])
def test_what_is_not_found_is_so_in_both_spellings(clouds: Clouds, code: str) -> None:
    error = Play(clouds, refused(404, code)).fails(lambda used: used.packages.get("8"))
    assert type(error) is NotFoundError
    assert getattr(error, "code", None) == ERRORS + code


@pytest.mark.parametrize("code", OLD_AND_NEW[ConflictError])
def test_what_is_taken_is_so_in_both_spellings(clouds: Clouds, code: str) -> None:
    play = Play(clouds, refused(409, code), listed(kind()))
    error = play.fails(lambda used: used.modules.create("mcu", product="DEFAULT"))
    assert type(error) is ConflictError
    assert "already" in str(error)


CASES: dict[str, tuple[httpx.Response, type[OtaBridgeError]]] = {
    "a wrong password": (
        said(401, {"timestamp": "x", "status": 401, "error": "Unauthorized", "message": ""}),
        AuthenticationError,
    ),
    "no permission": (refused(403, "insufficientPermission"), ForbiddenError),
    "no permission, by status": (said(403, {"status": 403, "error": "Forbidden"}), ForbiddenError),
    "an invalid text": (refused(400, "repo.constraintViolation"), InvalidRequestError),
    "an invalid body": (refused(400, "rest.body.notReadable"), InvalidRequestError),
    "no code": (refused(400, None), InvalidRequestError),
    "a full quota of the old": (refused(403, "quota.tooManyEntries"), QuotaExceededError),
    "a full quota of the new": (refused(429, "quota.tooManyEntries"), QuotaExceededError),
    "a large file of the old": (refused(403, "quota.fileSizeExceeded"), QuotaExceededError),
    "a full storage of the new": (refused(429, "quota.storageExceeded"), QuotaExceededError),
    "a locked module": (refused(423, "locked"), ConflictError),
    "a read-only one": (refused(403, "entityreadonly"), ConflictError),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_is_classed_and_asked_once(clouds: Clouds, case: str) -> None:
    reply, expected = CASES[case]
    shelf, world = Shelf(("DELETE", "", lambda: reply)), FakeWorld()
    with pytest.raises(OtaBridgeError) as caught:
        clouds.of(SITE, transport=httpx.MockTransport(shelf), world=world.world).packages.delete("8")
    assert type(caught.value) is expected
    assert (shelf.asked.count("DELETE "), world.waits) == (1, [])


@pytest.mark.parametrize("status", [403, 429])
def test_a_full_quota_says_what_can_be_done(clouds: Clouds, status: int) -> None:
    play = Play(clouds, refused(status, "quota.tooManyEntries", "The maximum is 100."))
    error = play.fails(lambda used: used.modules.list())
    assert "The maximum is 100." in str(error)
    assert "administrator" in str(error)


def test_a_locked_package_says_why(clouds: Clouds) -> None:
    shelf = Shelf(("DELETE", "", lambda: refused(423, "locked")))
    with pytest.raises(ConflictError, match="distribution set"):
        clouds.of(SITE, transport=httpx.MockTransport(shelf)).packages.delete("8")


def test_a_flood_of_reads_is_asked_again_after_a_while(clouds: Clouds) -> None:
    play = Play(clouds, said(429), said(429), listed(kind()))
    assert [module.name for module in play.used.modules.list()] == ["mcu"]
    assert len(play.world.waits) == 2


def test_a_flood_of_writes_is_asked_again_too(clouds: Clouds) -> None:
    play = Play(clouds, said(429), said(201, [kind()]))
    assert play.used.modules.create("mcu", product="DEFAULT").id == "7"
    assert len(play.script.requests) == 2


def test_a_flood_that_does_not_end_is_told(clouds: Clouds) -> None:
    error = Play(clouds, *[said(429)] * 4).fails(lambda used: used.modules.list())
    assert type(error) is RateLimitError


def test_a_failed_read_is_asked_again(clouds: Clouds) -> None:
    play = Play(clouds, refused(500, "repo.genericError"), listed(kind()))
    assert len(play.used.modules.list()) == 1


@pytest.mark.parametrize("reply", [said(302), said(200, "text"), said(200, {"content": [{"id": "x"}], "total": 1})])
def test_an_answer_that_is_none_of_the_servers_is_told(clouds: Clouds, reply: httpx.Response) -> None:
    assert isinstance(Play(clouds, reply).fails(lambda used: used.modules.list()), ProtocolError)


def test_the_password_is_in_no_error(clouds: Clouds) -> None:
    shown = httpx.Response(401, content=f"<p>{SITE.password} is wrong".encode(), headers={"content-type": "text/html"})
    error = Play(clouds, shown).fails(lambda used: used.modules.list())
    assert SITE.password not in f"{error} {error!r} {vars(error)}"


# --- deleting, and what is not there ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204])
def test_a_deletion_is_answered_by_200_or_204(clouds: Clouds, status: int) -> None:
    shelf = Shelf(("DELETE", "", lambda: said(status)))
    clouds.of(SITE, transport=httpx.MockTransport(shelf)).packages.delete("8")
    assert shelf.asked[-1] == "DELETE "


@pytest.mark.parametrize("status", [200, 201, 204])
def test_notes_are_written_whether_or_not_the_answer_has_a_body(clouds: Clouds, status: int) -> None:
    note = {"key": "otabridge.custom_info", "value": "c", "targetVisible": False}
    shelf = Shelf(("POST", "metadata", lambda: said(status, [note] if status == 201 else None)), notes=[note])
    used = clouds.of(SITE, transport=httpx.MockTransport(shelf))
    created = used.packages.create(product="DEFAULT", module="mcu", version="1", artifacts=[], custom_info="c")
    assert created.custom_info == "c"
    assert [entry["key"] for entry in shelf.written] == ["otabridge.custom_info"]


def test_a_refused_upload_leaves_no_half_made_package(clouds: Clouds, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    shelf = Shelf(("POST", "artifacts", lambda: refused(403, "quota.fileSizeExceeded")), files=[])
    used = clouds.of(SITE, transport=httpx.MockTransport(shelf))
    with pytest.raises(QuotaExceededError):
        used.packages.publish(path, product="DEFAULT", module="mcu", version="1")
    assert shelf.asked.count("POST artifacts") == 1
    assert shelf.asked[-1] == "DELETE "


@pytest.mark.parametrize("body", [None, {}])
def test_a_device_that_says_nothing_is_answered_by_204_or_an_empty_object(clouds: Clouds, body: Any) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/softwaremoduletypes"):
            return listed(kind())
        return said(204 if body is None or request.url.path.endswith("installedDS") else 200, body)

    used = clouds.of(SITE, transport=httpx.MockTransport(serve))
    assert used.devices.versions("dev", product="DEFAULT") == []


def test_a_list_ends_at_its_total_and_not_at_a_short_page(clouds: Clouds) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        start = int(parse_qs(request.url.query.decode())["offset"][0])
        rows = [kind(f"m{number}", id=number) for number in range(start, min(start + 2, 5))]
        return listed(*rows, total=5)

    used = clouds.of(SITE, transport=httpx.MockTransport(serve))
    assert [module.name for module in used.modules.list(page_size=500)] == [f"m{number}" for number in range(5)]


def test_a_list_ends_at_an_empty_page_whatever_its_total(clouds: Clouds) -> None:
    play = Play(clouds, listed(kind("a"), total=9), listed(total=9))
    assert [module.name for module in play.used.modules.list()] == ["a"]


def test_devices_that_no_address_leads_to_do_not_break_the_fleet(clouds: Clouds) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        match request.url.path.removeprefix("/rest/v1").split("/")[1:]:
            case ["targets"]:
                return listed(*({"controllerId": name} for name in ("a/b", ".", "..", "a;b", "good")))
            case ["targets", "good", "attributes"]:
                return said(200, {"mcu_version": "1"})
            case ["targets", "good", "installedDS"]:
                return said(204)
        return listed(kind())

    used = clouds.of(SITE, transport=httpx.MockTransport(serve))
    with pytest.warns(UserWarning, match="cannot tell") as caught:
        rows = used.fleet.versions()
    assert [(row.device, row.version) for row in rows] == [("good", "1")]
    assert len(caught) == 4


def test_a_device_that_is_deleted_while_the_fleet_is_read_has_no_rows(clouds: Clouds) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        match request.url.path.removeprefix("/rest/v1").split("/")[1:]:
            case ["targets"]:
                return listed({"controllerId": "gone"}, {"controllerId": "here"})
            case ["targets", "gone", _]:
                return refused(404, "repo.entityNotFound")
            case ["targets", "here", "attributes"]:
                return said(200, {"mcu_version": "1"})
            case ["targets", "here", "installedDS"]:
                return said(204)
        return listed(kind())

    used = clouds.of(SITE, transport=httpx.MockTransport(serve))
    assert [(row.device, row.version) for row in used.fleet.versions()] == [("here", "1")]


@pytest.mark.parametrize("made", [True, False])
def test_a_creation_whose_answer_was_lost_is_looked_for(clouds: Clouds, made: bool) -> None:
    play = Play(clouds, httpx.ReadError("broken"), listed(*([kind()] if made else [])))
    if made:
        assert play.used.modules.create("mcu", product="DEFAULT").id == "7"
    else:
        assert "may or may not" in str(play.fails(lambda used: used.modules.create("mcu", product="DEFAULT")))
    assert [path.split()[0] for path in play.script.paths] == ["POST", "GET"]


def test_a_credential_is_the_name_and_password_of_the_user_in_utf_8(clouds: Clouds) -> None:
    play = Play(clouds, listed(), username="ü", password="pä:ß")
    play.used.modules.list()
    assert play.script.headers("authorization") == ["Basic " + b64encode("ü:pä:ß".encode()).decode()]


def test_a_tenant_names_the_product_and_is_no_part_of_the_credential(clouds: Clouds) -> None:
    play = Play(clouds, listed(kind()), tenant="acme")
    assert [module.product for module in play.used.modules.list()] == ["acme"]
    assert play.script.headers("authorization") == ["Basic " + b64encode(f"admin:{SITE.password}".encode()).decode()]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_what_was_promised_is_kept(clouds: Clouds, tmp_path: Path) -> None:
    used = clouds.of(SITE, transport=httpx.MockTransport(Shelf()))
    (path,) = used.packages.download("8", tmp_path / "out")
    assert path.read_bytes() == BYTES


@pytest.mark.parametrize("data", [BYTES[:-1] + b"x", BYTES + b"x"])
def test_a_file_that_is_not_what_was_promised_leaves_nothing(clouds: Clouds, tmp_path: Path, data: bytes) -> None:
    used = clouds.of(SITE, transport=httpx.MockTransport(Shelf(("GET", "artifacts/9/download", lambda: sent(data)))))
    with pytest.raises(IntegrityError):
        used.packages.download("8", tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []


def test_a_file_that_is_gone_from_the_servers_storage_is_told_in_words(clouds: Clouds, tmp_path: Path) -> None:
    shelf = Shelf(("GET", "artifacts/9/download", lambda: refused(500, "artifact.loadFailed")))
    used = clouds.of(SITE, transport=httpx.MockTransport(shelf), world=FakeWorld().world)
    with pytest.raises(ServerError, match="gone"):
        used.packages.download("8", tmp_path / "out")


def test_a_package_that_is_deleted_while_a_list_is_read_is_left_out(clouds: Clouds) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        match request.url.path.removeprefix("/rest/v1").split("/")[1:]:
            case ["softwaremodules"]:
                return listed(unit("1", id=1, vendor="otabridge"), unit("2", id=2, vendor="otabridge"))
            case ["softwaremodules", "1", _]:
                return refused(404, "repo.entityNotFound")
        return listed()

    used = clouds.of(SITE, transport=httpx.MockTransport(serve))
    assert [package.id for package in used.packages.list()] == ["2"]
