"""CPU per call of otabridge and of its peers (goals P2 and P3): `python benchmarks/calls.py [--rounds 5]`.

One process per measurement, contenders interleaved, client and server on different cores, medians; ratios are printed.
"""

import argparse
import asyncio
import inspect
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import contenders

HERE = Path(__file__).parent
WARM_UP = 50
GROUPS = {
    "module, sync": ("socket_module", "httpx_module", "huawei_sdk_module", "ours_module"),
    "versions, sync": ("httpx_versions", "alibaba_sdk_versions", "ours_versions"),
    "module, async": ("httpx_module_async", "ours_module_async"),
    "versions, async": ("httpx_versions_async", "alibaba_sdk_versions_async", "ours_versions_async"),
}
GOALS = {
    "ours_module": {"httpx_module": 1.00, "huawei_sdk_module": 0.50},
    "ours_versions": {"httpx_versions": 1.00, "alibaba_sdk_versions": 0.95},
    "ours_module_async": {"httpx_module_async": 0.60, "huawei_sdk_module": 0.50},
    "ours_versions_async": {"httpx_versions_async": 0.60, "alibaba_sdk_versions_async": 0.65},
}


def measure(name: str, port: int, calls: int) -> float:
    """CPU microseconds per call of one contender, in this process."""
    make = getattr(contenders, name)
    if name.endswith("_async"):
        return asyncio.run(_measure_async(make, port, calls))
    call = make(port)
    for _ in range(WARM_UP):
        assert call()
    began = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - began) / calls * 1e6


async def _measure_async(make: object, port: int, calls: int) -> float:
    call = make(port)  # type: ignore[operator]
    for _ in range(WARM_UP):
        assert await call()
    began = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - began) / calls * 1e6


def main() -> int:
    """Run every contender in turn and print medians and ratios against the goals."""
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__ or ""))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--one", help="measure this contender alone, in this process")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    if given.one:
        print(measure(given.one, given.port, given.calls))
        return 0
    server = subprocess.Popen([sys.executable, HERE / "canned.py"], stdout=subprocess.PIPE, text=True)
    cores = sorted(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(server.pid, cores[-1:])
        os.sched_setaffinity(0, cores[:1])
        assert server.stdout
        port = int(server.stdout.readline())
        names = [name for group in GROUPS.values() for name in group]
        figures: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(given.rounds):
            for name in names:
                command = [sys.executable, __file__, "--one", name, "--port", str(port), "--calls", str(given.calls)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                figures[name].append(float(done.stdout.split()[-1]))
    finally:
        server.kill()
        server.wait()
    median = {name: statistics.median(values) for name, values in figures.items()}
    for group, members in GROUPS.items():
        print(f"\n{group}: CPU us per call, median (min to max) of {given.rounds}")
        for name in members:
            print(f"  {name:28} {median[name]:7.0f} ({min(figures[name]):.0f} to {max(figures[name]):.0f})")
    print("\nratios")
    for ours, peers in GOALS.items():
        for peer, goal in peers.items():
            ratio = median[ours] / median[peer]
            print(f"  {ours} / {peer}: {ratio:.2f} (goal {goal:.2f}) {'met' if ratio <= goal else 'NOT MET'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
