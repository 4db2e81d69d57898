"""Goal P10: `otabridge --help` against a bare typer app with as many commands, interleaved, medians of wall time.

Run: `python benchmarks/help_time.py [ROUNDS]`. Every measurement is a process of its own. The bare app is measured as
typer makes it (help drawn by rich), and with rich switched off, which is the harder comparison. Exits 1 if the goal
(1.3 x the bare app, and 0.3 s) is missed.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from typer.main import get_command

from otabridge.cli.app import application

ROOT = Path(__file__).parents[1]
RATIO, SECONDS = 1.3, 0.3
OURS = "import sys; from otabridge.cli import main; sys.exit(main(['--help']))"


def bare(*, rich: bool) -> str:
    """A typer app with our groups, as many commands in each, and two options a command."""
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


def seconds(path: Path) -> float:
    """The wall time of one process."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run([sys.executable, str(path)], check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - began


def main(rounds: int) -> int:
    """Measure, print the medians, and say whether the goal is met."""
    programs = {"otabridge": OURS, "bare": bare(rich=True), "bare, no rich": bare(rich=False)}
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, program in programs.items():
            files[name] = Path(folder) / f"{name.replace(', ', '_').replace(' ', '_')}_program.py"
            files[name].write_text(program)
            seconds(files[name])  # compile what is imported
        times: dict[str, list[float]] = {name: [] for name in files}
        for _ in range(rounds):
            for name, file in files.items():
                times[name].append(seconds(file))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    ours = medians["otabridge"]
    for name, taken in times.items():
        low, high = min(taken), max(taken)
        print(f"{name:14} {medians[name] * 1000:6.1f} ms ({low * 1000:.1f} to {high * 1000:.1f})", end="")
        print(f"   otabridge is {ours / medians[name]:.2f} x" if name != "otabridge" else "")
    met = ours <= SECONDS and all(ours <= RATIO * median for median in medians.values())
    print(f"goal: <= {RATIO} x the bare app and <= {SECONDS} s: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
