"""A window that slides over a picture: what convolution and pooling have in common.

The window has KH x KW cells and stops at OH x OW places. Instead of visiting the places one
by one, take the cells one by one: all the pixels that lie under one cell, at all places at
once, are a slice of the picture with a step. So KH * KW slices hold everything.

Pictures come here batch last, (C, H, W, N): a slice is then made of long contiguous rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..backend import Array, array_module, batch_last


@dataclass(frozen=True)
class Window:
    """A window on pictures of one size. All sizes are (height, width) pairs of pixels."""

    picture: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    @property
    def places(self) -> tuple[int, int]:
        """(OH, OW): at how many places the window stops."""
        OH, OW = (
            (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, padding, dilation in zip(
                self.picture, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )
        return OH, OW

    def cells(self) -> Iterator[tuple[slice, slice]]:
        """For each cell, row by row: the rows and columns of the padded picture under it."""
        (KH, KW), (OH, OW) = self.kernel, self.places
        (SH, SW), (DH, DW) = self.stride, self.dilation
        for i in range(KH):
            for j in range(KW):
                yield (slice(i * DH, i * DH + (OH - 1) * SH + 1, SH),
                       slice(j * DW, j * DW + (OW - 1) * SW + 1, SW))

    def framed(self, pictures: Array, value: float) -> Array:
        """(N, C, H, W) -> (C, H + 2 PH, W + 2 PW, N), with `value` around each picture."""
        (PH, PW), (H, W) = self.padding, self.picture
        inner = batch_last(pictures)                                       # (C, H, W, N)
        if not PH and not PW:
            return inner
        C, N = inner.shape[0], inner.shape[-1]
        framed = array_module(inner).full((C, H + 2 * PH, W + 2 * PW, N), value, inner.dtype)
        self.unframed(framed)[...] = inner
        return framed

    def unframed(self, framed: Array) -> Array:
        """The view of a framed picture without its frame: (C, H, W, N)."""
        (PH, PW), (H, W) = self.padding, self.picture
        return framed[:, PH:PH + H, PW:PW + W]


def slide(input_shape: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any = 1
          ) -> Window:
    """The window over pictures of `input_shape`, (N, C, H, W); each size an int or a pair.

    Raises ValueError if the pictures have another number of dimensions, if a size is out of
    range, or if the window does not fit even once.
    """
    if len(input_shape) != 4:
        raise ValueError(f"pictures must be (N, C, H, W), not {input_shape}: unsqueeze(0) makes a "
                         "batch of one picture")
    window = Window(
        picture=(input_shape[2], input_shape[3]),
        kernel=pair(kernel, "kernel_size", at_least=1),
        stride=pair(stride, "stride", at_least=1),
        padding=pair(padding, "padding", at_least=0),
        dilation=pair(dilation, "dilation", at_least=1),
    )
    if min(window.places) < 1:
        raise ValueError(f"a kernel of {window.kernel} (dilation {window.dilation}) does not fit "
                         f"into pictures of {window.picture} with padding {window.padding}")
    return window


def pair(value: Any, name: str, at_least: int) -> tuple[int, int]:
    """(value, value) from one integer, or the two of a pair; (height, width)."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= at_least for v in both):
        raise ValueError(f"{name} must be an integer >= {at_least} or a pair of them, "
                         f"not {value!r}")
    return both
