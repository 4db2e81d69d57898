"""Many of everything: listed completely, in order, in a memory that does not grow; and large files that stream.

A sample unless OTABRIDGE_TEST_SCALE=full, which takes as many as are promised.
"""

import asyncio
import gc
import hashlib
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from clients import COLOURS, Clouds, Used, settings
from hawkbit_server import Hawkbit
from passage import Passage
from players import Operator

from otabridge import aconnect, connect
from tests.support.scale import FULL
from tests.support.world import FakeWorld

# What other tests leave on the server that no call can delete.
pytestmark = pytest.mark.filterwarnings("ignore:.*cannot tell:UserWarning")

ROWS = 5000 if FULL else 300
PAGE = 100 if FULL else 20
FILE_BYTES = (200 if FULL else 20) << 20
BATCH = 500
IN_FLIGHT = 32
# Bytes that a list may remember: for each row that it has seen, not to show it twice; and what warms up meanwhile.
GROWTH = 100 * ROWS + 30_000
PEAK_GROWTH = 16 << 20  # of a process that moves a file


@pytest.fixture(scope="module")
def keeper(hawkbit: Hawkbit) -> Iterator[Operator]:
    """An operator for all tests of this file."""
    with Operator(hawkbit) as made:
        yield made
        assert made.tidy() == []


@pytest.fixture(scope="module")
def packages(keeper: Operator) -> list[str]:
    """The ids of the packages of module `mcu`, in order."""
    key = f"{keeper.prefix}.mcu"
    keeper.type(key)
    versions = [str(number) for number in range(ROWS)]
    made: list[int] = []
    for start in range(0, ROWS, BATCH):
        bodies = [{"name": key, "version": version, "type": key} for version in versions[start : start + BATCH]]
        made += [row["id"] for row in keeper.make("softwaremodules", *bodies)]
    return [str(each) for each in sorted(made)]


@pytest.fixture(scope="module")
def devices(keeper: Operator) -> set[str]:
    """The names of the devices."""
    names = [f"{keeper.prefix}_{number:05}" for number in range(ROWS)]
    for start in range(0, ROWS, BATCH):
        keeper.targets(*names[start : start + BATCH])
    return set(names)


@pytest.fixture
def used(clouds: Clouds, hawkbit: Hawkbit) -> Used:
    return clouds.of(hawkbit, product_mode="prefix")


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PAGE, None])
def test_every_package_is_listed_once_in_order(
    used: Used, keeper: Operator, packages: list[str], size: int | None
) -> None:
    listed = used.packages.list(product=keeper.prefix, module="mcu", page_size=size)
    assert [package.id for package in listed] == packages
    assert {package.version for package in listed} == {str(number) for number in range(ROWS)}


def test_every_device_is_listed_once(clouds: Clouds, hawkbit: Hawkbit, devices: set[str]) -> None:
    names = [device.name for device in clouds.of(hawkbit).devices.list(page_size=PAGE)]
    assert len(names) == len(set(names))
    assert devices <= set(names)


def test_every_device_is_listed_in_one_order(clouds: Clouds, hawkbit: Hawkbit, devices: set[str]) -> None:
    single = clouds.of(hawkbit)
    orders = [
        [device.name for device in single.devices.list(page_size=size) if device.name in devices]
        for size in (PAGE, 500)
    ]
    assert orders[0] == orders[1]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("what", ["packages", "devices"])
