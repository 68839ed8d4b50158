"""Drawings that are no digits: scribbles, hatching, letters. What a network should not answer to.

A network for digits has ten answers, and no eleventh for "this is none". Shown a scribble it
would still name a digit, often loudly: it has never been told that there is anything else. So
here are drawings to tell it with, and others to measure whether it has understood. All are
strokes, made up by a few random numbers, as `handwriting.rasterize` takes them:

    doodle(draw)          any of these, to learn from
    scribble(draw)        a line that wanders about
    hatching(draw)        up and down, side by side
    letter(draw, "K")     a capital letter, in a shaky hand
    samples()             many of each, to measure on

In a training set a doodle has the label NO_DIGIT.
"""

from __future__ import annotations

import numpy as np

from . import handwriting
from .functional import cross_entropy
from .handwriting import Strokes
from .tensor import Tensor

NO_DIGIT = -1

LETTERS = {
    "A": "06 20 46, 14 34", "C": "41 30 10 01 05 16 36 45", "E": "40 00 06 46, 03 33",
    "F": "40 00 06, 03 33", "G": "41 30 10 01 05 16 36 45 43 23", "H": "00 06, 40 46, 03 43",
    "J": "10 40, 30 35 26 16 05", "K": "00 06, 40 03 46", "L": "00 06 46",
    "M": "06 00 23 40 46", "N": "06 00 46 40", "P": "06 00 30 41 42 33 03",
    "R": "06 00 30 41 42 33 03, 23 46", "T": "00 40, 20 26", "U": "00 05 16 36 45 40",
    "V": "00 26 40", "W": "00 16 23 36 40", "X": "00 46, 40 06", "Y": "00 23 40, 23 26",
}
"""Capitals as strokes of points "xy" on a grid of 5 by 7; those that are a digit, too, are left
out: B, D, I, O, Q, S and Z can be read as 8, 0, 1, 0, 0, 5 and 2."""

TAUGHT = "AEFKMNPRWX"
"""The letters that `doodle` draws. The others are kept to see whether it works for strange ones."""


def doodle(draw: np.random.Generator) -> Strokes:
    """A drawing that is no digit, to learn from: a scribble, hatching, or one of TAUGHT."""
    kind = draw.integers(3)
    if kind == 2:
        return letter(draw, draw.choice(list(TAUGHT)))
    return scribble(draw) if kind == 0 else hatching(draw)


def scribble(draw: np.random.Generator) -> Strokes:
    """One line that wanders about: a few waves, each way, added up."""
    waves = np.arange(1, draw.integers(5, 10))[:, None]                    # (K, 1)
    time = draw.uniform(0.4, 1) * np.linspace(0, 2 * np.pi, 100)           # (100,)
    size, start = draw.normal(size=(2, *waves.shape)), draw.uniform(0, 2 * np.pi, (2, *waves.shape))
    return [np.sum(size * np.sin(waves * time + start), axis=1).T.tolist()]


def hatching(draw: np.random.Generator) -> Strokes:
    """Up and down, side by side, without lifting the pen."""
    turns = np.arange(2 * draw.integers(4, 12))
    height = draw.uniform(2, 6)
    points = np.stack([turns / 2, (turns % 2) * height + draw.normal(0, 0.3, len(turns))], axis=1)
    return _by_hand([points], draw)


def letter(draw: np.random.Generator, name: str) -> Strokes:
    """A capital letter, one of LETTERS."""
    return _by_hand([np.array([list(map(int, point)) for point in stroke.split()], float)
                     for stroke in LETTERS[name].split(",")], draw)


def _by_hand(lines: list[np.ndarray], draw: np.random.Generator) -> Strokes:
    """The same strokes slanted, stretched, and in a hand that shakes a little."""
    leaning = np.diag(draw.uniform(0.7, 1.3, 2)) + draw.normal(0, 0.12, (2, 2))
    waves, start = draw.uniform(0.3, 1, (2, 2)), draw.uniform(0, 2 * np.pi, 2)
    shaken = []
    for line in lines:
        part = np.linspace(0, len(line) - 1, 8 * len(line))
        points = np.stack([np.interp(part, range(len(line)), way) for way in line.T], axis=1)
        shaken.append(((points + 0.25 * np.sin(points @ waves + start)) @ leaning).tolist())
    return shaken


def samples(count: int = 500) -> dict[str, Tensor]:
    """Pictures (N, 1, 28, 28) to measure on, by what they are; the same ones each time."""
    draw = np.random.default_rng(1)
    strange = sorted(LETTERS.keys() - set(TAUGHT))
    kinds = {"scribbles": [scribble(draw) for _ in range(count)],
             "hatchings": [hatching(draw) for _ in range(count)],
             "letters": [letter(draw, draw.choice(list(TAUGHT))) for _ in range(count)],
             "letters never taught": [letter(draw, draw.choice(strange)) for _ in range(count)]}
    return {name: Tensor(np.stack([handwriting.rasterize(each) for each in drawn])[:, None])
            for name, drawn in kinds.items()}


# --- learning from them ------------------------------------------------------------------


def with_doodles(pictures: np.ndarray, labels: np.ndarray, part: float, seed: int = 0
                 ) -> tuple[np.ndarray, np.ndarray]:
    """A training set, uint8 (N, 28, 28) and int64 (N,), with doodles after it: `part` times N."""
    draw = np.random.default_rng(seed)
    drawn = [np.rint(255 * handwriting.rasterize(doodle(draw))).astype(np.uint8)
             for _ in range(round(part * len(labels)))]
    if not drawn:
        return pictures, labels
    return (np.concatenate([pictures, np.stack(drawn)]),
            np.concatenate([labels, np.full(len(drawn), NO_DIGIT, labels.dtype)]))


def cross_entropy_with_doodles(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0
                               ) -> Tensor:
    """The mean cross-entropy, where a doodle's right answer is: all digits alike.

    Of a doodle it counts how far the answer is from that, so that the best loss is 0 for it,
    too. (Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier Exposure",
    2019, arXiv:1812.04606.)
    """
    N, C = logits.shape
    told = labels.numpy()                                                  # (N,), on the host
    digits, doodles = np.flatnonzero(told != NO_DIGIT), np.flatnonzero(told == NO_DIGIT)
    total = cross_entropy(logits[digits], told[digits], reduction="sum",
                          label_smoothing=label_smoothing)
    if len(doodles):
        anything = 0 * doodles  # with all of the target spread, no digit is named
        total = total + cross_entropy(logits[doodles], anything, reduction="sum",
                                      label_smoothing=1.0) - len(doodles) * float(np.log(C))
    return total / N
