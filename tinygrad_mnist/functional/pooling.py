"""Pooling: each window of pixels becomes one, the largest or the average."""

from __future__ import annotations

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
    patches = window.patches(window.framed(input.data, -float("inf")))  # (C, KH, KW, OH, OW, N)
    best = largest(patches)                                       # (C, OH, OW, N)

    def to_winners(grad):
        framed = window.blank(batch_last(input.data))             # (C, H+2PH, W+2PW, N)
        to_largest(batch_last(grad), patches, best, window, framed)
        return batch_first(window.unframed(framed))

    return record(batch_first(best), (input, to_winners))


@on_a_gpu(kernels.largest)
def largest(patches: Array) -> Array:
    """The largest pixel at each place: (C, KH, KW, OH, OW, N) -> (C, OH, OW, N)."""
    xp, (KH, KW) = array_module(patches), patches.shape[1:3]
    best = patches[:, 0, 0].copy()
    for cell in range(1, KH * KW):
        xp.maximum(best, patches[:, cell // KW, cell % KW], out=best)
    return best


@on_a_gpu(kernels.to_largest)
def to_largest(grad: Array, patches: Array, best: Array, window: Window, framed: Array) -> None:
    """Add each gradient to the pixel that won its place, in place.

    grad, best: (C, OH, OW, N). patches: (C, KH, KW, OH, OW, N), where it was looked for.
    framed: (C, H+2PH, W+2PW, N), still all zeros.
    """
    xp = array_module(grad)
    undecided = xp.ones(grad.shape, bool)
    result = window.patches(framed)                               # (C, KH, KW, OH, OW, N)
    for cell in window.cells:
        won = undecided & (patches[:, *cell] == best)
        undecided ^= won
        if window.overlaps:
            result[:, *cell] += where(won, grad)
        else:  # there is nothing to add to yet, and writing is cheaper
            where(won, grad, out=result[:, *cell])
    if undecided.any():  # nothing equals a best that is NaN: the last NaN of its window wins
        for cell in reversed(window.cells):
            won = undecided & xp.isnan(patches[:, *cell])
            undecided ^= won
            result[:, *cell] += where(won, grad)


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
    if any(2 * pad > size for pad, size in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(f"padding {window.padding} may be at most half the kernel "
                         f"{window.kernel}: no window may lie in the padding alone")
    return window
