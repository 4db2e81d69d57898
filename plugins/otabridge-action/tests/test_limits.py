"""Each limit that the vendors document, from both sides, before any request."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from otabridge_action.packages import package_name
from otabridge_action.profiles import ALIYUN

from otabridge.capabilities import Capability
from otabridge.errors import ValidationError
from otabridge.models import Artifact, Checksum, ObjectLocation, PackageDraft, UrlLocation

MD5 = Checksum(algorithm="md5", hex="0" * 32)
SHA = Checksum(algorithm="sha256", hex="0" * 64)
FILE = Artifact(name="app.bin", size=9, checksum=MD5, location=UrlLocation(url="https://oss/ota/app.bin"))
DRAFT = PackageDraft(product="p", module="mcu", version="1.0", artifacts=(FILE,))
OTHER = replace(FILE, name="b.bin")


@pytest.mark.parametrize("operation", ["create_module", "update_module"])
@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("name", ["m", "M.c-u_" + "x" * 58, "0"], ["", "x" * 65, "a b", "模块", "a/b", "default", "@default", "@x"]),
        ("alias", ["x", "主控.a-b_1", "主" * 64], ["", "主" * 65, "a b", "a/b", "é"]),
        ("description", ["", "any text: 中文 😀", "😀" * 100], ["😀" * 101, "\ud800"]),
    ],
)
def test_the_texts_of_a_module(
    make_backend: Any, cloud_name: str, operation: str, field: str, good: list[str], bad: list[str]
) -> None:
    call = getattr(make_backend(cloud_name), operation)
    arguments = {"product": "p", "name": "mcu", "alias": "a"}
    for value in good:
        assert next(iter(call(**(arguments | {field: value})))).read is False
    for value in bad:
        with pytest.raises(ValidationError) as caught:
            call(**(arguments | {field: value}))
        assert caught.value.field == f"module.{field}"


def files(count: int) -> tuple[Artifact, ...]:
    return tuple(replace(FILE, name=f"{number}.bin") for number in range(count))


BOTH: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("package.version", {"version": "a.B-c_" + "1" * 58}, {"version": "1" * 65}),
    ("package.version", {"version": "1"}, {"version": ""}),
    ("package.version", {"version": "1"}, {"version": "1 0"}),
    ("module.name", {"module": "default"}, {"module": "x" * 65}),
    ("module.name", {"module": "@default"}, {"module": "@firmware"}),
    ("package.name", {"name": "中ひカa-1_()" + "x" * 31}, {"name": "x" * 41}),
    ("package.name", {"name": "中"}, {"name": ""}),
    ("package.name", {"name": "1"}, {"name": "_a"}),
    ("package.name", {"name": "a(1)"}, {"name": "a.b"}),
    ("package.description", {"description": "😀" * 100}, {"description": "😀" * 101}),
    ("package.custom_info", {"custom_info": "{" * 4096}, {"custom_info": "{" * 4097}),
    ("package.source_versions", {"source_versions": ("0.9",)}, {"source_versions": ("0.9", "0.8")}),
    ("package.source_versions", {"source_versions": ("1" * 64,)}, {"source_versions": ("1" * 65,)}),
    (
        "artifact.size",
        {"artifacts": (replace(FILE, size=1_048_576_000),)},
        {"artifacts": (replace(FILE, size=1_048_576_001),)},
    ),
    ("artifact.checksum", {}, {"artifacts": (replace(FILE, checksum=Checksum(algorithm="md5", hex="0" * 31)),)}),
    ("artifact.url", {}, {"artifacts": (replace(FILE, location=UrlLocation(url="ftp://x")),)}),
    ("artifact.url", {}, {"artifacts": (replace(FILE, location=None),)}),
    ("artifact.url", {}, {"artifacts": (replace(FILE, location=ObjectLocation(region="r", bucket="b", key="k.bin")),)}),
    ("artifact.url", {}, {"artifacts": ()}),
    *(
        (
            "artifact.name",
            {"artifacts": (replace(FILE, name=f"a.{suffix}"),)},
            {"artifacts": (replace(FILE, name="a.exe"),)},
        )
        for suffix in ("bin", "dav", "apk", "tar", "gz", "tar.gz", "zip", "gzip", "BIN")
    ),
]
TUYA: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("package.kind", {}, {"kind": "delta", "source_versions": ("0.9",)}),
    ("package.artifacts", {}, {"artifacts": files(2)}),
    (
        "artifact.checksum",
        {"artifacts": (replace(FILE, checksum=SHA),)},
        {"artifacts": (replace(FILE, checksum=None),)},
    ),
    ("artifact.name", {}, {"artifacts": (replace(FILE, name="a.tar.xz"),)}),
]
ALIYUN_ALONE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("package.source_versions", {"kind": "delta", "source_versions": ("0.9",)}, {"kind": "delta"}),
    ("package.source_versions", {}, {"kind": "delta", "source_versions": ("1.0",)}),
    ("package.artifacts", {"artifacts": files(20)}, {"artifacts": files(21)}),
    ("artifact.name", {"artifacts": (FILE, OTHER)}, {"artifacts": (FILE, FILE)}),
    (
        "artifact.name",
        {"artifacts": (FILE, replace(FILE, name="x" * 28 + ".bin"))},
        {"artifacts": (FILE, replace(FILE, name="x" * 29 + ".bin"))},
    ),
    (
        "artifact.checksum",
        {"artifacts": (replace(FILE, checksum=None),)},
        {"artifacts": (replace(FILE, checksum=SHA),)},
    ),
    (
        "artifact.name",
        {"artifacts": (replace(FILE, name="x" * 90 + ".tar.xz"),)},
        {"artifacts": (replace(FILE, name="a.7z"),)},
    ),
]


@pytest.mark.parametrize(
    ("cloud", "field", "good", "bad"),
    [
        *((cloud, *row) for cloud in ("tuya", "aliyun") for row in BOTH),
        *(("tuya", *row) for row in TUYA),
        *(("aliyun", *row) for row in ALIYUN_ALONE),
    ],
)
def test_what_a_package_may_be(
    make_cloud: Any, cloud: str, field: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    accepting = make_cloud(cloud, {"Data": {"FirmwareId": "1"}})
    assert accepting.run(accepting.backend.create_package(draft=replace(DRAFT, **good))).id == "1"
    refusing = make_cloud(cloud)
    with pytest.raises(ValidationError) as caught:
        refusing.run(refusing.backend.create_package(draft=replace(DRAFT, **bad)))
    assert caught.value.field == field
    assert not refusing.requests


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("name", ["中ひカa-1_()", "x" * 40, "default"], ["", "_a", "a.b", "x" * 41]),
        ("description", ["", "😀" * 100], ["😀" * 101]),
        ("custom_info", ["", "{" * 4096], ["{" * 4097]),
    ],
)
def test_the_texts_that_an_update_of_a_package_may_bring(
    make_backend: Any, cloud_name: str, field: str, good: list[str], bad: list[str]
) -> None:
    update = make_backend(cloud_name).update_package
    for value in good:
        assert next(iter(update(package_id="f1", **{field: value}))).operation == "QueryOTAFirmware"
    for value in bad:
        with pytest.raises(ValidationError) as caught:
            update(package_id="f1", **{field: value})
        assert caught.value.field == f"package.{field}"


def test_checks_that_are_ours_obey_the_setting_that_turns_them_off(make_cloud: Any) -> None:
    cloud = make_cloud("tuya", {"Data": {"FirmwareId": "1"}}, validation="off")
    without = replace(DRAFT, artifacts=(replace(FILE, checksum=None),))
    assert cloud.run(cloud.backend.create_package(draft=without)).id == "1"


@pytest.mark.parametrize(
    ("operation", "cap"),
    [
        (Capability.LIST_PRODUCTS, 200),
        (Capability.LIST_PACKAGES, 100),
        (Capability.LIST_DEVICES, 50),
        (Capability.LIST_MODULE_VERSIONS, 200),
        (Capability.LIST_FLEET_VERSIONS, 200),
    ],
)
def test_page_sizes(make_backend: Any, cloud_name: str, operation: Capability, cap: int) -> None:
    backend = make_backend(cloud_name)
    backend.admit(operation.value, {"limit": cap})
    for size in (0, cap + 1):
        with pytest.raises(ValidationError, match="page_size"):
            backend.admit(operation.value, {"limit": size})


def test_counts_and_rates_are_data(make_backend: Any, cloud_name: str) -> None:
    backend = make_backend(cloud_name)
    assert backend.limits.counts == {"modules per product": 10, "packages per account": 500}
    rates = backend.rates()
    assert rates["ListOTAModuleVersionsByDevice"] == rates["CreateOTAFirmware"] == 10
    assert rates["ModifyOTAFirmware"] == 5
    assert (rates["QueryOTAFirmware"], rates["QueryDevice"], rates["QueryDevice.deep"]) == (20, 50, 2)


texts = st.text(max_size=70)


@given(texts, texts, texts)
def test_a_made_up_package_name_obeys_the_vendors_rule_and_is_always_the_same(
    product: str, module: str, version: str
) -> None:
    draft = PackageDraft(product=product, module=module, version=version)
    name = package_name(draft)
    assert ALIYUN.limits.text["package.name"].breach(name) is None
    assert name == package_name(replace(draft, description="another"))
    assert name != package_name(replace(draft, version=version + "x"))


def test_a_made_up_package_name_can_be_read() -> None:
    name = package_name(PackageDraft(product="p", module="@default", version="1.2.0"))
    assert name.startswith("default_1-2-0_")
    assert name == package_name(PackageDraft(product="p", module="default", version="1.2.0"))
