"""Pooling: each window of pixels becomes one, the largest or the average."""

from __future__ import annotations

import functools
from typing import Any

from ..backend import Array, array_module, batch_first, batch_last, on_a_gpu, where
from ..tensor import Tensor, operation, record
from . import kernels
from .convolution import col2im
from .windows import Window, slide


@operation
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Tensor:
    """The largest pixel of each window: (N, C, H, W) -> (N, C, OH, OW), as in torch.

    kernel_size, stride (the kernel's size if left out) and padding (with -infinity) are
    integers or (height, width) pairs. The gradient goes to the pixel that won; the first
    one, row by row, wins a tie. (So the padding wins against a pixel of -infinity.)
    """
    window = _pooling_window(input, kernel_size, stride, padding)
    framed = window.framed(input.data, -float("inf"))             # (C, H+2PH, W+2PW, N)
    best = largest(framed, window)                                # (C, OH, OW, N)

    def to_winners(grad):
        result = window.blank(batch_last(input.data))             # (C, H+2PH, W+2PW, N)
        to_largest(batch_last(grad), framed, best, window, result)
        return batch_first(window.unframed(result))

    return record(batch_first(best), (input, to_winners))


@on_a_gpu(kernels.largest)
def largest(framed: Array, window: Window) -> Array:
    """The largest pixel at each place: (C, H+2PH, W+2PW, N) -> (C, OH, OW, N).

    That is the largest of what is largest in each column of the window: so whole rows are
    compared first, and only what is left of them column by column.
    """
    (KH, KW), (SH, SW), (OH, OW) = window.kernel, window.stride, window.places
    height, width = SH * (OH - 1) + 1, SW * (OW - 1) + 1  # from the first place to the last
    if KH == KW == 1:
        return framed[:, :height:SH, :width:SW].copy()
    maximum = array_module(framed).maximum
    rows = functools.reduce(maximum, (framed[:, i:i + height:SH] for i in range(KH)))
    return functools.reduce(maximum, (rows[:, :, j:j + width:SW] for j in range(KW)))


@on_a_gpu(kernels.to_largest)
def to_largest(grad: Array, framed: Array, best: Array, window: Window, result: Array) -> None:
    """Add each gradient to the pixel that won its place, in place.

    grad, best: (C, OH, OW, N). framed: (C, H+2PH, W+2PW, N), where the largest was looked for.
    result: of the same shape, still all zeros.
    """
    xp, patches, gradients = array_module(grad), window.patches(framed), window.patches(result)
    nowhere = xp.isnan(best)                                      # nothing equals a NaN
    undecided = ~nowhere
    *others, last = window.cells
    for cell in others:
        won = undecided & (patches[:, *cell] == best)
        undecided ^= won
        _give(won, grad, gradients[:, *cell], window)
    _give(undecided, grad, gradients[:, *last], window)
    if nowhere.any():  # the last NaN of its window wins
        for cell in reversed(window.cells):
            won = nowhere & xp.isnan(patches[:, *cell])
            nowhere ^= won
            gradients[:, *cell] += where(won, grad)


def _give(won: Array, grad: Array, cells: Array, window: Window) -> None:
    """Add the gradients of the places that a cell has won to its pixels, in place."""
    if window.overlaps:
        cells += where(won, grad)
    else:  # there is nothing to add to yet, and writing is cheaper
        where(won, grad, out=cells)


@operation
def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Tensor:
    """The average of each window: (N, C, H, W) -> (N, C, OH, OW), as in torch.

    kernel_size, stride (the kernel's size if left out) and padding are integers or
    (height, width) pairs. The zeros of the padding count as pixels.
    """
    window = _pooling_window(input, kernel_size, stride, padding)
    patches = window.patches(window.framed(input.data, 0))        # (C, KH, KW, OH, OW, N)
    count = len(window.cells)
    average = patches.sum(axis=(1, 2)) / count                    # (C, OH, OW, N)

    def to_all(grad):
        share = batch_last(grad) / count                          # (C, OH, OW, N)
        framed = window.blank(batch_last(input.data))             # (C, H+2PH, W+2PW, N)
        everywhere = array_module(share).broadcast_to(share[:, None, None], patches.shape)
        col2im(everywhere, window, framed)
        return batch_first(window.unframed(framed))

    return record(batch_first(average), (input, to_all))


def _pooling_window(input: Tensor, kernel_size: Any, stride: Any, padding: Any) -> Window:
    if input.dtype.kind != "f":
        raise TypeError(f"pictures must be floating point, not {input.dtype}")
    window = slide(input.shape, kernel_size, kernel_size if stride is None else stride, padding)
    (PH, PW), (KH, KW) = window.padding, window.kernel
    if 2 * PH > KH or 2 * PW > KW:
        raise ValueError(f"padding {window.padding} may be at most half the kernel "
                         f"{window.kernel}: no window may lie in the padding alone")
    return window
