"""The facade's actions on packages: what goes into the store, how it is shown, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from otabridge.errors import UnsupportedError
from otabridge.models import Artifact, UrlLocation
from tests.support.action import BYTES, HOST, MADE, MD5, OURS

# --- making -----------------------------------------------------------------------------------------------------------


def test_a_package_that_is_made_is_in_the_store_bytes_and_all(mcu: Any, tmp_path: Path) -> None:
    texts = {"FirmwareDesc": "a text", "Udi": '{"a": 1}', "SrcVersion": "0.9", "NeedToVerify": "FALSE"}
    data = mcu.ask("CreateOTAFirmware", **MADE, **texts)["Data"]
    (package,) = mcu.cloud.packages.list(product="p1")
    assert data["FirmwareId"] == package.id
    assert data["UtcCreate"] == f"{package.created_at.isoformat(timespec='milliseconds')[:23]}Z"
    assert (package.module, package.version, package.name) == ("mcu", "1.0", "mcu-1")
    assert (package.description, package.custom_info) == ("a text", '{"a": 1}')
    assert (package.kind, package.source_versions, package.status) == ("full", ("0.9",), "ready")
    assert mcu.cloud.packages.download(package.id, tmp_path / "got")[0].read_bytes() == BYTES


@pytest.mark.parametrize(
    ("verify", "status", "number"),
    [(None, "unverified", 0), ("true", "unverified", 0), ("True", "unverified", 0), ("false", "ready", -1)],
)
def test_a_package_must_be_verified_unless_its_maker_says_otherwise(
    mcu: Any, verify: str | None, status: str, number: int
) -> None:
    made = MADE | ({"NeedToVerify": verify} if verify else {})
    package_id = mcu.ask("CreateOTAFirmware", **made)["Data"]["FirmwareId"]
    assert mcu.cloud.packages.get(package_id).status == status
    assert mcu.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]["Status"] == number


def test_a_package_without_a_module_is_the_whole_devices(mirror: Any, tmp_path: Path) -> None:
    mirror.upload(tmp_path)
    for number, module in enumerate(({}, {"ModuleName": "default"}, {"ModuleName": ""})):
        made = {name: value for name, value in MADE.items() if name != "ModuleName"} | module
        made |= {"DestVersion": str(number), "FirmwareName": f"f{number}"}
        package_id = mirror.ask("CreateOTAFirmware", **made)["Data"]["FirmwareId"]
        assert mirror.cloud.packages.get(package_id).module == "@default"
        assert mirror.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]["ModuleName"] == "default"


def test_a_file_must_have_been_uploaded(mirror: Any, tmp_path: Path) -> None:
    mirror.cloud.modules.create("mcu", product="p1")
    signed = MADE | {"FirmwareSign": MD5}
    assert mirror.refused("CreateOTAFirmware", **signed) == "iot.firmware.InvalidFirmwareUrl"
    mirror.upload(tmp_path)
    assert mirror.ask("CreateOTAFirmware", **signed)["Success"] is True


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"FirmwareName": None}, "MissingFirmwareName"),
        ({"DestVersion": None}, "MissingDestVersion"),
        ({"ProductKey": None}, "MissingProductKey"),
        ({"FirmwareName": ""}, "iot.firmware.BlankFirmwareName"),
        ({"FirmwareName": "_a"}, "iot.firmware.IncorrectFormattedFirmwareName"),
        ({"FirmwareName": "n" * 41}, "iot.firmware.IncorrectFormattedFirmwareName"),
        ({"FirmwareName": "taken"}, "iot.firmware.AlreadyExistedFirmwareName"),
        ({"DestVersion": ""}, "iot.firmware.NullFirmwareVersion"),
        ({"DestVersion": "a b"}, "iot.firmware.IncorrectFormattedFirmwareVersion"),
        ({"DestVersion": "taken"}, "iot.firmware.AlreadyExistedFirmwareVersion"),
        ({"FirmwareDesc": "d" * 101}, "iot.firmware.FirmwareDescriptionExceedMaxLength"),
        ({"Udi": "u" * 4097}, "iot.common.InvalidFormattedParameter"),
        ({"NeedToVerify": "maybe"}, "iot.common.InvalidFormattedParameter"),
        ({"Type": "2"}, "iot.firmware.InvalidFirmwareType"),
        ({"ModuleName": "none"}, "iot.ota.OTAModuleNotExist"),
        ({"ModuleName": "a b"}, "iot.firmware.IncorrectFormattedModuleName"),
        ({"SrcVersion": "a b"}, "iot.firmware.IncorrectFormattedSrcVersion"),
        ({"FirmwareUrl": None}, "iot.firmware.NullFirmwareUrl"),
        ({"FirmwareUrl": ""}, "iot.firmware.NullFirmwareUrl"),
        ({"FirmwareUrl": "app.bin"}, "iot.firmware.MalformedFirmwareUrl"),
        ({"FirmwareUrl": "http://[::1"}, "iot.firmware.MalformedFirmwareUrl"),
        ({"FirmwareUrl": "https://elsewhere/ota/x/app.bin"}, "iot.firmware.InvalidFirmwareUrl"),
        ({"FirmwareUrl": f"{HOST}/elsewhere/app.bin"}, "iot.firmware.InvalidFirmwareUrl"),
        ({"FirmwareUrl": f"{HOST}/ota/x/app.txt"}, "iot.firmware.InvalidFirmwareUrl"),
        ({"FirmwareUrl": f"{HOST}/ota/empty.bin"}, "iot.firmware.EmptyFirmwareFile"),
        ({"SignMethod": "SHA1"}, "iot.firmware.InvalidFirmwareSignMethod"),
        ({"FirmwareSign": "0" * 32}, "iot.firmware.InvalidFirmwareSign"),
        ({"FirmwareSign": "x" * 32}, "iot.firmware.InvalidFirmwareSign"),
        ({"FirmwareSign": "0"}, "iot.firmware.InvalidFirmwareSign"),
        ({"FirmwareSize": "1"}, "iot.firmware.InvalidFirmwareSize"),
        ({"FirmwareSize": "x"}, "iot.firmware.InvalidFirmwareSize"),
        ({"FirmwareSize": str(1 << 31), "FirmwareUrl": f"{HOST}/ota/b.bin"}, "iot.firmware.InvalidFirmwareSize"),
    ],
)
def test_a_package_that_cannot_be_is_refused_in_the_vendors_words(
    mcu: Any, tmp_path: Path, changes: dict[str, str | None], code: str
) -> None:
    mcu.upload(tmp_path, f"{HOST}/ota/empty.bin", b"")
    taken = Artifact(name="a.bin", location=UrlLocation(url=OURS))
    mcu.cloud.packages.create(version="taken", product="p1", module="mcu", name="taken", artifacts=[taken])
    given = {name: value for name, value in (MADE | changes).items() if value is not None}
    assert mcu.refused("CreateOTAFirmware", **given) == code
    assert len(list(mcu.cloud.packages.list())) == 1


def test_the_package_after_the_last_is_refused(mcu: Any) -> None:
    file = Artifact(name="a.bin", location=UrlLocation(url=OURS))
    for number in range(500):
        mcu.cloud.packages.create(version=str(number), product="p", module="@default", artifacts=[file])
    assert mcu.refused("CreateOTAFirmware", **MADE) == "iot.firmware.FirmwareCountExceedMax"


def test_delta_packages_are_aliyuns_alone(make_mirror: Any, tmp_path: Path) -> None:
    delta = MADE | {"Type": "1", "SrcVersion": "0.9"}
    aliyun, tuya = make_mirror("aliyun"), make_mirror("tuya")
    for mirror in (aliyun, tuya):
        mirror.cloud.modules.create("mcu", product="p1")
        mirror.upload(tmp_path)
    assert tuya.refused("CreateOTAFirmware", **delta) == "iot.firmware.InvalidFirmwareType"
    assert aliyun.refused("CreateOTAFirmware", **MADE, Type="1") == "iot.firmware.SrcVersionIsMandatory"
    assert aliyun.refused("CreateOTAFirmware", **delta | {"SrcVersion": "1.0"}) == "iot.firmware.SrcDestVersionMatched"
    package_id = aliyun.ask("CreateOTAFirmware", **delta)["Data"]["FirmwareId"]
    info = aliyun.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]
    assert (info["Type"], info["SrcVersion"]) == (1, "0.9")


# --- lists and changes ------------------------------------------------------------------------------------------------


def test_a_list_of_packages_has_each_as_it_is_stored(mcu: Any) -> None:
    data = mcu.ask("CreateOTAFirmware", **MADE, FirmwareDesc="text")["Data"]
    answer = mcu.ask("ListOTAFirmware", CurrentPage=1, PageSize=100, ProductKey="p1", DestVersion="1.0")
    assert answer["FirmwareInfo"]["SimpleFirmwareInfo"] == [
        {
            "FirmwareId": data["FirmwareId"],
            "FirmwareName": "mcu-1",
            "FirmwareDesc": "text",
            "FirmwareSign": MD5,
            "FirmwareSize": len(BYTES),
            "SignMethod": "MD5",
            "DestVersion": "1.0",
            "SrcVersion": "",
            "ModuleName": "mcu",
            "ProductKey": "p1",
            "ProductName": "p1",
            "Status": 0,
            "Type": 0,
            "UtcCreate": data["UtcCreate"],
            "UtcModified": data["UtcCreate"],
        }
    ]
    assert [answer[name] for name in ("CurrentPage", "PageSize", "PageCount", "Total")] == [1, 100, 1, 1]


@pytest.mark.parametrize(
    ("asked", "versions"),
    [
        ({}, ["4", "3", "2", "1"]),
        ({"ProductKey": "p1"}, ["3", "1"]),
        ({"DestVersion": "2"}, ["2"]),
        ({"ProductKey": "p1", "DestVersion": "2"}, []),
        ({"ProductKey": "p9"}, []),
    ],
)
def test_packages_are_found_by_product_and_version(mirror: Any, asked: dict[str, str], versions: list[str]) -> None:
    file = Artifact(name="a.bin", location=UrlLocation(url=OURS))
    for version, product in (("1", "p1"), ("2", "p2"), ("3", "p1"), ("4", "p2")):
        mirror.cloud.packages.create(version=version, product=product, module="@default", artifacts=[file])
    found = []
    for page in (1, 2, 3, 4, 5):
        answer = mirror.ask("ListOTAFirmware", CurrentPage=page, PageSize=1, **asked)
        assert (answer["Total"], answer["PageCount"], answer["CurrentPage"]) == (len(versions), len(versions), page)
        found += [row["DestVersion"] for row in answer["FirmwareInfo"]["SimpleFirmwareInfo"]]
    assert found == versions


def change(mirror: Any, package_id: str, **texts: str) -> dict[str, Any]:
    needed = {"FirmwareName": "mcu-1"} if mirror.facade.name == "tuya" else {"ProductKey": "p1"}
    told: dict[str, Any] = mirror.ask("ModifyOTAFirmware", FirmwareId=package_id, **needed | texts)
    return told


@pytest.mark.parametrize("word", ["Udi", "FirmwareUdi"])
def test_what_a_change_leaves_out_stays(mcu: Any, word: str) -> None:
    package_id = mcu.ask("CreateOTAFirmware", **MADE, FirmwareDesc="text", Udi="info")["Data"]["FirmwareId"]
    assert change(mcu, package_id, FirmwareName="mcu-2")["Success"] is True
    assert change(mcu, package_id, FirmwareName="mcu-2", **{word: "other"})["Success"] is True
    package = mcu.cloud.packages.get(package_id)
    assert (package.name, package.description, package.custom_info) == ("mcu-2", "text", "other")
    info = mcu.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]
    assert (info["FirmwareName"], info["FirmwareDesc"], info["Udi"]) == ("mcu-2", "text", "other")


def test_a_change_that_cannot_be_is_refused(mcu: Any) -> None:
    package_id = mcu.ask("CreateOTAFirmware", **MADE)["Data"]["FirmwareId"]
    mcu.ask("CreateOTAFirmware", **MADE | {"FirmwareName": "taken", "DestVersion": "2"})
    changes: list[tuple[dict[str, str], str]] = [
        ({"FirmwareName": "taken"}, "iot.firmware.AlreadyExistedFirmwareName"),
        ({"FirmwareName": "a b"}, "iot.firmware.IncorrectFormattedFirmwareName"),
        ({"FirmwareDesc": "d" * 101}, "iot.firmware.FirmwareDescriptionExceedMaxLength"),
        ({"ProductKey": "p2"}, "iot.firmware.FirmwareAndProductKeyMismatch"),
    ]
    assert [change(mcu, package_id, **texts)["Code"] for texts, _ in changes] == [code for _, code in changes]
    assert change(mcu, "none")["Code"] == "iot.firmware.FirmwareNotFound"


def test_each_cloud_wants_its_own_parameter_of_a_change(make_mirror: Any) -> None:
    codes = [make_mirror(name).refused("ModifyOTAFirmware", FirmwareId="x") for name in ("tuya", "aliyun")]
    assert codes == ["MissingFirmwareName", "MissingProductKey"]


def test_a_store_that_cannot_change_packages_is_an_instance_that_cannot(mcu: Any, monkeypatch: Any) -> None:
    package_id = mcu.ask("CreateOTAFirmware", **MADE)["Data"]["FirmwareId"]

    def refuse(**_: object) -> None:
        raise UnsupportedError("this store cannot")

    monkeypatch.setattr(mcu.facade.store, "update_package", refuse)
    assert change(mcu, package_id)["Code"] == "iot.common.APINotSupportedInInstance"


@pytest.mark.parametrize("action", ["QueryOTAFirmware", "DeleteOTAFirmware"])
def test_a_package_that_is_not_there_is_not_found(mirror: Any, action: str) -> None:
    assert mirror.refused(action, FirmwareId="none") == "iot.firmware.FirmwareNotFound"
    assert mirror.refused(action, FirmwareId="") == "iot.firmware.NullFirmwareId"
    assert mirror.refused(action) == "MissingFirmwareId"


def test_a_package_that_is_deleted_is_gone(mcu: Any) -> None:
    package_id = mcu.ask("CreateOTAFirmware", **MADE)["Data"]["FirmwareId"]
    assert mcu.ask("DeleteOTAFirmware", FirmwareId=package_id)["Success"] is True
    assert list(mcu.cloud.packages.list()) == []
    assert mcu.refused("QueryOTAFirmware", FirmwareId=package_id) == "iot.firmware.FirmwareNotFound"
