"""Packages: three lists walked as one, and one object in a bucket for each."""

import json
from dataclasses import replace
from typing import Any

import pytest

from otabridge import errors as err
from otabridge.models import Artifact, Checksum, ObjectLocation, PackageDraft
from otabridge.wire import Request

TYPES = ("firmwarePackage", "softwarePackage", "modulePackage")
LOST = err.OutcomeUnknownError("lost")
LIES = {"region_name": "cn-north-4", "bucket_name": "abc", "object_key": "bbb/up.bin", "sign": "AB" * 32}
ROW = {"package_id": "k1", "product_id": "p", "package_type": "modulePackage", "module_name": "mcu", "version": "2"}
WHOLE = ROW | {"description": "d", "file_location": {"obs_location": LIES}}
ARTIFACT = Artifact(
    name="anything.bin",
    checksum=Checksum(algorithm="sha256", hex="ab" * 32),
    location=ObjectLocation(region="cn-north-4", bucket="abc", key="bbb/up.bin"),
)
DRAFT = PackageDraft(product="p", module="mcu", version="2", description="d", artifacts=(ARTIFACT,))


def row(number: int, kind: str, module: str | None = None) -> dict[str, Any]:
    shared = {"package_id": f"k{number}", "product_id": "p", "package_type": kind, "version": str(number)}
    return shared | ({"module_name": module} if module else {})


class Shelves:
    """Package rows by type, paged by marker; `miscount` is added to the count of a type."""

    def __init__(self, shelves: dict[str, list[dict[str, Any]]], miscount: dict[str, int] | None = None) -> None:
        self.shelves = shelves
        self.miscount = miscount or {}

    def __call__(self, request: Request) -> dict[str, Any]:
        asked = dict(request.query)
        rows = self.shelves.get(asked["package_type"], [])
        start = int(asked.get("marker", "0"))
        page = rows[start : start + int(asked["limit"])]
        count = len(rows) + self.miscount.get(asked["package_type"], 0)
        return {"packages": page, "page": {"count": count, "marker": str(start + len(page)) if page else None}}


FULL = {
    "firmwarePackage": [row(number, "firmwarePackage") for number in range(3)],
    "softwarePackage": [],
    "modulePackage": [row(number, "modulePackage", f"m{number % 2}") for number in range(10, 15)],
}


def walked(cloud: Any, **key: Any) -> list[tuple[str, str]]:
    found, cursor = [], None
    while True:
        page = cloud.run(cloud.backend.list_packages(product="p", cursor=cursor, limit=2, **key))
        found += [(item.id, item.module) for item in page.items]
        cursor = page.cursor
        if cursor is None:
            return found


def test_all_packages_are_three_walks_merged(make_cloud: Any) -> None:
    cloud = make_cloud(server=Shelves(FULL))
    firmware = [("k0", "@firmware"), ("k1", "@firmware"), ("k2", "@firmware")]
    modules = [("k10", "m0"), ("k11", "m1"), ("k12", "m0"), ("k13", "m1"), ("k14", "m0")]
    assert walked(cloud) == firmware + modules
    assert list(dict.fromkeys(dict(request.query)["package_type"] for request in cloud.requests)) == list(TYPES)


@pytest.mark.parametrize(
    ("module", "kind", "ids"),
    [
        ("@firmware", "firmwarePackage", ["k0", "k1", "k2"]),
        ("@software", "softwarePackage", []),
        ("m1", "modulePackage", ["k11", "k13"]),
        ("none", "modulePackage", []),
    ],
)
def test_the_packages_of_a_module_need_one_walk(make_cloud: Any, module: str, kind: str, ids: list[str]) -> None:
    cloud = make_cloud(server=Shelves(FULL))
    assert [found for found, _ in walked(cloud, module=module)] == ids
    assert {dict(request.query)["package_type"] for request in cloud.requests} == {kind}


@pytest.mark.parametrize(("module", "total"), [("@firmware", 3), ("m1", None), (None, None)])
def test_a_total_is_given_only_where_nothing_is_merged_or_filtered(
    make_cloud: Any, module: str | None, total: int | None
) -> None:
    cloud = make_cloud(server=Shelves(FULL))
    assert cloud.run(cloud.backend.list_packages(product="p", module=module)).total == total


@pytest.mark.parametrize("module", [None, "m0"])
@pytest.mark.parametrize("kind", ["firmwarePackage", "modulePackage"])
def test_rows_announced_and_never_given_are_an_error(make_cloud: Any, module: str | None, kind: str) -> None:
    cloud = make_cloud(server=Shelves(FULL, {kind: 1}))
    if module and kind == "firmwarePackage":
        assert walked(cloud, module=module)  # that list is not read
    else:
        with pytest.raises(err.PagingError, match="read it again"):
            walked(cloud, module=module)


def test_a_page_is_empty_only_at_the_end(make_cloud: Any) -> None:
    cloud = make_cloud(server=Shelves({"modulePackage": [row(1, "modulePackage", "m")]}))
    page = cloud.run(cloud.backend.list_packages(product="p"))
    assert [item.id for item in page.items] == ["k1"]
    assert page.cursor is None


@pytest.mark.parametrize("cursor", ["x", "modulePackage []", "firmwarePackage "])
def test_a_cursor_of_another_list_is_refused(make_cloud: Any, cursor: str) -> None:
    cloud = make_cloud()
    with pytest.raises(err.PagingError, match="not a cursor"):
        cloud.run(cloud.backend.list_packages(product="p", module="m0", cursor=cursor))


def test_version_and_product_are_filtered_by_the_cloud(make_cloud: Any) -> None:
    cloud = make_cloud(server=Shelves({}))
    cloud.run(cloud.backend.list_packages(product="p", module="m0", version="2"))
    expected = (("package_type", "modulePackage"), ("product_id", "p"), ("version", "2"), ("limit", "50"))
    assert cloud.requests[0].query == expected


