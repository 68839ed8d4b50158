"""The benchmark: how fast this project is, and how much memory it takes, beside others.

    python -m tinygrad_mnist bench [--device cuda] [--quick] [--json] [--plot FILE]

Everything is measured beside PyTorch in the same run, and told as a ratio, ours / theirs: the
milliseconds of another day or machine say little. Four things make the ratios repeatable.

Rounds. A machine whose hardware others share can be half as fast from one second to the next.
So the contenders take turns of half a second; each round gives a ratio, and their median is
what counts. Beside it stand the values between which the middle half of them lies.

Processes. NumPy's matrix library and PyTorch each keep a pool of threads, and two pools in
one process get in each other's way. So does memory: a process that has once freed a large
block keeps it for later (measured, PyTorch's step at batch 64 takes a quarter less time after
a single batch of 1,024). So each contender has a process of its own, which waits on a pipe,
asleep, while it is another's turn.

A running start. When a pool wakes up, the system may have put two of its threads on one core,
and PyTorch, whose threads wait for each other without sleeping, is then twice as slow or
worse until they part: measured, for a tenth to two tenths of a second. So the first third of
every turn is thrown away.

Quiet. Beside one other busy program on two cores PyTorch was measured thirty times as slow,
and this project twice to ten times. So it is watched how busy other programs are, and a
disturbed round is made again. Where that does not help, the last line tells.

    pictures.py      what everyone is given to learn
    contenders/      who is measured, a file for each library
    stopwatch.py     how a turn is timed
    worker.py        a process that prepares a contender and times it
    rounds.py        the same from outside, and the taking of turns
    comparison.py    two lists of milliseconds made into a ratio
    sections.py      what is measured
    gpu.py           what is measured on a GPU
    report.py        the table and the object of JSON
    chart.py         the chart
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tinygrad_mnist import datasets, transforms

from . import gpu, report, sections
from .chart import draw
from .comparison import Comparison
from .pictures import COUNT, Pictures
from .report import Report
from .sections import FULL, QUICK, Benchmark

__all__ = ["Report", "draw", "run"]


def run(quick: bool = False, say: Callable[[str], None] = print, device: str = "cpu") -> Report:
    """Measure everything, and tell it section by section as it comes.

    quick: so few rounds that the numbers mean nothing, to see that it works.
    device: where: on the CPU beside everyone, or on a GPU beside PyTorch.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.npz"
        _save_pictures(pictures)
        bench = Benchmark(QUICK if quick else FULL, pictures)
        result = _measure(bench, say) if device == "cpu" else _measure_gpu(bench, say, device)
    result.seconds = time.perf_counter() - began
    for library, reason in result.skipped.items():
        say(f"{library} is not measured: {reason}")
    say(report.last_line(result))
    return result


def _measure(bench: Benchmark, say: Callable[[str], None]) -> Report:
    facts = report.machine(bench.describe("ours"), bench.describe("pytorch"))
    result = Report(facts, quick=bench.plan is QUICK, skipped=bench.skipped)
    say(report.machine_text(facts))
    setting = result.best_setting = sections.best_setting(bench)
    if facts["pytorch"]:
        say(f"PyTorch is at its best with: {setting}")
    say("\n" + report.TITLES)

    def tell(comparisons: Iterable[Comparison]) -> None:
        for compared in comparisons:
            say(report.comparison_text(compared))
            result.comparisons.append(compared)

    tell(sections.compare_steps(bench, setting))
    tell(sections.compare_tasks(bench))
    tell(sections.compare_imports(bench))
    result.memory = sections.peak_memory(bench)
    tell(sections.compare_memory(result.memory))
    say("\n" + report.memory_text(result.memory))
    result.peers = sections.peers(bench, setting)
    say("\n" + report.peers_text(result.peers))
    result.growth = {"batch_size": sections.growth(bench, "batch_size", bench.plan.batch_sizes, 64),
                     "size": sections.growth(bench, "size", bench.plan.picture_sizes, 28)}
    say("\n" + report.growth_text(result.growth) + "\n")
    result.rounds, result.disturbed, result.repeated = (
        bench.patience.rounds, bench.patience.disturbed, bench.patience.repeated)
    return result


def _measure_gpu(bench: Benchmark, say: Callable[[str], None], device: str) -> Report:
    card = gpu.describe(bench)
    facts = report.machine(bench.describe("ours"), bench.describe("pytorch"))
    result = Report(facts, quick=bench.plan is QUICK, skipped=bench.skipped, card=card)
    say(report.machine_text(facts))
    result.rates = gpu.rates(bench, QUICK)
    say(gpu.card_text(card, result.rates) + "\n\n" + report.TITLES)
    for section in (gpu.compare_steps(bench, result.rates, device),
                    gpu.compare_reading(bench, device)):
        for compared in section:
            say(report.comparison_text(compared))
            result.comparisons.append(compared)
    result.rounds, result.disturbed, result.repeated = (
        bench.patience.rounds, bench.patience.disturbed, bench.patience.repeated)
    return result


def _save_pictures(path: Path) -> None:
    data = datasets.MNIST(train=False, transform=transforms.ToTensor(), download=True)
    images, labels = data[:COUNT]
    Pictures(np.ascontiguousarray(images.numpy()), labels).save(path)
