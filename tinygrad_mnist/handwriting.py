"""From a drawing to a picture such as the network has learnt from.

A network only knows pictures made as MNIST's were (LeCun et al., 1998): ink is 1 and paper
0, the digit fits a box of 20 x 20 pixels with its proportions kept, greys come from
averaging areas, and the centre of mass lies in the middle of 28 x 28. Whatever reaches us,
strokes of a pen or any picture, is brought into that form, step by step:

    picture --> grey --> inverted --> cropped --> scaled -----------> centred 28 x 28
    strokes --> on_page --> inverted --> cropped --> scaled --> same pen --> centred 28 x 28

`steps` goes this way and keeps every picture on it; any step can be left out, to see what it is
good for. `prepare` gives only the last picture. For strokes the last two steps are enough, since
they say by themselves where the ink is: that is `rasterize`.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Strokes = Sequence[Sequence[Sequence[float]]] | Sequence[np.ndarray]
"""A list of strokes, each a list of [x, y] or an array (P, 2), y downwards, in any unit."""

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
    return centred(drawn_again(checked_strokes(strokes)))


def prepare(picture: Any, without: Collection[str] = ()) -> np.ndarray:
    """Any picture as one made the way MNIST was: float32 (28, 28), ink 1, paper 0.

    picture: a file's path, a Pillow image, or a grey array (H, W), 0..255 or 0..1. Dark on
    bright or bright on dark, transparent or not. without: steps to leave out, as in `steps`.
    Raises ValueError if no ink is found.
    """
    return steps(grey(picture), without)["centred"]


def steps(page: np.ndarray, without: Collection[str] = (), strokes: Strokes | None = None
          ) -> dict[str, np.ndarray]:
    """What a drawing looks like after each step of preparing it, by the step's name, in order.

    page: its brightness, float32 (H, W), as `grey` or `on_page` give it. strokes: where the
        drawing was made of them, in pixels of the page: then there is a step "same_pen", and
        with all steps the last picture is that of `rasterize`.
    without: names of steps to leave out. What comes after has to live with it.

    The last picture, "centred", is what the network gets: float32 (28, 28), as are all from
    "scaled" on. Raises ValueError if no ink is found.
    """
    wrong = sorted(set(without) - set(STEPS))
    if wrong:
        raise ValueError(f"there is no step {', '.join(wrong)}: they are {', '.join(STEPS)}")
    invert, crop, scale, same_pen, centre = (name not in without for name in STEPS)
    paper = 0.0 if invert else float(np.median(_border(page)))
    seen = {"drawn": page}
    seen["inverted"] = picture = inked(page) if invert else page
    seen["cropped"] = picture = cropped(picture) if crop else picture
    seen["scaled"] = picture = scaled(picture, paper) if scale else stretched(picture)
    if strokes is not None:
        if same_pen:
            ink = drawn_again(checked_strokes(strokes), None if crop else page.shape, scale)
            picture = ink if invert else 1 - ink
        seen["same_pen"] = picture
    seen["centred"] = centred(picture) if centre else picture
    return seen


STEPS = ("inverted", "cropped", "scaled", "same_pen", "centred")
"""The steps that can be left out, in order."""


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
        except OSError as error:
            if error.errno is not None:  # the system's: no such file, and the like
                raise
            raise ValueError(f"this picture file is damaged: {error}") from error
        except Image.DecompressionBombError as error:
            raise ValueError(f"the picture is too large: {error}") from error
    colours = eight_bits(picture).convert("RGBA")
    paper = Image.new("RGBA", colours.size, "white")
    return np.asarray(Image.alpha_composite(paper, colours).convert("L"), np.float32) / 255


def eight_bits(picture: Any) -> Any:
    """A Pillow picture of more than 8 bits a pixel as one of 8; any other as it is.

    Pillow's own conversion would take everything above 255 for white, and a float of 1 for black.
    Where the mode does not tell what white is, the largest value does: 1, 255 or 65,535.
    """
    from PIL import Image

    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture, np.float32)
    white = 65535 if picture.mode.startswith("I;16") or values.max() > 255 else 255
    white = 1 if picture.mode == "F" and values.max() <= 1 else white
    return Image.fromarray((np.clip(values / white, 0, 1) * 255).round().astype(np.uint8))


def inked(brightness: np.ndarray) -> np.ndarray:
    """How much ink lies on each pixel, 0 to 1, whether it was written dark or bright.

    Ink is what differs from the paper, to the side where the picture goes farther, and by more
    than the noise along the border. Up to half of the border may be ink.
    """
    paper = paper_of(brightness)
    darker = paper - brightness
    ink = darker if darker.max() > -darker.min() else -darker
    # Few pixels of noise go beyond three standard deviations, which are 4.4 medians of it.
    ink = np.clip(ink - 4.4 * np.median(np.abs(_border(darker))), 0, None)
    if ink.max() <= 0.05:
        raise ValueError("there is no ink in the picture: it is blank, or too faint to tell")
    return brightened(ink)


def paper_of(brightness: np.ndarray) -> np.ndarray | np.floating:
    """How bright the paper is, or would be under the ink: (H, W), or one number if it is even.

    Light falls on a photographed page from somewhere, so one side is darker. The border shows
    the paper; through its brightness a smooth surface of second degree is laid, by least
    squares. Ink that reaches the border must not bend it: it is laid through the half of the
    border's pixels nearest to the middle brightness, then three times again through the half
    that the surface fits best (least trimmed squares; Rousseeuw, 1984).
    """
    border = _border(brightness)
    middle = np.median(border)
    rest = left = border - middle
    if not rest.any():
        return middle
    H, W = brightness.shape
    y, x = np.linspace(-1, 1, H)[:, None], np.linspace(-1, 1, W)[None]
    powers = [np.broadcast_to(each, (H, W)) for each in (1.0, x, y, x * y, x * x, y * y)]
    known = np.stack([_border(each) for each in powers], axis=1)      # (border, 6)
    for _ in range(4):
        near = np.abs(left) <= np.median(np.abs(left))
        surface = np.linalg.lstsq(known[near], rest[near], rcond=None)[0]
        left = rest - known @ surface
    return middle + sum(part * power for part, power in zip(surface, powers, strict=True)
                        ).astype(np.float32)


def _border(picture: np.ndarray) -> np.ndarray:
    """The pixels along the four edges, in one row."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def cropped(ink: np.ndarray) -> np.ndarray:
    """Without the empty rows and columns around the ink."""
    visible = ink > 0.2 if ink.shape != (SIZE, SIZE) else ink > 0
    if not visible.any():
        return ink
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    return ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]


