"""Reductions: many elements become one, over all dimensions or over `dim`.

`dim` is a dimension or several; `keepdim` leaves it in place with length 1.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..backend import array_module
from ..tensor import Tensor, int64, operation, record
from .shaping import dimension

Dim = int | tuple[int, ...] | None


class ValuesAndIndices(NamedTuple):
    """What `max` and `min` along a dimension return, as in torch."""

    values: Tensor
    indices: Tensor


@operation
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The sum. Every element gets the whole gradient."""
    xp, axes = array_module(input.data), _axes(dim, input.ndim)
    dtype = input.dtype if input.dtype.kind == "f" else int64
    return record(input.data.sum(axis=axes, keepdims=keepdim, dtype=dtype),
                  (input, lambda grad: xp.broadcast_to(_kept(grad, input, axes), input.shape)))


@operation
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The mean. Every element gets its fraction of the gradient."""
    if input.dtype.kind != "f":
        raise TypeError(f"mean needs floating point, not {input.dtype}: say x.float().mean()")
    axes = _axes(dim, input.ndim)
    count = math.prod(input.shape if axes is None else [input.shape[axis] for axis in axes])
    if count == 0:
        raise ValueError("there is no mean of no elements")
    return sum(input, dim, keepdim) / count


@operation
def max(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The largest element, or along `dim` the pair (values, indices); the first of equals.

    As in torch, equals share the gradient when there is no `dim`; with one, the element at
    the index gets it all.
    """
    return _extreme_of_all(input, "max") if dim is None else _extremes(input, argmax, dim, keepdim)


@operation
def min(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest element, or along `dim` the pair (values, indices); see `max`."""
    return _extreme_of_all(input, "min") if dim is None else _extremes(input, argmin, dim, keepdim)


def _extreme_of_all(input: Tensor, name: str) -> Tensor:
    a, xp = input.data, array_module(input.data)
    value = getattr(a, name)()

    def to_winners(grad):
        won = (a == value) | (xp.isnan(a) & xp.isnan(value))
        return xp.where(won, grad / won.sum(dtype=a.dtype), 0)

    return record(value, (input, to_winners))


def _extremes(input: Tensor, place: Any, dim: int, keepdim: bool) -> ValuesAndIndices:
    """The elements at `place`, argmax or argmin, along a dimension."""
    if input.ndim == 0:
        return ValuesAndIndices(input, place(input))
    (axis,) = _axes(dim, input.ndim)
    indices = place(input, axis, keepdim=True)
    values = _taken(input, indices.data, axis)
    if keepdim:
        return ValuesAndIndices(values, indices)
    return ValuesAndIndices(values.squeeze(axis), indices.squeeze(axis))


@operation
def _taken(input: Tensor, indices: Any, axis: int) -> Tensor:
    """The elements at `indices` along an axis, whose length becomes 1."""
    xp = array_module(input.data)
    places = xp.arange(input.shape[axis]).reshape([-1 if d == axis else 1
                                                   for d in range(input.ndim)])
    return record(xp.take_along_axis(input.data, indices, axis=axis),
                  (input, lambda grad: xp.where(places == indices, grad, 0)))


@operation
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is; the first of equals. No gradient flows."""
    return record(input.data.argmax(axis=dim, keepdims=keepdim))


@operation
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is; the first of equals. No gradient flows."""
    return record(input.data.argmin(axis=dim, keepdims=keepdim))


@operation
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether any element is true (not zero)."""
    return record(input.data.any(axis=_axes(dim, input.ndim), keepdims=keepdim))


@operation
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true (not zero)."""
    return record(input.data.all(axis=_axes(dim, input.ndim), keepdims=keepdim))


def _axes(dim: Any, ndim: int) -> Any:
    """The dimensions counted from the front, as a tuple; None for all of them."""
    dims = dim if isinstance(dim, (tuple, list)) else [] if dim is None else [dim]
    axes = tuple(dimension(each, ndim) for each in dims)
    return axes if axes and ndim else None


def _kept(grad, input: Tensor, axes: tuple[int, ...] | None):
    """The gradient with the reduced dimensions back in place, at length 1."""
    shape = [1 if axes is None or d in axes else size for d, size in enumerate(input.shape)]
    return grad.reshape(shape)
