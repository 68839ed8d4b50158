"""Convolution as matrix products.

A kernel looks at a patch of the picture: it multiplies each pixel with a weight and adds up.
`im2col` writes every patch as a column of a matrix, and every kernel is a row of another;
then all kernels look at all patches in a single product, the thing computers do best.

    kernels (O, C*KH*KW)  @  columns (C*KH*KW, OH*OW*N)  =  output (O, OH*OW*N)

The whole matrix of columns is KH*KW times as large as the pictures. So it is made for a few
rows of the output at a time, as many as pay (`backend.columns_at_once`): the columns are
written, multiplied while they are still in the processor's cache, and forgotten. To write them
again on the way back is faster than to keep them (measured, by 6 % of a step), and saves memory.

On the way back each pixel was part of many patches, so `col2im` adds up what they all say.
(`@on_a_gpu` stands above what a GPU does in another way; how, is in `kernels`.)
"""

from __future__ import annotations

from typing import Any

from ..backend import Array, array_module, batch_first, batch_last, on_a_gpu
from ..tensor import Tensor, operation, record
from . import kernels
from .windows import Window, slide


@operation
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
           padding: Any = 0, dilation: Any = 1) -> Tensor:
    """2-D convolution (strictly, cross-correlation: the kernel is not flipped), as in torch.

    input (N, C, H, W), weight (O, C, KH, KW), bias (O,) -> (N, O, OH, OW), where
    OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1, and OW likewise. stride,
    padding (zeros) and dilation are integers or (height, width) pairs.

    Raises ValueError if the shapes do not belong together.
    """
    _check(input, weight, bias)
    O, C, KH, KW = weight.shape
    window = slide(input.shape, (KH, KW), stride, padding, dilation)
    patches = window.patches(window.framed(input.data, 0))        # (C, KH, KW, OH, OW, N)
    matrix = weight.data.reshape(O, C * KH * KW)                  # (O, C*KH*KW)

    xp = array_module(patches)
    output = xp.empty((O, *patches.shape[3:]), patches.dtype)     # (O, OH, OW, N)
    for rows in window.blocks(patches, O):
        block = _flat(output[:, rows])                            # (O, R*OW*N)
        xp.matmul(matrix, im2col(patches[:, :, :, rows]), out=block)
        if bias is not None:
            block += bias.data[:, None]                           # (O, 1), to every place

    def to_input(grad):
        grad = _contiguous(batch_last(grad))                      # (O, OH, OW, N)
        framed = window.blank(batch_last(input.data))             # (C, H+2PH, W+2PW, N)
        for rows in window.blocks(patches, O):
            columns = matrix.T @ _flat(grad[:, rows])             # (C*KH*KW, R*OW*N)
            col2im(columns, window, framed, rows)
        return batch_first(window.unframed(framed))

    def to_weight(grad):
        grad = _contiguous(batch_last(grad))                      # (O, OH, OW, N)
        total = xp.zeros((C * KH * KW, O), grad.dtype)
        for rows in window.blocks(patches, O):
            total += im2col(patches[:, :, :, rows]) @ _flat(grad[:, rows]).T
        return total.T.reshape(weight.shape)

    return record(batch_first(output), (input, to_input), (weight, to_weight),
                  (bias, lambda grad: _summed(_contiguous(batch_last(grad)))))


@on_a_gpu(kernels.im2col)
def im2col(patches: Array) -> Array:
    """Every patch as a column: (C, KH, KW, R, OW, N) -> (C*KH*KW, R*OW*N)."""
    C, KH, KW = patches.shape[:3]
    return patches.reshape(C * KH * KW, -1)


@on_a_gpu(kernels.col2im)
def col2im(columns: Array, window: Window, framed: Array, rows: slice = slice(None)) -> None:
    """Add every column to its patch of the framed pictures (C, H, W, N), in place.

    columns: (C*KH*KW, R*OW*N), those of R rows of places; `rows` says which.
    """
    patches = window.patches(framed)[:, :, :, rows]               # (C, KH, KW, R, OW, N)
    columns = columns.reshape(patches.shape)
    for i, j in window.cells:  # the patches overlap, those of one cell do not
        patches[:, i, j] += columns[:, i, j]


def _summed(grad: Array) -> Array:
    """(O, OH, OW, N) summed to (O,): a product with ones, several times faster than a sum."""
    flat = _flat(grad)                                            # (O, OH*OW*N)
    return flat @ array_module(grad).ones(flat.shape[1], grad.dtype)


def _flat(rows: Array) -> Array:
    """Rows of places side by side: (O, R, OW, N) -> (O, R*OW*N), the same memory."""
    return rows.reshape(len(rows), -1)


def _contiguous(array: Array) -> Array:
    return array_module(array).ascontiguousarray(array)


def _check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if weight.ndim != 4:
        raise ValueError(f"weight must be (O, C, KH, KW), not {weight.shape}")
    if input.ndim == 4 and input.shape[1] != weight.shape[1]:
        raise ValueError(f"input has {input.shape[1]} channels, but the kernels of weight "
                         f"{weight.shape} look at {weight.shape[1]}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must be one number per kernel, {weight.shape[:1]}, not "
                         f"{bias.shape}")
