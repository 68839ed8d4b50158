"""The card itself: how fast it copies, multiplies and can be asked, and what follows from that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..pictures import Pictures
from .ours import prepare

ACTIVATIONS = [784, 16 * 784, 16 * 196, 32 * 196, 32 * 49, 16, 16, 10]
"""Numbers that the talk's network computes for one picture, the picture's own included."""
PRODUCTS = [16 * 9 * 784, 32 * 144 * 196, 16 * 32 * 49, 10 * 16]
"""Multiplications in its layers for one picture, forward."""


def describe() -> dict[str, Any]:
    """Which card it is, and what drives it."""
    prepare("cuda")
    import cupy

    runtime = cupy.cuda.runtime
    name = runtime.getDeviceProperties(runtime.getDevice())["name"]
    return {"name": name.decode(), "cupy": cupy.__version__, "driver": runtime.driverGetVersion(),
            "cuda": runtime.runtimeGetVersion()}


def rates(pictures: Pictures, tf32: bool, megabytes: int = 256, size: int = 4096
          ) -> dict[str, float]:
    """Bytes copied and operations done in products of float32 a second; seconds to ask for one.

    A copy reads and writes, so each of its bytes counts twice. The fastest of some tries.
    """
    wait = prepare("cuda", tf32)["wait"]
    import cupy

    source, target = (cupy.zeros(megabytes * 2**18, cupy.float32) for _ in range(2))
    a, b, c = (cupy.ones((size, size), cupy.float32) for _ in range(3))
    tiny = cupy.zeros(1, cupy.float32)
    return {"copy": 2 * source.nbytes / _fastest(lambda: cupy.copyto(target, source), wait),
            "product": 2 * size**3 / _fastest(lambda: cupy.matmul(a, b, out=c), wait),
            "launch": _fastest(lambda: cupy.add(tiny, tiny, out=tiny), wait, 1000)}


def floor(pictures: Pictures, tf32: bool, batch_size: int, **sizes: int) -> float:
    """Milliseconds below which no training step of the talk's network comes on this card.

    Each activation is written and read forward, read again backward, and its gradient written
    and read; each layer has three products (the first two). That these are launched at all, and
    one after another, comes on top.
    """
    rate = rates(pictures, tf32, **sizes)
    numbers = 5 * sum(ACTIVATIONS) - 2 * ACTIVATIONS[0]
    multiplications = 3 * sum(PRODUCTS) - PRODUCTS[0]
    return 1e3 * batch_size * (4 * numbers / rate["copy"] + 2 * multiplications / rate["product"])


def _fastest(ask: Callable[[], object], wait: Callable[[], object], at_once: int = 10) -> float:
    """Seconds for one of `at_once`, asked for one after another and then waited for."""
    times = []
    for _ in range(12):
        wait()
        began = time.perf_counter()
        for _ in range(at_once):
            ask()
        wait()
        times.append((time.perf_counter() - began) / at_once)
    return min(times[2:])
