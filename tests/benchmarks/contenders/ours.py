"""This project."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

import tinygrad_mnist as tg
from tinygrad_mnist import nn
from tinygrad_mnist.backend import find_device
from tinygrad_mnist.team import best_size

from ..pictures import Pictures
from ..stopwatch import AT_ONCE, Contender, repeated


def describe() -> dict[str, Any]:
    """NumPy's version, and the library that multiplies its matrices, as far as is known."""
    told: dict[str, Any] = {"numpy": np.__version__, "blas": None}
    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            told["blas"] = {"name": pool["internal_api"], "version": pool["version"],
                            "kernel": pool.get("architecture"), "threads": pool["num_threads"]}
    return told


def network(size: int) -> nn.Module:
    """The talk's network, its first Linear sized to match pictures of this size."""
    if size == 28:
        return tg.models.create("seed")
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * (size // 4) ** 2, 16), nn.ReLU(), nn.Linear(16, 10))


def ready(pictures: Pictures, batch_size: int, size: int) -> list[tuple[tg.Tensor, tg.Tensor]]:
    """The batches as MNIST with its usual transform would give them."""
    to_tensor = tg.transforms.ToTensor()
    return [(to_tensor(images[:, 0]), tg.Tensor(labels))
            for images, labels in pictures.batches(batch_size, size)]


def prepare(device: str, tf32: bool = False) -> dict[str, Any]:
    """Choose the device, and say how steps are timed there: see `repeated`.

    tf32: let the GPU round the factors of matrix products to 10 bits, which is faster.
    """
    os.environ["CUPY_TF32"] = str(int(tf32))  # CuPy looks at it before its first product
    if device == "cpu":
        return {}
    find_device(device)
    return {"wait": _wait_for_the_card(), "at_once": AT_ONCE}


def _wait_for_the_card() -> Callable[[], object]:
    return sys.modules["cupy"].cuda.get_current_stream().synchronize


def step(pictures: Pictures, batch_size: int = 64, size: int = 28, device: str = "cpu",
         tf32: bool = False) -> Contender:
    """A training step as a user writes it. On a GPU the pictures are there already."""
    timing = prepare(device, tf32)
    model = network(size).to(device)
    optimizer = tg.optim.SGD(model.parameters(), lr=0.01)
    endless = itertools.cycle([(images.to(device), labels)
                               for images, labels in ready(pictures, batch_size, size)])

    def step() -> None:
        images, labels = next(endless)
        loss = tg.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return repeated(step, **timing)


class PreparedBatches(tg.DataLoader):
    """A pass as long as MNIST's, over batches that are ready: to load them takes no time."""

    def __init__(self, ready: list[tuple[tg.Tensor, tg.Tensor]]):
        super().__init__(tg.TensorDataset(*ready[0]), batch_size=len(ready[0][0]))
        self.ready = ready

    def __len__(self) -> int:
        return 937

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[tg.Tensor, ...]]:
        return itertools.islice(itertools.cycle(self.ready), start, len(self))


def fit(pictures: Pictures, device: str = "cpu", tf32: bool = False) -> Contender:
    """A training step as `training.fit` does it for the program's `train`."""
    wait = prepare(device, tf32).get("wait", lambda: None)
    model = tg.models.create("seed").to(device)
    optimizer = tg.optim.SGD(model.parameters(), lr=0.01)
    loader = PreparedBatches(ready(pictures, 64, 28))
    workers = best_size(64, device)

    def work(seconds: float) -> list[float]:
        times = [time.perf_counter()]

        def should_stop() -> bool:  # fit asks it at every step
            times.append(time.perf_counter())
            return times[-1] >= times[0] + seconds and len(times) >= 3

        tg.training.fit(model, loader, optimizer, epochs=1_000_000, should_stop=should_stop,
                        workers=workers)
        wait()
        times[-1] = time.perf_counter()
        return times

    return work


def predict(pictures: Pictures, count: int, device: str = "cpu", tf32: bool = False) -> Contender:
    """Reading so many pictures at once, from the pictures on the host to the logits there."""
    prepare(device, tf32)
    model = tg.models.create("seed").eval().to(device)
    images = np.resize(pictures.images, (count, *pictures.images.shape[1:]))
    shown = tg.transforms.ToTensor()(images[:, 0])
    batch_size = 200 if device == "cpu" else count
    return repeated(lambda: tg.training.predict(model, shown, batch_size))


def chain(pictures: Pictures, elements: int) -> Contender:
    """Forward and backward through 1,000 operations on tiny tensors; 0 elements: a number."""
    shape = (elements,) if elements else ()
    start, weight, bias = (tg.Tensor(np.full(shape, value, np.float32), requires_grad=True)
                           for value in (1.0, 0.999, 0.001))

    def step() -> None:
        value = start
        for _ in range(500):
            value = value * weight + bias
        start.grad = weight.grad = bias.grad = None
        value.sum().backward()

    return repeated(step)
