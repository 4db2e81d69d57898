"""Each documented limit, tried from both sides, before anything is sent."""

from typing import Any

import pytest
from otabridge_huawei.backend import HuaweiBackend

from otabridge.capabilities import Capability
from otabridge.errors import ValidationError
from otabridge.models import Artifact, Checksum, ObjectLocation, PackageDraft

LIMITS = HuaweiBackend.limits
TEXTS = [
    ("product.id", ["p", "aZ0_-", "x" * 36], ["", "x" * 37, "a.b", "产"]),
    ("module.name", ["m", "aZ0_.-", "x" * 64], ["", "x" * 65, "a b", "模", "a\n"]),
    ("module.id", ["a-0", "x" * 36], ["", "x" * 37, "a_b"]),
    ("module.alias", ["主控 MCU", "Micro Controller Unit", "中" * 64], ["", "x" * 65, " a", "a ", "a/b", "é"]),
    ("module.description", ["", "line\nline 中", "中" * 1024], ["x" * 1025, "\ud800"]),
    ("package.id", ["a-0", "x" * 36], ["", "x" * 37, "a_b"]),
    ("package.version", ["V1.0", "x" * 256], ["", "x" * 257, "1 0", "1+0"]),
    ("package.source_versions", ["V1.0", "x" * 256], ["", "x" * 257, "1 0"]),
    ("package.description", ["", "x" * 1024], ["x" * 1025]),
    ("package.custom_info", ["", "中" * 4096], ["x" * 4097]),
    ("artifact.checksum", ["aF0" + "0" * 61], ["0" * 63, "0" * 65, "g" * 64]),
    ("object.region", ["cn-north-4", "x" * 256], ["", "x" * 257, "cn_north"]),
    ("object.bucket", ["abc", "a.b-0", "x" * 63], ["ab", "x" * 64, "ABC"]),
    ("object.key", ["bbb/固件 v1.bin", "x" * 1024], ["", "x" * 1025]),
    ("device.name", ["n-1_", "x" * 64], ["", "x" * 65, "a.b"]),
    ("device.id", ["n-1_", "x" * 128], ["", "x" * 129, "a.b"]),
]


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, good, _ in TEXTS for value in good])
def test_a_text_within_its_limit_passes(field: str, value: str) -> None:
    LIMITS.check_text(field, value)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, _, bad in TEXTS for value in bad])
def test_a_text_beyond_its_limit_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LIMITS.check_text(field, value)
    assert caught.value.field == field


def test_every_limited_text_is_in_the_table() -> None:
    assert {field for field, _, _ in TEXTS} == LIMITS.text.keys()


def draft(**changes: Any) -> PackageDraft:
    return PackageDraft(**{"product": "p", "module": "mcu", "version": "2", "artifacts": (artifact(),)} | changes)


def artifact(key: str = "a.bin", **changes: Any) -> Artifact:
    return Artifact(name="a", location=ObjectLocation(region="cn-north-4", bucket="abc", key=key), **changes)


NAMES = "bin dav tar gz zip gzip apk tar.gz tar.xz pack exe bat img"
GOOD = [
    draft(source_versions=tuple(map(str, range(10, 30)))),
    draft(artifacts=(artifact(size=2**30),)),
    draft(artifacts=(artifact(checksum=Checksum(algorithm="sha256", hex="0" * 64)),)),
    draft(kind="delta", source_versions=("1",)),
    *(draft(artifacts=(artifact(f"dir/a.{suffix}"),)) for suffix in NAMES.split()),
]
BAD = [
    ("package.source_versions", draft(source_versions=tuple(map(str, range(10, 31))))),
    ("package.source_versions", draft(source_versions=("1", "1"))),
    ("package.source_versions", draft(kind="delta")),
    ("artifact.size", draft(artifacts=(artifact(size=2**30 + 1),))),
    ("artifact.checksum", draft(artifacts=(artifact(checksum=Checksum(algorithm="md5", hex="0" * 32)),))),
    ("artifact.checksum", draft(artifacts=(artifact(checksum=Checksum(algorithm="sha256", hex="0" * 63)),))),
    ("artifact.name", draft(artifacts=(artifact("a.txt"),))),
    ("artifact.name", draft(artifacts=(artifact("a.xz"),))),
    ("package.artifacts", draft(artifacts=(artifact(), artifact()))),
    ("module.name", draft(module="@default")),
]


@pytest.mark.parametrize("good", GOOD)
def test_a_package_within_the_limits_is_admitted(make_cloud: Any, good: PackageDraft) -> None:
    make_cloud().backend.admit("create_package", {"draft": good})


@pytest.mark.parametrize(("field", "bad"), BAD)
def test_a_package_beyond_a_limit_is_refused(make_cloud: Any, field: str, bad: PackageDraft) -> None:
    with pytest.raises(ValidationError) as caught:
        make_cloud().backend.admit("create_package", {"draft": bad})
    assert caught.value.field == field


@pytest.mark.parametrize("operation", LIMITS.page_size)
@pytest.mark.parametrize(("size", "fits"), [(1, True), (50, True), (0, False), (51, False)])
def test_a_page_has_1_to_50_rows(make_cloud: Any, operation: Capability, size: int, fits: bool) -> None:
    backend = make_cloud().backend
    if fits:
        backend.admit(operation.value, {"limit": size})
    else:
        with pytest.raises(ValidationError, match="1 to 50"):
            backend.admit(operation.value, {"limit": size})


@pytest.mark.parametrize(
    "artifacts", [(), (Artifact(name="a.bin"),)], ids=["no artifact", "an artifact that lies nowhere"]
)
def test_a_package_wants_one_artifact_in_a_bucket(make_cloud: Any, artifacts: tuple[Artifact, ...]) -> None:
    cloud = make_cloud()
    with pytest.raises(ValidationError, match="give its region, bucket and key") as caught:
        cloud.run(cloud.backend.create_package(draft=draft(artifacts=artifacts)))
    assert caught.value.field == "package.artifacts"
    assert cloud.requests == []


@pytest.mark.parametrize("module", ["@firmware", "@software"])
def test_a_built_in_module_is_never_made(make_cloud: Any, module: str) -> None:
    with pytest.raises(ValidationError, match="built-in"):
        make_cloud().backend.create_module(product="p", name=module)
