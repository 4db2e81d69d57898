"""No file is held in memory: a client's peak stays near its idle size, however large the file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from otabridge.serve import running

SIZE = 160 << 20  # above the size from which files go up in parts; the full scale is 1 GB
MOST = 64  # MiB above idle
# The kernel's own account of a process's largest size, which can be set back.
CLIENT = """
import asyncio, json, pathlib, sys
import otabridge

settings, file, out, colour = json.loads(sys.argv[1]), *sys.argv[2:]
draft = {"product": "p1", "module": "mcu", "version": "1.0"}

def told(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) >> 10

def idle():
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    return told("VmRSS")

async def asked():
    async with otabridge.aconnect(**settings) as cloud:
        await cloud.modules.list(product="p1").first_page()
        before = idle()
        package = await cloud.packages.publish(file, **draft)
        (path,) = await cloud.packages.download(package.id, out)
        return before, path

def run():
    with otabridge.connect(**settings) as cloud:
        cloud.modules.list(product="p1").first_page()
        before = idle()
        package = cloud.packages.publish(file, **draft)
        (path,) = cloud.packages.download(package.id, out)
        return before, path

before, path = run() if colour == "sync" else asyncio.run(asked())
print(json.dumps([told("VmHWM") - before, path.stat().st_size]))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is Linux's to tell")
@pytest.mark.parametrize("name", ["tuya", "huawei"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_large_file_goes_up_and_down_in_little_memory(name: str, colour: str, tmp_path: Path) -> None:
    file = tmp_path / "app.bin"
    with file.open("wb") as made:
        made.truncate(SIZE)
    with running(name, on=f"local:{tmp_path / 'depot'}") as server:
        server.cloud.modules.create("mcu", product="p1")
        words = (json.dumps(server.settings(name)), str(file), str(tmp_path / "out"), colour)
        ran = subprocess.run([sys.executable, "-c", CLIENT, *words], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    peak, size = json.loads(ran.stdout)
    assert size == SIZE
    assert peak < MOST
