"""The floor: the five large matrix products of a training step, and nothing else.

Whoever computes the talk's convolutions as matrix products has to do these. The results go
into memory that is there already, so what is left is the products alone.
"""

from __future__ import annotations

import numpy as np

from ..pictures import Pictures
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
