"""Where arrays live, and how they lie in memory.

An array is NumPy's on the CPU and CuPy's on a GPU. The two answer to the same names, so an
operation asks its arrays which library they belong to (`array_module`) and writes itself
once. Everything that must know which of the two it is stands in this file.

Two habits of memory make the engine fast, and both live here:

- Batch last. Pictures are (N, C, H, W) to everyone, but in memory the batch is the innermost
  axis: the same pixel of all N pictures lies side by side. Whatever slides over a picture
  (convolution, pooling) then moves long contiguous rows, whatever its stride. `batch_last`
  and `batch_first` walk between the two views of the same memory, copying nothing.
- Freed memory is kept. The C library would hand each large array back to the system and
  fault it in again, page by page, at the next step; `keep_freed_memory` asks it not to.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from . import cuda

Array: TypeAlias = Any
"""A numpy.ndarray or a cupy.ndarray. CuPy has no types to import on a machine without it."""


# --- which library, which device ---------------------------------------------------------


def array_module(array: Array) -> ModuleType:
    """NumPy or CuPy: the library that `array` belongs to."""
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    return sys.modules[type(array).__module__.partition(".")[0]]


def is_array(value: object) -> bool:
    """Whether `value` is an array of either library (a NumPy scalar is not)."""
    if isinstance(value, np.ndarray):
        return True
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(value, cupy.ndarray)


def as_array(value: Any) -> Array:
    """`value` itself if it is an array, else a NumPy array made of it.

    NumPy computes scalars of arrays of shape (), and has subclasses, such as the view of a file:
    of all these a plain array is made, which copies nothing where it can.
    """
    if isinstance(value, (np.ndarray, np.generic)) or not is_array(value):
        return np.asarray(value)
    return value


def live_together(array: Array, other: Array) -> bool:
    """Whether two arrays live on one device."""
    if isinstance(array, (np.ndarray, np.generic)):
        return isinstance(other, (np.ndarray, np.generic))
    return device_of(array) == device_of(other)


def device_of(array: Array) -> str:
    """Where `array` lives: "cpu", "cuda:0", ..."""
    return "cpu" if array_module(array) is np else f"cuda:{array.device.id}"


def on_a_gpu(kernel: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`@on_a_gpu(kernel)` above a function: for arrays of a GPU, `kernel` does its work.

    The first argument decides. It is the only place where the work of an operation parts ways.
    """
    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(array: Array, *others: Any) -> Any:
            return (function if type(array) is np.ndarray else kernel)(array, *others)
        return call
    return decorated


def find_device(name: str) -> str:
    """The device that a user's word means.

    "cpu"; "cuda" or "cuda:N", which raise RuntimeError with the reason where no GPU can be
    used; "auto", the GPU where there is one, else the CPU, and the log says once why. A GPU
    that was asked for is the one on which this thread makes new arrays from then on.
    """
    name = str(name)
    if name == "cpu":
        return "cpu"
    if name == "auto" and not cuda.is_available():
        _say_why_not(str(cuda.why_not()))
        return "cpu"
    name = "cuda" if name == "auto" else name
    kind, _, number = name.partition(":")
    if kind != "cuda" or not (number.isdecimal() or name == "cuda"):
        raise ValueError(f'no device is called {name!r}: use "cpu", "cuda", "cuda:N" or "auto"')
    if not cuda.is_available():
        raise RuntimeError(f"device {name!r} cannot be used: {cuda.why_not()}")
    gpus = sys.modules["cupy"].cuda
    count = gpus.runtime.getDeviceCount()
    if int(number or 0) >= count:
        raise RuntimeError(f"device {name!r} does not exist: this machine has {count} GPU(s)")
    gpus.Device(int(number or 0)).use()
    return f"cuda:{int(number or 0)}"


@functools.cache
def _say_why_not(reason: str) -> None:
    """Tell once for each reason, on stderr where nobody has set up the log."""
    import logging

    logging.getLogger(__package__).warning('device "auto" is the CPU here: %s', reason)


