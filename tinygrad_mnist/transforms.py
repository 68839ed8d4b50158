"""A transform makes of the pictures in a file what a network wants to see.

It is a function of a whole batch, so its work is one line of array arithmetic and not a
Python loop over pictures:

    ToTensor()        bytes 0 to 255  ->  float32 0 to 1, with a channel dimension
    Normalize(...)    shifts and scales each channel, usually to mean 0 and deviation 1
    Compose([...])    one after another

Three more make other pictures of the same digits, new ones at every call. A network that is
shown those while it trains (`training.fit(..., augment=...)`) learns that a slanted, shaky
or thin seven is a seven too:

    RandomAffine(...)       turned, slanted, stretched, moved
    ElasticTransform(...)   drawn on rubber, and the rubber pulled about
    RandomThickness(...)    drawn with a thinner or a thicker pen

Their random numbers come from the generator that `manual_seed` seeds.

A transform of your own can be any function that takes the batch: Compose takes it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backend import Array, array_module, batch_first, batch_last, generator, is_array, move
from .tensor import Tensor, float32

Range = float | Sequence[float]
"""What a random transform draws its amounts from: a number, or (lowest, highest)."""


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


# --- other pictures of the same digits ---------------------------------------------------


class RandomAffine:
    """Each picture turned, slanted, stretched and moved, by amounts of its own.

    degrees: how far it is turned, counterclockwise. translate: how far it is moved, in pixels,
    drawn for each direction. scale: how many times as high and as wide, drawn for each.
    shear: by how many degrees uprights lean to the right. Each is a range (lowest, highest);
    a number r is the range from -r to r, and for scale from 1 - r to 1 + r.

    The middle of the picture is where all of it happens. What comes in over the border is 0.
    """

    def __init__(self, degrees: Range = 0, translate: Range = 0, scale: Range = 0,
                 shear: Range = 0):
        self.degrees, self.translate = _range("degrees", degrees), _range("translate", translate)
        self.scale, self.shear = _range("scale", scale, around=1), _range("shear", shear)
        if self.scale[0] <= 0:
            raise ValueError(f"scale must be above 0, not {self.scale}")
        if not -90 < self.shear[0] <= self.shear[1] < 90:
            raise ValueError(f"shear must be between -90 and 90 degrees, not {self.shear}")

    def __call__(self, pictures: Tensor) -> Tensor:
        array = _checked_batch(self, pictures)                        # (C, H, W, N)
        H, W, N = array.shape[1:]
        middle = np.array([[(H - 1) / 2], [(W - 1) / 2]])             # (2, 1)
        moved = generator().uniform(*self.translate, (2, N))
        # A pixel of the result asks where it comes from: the way back.
        back = np.linalg.inv(self._matrices(N)).transpose(1, 2, 0)    # (2, 2, N)
        offset = middle - (back * (middle + moved)).sum(axis=1)       # (2, N)
        back, offset = (move(part.astype(array.dtype), pictures.device)
                        for part in (back, offset))
        rows, columns = _places(array)                                # (H, 1, 1), (W, 1)
        y, x = ((back[axis, 0] * rows + offset[axis]) + back[axis, 1] * columns
                for axis in (0, 1))                                   # (H, W, N) each
        return Tensor(batch_first(_sampled(array, y, x)))

    def _matrices(self, count: int) -> np.ndarray:
        """What happens to (y, x), seen from the middle: (N, 2, 2)."""
        angle = np.radians(generator().uniform(*self.degrees, count))
        slant = np.tan(np.radians(generator().uniform(*self.shear, count)))
        high, wide = generator().uniform(*self.scale, (2, count))
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        leaning = np.array([[high, 0 * wide], [-slant * high, wide]])
        return turned.transpose(2, 0, 1) @ leaning.transpose(2, 0, 1)

    def __repr__(self) -> str:
        return (f"RandomAffine(degrees={self.degrees}, translate={self.translate}, "
                f"scale={self.scale}, shear={self.shear})")


class RandomApply:
    """Transforms for some of the pictures only; the others stay as they are.

    transforms: one after another, as in Compose. p: the probability of each picture to be one
    of those. A network that only ever sees pictures that were turned and pulled about, and are
    a little blurred by it, reads sharp ones less well.
    """

    def __init__(self, transforms: Sequence[Callable[[Tensor], Tensor]], p: float = 0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1, not {p}")
        self.transforms, self.p = Compose(transforms), float(p)

    def __call__(self, pictures: Tensor) -> Tensor:
        result = _checked_batch(self, pictures).copy()                # (C, H, W, N)
        chosen = np.flatnonzero(generator().random(result.shape[-1]) < self.p)
        if len(chosen):
            chosen = move(chosen, pictures.device)
            some = Tensor(batch_first(result[..., chosen]))           # (K, C, H, W)
            result[..., chosen] = batch_last(self.transforms(some).data)
        return Tensor(batch_first(result))

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.transforms.transforms))
        return f"RandomApply([{inside}], p={self.p})"


class ElasticTransform:
    """Each picture drawn on rubber and pulled about (Simard, Steinkraus and Platt, 2003).

    alpha: how far a pixel goes, in pixels: the standard deviation, each way.
    sigma: over how many pixels neighbours go together; larger is smoother.

    Random arrows on a coarse grid, weighed by a bell curve around every pixel: to smooth the
    noise and to enlarge it to the picture's size is one small matrix product for each axis.
    """

    def __init__(self, alpha: float = 1.0, sigma: float = 4.0):
        if not 0 <= alpha < np.inf:
            raise ValueError(f"alpha must be a number of pixels from 0 on, not {alpha}")
        if not 1 <= sigma < np.inf:
            raise ValueError(f"sigma must be a number of pixels from 1 on, not {sigma}")
        self.alpha, self.sigma = float(alpha), float(sigma)

    def __call__(self, pictures: Tensor) -> Tensor:
        array = _checked_batch(self, pictures)                        # (C, H, W, N)
        H, W, N = array.shape[1:]
        down, across = self._bells(H), self._bells(W)                 # (H, K), (W, L)
        arrows = generator().standard_normal((len(down.T), 2, len(across.T), N), array.dtype)
        down, across, arrows = (move(part.astype(array.dtype), pictures.device)
                                for part in (down * self.alpha, across, arrows))
        strips = (down @ arrows.reshape(len(arrows), -1)).reshape(H, *arrows.shape[1:])
        shift = across @ strips                                       # (H, 2, W, N)
        rows, columns = _places(array)
        return Tensor(batch_first(_sampled(array, shift[:, 0] + rows, shift[:, 1] + columns)))

    def _bells(self, pixels: int) -> np.ndarray:
        """How much each arrow of a grid, sigma apart, has to say at each pixel: (pixels, K).

        The squares of a row sum to 1, so that sums of normal numbers stay normal.
        """
        grid = np.arange(-self.sigma, pixels - 1 + 2 * self.sigma, self.sigma)
        bells = np.exp(-((np.arange(pixels)[:, None] - grid) / self.sigma) ** 2)
        return bells / np.sqrt((bells ** 2).sum(axis=1, keepdims=True))

    def __repr__(self) -> str:
        return f"ElasticTransform(alpha={self.alpha}, sigma={self.sigma})"


class RandomThickness:
    """Each picture as if drawn with another pen, thinner or thicker.

    amount: a range (thinnest, thickest) within -1 and 1; a number r is the range from -r to r.
    At 1 every pixel becomes the brightest of the 3 x 3 around it, which makes a stroke two
    pixels wider; at -1 the darkest; in between, a part of the way.
    """

    def __init__(self, amount: Range = 0.5):
        self.amount = _range("amount", amount)
        if not -1 <= self.amount[0] <= self.amount[1] <= 1:
            raise ValueError(f"amount must be between -1 and 1, not {self.amount}")

    def __call__(self, pictures: Tensor) -> Tensor:
        array = _checked_batch(self, pictures)                        # (C, H, W, N)
        xp = array_module(array)
        drawn = generator().uniform(*self.amount, array.shape[-1]).astype(array.dtype)
        amount = move(drawn, pictures.device)                         # (N,)
        thicker = _neighbourhood(xp.maximum, array) - array
        thinner = _neighbourhood(xp.minimum, array) - array
        thicker *= xp.maximum(amount, 0)
        thinner *= xp.maximum(-amount, 0)
        return Tensor(batch_first(array + thicker + thinner))

    def __repr__(self) -> str:
        return f"RandomThickness(amount={self.amount})"


def _sampled(pictures: Array, y: Array, x: Array) -> Array:
    """The pictures (C, H, W, N) read between their pixels, at rows y and columns x (H, W, N).

    Bilinear: of the four pixels around a place, the nearer ones count more. Around the
    pictures everything is 0; a frame of zeros saves asking who is inside.
    """
    xp = array_module(pictures)
    C, H, W, N = pictures.shape
    framed = xp.zeros((C, H + 3, W + 3, N), pictures.dtype)
    framed[:, 1:H + 1, 1:W + 1] = pictures
    y, x = xp.clip(y + 1, 0, H + 1), xp.clip(x + 1, 0, W + 1)
    top, left = xp.floor(y), xp.floor(x)
    place = top.astype(np.intp)                                       # (H, W, N)
    place *= W + 3
    place += left.astype(np.intp)
    place *= N
    place += xp.arange(N)
    y -= top                                                          # how far on, 0 to 1
    x -= left

    flat = framed.reshape(C, -1)
    below, right = (W + 3) * N, N  # so much further on in memory
    corners = (flat[:, offset:].take(place, axis=1)                   # (C, H, W, N) each
               for offset in (0, right, below, below + right))
    upper = _between(next(corners), next(corners), x)
    return _between(upper, _between(next(corners), next(corners), x), y)


def _between(start: Array, end: Array, part: Array) -> Array:
    """From start (part 0) to end (part 1); overwrites `end`."""
    end -= start
    end *= part
    end += start
    return end


def _places(pictures: Array) -> tuple[Array, Array]:
    """The rows (H, 1, 1) and the columns (W, 1) of the pictures (C, H, W, N), counted from 0."""
    xp, (H, W) = array_module(pictures), pictures.shape[1:3]
    return (xp.arange(H, dtype=pictures.dtype)[:, None, None],
            xp.arange(W, dtype=pictures.dtype)[:, None])


def _neighbourhood(best: Callable[..., Array], pictures: Array) -> Array:
    """The best of the 3 x 3 pixels around each one, (C, H, W, N): first down, then across."""
    for axis in (1, 2):
        pictures = pictures.swapaxes(0, axis)
        result = pictures.copy(order="K")
        best(result[1:], pictures[:-1], out=result[1:])
        best(result[:-1], pictures[1:], out=result[:-1])
        pictures = result.swapaxes(0, axis)
    return pictures


def _checked_batch(transform: Any, pictures: Any) -> Array:
    """The pictures' array with the batch last, (C, H, W, N)."""
    name = type(transform).__name__
    if not isinstance(pictures, Tensor) or pictures.dtype.kind != "f":
        raise TypeError(f"{name} takes a Tensor of floats, not {_described(pictures)}: put "
                        "ToTensor() before it")
    if pictures.ndim != 4:
        raise ValueError(f"{name} takes a batch of pictures, (N, C, H, W), not {pictures.shape}")
    return array_module(pictures.data).ascontiguousarray(batch_last(pictures.data))


def _range(name: str, value: Range, around: float = 0) -> tuple[float, float]:
    """(lowest, highest) as floats; a number r means from around - r to around + r."""
    ends = value if isinstance(value, Sequence) else (around - abs(value), around + abs(value))
    if len(ends) != 2 or not -np.inf < ends[0] <= ends[1] < np.inf:
        raise ValueError(f"{name} must be a number or a range (lowest, highest), not {value}")
    return float(ends[0]), float(ends[1])


# --- what the transforms share -----------------------------------------------------------


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
