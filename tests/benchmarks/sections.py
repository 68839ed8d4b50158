"""What is measured, section by section.

Each section names its tasks, lets them take turns, and gives back what came of it.
Who cannot take part, for example a library that is not installed, is missing from that, and
`Benchmark.skipped` says why.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from .comparison import Comparison, compare
from .rounds import PYTHON_PATH, CannotMeasureError, Patience, Worker, take_turns

Name = TypeVar("Name")
Task = tuple[str, str, dict[str, Any]]
"""What to measure: a library, a function in its file under contenders/, that one's options."""

OURS, FIT = "this project, a plain loop", "this project, training.fit"
EAGER, BEST, FLOOR = "PyTorch eager", "PyTorch at its best", "the matrix products alone"
BARE = "bare NumPy"
PEERS = {"JAX, jitted": "jax", "tinygrad, jitted": "tinygrad", "MyGrad": "mygrad"}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    rounds, seconds: how often each contender has its turn, and how long that is.
    imports: how many imports. memory: after how many training steps it is looked at.
    batch_sizes, picture_sizes: with which a step's growing cost is measured.
    patience: how many seconds may be lost on rounds that others disturb.
    """

    rounds: int = 11
    seconds: float = 0.45
    imports: int = 21
    memory: tuple[int, int, int] = (0, 100, 300)
    batch_sizes: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    picture_sizes: tuple[int, ...] = (28, 56, 112)
    patience: float = 90


FULL = Plan()
QUICK = Plan(rounds=1, seconds=0.02, imports=2, memory=(0, 4, 8), batch_sizes=(1, 64),
             picture_sizes=(28, 56), patience=0)


@dataclass
class Benchmark:
    """One run: its plan, and who could not take part, and why."""

    plan: Plan
    pictures: Path
    skipped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.patience = Patience(self.plan.patience)

    @contextmanager
    def ready(self, tasks: Mapping[Name, Task]) -> Iterator[dict[Name, Worker]]:
        """Workers inside the block, each of which has made its task ready, by the same names."""
        with ExitStack() as stack:
            workers = {name: stack.enter_context(Worker(self.pictures))
                       for name, (library, _, _) in tasks.items() if library not in self.skipped}
            for name, worker in workers.items():  # all at once, since that takes long
                library, task, options = tasks[name]
                worker.send("prepare", library, task, **options)
            yield {name: worker for name, worker in workers.items()
                   if self._answers(worker, tasks[name][0])}

    def measure(self, workers: Mapping[Name, Worker], effort: float = 1
                ) -> dict[Name, list[float]]:
        """Milliseconds for a step in each round; with less effort, in fewer rounds."""
        rounds = max(1, round(effort * self.plan.rounds))
        return take_turns(workers, rounds, self.plan.seconds, self.patience)

    def describe(self, library: str) -> dict[str, Any]:
        """What a library says of itself; nothing, if it is not there."""
        with Worker(self.pictures) as worker:
            worker.send("describe", library)
            return self._answers(worker, library) or {}

    def _answers(self, worker: Worker, library: str) -> Any:
        """The answer; None for a library that cannot take part. This project always must."""
        try:
            return worker.receive()
        except CannotMeasureError as error:
            if library in ("ours", "floor"):
                raise
            self.skipped[library] = str(error)
            return None


# --- a training step ---------------------------------------------------------------------


def pytorch_settings() -> dict[str, Task]:
    """PyTorch with all that may make it faster, by name; "eager" is with nothing."""
    settings: dict[str, Task] = {}
    for threads, channels_last, fused in itertools.product((None, 1), (False, True), (False, True)):
        told = [text for text, holds in [("channels_last", channels_last), ("fused SGD", fused),
                                         ("1 thread", threads == 1)] if holds]
        options = {"threads": threads, "channels_last": channels_last, "fused": fused}
        settings[", ".join(told) or "eager"] = ("pytorch", "step", options)
    return settings


def best_setting(run: Benchmark) -> str:
    """The name of the setting with which PyTorch is fastest; "eager", if it is not there."""
    with run.ready(pytorch_settings()) as workers:
        times = run.measure(workers, effort=0.3)
    return min(times, key=lambda name: median(times[name]), default="eager")


def training_step(setting: str) -> dict[str, Task]:
    """A training step by us, by PyTorch, and the floor."""
    return {OURS: ("ours", "step", {}), FIT: ("ours", "fit", {}),
            EAGER: ("pytorch", "step", {}), BEST: pytorch_settings()[setting],
            FLOOR: ("floor", "step", {})}


def compare_steps(run: Benchmark, setting: str) -> Iterator[Comparison]:
    """A training step, beside PyTorch as it is and with its best setting."""
    with run.ready(training_step(setting)) as workers:
        times = run.measure(workers)
    for what, ours, beside, target in [("training step, plain loop", OURS, EAGER, 0.65),
                                       ("training step, plain loop", OURS, BEST, 0.95),
                                       ("training step, training.fit", FIT, EAGER, 0.55),
                                       ("training step, training.fit", FIT, BEST, 0.80),
                                       ("training step, training.fit", FIT, FLOOR, 1.8),
                                       (FLOOR, FLOOR, BEST, None)]:
        yield from compare(what, times, ours, beside, target)


def peers(run: Benchmark, setting: str) -> dict[str, float]:
    """Milliseconds for the same step in every library, by name, all from the same rounds."""
    others: dict[str, Task] = {name: (library, "step", {}) for name, library in PEERS.items()}
    with run.ready(training_step(setting) | others) as workers:
        times = run.measure(workers, effort=0.4)
    return {name: median(values) for name, values in times.items()}


# --- other tasks -------------------------------------------------------------------------


def compare_tasks(run: Benchmark) -> Iterator[Comparison]:
    """Reading pictures, and many small operations."""
    for what, task, options, target, bare in [
            ("one picture read", "predict", {"count": 1}, 0.7, "one picture, bare NumPy"),
            ("1,000 pictures read at once", "predict", {"count": 1000}, 0.6, ""),
            ("1,000 operations on numbers", "chain", {"elements": 0}, 0.8,
             "on numbers, bare NumPy"),
            ("1,000 operations on 8 elements", "chain", {"elements": 8}, 0.8,
             "on 8 elements, bare NumPy")]:
        tasks: dict[str, Task] = {OURS: ("ours", task, options), EAGER: ("pytorch", task, options)}
        if bare:  # of many pictures it is not the asking that takes long
            tasks[BARE] = ("floor", task, options)
        with run.ready(tasks) as workers:
            times = run.measure(workers, effort=0.6)
        yield from compare(what, times, OURS, EAGER, target)
        yield from compare(what, times, OURS, BARE)
        yield from compare(bare, times, BARE, EAGER)


def compare_imports(run: Benchmark) -> Iterator[Comparison]:
    """A process that imports this package and ends, beside one that imports NumPy."""
    times: dict[str, list[float]] = {"tinygrad_mnist": [], "numpy": []}
    for number in range(-1, run.plan.imports):  # the first of each may have to compile
        for package in list(times)[::1 if number % 2 else -1]:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {package}"], check=True,
                           env=os.environ | {"PYTHONPATH": PYTHON_PATH})
            if number >= 0:
                times[package].append(1e3 * (time.perf_counter() - began))
    ours, theirs = times.values()
    yield Comparison("import tinygrad_mnist", ours, "import numpy", theirs, 1.3)


# --- memory ------------------------------------------------------------------------------


def peak_memory(run: Benchmark) -> dict[str, dict[int, float]]:
    """By name and number of training steps: the highest memory until then, in MB."""
    peaks = {}
    for name, library in ((OURS, "ours"), (EAGER, "pytorch")):
        if library not in run.skipped:
            with Worker(run.pictures) as worker:
                told = worker.ask("memory", library, run.plan.memory)
            peaks[name] = dict(zip(run.plan.memory, told, strict=True))
    return peaks


def compare_memory(peaks: dict[str, dict[int, float]]) -> Iterator[Comparison]:
    """The highest memory of a process that trains. One process each: it varies little."""
    highest = {name: [max(values.values())] for name, values in peaks.items()}
    yield from compare("highest memory in a training", highest, OURS, EAGER, 1.0, "MB")


# --- how the cost grows ------------------------------------------------------------------


def growth(run: Benchmark, option: str, values: tuple[int, ...], reference: int
           ) -> dict[str, dict[int, float]]:
    """By name and value of the option: what one picture costs in a training step.

    In units of what it costs at the reference value, for each name its own. The option is
    "batch_size" (of pictures of 28 x 28) or "size" (of the pictures, in batches of 64).
    """
    with run.ready({(name, value): (library, "step", {option: value})
                    for name, library in ((OURS, "ours"), (EAGER, "pytorch"))
                    for value in values}) as workers:
        times = run.measure(workers, effort=0.3)

    def step_cost(name: str, value: int) -> float:
        return median(a / b for a, b in zip(times[name, value], times[name, reference],
                                            strict=True))

    def pictures(value: int) -> int:
        return value if option == "batch_size" else 64

    return {name: {value: step_cost(name, value) * pictures(reference) / pictures(value)
                   for value in values}
            for name in (OURS, EAGER) if (name, reference) in times}
