"""bench: how fast all this is, beside PyTorch and others."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from ..backend import find_device
from .shared import check_can_write, fail, speaker


def bench(options: argparse.Namespace) -> int:
    """Measure speed and memory beside PyTorch and others (in a clone of the repository)."""
    tests = Path(__file__).resolve().parents[2] / "tests"
    if not (tests / "benchmarks").is_dir():
        return fail("the benchmark is run from a clone of the repository: it is in "
                    "tests/benchmarks, which is not installed with the package")
    check_can_write(options.plot)
    device = find_device(options.device)
    if options.plot and device != "cpu":
        return fail("the chart is of libraries on the CPU: --plot goes without --device", code=2)
    sys.path.insert(0, str(tests))
    benchmarks = importlib.import_module("benchmarks")
    report = benchmarks.run(options.quick, speaker(options.json), device)
    if options.plot:
        benchmarks.draw(report, options.plot)
    if options.json:
        print(json.dumps(report.as_dict()))
    return 0
