"""The example's facade: whose calls it performs, what it tells of errors, and that any store will do."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from otabridge_example.facade import RAISED, ExampleFacade
from otabridge_example.signing import KeySigner

from otabridge import Artifact, InvalidRequestError, ModuleVersion, NotFoundError, UrlLocation, connect
from otabridge.facade import Account, Call, Reason, Site, Table
from otabridge.local.backend import LocalBackend
from otabridge.local.settings import LocalSettings
from otabridge.plugin import Request, World
from otabridge.serve import Server, running

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "a-secret-key"
TARGET = "/v1/modules?limit=5&offset=0&product_key=p"


@pytest.fixture
def facade() -> Iterator[ExampleFacade]:
    store = LocalBackend(LocalSettings(path=None))
    master = Account(access_key="AK", secret_key=SECRET)
    yield ExampleFacade(
        store,
        Site(accounts=Table(1), master=master, world=World(), kept=lambda _: {}, objects=None),  # type: ignore
    )
    store.close()


def call(*, at: datetime = NOON, nonce: str = "n1", key: str = "AK", secret: str = SECRET, body: bytes = b"") -> Call:
    """A list of modules, or the making of one, signed at a time and sent at NOON."""
    path, _, query = TARGET.partition("?")
    pairs = tuple(tuple(pair.split("=")) for pair in query.split("&"))
    request = Request(operation="x", method="POST" if body else "GET", path=path, query=pairs, body=body)  # type: ignore
    sent = KeySigner(key, secret).sign(request, now=at, nonce=nonce)
    headers = {name.lower(): value for name, value in sent.headers}
    told = {"method": sent.method, "target": sent.target, "headers": headers, "body": body}
    return Call(**told, now=NOON, id="r1", origin="http://127.0.0.1:1")  # type: ignore[arg-type]


def refusal(facade: ExampleFacade, call: Call) -> Reason | None:
    return facade.verify(call, facade.read(call)).refusal


def test_a_signed_call_is_let_in_once(facade: ExampleFacade) -> None:
    assert refusal(facade, call()) is None
    assert refusal(facade, call()) == "nonce used"
    assert refusal(facade, call(nonce="n2")) is None


def test_a_wrong_signature_spends_no_nonce(facade: ExampleFacade) -> None:
    assert refusal(facade, call(secret="another")) == "bad signature"
    assert refusal(facade, call()) is None


@pytest.mark.parametrize(("minutes", "expected"), [(-16, "bad time"), (-15, None), (15, None), (16, "bad time")])
def test_a_date_is_good_for_fifteen_minutes(facade: ExampleFacade, minutes: int, expected: Reason | None) -> None:
    assert refusal(facade, call(at=NOON + timedelta(minutes=minutes))) == expected


CHANGES: dict[str, dict[str, Any]] = {
    "the method": {"method": "DELETE"},
    "the path": {"target": TARGET.replace("modules", "devices")},
    "the query": {"target": TARGET.replace("offset=0", "offset=5")},
    "a parameter more": {"target": f"{TARGET}&limit=6"},
    "the body": {"body": b"{ }"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_on_the_way_is_refused(facade: ExampleFacade, change: dict[str, Any]) -> None:
    assert refusal(facade, replace(call(body=b"{}"), **change)) == "bad signature"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "no credential"),
        ("", "bad signature"),
        ("Bearer x", "bad signature"),
        ("HMAC-SHA256 key=AK, date=20261301T000000Z, nonce=n, signature=00", "bad time"),
        ("HMAC-SHA256 key=AK, date=, nonce=n, signature=00", "bad signature"),
        ("HMAC-SHA256 key=é\ud800, date=20260301T120000Z, nonce=n, signature=00", "unknown key"),
        ("HMAC-SHA256 key=AK, date=20260301T120000Z, nonce=\ud800, signature=00", "bad signature"),
    ],
)
def test_a_header_that_says_too_little_is_refused(facade: ExampleFacade, header: str | None, expected: Reason) -> None:
    headers = {} if header is None else {"authorization": header}
    assert refusal(facade, replace(call(), headers=headers)) == expected


def test_a_verdict_tells_no_secret(facade: ExampleFacade) -> None:
    verdict = facade.verify(call(secret="another"), facade.read(call()))
    assert SECRET not in f"{verdict} {verdict.expected} {verdict.message}"


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_is_told_with_a_code_and_a_message(facade: ExampleFacade, kind: type[Exception]) -> None:
    answer = facade.explain(call(), facade.read(call()), kind("why it failed"))  # type: ignore[arg-type]
    assert answer.status >= 400
    assert json.loads(answer.body)["error"] == {"code": answer.code, "message": "why it failed"}


@pytest.mark.parametrize("target", ["/", "/v1/", "/v2/modules", "/v1/modules/p", "/v1/modules/p/m/x", "/v1/none"])
def test_what_is_no_call_is_none(facade: ExampleFacade, target: str) -> None:
    assert facade.read(replace(call(), target=target)).operation == ""


@pytest.fixture(scope="module", params=["memory", "huawei", "tuya"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The example over a store of its own, and over other clouds."""
    if request.param == "memory":
        with running("example") as server:
            yield server
    else:
        with running(request.param) as behind, running("example", on=behind.settings(request.param)) as server:
            yield server


def test_modules_are_made_changed_listed_and_deleted_over_any_store(server: Server) -> None:
    with connect(**server.settings("example")) as cloud:
        for number in range(3):
            cloud.modules.create(f"unit_{number}", product="p0001", alias=f"alias{number}")
        cloud.modules.update("unit_1", product="p0001", description="words")
        cloud.modules.delete("unit_2", product="p0001")
        told = {row.name: row for row in cloud.modules.list(product="p0001", page_size=1) if not row.builtin}
        assert {name: row.description or None for name, row in told.items()} == {"unit_0": None, "unit_1": "words"}
        with pytest.raises(NotFoundError):
            cloud.modules.get("unit_2", product="p0001")


def test_a_package_comes_back_as_it_was_made() -> None:
    with running("example") as server, connect(**server.settings("example")) as cloud:
        cloud.modules.create("unit", product="p")
        file = Artifact(name="a.bin", size=7, location=UrlLocation(url="https://files.test/a.bin?x=1"))
        made = cloud.packages.create(
            product="p",
            module="unit",
            version="1.0",
            source_versions=["0.9"],
            name="First",
            description="words",
            custom_info="{}",
            artifacts=[file],
        )
        assert cloud.packages.get(made.id) == made
        assert [*cloud.packages.list(product="p")] == [made]
        assert (made.source_versions, made.artifacts, made.name) == (("0.9",), (file,), "First")


def test_what_the_clouds_limits_forbid_is_refused_by_the_facade_too() -> None:
    with running("example") as server, connect(**server.settings("example"), validate="off") as cloud:
        server.cloud.devices.report_versions([ModuleVersion(product="p", device="d", module="m", version="1")])
        assert [row.name for row in cloud.devices.list()] == ["d"]
        for name in ("_unit", "a" * 65):
            with pytest.raises(InvalidRequestError, match=r"module\.name"):
                cloud.modules.create(name, product="p")
