"""PyTorch: eager, and with the settings that make it faster on a CPU."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import nn

from ..pictures import Pictures
from ..stopwatch import AT_ONCE, Contender, repeated


def describe() -> dict[str, Any]:
    return {"version": torch.__version__, "threads": torch.get_num_threads()}


def network(size: int) -> nn.Module:
    """The talk's network, its first Linear sized to match pictures of this size."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * (size // 4) ** 2, 16), nn.ReLU(), nn.Linear(16, 10))


def prepare(device: str, tf32: bool = False) -> dict[str, Any]:
    """See that there is such a device, and say how steps are timed there: see `repeated`.

    tf32: let the GPU round the factors of products and convolutions to 10 bits.
    """
    if device == "cpu":
        return {}
    if not torch.cuda.is_available():
        raise RuntimeError(f"this PyTorch ({torch.__version__}) finds no GPU")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    return {"wait": torch.cuda.synchronize, "at_once": AT_ONCE}


def step(pictures: Pictures, batch_size: int = 64, size: int = 28, channels_last: bool = False,
         fused: bool = False, threads: int | None = None, device: str = "cpu",
         tf32: bool = False) -> Contender:
    """A training step as a user writes it. On a GPU the pictures are there already.

    threads: as many as there are cores, if left out.
    """
    timing = prepare(device, tf32)
    if threads is not None:
        torch.set_num_threads(threads)
    layout: Any = torch.channels_last if channels_last else torch.contiguous_format
    model = network(size).to(memory_format=layout).to(device)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, fused=fused)
    ready = [(torch.from_numpy(images).to(memory_format=layout).to(device),
              torch.from_numpy(labels).to(device))
             for images, labels in pictures.batches(batch_size, size)]
    endless = itertools.cycle(ready)

    def step() -> None:
        images, labels = next(endless)
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return repeated(step, **timing)


def predict(pictures: Pictures, count: int, device: str = "cpu", tf32: bool = False) -> Contender:
    """Reading so many pictures at once, from the pictures on the host to the logits there."""
    prepare(device, tf32)
    model = network(28).eval().to(device)
    shown = torch.from_numpy(np.resize(pictures.images, (count, *pictures.images.shape[1:])))

    def step() -> None:
        with torch.inference_mode():
            model(shown.to(device)).cpu().numpy()

    return repeated(step)


def chain(pictures: Pictures, elements: int) -> Contender:
    """Forward and backward through 1,000 operations on tiny tensors; 0 elements: a number."""
    shape = (elements,) if elements else ()
    start, weight, bias = (torch.full(shape, value, requires_grad=True)
                           for value in (1.0, 0.999, 0.001))

    def step() -> None:
        value = start
        for _ in range(500):
            value = value * weight + bias
        start.grad = weight.grad = bias.grad = None
        value.sum().backward()

    return repeated(step)
