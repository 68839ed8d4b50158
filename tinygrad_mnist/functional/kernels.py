"""The loops of convolution and pooling as CUDA: what a GPU does in place of four functions.

On a CPU a whole-array pass is cheap to ask for, so there a window is KH * KW slices, each
worked on at once. On a GPU every pass has to be launched, and many threads cannot add to one
pixel at a time. So here each thread has one element of the result to itself, walks through the
cells of the window, and nobody else writes where it writes: sums come in the same order, and
are the same, at every run.

Each function here stands for the one of the same name in `convolution` or `pooling`, which is
the one to read first. CuPy compiles a kernel at its first call; `i` counts its threads.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, NamedTuple

from ..backend import Array, array_module
from .windows import Window


class Kernel(NamedTuple):
    """A kernel's source: its name, what goes in, what comes out, and what each thread does."""

    name: str
    inputs: str
    outputs: str
    body: str


IM2COL = Kernel("im2col", "raw T patches, int32 KH, int32 KW, int32 R, int32 OW, int32 N",
                "raw T columns", """
    const unsigned place = i;                    // in 32 bits, which a GPU divides much faster
    const int n = place % N, ow = place / N % OW, oh = place / N / OW % R, c = place / N / OW / R;
    for (int a = 0; a < KH; ++a)
        for (int b = 0; b < KW; ++b) {
            const int at[] = {c, a, b, oh, ow, n};
            columns[at] = patches[at];
        }
""")

COL2IM = Kernel("col2im", "raw T columns, int32 KH, int32 KW, int32 SH, int32 SW, int32 DH, "
                "int32 DW, int32 first, int32 R, int32 OW, int32 H, int32 W, int32 N",
                "raw T framed", """
    const unsigned pixel = i;
    const int n = pixel % N, x = pixel / N % W, y = pixel / N / W % H, c = pixel / N / W / H;
    T sum = framed[i];
    for (int a = 0; a < KH; ++a)
        for (int b = 0; b < KW; ++b) {           // which window has this pixel under cell (a, b)?
            const int down = y - a * DH, across = x - b * DW;
            const int oh = down / SH - first, ow = across / SW;
            if (down >= 0 && down % SH == 0 && oh >= 0 && oh < R
                && across >= 0 && across % SW == 0 && ow < OW) {
                const int at[] = {c, a, b, oh, ow, n};
                sum += columns[at];
            }
        }
    framed[i] = sum;
""")

LARGEST = Kernel("largest", "raw T patches, int32 KH, int32 KW, int32 OH, int32 OW, int32 N",
                 "raw T best", """
    const unsigned place = i;
    const int n = place % N, ow = place / N % OW, oh = place / N / OW % OH;
    const int c = place / N / OW / OH;
    const int first[] = {c, 0, 0, oh, ow, n};
    T top = patches[first];
    for (int a = 0; a < KH; ++a)
        for (int b = 0; b < KW; ++b) {
            const int at[] = {c, a, b, oh, ow, n};
            const T value = patches[at];
            if (value > top || value != value)   // what is no number is not equal to itself
                top = value;
        }
    best[i] = top;
""")

TO_LARGEST = Kernel("to_largest", "raw T grad, raw T patches, raw T best, int32 KH, int32 KW, "
                    "int32 SH, int32 SW, int32 OH, int32 OW, int32 H, int32 W, int32 N",
                    "raw T result", """
    const unsigned pixel = i;
    const int n = pixel % N, x = pixel / N % W, y = pixel / N / W % H, c = pixel / N / W / H;
    T sum = result[i];
    for (int a = 0; a < KH; ++a)
        for (int b = 0; b < KW; ++b) {           // which window has this pixel under cell (a, b)?
            const int down = y - a, across = x - b, oh = down / SH, ow = across / SW;
            if (down < 0 || down % SH || oh >= OH || across < 0 || across % SW || ow >= OW)
                continue;
            const int place[] = {c, oh, ow, n};
            const T top = best[place];
            int winner = -1;                     // the first that equals top; the last NaN
            for (int cell = 0; cell < KH * KW; ++cell) {
                const int at[] = {c, cell / KW, cell % KW, oh, ow, n};
                const T value = patches[at];
                if (top != top ? value != value : winner < 0 && value == top)
                    winner = cell;
            }
            if (winner == a * KW + b)
                sum += grad[place];
        }
    result[i] = sum;
""")


def im2col(patches: Array) -> Array:
    """A thread for each place of the window: it copies what the window sees there."""
    C, KH, KW, R, OW, N = patches.shape
    columns = array_module(patches).empty(patches.shape, patches.dtype)
    _launch(IM2COL, C * R * OW * N, patches, KH, KW, R, OW, N, columns)
    return columns.reshape(C * KH * KW, R * OW * N)


def col2im(columns: Array, window: Window, framed: Array, rows: slice = slice(None)) -> None:
    """A thread for each pixel: it gathers what the windows over it have to say."""
    (KH, KW), (OH, OW), (_, H, W, N) = window.kernel, window.places, framed.shape
    first, last, _ = rows.indices(OH)
    columns = columns.reshape(len(framed), KH, KW, last - first, OW, N)
    _launch(COL2IM, framed.size, columns, KH, KW, *window.stride, *window.dilation,
            first, last - first, OW, H, W, N, framed)


def largest(framed: Array, window: Window) -> Array:
    """A thread for each place of the window: it finds the largest pixel there."""
    patches = window.patches(framed)
    C, KH, KW, OH, OW, N = patches.shape
    best = array_module(patches).empty((C, OH, OW, N), patches.dtype)
    _launch(LARGEST, best.size, patches, KH, KW, OH, OW, N, best)
    return best


def to_largest(grad: Array, framed: Array, best: Array, window: Window, result: Array) -> None:
    """A thread for each pixel: it gathers from the windows over it in which it has won."""
    (KH, KW), (OH, OW), (_, H, W, N) = window.kernel, window.places, framed.shape
    _launch(TO_LARGEST, result.size, grad, window.patches(framed), best, KH, KW, *window.stride,
            OH, OW, H, W, N, result)


def _launch(kernel: Kernel, threads: int, *arguments: Any) -> None:
    if threads >= 2**32:
        raise ValueError(f"{threads:,} elements at once are too many for a GPU's kernel, which "
                         "counts them in 32 bits: a smaller batch helps")
    _compiled(array_module(arguments[0]), kernel)(*arguments, size=threads)


@functools.cache
def _compiled(xp: ModuleType, kernel: Kernel) -> Any:
    return xp.ElementwiseKernel(kernel.inputs, kernel.outputs, kernel.body, kernel.name,
                                no_return=True)
