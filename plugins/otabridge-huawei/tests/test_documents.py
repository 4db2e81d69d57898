"""Each exchange that the vendor documents or our facade gave, replayed through both drivers: what is sent and read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import vcr
import yaml  # type: ignore[import-untyped]
from exchanges import EXCHANGES, origin
from exchanges import PRODUCT as THERMOSTAT
from vcr.errors import CannotOverwriteExistingCassetteException

from otabridge.errors import ApiError, AuthenticationError, ConflictError, NotFoundError
from otabridge.models import (
    Artifact,
    Checksum,
    Device,
    Module,
    ModuleVersion,
    ObjectLocation,
    Package,
    Page,
    Product,
)

CASSETTES = Path(__file__).parents[3] / "cassettes" / "huawei"
PRODUCT = "5ba24f5ebbe8f56f5a14f605"
HEX = "28f61af50fc9452aa0ed5ea25c3cc3d3"
NODE = f"{PRODUCT}_node1"
MARKER = "5c90fa7d3c4e4405e8525079"
MADE = datetime(2023, 2, 11, 12, 12, 12, tzinfo=UTC)
PAGE_MODULE = {"alias": "Micro Controller Unit", "description": "Microcontroller unit firmware module."}
SHEET_MODULE = {"alias": "Micro_Controller", "description": "main controller"}
LOCATED = Artifact(
    name="upgrade.bin",
    checksum=Checksum(algorithm="sha256", hex="595124473f866b033dfa1f7e831c8c99a12f6143f392dfa996a819010842c99d"),
    location=ObjectLocation(region="cn-north-4", bucket="abc", key="bbb/upgrade.bin"),
)
CUSTOM = "Updated the XX function and fixed the XXXX issue."
BOTH = "package for version V1.0 and V1.1"
SHEET_PACKAGE = {"description": "delta from 1.x", "custom_info": "fixes the sensor drift"}


def module(**changes: Any) -> Module:
    return Module(product=PRODUCT, name="MCU", id=HEX, created_at=MADE, **changes)


def package(**changes: Any) -> Package:
    read: dict[str, Any] = {"id": HEX, "product": PRODUCT, "version": "V2.0", "created_at": MADE, "status": "ready"}
    read |= {"source_versions": ("V1.0", "V1.1"), "artifacts": (LOCATED,)}
    return Package(**read | changes)


def version(name: str, number: str) -> ModuleVersion:
    return ModuleVersion(product=PRODUCT, device="node1", device_id=NODE, module=name, version=number)


REPORTED = tuple(map(version, ("@firmware", "@software", "MCU"), ("V1.0", "V1.0", "V1.1")))
THERMOMETER = Page((Product(id=PRODUCT, name="Thermometer"),), None, 1)
DEVICE = Device(product=PRODUCT, name="node1", id=NODE, status="online")


CASES: dict[str, tuple[Callable[[Any], Any], object, dict[str, Any]]] = {
    "CreateOtaModule/page": (
        lambda cloud: cloud.modules.create("MCU", product=PRODUCT, **PAGE_MODULE),
        module(**PAGE_MODULE),
        {},
    ),
    "CreateOtaModule/sheet": (
        lambda cloud: cloud.modules.create("MCU", product=PRODUCT, **SHEET_MODULE),
        module(**SHEET_MODULE),
        {},
    ),
    "UpdateOtaModule/page": (lambda cloud: cloud.modules.update(id=HEX, **PAGE_MODULE), module(**PAGE_MODULE), {}),
    "UpdateOtaModule/sheet": (
        lambda cloud: cloud.modules.update(id=HEX, alias="MCU-2", description="main controller, rev B"),
        module(alias="MCU-2", description="main controller, rev B"),
        {},
    ),
    "ShowOtaModule/page": (lambda cloud: cloud.modules.get(id=HEX), module(**PAGE_MODULE), {}),
    "ShowOtaModule/sheet": (lambda cloud: cloud.modules.get(id=HEX), module(**SHEET_MODULE), {}),
    "ListOtaModules/sheet": (
        lambda cloud: cloud.modules.list(product=PRODUCT).first_page(),
        Page((module(**SHEET_MODULE),), None, 1),
        {},
    ),
    "DeleteOtaModule/sheet": (lambda cloud: cloud.modules.delete(id=HEX), None, {}),
    "CreateOtaPackage/page_full": (
        lambda cloud: cloud.packages.create(
            product=PRODUCT,
            module="@firmware",
            version="V2.0",
            description="package v2.0",
            custom_info=CUSTOM,
            artifacts=[LOCATED],
        ),
        package(module="@firmware", description=BOTH, custom_info=CUSTOM),
        {},
    ),
    "CreateOtaPackage/page_differential": (
        lambda cloud: cloud.packages.create(
            product=PRODUCT,
            module="@firmware",
            version="V2.0",
            kind="delta",
            source_versions=["V1.0", "V1.1"],
            description=BOTH,
            custom_info=CUSTOM,
            artifacts=[LOCATED],
        ),
        package(module="@firmware", description=BOTH, custom_info=CUSTOM),
        {},
    ),
    "CreateOtaPackage/sheet": (
        lambda cloud: cloud.packages.create(
            product=PRODUCT,
            module="MCU",
            version="V2.0",
            kind="delta",
            source_versions=["V1.0", "V1.1"],
            artifacts=[LOCATED],
            **SHEET_PACKAGE,
        ),
        package(module="MCU", **SHEET_PACKAGE),
        {},
    ),
    "ListOtaPackageInfo/sheet": (
        lambda cloud: cloud.packages.list(product=PRODUCT, module="MCU").first_page(),
        Page((package(module="MCU", artifacts=(), **SHEET_PACKAGE),)),
        {},
    ),
    "ShowOtaPackage/sheet": (lambda cloud: cloud.packages.get(HEX), package(module="MCU", **SHEET_PACKAGE), {}),
    "DeleteOtaPackage/sheet": (lambda cloud: cloud.packages.delete(HEX), None, {}),
    "ListDevices/sheet": (
        lambda cloud: cloud.devices.list(product=PRODUCT).first_page(),
        Page((DEVICE,), None, 1),
        {},
    ),
    "ShowDevice/sheet": (
        lambda cloud: cloud.devices.versions(id=NODE).first_page(),
        Page((*REPORTED, version("BLE", "3.0.2")), None, 4),
        {},
    ),
    "SearchDevices/sheet": (
        lambda cloud: cloud.fleet.versions(product=PRODUCT, cursor=f'search ["{MARKER}",50,null,null]').first_page(),
        Page(REPORTED, 'search ["5c90fa7d3c4e4405e8525070",51,null,null]'),
        {},
    ),
    "ListProducts/sheet": (lambda cloud: cloud.products.list().first_page(), THERMOMETER, {"app_id": None}),
    "KeystoneCreateUserTokenByPassword/sheet": (
        lambda cloud: cloud.products.list().first_page(),
        THERMOMETER,
        {"app_id": None, "access_key": None, "secret_key": None}
        | {"username": "iam_user", "password": "…", "domain": "account_name"},
    ),
}

# What the exchanges with our own facade lead to.
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
THREE = [
    Package(
        id=f"{number:032x}", product=THERMOSTAT, module="mcu", version=f"{number}.0", status="ready", created_at=NOW
    )
    for number in (3, 2, 1)
]
KEPT = Module(product=THERMOSTAT, name="mcu", id="dbb4e95b72fc158430cb865f544ff4c7", alias="MCU", created_at=NOW)
EMULATED: dict[str, object] = {
    "CreateOtaModule/emulator_name_taken": (ConflictError, 409, "IOTDA.990002"),
    "CreateOtaModule/emulator_eleventh_module": (ConflictError, 409, "IOTDA.990003"),
    "ListOtaModules/emulator_bad_signature": (AuthenticationError, 401, "APIGW.0301"),
    "ListOtaPackageInfo/emulator_two_pages": THREE,
    "ListOtaPackageInfo/emulator_throttled": THREE,
    "SearchDevices/emulator_two_pages": [
        ModuleVersion(product=THERMOSTAT, device=name, device_id=f"{THERMOSTAT}_{name}", module=module, version=version)
        for name in ("unit-3", "unit-2", "unit-1")
        for module, version in (("@firmware", "2.0"), ("mcu", "1.4"))
    ],
    "ShowOtaModule/emulator_not_found": (NotFoundError, 404, "IOTDA.990001"),
    "ShowOtaPackage/emulator_not_found": (NotFoundError, 404, "IOTDA.990005"),
    "KeystoneCreateUserTokenByPassword/emulator": Page((KEPT,), None, 1),
}
CASES |= {
    name: (exchange.use, EMULATED[name], {"endpoint": origin("huawei"), **exchange.settings})
    for name, exchange in EXCHANGES["huawei"](origin("huawei")).items()
}


def in_order(body: bytes | str | None) -> object:
    """A JSON body with the order of its members."""
    return json.loads(body, object_pairs_hook=list) if body else None


def documented(sent: Any, recorded: Any) -> None:
    """vcrpy's comparison: an AssertionError says that the request is another one."""
    assert (sent.method, sent.scheme, sent.host, sent.path) == (
        recorded.method,
        recorded.scheme,
        recorded.host,
        recorded.path,
    )
    assert sorted(sent.query) == sorted(recorded.query)
    assert in_order(sent.body) == in_order(recorded.body)
    assert sent.headers["Content-Type"] == recorded.headers.get("Content-Type", "application/json")


