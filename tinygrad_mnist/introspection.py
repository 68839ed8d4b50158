"""Looking inside: what each layer makes of a picture, and where the time goes.

    summary(model)                  the layers with their shapes and numbers of parameters
    activations(model, pictures)    what every layer gave, to look at or to compute with
    draw(model, picture, path)      the same as a picture
    graph(loss, path, model)        what was recorded, and the way that gradients will take back
    with trace(): ...               a line for each operation: how long, forward and backward
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from .backend import Array
from .functional import softmax
from .nn import Module, device_of, evaluating, watching
from .tensor import Step, Tensor, no_grad, observed_by, oldest_first


class Activation(NamedTuple):
    """What one layer gave for a batch of pictures: an array (N, ...)."""

    name: str
    layer: Module
    output: np.ndarray


@no_grad()
def activations(model: Module, pictures: Tensor) -> list[Activation]:
    """What every layer of `model` gives for pictures (N, 1, 28, 28), in order of computation.

    Layers made of layers are left out: their output is that of the last one inside. The model
    predicts, whatever mode it is in; a layer that is no attribute of it has the name "".
    """
    names = {module: name for name, module in model.named_modules()}
    seen: list[Activation] = []

    def watch(module: Module, output: Any) -> None:
        if not any(module.children()):
            seen.append(Activation(names.get(module, ""), module, output.numpy()))

    with watching(watch), evaluating(model):
        model(pictures)
    return seen


def summary(model: Module, input_shape: tuple[int, ...] = (1, 28, 28)) -> str:
    """The layers of a model as a table: what comes out, for one picture, and what is learnt."""
    blank = Tensor(np.zeros((1, *input_shape), np.float32)).to(device_of(model))
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
    """Feature maps (C, H, W) as a mosaic of pictures with white joints, dark for more."""
    C, H, W = maps.shape
    across = max(n for n in range(1, math.isqrt(C) + 1) if C % n == 0)
    low, extent = maps.min(axis=(1, 2), keepdims=True), np.ptp(maps, axis=(1, 2), keepdims=True)
    shades = (maps - low) / np.where(extent > 0, extent, 1)          # each map with its own scale
    joint = max(1, W // 10)
    tiles = np.pad(shades, ((0, 0), (0, joint), (0, joint)))
    mosaic = tiles.reshape(C // across, across, H + joint, W + joint).transpose(0, 2, 1, 3)
    axes = place.subplots()
    axes.imshow(mosaic.reshape(C // across * (H + joint), across * (W + joint)), cmap="gray_r")
    axes.set_axis_off()


def _draw_bars(place: Any, values: np.ndarray, labelled: bool) -> None:
    axes = place.subplots()
    axes.barh(range(len(values)), values, color="#d55e00" if labelled else "#0072b2")
    axes.set(yticks=range(len(values)) if labelled else [], xticks=[])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)


# --- what was recorded -------------------------------------------------------------------


def graph(result: Tensor, path: str | Path, model: Module | None = None) -> None:
    """Draw how a tensor was made into an SVG file, from the first step down to the last.

    A box is a step and the shape that came of it, an oval a leaf whose gradient is wanted; model:
    whose parameters are called by their names. Gradients will go along the same lines, upwards.
    What wants no gradient is not recorded; RuntimeError, where `backward` has let a part go.
    """
    recorded = oldest_first(result)
    if not recorded:
        raise ValueError("there is no graph to draw: nothing was recorded for this tensor")
    names: dict[Tensor, str] = {}
    if model is not None:
        names |= {parameter: name for name, parameter in model.named_parameters()}
    places: dict[Tensor, tuple[int, int]] = {}               # columns and rows, from 0
    in_row: dict[int, int] = {}                              # how many a row has so far
    lines = []
    for _, tensor, step in recorded:
        sources = list(dict.fromkeys(source for source, _ in step.lines))
        above = [places[source][1] for source in sources if source.grad_fn is not None]
        row = max(above, default=-1) + 1
        for each in (tensor, *sources):  # a leaf stands beside the first step that uses it
            if each not in places:
                places[each] = in_row.get(row, 0), row
                in_row[row] = in_row.get(row, 0) + 1
        lines += [(source, tensor) for source in sources]
    Path(path).write_text(_svg(places, lines, names), encoding="utf-8")


def _svg(places: dict[Tensor, tuple[int, int]], lines: list[tuple[Tensor, Tensor]],
         names: dict[Tensor, str]) -> str:
    """The picture: nodes at their columns and rows, and lines between them."""
    from html import escape

    across, down, wide, high = 190, 64, 160, 40
    centres = {tensor: (across * (column + 0.5), down * (row + 0.5))
               for tensor, (column, row) in places.items()}
    width = max(x for x, _ in centres.values()) + across / 2
    height = max(y for _, y in centres.values()) + down / 2
    size = f"{width + 20:.0f} {height:.0f}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 {size}" '
             'font-family="sans-serif" font-size="13" text-anchor="middle">',
             '<rect x="-10" width="100%" height="100%" fill="#ffffff"/>']
    for source, target in lines:
        (x1, y1), (x2, y2) = centres[source], centres[target]
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        if y1 == y2 and abs(x1 - x2) > across:  # around what stands between
            y += 1.5 * high
        elif x1 == x2 and y2 - y1 > down:
            x -= across
        parts.append(f'<path d="M {x1:.0f} {y1:.0f} Q {x:.0f} {y:.0f} {x2:.0f} {y2:.0f}" '
                     'fill="none" stroke="#888888" stroke-width="1.5"/>')
    for tensor, (x, y) in centres.items():
        step, shape = tensor.grad_fn, " x ".join(map(str, tensor.shape)) or "a number"
        name = names.get(tensor, "leaf") if step is None else step.name
        colour, round_by = ("#d55e00", high / 2) if step is None else ("#0072b2", 6)
        parts += [f'<rect x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" width="{wide}" '
                  f'height="{high}" rx="{round_by:.0f}" fill="#ffffff" stroke="{colour}" '
                  'stroke-width="2"/>',
                  f'<text x="{x:.0f}" y="{y - 3:.0f}">{escape(name)}</text>',
                  f'<text x="{x:.0f}" y="{y + 13:.0f}" fill="#555555">{shape}</text>']
    return "\n".join([*parts, "</svg>\n"])


# --- where the time goes -----------------------------------------------------------------


@dataclass
class TraceLine:
    """What one operation with inputs of these shapes has cost so far; times in seconds."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    arithmetic: float = 0.0  # multiplications and additions in matrix products


