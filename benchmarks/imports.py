"""Cold imports (goal P1): `python benchmarks/imports.py [--rounds 9]`. CPU of whole processes, interleaved, medians."""

import argparse
import resource
import statistics
import subprocess
import sys

OURS = "from otabridge import connect, Module"
CASES = {
    "nothing": "pass",
    "httpx, pydantic, pluggy": "import httpx, pydantic, pluggy",
    "otabridge": OURS,
    "otabridge, one cloud connected": (
        f"{OURS}\nconnect(backend='huawei', endpoint='http://127.0.0.1:9', project_id='0' * 32, auth='plain', "
        "access_key='a', secret_key='b')"
    ),
    "huawei sdk, one client": (
        "from huaweicloudsdkcore.auth.credentials import BasicCredentials\n"
        "from huaweicloudsdkiotda.v5 import IoTDAClient\n"
        "IoTDAClient.new_builder().with_credentials(BasicCredentials('a', 'b', 'c'))"
        ".with_endpoint('http://127.0.0.1:9').build()"
    ),
    "alibaba sdk, one client": (
        "from alibabacloud_iot20180120.client import Client\nfrom alibabacloud_tea_openapi.models import Config\n"
        "Client(Config(access_key_id='a', access_key_secret='b', endpoint='127.0.0.1:9', region_id='cn-shanghai'))"
    ),
}
GOALS = (
    ("otabridge", "httpx, pydantic, pluggy", 1.15),
    ("otabridge, one cloud connected", "huawei sdk, one client", 0.85),
    ("otabridge, one cloud connected", "alibaba sdk, one client", 0.50),
)


def cpu(code: str) -> float:
    """CPU milliseconds of one fresh interpreter that runs `code`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> int:
    """Run every case in turn and print medians and ratios against the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    figures: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds + 1):
        for name, code in CASES.items():
            figures[name].append(cpu(code))
    median = {
        name: statistics.median(values[1:]) for name, values in figures.items()
    }  # the first round warms the caches
    for name, value in median.items():
        print(f"{name:32} {value:6.0f} ms")
    for ours, peer, goal in GOALS:
        ratio = median[ours] / median[peer]
        print(f"{ours} / {peer}: {ratio:.2f} (goal {goal:.2f}) {'met' if ratio <= goal else 'NOT MET'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
