"""The files of the facade's packages: their digests, their URLs, and the grants of uploads."""

import base64
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from otabridge.models import Artifact, Checksum, ObjectLocation, UrlLocation
from otabridge.objects import PACKAGES, UPLOADS
from tests.support.action import BYTES, HOST, MADE, MD5, OURS, SECRET, SHA256


def made(mirror: Any, given: dict[str, str]) -> dict[str, Any]:
    """The package that comes of it, as it is asked for."""
    package_id = mirror.ask("CreateOTAFirmware", **given)["Data"]["FirmwareId"]
    info: dict[str, Any] = mirror.ask("QueryOTAFirmware", FirmwareId=package_id)["FirmwareInfo"]
    return info


def test_a_digest_is_an_md5_where_none_was_given(mcu: Any) -> None:
    info = made(mcu, MADE)
    assert (info["SignMethod"], info["FirmwareSign"], info["FirmwareSize"]) == ("MD5", MD5, len(BYTES))
    (row,) = mcu.ask("ListOTAFirmware", CurrentPage=1, PageSize=10)["FirmwareInfo"]["SimpleFirmwareInfo"]
    assert (row["SignMethod"], row["FirmwareSign"], row["FirmwareSize"]) == ("MD5", MD5, len(BYTES))


def test_tuya_takes_a_sha256_and_gives_it_back(make_mirror: Any, tmp_path: Path) -> None:
    codes = []
    for mirror in (make_mirror("tuya"), make_mirror("aliyun")):
        mirror.cloud.modules.create("mcu", product="p1")
        mirror.upload(tmp_path)
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
        url = mirror.upload(tmp_path, f"{HOST}/ota/x/{name}.bin", data)
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


def test_a_file_in_a_bucket_has_such_a_url_too(mirror: Any, tmp_path: Path) -> None:
    place = ObjectLocation(region="r", bucket="b", key="k/ä b.bin")
    file = Artifact(name="ä b.bin", location=place)
    package = mirror.cloud.packages.create(version="1", product="p", module="@default", artifacts=[file])
    mirror.upload(tmp_path, f"{HOST}/{place.key}")
    info = mirror.ask("QueryOTAFirmware", FirmwareId=package.id)["FirmwareInfo"]
    assert info["FirmwareUrl"].startswith(f"{HOST}/{PACKAGES}/{package.id}/0/%C3%A4%20b.bin?Expires=")


def test_a_file_in_a_bucket_elsewhere_has_no_url(mirror: Any) -> None:
    file = Artifact(name="a.bin", size=7, location=ObjectLocation(region="r", bucket="b", key="k/a.bin"))
    package = mirror.cloud.packages.create(version="1", product="p", module="@default", artifacts=[file])
    info = mirror.ask("QueryOTAFirmware", FirmwareId=package.id)["FirmwareInfo"]
    assert ("FirmwareUrl" in info, info["FirmwareSize"]) == (False, 7)


def test_a_list_reads_no_package_alone_unless_the_store_holds_its_bytes(mirror: Any, monkeypatch: Any) -> None:
    checksum = Checksum(algorithm="sha256", hex=SHA256)
    file = Artifact(name="a.bin", checksum=checksum, location=UrlLocation(url=OURS))
    mirror.cloud.packages.create(version="1", product="p", module="@default", artifacts=[file])
    monkeypatch.delattr(type(mirror.facade.store), "get_package")
    (row,) = mirror.ask("ListOTAFirmware", CurrentPage=1, PageSize=10)["FirmwareInfo"]["SimpleFirmwareInfo"]
    assert (row["SignMethod"], row["FirmwareSign"]) == ("SHA256", SHA256)


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


@pytest.mark.parametrize(("replaced", "code"), [(1, None), (2, "iot.firmware.InvalidFirmwareUrl")])
def test_an_upload_that_is_replaced_as_it_is_taken_is_looked_for_once_more(
    mcu: Any, monkeypatch: Any, replaced: int, code: str | None
) -> None:
    found, gone = mcu.find(UPLOADS, urlsplit(OURS).path[1:]), Path("/no/such/place")
    looks = iter([*[replace(found, path=gone)] * replaced, found])
    monkeypatch.setattr(mcu, "find", lambda *_: next(looks))
    told = mcu.ask("CreateOTAFirmware", **MADE)
    assert (told.get("Code") or None) == code
    assert str(gone) not in str(told)
