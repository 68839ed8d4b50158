"""The double's functions that make arrays, arrange them, and multiply matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import _check_range, _computed, _matmul, made, ndarray, upload


def asarray(a: Any, dtype: Any = None) -> ndarray:
    if isinstance(a, ndarray):
        return a if dtype is None else a.astype(dtype, copy=False)
    return upload(np.array(a, dtype=dtype, copy=None))


def ascontiguousarray(a: Any) -> ndarray:
    _check_ours(a)
    return a if a._values.flags.c_contiguous else a.copy()


def empty(shape: Any, dtype: Any = float) -> ndarray:
    """Full of what nobody would mistake for a result."""
    values = np.zeros(shape, dtype)
    kind = values.dtype.kind
    values[...] = np.nan if kind == "f" else True if kind == "b" else np.iinfo(values.dtype).max
    return ndarray(values)


def zeros(shape: Any, dtype: Any = float) -> ndarray:
    return ndarray(np.zeros(shape, dtype))


def ones(shape: Any, dtype: Any = float) -> ndarray:
    return ndarray(np.ones(shape, dtype))


def zeros_like(a: Any) -> ndarray:
    _check_ours(a)
    return ndarray(np.zeros_like(a._values))


def ones_like(a: Any) -> ndarray:
    _check_ours(a)
    return ndarray(np.ones_like(a._values))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    return ndarray(np.arange(*([start] if stop is None else [start, stop, step]), dtype=dtype))


def where(condition: Any, x: Any, y: Any) -> ndarray:
    _check_ours(condition)
    return _computed(np.where, condition.astype(bool, copy=False), x, y)


def clip(a: Any, a_min: Any, a_max: Any) -> ndarray:
    _check_ours(a)
    return a.clip(a_min, a_max)


def concatenate(tup: Any, axis: int = 0) -> ndarray:
    for each in tup:
        _check_ours(each)
    return made(np.concatenate([each._values for each in tup], axis))


def expand_dims(a: Any, axis: Any) -> ndarray:
    _check_ours(a)
    return a._view(np.expand_dims(a._values, axis))


def broadcast_to(array: Any, shape: Any) -> ndarray:
    _check_ours(array)
    return ndarray(np.broadcast_to(array._values, shape), window=True)


def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0
        ) -> ndarray:
    _check_ours(array)
    return made(np.pad(array._values, pad_width, mode, constant_values=constant_values))


def take_along_axis(a: Any, indices: Any, axis: Any) -> ndarray:
    _check_ours(a)
    _check_ours(indices)
    _check_range(indices._values, a.shape[axis])
    return made(np.take_along_axis(a._values, indices._values, axis))


def matmul(a: Any, b: Any, *, out: Any = None) -> ndarray:
    product = _matmul(a, b)
    if out is None:
        return product
    if out.shape != product.shape:
        raise ValueError("Output array has an invalid size")
    out[...] = product
    return out


def _check_ours(array: Any) -> None:
    if not isinstance(array, ndarray):
        raise TypeError(f"Unsupported type {type(array)}")
