"""Each exchange that the vendors document or our facades gave, replayed through both drivers: what is sent and read."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import vcr
import yaml
from exchanges import EXCHANGES, FILE, PRODUCT, origin, uploaded
from vcr.errors import CannotOverwriteExistingCassetteException

from otabridge.errors import ApiError, AuthenticationError, ConflictError, NotFoundError, QuotaExceededError
from otabridge.models import Artifact, Checksum, Device, Module, ModuleVersion, Package, Page, Product, UrlLocation

CASSETTES = Path(__file__).parents[3] / "cassettes"
OURS = sorted(path for cloud in ("tuya", "aliyun") for path in (CASSETTES / cloud).rglob("*.yaml"))
SIX = {"Action", "AccessKeyId", "SignatureMethod", "Timestamp", "SignatureNonce", "Signature"}
DOCUMENTED = [path for path in OURS if not path.stem.startswith("emulator")]
FULL = SIX | {"Version", "SignatureVersion", "Format"}
# What the two signatures carry beside an action's own parameters.
COMMON = FULL | {"RegionId"}
SECRET = re.compile(r'secret"\s*:\s*"([^"]*)"', re.IGNORECASE)

BLE = ModuleVersion(
    product="k1h9drZble", device="device001", device_id="OZs5tjTkzRRTZSCekmbRk1****", module="ble", version="1.0"
)
NEW = ModuleVersion(
    product="a140001", device="newDevice", device_id="QjIFT0000101", module="@default", version="1.6940.1"
)
SCANNER = Module(
    product="a1uctKe0001",
    name="barcodeScanner",
    alias="scanner",
    description="...",
    created_at=datetime(2020, 10, 13, 9, 46, tzinfo=UTC),
    updated_at=datetime(2020, 10, 19, 9, 46, tzinfo=UTC),
)
MD5_OF_FILE = md5(FILE).hexdigest()
MADE = datetime(2019, 12, 28, 2, 42, 22, tzinfo=UTC)
URL = "https://iotx-ota.oss-cn-shanghai.aliyuncs.com/ota/xxxx/yyyy.bin"


def digest(text: str) -> Checksum:
    return Checksum(algorithm="md5", hex=text)


def listed(status: str, artifact: Artifact) -> Package:
    return Package(
        id="UfuxnwygsuSkVE0VCN000100",
        product="a19mzPZ0001",
        module="@default",
        version="4.0.0",
        name="t3q5rkNm",
        artifacts=(artifact,),
        status=status,  # type: ignore[arg-type]
        created_at=MADE,
        updated_at=MADE,
    )


MD5 = digest("3d04ab6462633508606e5f3daac80001")
UPLOADED = Artifact(
    name="yyyy.bin", size=900, checksum=digest("93230c3bde425a9d7984a594ac550001"), location=UrlLocation(url=URL)
)
FIRMWARE2 = Package(
    id="s8SSHiKjpBfrM3BSN0z8030001",
    product="a1uctKe0001",
    module="WifiConfigModify",
    version="2.0.0",
    name="Firmware2",
    artifacts=(UPLOADED,),
    status="unverified",
    created_at=datetime(2019, 11, 4, 6, 21, 54, 607000, tzinfo=UTC),
)


def versions(device: str, product: str, size: int | None = 10) -> Callable[[Any], Any]:
    return lambda cloud: cloud.devices.versions(device, product=product, page_size=size).first_page()


def modules(product: str) -> Callable[[Any], Any]:
    return lambda cloud: cloud.modules.list(product=product).first_page()


INSTANCE = {"iot_instance_id": "iot-cn-0pp1n8t0001"}
Case = tuple[Callable[[Any], Any], object, dict[str, Any]]
CASES: dict[str, Case] = {
    "tuya/ListOTAModuleVersionsByDevice/page": (versions("device001", "k1h9drZble"), Page((BLE,), None, 1), {}),
    "tuya/ListOTAModuleVersionsByDevice/page_minimal": (
        versions("device001", "k1h9drZble"),
        Page((BLE,), None, 1),
        {"minimal": True},
    ),
    "tuya/ListOTAModuleVersionsByDevice/sheet": (
        versions("device001", "k1h9drZble", None),
        Page((BLE,), None, 1),
        {},
    ),
    "tuya/ListOTAModuleByProduct/page": (
        modules("k1h9drZble"),
        Page(
            (
                Module(
                    product="k1h9drZble",
                    name="ble",
                    alias="ble",
                    created_at=datetime(2024, 11, 11, 7, 36, tzinfo=UTC),
                    updated_at=datetime(2024, 11, 11, 7, 36, tzinfo=UTC),
                ),
            ),
            None,
            1,
        ),
        {},
    ),
    "tuya/DeleteOTAModule/page": (lambda cloud: cloud.modules.delete("ble", product="k1h9drZble"), None, {}),
    "tuya/QueryProductList/table": (
        lambda cloud: cloud.products.list().first_page(),
        Page((Product(id="k1h9drZble", name="Gateway"),), None, 1),
        {},
    ),
    "tuya/QueryDevice/table": (
        lambda cloud: cloud.devices.list(product="k1h9drZble").first_page(),
        Page((Device(product=BLE.product, name=BLE.device, id=BLE.device_id, status="offline"),), None, 1),
        {},
    ),
    "aliyun/ListOTAModuleVersionsByDevice/pascal_case": (versions("newDevice", "a140001"), Page((NEW,), None, 1), {}),
    "aliyun/ListOTAModuleVersionsByDevice/mixed_case": (versions("newDevice", "a140001"), Page((NEW,), None, 1), {}),
    "aliyun/ListOTAModuleVersionsByDevice/tuyas_page_in_pascal_case": (
        versions("device001", "k1h9drZble"),
        Page((BLE,), None, 1),
        {},
    ),
    "aliyun/ListOTAModuleByProduct/array": (
        modules("a1uctKe0001"),
        Page((SCANNER,), None, 1),
        {},
    ),
    "aliyun/ListOTAModuleByProduct/single_object": (
        modules("a1uctKe0001"),
        Page((SCANNER,), None, 1),
        {},
    ),
    "aliyun/CreateOTAModule/page": (
        lambda cloud: cloud.modules.create("barcodeScanner", product="a1uctKe0001", alias="scanner", description="..."),
        Module(product="a1uctKe0001", name="barcodeScanner", alias="scanner", description="..."),
        {},
    ),
    "aliyun/ListOTAFirmware/page": (
        lambda cloud: cloud.packages.list(product="a19mzPZ0001", page_size=10).first_page(),
        Page((listed("unverified", Artifact(name="t3q5rkNm", size=924, checksum=MD5)),), None, 1),
        {},
    ),
    "aliyun/QueryOTAFirmware/table": (
        lambda cloud: cloud.packages.get("UfuxnwygsuSkVE0VCN000100"),
        listed("ready", Artifact(name="yyyy.bin", size=924, checksum=MD5, location=UrlLocation(url=URL))),
        {},
    ),
    "aliyun/CreateOTAFirmware/page": (
        lambda cloud: cloud.packages.create(
            product="a1uctKe0001",
            module="WifiConfigModify",
            version="2.0.0",
            name="Firmware2",
            artifacts=[UPLOADED],
        ),
        FIRMWARE2,
        {},
    ),
    "aliyun/DeleteOTAFirmware/page": (lambda cloud: cloud.packages.delete("s8SSHiKjpBfrM3BSN0z8030001"), None, {}),
    "aliyun/QueryProductList/table": (
        lambda cloud: cloud.products.list().first_page(),
        Page((Product(id="a19mzPZ0001", name="MyProduct"),), None, 1),
        {},
    ),
    "aliyun/QueryDevice/table": (
        lambda cloud: cloud.devices.list(product="a140001").first_page(),
        Page((Device(product="a140001", name="newDevice", id="QjIFT0000101", status="inactive"),), None, 1),
        {},
    ),
    "aliyun/QueryDeviceDetail/table": (
        lambda cloud: cloud.devices.get("newDevice", product="a140001"),
        Device(product="a140001", name="newDevice", id="QjIFT0000101", status="online"),
        {},
    ),
    "aliyun/QueryDeviceBySQL/table": (
        lambda cloud: cloud.fleet.versions(product="a140001").first_page(),
        Page(
            (
                NEW,
                ModuleVersion(
                    product="a140001",
                    device="newDevice",
                    device_id="QjIFT0000101",
                    module="barcodeScanner",
                    version="1.0",
                ),
            )
        ),
        INSTANCE,
    ),
}

# What the exchanges with our own facades lead to: the same on both clouds.
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALIASED = Module(
    product=PRODUCT,
    name="mcu",
    alias="Main_controller",
    created_at=NOW.replace(second=0),
    updated_at=NOW.replace(second=0),
)
TWO = Package(
    id=f"{1:032x}",
    product=PRODUCT,
    module="mcu",
    version="2.0",
    name="mcu_2",
    status="ready",
    created_at=NOW,
    updated_at=NOW,
)
UNIT = Device(product=PRODUCT, name="unit-1", id="ORUGK4TNN5ZXIYLUAB2W42LUFUYQ", status="offline")


def row(number: int) -> Package:
    """A package as a list has it: without its URL, so that its file has its name."""
    name = f"mcu_{number}"
    file = replace(uploaded(""), name=name, location=None)
    return replace(TWO, id=f"{number:032x}", version=f"{number}.0", name=name, artifacts=(file,))


def emulated(cloud: str) -> dict[str, object]:
    three = [row(3), row(2), row(1)]
    shown = replace(TWO, artifacts=(uploaded(origin(cloud)),))
    key = f"ota/{2:032x}/{3:024x}.bin"
    checksum = Checksum(algorithm="sha256", hex=sha256(FILE).hexdigest()) if cloud == "tuya" else digest(MD5_OF_FILE)
    brought = Artifact(
        name=f"{3:024x}.bin", size=len(FILE), checksum=checksum, location=UrlLocation(url=f"{origin(cloud)}/{key}")
    )
    return {
        "GenerateOTAUploadURL/emulator": replace(TWO, id=f"{8:032x}", artifacts=(brought,), updated_at=None),
        "CreateOTAModule/emulator": replace(ALIASED, description="on board", created_at=None, updated_at=None),
        "CreateOTAModule/emulator_name_taken": (ConflictError, 200, "iot.ota.CreateOTAModuleNameExist"),
        "CreateOTAModule/emulator_eleventh_module": (QuotaExceededError, 200, "iot.ota.CreateOTAModuleExceedLimit"),
        "UpdateOTAModule/emulator": ALIASED,
        "DeleteOTAModule/emulator": None,
        "DeleteOTAModule/emulator_not_found": (NotFoundError, 200, "iot.ota.OTAModuleNotExist"),
        "ListOTAModuleByProduct/emulator_bad_signature": (AuthenticationError, 400, "SignatureDoesNotMatch"),
        "ListOTAModuleByProduct/emulator_acs3": Page((replace(ALIASED, alias="MCU"),), None, 1),
        "ListOTAFirmware/emulator_two_pages": three,
        "ListOTAFirmware/emulator_throttled": three,
        "CreateOTAFirmware/emulator": replace(shown, id=f"{5:032x}", status="unverified", updated_at=None),
        "QueryOTAFirmware/emulator": shown,
        "QueryOTAFirmware/emulator_not_found": (NotFoundError, 200, "iot.firmware.FirmwareNotFound"),
        "ModifyOTAFirmware/emulator": replace(shown, name="Firmware2", description="mends the sensor"),
        "DeleteOTAFirmware/emulator": None,
        "ListOTAModuleVersionsByDevice/emulator_two_pages": [
            ModuleVersion(product=PRODUCT, device=UNIT.name, device_id=UNIT.id, module=module, version=version)
            for module, version in (("@default", "2.0"), ("ble", "1.0"), ("mcu", "1.4"))
        ],
        "QueryDeviceDetail/emulator": UNIT,
    }


CASES |= {
    f"{cloud}/{name}": (exchange.use, emulated(cloud)[name], {"endpoint": origin(cloud), **exchange.settings})
    for cloud in ("tuya", "aliyun")
    for name, exchange in EXCHANGES[cloud](origin(cloud)).items()
}


def parts(request: Any) -> tuple[str, list[tuple[str, str]], dict[str, str]]:
    """A request's action, its own parameters in any order, and the common ones."""
    pairs = parse_qsl(urlsplit(request.uri).query, keep_blank_values=True, strict_parsing=True)
    common = {name: value for name, value in pairs if name in COMMON}
    action = common.get("Action") or str(request.headers.get("x-acs-action"))
    return action, sorted(pair for pair in pairs if pair[0] not in COMMON), common


