"""Packages: what is asked, and what becomes of a write whose answer is lost."""

from dataclasses import replace
from typing import Any

import pytest

from otabridge.errors import ConflictError, NotFoundError, OutcomeUnknownError, ServerError
from otabridge.models import Artifact, Checksum, PackageDraft, UrlLocation

LOST = OutcomeUnknownError("the answer was lost")
PACKAGE = {
    "FirmwareId": "f1",
    "ProductKey": "p",
    "ModuleName": "mcu",
    "DestVersion": "1.0",
    "FirmwareName": "mcu_1-0",
    "FirmwareSign": "AB" * 16,
    "SignMethod": "MD5",
    "Type": 0,
}
FILE = Artifact(
    name="app.bin",
    size=9,
    checksum=Checksum(algorithm="md5", hex="ab" * 16),
    location=UrlLocation(url="https://oss/ota/app.bin"),
)
DRAFT = PackageDraft(product="p", module="mcu", version="1.0", name="mcu_1-0", artifacts=(FILE,))


def refusal(code: str) -> tuple[int, dict[str, Any]]:
    return 200, {"Success": False, "Code": code, "ErrorMessage": "m"}


def test_a_package_of_one_file(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, {"Data": {"FirmwareId": 178, "UtcCreate": "2019-11-04T06:21:54.607Z"}})
    about = {"description": "text", "custom_info": "{}", "verify": False}
    draft = replace(DRAFT, source_versions=("0.9",), module="default", **about)
    made = cloud.run(cloud.backend.create_package(draft=draft))
    assert (made.id, made.status, made.module, made.created_at.year) == ("178", "ready", "@default", 2019)
    assert (made.artifacts, made.name) == ((FILE,), "mcu_1-0")
    assert cloud.sent == [
        (
            "CreateOTAFirmware",
            {
                "ProductKey": "p",
                "ModuleName": "default",
                "DestVersion": "1.0",
                "SrcVersion": "0.9",
                "FirmwareName": "mcu_1-0",
                "FirmwareDesc": "text",
                "Udi": "{}",
                "Type": "0",
                "NeedToVerify": "false",
                "FirmwareUrl": "https://oss/ota/app.bin",
                "FirmwareSize": "9",
                "FirmwareSign": "ab" * 16,
                "SignMethod": "MD5",
            },
        )
    ]


@pytest.mark.parametrize(("verify", "word", "status"), [(True, "true", "unverified"), (False, "false", "ready")])
def test_verification_is_always_said(make_cloud: Any, cloud_name: str, verify: bool, word: str, status: str) -> None:
    cloud = make_cloud(cloud_name, {"Data": {"FirmwareId": "1"}})
    assert cloud.run(cloud.backend.create_package(draft=replace(DRAFT, verify=verify))).status == status
    assert cloud.sent[0][1]["NeedToVerify"] == word


def test_tuya_takes_a_sha256(make_cloud: Any) -> None:
    cloud = make_cloud("tuya", {"Data": {"FirmwareId": "1"}})
    file = replace(FILE, checksum=Checksum(algorithm="sha256", hex="cd" * 32))
    cloud.run(cloud.backend.create_package(draft=replace(DRAFT, artifacts=(file,))))
    assert (cloud.sent[0][1]["SignMethod"], cloud.sent[0][1]["FirmwareSign"]) == ("SHA256", "cd" * 32)


