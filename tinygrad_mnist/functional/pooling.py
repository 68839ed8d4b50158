"""Pooling: each window of pixels becomes one, the largest or the average."""

from __future__ import annotations

from typing import Any

from ..backend import array_module, batch_first, batch_last
from ..tensor import Tensor, operation, record, wants_gradient
from .windows import slide


@operation
def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Tensor:
    """The largest pixel of each window: (N, C, H, W) -> (N, C, OH, OW), as in torch.

    kernel_size, stride (the kernel's size if left out) and padding (with -infinity) are
    integers or (height, width) pairs. The gradient goes to the pixel that won; the first
    one, row by row, wins a tie.
    """
    window = _pooling_window(input, kernel_size, stride, padding)
    xp = array_module(input.data)
    framed = window.framed(input.data, -float("inf"))             # (C, H+2PH, W+2PW, N)
    first, *others = window.cells()
    best = framed[:, *first]                                      # (C, OH, OW, N)
    beaten = []  # for each further cell: where it is larger than all cells before it
    for rows, cols in others:
        challenger = framed[:, rows, cols]
        if wants_gradient(input):
            beaten.append(challenger > best)
        best = xp.maximum(best, challenger)

    def to_winners(grad):
        undecided = batch_last(grad)
        result = xp.zeros(framed.shape, framed.dtype)
        for (rows, cols), won in zip(others[::-1], beaten[::-1], strict=True):
            prize = undecided * won
            result[:, rows, cols] += prize
            undecided = undecided - prize
        result[:, *first] += undecided
        return batch_first(window.unframed(result))

    return record(batch_first(best), (input, to_winners))


@operation
def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Tensor:
    """The average of each window: (N, C, H, W) -> (N, C, OH, OW), as in torch.

    kernel_size, stride (the kernel's size if left out) and padding are integers or
    (height, width) pairs. The zeros of the padding count as pixels.
    """
    window = _pooling_window(input, kernel_size, stride, padding)
    framed = window.framed(input.data, 0)                         # (C, H+2PH, W+2PW, N)
    cells = list(window.cells())
    total = sum(framed[:, rows, cols] for rows, cols in cells)    # (C, OH, OW, N)

    def to_all(grad):
        share = batch_last(grad) / len(cells)                     # (C, OH, OW, N)
        result = array_module(grad).zeros(framed.shape, framed.dtype)
        for rows, cols in cells:
            result[:, rows, cols] += share
        return batch_first(window.unframed(result))

    return record(batch_first(total / len(cells)), (input, to_all))


def _pooling_window(input: Tensor, kernel_size: Any, stride: Any, padding: Any):
    window = slide(input.shape, kernel_size, kernel_size if stride is None else stride, padding)
    if any(2 * pad > size for pad, size in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(f"padding {window.padding} may be at most half the kernel "
                         f"{window.kernel}: no window may lie in the padding alone")
    return window