def test_a_long_list_is_read_in_flat_memory(
    hawkbit: Hawkbit, keeper: Operator, packages: list[str], devices: set[str], colour: str, what: str
) -> None:
    levels: list[int] = []

    def seen(page: int) -> None:
        if page in (3, ROWS // PAGE):
            gc.collect()
            levels.append(tracemalloc.get_traced_memory()[0])

    async def read() -> None:
        async with aconnect(**settings(hawkbit)) as cloud:
            page = 0
            async for _ in getattr(cloud, what).list(page_size=PAGE).pages():
                seen(page := page + 1)

    tracemalloc.start()
    try:
        if colour == "async":
            asyncio.run(read())
        else:
            with connect(**settings(hawkbit)) as cloud:
                for page, _ in enumerate(getattr(cloud, what).list(page_size=PAGE).pages(), 1):
                    seen(page)
    finally:
        tracemalloc.stop()
    early, late = levels
    assert late - early < GROWTH


# --- many at once -----------------------------------------------------------------------------------------------------


def mixed(cloud: Any, keeper: Operator, packages: list[str], number: int) -> Any:
    """A call, of a kind that depends on the number."""
    device = f"{keeper.prefix}_{number:05}"
    return (
        lambda: cloud.packages.get(packages[number]),
        lambda: cloud.devices.get(device, product="DEFAULT"),
        lambda: cloud.devices.versions(device, product="DEFAULT").first_page(),
        lambda: cloud.packages.list(page_size=50).first_page(),
        lambda: cloud.modules.list(page_size=50).first_page(),
        lambda: cloud.packages.create(
            product="DEFAULT",
            module=f"{keeper.prefix}.mcu",
            version=f"{cloud.cloud}-{number}-{type(cloud).__name__}",
            artifacts=[],
            custom_info=f"{number}",
        ),
    )[number % 6]()


def test_many_async_calls_are_in_flight_without_an_error(
    hawkbit: Hawkbit, keeper: Operator, packages: list[str], devices: set[str]
) -> None:
    async def use() -> list[Any]:
        async with aconnect(**settings(hawkbit)) as cloud:
            return await asyncio.gather(*(mixed(cloud, keeper, packages, number) for number in range(IN_FLIGHT)))

    done = asyncio.run(use())
    assert [row.id for row in done[0::6]] == [packages[number] for number in range(0, IN_FLIGHT, 6)]
    assert [row.custom_info for row in done[5::6]] == [str(number) for number in range(5, IN_FLIGHT, 6)]


def test_many_threads_share_a_client_without_an_error(
    hawkbit: Hawkbit, keeper: Operator, packages: list[str], devices: set[str]
) -> None:
    with connect(**settings(hawkbit)) as cloud, ThreadPoolExecutor(IN_FLIGHT) as hands:
        done = list(hands.map(lambda number: mixed(cloud, keeper, packages, number), range(IN_FLIGHT)))
    assert [row.id for row in done[0::6]] == [packages[number] for number in range(0, IN_FLIGHT, 6)]
    assert [row.custom_info for row in done[5::6]] == [str(number) for number in range(5, IN_FLIGHT, 6)]


# --- large files ------------------------------------------------------------------------------------------------------

# A process of its own, and its peak in kilobytes before, after the upload, after the download. The kernel's own count:
# what getrusage tells begins with the peak of the process that started this one.
MOVES = """
import asyncio, json, sys
from pathlib import Path
import otabridge
given = json.load(sys.stdin)
peak = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
words = {"product": given["product"], "module": "mcu", "version": given["colour"]}
if given["colour"] == "sync":
    with otabridge.connect(**given["settings"]) as cloud:
        list(cloud.modules.list(product=given["product"]))
        peaks = [peak()]
        made = cloud.packages.publish(given["file"], **words)
        peaks.append(peak())
        path, = cloud.packages.download(made.id, given["folder"])
        peaks.append(peak())
else:
    async def use():
        async with otabridge.aconnect(**given["settings"]) as cloud:
            [module async for module in cloud.modules.list(product=given["product"])]
            peaks = [peak()]
            made = await cloud.packages.publish(given["file"], **words)
            peaks.append(peak())
            path, = await cloud.packages.download(made.id, given["folder"])
            return made, path, [*peaks, peak()]
    made, path, peaks = asyncio.run(use())
json.dump({"id": made.id, "path": str(path), "peaks": peaks}, sys.stdout)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, keeper: Operator) -> tuple[Path, str]:
    """A large file, and its SHA-256."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    digest, block = hashlib.sha256(), hashlib.sha256(keeper.prefix.encode()).digest() * (1 << 15)
    with path.open("wb") as file:
        for _ in range(FILE_BYTES >> 20):
            file.write(block)
            digest.update(block)
    return path, digest.hexdigest()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process in /proc")
def test_a_large_file_streams_in_both_directions(
    hawkbit: Hawkbit, operator: Operator, large: tuple[Path, str], colour: str, tmp_path: Path
) -> None:
    operator.type(f"{operator.prefix}.mcu")
    path, digest = large
    given = {
        "settings": settings(hawkbit) | {"product_mode": "prefix"},
        "product": operator.prefix,
        "file": str(path),
        "folder": str(tmp_path),
        "colour": colour,
    }
    ran = subprocess.run([sys.executable, "-c", MOVES], input=json.dumps(given), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    (kept,) = operator.get(f"/softwaremodules/{told['id']}/artifacts")
    assert (kept["size"], kept["hashes"]["sha256"]) == (FILE_BYTES, digest)
    with Path(told["path"]).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest
    before, *after = told["peaks"]
    assert [peak - before for peak in after if (peak - before) << 10 > PEAK_GROWTH] == []


def test_a_download_goes_on_where_the_connection_broke(
    clouds: Clouds, operator: Operator, hawkbit: Hawkbit, tmp_path: Path
) -> None:
    data = operator.prefix.encode() * 100_000
    operator.type(f"{operator.prefix}.mcu")
    made = operator.module(f"{operator.prefix}.mcu", "1")
    assert operator.upload(made["id"], data).status_code == 201
    with Passage(hawkbit, lambda passing: "/download" in passing.line and passing.down > 300_000) as passage:
        used = clouds.of(hawkbit, endpoint=passage.url, product_mode="prefix", world=FakeWorld().world)
        (path,) = used.packages.download(str(made["id"]), tmp_path / "out")
    assert path.read_bytes() == data
    asked = [passing.head.lower() for passing in passage.seen if "/download" in passing.line]
    assert len(asked) >= 3
    assert [b"range: bytes=" in head for head in asked] == [False] + [True] * (len(asked) - 1)
