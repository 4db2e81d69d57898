"""Each exchange that the vendors document, asked of the facade: its answer has all that the document's has."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from otabridge_action.facade_devices import iot_id

from otabridge.models import Artifact, Checksum, Module, ModuleVersion, UrlLocation
from tests.support.action import BYTES, MD5, OURS

CASSETTES = Path(__file__).parents[3] / "cassettes"
COMMON = {"AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "Timestamp", "Version", "Format"}
FILE = Artifact(
    name="a.bin", size=924, checksum=Checksum(algorithm="md5", hex="ab" * 16), location=UrlLocation(url=OURS)
)
# Examples that mix the spellings, against their own tables and the official SDK.
MIXED = {"mixed_case", "tuyas_page_in_pascal_case"}
# What these examples tell of a device and no store knows; that there are no secrets is on purpose.
UNKNOWN = {"devicesecret", "ipaddress", "region", "deviceid", "asaddress", "groups", "tags", "nodetype", "nickname"}


def documented() -> list[Any]:
    """Every documented exchange that succeeds, as (cloud, name, parameters, answer)."""
    found = []
    for name in ("tuya", "aliyun"):
        for path in sorted((CASSETTES / name).rglob("*.yaml")):
            cassette = yaml.safe_load(path.read_text("utf-8"))
            if cassette["metadata"]["provenance"] != "vendor-doc":
                continue
            for number, exchange in enumerate(cassette["interactions"]):
                asked = dict(parse_qsl(urlsplit(exchange["request"]["uri"]).query, keep_blank_values=True))
                answer = json.loads(exchange["response"]["body"]["string"])
                case = f"{name}-{path.parent.name}-{path.stem}-{number}"
                found.append(pytest.param(name, path.stem, asked, answer, id=case))
    return found


def seed(cloud: Any, asked: dict[str, str]) -> None:
    """Put into the store what the example is about, and its own ids into the request."""
    searched = re.search('product_key = "([^"]+)"', asked.get("SQL", ""))
    product, action = asked.get("ProductKey", searched[1] if searched else "p1"), asked["Action"]
    device = asked.get("DeviceName", "d1")
    if "IotId" in asked:
        asked["IotId"] = iot_id(product, device)
    cloud.devices.report_versions(
        ModuleVersion(product=product, device=device, module=module, version="1") for module in ("@default", "ble")
    )
    modules: list[Module] = []
    if action != "CreateOTAModule":
        name = asked.get("ModuleName", "mcu")
        modules.append(cloud.modules.create(name, product=product, alias="alias", description="text"))
    if action in ("ListOTAFirmware", "QueryOTAFirmware", "DeleteOTAFirmware"):
        texts = {"name": "f", "description": "text", "custom_info": "info"}
        made = cloud.packages.create(version="1", product=product, module="@default", artifacts=[FILE], **texts)
        asked.update({"FirmwareId": made.id} if "FirmwareId" in asked else {})
    if "FirmwareUrl" in asked:
        said = {"FirmwareUrl": OURS, "FirmwareSign": MD5, "FirmwareSize": str(len(BYTES))}
        asked.update({name: value for name, value in said.items() if name in asked})


def members(value: Any, path: str = "") -> set[str]:
    """The ways to all members of an answer; whether one stands in an array or alone is left out."""
    if isinstance(value, list):
        return {found for item in value for found in members(item, path)}
    if not isinstance(value, dict):
        return {path}
    return {found for name, item in value.items() for found in members(item, f"{path}.{name}")} or {path}


@pytest.mark.parametrize(("name", "case", "asked", "answer"), documented())
def test_an_answer_has_every_member_that_the_documents_have(
    make_mirror: Any, tmp_path: Path, name: str, case: str, asked: dict[str, str], answer: dict[str, Any]
) -> None:
    mirror = make_mirror(name)
    seed(mirror.cloud, asked)
    mirror.upload(tmp_path, OURS)
    pairs = tuple((key, value) for key, value in asked.items() if key not in COMMON | {"Action"})
    reply = json.loads(mirror.send(asked["Action"], pairs).body)
    assert reply.get("Success", reply.get("success")) is True, reply
    wanted, given = members(answer), members(reply)
    if case in MIXED:
        wanted, given = ({path.lower() for path in paths} for paths in (wanted, given))
        wanted -= {".code", ".errormessage"}
    assert {path for path in wanted - given if path.rpartition(".")[2].lower() not in UNKNOWN} == set()


def types(value: Any, path: str = "") -> set[tuple[str, str]]:
    if isinstance(value, list):
        return {found for item in value for found in types(item, path)}
    if not isinstance(value, dict):
        return {(path, type(value).__name__)}
    return {found for name, item in value.items() for found in types(item, f"{path}.{name}")}


@pytest.mark.parametrize(("name", "case", "asked", "answer"), documented())
def test_members_have_the_types_that_the_documents_have(
    make_mirror: Any, tmp_path: Path, name: str, case: str, asked: dict[str, str], answer: dict[str, Any]
) -> None:
    mirror = make_mirror(name)
    seed(mirror.cloud, asked)
    mirror.upload(tmp_path, OURS)
    pairs = tuple((key, value) for key, value in asked.items() if key not in COMMON | {"Action"})
    reply = json.loads(mirror.send(asked["Action"], pairs).body)
    known = dict(types(reply))
    assert {path: kind for path, kind in types(answer) if known.get(path, kind) != kind} == {}
