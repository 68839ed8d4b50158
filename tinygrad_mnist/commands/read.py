"""predict: a network reads pictures, in the terminal."""

from __future__ import annotations

import argparse
import json

import numpy as np

from .. import confidence, handwriting, introspection, models, training
from ..tensor import Tensor
from .shared import a_digit, check_can_write, fail, mnist


def predict(options: argparse.Namespace) -> int:
    """Let a network read picture files, or a few of MNIST's test pictures."""
    if not options.pictures and not options.test:
        return fail("there is nothing to read: name picture files, or say --test 3", code=2)
    check_can_write(picture=options.plot)
    model, header = models.read(options.file)
    shown = [(path, _prepared(path)) for path in options.pictures]
    if options.test:
        data = mnist(train=False)
        pictures, labels = data[np.arange(min(options.test, len(data)))]
        shown += [(f"test picture {number}, {a_digit(label)}", picture[0])
                  for number, (picture, label)
                  in enumerate(zip(pictures.numpy(), labels, strict=True))]
    logits = training.predict(model, Tensor(np.stack([picture for _, picture in shown])[:, None]))
    if not np.isfinite(logits).all():
        raise ValueError(f"{options.file} gives no numbers for these pictures: its weights are no "
                         "finite numbers, or far too large")
    trusted = confidence.of(header)
    answers, sure = trusted.probabilities(logits), trusted.sure(logits)
    if options.plot:
        introspection.draw(model, shown[0][1], options.plot)
    if options.json:
        print(json.dumps([{"picture": str(name), "digit": int(p.argmax()), "sure": bool(certain),
                           "probabilities": [float(each) for each in p]}
                          for (name, _), p, certain in zip(shown, answers, sure, strict=True)]))
    else:
        for (name, picture), probabilities, certain in zip(shown, answers, sure, strict=True):
            read = "read as" if certain else "not sure, perhaps"
            print(f"{name}: {read} {probabilities.argmax()}\n")
            print(beside(as_text(picture), as_bars(probabilities)))
    return 0


def _prepared(path: str) -> np.ndarray:
    try:
        return handwriting.prepare(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def as_text(picture: np.ndarray) -> list[str]:
    """A picture (28, 28) as 14 lines of text: a letter is about twice as high as wide."""
    shades = " .:-=+*#%@"
    pairs = (picture[::2] + picture[1::2]) / 2
    return ["".join(shades[round(float(grey) * 9)] for grey in row) for row in pairs]


def as_bars(probabilities: np.ndarray) -> list[str]:
    """Ten probabilities as ten lines with bars."""
    return [f"{digit}  {p:6.1%}  {'#' * round(float(p) * 30)}"
            for digit, p in enumerate(probabilities)]


def beside(left: list[str], right: list[str]) -> str:
    """Two blocks of lines side by side, the lower one in the middle of the higher."""
    above = (len(left) - len(right)) // 2
    right = [""] * above + right + [""] * (len(left) - len(right) - above)
    return "\n".join(f"{a}   {b}".rstrip() for a, b in zip(left, right, strict=True))
