"""Each exchange that the vendor documents, asked of the facade: the same status, the same members, the same values."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from otabridge.models import Artifact, Checksum, ModuleVersion, ObjectLocation

CASSETTES = Path(__file__).parents[3] / "cassettes" / "huawei"
PRODUCT, HEX = "5ba24f5ebbe8f56f5a14f605", "28f61af50fc9452aa0ed5ea25c3cc3d3"
LOADED = {
    path.relative_to(CASSETTES).with_suffix("").as_posix(): yaml.safe_load(path.read_text("utf-8"))
    for path in sorted(CASSETTES.rglob("*.yaml"))
    if path.stem != "page_full"  # the page has one answer for two requests, and it is the other one's
}
FILES = {
    name: cassette["interactions"]
    for name, cassette in LOADED.items()
    if cassette["metadata"]["provenance"] == "vendor-doc"
}
# What is of the same kind, and has another value: ids, times, names that nobody gave, lists in another order.
OTHERS = frozenset(
    {
        "module_id",
        "package_id",
        "create_time",
        "active_time",
        "connection_status_update_time",
        "marker",
        "product_name",
        "name",
        "device_type",
        "manufacturer_name",
        "industry",
        "device_name",
        "device_sdk_version",
        "status",
        "tags",
        "modules",
    }
)
# What a store does not know of a device.
UNKNOWN = frozenset({"extension_info"})
# What the vendor's examples leave out, though its own tables name it.
MORE = frozenset(
    {
        "product_name",
        "description",
        "app_id",
        "app_name",
        "gateway_id",
        "device_name",
        "node_type",
        "tags",
        "device_sdk_version",
        "sign_method",
        "roles",
        "project",
        "user",
    }
)


def seeded(mirror: Any) -> Any:
    """The store as the documents suppose it."""
    mirror.cloud.modules.create("MCU", product=PRODUCT, alias="Micro_Controller", description="main controller")
    reports = {"MCU": "V1.1", "BLE": "3.0.2", "@firmware": "V1.0", "@software": "V1.0"}
    mirror.cloud.devices.report_versions(
        ModuleVersion(product=PRODUCT, device="node1", module=module, version=version)
        for module, version in reports.items()
    )
    return mirror


def packaged(mirror: Any) -> str:
    """The id of the package that the documents show."""
    lies = ObjectLocation(region="cn-north-4", bucket="abc", key="bbb/upgrade.bin")
    digest = "595124473f866b033dfa1f7e831c8c99a12f6143f392dfa996a819010842c99d"
    artifact = Artifact(name="upgrade.bin", checksum=Checksum(algorithm="sha256", hex=digest), location=lies)
    package = mirror.cloud.packages.create(
        product=PRODUCT,
        module="MCU",
        version="V2.0",
        source_versions=["V1.0", "V1.1"],
        description="delta from 1.x",
        custom_info="fixes the sensor drift",
        artifacts=[artifact],
    )
    return str(package.id)


def differences(documented: Any, told: Any, path: str = "") -> list[str]:
    """Where an answer is not what is documented."""
    name = path.rpartition(".")[2]
    if isinstance(documented, dict) and isinstance(told, dict):
        missing = [f"{path}.{key} is missing" for key in documented.keys() - told.keys() - UNKNOWN]
        more = [f"{path}.{key} is not documented" for key in told.keys() - documented.keys() - MORE]
        both = [key for key in documented if key in told]
        return [
            *missing,
            *more,
            *(line for key in both for line in differences(documented[key], told[key], f"{path}.{key}")),
        ]
    if isinstance(documented, list) and isinstance(told, list) and name not in OTHERS:
        pairs = zip(documented, told, strict=True)
        return [line for one, other in pairs for line in differences(one, other, path)]
    if type(documented) is not type(told):
        return [f"{path}: {told!r} is of another type than {documented!r}"]
    return [] if documented == told or name in OTHERS else [f"{path}: {told!r} instead of {documented!r}"]


@pytest.mark.parametrize("file", FILES)
def test_an_exchange_is_as_documented(mirror: Any, file: str) -> None:
    seeded(mirror)
    for exchange in FILES[file]:
        path, query, body = prepared(mirror, file, exchange)
        answer = mirror.answer(mirror.signed(exchange["request"]["method"], path, body, **query))
        documented = exchange["response"]
        assert answer.status == documented["status"]["code"], answer
        if answer.status == 204:
            assert answer.body == b""
        else:
            assert differences(json.loads(documented["body"]["string"]), json.loads(answer.body)) == []


def prepared(mirror: Any, file: str, exchange: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Path, query and body of a documented request, with the ids and the password of this store."""
    operation = file.partition("/")[0]
    split = urlsplit(exchange["request"]["uri"])
    path, body = split.path, exchange["request"]["body"] or ""
    if operation == "CreateOtaModule":
        mirror.cloud.modules.delete("MCU", product=PRODUCT)
    elif file == "ShowOtaModule/page":
        said = json.loads(exchange["response"]["body"]["string"])
        mirror.cloud.modules.update("MCU", product=PRODUCT, alias=said["alias_name"], description=said["description"])
    elif "Package" in operation and operation != "CreateOtaPackage":
        path = path.replace(HEX, packaged(mirror))
    if HEX in path:
        _, listed = mirror.ask("GET", "ota-upgrades/modules", app_id=mirror.app)
        path = path.replace(HEX, listed["modules"][0]["module_id"])
    body = body.replace('"password":"…"', f'"password":"{mirror.site.master.secret_key}"')
    return path, dict(parse_qsl(split.query)), body.encode()