def is_form(request: Any) -> bool:
    return "multipart/form-data" in str(request.headers.get("Content-Type"))


def form(request: Any) -> list[bytes]:
    """The parts of a form, without what stands between them."""
    boundary = request.headers["Content-Type"].partition("boundary=")[2]
    body: bytes = request.body if isinstance(request.body, bytes) else b"".join(request.body)
    return body.split(f"--{boundary}".encode())


def documented(sent: Any, recorded: Any) -> None:
    """vcrpy's comparison: an AssertionError says that the request is another one. Common parameters go by profile."""
    assert (sent.method, sent.scheme, sent.host, sent.port, sent.path) == (
        recorded.method,
        recorded.scheme,
        recorded.host,
        recorded.port,
        "/",
    )
    assert is_form(sent) == is_form(recorded)
    if is_form(sent):
        assert form(sent) == form(recorded)
        return
    assert parts(sent)[:2] == parts(recorded)[:2]
    assert not sent.body
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["User-Agent"].startswith("otabridge/")


def rpc(sent: Any, recorded: Any) -> None:
    """The common parameters of an rpc request: the recorded names, and the values that do not change."""
    if is_form(sent):
        return
    ours, theirs = parts(sent)[2], parts(recorded)[2]
    ours.pop("RegionId", None)
    assert ours.keys() == theirs.keys()
    for name in ours.keys() & {"Version", "SignatureVersion", "Format", "SignatureMethod"}:
        assert ours[name] == theirs[name]