def move(array: Array, device: str) -> Array:
    """`array` itself if it lives on `device` (as `find_device` names it), else a copy there.

    The copy lies in memory in the same order of axes. To a GPU it is on its way when this
    returns, and nobody waits for it; from a GPU, it waits until all that was asked is done.
    """
    if device_of(array) == device:
        return array
    if device == "cpu":
        return array.get()
    cupy = sys.modules["cupy"]
    with cupy.cuda.Device(int(device.partition(":")[2])):
        if not isinstance(array, np.ndarray):
            return array.copy()
        axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
        back = sorted(range(array.ndim), key=axes.__getitem__)
        return cupy.asarray(array.transpose(axes)).transpose(back)


def checked_key(array: Array, key: Any) -> Any:
    """`key`, if array[key] can be: CuPy would not say that an index is out of range, but wrap it.

    On the CPU NumPy says it by itself. Else it is asked about an array of the same shape that
    takes no memory. Indices that are on the GPU have to be read back for that, which waits.
    """
    if isinstance(array, np.ndarray):
        return key
    parts = [move(part, "cpu") if is_array(part) else part
             for part in (key if isinstance(key, tuple) else (key,))]
    np.broadcast_to(np.False_, array.shape)[tuple(parts)]
    return key


def where(mask: Array, array: Array, out: Array | None = None) -> Array:
    """`array` where `mask` is true, 0 where it is not; into `out` if there is one.

    numpy.where is many times slower on a mask that the processor cannot foresee, and to multiply
    by the mask would make NaN of infinity. So the bits, read as integers, are multiplied by 0 or 1.
    """
    bits = f"i{array.itemsize}"
    into = None if out is None else out.view(bits)
    return array_module(array).multiply(array.view(bits), mask, out=into).view(array.dtype)


def ignoring_zeros() -> Any:
    """`with ignoring_zeros():` silences NumPy about log(0) and 0 ** -1, where nobody uses them.

    CuPy never says a word.
    """
    return np.errstate(divide="ignore", invalid="ignore")


# --- how arrays lie in memory ------------------------------------------------------------


def batch_last(array: Array) -> Array:
    """(N, ...) seen as (..., N): the same memory, nothing copied."""
    return array.transpose(*range(1, array.ndim), 0)


def batch_first(array: Array) -> Array:
    """(..., N) seen as (N, ...): the same memory, nothing copied."""
    return array.transpose(array.ndim - 1, *range(array.ndim - 1))


def strided(array: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """The memory of `array`, read with another shape and with steps of so many bytes: a view."""
    if type(array) is np.ndarray and array.flags.c_contiguous:  # a seventh of as_strided's time
        return np.ndarray(shape, array.dtype, array, strides=strides)
    return array_module(array).lib.stride_tricks.as_strided(array, shape, strides)


def columns_at_once(rows: int, depth: int, array: Array) -> int:
    """How many columns of a matrix it pays to make and multiply at once.

    The product is (rows, depth) @ (depth, columns), of the dtype and on the device of `array`.
    On a CPU, OpenBLAS has a quick way for products of up to a million multiplications, three
    times faster where rows and depth are small, as in a first layer; there, so many. Else so
    many as stay in the cache. On a GPU, all of them.
    """
    if array_module(array) is not np:
        return 2**62
    quick = 1_000_000 // max(1, rows * depth)
    fitting = 8 * 1024 * 1024 // max(1, depth * array.itemsize)
    return min(quick, fitting) if quick > 1000 else fitting


@functools.cache
def keep_freed_memory() -> None:
    """Ask the C library to keep the memory of freed arrays for the next ones.

    Called by the first backward pass and the first prediction, never on import: a program that
    only imports the package keeps its allocator as it was. It halves the time of a training step
    on glibc (`man 3 mallopt`) and does nothing elsewhere; CuPy's memory pool does this by itself.
    """
    trim_threshold, mmap_threshold = -1, -3  # glibc's malloc.h
    largest_mmap_threshold = 32 * 1024 * 1024  # glibc refuses more; larger arrays are mapped
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc: macOS, musl, Windows
        return
    mallopt(mmap_threshold, largest_mmap_threshold)
    mallopt(trim_threshold, 2**31 - 1)


# --- random numbers ----------------------------------------------------------------------

_generator: np.random.Generator | None = None  # made when first needed: numpy.random loads slowly


def manual_seed(seed: int | Sequence[int]) -> None:
    """Start the generator behind initial weights, dropout and shuffles at `seed`.

    All numbers are drawn on the host and then moved, so a run starts alike on every device.
    """
    global _generator
    _generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The generator that `manual_seed` seeds; a different one in each run if nobody does."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator
