"""Reductions: many elements become one, over all dimensions or over `dim`.

`dim` is a dimension or several; `keepdim` leaves it in place with length 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..backend import array_module
from ..tensor import Tensor, operation, record

Dim = int | tuple[int, ...] | None


class ValuesAndIndices(NamedTuple):
    """What `max` and `min` along a dimension return, as in torch."""

    values: Tensor
    indices: Tensor


@operation
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The sum. Every element gets the whole gradient."""
    xp = array_module(input.data)
    return record(input.data.sum(axis=dim, keepdims=keepdim),
                  (input, lambda grad: xp.broadcast_to(_kept(xp, grad, dim, keepdim), input.shape)))


@operation
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The mean. Every element gets its fraction of the gradient."""
    if input.dtype.kind != "f":
        raise TypeError(f"mean needs floating point, not {input.dtype}: say x.float().mean()")
    xp = array_module(input.data)
    value = input.data.mean(axis=dim, keepdims=keepdim)
    count = input.data.size / value.size if value.size else 1
    return record(value,
                  (input, lambda grad: xp.broadcast_to(_kept(xp, grad / count, dim, keepdim),
                                                       input.shape)))


def max(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The largest element, or along `dim` the pair (values, indices); the first of equals.

    As in torch, equals share the gradient when there is no `dim`; with one, the element at
    the index gets it all.
    """
    return _extreme(input, "max", dim, keepdim)


def min(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest element, or along `dim` the pair (values, indices); see `max`."""
    return _extreme(input, "min", dim, keepdim)


def _extreme(input: Tensor, name: str, dim: int | None, keepdim: bool) -> Any:
    if dim is None:
        return _extreme_of_all(input, name)
    indices = _index_of_extreme(input, "arg" + name, dim)
    values = _take(input, indices, dim)
    if keepdim:
        return ValuesAndIndices(values, indices)
    return ValuesAndIndices(values.squeeze(dim), indices.squeeze(dim))


@operation
def _extreme_of_all(input: Tensor, name: str) -> Tensor:
    value = getattr(input.data, name)()

    def share(grad):
        winners = (input.data == value).astype(input.dtype)
        return grad * winners / winners.sum()

    return record(value, (input, share))


@operation
def _take(input: Tensor, indices: Any, dim: int) -> Tensor:
    """The elements at `indices` along `dim`, whose length becomes 1."""
    xp = array_module(input.data)
    places = xp.arange(input.shape[dim]).reshape([-1 if d == dim % input.ndim else 1
                                                  for d in range(input.ndim)])
    return record(xp.take_along_axis(input.data, indices.data, axis=dim),
                  (input, lambda grad: grad * (places == indices.data)))


@operation
def _index_of_extreme(input: Tensor, name: str, dim: int) -> Tensor:
    return record(getattr(input.data, name)(axis=dim, keepdims=True))


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
    return record(input.data.any(axis=dim, keepdims=keepdim))


@operation
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true (not zero)."""
    return record(input.data.all(axis=dim, keepdims=keepdim))


def _kept(xp, grad, dim: Dim, keepdim: bool):
    """The gradient with the reduced dimensions back in place, at length 1."""
    return grad if keepdim or dim is None else xp.expand_dims(grad, dim)