def test_aliyun_takes_a_delta_of_several_files_as_a_numbered_list(make_cloud: Any) -> None:
    cloud = make_cloud("aliyun", {"Data": {"FirmwareId": "1"}})
    draft = replace(
        DRAFT,
        kind="delta",
        source_versions=("0.9",),
        artifacts=(FILE, replace(FILE, name="b.bin", size=None, checksum=None)),
    )
    cloud.run(cloud.backend.create_package(draft=draft))
    sent = cloud.sent[0][1]
    assert {name: value for name, value in sent.items() if name.startswith(("Multi", "Firmware", "Sign", "Type"))} == {
        "FirmwareName": "mcu_1-0",
        "Type": "1",
        "SignMethod": "MD5",
        "MultiFiles.1.Name": "app.bin",
        "MultiFiles.1.Url": "https://oss/ota/app.bin",
        "MultiFiles.1.Size": "9",
        "MultiFiles.1.SignValue": "ab" * 16,
        "MultiFiles.1.FileMd5": "ab" * 16,
        "MultiFiles.2.Name": "b.bin",
        "MultiFiles.2.Url": "https://oss/ota/app.bin",
    }


def test_a_package_without_a_name_gets_one(make_cloud: Any) -> None:
    cloud = make_cloud("tuya", {"Data": {"FirmwareId": "1"}})
    made = cloud.run(cloud.backend.create_package(draft=replace(DRAFT, name=None)))
    assert made.name == cloud.sent[0][1]["FirmwareName"]
    assert made.name.startswith("mcu_1-0_")


LISTED = {"FirmwareInfo": {"SimpleFirmwareInfo": [PACKAGE]}, "PageCount": 1, "Total": 1}


@pytest.mark.parametrize("failure", [LOST, refusal("iot.firmware.CreateFirmwareFailure"), {"Data": {}}])
def test_a_package_whose_answer_is_lost_is_looked_up_by_product_module_and_version(
    make_cloud: Any, failure: Any
) -> None:
    cloud = make_cloud("aliyun", failure, LISTED)
    assert cloud.run(cloud.backend.create_package(draft=DRAFT)).id == "f1"
    assert cloud.sent[1] == (
        "ListOTAFirmware",
        {"ProductKey": "p", "DestVersion": "1.0", "CurrentPage": "1", "PageSize": "100"},
    )


@pytest.mark.parametrize(
    "other",
    [
        {"name": "other"},
        {"description": "other"},
        {"source_versions": ("0.1",)},
        {"artifacts": (replace(FILE, checksum=Checksum(algorithm="md5", hex="00" * 16)),)},
    ],
)
def test_another_package_of_that_version_is_a_conflict(make_cloud: Any, other: dict[str, Any]) -> None:
    cloud = make_cloud("aliyun", LOST, LISTED)
    with pytest.raises(ConflictError):
        cloud.run(cloud.backend.create_package(draft=replace(DRAFT, **other)))


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (LOST, OutcomeUnknownError),
        (refusal("iot.system.SystemException"), ServerError),
        ({"Data": {}}, OutcomeUnknownError),
    ],
)
def test_a_package_that_is_nowhere_is_no_success(make_cloud: Any, failure: Any, kind: Any) -> None:
    cloud = make_cloud("aliyun", failure, {}, {})
    with pytest.raises(kind):
        cloud.run(cloud.backend.create_package(draft=DRAFT))


# --- updates --------------------------------------------------------------------------------------------------------

SHOWN = {"FirmwareInfo": PACKAGE | {"FirmwareDesc": "text", "Udi": "{}"}}
CHANGES = {"name": "new", "description": "", "custom_info": "[]"}
CHANGED = {"FirmwareInfo": PACKAGE | {"FirmwareName": "new", "FirmwareDesc": "", "Udi": "[]"}}


