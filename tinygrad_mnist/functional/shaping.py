"""Shaping: the same numbers, arranged otherwise. The gradient takes the same way back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import array_module, checked_key, is_array
from ..tensor import Tensor, operation, plain_key, record


@operation
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in a new shape, given as numbers or as one tuple; -1 is worked out."""
    return record(input.data.reshape(_sizes(shape)),
                  (input, lambda grad: grad.reshape(input.shape)))


@operation
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` laid out as one."""
    start, end = dimension(start_dim, input.ndim), dimension(end_dim, input.ndim)
    if start > end:
        raise ValueError(f"start_dim {start_dim} comes after end_dim {end_dim}")
    length = math.prod(input.shape[start:end + 1])
    return record(input.data.reshape(*input.shape[:start], length, *input.shape[end + 1:]),
                  (input, lambda grad: grad.reshape(input.shape)))


@operation
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order: permute(x, 0, 2, 3, 1) makes NCHW from NHWC... and back."""
    order = [dimension(dim, input.ndim) for dim in _sizes(dims)]
    back = sorted(range(len(order)), key=order.__getitem__)
    return record(input.data.transpose(order), (input, lambda grad: grad.transpose(back)))


@operation
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    a, b = dimension(dim0, input.ndim), dimension(dim1, input.ndim)
    return record(input.data.swapaxes(a, b), (input, lambda grad: grad.swapaxes(a, b)))


@operation
def squeeze(input: Tensor, dim: int | None = None) -> Tensor:
    """Without the dimensions of length 1, or without `dim` if its length is 1."""
    unwanted = range(input.ndim) if dim is None else [dimension(dim, input.ndim)]
    shape = [size for d, size in enumerate(input.shape) if d not in unwanted or size != 1]
    return record(input.data.reshape(shape), (input, lambda grad: grad.reshape(input.shape)))


@operation
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of length 1 at `dim`."""
    return record(array_module(input.data).expand_dims(input.data, dim),
                  (input, lambda grad: grad.reshape(input.shape)))


@operation
def index(input: Tensor, key: Any) -> Tensor:
    """input[key], as in NumPy. An element taken twice gets both gradients."""
    key = checked_key(input.data, plain_key(key))

    def scatter(grad):
        xp = array_module(grad)
        whole = xp.zeros_like(input.data)
        if _takes_twice(key):
            xp.add.at(whole, key, grad)
        else:
            whole[key] = grad
        return whole

    value = input.data[key]
    if not is_array(value):  # of one element NumPy gives a copy; of all else, a view where it can
        value = input.data[(*(key if isinstance(key, tuple) else (key,)), ...)]
    return record(value, (input, scatter))


def concatenate(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after another along `dim`."""
    return _concatenate(*tensors, dim=dim)


@operation
def _concatenate(*tensors: Tensor, dim: int) -> Tensor:
    if not tensors:
        raise ValueError("there is nothing to concatenate")
    axis = dimension(dim, tensors[0].ndim)
    lines, start = [], 0
    for tensor in tensors:
        part = (slice(None),) * axis + (slice(start, start := start + tensor.shape[axis]),)
        lines.append((tensor, lambda grad, part=part: grad[part]))
    value = array_module(tensors[0].data).concatenate([tensor.data for tensor in tensors], axis)
    return record(value, *lines)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, beside one another along a new dimension."""
    return _stack(*tensors, dim=dim)


@operation
def _stack(*tensors: Tensor, dim: int) -> Tensor:
    if len({tensor.shape for tensor in tensors}) > 1:
        raise ValueError("the tensors must all have one shape")
    return concatenate([unsqueeze(tensor, dim) for tensor in tensors], dim)


@operation
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """A frame of `value` around the last dimensions.

    pad: (left, right) of the last dimension, then of the one before it, and so on, as torch
        has it: pad(x, (1, 1, 2, 2)) adds a column on each side and two rows above and below.
    mode: only "constant" is known here.
    """
    if mode != "constant":
        raise ValueError(f'mode can only be "constant", not {mode!r}')
    if len(pad) % 2 or len(pad) > 2 * input.ndim or min(pad, default=0) < 0:
        raise ValueError(f"pad must hold a (before, after) pair of sizes >= 0 for up to "
                         f"{input.ndim} dimensions, not {tuple(pad)}")
    pairs = [tuple(pad[i:i + 2]) for i in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    inside = tuple(slice(before, before + size)
                   for (before, _), size in zip(widths, input.shape, strict=True))
    return record(array_module(input.data).pad(input.data, widths, constant_values=value),
                  (input, lambda grad: grad[inside]))


def _sizes(given: tuple) -> tuple[int, ...]:
    """(2, 3) from either f(x, 2, 3) or f(x, (2, 3))."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


def dimension(dim: int, ndim: int) -> int:
    """A dimension counted from the front; torch's error if there is no such one."""
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(f"there is no dimension {dim}: there are {ndim}")
    return dim % max(ndim, 1)


def _takes_twice(key: Any) -> bool:
    """Whether an index might name an element twice: any sequence of integers can."""
    parts = key if isinstance(key, tuple) else (key,)
    return not all(part is None or part is ... or isinstance(part, (int, np.integer, slice))
                   for part in parts)
