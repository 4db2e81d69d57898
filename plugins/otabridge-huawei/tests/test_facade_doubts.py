"""What no source says: each row of the table is decided in two ways, and the documentation has the same rows."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from otabridge_huawei import obs_signing as signing
from otabridge_huawei.facade_tables import DOUBTS, INSTANCE, Doubt

from otabridge.wire import Request
from tests.support.huawei import PRODUCT, module, package, report

DOCUMENT = (Path(__file__).parents[3] / "docs" / "serve.md").read_text("utf-8")


def making(**changes: str) -> Callable[[Any], str]:
    """Make a module."""

    def make(mirror: Any) -> str:
        report(mirror, PRODUCT, "unit", mcu="1")
        return str(mirror.ask("POST", "ota-upgrades/modules", module(mirror, **changes))[1].get("error_code", ""))

    return make


def listing(path: str = "products", **how: str) -> Callable[[Any], str]:
    """Ask for a list."""
    return lambda mirror: mirror.ask("GET", path, **how)[1].get("error_code", "")


def with_token(mirror: Any) -> str:
    return str(mirror.answer(mirror.signed("GET", "products", signer=mirror.signer(token="any"))).code)


def with_instance(instance: str) -> Callable[[Any], str]:
    """Ask for a list of an instance."""

    def ask(mirror: Any) -> str:
        signer = mirror.signer()
        request = Request(
            operation="any",
            origin="http://127.0.0.1:8080",
            path=f"/v5/iot/{mirror.project}/products",
            headers=(("Instance-Id", instance),),
        )
        sent = signer.sign(request, now=mirror.now, nonce="")
        return str(mirror.answer(mirror.call("GET", sent.target, b"", dict(sent.headers))).code)

    return ask


def of_nothing(mirror: Any) -> str:
    mirror.cloud.modules.create("MCU", product=PRODUCT)
    return str(mirror.ask("POST", "ota-upgrades/packages", package(mirror))[1].get("error_code", ""))


def of_two(mirror: Any) -> str:
    report(mirror, "a", "b_c", mcu="1")
    report(mirror, "a_b", "c", mcu="2")
    _, told = mirror.ask("GET", "devices/a_b_c")
    return str(told.get("error_code", "")) if told.get("product_id") != "a" else ""


def with_its_hash(mirror: Any) -> str:
    key, date = mirror.site.master, signing.v4_date(mirror.now)
    scope = f"{date[:8]}/any/s3/aws4_request"
    headers = {"host": "127.0.0.1:8080", "x-amz-content-sha256": signing.EMPTY, "x-amz-date": date}
    canonical = signing.canonical_request("PUT", "/abc/k", (), headers, signing.EMPTY)
    text = signing.v4_string(canonical, date=date, scope=scope)
    signature = signing.v4_signature(signing.v4_key(key.secret_key, scope), text)
    credential = f"Credential={key.access_key}/{scope},SignedHeaders={';'.join(headers)}"
    headers["authorization"] = f"{signing.V4} {credential},Signature={signature}"
    asked = mirror.facade.objects.read(mirror.call("PUT", "/abc/k", b"", headers))
    return str(asked.options.get("code", asked.verdict.refusal or ""))


# What asks each question, and the code of the refusal.
CASES: Mapping[Doubt, tuple[Callable[[Any], str], str]] = {
    "product": (making(product_id="unknown"), "IOTDA.014204"),
    "token": (with_token, "APIGW.0301"),
    "object": (of_nothing, "IOTDA.990007"),
    "app": (making(app_id="unknown"), "IOTDA.001000"),
    "project": (listing(base="0" * 32), "APIGW.0310"),
    "instance": (with_instance("i-1"), "IOTDA.000021"),
    "device": (of_two, "IOTDA.014000"),
    "alias": (making(alias_name="Micro Controller"), "IOTDA.000006"),
    "member": (making(colour="red"), "IOTDA.000006"),
    "payload": (with_its_hash, "NotImplemented"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_row_is_decided_otherwise_by_a_strict_host(make_mirror: Any, doubt: Doubt) -> None:
    ask, code = CASES[doubt]
    assert [ask(make_mirror(strict=strict)) for strict in (False, True)] == ["", code]


@pytest.mark.parametrize("doubt", DOUBTS)
def test_without_its_row_even_a_strict_host_does_as_usual(
    make_mirror: Any, monkeypatch: pytest.MonkeyPatch, doubt: Doubt
) -> None:
    monkeypatch.delitem(DOUBTS, doubt)  # type: ignore[arg-type]
    assert CASES[doubt][0](make_mirror(strict=True)) == ""


def test_the_document_has_these_rows_and_no_other_of_this_cloud() -> None:
    rows = [tuple(line.strip("| ").split(" | ")) for line in DOCUMENT.splitlines() if line.startswith("| ")]
    table = rows[rows.index(("question", "by default", "`--strict`")) :]
    assert [row for row in DOUBTS.values() if row not in table] == []
    ours = [row for row in table if "Huawei" in row[0] or "OBS" in row[0]]
    assert [row for row in ours if row not in DOUBTS.values()] == []


# --- what is known in strict mode -------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", ["", INSTANCE])
def test_the_instance_that_is_hinted_and_none_are_known(make_mirror: Any, instance: str) -> None:
    mirror = make_mirror(strict=True)
    assert mirror.facade.hints()["instance_id"] == INSTANCE
    assert with_instance(instance)(mirror) == ""


def test_a_token_that_was_issued_is_known(make_mirror: Any) -> None:
    mirror = make_mirror(strict=True)
    mirror.site.issue("any", mirror.now + timedelta(hours=1))
    assert with_token(mirror) == ""


def test_a_project_is_known_once_it_was_asked_for_by_name(make_mirror: Any) -> None:
    mirror = make_mirror(strict=True)
    _, told = mirror.ask("GET", "/v3/projects", name="eu-west-101")
    (project,) = told["projects"]
    assert project["name"] == "eu-west-101"
    assert listing(base=project["id"])(mirror) == ""


def test_an_object_that_is_there_may_be_a_package_s(make_mirror: Any) -> None:
    mirror = make_mirror(strict=True)
    mirror.objects["abc", "a/b.bin"] = object()
    assert of_nothing(mirror) == ""


def test_what_is_hinted_works(make_mirror: Any) -> None:
    mirror = make_mirror(strict=True)
    assert making()(mirror) == ""
    assert len(mirror.ask("GET", "ota-upgrades/modules", app_id=mirror.app)[1]["modules"]) == 1


def test_a_space_in_which_nobody_has_claimed_anything_is_empty(make_mirror: Any) -> None:
    for strict, found in ((False, ["mcu"]), (True, [])):
        mirror = make_mirror(strict=strict)
        mirror.cloud.modules.create("mcu", product="free")
        next(iter(mirror.facade.spaces.claim("other", "mine", "a-thing")), None)
        _, told = mirror.ask("GET", "ota-upgrades/modules", app_id="mine")
        assert [row["module_name"] for row in told["modules"]] == found
