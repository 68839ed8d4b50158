"""The floors: the least that has to be done, and nothing else.

Of a training step, the five large matrix products: whoever computes the talk's convolutions as
matrix products has to do these. Of reading one picture, and of a chain of small operations, what
the engine asks NumPy for, asked directly, with no layers, no graph and no checks. The results go
into memory that is there already wherever that can be.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..pictures import Pictures, fresh_weights
from ..stopwatch import Contender, repeated

FIRST = (16, 9, 28 * 28 * 64)            # kernels, weights of each, places in all 64 pictures
SECOND = (32, 16 * 9, 14 * 14 * 64)


def step(pictures: Pictures) -> Contender:
    """The products of one step, at 64 pictures."""
    generator = np.random.default_rng(0)

    def layer(sizes: tuple[int, int, int]) -> list[np.ndarray]:
        O, depth, places = sizes
        shapes = [(O, depth), (depth, places), (O, places)]
        return [generator.random(shape, dtype=np.float32) for shape in shapes]

    kernels_1, columns_1, output_1 = layer(FIRST)
    kernels_2, columns_2, output_2 = layer(SECOND)
    grad_1, grad_2, back_2 = output_1.copy(), output_2.copy(), columns_2.copy()
    to_kernels_1, to_kernels_2 = kernels_1.copy(), kernels_2.copy()

    def step() -> None:
        np.matmul(kernels_1, columns_1, out=output_1)          # (16, 9) @ (9, 50176)
        np.matmul(kernels_2, columns_2, out=output_2)          # (32, 144) @ (144, 12544)
        np.matmul(grad_2, columns_2.T, out=to_kernels_2)       # (32, 12544) @ (12544, 144)
        np.matmul(kernels_2.T, grad_2, out=back_2)             # (144, 32) @ (32, 12544)
        np.matmul(grad_1, columns_1.T, out=to_kernels_1)       # (16, 50176) @ (50176, 9)

    return repeated(step)


def predict(pictures: Pictures, count: int) -> Contender:
    """Reading one picture; `count` may be nothing else."""
    assert count == 1
    convolution_1, convolution_2, (weight_3, bias_3), (weight_4, bias_4) = fresh_weights()
    first, second = padded_layer(*convolution_1, 28), padded_layer(*convolution_2, 14)
    image = pictures.images[0]                                 # (1, 28, 28)

    def step() -> None:
        hidden = weight_3 @ second(first(image)).reshape(-1) + bias_3
        _ = weight_4 @ np.maximum(hidden, 0) + bias_4

    return repeated(step)


def padded_layer(weight: np.ndarray, bias: np.ndarray, size: int
                 ) -> Callable[[np.ndarray], np.ndarray]:
    """A 3 x 3 convolution of one picture (C, size, size) with padding 1, then a 2 x 2 max-pool."""
    O, C = weight.shape[:2]
    framed = np.zeros((C, size + 2, size + 2), np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(1, 2))
    patches = patches.transpose(0, 3, 4, 1, 2)                 # (C, 3, 3, size, size)
    matrix, column = weight.reshape(O, -1), bias[:, None]
    flat = np.empty((O, size * size), np.float32)

    def layer(image: np.ndarray) -> np.ndarray:
        framed[:, 1:-1, 1:-1] = image
        np.matmul(matrix, patches.reshape(C * 9, -1), out=flat)
        np.add(flat, column, out=flat)
        maps = flat.reshape(O, size, size)
        rows = np.maximum(maps[:, ::2], maps[:, 1::2])
        return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])   # (O, size / 2, size / 2)

    return layer


def chain(pictures: Pictures, elements: int) -> Contender:
    """1,000 operations on tiny arrays, and what their gradients take; 0 elements: a number."""
    shape = (elements,) if elements else ()
    start, weight, bias = (np.full(shape, value, np.float32) for value in (1.0, 0.999, 0.001))
    return repeated(lambda: chained(start, weight, bias))


def chained(start: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, ...]:
    """The gradients of start, weight and bias: 500 times, a value becomes value * weight + bias."""
    values, value = [], start
    for _ in range(500):
        values.append(value)
        value = value * weight + bias
    grad = np.ones_like(value)
    to_weight, to_bias = np.zeros_like(weight), np.zeros_like(bias)
    for value in reversed(values):
        to_bias = to_bias + grad
        to_weight = to_weight + grad * value
        grad = grad * weight
    return grad, to_weight, to_bias
