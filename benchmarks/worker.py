"""The process in which measurements are made: a line of JSON in for each, a line of figures out."""

import asyncio
import inspect
import json
import sys
import tracemalloc
from importlib import import_module
from typing import Any

from benchmarks.measuring import Figures, Ground


def measured(how: str, contender: str, ground: Ground, given: dict[str, Any]) -> Figures:
    """The figures of one contender."""
    module, _, name = how.partition(":")
    function = getattr(import_module(f"benchmarks.{module}"), name)
    made = function(contender, ground, **given)
    figures: Figures = asyncio.run(made) if inspect.iscoroutine(made) else made
    tracemalloc.stop()
    return figures


def main() -> None:
    """Measure until there are no more lines."""
    for line in sys.stdin:
        how, contender, ground, given = json.loads(line)
        print(json.dumps(measured(how, contender, Ground(**ground), given)), flush=True)


if __name__ == "__main__":
    main()
