"""From a drawing in a request to the picture that the network gets.

A drawing is strokes of a pen, one of MNIST's test pictures, or a photo. Whichever it is, it is
put on a page first, dark on bright as a person sees it, and from there goes through the steps
of `tinygrad_mnist.handwriting`, each of which the request may leave out.
"""

from __future__ import annotations

import base64
import binascii
import io
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from tinygrad_mnist import handwriting

from . import reading
from .errors import Refusal

FIELDS = ("strokes", "canvas", "thickness", "sample", "picture", "steps")
"""The fields of a request that describe a drawing."""

STROKES, POINTS = 100, 5000  # at the most, in one drawing
FARTHEST = 100_000           # the largest coordinate, in whatever unit the client counts
THICKNESS = 0.045            # of the pen on the page, as a part of the page's width
PAGE = 224                   # pixels of the longer side of a page for strokes
PHOTO = 512                  # pixels of the longer side of a photo when it is prepared
PHOTO_BYTES, PHOTO_PIXELS = 4 * 1024 * 1024, 16_000_000  # of a photo as it is sent, at the most
SHOWN = 56                   # pixels of the longer side of a picture that is shown to people

LIMITS = {"strokes": STROKES, "points": POINTS, "picture_bytes": PHOTO_BYTES,
          "picture_pixels": PHOTO_PIXELS}
"""What a client may want to know before it sends anything."""

_one_photo_at_a_time = threading.Lock()  # a large one takes a hundred megabytes for a moment


class Prepared(NamedTuple):
    """A drawing on its way: what it looks like after each step, and which were left out."""

    steps: dict[str, np.ndarray]
    without: set[str]

    @property
    def picture(self) -> np.ndarray:
        """What the network gets: float32 (28, 28), ink 1, paper 0."""
        return self.steps["centred"]

    def strip(self) -> list[dict[str, Any]]:
        """The steps as JSON, each a small picture."""
        return [{"name": name, "on": name not in self.without, **_shown(picture)}
                for name, picture in self.steps.items()]


def prepared(body: Mapping[str, Any], samples: np.ndarray) -> Prepared:
    """The drawing in the body of a request, prepared; samples: uint8 (N, 28, 28)."""
    given = [kind for kind in ("strokes", "sample", "picture") if kind in body]
    if len(given) != 1:
        raise Refusal("drawing.missing" if not given else "drawing.ambiguous",
                      "send exactly one of strokes, sample and picture")
    without = _left_out(body.get("steps", {}))
    canvas = _size(body["canvas"]) if "canvas" in body else None
    thickness = reading.number(body.get("thickness", THICKNESS), "thickness", 0.005, 0.2)
    strokes = None
    if given == ["strokes"]:
        page, strokes = _drawn(checked_strokes(body["strokes"]), canvas, thickness)
    elif given == ["sample"]:
        chosen = samples[reading.whole(body["sample"], "sample", 0, len(samples) - 1)]
        page = handwriting.grey(255 - chosen)
    else:
        page = _photographed(body["picture"])
    try:
        return Prepared(handwriting.steps(page, without, strokes), without)
    except ValueError as error:
        raise Refusal("drawing.no_ink", str(error)) from error


def encoded(values: np.ndarray) -> str:
    """Values from 0 to 1 as bytes from 0 to 255, in base64."""
    return base64.b64encode(np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)).decode()


# --- strokes -----------------------------------------------------------------------------


def checked_strokes(value: Any) -> list[np.ndarray]:
    """Strokes as arrays of points (P, 2), all within the limits."""
    if not isinstance(value, list):
        raise Refusal("strokes.not_a_list", "strokes must be a list of strokes, each a list of "
                      "points [x, y]")
    if len(value) > STROKES:
        raise Refusal("strokes.too_many", f"there are {len(value):,} strokes: at most {STROKES} "
                      "are taken")
    lines = [_stroke(stroke, place) for place, stroke in enumerate(value, 1) if stroke != []]
    if not lines:
        raise Refusal("drawing.empty", "nothing has been drawn")
    points = sum(map(len, lines))
    if points > POINTS:
        raise Refusal("points.too_many", f"there are {points:,} points: at most {POINTS:,} are "
                      "taken")
    return lines


