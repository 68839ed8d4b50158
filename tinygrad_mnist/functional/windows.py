"""A window that slides over a picture: what convolution and pooling have in common.

The window has KH x KW cells and stops at OH x OW places. `patches` shows what it sees at
every place, as one array (C, KH, KW, OH, OW, N) that copies nothing: it is the picture, read
with other strides. So patches[:, i, j] are the pixels under cell (i, j) at all places at
once, a slice of the picture, and KH * KW such slices hold everything.

Pictures lie batch last here, (C, H, W, N): each slice is made of long contiguous rows.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..backend import Array, array_module, batch_last, columns_at_once, strided


@dataclass(frozen=True)
class Window:
    """A window on pictures of one size. All sizes are (height, width) pairs of pixels.

    A network asks for the same few windows again and again, so each is worked out once.
    """

    picture: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    @functools.cached_property
    def places(self) -> tuple[int, int]:
        """(OH, OW): at how many places the window stops."""
        (H, W), (KH, KW), (SH, SW) = self.picture, self.kernel, self.stride
        (PH, PW), (DH, DW) = self.padding, self.dilation
        return ((H + 2 * PH - DH * (KH - 1) - 1) // SH + 1,
                (W + 2 * PW - DW * (KW - 1) - 1) // SW + 1)

    @functools.cached_property
    def cells(self) -> list[tuple[int, int]]:
        """(i, j) of each cell, row by row."""
        KH, KW = self.kernel
        return list(itertools.product(range(KH), range(KW)))

    @functools.cached_property
    def overlaps(self) -> bool:
        """Whether a pixel can lie under the window at more than one place."""
        (KH, KW), (SH, SW) = self.kernel, self.stride
        return KH > SH or KW > SW

    def framed(self, pictures: Array, value: float) -> Array:
        """(N, C, H, W) -> (C, H + 2 PH, W + 2 PW, N), with `value` around each picture."""
        inner = batch_last(pictures)                                       # (C, H, W, N)
        if self.padding == (0, 0):
            return inner
        framed = self.blank(inner, value)
        self.unframed(framed)[...] = inner
        return framed

    def blank(self, like: Array, value: float = 0) -> Array:
        """Framed pictures full of `value`, as many and of the dtype of `like`, (C, H, W, N)."""
        (PH, PW), (C, H, W, N) = self.padding, like.shape
        framed = array_module(like).empty((C, H + 2 * PH, W + 2 * PW, N), like.dtype)
        framed.fill(value)
        return framed

    def unframed(self, framed: Array) -> Array:
        """The view of a framed picture without its frame: (C, H, W, N)."""
        (PH, PW), (H, W) = self.padding, self.picture
        return framed[:, PH:PH + H, PW:PW + W]

    def patches(self, framed: Array) -> Array:
        """What lies under the window at every place: a view (C, KH, KW, OH, OW, N)."""
        C, _, _, N = framed.shape
        channel, row, column, picture = framed.strides
        (SH, SW), (DH, DW) = self.stride, self.dilation
        return strided(framed, (C, *self.kernel, *self.places, N),
                       (channel, DH * row, DW * column, SH * row, SW * column, picture))

    def blocks(self, patches: Array, kernels: int) -> Iterator[slice]:
        """The rows of places, in blocks of as many as it pays to multiply with kernels at once."""
        C, KH, KW, OH, OW, N = patches.shape
        columns = columns_at_once(kernels, C * KH * KW, patches)
        rows = max(1, columns // max(1, OW * N))
        return (slice(start, min(start + rows, OH)) for start in range(0, OH, rows))


def slide(input_shape: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any = 1
          ) -> Window:
    """The window over pictures of `input_shape`, (N, C, H, W); each size an int or a pair.

    Raises ValueError if the pictures have another number of dimensions, if a size is out of
    range, or if the window does not fit even once.
    """
    if len(input_shape) != 4:
        raise ValueError(f"pictures must be (N, C, H, W), not {input_shape}: unsqueeze(0) makes a "
                         "batch of one picture")
    return _window(
        input_shape[2:],
        pair(kernel, "kernel_size", at_least=1),
        pair(stride, "stride", at_least=1),
        pair(padding, "padding", at_least=0),
        pair(dilation, "dilation", at_least=1),
    )


@functools.lru_cache(maxsize=1000)
def _window(*sizes: tuple[int, int]) -> Window:
    window = Window(*sizes)
    if min(window.places) < 1:
        raise ValueError(f"a kernel of {window.kernel} (dilation {window.dilation}) does not fit "
                         f"into pictures of {window.picture} with padding {window.padding}")
    return window


def pair(value: Any, name: str, at_least: int) -> tuple[int, int]:
    """(value, value) from one integer, or the two of a pair; (height, width)."""
    try:
        height, width = value if isinstance(value, (tuple, list)) else (value, value)
        height, width = operator.index(height), operator.index(width)
        if height >= at_least and width >= at_least:
            return height, width
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name} must be an integer >= {at_least} or a pair of them, not {value!r}")
