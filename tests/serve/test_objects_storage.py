"""The host's object storage: what is put is found, listed and kept; what is not complete, or not wanted, is not."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otabridge.objects import UPLOADS, Selection
from otabridge.serve.objects import Kind, Storage
from otabridge.serve.objects_intake import Intake, ObjectTrouble
from otabridge.signing import World


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def world(self) -> World:
        return World(now=lambda: self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(tmp_path: Path, clock: Clock) -> Iterator[Storage]:
    storage = Storage(tmp_path, clock.world())
    yield storage
    storage.close()


def taken(storage: Storage, data: bytes) -> Intake:
    intake = storage.intake()
    intake.write(data)
    intake.close()
    return intake


def put(storage: Storage, key: str, data: bytes = b"", bucket: str = "abc") -> None:
    storage.put(bucket, key, taken(storage, data))


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").iterdir() if path.is_file()]


def trouble(error: pytest.ExceptionInfo[ObjectTrouble]) -> str:
    return error.value.trouble


def test_an_object_is_found_with_its_digests_and_its_bytes(storage: Storage) -> None:
    storage.put("abc", "a/b", taken(storage, b"bytes"), Kind("text/plain", {"a": "1"}))
    stored = storage.find("abc", "a/b")
    assert stored is not None
    assert (stored.size, stored.content_type, stored.meta) == (5, "text/plain", {"a": "1"})
    assert (stored.md5, stored.sha256) == (md5(b"bytes").hexdigest(), sha256(b"bytes").hexdigest())
    assert stored.etag == stored.md5
    assert stored.path.read_bytes() == b"bytes"
    assert storage.find("abc", "a") is None
    assert storage.find("other", "a/b") is None


def test_an_object_that_is_put_again_leaves_one_file(storage: Storage, tmp_path: Path) -> None:
    put(storage, "k", b"first")
    put(storage, "k", b"second")
    stored = storage.find("abc", "k")
    assert stored is not None
    assert stored.path.read_bytes() == b"second"
    assert files(tmp_path) == [stored.path]


def test_a_deleted_object_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    put(storage, "k", b"bytes")
    storage.delete("abc", "k")
    storage.delete("abc", "k")
    assert storage.find("abc", "k") is None
    assert files(tmp_path) == []


def test_everything_is_there_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    before = Storage(tmp_path, clock.world())
    put(before, "k", b"bytes")
    upload = before.begin("abc", "big", Kind())
    before.put_part(upload, "abc", "big", 1, taken(before, b"part"))
    found = before.find("abc", "k")
    before.close()
    after = Storage(tmp_path, clock.world())
    assert after.find("abc", "k") == found
    assert list(after.parts(upload, "abc", "big")) == [1]
    assert list(after.buckets()) == ["abc"]
    after.close()


def test_what_is_on_its_way_is_not_seen_and_goes_with_its_failure(storage: Storage, tmp_path: Path) -> None:
    intake = storage.intake()
    intake.write(b"half")
    assert len(files(tmp_path)) == 1
    assert storage.page("abc", Selection()).listing == ()
    with suppress(OSError), intake.kept():
        raise OSError
    assert files(tmp_path) == []


def test_a_file_of_a_killed_process_goes_after_a_day(tmp_path: Path, clock: Clock) -> None:
    Storage(tmp_path, clock.world()).close()
    old, new = tmp_path / "files" / "old", tmp_path / "files" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    yesterday = (clock.now - timedelta(hours=25)).timestamp()
    os.utime(old, (yesterday, yesterday))
    Storage(tmp_path, clock.world()).close()
    assert files(tmp_path) == [new]


def test_more_bytes_than_allowed_are_refused_at_once(storage: Storage) -> None:
    intake = storage.intake(most=4)
    intake.write(b"1234")
    with pytest.raises(ObjectTrouble) as error:
        intake.write(b"5")
    assert trouble(error) == "too large"
    intake.discard()


# The check values of the algorithms, of the nine digits.
CHECKS = {
    "md5": "25f9e794323b453885f5181f1b624d0b",
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    "crc32": "cbf43926",
}


@pytest.mark.parametrize("algorithm", CHECKS)
def test_a_digest_is_required_of_the_bytes(storage: Storage, algorithm: str) -> None:
    intake = storage.intake([algorithm])
    intake.write(b"12345")
    intake.write(b"6789")
    intake.require({algorithm: CHECKS[algorithm]})
    with pytest.raises(ObjectTrouble) as error:
        intake.require({algorithm: CHECKS[algorithm].replace("f", "0")})
    assert trouble(error) == "bad digest"
    intake.discard()


# --- lists ------------------------------------------------------------------------------------------------------------

KEYS = st.lists(st.text(st.sampled_from("ab/é\U0001f600"), min_size=1, max_size=5), max_size=12, unique=True)


def listed(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    """What a list shows, by its definition."""

    def shown(key: str) -> str:
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        return f"{prefix}{head}{found}" if found else key

    return sorted({shown(key) for key in keys if key.startswith(prefix)})


@settings(deadline=None, max_examples=60)
@given(KEYS, st.sampled_from(["", "a", "a/", "b"]), st.sampled_from(["", "/"]), st.integers(1, 4))
def test_the_pages_of_a_list_are_the_whole_list(keys: list[str], prefix: str, delimiter: str, count: int) -> None:
    with TemporaryDirectory() as folder:
        storage = Storage(Path(folder), World())
        for key in keys:
            put(storage, key)
        put(storage, "a", bucket="another")
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            found = storage.page("abc", Selection(prefix=prefix, delimiter=delimiter, after=after, count=count))
            page = sorted([*(stored.key for stored in found.listing), *found.prefixes])
            assert len(page) <= count
            seen, after = [*seen, *page], found.following
        storage.close()
    assert seen == listed(keys, prefix, delimiter)


@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_key_is_never_a_path(key: str) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "objects"
        storage = Storage(place, World())
        for name in (key, f"../{key}", f"/{key}"):
            put(storage, name, name.encode())
            stored = storage.find("abc", name)
            assert stored is not None
            assert stored.path.parent == place / "files"
            assert stored.path.read_bytes() == name.encode()
        storage.close()
        assert [path.name for path in Path(folder).iterdir()] == ["objects"]


# --- buckets ----------------------------------------------------------------------------------------------------------


def test_a_bucket_exists_when_it_is_filled(storage: Storage, clock: Clock) -> None:
    storage.require("any")
    assert storage.buckets() == {}
    put(storage, "k")
    assert storage.buckets() == {"abc": clock.now}


def test_in_strict_mode_a_bucket_must_have_been_made(tmp_path: Path, clock: Clock) -> None:
    storage = Storage(tmp_path, clock.world(), strict=True)
    with pytest.raises(ObjectTrouble) as error:
        put(storage, "k")
    assert trouble(error) == "no bucket"
    assert files(tmp_path) == []
    storage.make("abc")
    put(storage, "k")
    put(storage, "ota/k", bucket=UPLOADS)
    upload = storage.begin("abc", "big", Kind())
    storage.put_part(upload, "abc", "big", 1, taken(storage, b"part"))
    storage.close()


# --- uploads in parts -------------------------------------------------------------------------------------------------


@pytest.fixture
def upload(storage: Storage) -> str:
    """An upload with parts 1, 2 and 3, whose bytes are five times their digit."""
    upload = storage.begin("abc", "big", Kind("text/plain", {"a": "1"}))
    for number in (3, 1, 2):
        storage.put_part(upload, "abc", "big", number, taken(storage, str(number).encode() * 5))
    return upload


def etag(number: int) -> str:
    return md5(str(number).encode() * 5, usedforsecurity=False).hexdigest()


def named(*numbers: int) -> list[tuple[int, str]]:
    return [(number, etag(number)) for number in numbers]


def test_parts_become_one_object_whose_etag_is_made_of_theirs(storage: Storage, upload: str, tmp_path: Path) -> None:
    storage.finish(upload, "abc", "big", named(1, 3), most=100)
    stored = storage.find("abc", "big")
    assert stored is not None
    assert stored.path.read_bytes() == b"1111133333"
    assert stored.md5 == md5(b"1111133333").hexdigest()
    assert stored.etag == md5(bytes.fromhex(etag(1) + etag(3))).hexdigest() + "-2"
    assert (stored.content_type, stored.meta) == ("text/plain", {"a": "1"})
    assert files(tmp_path) == [stored.path]
    assert list(storage.buckets()) == ["abc"]


@pytest.mark.parametrize(
    ("wanted", "least", "most", "expected"),
    [
        (named(2, 1), 0, 100, "bad order"),
        (named(1, 1), 0, 100, "bad order"),
        (named(1, 4), 0, 100, "bad part"),
        ([(1, etag(2))], 0, 100, "bad part"),
        ([], 0, 100, "bad part"),
        (named(1, 2), 6, 100, "too small"),
        (named(1, 2, 3), 0, 14, "too large"),
    ],
)
def test_an_upload_that_cannot_be_finished_can_be_tried_again(
    storage: Storage, upload: str, wanted: list[tuple[int, str]], least: int, most: int, expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ObjectTrouble) as error:
        storage.finish(upload, "abc", "big", wanted, least=least, most=most)
    assert trouble(error) == expected
    assert storage.find("abc", "big") is None
    assert len(files(tmp_path)) == 3
    storage.finish(upload, "abc", "big", named(1, 2, 3), least=5, most=15)


def test_the_last_part_may_be_small(storage: Storage, upload: str) -> None:
    storage.put_part(upload, "abc", "big", 9, taken(storage, b"9"))
    wanted = [*named(1), (9, md5(b"9").hexdigest())]
    assert storage.finish(upload, "abc", "big", wanted, least=5, most=100).size == 6


def test_a_part_that_is_put_again_replaces_the_first(storage: Storage, upload: str) -> None:
    storage.put_part(upload, "abc", "big", 1, taken(storage, b"new"))
    assert storage.parts(upload, "abc", "big")[1].size == 3


def test_an_aborted_upload_leaves_nothing(storage: Storage, upload: str, tmp_path: Path) -> None:
    storage.abort(upload, "abc", "big")
    assert files(tmp_path) == []
    with pytest.raises(ObjectTrouble) as error:
        storage.put_part(upload, "abc", "big", 1, taken(storage, b"late"))
    assert trouble(error) == "no upload"
    assert files(tmp_path) == []


def test_an_upload_is_of_one_key(storage: Storage, upload: str) -> None:
    with pytest.raises(ObjectTrouble) as error:
        storage.parts(upload, "abc", "other")
    assert trouble(error) == "no upload"


# --- leftovers --------------------------------------------------------------------------------------------------------


def test_an_upload_that_no_package_took_up_goes_after_an_hour(storage: Storage, clock: Clock) -> None:
    put(storage, "ota/k", bucket=UPLOADS)
    put(storage, "k")
    clock.now += timedelta(minutes=60)
    storage.sweep()
    assert storage.find(UPLOADS, "ota/k")
    clock.now += timedelta(seconds=1)
    put(storage, "another")
    assert storage.find(UPLOADS, "ota/k") is None
    assert storage.find("abc", "k")


def test_an_upload_that_nobody_finished_goes_after_a_day(storage: Storage, upload: str, clock: Clock) -> None:
    clock.now += timedelta(days=1, seconds=1)
    storage.sweep()
    with pytest.raises(ObjectTrouble):
        storage.parts(upload, "abc", "big")
