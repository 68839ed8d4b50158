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
        draw_line(pencil, ((line - low) * scale + margin) * FINE, PEN * FINE)
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


# --- what other hands add ----------------------------------------------------------------


def with_habits(pictures: np.ndarray, labels: np.ndarray, part: float, seed: int = 0) -> np.ndarray:
    """MNIST as other hands would write it: slashed zeros, hooked ones, barred sevens.

    In MNIST, which was written in one country, they are rare; elsewhere most people write a
    one with an upstroke. `part` of these three digits get theirs, each drawn a little
    differently, with a pen as wide as MNIST's. pictures: uint8 (N, 28, 28), left as they are.
    """
    if not 0 <= part <= 1:
        raise ValueError(f"part must be from 0 to 1, not {part}")
    draw, result = np.random.default_rng(seed), pictures.copy()
    for digit, habit in ((0, _slash), (1, _hook), (7, _bar)):
        chosen = np.flatnonzero((labels == digit) & (draw.random(len(labels)) < part))
        if len(chosen):
            start, end = habit(pictures[chosen], draw)
            lines = _lines(start, end, draw.uniform(0.7 * PEN, 1.3 * PEN, len(chosen)))
            result[chosen] = np.maximum(result[chosen], np.rint(255 * lines).astype(np.uint8))
    return result


def _slash(pictures: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Through a zero: from above on the right to below on the left."""
    (top, bottom), (left, right) = _box(pictures)
    wander = draw.uniform(-2, 3, (4, len(pictures)))
    return (np.stack([top + wander[0], right - wander[1]]),
            np.stack([bottom - wander[2], left + wander[3]]))


def _hook(pictures: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Before a one: up to its tip, from below on the left."""
    (top, bottom), _ = _box(pictures)
    tip = np.stack([top + 1, _middle_at(pictures, top + 1)])
    length = draw.uniform(0.2, 0.65, len(pictures)) * (bottom - top + 1)
    angle = np.radians(draw.uniform(20, 65, len(pictures)))
    return tip, tip + length * np.stack([np.cos(angle), -np.sin(angle)])


def _bar(pictures: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Across a seven, half-way down."""
    (top, bottom), _ = _box(pictures)
    row = top + draw.uniform(0.4, 0.6, len(pictures)) * (bottom - top)
    middle = np.stack([row, _middle_at(pictures, np.rint(row).astype(int))])
    half = np.stack([draw.uniform(-1.5, 1.5, len(pictures)), draw.uniform(3, 6, len(pictures))])
    return middle - half, middle + half


def _box(pictures: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first and the last row and column with ink of each picture, (N,) each."""
    inside = [np.asarray((pictures > 64).any(axis=axis)) for axis in (2, 1)]
    return [(each.argmax(axis=1), SIZE - 1 - each[:, ::-1].argmax(axis=1)) for each in inside]


def _middle_at(pictures: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The column in the middle of the ink of each picture's row, (N,)."""
    ink = pictures[np.arange(len(pictures)), rows].astype(np.float64)      # (N, 28)
    return (ink @ np.arange(SIZE)) / np.maximum(ink.sum(axis=1), 1)


def _lines(start: np.ndarray, end: np.ndarray, width: np.ndarray) -> np.ndarray:
    """One straight line in each picture, from (y, x) to (y, x), (2, N): ink (N, 28, 28)."""
    way = (end - start)[:, None, None]                                     # (2, 1, 1, N)
    pixels = np.indices((SIZE, SIZE))[..., None] - start[:, None, None]    # (2, 28, 28, N)
    part = np.clip((pixels * way).sum(axis=0) / (way ** 2).sum(axis=0), 0, 1)
    far = np.sqrt(((pixels - part * way) ** 2).sum(axis=0))                # (28, 28, N)
    return np.clip(width / 2 + 0.5 - far, 0, 1).transpose(2, 0, 1)


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
    """A file of drawings as pictures float32 (N, 28, 28) and labels int64 (N,)."""
    strokes, labels = read_strokes(path)
    return np.stack([rasterize(each) for each in strokes]), labels


def read_strokes(path: str | Path) -> tuple[list[Strokes], np.ndarray]:
    """A file of drawings as their strokes and labels int64 (N,).

    The file holds JSON lines, gzip or plain: {"label": 3, "strokes": [[[x, y], ...], ...]}.
    """
    path = Path(path)
    raw = path.read_bytes()
    text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    drawings, labels = [], []
    for number, line in enumerate(text.decode().splitlines(), 1):
        if not line.strip():
            continue
        try:
            drawing = json.loads(line)
            label = drawing["label"]
            if type(label) is not int or not 0 <= label <= 9:
                raise ValueError(f"the label must be a digit, not {label!r}")
            checked_strokes(drawing["strokes"])
            drawings.append(drawing["strokes"])
            labels.append(label)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: not a drawing such as "
                             '{"label": 3, "strokes": [[[x, y], ...], ...]} '
                             f"({error})") from error
    if not labels:
        raise ValueError(f"{path} holds no drawings")
    return drawings, np.array(labels)


def draw_line(pencil: Any, points: np.ndarray, width: float, fill: int = 255) -> None:
    """A stroke with round ends and round bends."""
    corners = [tuple(point) for point in points]
    if len(corners) > 1:
        pencil.line(corners, fill=fill, width=math.ceil(width))
    for x, y in corners:
        pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=fill)