@pytest.mark.parametrize(
    ("cloud_name", "changes", "sent"),
    [
        ("aliyun", CHANGES, {"FirmwareName": "new", "FirmwareDesc": "", "FirmwareUdi": "[]"}),
        ("aliyun", {"custom_info": "[]"}, {"FirmwareUdi": "[]"}),
        ("tuya", CHANGES, {"FirmwareName": "new", "FirmwareDesc": "", "Udi": "[]"}),
        ("tuya", {"custom_info": "[]"}, {"FirmwareName": "mcu_1-0", "Udi": "[]"}),
    ],
)
def test_an_update_sends_what_is_named_and_what_the_cloud_needs(
    make_cloud: Any, cloud_name: str, changes: dict[str, str], sent: dict[str, str]
) -> None:
    cloud = make_cloud(cloud_name, SHOWN, {}, SHOWN)
    cloud.run(cloud.backend.update_package(package_id="f1", **changes))
    query = ("QueryOTAFirmware", {"FirmwareId": "f1"})
    assert cloud.sent == [query, ("ModifyOTAFirmware", {"FirmwareId": "f1", "ProductKey": "p"} | sent), query]
    assert [request.read for request in cloud.requests] == [True, False, True]


def test_an_update_returns_the_package_as_it_is_afterwards(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, SHOWN, {}, CHANGED)
    package = cloud.run(cloud.backend.update_package(package_id="f1", **CHANGES))
    assert (package.name, package.description, package.custom_info) == ("new", None, "[]")
    assert (package.version, package.raw) == ("1.0", CHANGED["FirmwareInfo"])


def test_an_update_of_a_package_that_is_not_there_changes_nothing(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, refusal("iot.firmware.FirmwareNotFound"))
    with pytest.raises(NotFoundError):
        cloud.run(cloud.backend.update_package(package_id="f1", name="new"))
    assert [operation for operation, _ in cloud.sent] == ["QueryOTAFirmware"]


@pytest.mark.parametrize("failure", [LOST, refusal("iot.system.SystemException")])
def test_an_update_of_a_package_whose_answer_is_lost_succeeds_if_it_took_effect(make_cloud: Any, failure: Any) -> None:
    cloud = make_cloud("aliyun", SHOWN, failure, SHOWN, CHANGED, CHANGED)
    assert cloud.run(cloud.backend.update_package(package_id="f1", **CHANGES)).name == "new"
    assert cloud.sleeps == [cloud.backend.traits.list_lag_seconds]
    assert [operation for operation, _ in cloud.sent].count("ModifyOTAFirmware") == 1


@pytest.mark.parametrize("change", [{name: value} for name, value in CHANGES.items()])
def test_an_update_of_a_package_whose_answer_is_lost_and_that_took_no_effect_says_so(
    make_cloud: Any, cloud_name: str, change: dict[str, str]
) -> None:
    cloud = make_cloud(cloud_name, SHOWN, LOST, SHOWN, SHOWN)
    with pytest.raises(OutcomeUnknownError):
        cloud.run(cloud.backend.update_package(package_id="f1", **change))


def test_a_package_is_deleted_and_a_lost_answer_is_looked_after(make_cloud: Any, cloud_name: str) -> None:
    cloud = make_cloud(cloud_name, {}, LOST, refusal("iot.firmware.FirmwareNotFound"))
    cloud.run(cloud.backend.delete_package(package_id="f1"))
    cloud.run(cloud.backend.delete_package(package_id="f1"))
    assert [operation for operation, _ in cloud.sent] == ["DeleteOTAFirmware"] * 2 + ["QueryOTAFirmware"]
    there = make_cloud(cloud_name, LOST, {"FirmwareInfo": PACKAGE}, {"FirmwareInfo": PACKAGE})
    with pytest.raises(OutcomeUnknownError):
        there.run(there.backend.delete_package(package_id="f1"))


def test_the_look_for_a_lost_package_reads_every_page(make_cloud: Any) -> None:
    other = {"FirmwareInfo": {"SimpleFirmwareInfo": [PACKAGE | {"ModuleName": "ble"}]}, "PageCount": 2, "Total": 2}
    cloud = make_cloud("tuya", LOST, other, LISTED | {"PageCount": 2, "Total": 2})
    assert cloud.run(cloud.backend.create_package(draft=DRAFT)).id == "f1"
    assert [parameters.get("CurrentPage") for _, parameters in cloud.sent] == [None, "1", "2"]