REPLAY = vcr.VCR(record_mode="none", match_on=["documented"])
REPLAY.register_matcher("documented", documented)


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or what tells its error."""
    try:
        return call()
    except ApiError as error:
        return type(error), error.status, error.code


@pytest.mark.parametrize("name", CASES)
def test_the_documented_request_is_sent_and_its_answer_is_read(name: str, drive: Callable[..., Any]) -> None:
    use, expected, changes = CASES[name]
    with REPLAY.use_cassette(str(CASSETTES / f"{name}.yaml")) as cassette:
        assert outcome(lambda: drive(use, **changes)) == expected
    assert cassette.all_played


def test_every_cassette_is_replayed() -> None:
    assert {path.relative_to(CASSETTES).with_suffix("").as_posix() for path in CASSETTES.rglob("*.yaml")} == set(CASES)


DOCUMENTED = sorted(path for path in CASSETTES.rglob("*.yaml") if not path.stem.startswith("emulator"))


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_cassette_says_where_it_comes_from_and_holds_no_signature(path: Path) -> None:
    text = path.read_text("utf-8")
    metadata = yaml.safe_load(text)["metadata"]
    assert metadata["provenance"] == "vendor-doc"
    assert metadata["source"]
    assert not any(word in text.lower() for word in ("authorization:", "x-auth-token", "x-security-token"))


def test_a_replay_refuses_a_body_that_is_not_the_documented_one(drive: Callable[..., Any]) -> None:
    with (
        REPLAY.use_cassette(str(CASSETTES / "UpdateOtaModule/page.yaml")) as cassette,
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        drive(lambda cloud: cloud.modules.update(id=HEX, alias="another"))
    assert not cassette.all_played