class Trace:
    """The costs of all operations inside a `with trace():` block, in order of appearance.

    lines: a TraceLine for each operation and its shapes. seconds: the whole block.
    """

    def __init__(self) -> None:
        self.lines: dict[tuple, TraceLine] = {}
        self.seconds = 0.0
        self._of_step: MutableMapping[Step, tuple[TraceLine, float]] = WeakKeyDictionary()

    def forward(self, name: str, inputs: tuple, perform: Callable[[], Tensor]) -> Tensor:
        began = time.perf_counter()
        result = perform()
        seconds = time.perf_counter() - began
        shapes = tuple(i.shape for i in inputs if isinstance(i, Tensor))
        line = self.lines.setdefault((name, shapes), TraceLine(name, shapes))
        line.calls += 1
        line.forward += seconds
        product = _arithmetic(name, shapes, result)
        line.arithmetic += product
        step = getattr(result, "grad_fn", None)
        if step is not None:
            self._of_step[step] = line, product
        return result

    def backward(self, step: Step, source: Tensor, perform: Callable[[], Array]) -> Array:
        began = time.perf_counter()
        gradient = perform()
        if step in self._of_step:
            line, product = self._of_step[step]
            line.backward += time.perf_counter() - began
            line.arithmetic += product if source.ndim > 1 else 0  # a bias is not multiplied
        return gradient

    def __str__(self) -> str:
        """The table: milliseconds of one call, and the share of all calls in the whole."""
        rows = [(line.name, ", ".join("x".join(map(str, shape)) or "1" for shape in line.shapes),
                 line.calls, line.forward, line.backward) for line in self.lines.values()]
        rest = self.seconds - sum(forward + backward for *_, forward, backward in rows)
        rows.append(("all the rest", "", 1, rest, 0.0))
        wide = max(len(shapes) for _, shapes, *_ in rows)
        text = [f"{'milliseconds':13} {'shapes':{wide}} {'calls':>6} {'forward':>8} {'backward':>8}"
                "  share"]
        for name, shapes, calls, forward, backward in rows:
            share = (forward + backward) / self.seconds
            text.append(f"{name:13} {shapes:{wide}} {calls:6} {1e3 * forward / calls:8.3f} "
                        f"{1e3 * backward / calls:8.3f}  {share:5.1%} {'#' * round(40 * share)}")
        return "\n".join([*text, self._rate()])

    def _rate(self) -> str:
        arithmetic = sum(line.arithmetic for line in self.lines.values())
        return (f"{arithmetic / self.seconds / 1e9:.0f} billion operations a second in matrix "
                f"products, of {product_rate() / 1e9:.0f} that this machine can do")


@contextlib.contextmanager
def trace(show: Callable[[str], Any] | None = print) -> Iterator[Trace]:
    """Time every operation of this thread inside the block, and print the table at its end.

    show: what to do with the table instead of printing it; None: nothing, the Trace that
        `with trace() as t` gives holds the numbers.
    """
    watcher = Trace()
    began = time.perf_counter()
    try:
        with observed_by(watcher):
            yield watcher
    finally:
        watcher.seconds = time.perf_counter() - began
    if show is not None:
        show(str(watcher))


@functools.cache
def product_rate() -> float:
    """How many operations a second this machine does in a product of large matrices."""
    size = 512
    a = np.random.default_rng(0).random((size, size), dtype=np.float32)
    fastest = np.inf
    for _ in range(20):
        began = time.perf_counter()
        a @ a
        fastest = min(fastest, time.perf_counter() - began)
    return 2 * size**3 / fastest


def _arithmetic(name: str, shapes: tuple, result: Tensor) -> float:
    """Multiplications and additions in the matrix product of an operation, if it has one."""
    if name in ("conv2d", "linear"):
        return 2.0 * result.numel() * math.prod(shapes[1][1:])
    return 2.0 * result.numel() * shapes[0][-1] if name == "matmul" else 0.0
