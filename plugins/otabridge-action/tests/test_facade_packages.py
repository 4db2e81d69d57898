"""The facade's actions on packages: what goes into the store, how it is shown, and what is refused."""

import base64
import hmac
import json
from datetime import timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from otabridge.errors import UnsupportedError
from otabridge.models import Artifact, Checksum, ObjectLocation, UrlLocation
from otabridge.objects import PACKAGES, UPLOADS, Stored

HOST = "http://127.0.0.1:8080"
SECRET = "SkExample000000000000000000002"
BYTES = b"firmware of the mcu"
MD5, SHA256 = md5(BYTES).hexdigest(), sha256(BYTES).hexdigest()
OURS = f"{HOST}/ota/0123456789abcdef0123456789abcdef/app.bin"
MADE = {"ProductKey": "p1", "ModuleName": "mcu", "FirmwareName": "mcu-1", "DestVersion": "1.0", "FirmwareUrl": OURS}


def upload(mirror: Any, folder: Path, url: str = OURS, data: bytes = BYTES) -> str:
    """An object in the host's storage, as an upload leaves it there."""
    key = urlsplit(url).path[1:]
    path = folder / str(len(mirror.objects))
    path.write_bytes(data)
    digests = {"md5": md5(data).hexdigest(), "sha256": sha256(data).hexdigest()}
    mirror.objects[key] = Stored(
        bucket=UPLOADS, key=key, size=len(data), etag=digests["md5"], modified=mirror.now, path=path, **digests
    )
    return url


@pytest.fixture
def mcu(mirror: Any, tmp_path: Path) -> Any:
    """A facade over a store with a module, and with a file uploaded."""
    mirror.cloud.modules.create("mcu", product="p1")
    upload(mirror, tmp_path)
    return mirror


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
    upload(mirror, tmp_path)
    for number, module in enumerate(({}, {"ModuleName": "default"}, {"ModuleName": ""})):
        made = {name: value for name, value in MADE.items() if name != "ModuleName"} | module
        made |= {"DestVersion": str(number), "FirmwareName": f"f{number}"}
        package_id = mirror.ask("CreateOTAFirmware", **made)["Data"]["FirmwareId"]
        assert mirror.cloud.packages.get(package_id).module == "@default"
        assert mirror.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]["ModuleName"] == "default"


def test_a_file_that_was_not_uploaded_is_kept_as_it_is_described(mirror: Any) -> None:
    mirror.cloud.modules.create("mcu", product="p1")
    described = {"FirmwareSign": MD5, "SignMethod": "MD5", "FirmwareSize": 7}
    package_id = mirror.ask("CreateOTAFirmware", **MADE, **described)["Data"]["FirmwareId"]
    assert mirror.cloud.packages.get(package_id).artifacts == (
        Artifact(
            name="app.bin",
            size=7,
            checksum=Checksum(algorithm="md5", hex=MD5),
            location=UrlLocation(url=OURS),
        ),
    )
    info = mirror.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]
    assert (info["FirmwareUrl"], info["FirmwareSize"], info["FirmwareSign"]) == (OURS, 7, MD5)


def test_a_strict_host_wants_the_file(make_mirror: Any, cloud_name: str, tmp_path: Path) -> None:
    mirror = make_mirror(cloud_name, strict=True)
    mirror.cloud.modules.create("mcu", product="p1")
    signed = MADE | {"FirmwareSign": MD5}
    assert mirror.refused("CreateOTAFirmware", **signed) == "iot.firmware.InvalidFirmwareUrl"
    upload(mirror, tmp_path)
    assert mirror.ask("CreateOTAFirmware", **signed)["Success"] is True


