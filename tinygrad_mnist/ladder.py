"""The ladder from a drawing to one that is read rightly: what each step of preparing brings.

    python -m tinygrad_mnist ladder --drawn drawings.jsonl

A network that reads 98 % of MNIST's test pictures reads next to nothing of what is drawn on a
white page: the colours are the wrong way round, and the digit has another size and another
place than it has ever seen. Each step of `handwriting` takes one such difference away. Here
drawings are put on a page, as a hand would put them there, and the same network reads them
after every step.

What preparing cannot mend, training may: `train_each` trains a network once more for each kind
of other pictures that it is shown, and measures what that kind brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import datasets, handwriting, models, training
from .datasets import TensorDataset
from .nn import Module
from .recipes import Recipe
from .team import matrix_threads
from .transforms import RandomApply

PAGE = 280  # pixels of the page, each way: ten times MNIST's
BRUSH = 12  # pixels, the width of the pen on the page


def on_a_page(strokes: handwriting.Strokes, draw: np.random.Generator) -> np.ndarray:
    """A drawing with a black pen on a white page: float32 (280, 280), 0 black to 1 white.

    `draw` says how large it is, from a third to two thirds of the page, and where it is.
    """
    lines = handwriting.checked_strokes(strokes)
    points = np.concatenate(lines)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = draw.uniform(PAGE / 3, PAGE * 2 / 3) / max(extent.max(), 1e-9)
    corner = draw.uniform(BRUSH, PAGE - BRUSH - extent * scale)
    placed = [(line - low) * scale + corner for line in lines]
    return handwriting.on_page(placed, (PAGE, PAGE), BRUSH)


def _rung(*later: str) -> Callable[[np.ndarray], np.ndarray]:
    """Preparing a page without the steps that come later."""
    return lambda page: handwriting.prepare(page, later)


STEPS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "as drawn": ("the whole page, 28 x 28, black on white",
                 _rung("inverted", "cropped", "scaled", "centred")),
    "inverted": ("ink is 1 and paper 0", _rung("cropped", "scaled", "centred")),
    "cropped": ("the ink fills the picture", _rung("scaled", "centred")),
    "scaled": ("its longer side is 20, proportions kept", _rung("centred")),
    "centred": ("the centre of mass is in the middle", _rung()),
}
"""The steps of `handwriting.prepare`: each with what is true from then on."""

PEN_STEP = ("same pen", "drawn again from its strokes, 2.5 wide")


def climb(model: Module, strokes: Sequence[handwriting.Strokes], labels: np.ndarray
          ) -> list[dict[str, Any]]:
    """How much of the drawings the model reads rightly after each step."""
    draw = np.random.default_rng(0)
    pages = [on_a_page(each, draw) for each in strokes]
    prepared = [(name, truth, [step(page) for page in pages])
                for name, (truth, step) in STEPS.items()]
    prepared.append((*PEN_STEP, [handwriting.rasterize(each) for each in strokes]))
    return [{"step": name, "then": truth, "accuracy": _accuracy(model, pictures, labels)}
            for name, truth, pictures in prepared]


def compare(networks: dict[str, Module], mnist: Any, strokes: Sequence[handwriting.Strokes],
            labels: np.ndarray) -> list[dict[str, Any]]:
    """Each network's accuracy on MNIST's test pictures and, if there are any, on drawings."""
    pictures = [handwriting.rasterize(each) for each in strokes]
    return [{"model": name, "parameters": models.count_parameters(model),
             **_accuracies(model, mnist, pictures, labels)} for name, model in networks.items()]


def train_each(recipe: Recipe, train: datasets.MNIST, test: Any,
               strokes: Sequence[handwriting.Strokes], labels: np.ndarray
               ) -> Iterator[dict[str, Any]]:
    """Train by `recipe`, first on MNIST as it is, then each time with one more kind of pictures.

    Gives for each training what was added, and the accuracy on MNIST's test pictures and, if
    there are any, on the drawings.
    """
    pictures = [handwriting.rasterize(each) for each in strokes]
    apply: Any
    (apply,) = recipe.augment  # a RandomApply
    kinds = apply.transforms.transforms
    trainings = {"MNIST as it is": replace(recipe, augment=(), habits=0.0)}
    for count, kind in enumerate(kinds, 1):
        some = (RandomApply(kinds[:count], apply.p),)
        trainings[f"+ {type(kind).__name__}"] = replace(recipe, augment=some, habits=0.0)
    trainings["+ habits"] = recipe
    for name, each in trainings.items():
        model, optimizer, loader, scheduler = each.make_training(train)
        with matrix_threads(1):  # as the program's `train --recipe` has it
            training.fit(model, loader, optimizer, each.epochs, loss_function=each.loss_function,
                         scheduler=scheduler, augment=each.make_augment(),
                         workers=each.workers or 1)
        yield {"added": name, **_accuracies(model, test, pictures, labels)}


def shipped() -> dict[str, Path]:
    """The files of trained weights in data/models, by the names of their networks."""
    folder = datasets.models_root()
    files = {name: folder / f"{name}.safetensors" for name in models.MODELS}
    return {name: file for name, file in files.items() if file.is_file()}


def _accuracies(model: Module, mnist: Any, pictures: Sequence[np.ndarray], labels: np.ndarray
                ) -> dict[str, float | None]:
    """On MNIST's test pictures and, if there are any, on drawings that have been prepared."""
    return {"mnist": training.evaluate(model, mnist).accuracy,
            "drawn": _accuracy(model, pictures, labels) if pictures else None}


def _accuracy(model: Module, pictures: Sequence[np.ndarray], labels: np.ndarray) -> float:
    data = TensorDataset(np.stack(pictures)[:, None], labels)
    return training.evaluate(model, data).accuracy
