"""Convolution as one matrix product.

A kernel looks at a patch of the picture: it multiplies each pixel with a weight and adds up.
`im2col` writes every patch as a column of a matrix and every kernel is a row of another;
then all kernels look at all patches in a single product, the thing computers do best.

    weight (O, C*KH*KW)  @  columns (C*KH*KW, OH*OW*N)  =  output (O, OH*OW*N)

On the way back each pixel was copied into many columns, so `col2im` adds up what comes back
from all of them.
"""

from __future__ import annotations

from typing import Any

from ..backend import Array, array_module, batch_first, batch_last
from ..tensor import Tensor, operation, record
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
    OH, OW = window.places

    columns = im2col(input.data, window)                          # (C*KH*KW, OH*OW*N)
    kernels = weight.data.reshape(O, C * KH * KW)                 # (O, C*KH*KW)
    output = kernels @ columns                                    # (O, OH*OW*N)
    if bias is not None:
        output += bias.data[:, None]                              # (O, 1), to every place

    def rows(grad):                                               # (N, O, OH, OW) -> (O, OH*OW*N)
        return batch_last(grad).reshape(O, -1)

    return record(
        batch_first(output.reshape(O, OH, OW, -1)),               # (N, O, OH, OW)
        (input, lambda grad: col2im(kernels.T @ rows(grad), window)),
        (weight, lambda grad: (rows(grad) @ columns.T).reshape(weight.shape)),
        (bias, lambda grad: rows(grad).sum(axis=1)))


def im2col(pictures: Array, window: Window) -> Array:
    """Every patch as a column: (N, C, H, W) -> (C*KH*KW, OH*OW*N)."""
    N, C, _, _ = pictures.shape
    (KH, KW), (OH, OW) = window.kernel, window.places
    framed = window.framed(pictures, 0)                           # (C, H+2PH, W+2PW, N)
    columns = array_module(pictures).empty((C, KH * KW, OH, OW, N), pictures.dtype)
    for cell, (rows, cols) in enumerate(window.cells()):
        columns[:, cell] = framed[:, rows, cols]                  # (C, OH, OW, N)
    return columns.reshape(C * KH * KW, OH * OW * N)


def col2im(columns: Array, window: Window) -> Array:
    """Every column back to its patch, added up: (C*KH*KW, OH*OW*N) -> (N, C, H, W)."""
    (KH, KW), (OH, OW), (H, W) = window.kernel, window.places, window.picture
    C, N = len(columns) // (KH * KW), columns.shape[1] // (OH * OW)
    columns = columns.reshape(C, KH * KW, OH, OW, N)
    (PH, PW) = window.padding
    framed = array_module(columns).zeros((C, H + 2 * PH, W + 2 * PW, N), columns.dtype)
    for cell, (rows, cols) in enumerate(window.cells()):
        framed[:, rows, cols] += columns[:, cell]                 # (C, OH, OW, N)
    return batch_first(window.unframed(framed))                   # (N, C, H, W)


def _check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if weight.ndim != 4:
        raise ValueError(f"weight must be (O, C, KH, KW), not {weight.shape}")
    if input.ndim == 4 and input.shape[1] != weight.shape[1]:
        raise ValueError(f"input has {input.shape[1]} channels, but the kernels of weight "
                         f"{weight.shape} look at {weight.shape[1]}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must be one number per kernel, {weight.shape[:1]}, not "
                         f"{bias.shape}")