def acs3(sent: Any, recorded: Any) -> None:
    """No common parameter in the query: they are headers. A form has none."""
    assert parts(sent)[2] == {}
    if is_form(sent):
        return
    assert sent.headers["x-acs-version"] == "2018-01-20"
    assert sent.headers["Authorization"].startswith("ACS3-HMAC-SHA256 Credential=AK,")


REPLAY = vcr.VCR(record_mode="none")
for matcher in (documented, rpc, acs3):
    REPLAY.register_matcher(matcher.__name__, matcher)


def signatures(name: str) -> tuple[str, ...]:
    """How a request may be signed: in both ways where the cassette does not show one that has none beside it."""
    if name.startswith("tuya/"):
        return ("rpc",)
    return ("acs3",) if name.endswith("acs3") else ("rpc", "acs3")


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or what tells its error."""
    try:
        return call()
    except ApiError as error:
        return type(error), error.status, error.code


@pytest.mark.parametrize(("name", "signature"), [(name, signature) for name in CASES for signature in signatures(name)])
def test_the_documented_request_is_sent_and_its_answer_is_read(
    name: str, signature: str, drive: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use, expected, changes = CASES[name]
    # The names of hosts on record lead nowhere.
    monkeypatch.setattr("otabridge._drivers._Http.address", lambda *_: "")
    with REPLAY.use_cassette(str(CASSETTES / f"{name}.yaml"), match_on=["documented", signature]) as cassette:
        found = outcome(lambda: drive(name.partition("/")[0], use, **changes | {"signature": signature}))
    assert found == expected
    assert cassette.all_played


def test_every_cassette_is_replayed() -> None:
    assert {path.relative_to(CASSETTES).with_suffix("").as_posix() for path in OURS} == set(CASES)


def test_the_minimal_cassette_has_the_six_parameters_of_the_vendors_curl_and_no_more() -> None:
    recorded = yaml.safe_load((CASSETTES / "tuya/ListOTAModuleVersionsByDevice/page_minimal.yaml").read_text("utf-8"))
    query = dict(parse_qsl(urlsplit(recorded["interactions"][0]["request"]["uri"]).query))
    assert query.keys() & COMMON == SIX


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_cassette_says_where_it_comes_from_and_holds_no_signature(path: Path) -> None:
    recorded = yaml.safe_load(path.read_text("utf-8"))
    assert recorded["metadata"]["provenance"] == "vendor-doc"
    assert recorded["metadata"]["source"].startswith("https://")
    for interaction in recorded["interactions"]:
        query = dict(parse_qsl(urlsplit(interaction["request"]["uri"]).query))
        assert (query["Signature"], query["AccessKeyId"]) == ("***", "***")
        assert set(SECRET.findall(interaction["response"]["body"]["string"])) <= {"***"}


@pytest.mark.parametrize("changed", [{"page_size": 9}, {"page_size": None}])
def test_a_replay_refuses_parameters_that_are_not_the_documented_ones(
    changed: dict[str, Any], drive: Callable[..., Any]
) -> None:
    path = str(CASSETTES / "tuya/ListOTAModuleVersionsByDevice/page.yaml")
    with (
        REPLAY.use_cassette(path, match_on=["documented", "rpc"]),
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        drive("tuya", lambda cloud: cloud.devices.versions("device001", product="k1h9drZble", **changed).first_page())