def test_a_strict_tuya_wants_a_digest(make_mirror: Any, tmp_path: Path) -> None:
    mirror = make_mirror("tuya", strict=True)
    mirror.cloud.modules.create("mcu", product="p1")
    upload(mirror, tmp_path)
    assert mirror.refused("CreateOTAFirmware", **MADE) == "MissingFirmwareSign"


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
    upload(mcu, tmp_path, f"{HOST}/ota/empty.bin", b"")
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
        upload(mirror, tmp_path)
    assert tuya.refused("CreateOTAFirmware", **delta) == "iot.firmware.InvalidFirmwareType"
    assert aliyun.refused("CreateOTAFirmware", **MADE, Type="1") == "iot.firmware.SrcVersionIsMandatory"
    assert aliyun.refused("CreateOTAFirmware", **delta | {"SrcVersion": "1.0"}) == "iot.firmware.SrcDestVersionMatched"
    info = made(aliyun, delta)
    assert (info["Type"], info["SrcVersion"]) == (1, "0.9")


def made(mirror: Any, given: dict[str, str]) -> dict[str, Any]:
    """The package that comes of it, as it is asked for."""
    package_id = mirror.ask("CreateOTAFirmware", **given)["Data"]["FirmwareId"]
    info: dict[str, Any] = mirror.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]
    return info


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_digest_is_an_md5_where_none_was_given(mcu: Any) -> None:
    info = made(mcu, MADE)
    assert (info["SignMethod"], info["FirmwareSign"], info["FirmwareSize"]) == ("MD5", MD5, len(BYTES))
    (row,) = mcu.ask("ListOTAFirmware", CurrentPage=1, PageSize=10)["FirmwareInfo"]["SimpleFirmwareInfo"]
    assert (row["SignMethod"], row["FirmwareSign"], row["FirmwareSize"]) == ("MD5", MD5, len(BYTES))


def test_tuya_takes_a_sha256_and_gives_it_back(make_mirror: Any, tmp_path: Path) -> None:
    codes = []
    for mirror in (make_mirror("tuya"), make_mirror("aliyun")):
        mirror.cloud.modules.create("mcu", product="p1")
        upload(mirror, tmp_path)
        signed = MADE | {"SignMethod": "SHA256", "FirmwareSign": SHA256.upper()}
        codes.append(mirror.ask("CreateOTAFirmware", **signed)["Code"])
        rows = mirror.ask("ListOTAFirmware", CurrentPage=1, PageSize=10)["FirmwareInfo"]["SimpleFirmwareInfo"]
        assert [(row["SignMethod"], row["FirmwareSign"]) for row in rows] == [("SHA256", SHA256)][: 2 - len(codes)]
    assert codes == ["", "iot.firmware.InvalidFirmwareSignMethod"]


def test_several_files_make_one_package_on_aliyun(make_mirror: Any, tmp_path: Path) -> None:
    mirror = make_mirror("aliyun")
    mirror.cloud.modules.create("mcu", product="p1")
    texts = {"a": b"first", "b": b"second"}
    given = {name: value for name, value in MADE.items() if name != "FirmwareUrl"}
    for number, (name, data) in enumerate(texts.items(), 1):
        url = upload(mirror, tmp_path, f"{HOST}/ota/x/{name}.bin", data)
        given |= {f"MultiFiles.{number}.Name": name, f"MultiFiles.{number}.Url": url}
    given["MultiFiles.2.FileMd5"] = md5(b"second").hexdigest()
    info = made(mirror, given)
    files = [
        {"Name": name, "Size": len(data), "SignValue": md5(data).hexdigest(), "FileMd5": md5(data).hexdigest()}
        for name, data in texts.items()
    ]
    assert [{name: value for name, value in file.items() if name != "Url"} for file in info["MultiFiles"]] == files
    assert "FirmwareUrl" not in info
    assert "FirmwareSign" not in info
    assert [file.name for file in mirror.cloud.packages.get(info["FirmwareId"]).artifacts] == ["a", "b"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"1.Name": "a", "1.Url": OURS, "2.Name": "a", "2.Url": OURS}, "iot.common.InvalidFormattedParameter"),
        ({"1.Name": "a" * 33, "1.Url": OURS}, "iot.common.InvalidFormattedParameter"),
        ({"1.Name": "a"}, "iot.firmware.NullFirmwareUrl"),
        ({"1.Url": OURS}, "iot.common.InvalidFormattedParameter"),
        ({"1.Name": "a", "1.Url": "https://else/ota/a.bin"}, "iot.firmware.InvalidFirmwareUrl"),
        (
            {
                f"{number}.{name}": f"{number}" if name == "Name" else OURS
                for number in range(21)
                for name in ("Name", "Url")
            },
            "iot.common.InvalidFormattedParameter",
        ),
    ],
)
def test_files_that_cannot_be_are_refused(make_mirror: Any, files: dict[str, str], code: str) -> None:
    mirror = make_mirror("aliyun")
    given = {name: value for name, value in MADE.items() if name != "FirmwareUrl"}
    assert (
        mirror.refused("CreateOTAFirmware", **given, **{f"MultiFiles.{name}": url for name, url in files.items()})
        == code
    )


