"""A stand-in for CuPy, for tests only: the engine computes with it as it would on a GPU.

It has the names, methods and keyword arguments of CuPy that the engine uses, and no others
(`test_cupy_double.py` holds them against the CuPy that is installed). Its arrays keep their
numbers in NumPy's, but are none of them, and it is stricter than both:

- what CuPy refuses it refuses, in CuPy's words: NumPy's arrays beside its own, a conversion
  that nobody asked for, assigning an array of the host;
- what CuPy would get wrong in silence raises `SilentlyWrong`: an index out of range (CuPy wraps
  it round), an element assigned twice (the order is anybody's guess), writing through a window
  whose positions overlap (threads would overwrite each other);
- `empty` is full of NaN, so that nobody reads what nobody has written;
- results lie in memory as CuPy's do: in C order, whatever the inputs' order was;
- a reduction to one number gives an array of no dimensions, never a number;
- an `ElementwiseKernel` is compiled as C++ and run, thread by thread, with indices checked;
- it counts copies to the device (up) and back (down): see `copies`.

What it cannot show: that CUDA compiles a kernel (`test_kernels.py` asks NVRTC), how fast
anything is, how a GPU rounds (sums in another order, products in TF32), what two threads or two
streams do to each other at the same moment, a second card, and memory that runs out. For these,
`pytest -m gpu` runs the same tests on a real card.
"""

from __future__ import annotations

import contextlib as _contextlib
import sys as _sys
from collections.abc import Iterator as _Iterator

import numpy as _np

from . import cuda, lib
from .array import (
    Copies,
    SilentlyWrong,
    abs,
    add,
    copies,
    divide,
    exp,
    floor,
    isnan,
    log,
    maximum,
    minimum,
    multiply,
    ndarray,
    sqrt,
    tanh,
)
from .creation import (
    arange,
    asarray,
    ascontiguousarray,
    broadcast_to,
    clip,
    concatenate,
    empty,
    expand_dims,
    matmul,
    ones,
    ones_like,
    pad,
    take_along_axis,
    where,
    zeros,
    zeros_like,
)
from .kernel import ElementwiseKernel

__version__ = "double"

float32, float64, int64, intp, nan = _np.float32, _np.float64, _np.int64, _np.intp, _np.nan

OURS = {"Copies", "SilentlyWrong", "copies", "installed", "OURS"}
"""What CuPy does not have."""


@_contextlib.contextmanager
def installed() -> _Iterator[None]:
    """Inside the block, `import cupy` finds this, and the probe for a GPU asks it."""
    from tinygrad_mnist import cuda as probe

    before = _sys.modules.get("cupy")
    _sys.modules["cupy"] = _sys.modules[__name__]
    probe.why_not.cache_clear()
    try:
        yield
    finally:
        del _sys.modules["cupy"]
        if before is not None:
            _sys.modules["cupy"] = before
        probe.why_not.cache_clear()
