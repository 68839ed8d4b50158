"""Looking inside: what each layer makes of a picture.

    summary(model)                  the layers with their shapes and numbers of parameters
    activations(model, pictures)    what every layer gave, to look at or to compute with
    draw(model, picture, path)      the same as a picture
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .functional import softmax
from .nn import Module, watching
from .tensor import Tensor, no_grad


class Activation(NamedTuple):
    """What one layer gave for a batch of pictures: an array (N, ...)."""

    name: str
    layer: Module
    output: np.ndarray


@no_grad()
def activations(model: Module, pictures: Tensor) -> list[Activation]:
    """What every layer of `model` gives for pictures (N, 1, 28, 28), in order of computation.

    Layers made of layers are left out: their output is that of the last one inside.
    """
    names = {module: name for name, module in model.named_modules()}
    seen: list[Activation] = []

    def watch(module: Module, output: Any) -> None:
        if not any(module.children()):
            seen.append(Activation(names[module], module, output.numpy()))

    with watching(watch):
        model(pictures)
    return seen


def summary(model: Module, input_shape: tuple[int, ...] = (1, 28, 28)) -> str:
    """The layers of a model as a table: what comes out, for one picture, and what is learnt."""
    device = next(model.parameters()).device
    blank = Tensor(np.zeros((1, *input_shape), np.float32)).to(device)
    lines = [f"{'layer':24} {'output':>16} {'parameters':>12}"]
    total = 0
    for name, layer, output in activations(model, blank):
        count = sum(parameter.numel() for parameter in layer.parameters())
        shape = " x ".join(map(str, output.shape[1:]))
        lines.append(f"{name + ': ' + type(layer).__name__:24} {shape:>16} {count:12,}")
        total += count
    return "\n".join([*lines, f"{'':24} {'':16} {total:12,}"])


def draw(model: Module, picture: np.ndarray, path: str | Path) -> None:
    """Draw what a network makes of one picture (28, 28), layer by layer, into a file.

    Feature maps are drawn as pictures, numbers as bars; the last bars are the probabilities.
    """
    from matplotlib.figure import Figure

    layers = activations(model, Tensor(picture[None, None].astype(np.float32)))
    shown = [each for each in layers if type(each.layer).__name__ != "Flatten"]
    *inner, last = shown
    answer = softmax(Tensor(last.output), 1).numpy()[0]
    columns: list[tuple[str, np.ndarray]] = [("picture", picture[None])]
    columns += [(type(each.layer).__name__, each.output[0]) for each in inner]
    columns += [(f"read as {answer.argmax()}", answer)]

    figure = Figure(figsize=(2 * len(columns), 3.2), layout="constrained")
    places = figure.subfigures(1, len(columns), squeeze=False)[0]
    for place, (title, values) in zip(places, columns, strict=True):
        place.suptitle(title)
        if values.ndim == 3:
            _draw_maps(place, values)
        else:
            _draw_bars(place, values, labelled=values is answer)
    figure.savefig(path, dpi=120)


def _draw_maps(place: Any, maps: np.ndarray) -> None:
    """Feature maps (C, H, W) as a grid of pictures, dark for more."""
    across = max(n for n in range(1, math.isqrt(len(maps)) + 1) if len(maps) % n == 0)
    grid = place.subplots(len(maps) // across, across, squeeze=False)
    for axes, values in zip(grid.flat, maps, strict=True):
        axes.imshow(values, cmap="gray_r")
        axes.set_axis_off()


def _draw_bars(place: Any, values: np.ndarray, labelled: bool) -> None:
    axes = place.subplots()
    axes.barh(range(len(values)), values, color="#d55e00" if labelled else "#0072b2")
    axes.set(yticks=range(len(values)) if labelled else [], xticks=[])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)
