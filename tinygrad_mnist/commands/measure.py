"""evaluate, ladder, confidence: how well networks read, and whether they know it."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from .. import confidence, doodles, handwriting, models, training
from ..datasets import models_root
from ..ladder import climb, compare, shipped, train_each
from ..recipes import RECIPES
from .shared import a_digit, check_can_write, counted, fail, measuring_data, mnist


def evaluate(options: argparse.Namespace) -> int:
    """Measure one trained network in detail, or compare several."""
    networks = [(path, models.load(path)) for path in options.files]
    data, name = measuring_data(options.drawn)
    results = [(path, model, training.evaluate(model, data)) for path, model in networks]
    if options.json:
        print(json.dumps({"data": name, "models": [_measured(*each) for each in results]}))
    elif len(results) == 1:
        print(f"{options.files[0]} on {name}\n")
        print(_digit_table(results[0][2]))
    else:
        print(f"on {name}\n")
        print(_comparison(results))
    return 0


def _measured(path: str, model: Any, result: training.Evaluation) -> dict[str, Any]:
    right, total = np.diag(result.confusion), result.confusion.sum(axis=1)
    return {"file": path, "model": model.name, "parameters": models.count_parameters(model),
            "accuracy": result.accuracy, "pictures": len(result.labels),
            "ms_per_picture": 1e3 * result.seconds / len(result.labels),
            "per_digit": [{"digit": digit, "right": int(good), "pictures": int(count)}
                          for digit, (good, count) in enumerate(zip(right, total, strict=True))],
            "most_confused": [{"label": label, "read_as": read_as, "times": times}
                              for label, read_as, times in result.most_confused(10)]}


def _digit_table(result: training.Evaluation) -> str:
    right, total = np.diag(result.confusion), result.confusion.sum(axis=1)
    rows = [*zip(range(len(total)), total, right, strict=True), ("all", total.sum(), right.sum())]
    lines = ["digit  pictures  right  accuracy"]
    lines += [f"{digit:>5}  {pictures:8,}  {good:5,}  {100 * good / pictures:6.2f} %"
              for digit, pictures, good in rows if pictures]
    lines += [""] + [f"{times:4} times {a_digit(label)} was read as {read_as}"
                     for label, read_as, times in result.most_confused()]
    return "\n".join(lines)


def _comparison(results: list) -> str:
    width = max(len(str(path)) for path, _, _ in results)
    lines = [f"{'file':{width}}  model   parameters  accuracy  ms per picture"]
    lines += [f"{path!s:{width}}  {model.name:6}  {models.count_parameters(model):10,}  "
              f"{100 * result.accuracy:6.2f} %  {1e3 * result.seconds / len(result.labels):14.3f}"
              for path, model, result in results]
    return "\n".join(lines)


# --- ladder -------------------------------------------------------------------------------


def ladder(options: argparse.Namespace) -> int:
    """Show what each step of preparing a drawing brings, and how well each network reads."""
    files = shipped()
    if "seed" not in files:
        return fail(f"there is no seed.safetensors in {models_root()}")
    networks = {name: models.load(file) for name, file in files.items()}
    strokes: list = []
    labels = np.empty(0, np.int64)
    if options.drawn:
        strokes, labels = handwriting.read_strokes(options.drawn)
    steps = climb(networks["seed"], strokes, labels) if strokes else []
    test = mnist(train=False)
    compared = compare(networks, test, strokes, labels)
    trained = (train_each(RECIPES["seed"], mnist(train=True), test, strokes, labels)
               if options.train else ())
    if options.json:
        print(json.dumps({"drawn": options.drawn, "steps": steps, "models": compared,
                          "trainings": list(trained)}))
        return 0
    if steps:
        print(f"seed on the {counted(len(labels), 'drawing')} of {options.drawn}\n")
        print("\n".join(f"{each['step']:9}  {100 * each['accuracy']:6.2f} %  {each['then']}"
                        for each in steps), end="\n\n")
    print("model   parameters     MNIST" + "     drawn" * bool(strokes))
    for each in compared:
        print(f"{each['model']:6}  {each['parameters']:10,}{_accuracies(each)}")
    for number, each in enumerate(trained):
        if number == 0:
            print("\nseed, trained on        MNIST" + "     drawn" * bool(strokes))
        print(f"{each['added']:18}{_accuracies(each)}", flush=True)
    return 0


def _accuracies(measured: dict[str, Any]) -> str:
    """The accuracy on MNIST and, where it was measured, on drawings, as columns."""
    parts = [measured["mnist"], measured["drawn"]]
    return "".join(f"  {100 * part:6.2f} %" for part in parts if part is not None)


# --- confidence ---------------------------------------------------------------------------


def trust(options: argparse.Namespace) -> int:
    """Show whether a network means the probabilities that it gives, and when it is not sure."""
    check_can_write(picture=options.plot)
    model, header = models.read(options.file)
    found = confidence.of(header)
    sets = {"MNIST's test pictures": None} | ({"drawings": options.drawn} if options.drawn else {})
    measured = {}
    for name, drawn in sets.items():
        result = training.evaluate(model, measuring_data(drawn)[0])
        measured[name] = confidence.told(result.logits, result.labels, found)
    if options.plot:  # of what was measured last
        confidence.draw(result.logits, result.labels, found, options.plot)
    refused = {name: float(1 - found.sure(training.predict(model, pictures)).mean())
               for name, pictures in doodles.samples().items()}
    if options.json:
        print(json.dumps({"file": options.file, **found._asdict(), "measured": measured,
                          "refused": refused}))
        return 0
    limit = (f'"not sure" below a probability of {found.threshold:.1%}' if found.threshold <= 1
             else "never sure: no threshold makes its answers right often enough")
    print(f"{options.file}: temperature {found.temperature:.2f}; {limit}\n")
    print("                       pictures  accuracy  calibration error  answered  of these right")
    for name, told in measured.items():
        right = "-" if told["right_when_answered"] is None else f"{told['right_when_answered']:.2%}"
        print(f"{name:22} {told['pictures']:8,}  {told['accuracy']:7.2%}  "
              f"{told['error_before']:6.2%} -> {told['error_after']:6.2%}  "
              f"{told['answered']:8.2%}  {right:>14}")
    print("\nnot sure of " + ", ".join(f"{part:.0%} of {name}" for name, part in refused.items()))
    return 0
