"""Whole programs, measured from outside: cold imports, a first call, and the help text beside a bare typer app's."""

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from benchmarks.measuring import Figures, Ground

ROOT = Path(__file__).parents[1]
OURS = "from otabridge import connect, Module"
NOWHERE = "127.0.0.1:9"
IMPORTS = {
    "nothing": "pass",
    "httpx, pydantic, pluggy": "import httpx, pydantic, pluggy",
    "otabridge": OURS,
}
CONNECTED = {
    "hw": (
        "from huaweicloudsdkcore.auth.credentials import BasicCredentials\n"
        "from huaweicloudsdkiotda.v5 import IoTDAClient\n"
        "IoTDAClient.new_builder().with_credentials(BasicCredentials('a', 'b', 'c'))"
        f".with_endpoint('http://{NOWHERE}').build()"
    ),
    "ali2": (
        "from alibabacloud_iot20180120.client import Client\nfrom alibabacloud_tea_openapi.models import Config\n"
        f"Client(Config(access_key_id='a', access_key_secret='b', endpoint='{NOWHERE}', region_id='cn-shanghai'))"
    ),
    "ali1": (
        "from aliyunsdkcore.client import AcsClient\n"
        "from aliyunsdkiot.request.v20180120.QueryDeviceRequest import QueryDeviceRequest\n"
        "AcsClient('a', 'b', 'cn-shanghai')"
    ),
    "httpx": "import httpx\nhttpx.Client()",
    "otabridge": (
        f"{OURS}\nconnect(backend='huawei', endpoint='http://{NOWHERE}', project_id='0' * 32, auth='plain', "
        "access_key='a', secret_key='b')"
    ),
    "otabridge (aliyun)": (
        f"{OURS}\nconnect(backend='aliyun', endpoint='http://{NOWHERE}', access_key_id='a', access_key_secret='b')"
    ),
}
TABLES = {"imports": IMPORTS, "connected": CONNECTED}
HELP = "import sys; from otabridge.cli import main; sys.exit(main(['--help']))"


def table(contender: str, ground: Ground, *, programs: str) -> Figures:
    """A program of one of the tables."""
    return spent([sys.executable, "-c", TABLES[programs][contender]])


def first_call(contender: str, ground: Ground, *, job: str) -> Figures:
    """All that a program does for its first call: import, make a client, connect, ask, read."""
    code = (
        "from benchmarks.peers import Place, found\n"
        f"cls, place = found({contender!r}), Place(port={ground.plain})\n"
        "async def main():\n"
        "    peer = cls(place)\n"
        f"    assert await peer.{job}()\n"
        "    await peer.close()\n"
        f"__import__('asyncio').run(main()) if cls.awaited else cls(place).{job}()"
    )
    return spent([sys.executable, "-c", code])


def help_text(contender: str, ground: Ground) -> Figures:
    """The help of otabridge, or of a bare typer app, drawn by rich or not."""
    program = HELP if contender == "otabridge" else bare(rich=contender == "bare typer app")
    return spent([sys.executable, "-c", program])


@cache
def bare(*, rich: bool) -> str:
    """A typer app with our groups, as many commands in each, and two options a command."""
    from typer.main import get_command

    from otabridge.cli.app import application

    root = get_command(application())
    lines = ["import sys, typer", "app = typer.Typer()" if rich else "app = typer.Typer(rich_markup_mode=None)"]
    for name, group in getattr(root, "commands", {}).items():
        lines.append(f"{name} = typer.Typer()")
        for command in getattr(group, "commands", {name: group}):
            lines.append(f"@{name}.command('{command}')")
            lines.append(f"def {name}_{command}(on: str = typer.Option(None), output: str = 'table'):")
            lines.append("    'Do it.'")
        lines.append(f"app.add_typer({name}, name='{name}', help='Things.')")
    return "\n".join([*lines, "sys.argv[1:] = ['--help']", "app()"])


def spent(command: list[str]) -> Figures:
    """CPU and wall milliseconds of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return {
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1e3,
        "wall_ms": wall * 1e3,
    }
