"""A transform makes of the pictures in a file what a network wants to see.

It is a function of a whole batch, so its work is one line of array arithmetic and not a
Python loop over pictures:

    ToTensor()        bytes 0 to 255  ->  float32 0 to 1, with a channel dimension
    Normalize(...)    shifts and scales each channel, usually to mean 0 and deviation 1
    Compose([...])    one after another

A transform of your own can be any function that takes the batch: Compose takes it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backend import Array, array_module, batch_first, is_array, move
from .tensor import Tensor, float32


class Compose:
    """Several transforms, one after another, the first one first.

    Raises TypeError if one of them cannot be called.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        if not isinstance(transforms, Sequence):
            raise TypeError(f"Compose takes a list of transforms, not {transforms!r}")
        for transform in transforms:
            if not callable(transform):
                raise TypeError(f"a transform is a function of a batch, and {transform!r} is none")
        self.transforms = list(transforms)

    def __call__(self, pictures: Any) -> Any:
        for transform in self.transforms:
            pictures = transform(pictures)
        return pictures

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


class ToTensor:
    """A batch of pictures as a float32 Tensor with channels: bytes 0 to 255 become 0.0 to 1.0.

    (N, H, W) -> (N, 1, H, W), grey; (N, H, W, C) -> (N, C, H, W), in colours;
    (H, W) -> (1, H, W), a single grey picture.

    Numbers that are floating point already become float32 and are not scaled. In memory the
    batch lies last, as convolution likes it best (see `backend`).

    Raises TypeError if the pictures are not an array of bytes or floats, ValueError for any
    other shape.
    """

    def __call__(self, pictures: Array) -> Tensor:
        _check_array(pictures)
        if pictures.ndim == 2:                                        # (H, W)
            return Tensor(_scaled(pictures[None]))                    # (1, H, W)
        if pictures.ndim == 3:                                        # (N, H, W)
            pictures = pictures[..., None]                            # (N, H, W, 1)
        return Tensor(batch_first(_scaled(pictures.transpose(3, 1, 2, 0))))  # (N, C, H, W)

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """(picture - mean) / std, with a mean and a deviation for each channel.

    mean, std: a number, or one number per channel. MNIST's own are 0.1307 and 0.3081.

    It takes a floating-point Tensor (N, C, H, W) or (C, H, W), so it comes after ToTensor.

    Raises TypeError for anything else, ValueError if the channels do not fit or a deviation
    is zero.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]):
        self.mean, self.std = _per_channel("mean", mean), _per_channel("std", std)
        if 0 in self.std:
            raise ValueError(f"std must not be zero, it is divided by: {self.std}")

    def __call__(self, pictures: Tensor) -> Tensor:
        if not isinstance(pictures, Tensor) or pictures.dtype.kind != "f":
            raise TypeError(f"Normalize takes a Tensor of floats, not {_described(pictures)}: put "
                            "ToTensor() before it")
        if pictures.ndim not in (3, 4):
            raise ValueError("Normalize takes pictures of shape (N, C, H, W) or (C, H, W), not "
                             f"{pictures.shape}")
        mean = _beside(pictures, "mean", self.mean)                   # (C, 1, 1)
        std = _beside(pictures, "std", self.std)                      # (C, 1, 1)
        return (pictures - mean) / std

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


def _scaled(pictures: Array) -> Array:
    """Bytes divided by 255, in float32 and in the order in which the axes are given.

    Written straight into its final order: one pass does the scaling and the transposing.
    """
    xp = array_module(pictures)
    scaled = xp.empty(pictures.shape, float32)
    if pictures.dtype.kind == "f":
        scaled[...] = pictures
    else:
        xp.divide(pictures, xp.float32(255), out=scaled)
    return scaled


def _check_array(pictures: Any) -> None:
    if not is_array(pictures) or not (pictures.dtype.kind == "f" or pictures.dtype == "uint8"):
        raise TypeError("ToTensor takes an array of bytes (uint8, 0 to 255) or of floats, not "
                        f"{_described(pictures)}")
    if pictures.ndim not in (2, 3, 4):
        raise ValueError("ToTensor takes pictures of shape (N, H, W), (N, H, W, C) or (H, W), not "
                         f"{pictures.shape}")


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a Tensor of {value.dtype}"
    return f"an array of {value.dtype}" if is_array(value) else type(value).__name__


def _per_channel(name: str, numbers: float | Sequence[float]) -> tuple[float, ...]:
    """The numbers as a tuple of floats; a lone number is a tuple of one."""
    try:
        return tuple(float(number) for number in numbers)  # type: ignore[union-attr]
    except TypeError:
        return (float(numbers),)  # type: ignore[arg-type]


def _beside(pictures: Tensor, name: str, numbers: tuple[float, ...]) -> Tensor:
    """One number per channel, (C, 1, 1), in the pictures' dtype and on their device."""
    channels = pictures.shape[-3]
    if len(numbers) not in (1, channels):
        raise ValueError(f"{name} has {len(numbers)} numbers, but the pictures have {channels} "
                         f"channel(s): {pictures.shape}")
    return Tensor(move(np.array(numbers, pictures.dtype)[:, None, None], pictures.device))
