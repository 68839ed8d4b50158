"""What is measured on a GPU: training and reading beside PyTorch on the same card, and the floor.

A GPU is asked for a step and does it later; so some steps are asked for before anybody waits.
Small batches of small pictures leave it idle most of the time: what they cost is the asking, an
operation at a time, by Python. Large ones show what the card can do.

Float32 products can be made faster by rounding their factors to 10 bits (TF32). Both libraries
are measured with and without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from .comparison import Comparison, compare
from .rounds import Worker
from .sections import EAGER, FIT, OURS, Benchmark, Plan, Task

READ_AT_ONCE = (1, 16, 64, 256, 1024, 4096)
TRAINED_AT_ONCE = (64, 1024)
SMALL = {"megabytes": 1, "size": 64}
"""For a run that only sees that it works."""


def describe(run: Benchmark) -> dict[str, Any]:
    """Which card it is. Raises CannotMeasureError with the reason where none can be used."""
    with Worker(run.pictures) as worker:
        return worker.ask("describe", "card")


def rates(run: Benchmark, quick: Plan) -> dict[str, dict[str, float]]:
    """The card's rates by kind of product: see `contenders/card.py`."""
    sizes = SMALL if run.plan is quick else {}
    found = {}
    for name, tf32 in (("float32", False), ("TF32", True)):
        with Worker(run.pictures) as worker:
            found[name] = worker.ask("find_out", "card", "rates", tf32=tf32, **sizes)
            for batch_size in TRAINED_AT_ONCE:
                found[name][f"floor at {batch_size}"] = worker.ask(
                    "find_out", "card", "floor", tf32=tf32, batch_size=batch_size, **sizes)
    return found


def compare_steps(run: Benchmark, found: dict[str, dict[str, float]], device: str
                  ) -> Iterator[Comparison]:
    """A training step beside PyTorch's and beside the floor."""
    for kind, tf32 in (("float32", False), ("TF32", True)):
        for batch_size in TRAINED_AT_ONCE:
            options = {"device": device, "tf32": tf32}
            sized = options | {"batch_size": batch_size}
            tasks: dict[str, Task] = {OURS: ("ours", "step", sized),
                                      EAGER: ("pytorch", "step", sized)}
            if batch_size == 64:
                tasks[FIT] = ("ours", "fit", options)
            with run.ready(tasks) as workers:
                times = run.measure(workers)
            what = f"step, {kind}, {batch_size:,} at once"
            yield from compare(what, times, OURS, EAGER)
            yield from compare(f"{what}, fit", times, FIT, EAGER)
            floor = found[kind][f"floor at {batch_size}"]
            yield Comparison(what, times[OURS], "the floor", [floor] * len(times[OURS]))


def compare_reading(run: Benchmark, device: str) -> Iterator[Comparison]:
    """Reading pictures that lie on the host; the answers come back to it."""
    for count in READ_AT_ONCE:
        options = {"count": count, "device": device}
        with run.ready({OURS: ("ours", "predict", options),
                        EAGER: ("pytorch", "predict", options)}) as workers:
            times = run.measure(workers, effort=0.6)
        yield from compare(f"{count:,} pictures read at once", times, OURS, EAGER)


def card_text(card: dict[str, Any], found: dict[str, dict[str, float]]) -> str:
    """What the card is and can do."""
    lines = [f"{'card':10} {card['name']}, CuPy {card['cupy']}, CUDA {card['cuda']}, driver for "
             f"{card['driver']}",
             f"{'launching':10} {1e6 * median(each['launch'] for each in found.values()):.1f} "
             "microseconds for an operation on one number"]
    lines += [f"{kind:10} copies {rate['copy'] / 1e9:,.0f} GB/s, products "
              f"{rate['product'] / 1e12:,.2f} TFLOP/s; floor of a step: "
              + ", ".join(f"{rate[f'floor at {size}']:.3g} ms at {size:,}"
                          for size in TRAINED_AT_ONCE) for kind, rate in found.items()]
    return "\n".join(lines)