def scaled(ink: np.ndarray, paper: float = 0.0) -> np.ndarray:
    """The longer side made 20 pixels, the proportions kept, in the middle of 28 x 28.

    paper: what to surround it with.
    """
    from PIL import Image

    H, W = ink.shape
    height, width = H, W
    if max(H, W) not in (BOX, BOX - 1):  # a few of MNIST's own are 19 long, and stay so
        factor = BOX / max(H, W)
        height, width = max(1, round(H * factor)), max(1, round(W * factor))
        method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
        resized = Image.fromarray(ink).resize((width, height), method)
        ink = np.clip(np.asarray(resized), 0, 1)
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    around = ((top, SIZE - height - top), (left, SIZE - width - left))
    return brightened(np.pad(ink, around, constant_values=paper))


def stretched(picture: np.ndarray) -> np.ndarray:
    """Any picture made 28 x 28, whatever becomes of its proportions."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((SIZE, SIZE), Image.Resampling.BOX))


def drawn_again(lines: Sequence[np.ndarray], page: tuple[int, ...] | None = None,
                keep_proportions: bool = True) -> np.ndarray:
    """Strokes drawn into 28 x 28 with a pen of 2.5 pixels: float32 (28, 28), ink 1, paper 0.

    lines: arrays of points (P, 2), as from `checked_strokes`. Their ink fills a box of 20 x 20
        in the middle, one way or both; with a page (H, W), it is the page that fills the box.
    keep_proportions: else the box is all of 28 x 28, and is filled both ways.
    """
    from PIL import Image, ImageDraw

    points = np.concatenate(lines)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    room = (BOX if keep_proportions else SIZE) - PEN  # for the middle of the pen
    if page is not None:
        low, extent, room = np.zeros(2), np.array(page[::-1], np.float64), room + PEN
    longest = np.full(2, extent.max()) if keep_proportions else extent
    scale = np.divide(room, longest, out=np.ones(2), where=longest > 1e-300)
    margin = (SIZE - extent * scale) / 2

    canvas = Image.new("L", (SIZE * FINE, SIZE * FINE))
    pencil = ImageDraw.Draw(canvas)
    for line in lines:
        draw_line(pencil, ((line - low) * scale + margin) * FINE, PEN * FINE)
    return brightened(np.asarray(canvas.convert("F").reduce(FINE)))


def centred(picture: np.ndarray) -> np.ndarray:
    """Moved by whole pixels so that the centre of mass is nearest to pixel 14 both ways.

    Measured on MNIST's own files: with 14.0, no picture of its test set moves. Never so far
    that ink would leave the picture.
    """
    for axis in (0, 1):
        ink = picture.sum(axis=1 - axis, dtype=np.float64)
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
    if not ink.max() > 0:
        raise ValueError("there is no ink in the picture")
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
    length = draw.uniform(0.25, 0.75, len(pictures)) * (bottom - top + 1)
    angle = np.radians(draw.uniform(25, 60, len(pictures)))
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
        if line.ndim != 2 or line.shape[1] != 2 or not (np.abs(line) < 1e100).all():
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
    try:
        text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged: it cannot be decompressed ({error})") from error
    try:
        lines = text.decode().splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} holds no drawings: it is no text in UTF-8 ({error})") from error
    drawings, labels = [], []
    for number, line in enumerate(lines, 1):
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


def on_page(strokes: Strokes, size: tuple[int, int], width: float) -> np.ndarray:
    """A drawing with a black pen on a white page: float32 (H, W), 0 black to 1 white.

    strokes: in pixels of the page. size: the page's (width, height). width: of the pen.
    """
    from PIL import Image, ImageDraw

    paper = Image.new("L", size, 255)
    pencil = ImageDraw.Draw(paper)
    for line in checked_strokes(strokes):
        draw_line(pencil, line, width, fill=0)
    return grey(np.asarray(paper))


def draw_line(pencil: Any, points: np.ndarray, width: float, fill: int = 255) -> None:
    """A stroke with round ends and round bends."""
    corners = [tuple(point) for point in points]
    if len(corners) > 1:
        pencil.line(corners, fill=fill, width=math.ceil(width))
    for x, y in corners:
        pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=fill)
