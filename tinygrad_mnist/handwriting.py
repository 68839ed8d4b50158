"""From a drawing to a picture such as the network has learnt from.

A network only knows pictures made as MNIST's were (LeCun et al., 1998): ink is 1 and paper
0, the digit fits a box of 20 x 20 pixels with its proportions kept, greys come from
averaging areas, and the centre of mass lies in the middle of 28 x 28. Whatever reaches us,
strokes of a pen or any picture, is brought into that form, step by step:

    strokes --> rasterize ------------------------------------------> centred 28 x 28
    picture --> grey --> inked --> cropped --> scaled ---------------> centred 28 x 28
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Strokes = Sequence[Sequence[Sequence[float]]]
"""A list of strokes, each a list of [x, y], y downwards, in any unit."""

SIZE = 28    # pixels of MNIST's pictures, each way
BOX = 20     # pixels of the box that the ink is fitted into
MIDDLE = 14  # where MNIST has its centre of mass, counting pixels from 0
PEN = 2.5    # pixels, the width of MNIST's strokes
FINE = 16    # strokes are drawn this much larger, then averaged down


def rasterize(strokes: Strokes) -> np.ndarray:
    """A drawing as a picture made the way MNIST was: float32 (28, 28), ink 1, paper 0.

    The pen is 2.5 pixels wide whatever the size of the drawing. A dot stays a dot. Raises
    ValueError if there is no stroke, or if a point is not two finite numbers.
    """
    from PIL import Image, ImageDraw

    lines = checked_strokes(strokes)
    points = np.concatenate(lines)
    low, extent = points.min(axis=0), np.ptp(points, axis=0).max()
    scale = (BOX - PEN) / extent if extent > 0 else 1.0
    margin = (SIZE - np.ptp(points, axis=0) * scale) / 2  # centre the box for the moment

    canvas = Image.new("L", (SIZE * FINE, SIZE * FINE))
    pencil = ImageDraw.Draw(canvas)
    for line in lines:
        _draw_line(pencil, ((line - low) * scale + margin) * FINE, PEN * FINE)
    cells = np.asarray(canvas, dtype=np.float32).reshape(SIZE, FINE, SIZE, FINE)
    return centred(brightened(cells.mean(axis=(1, 3))))


def prepare(picture: Any) -> np.ndarray:
    """Any picture as one made the way MNIST was: float32 (28, 28), ink 1, paper 0.

    picture: a file's path, a Pillow image, or a grey array (H, W), 0..255 or 0..1. Dark on
    bright or bright on dark, transparent or not. Raises ValueError if no ink is found.
    """
    return centred(scaled(cropped(inked(grey(picture)))))


# --- the steps of a picture, in order ----------------------------------------------------


def grey(picture: Any) -> np.ndarray:
    """A picture's brightness: float32 (H, W), 0 black to 1 white; transparency is white."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if isinstance(picture, np.ndarray):
        if picture.ndim != 2 or 0 in picture.shape:
            raise ValueError(f"a grey picture must be an array (H, W), not {picture.shape}")
        return picture.astype(np.float32) / (255 if picture.dtype == np.uint8 else 1)
    if not isinstance(picture, Image.Image):
        try:
            with Image.open(picture) as opened:
                return grey(ImageOps.exif_transpose(opened))
        except UnidentifiedImageError as error:
            raise ValueError("this is not a picture file that can be read") from error
    colours = picture.convert("RGBA")
    paper = Image.new("RGBA", colours.size, "white")
    return np.asarray(Image.alpha_composite(paper, colours).convert("L"), np.float32) / 255


def inked(brightness: np.ndarray) -> np.ndarray:
    """How much ink lies on each pixel, 0 to 1, whether it was written dark or bright.

    The paper is what the border shows; ink is what differs from it, to the side where the
    picture goes farther. What the border itself varies counts as paper.
    """
    border = np.concatenate([brightness[0], brightness[-1], brightness[:, 0], brightness[:, -1]])
    paper = np.median(border)
    dark = paper - brightness.min() > brightness.max() - paper
    ink = (paper - brightness) if dark else (brightness - paper)
    noise = np.quantile(np.abs(border - paper), 0.9)
    ink = np.clip(ink - noise, 0, None)
    if ink.max() <= 0.05:
        raise ValueError("there is no ink in the picture: it is blank, or too faint to tell")
    return brightened(ink)