def test_the_url_of_a_file_is_signed_for_a_while(mcu: Any) -> None:
    info = made(mcu, MADE)
    url = urlsplit(info["FirmwareUrl"])
    key = unquote(url.path).removeprefix(f"/{PACKAGES}/")
    query = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}" == HOST
    assert key == f"{info['FirmwareId']}/0/app.bin"
    assert int(query["Expires"]) == (mcu.now + timedelta(hours=1)).timestamp()
    text = f"GET\n\n\n{query['Expires']}\n/{PACKAGES}/{key}"
    signed = base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode()
    assert (query["OSSAccessKeyId"], query["Signature"]) == ("AK", signed)


def test_a_file_in_a_bucket_has_such_a_url_too(mirror: Any) -> None:
    place = ObjectLocation(region="r", bucket="b", key="k/ä b.bin")
    file = Artifact(name="ä b.bin", location=place)
    package = mirror.cloud.packages.create(version="1", product="p", module="@default", artifacts=[file])
    info = mirror.ask("QueryOTAFirmware", FirmwareId=package.id)["FirmwareInfo"]
    assert info["FirmwareUrl"].startswith(f"{HOST}/{PACKAGES}/{package.id}/0/%C3%A4%20b.bin?Expires=")


# --- uploads ----------------------------------------------------------------------------------------------------------


def test_a_grant_lets_one_file_be_uploaded_within_a_minute(mirror: Any) -> None:
    data = mirror.ask("GenerateOTAUploadURL", FileSuffix="tar.gz")["Data"]
    policy = json.loads(base64.b64decode(data["Policy"]))
    folder, _, name = data["Key"].rpartition("/")
    assert policy == {
        "expiration": "2026-03-04T12:01:00.000Z",
        "conditions": [["content-length-range", 0, 1_048_576_000], ["starts-with", "$key", f"{folder}/"]],
    }
    assert folder.startswith("ota/")
    assert len(folder) == len("ota/") + 32
    assert name.endswith(".tar.gz")
    assert data["FirmwareUrl"] == f"{data['Host']}/{data['Key']}"
    signed = base64.b64encode(hmac.digest(SECRET.encode(), data["Policy"].encode(), "sha1")).decode()
    named = data.get("OSSAccessKeyId")
    assert (data["Host"], named, data["Signature"], data["ObjectStorage"]) == (HOST, "AK", signed, "OSS")
    assert data["UtcCreate"] == "2026-03-04T12:00:00.000Z"


def test_a_grant_is_for_a_bin_unless_another_suffix_is_given(mirror: Any) -> None:
    assert mirror.ask("GenerateOTAUploadURL")["Data"]["Key"].endswith(".bin")
    code = mirror.refused("GenerateOTAUploadURL", FileSuffix="exe")
    assert code == "iot.firmware.InvalidGenerateOTAUploadURLParam"


def test_no_two_grants_have_one_key(mirror: Any) -> None:
    assert len({mirror.ask("GenerateOTAUploadURL")["Data"]["Key"] for _ in range(20)}) == 20


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
