"""The pictures that all contenders are given: the same ones, in the same batches.

They are real ones, MNIST's: how fast a max-pool runs depends on what it looks at. The main
process writes them into a file and each worker reads them, so that no library has to be
imported to get the pictures for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

COUNT = 1024


@dataclass(frozen=True)
class Pictures:
    """images: float32 (1024, 1, 28, 28), grey from 0 to 1. labels: int64 (1024,)."""

    images: np.ndarray
    labels: np.ndarray

    def save(self, path: Path) -> None:
        np.savez(path, images=self.images, labels=self.labels)

    @staticmethod
    def load(path: Path) -> Pictures:
        with np.load(path) as file:
            return Pictures(file["images"], file["labels"])

    def batches(self, batch_size: int, size: int = 28) -> list[tuple[np.ndarray, np.ndarray]]:
        """All pictures in batches: images (N, 1, size, size) and labels (N,).

        size: 28 or a multiple of it; each pixel then becomes a square of pixels.
        """
        square = np.ones((size // 28, size // 28), np.float32)
        starts = range(0, COUNT, batch_size)
        return [(np.kron(self.images[start:start + batch_size], square),
                 self.labels[start:start + batch_size]) for start in starts]


def fresh_weights() -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of the talk's network, for libraries that have no layers of ours."""
    generator = np.random.default_rng(0)
    shapes = [(16, 1, 3, 3), (32, 16, 3, 3), (16, 32 * 7 * 7), (10, 16)]
    bounds = [float(np.prod(shape[1:])) ** -0.5 for shape in shapes]
    return [(generator.uniform(-bound, bound, shape).astype(np.float32),
             np.zeros(shape[0], np.float32))
            for shape, bound in zip(shapes, bounds, strict=True)]
