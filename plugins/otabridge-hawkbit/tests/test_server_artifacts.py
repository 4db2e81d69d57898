"""What a real hawkBit answers about a module's artifacts and metadata, by plain REST: what the backend relies on."""

import hashlib

import pytest
from players import Operator, refusal

DATA = bytes(range(256)) * 4
TAKEN = (409, "repo.entityAlreadyExists")
UNKNOWN = (404, "repo.entityNotFound")
INVALID = {(400, "repo.constraintViolation"), (400, "rest.body.notReadable"), (400, "")}
DELETED = (200, 204)


@pytest.fixture
def module(operator: Operator) -> int:
    """The id of a new module."""
    made: int = operator.module(operator.type()["key"], "1")["id"]
    return made


@pytest.fixture
def download(operator: Operator, module: int) -> str:
    """The path of an artifact's bytes."""
    made = operator.upload(module, DATA).json()
    return f"/softwaremodules/{module}/artifacts/{made['id']}/download"


def test_an_upload_is_answered_with_three_digests(operator: Operator, module: int) -> None:
    sums = {f"{name}sum": hashlib.new(name, DATA).hexdigest() for name in ("sha256", "md5", "sha1")}
    response = operator.upload(module, DATA, filename="é中 1.bin", **sums)
    made = response.json()
    assert (response.status_code, made["providedFilename"], made["size"]) == (201, "é中 1.bin", len(DATA))
    assert {f"{name}sum": told for name, told in made["hashes"].items()} == sums


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "sha1"])
def test_a_wrong_sum_is_refused_and_nothing_is_kept(operator: Operator, module: int, algorithm: str) -> None:
    wrong = hashlib.new(algorithm, b"other").hexdigest()
    response = operator.upload(module, DATA, **{f"{algorithm}sum": wrong})
    assert refusal(response) == (400, f"artifact.uploadFailed.checksum.{algorithm}.match")
    assert operator.get(f"/softwaremodules/{module}/artifacts") == []


def test_a_file_name_is_taken_once_in_a_module_even_by_the_same_bytes(operator: Operator, module: int) -> None:
    operator.upload(module, DATA)
    assert refusal(operator.upload(module, DATA)) == TAKEN
    assert operator.upload(module, DATA, filename="other.bin").status_code == 201


def test_an_empty_file_is_refused_without_a_word(operator: Operator, module: int) -> None:
    response = operator.upload(module, b"")
    assert (response.status_code, response.content) == (400, b"")


def test_artifacts_are_a_plain_array(operator: Operator, module: int) -> None:
    for name in ("a", "b"):
        operator.upload(module, DATA, filename=name)
    listed = operator.get(f"/softwaremodules/{module}/artifacts")
    assert sorted(row["providedFilename"] for row in listed) == ["a", "b"]


def test_a_download_has_the_bytes_and_its_sha1_as_tag(operator: Operator, download: str) -> None:
    response = operator.ask("GET", download)
    assert response.content == DATA
    assert response.headers["etag"].strip('"') == hashlib.sha1(DATA, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("asked", "status", "told", "part"),
    [
        ("10-19", {206}, "bytes 10-19/1024", DATA[10:20]),
        ("1000-", {206}, "bytes 1000-1023/1024", DATA[1000:]),
        ("0-", {200, 206}, "bytes 0-1023/1024", DATA),
        ("1024-", {416}, "bytes */1024", b""),
    ],
)
def test_a_part_is_answered_as_asked(
    operator: Operator, download: str, asked: str, status: set[int], told: str, part: bytes
) -> None:
    response = operator.ask("GET", download, headers={"Range": f"bytes={asked}"})
    assert response.status_code in status
    assert response.headers["content-range"] == told
    assert response.status_code == 416 or response.content == part


def test_a_deleted_artifact_is_unknown(operator: Operator, download: str) -> None:
    assert operator.ask("DELETE", download.removesuffix("/download")).status_code in DELETED
    assert refusal(operator.ask("GET", download)) == UNKNOWN


# --- metadata ---------------------------------------------------------------------------------------------------------


def test_metadata_holds_4000_characters_and_no_more(operator: Operator, module: int) -> None:
    path, value = f"/softwaremodules/{module}/metadata", "é" * 4000
    assert operator.ask("POST", path, json=[{"key": "k" * 128, "value": value}]).status_code == 201
    page = operator.get(path)
    assert (page["total"], [row["value"] for row in page["content"]]) == (1, [value])
    assert refusal(operator.ask("POST", path, json=[{"key": "k", "value": value + "é"}])) in INVALID
    assert refusal(operator.ask("POST", path, json=[{"key": "k" * 129, "value": "v"}])) in INVALID


def test_a_put_changes_metadata_and_makes_it_on_new_servers_only(operator: Operator, module: int) -> None:
    path = f"/softwaremodules/{module}/metadata"
    operator.ask("POST", path, json=[{"key": "otabridge.kind", "value": "old"}])
    for key, statuses in (("otabridge.kind", {200, 204}), ("otabridge.none", {404, 204})):
        body = {"key": key, "value": "new", "targetVisible": False}
        assert operator.ask("PUT", f"{path}/{key}", json=body).status_code in statuses
    assert operator.get(f"{path}/otabridge.kind")["value"] == "new"