def _stroke(stroke: Any, place: int) -> np.ndarray:
    """One stroke, checked number by number: NumPy would take true for 1."""
    if not isinstance(stroke, list) or not all(
            type(point) is list and len(point) == 2 for point in stroke):
        raise Refusal("strokes.not_points", f"stroke {place} must be a list of points [x, y]")
    for point in stroke:
        for coordinate in point:
            if type(coordinate) not in (int, float) or not abs(coordinate) <= FARTHEST:
                raise Refusal("strokes.not_finite", f"stroke {place} has a point that is not two "
                              f"finite numbers within {FARTHEST:,} of 0")
    return np.array(stroke, np.float64)


def _size(value: Any) -> np.ndarray:
    """[width, height] of a canvas."""
    if not isinstance(value, list) or len(value) != 2:
        raise Refusal("canvas.not_a_size", "canvas must be [width, height]")
    return np.array([reading.number(side, "canvas", 1, FARTHEST) for side in value])


def _drawn(lines: list[np.ndarray], canvas: np.ndarray | None, thickness: float
           ) -> tuple[np.ndarray, list[np.ndarray]]:
    """The page that strokes were drawn on, and the strokes in its pixels.

    Without a canvas the page is a square around the strokes, with a margin.
    """
    corner, size = np.zeros(2), canvas
    if size is None:
        points = np.concatenate(lines)
        low, high = points.min(axis=0), points.max(axis=0)
        size = np.full(2, 1.5 * max((high - low).max(), 1e-6))
        corner = (low + high - size) / 2
    scale = PAGE / size.max()
    width, height = (max(1, round(side * scale)) for side in size)
    placed = [(line - corner) * scale for line in lines]
    return handwriting.on_page(placed, (width, height), max(1.0, thickness * width)), placed


# --- photos ------------------------------------------------------------------------------


def _photographed(value: Any) -> np.ndarray:
    """A photo's brightness, float32 (H, W), at most 512 pixels long."""
    raw = _decoded(value)
    with _one_photo_at_a_time:
        try:
            with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > PHOTO_PIXELS:  # as its header says: none read
                    raise Refusal("picture.too_large", f"the picture is {picture.width:,} x "
                                  f"{picture.height:,} pixels: at most {PHOTO_PIXELS:,} are taken")
                picture.draft("RGB", (PHOTO, PHOTO))  # a JPEG can be read smaller from the start
                turned = ImageOps.exif_transpose(picture)
                turned = handwriting.eight_bits(turned).convert("RGBA")
                turned.thumbnail((PHOTO, PHOTO), Image.Resampling.BOX)
                return handwriting.grey(turned)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise Refusal("picture.too_large", "the picture has too many pixels") from error
        except Refusal:
            raise
        except Exception as error:  # damaged files make Pillow's readers fail in many ways
            raise Refusal("picture.unreadable", "this is not a PNG or JPEG picture that can be "
                          "read") from error


def _decoded(value: Any) -> bytes:
    if not isinstance(value, str):
        raise Refusal("picture.not_base64", "picture must be a PNG or JPEG file in base64")
    if len(value) > PHOTO_BYTES * 4 // 3 + 4:
        raise Refusal("picture.too_large", f"the picture's file is larger than {PHOTO_BYTES:,} "
                      "bytes", 413)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal("picture.not_base64", "picture must be a PNG or JPEG file in base64"
                      ) from error


# --- steps -------------------------------------------------------------------------------


def _left_out(value: Any) -> set[str]:
    """The steps that a request switches off: {"cropped": false}."""
    switches = reading.an_object(value, "steps", handwriting.STEPS)
    for name, on in switches.items():
        if not isinstance(on, bool):
            raise Refusal("steps.not_a_switch", f"the step {name} is either true or false")
    return {name for name, on in switches.items() if not on}


def _shown(picture: np.ndarray) -> dict[str, Any]:
    """A picture as JSON, at most 56 pixels long."""
    H, W = picture.shape
    if max(H, W) > SHOWN:
        factor = SHOWN / max(H, W)
        size = max(1, round(W * factor)), max(1, round(H * factor))
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
    return {"width": picture.shape[1], "height": picture.shape[0], "pixels": encoded(picture)}