@pytest.mark.parametrize(
    ("location", "artifacts"),
    [
        (None, 0),
        ({}, 0),
        ({"obs_location": None}, 0),
        ({"obs_location": {"region_name": "r", "bucket_name": "b", "object_key": "k"}}, 1),
    ],
)
def test_what_a_package_lacks_is_tolerated(make_cloud: Any, location: Any, artifacts: int) -> None:
    unset = {"support_source_versions": None, "description": None, "create_time": "?", "file_location": location}
    cloud = make_cloud(ROW | unset)
    package = cloud.run(cloud.backend.get_package(package_id="k1"))
    assert (package.source_versions, package.created_at, len(package.artifacts)) == ((), None, artifacts)
    assert all(artifact.checksum is None for artifact in package.artifacts)


def test_a_digest_is_read_in_small_letters(make_cloud: Any) -> None:
    cloud = make_cloud(WHOLE)
    package = cloud.run(cloud.backend.get_package(package_id="k1"))
    assert package.artifacts == (replace(ARTIFACT, name="up.bin"),)


@pytest.mark.parametrize("lies", ["text", {"region_name": "r"}, {**LIES, "object_key": 5}])
def test_a_location_that_is_none_is_not_understood(make_cloud: Any, lies: Any) -> None:
    cloud = make_cloud(ROW | {"file_location": {"obs_location": lies}})
    with pytest.raises(err.ProtocolError):
        cloud.run(cloud.backend.get_package(package_id="k1"))


@pytest.mark.parametrize(
    ("module", "package_type", "named"),
    [("@firmware", "firmwarePackage", None), ("@software", "softwarePackage", None), ("mcu", "modulePackage", "mcu")],
)
def test_a_module_becomes_its_package_type(make_cloud: Any, module: str, package_type: str, named: str | None) -> None:
    cloud = make_cloud((201, row(1, package_type, named)))
    made = cloud.run(
        cloud.backend.create_package(draft=PackageDraft(product="p", module=module, version="1", artifacts=(ARTIFACT,)))
    )
    body = json.loads(cloud.requests[0].body)
    assert (body["package_type"], body.get("module_name"), made.module) == (package_type, named, module)


def test_a_package_without_a_digest_sends_none(make_cloud: Any) -> None:
    cloud = make_cloud((201, ROW))
    bare = Artifact(name="a", location=ARTIFACT.location)
    draft = PackageDraft(product="p", module="mcu", version="2", artifacts=(bare,))
    cloud.run(cloud.backend.create_package(draft=draft))
    location = json.loads(cloud.requests[0].body)["file_location"]["obs_location"]
    assert location.keys() == {"region_name", "bucket_name", "object_key"}


def test_a_lost_create_is_looked_up_by_product_module_and_version(make_cloud: Any) -> None:
    rows = [ROW | {"package_id": "k2", "version": "2.0"}, ROW]
    cloud = make_cloud(LOST, {"packages": rows, "page": {"count": 2, "marker": "a"}}, WHOLE)
    assert cloud.run(cloud.backend.create_package(draft=DRAFT)).id == "k1"
    assert cloud.sent()[1:] == [("GET", "ota-upgrades/packages"), ("GET", "ota-upgrades/packages/k1")]


OTHERS: list[dict[str, Any]] = [
    {"description": "else"},
    {"custom_info": "else"},
    {"support_source_versions": ["1"]},
    {"file_location": {"obs_location": LIES | {"object_key": "else.bin"}}},
    {"file_location": {"obs_location": LIES | {"sign": "00" * 32}}},
]


@pytest.mark.parametrize("other", OTHERS)
def test_a_lost_create_that_finds_another_package_is_a_conflict(make_cloud: Any, other: dict[str, Any]) -> None:
    cloud = make_cloud(LOST, {"packages": [ROW], "page": {"count": 1, "marker": "a"}}, WHOLE | other)
    with pytest.raises(err.ConflictError, match="another one"):
        cloud.run(cloud.backend.create_package(draft=DRAFT))


def test_a_lost_create_that_is_not_found_is_never_repeated(make_cloud: Any) -> None:
    nothing = {"packages": [], "page": {"count": 0, "marker": None}}
    cloud = make_cloud(LOST, nothing, nothing)
    with pytest.raises(err.OutcomeUnknownError):
        cloud.run(cloud.backend.create_package(draft=DRAFT))
    assert [method for method, _ in cloud.sent()] == ["POST", "GET", "GET"]


def test_creating_a_package_needs_app_id(make_cloud: Any) -> None:
    cloud = make_cloud(app_id=None)
    with pytest.raises(err.ConfigurationError, match="app_id"):
        cloud.run(cloud.backend.create_package(draft=DRAFT))
    assert cloud.requests == []


def test_a_package_is_never_changed(make_cloud: Any) -> None:
    cloud = make_cloud()
    with pytest.raises(err.UnsupportedError, match="a changed package is a new package"):
        cloud.backend.update_package(package_id="k1", description="d")


@pytest.mark.parametrize(
    ("seen", "kind"), [((404, {"error_code": "X", "error_msg": "m"}), None), (WHOLE, err.OutcomeUnknownError)]
)
def test_a_lost_delete_succeeded_if_the_package_is_gone(make_cloud: Any, seen: Any, kind: Any) -> None:
    cloud = make_cloud(LOST, seen, seen)
    flow = cloud.backend.delete_package(package_id="k1")
    if kind:
        with pytest.raises(kind):
            cloud.run(flow)
    else:
        assert cloud.run(flow) is None
