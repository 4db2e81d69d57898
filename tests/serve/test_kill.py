"""A server that is killed while clients write: whatever was acknowledged is there after a restart."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from otabridge import Artifact, Checksum, Client, ObjectLocation, OtaBridgeError, connect

KEYS = {"OTABRIDGE_SERVE_ACCESS_KEY": "AK", "OTABRIDGE_SERVE_SECRET_KEY": "a-weak-key"}
WRITERS = 4  # of each dialect
ENOUGH = 60  # acknowledged writes, after which the server is killed
ARTIFACT = Artifact(
    name="app.bin",
    size=3,
    checksum=Checksum(algorithm="sha256", hex="ab" * 32),
    location=ObjectLocation(region="cn-north-4", bucket="abc", key="app.bin"),
)
Written = tuple[str, str, str]  # product, module, and the version of a package or nothing


@contextmanager
def serving(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """The command at work, and what it says of each facade."""
    words = ["serve", "--as", "huawei", "--as", "tuya", "--on", f"local:{folder}"]
    command = [sys.executable, "-m", "otabridge.cli", *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTABRIDGE_")} | KEYS
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        try:
            yield process, {line["facade"]: line for line in lines}
        finally:
            process.kill()


def client(line: dict[str, Any]) -> Client:
    """Our own client of a facade."""
    common = {"endpoint": line["url"], "quotas": "off", "backend": line["facade"]}
    if line["facade"] == "tuya":
        return connect(**common, access_key_id="AK", access_key_secret="a-weak-key")
    ids = {name: line[name] for name in ("project_id", "app_id", "region")}
    return connect(**common, **ids, access_key="AK", secret_key="a-weak-key")


def write(line: dict[str, Any], name: str, told: list[Written], enough: threading.Event) -> None:
    """Make modules, and packages where that needs no upload, until the server is gone."""
    with client(line) as cloud:
        try:
            for number in range(10_000):
                product, module = f"{name}-{number // 10}", f"module-{number}"
                cloud.modules.create(module, product=product)
                told.append((product, module, ""))
                if line["facade"] == "huawei":
                    cloud.packages.create(product=product, module=module, version="1.0", artifacts=[ARTIFACT])
                    told.append((product, module, "1.0"))
                if len(told) >= ENOUGH:
                    enough.set()
        except OtaBridgeError:
            enough.set()  # no answer: this write may or may not be there


def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    folder, enough = tmp_path / "depot", threading.Event()
    told: list[Written] = []
    with serving(folder) as (process, lines):
        threads = [
            threading.Thread(target=write, args=(line, f"{name}-{number}", told, enough))
            for name, line in lines.items()
            for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert len(told) >= ENOUGH
    with serving(folder) as (_, lines), client(lines["huawei"]) as cloud:
        modules = {(row.product, row.name, "") for row in cloud.modules.list()}
        packages = {(row.product, row.module, row.version) for row in cloud.packages.list()}
    assert set(told) - modules - packages == set()