def cropped(ink: np.ndarray) -> np.ndarray:
    """Without the empty rows and columns around the ink."""
    visible = ink > 0.2 if ink.shape != (SIZE, SIZE) else ink > 0
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    return ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]


def scaled(ink: np.ndarray) -> np.ndarray:
    """The longer side made 20 pixels, the proportions kept, in the middle of 28 x 28."""
    from PIL import Image

    H, W = ink.shape
    factor = BOX / max(H, W)
    height, width = max(1, round(H * factor)), max(1, round(W * factor))
    if (height, width) != (H, W):
        method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
        resized = Image.fromarray(ink).resize((width, height), method)
        ink = np.clip(np.asarray(resized), 0, 1)
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    return brightened(np.pad(ink, ((top, SIZE - height - top), (left, SIZE - width - left))))


def centred(picture: np.ndarray) -> np.ndarray:
    """Moved by whole pixels so that the centre of mass is nearest to pixel 14 both ways.

    Measured on MNIST's own files: with 14.0, no picture of its test set moves. Never so far
    that ink would leave the picture.
    """
    for axis in (0, 1):
        ink = picture.sum(axis=1 - axis)
        inside = np.flatnonzero(ink)
        if not len(inside):
            raise ValueError("there is no ink in the picture")
        centre = (ink * np.arange(len(ink))).sum() / ink.sum()
        shift = int(np.rint(MIDDLE - centre))
        shift = max(-inside[0], min(shift, len(ink) - 1 - inside[-1]))
        picture = np.roll(picture, shift, axis)
    return picture


def brightened(ink: np.ndarray) -> np.ndarray:
    """With the darkest ink at exactly 1."""
    return (ink / ink.max()).astype(np.float32)


# --- drawings ----------------------------------------------------------------------------


def checked_strokes(strokes: Any) -> list[np.ndarray]:
    """Each stroke as an array of points (P, 2); ValueError says which one is wrong, and how."""
    if not isinstance(strokes, Iterable) or isinstance(strokes, (str, bytes, dict)):
        raise ValueError("strokes must be a list of strokes, each a list of [x, y]")
    lines = []
    for number, stroke in enumerate(strokes, 1):
        try:
            line = np.asarray(stroke, dtype=np.float64)
        except (TypeError, ValueError):
            line = np.empty(0)
        if line.size == 0 and isinstance(stroke, (list, tuple)) and not stroke:
            continue
        if line.ndim != 2 or line.shape[1] != 2 or not np.isfinite(line).all():
            raise ValueError(f"stroke {number} must be a list of points [x, y] of finite numbers")
        lines.append(line)
    if not lines:
        raise ValueError("there are no strokes: nothing has been drawn")
    return lines


def read_drawings(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """A file of drawings as pictures float32 (N, 28, 28) and labels int64 (N,).

    The file holds JSON lines, gzip or plain: {"label": 3, "strokes": [[[x, y], ...], ...]}.
    """
    path = Path(path)
    raw = path.read_bytes()
    text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    pictures, labels = [], []
    for number, line in enumerate(text.decode().splitlines(), 1):
        if not line.strip():
            continue
        try:
            drawing = json.loads(line)
            label = drawing["label"]
            if type(label) is not int or not 0 <= label <= 9:
                raise ValueError(f"the label must be a digit, not {label!r}")
            pictures.append(rasterize(drawing["strokes"]))
            labels.append(label)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: not a drawing such as "
                             '{"label": 3, "strokes": [[[x, y], ...], ...]} '
                             f"({error})") from error
    if not labels:
        raise ValueError(f"{path} holds no drawings")
    return np.stack(pictures), np.array(labels)


def _draw_line(pencil: Any, points: np.ndarray, width: float) -> None:
    """A stroke with round ends and round bends."""
    corners = [tuple(point) for point in points]
    if len(corners) > 1:
        pencil.line(corners, fill=255, width=math.ceil(width))
    for x, y in corners:
        pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
