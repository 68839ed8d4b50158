"""What happens inside a network when it reads a picture, with all its numbers.

    layers(...)         what every layer gives: the feature maps
    contributions(...)  what each feature adds to each digit in the last layer
    cell(...)           how one number of a map came about: patch, kernel, products, sum

The networks that ship are layers one after another, so what goes into a layer is what the one
before gave. Sums are made again here in float64, one product at a time, as a person would with
a pencil; they agree with the network's own float32 to about six digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_mnist.introspection import activations
from tinygrad_mnist.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU

from . import drawings, reading
from .networks import Network, as_batch

TOP = 10  # how many products of a fully connected layer are told, the largest in size


class Seen(NamedTuple):
    """A layer, with what went in and what came out for one picture: (C, H, W) or (F,)."""

    name: str
    layer: Any
    input: np.ndarray
    output: np.ndarray


def watch(network: Network, picture: np.ndarray) -> list[Seen]:
    """Let a network read a picture, float32 (28, 28), and see every layer do its part."""
    seen, flowing = [], picture[None]
    for name, layer, output in activations(network.model, as_batch(picture)):
        seen.append(Seen(name, layer, flowing, output[0]))
        flowing = output[0]
    return seen


def layers(seen: list[Seen]) -> list[dict[str, Any]]:
    """What every layer gives, as JSON: 0 is its lowest number and 255 its highest."""
    told = []
    for name, layer, _, output in seen:
        low, high = float(output.min()), float(output.max())
        part = (output - low) / (high - low) if high > low else np.zeros_like(output)
        told.append({"name": name, "kind": type(layer).__name__, "shape": list(output.shape),
                     "low": low, "high": high, "values": drawings.encoded(part)})
    return told


def contributions(seen: list[Seen]) -> dict[str, Any]:
    """What each feature adds to each digit in the last layer, as JSON: weight times feature."""
    _, layer, features, logits = seen[-1]
    weight, bias = layer.weight.data, layer.bias.data                   # (10, F), (10,)
    return {"features": len(features), "values": _numbers(weight * features),
            "bias": _numbers(bias), "logits": _numbers(logits)}


# --- one cell ----------------------------------------------------------------------------


def cell(seen: list[Seen], place: Any) -> dict[str, Any]:
    """How one number came about, as JSON; place: {"layer", "channel", "row", "column"}."""
    place = reading.an_object(place, "cell", ("layer", "channel", "row", "column"))
    by_name = {each.name: each for each in seen}
    chosen = by_name[reading.one_of(place.get("layer"), "layer", by_name)]
    shape = chosen.output.shape
    names = ("channel", "row", "column")
    index = tuple(reading.whole(place.get(name, 0), name, 0, size - 1)
                  for name, size in zip(names, shape, strict=False))
    for name in names[len(shape):]:  # a row of numbers has no rows and columns
        reading.whole(place.get(name, 0), name, 0, 0)
    return {"kind": type(chosen.layer).__name__, **EXPLAIN[type(chosen.layer)](chosen, index)}


def _of_convolution(seen: Seen, index: tuple[int, ...]) -> dict[str, Any]:
    """The patch under the kernel in every channel, the products, their sums, and the bias."""
    layer, (channel, row, column) = seen.layer, index
    kernels = layer.weight.data[channel]                                # (C, KH, KW)
    (PH, PW), (KH, KW), (SH, SW) = layer.padding, layer.kernel_size, layer.stride
    padded = np.pad(seen.input, ((0, 0), (PH, PH), (PW, PW)))
    top, left = row * SH, column * SW
    patches = padded[:, top:top + KH, left:left + KW]                   # (C, KH, KW)
    products = patches.astype(np.float64) * kernels
    sums, bias = products.sum(axis=(1, 2)), float(layer.bias.data[channel])
    inputs = [{"channel": number, "patch": _numbers(patches[number]),
               "kernel": _numbers(kernels[number]), "products": _numbers(products[number]),
               "sum": float(sums[number])} for number in range(len(sums))]
    return {"inputs": inputs, "bias": bias, "sum": bias + float(sums.sum())}


def _of_pooling(seen: Seen, index: tuple[int, ...]) -> dict[str, Any]:
    """The window, and which of its numbers is the largest: the first of them, if several are.

    In the networks that ship, windows lie side by side and have no padding.
    """
    channel, row, column = index
    size = seen.layer.kernel_size
    window = seen.input[channel, row * size:(row + 1) * size, column * size:(column + 1) * size]
    winner = divmod(int(window.argmax()), window.shape[1])
    return {"patch": _numbers(window), "winner": list(winner), "value": float(window[winner])}


def _of_linear(seen: Seen, index: tuple[int, ...]) -> dict[str, Any]:
    """The sum over all features, and the ten that count most in it."""
    (row,) = index
    weight, bias = seen.layer.weight.data[row], float(seen.layer.bias.data[row])
    products = seen.input.astype(np.float64) * weight                   # (F,)
    top = [{"feature": int(feature), "input": float(seen.input[feature]),
            "weight": float(weight[feature]), "product": float(products[feature])}
           for feature in np.argsort(-np.abs(products), kind="stable")[:TOP]]
    return {"row": row, "top": top, "features": len(products), "bias": bias,
            "sum": bias + float(products.sum())}


def _of_flattening(seen: Seen, index: tuple[int, ...]) -> dict[str, Any]:
    """Where the number lay before everything was put into one row."""
    origin = np.unravel_index(index[0], seen.input.shape)
    came = {name: int(at) for name, at in zip(("channel", "row", "column"), origin, strict=True)}
    return {"from": came, "value": float(seen.output[index])}


def _of_each_alone(seen: Seen, index: tuple[int, ...]) -> dict[str, Any]:
    """The number at the same place before and after."""
    return {"before": float(seen.input[index]), "value": float(seen.output[index])}


EXPLAIN: dict[type[Module], Callable[[Seen, tuple[int, ...]], dict[str, Any]]] = {
    Conv2d: _of_convolution, MaxPool2d: _of_pooling, Linear: _of_linear,
    Flatten: _of_flattening, ReLU: _of_each_alone, Dropout: _of_each_alone}
"""How to explain a cell of each kind of layer that the networks are made of."""


def _numbers(values: np.ndarray) -> list:
    """An array as lists of numbers, to six digits after the point: what a screen can show."""
    return np.round(values.astype(np.float64), 6).tolist()
