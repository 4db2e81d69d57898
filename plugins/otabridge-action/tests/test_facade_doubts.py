"""The table of what no source says: each row is decided otherwise by a strict host, and told in the document."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from otabridge_action.facade_tables import DOUBTS, Doubt
from otabridge_action.signing import RpcSigner

from otabridge.wire import Request
from tests.support.action import KEY, MADE, SECRET

DOCUMENT = (Path(__file__).parents[3] / "docs" / "serve.md").read_text("utf-8")
PAGE = (("CurrentPage", "1"), ("PageSize", "1"))


def asked(action: str, *pairs: tuple[str, str], method: str = "GET") -> Callable[[Any, Path], str]:
    return lambda mirror, _: mirror.send(action, pairs, method=method).code


def with_token(mirror: Any, _: Path) -> str:
    signer = RpcSigner(KEY, SECRET, "token", common=(("Version", "2018-01-20"), ("Format", "JSON")))
    request = signer.sign(Request(operation="QueryProductList", query=PAGE), now=mirror.now, nonce="n")
    return str(mirror.call("GET", request.target).code)


def made(mirror: Any, folder: Path) -> str:
    mirror.cloud.modules.create("mcu", product="p1")
    mirror.upload(folder)
    return str(mirror.send("CreateOTAFirmware", tuple(MADE.items())).code)


# For each row: where it shows, what a client does, and the code that a strict host has for it.
CASES: dict[Doubt, tuple[str, Callable[[Any, Path], str], str]] = {
    "product": ("aliyun", asked("ListOTAModuleByProduct", ("ProductKey", "new")), "iot.prod.NotExistedProduct"),
    "method": ("tuya", asked("QueryProductList", *PAGE, method="POST"), "UnsupportedHTTPMethod"),
    "instance": ("aliyun", asked("QueryProductList", *PAGE, ("IotInstanceId", "x")), "iot.system.InstanceNotFound"),
    "token": ("aliyun", with_token, "InvalidSecurityToken.Malformed"),
    "digest": ("tuya", made, "MissingFirmwareSign"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_row_is_decided_otherwise_by_a_strict_host(make_mirror: Any, tmp_path: Path, doubt: Doubt) -> None:
    name, ask, code = CASES[doubt]
    assert [ask(make_mirror(name, strict=strict), tmp_path) for strict in (False, True)] == ["", code]


@pytest.mark.parametrize("doubt", DOUBTS)
def test_without_its_row_even_a_strict_host_does_as_usual(
    make_mirror: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doubt: Doubt
) -> None:
    name, ask, _ = CASES[doubt]
    monkeypatch.delitem(DOUBTS, doubt)
    assert ask(make_mirror(name, strict=True), tmp_path) == ""


def test_the_document_has_these_rows_and_no_other_of_these_clouds() -> None:
    rows = [line.strip("| ").split(" | ") for line in DOCUMENT.splitlines() if line.startswith("| ")]
    table = rows[rows.index(["question", "by default", "`--strict`"]) :]
    assert [list(row) for row in DOUBTS.values() if list(row) not in table] == []
    ours = [row for row in table if "Tuya" in row[0] or "Aliyun" in row[0]]
    assert [row for row in ours if tuple(row) not in DOUBTS.values()] == []
