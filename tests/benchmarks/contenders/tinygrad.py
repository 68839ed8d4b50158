"""tinygrad (the library whose name is like ours), on the CPU, compiled. It needs clang."""

from __future__ import annotations

import itertools
import os
from importlib.metadata import version
from typing import Any

os.environ["DEV"] = "CPU"

from tinygrad import Tensor, TinyJit, nn
from tinygrad.helpers import Context

from ..pictures import Pictures
from ..stopwatch import Contender, repeated


def describe() -> dict[str, Any]:
    return {"version": version("tinygrad")}


def step(pictures: Pictures) -> Contender:
    """A training step, compiled."""
    layers: Any = [
        nn.Conv2d(1, 16, 3, padding=1), Tensor.max_pool2d,
        nn.Conv2d(16, 32, 3, padding=1), Tensor.max_pool2d,
        lambda value: value.flatten(1), nn.Linear(32 * 7 * 7, 16), Tensor.relu, nn.Linear(16, 10)]
    optimizer = nn.optim.SGD(nn.state.get_parameters(layers), lr=0.01)
    endless = itertools.cycle([(Tensor(images).realize(), Tensor(labels).realize())
                               for images, labels in pictures.batches(64)])

    @TinyJit
    def trained(images: Tensor, labels: Tensor) -> Tensor:
        loss = images.sequential(layers).sparse_categorical_crossentropy(labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.realize()

    def step() -> None:
        with Context(TRAINING=1):
            trained(*next(endless)).item()  # item waits until it is done

    for _ in range(3):  # it compiles at the first call, and records at the second
        step()
    return repeated(step)
