"""How sure a network may say it is, and when it had better say "not sure".

A network's probabilities are often too proud: of the answers it calls 99 % sure, fewer than 99
in 100 are right. Two numbers mend that, both found on pictures that it has not learnt from:

- a *temperature*, by which all logits are divided before softmax. Above 1 it makes every answer
  more modest, and it changes none (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern
  Neural Networks", 2017, arXiv:1706.04599);
- a *threshold*: below this probability the honest answer is "not sure".

    trust = confidence.fit(logits, labels)      on held-out pictures
    trust.probabilities(logits)                 what to show
    trust.sure(logits)                          whether to answer at all

They are kept in the header of the weights that they belong to: `notes`, and back with `of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RIGHT = 0.998
"""What part of the answers above the threshold is to be right, on the pictures it is chosen on."""


class Confidence(NamedTuple):
    """What to divide a network's logits by, and from which probability on to answer."""

    temperature: float = 1.0
    threshold: float = 0.0

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """The probability of each digit: (N, 10) from logits (N, 10)."""
        powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / self.temperature)
        return powers / powers.sum(axis=1, keepdims=True)

    def sure(self, logits: np.ndarray) -> np.ndarray:
        """Whether the likeliest digit of each row is likely enough to be answered, bool (N,)."""
        # In float64: in float32 a threshold just above 1 would be 1.
        return self.probabilities(logits).max(axis=1).astype(np.float64) >= self.threshold

    def notes(self) -> dict[str, str]:
        """The two numbers as the header of a weights file holds them."""
        return {"temperature": repr(self.temperature), "threshold": repr(self.threshold)}


def of(header: Mapping[str, str]) -> Confidence:
    """What the header of a weights file says; without a word there, all is taken at its word."""
    return Confidence(float(header.get("temperature", 1.0)), float(header.get("threshold", 0.0)))


def fit(logits: np.ndarray, labels: np.ndarray, right: float = RIGHT) -> Confidence:
    """The temperature and the threshold for a network that gave `logits` (N, 10) for `labels`.

    right: what part of the answers that the threshold lets through is to be right, here.
    """
    temperature = _temperature(logits, labels)
    probabilities = Confidence(temperature).probabilities(logits)
    return Confidence(temperature, _threshold(probabilities, labels, right))


def _temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature at which the labels are least surprising.

    In 1 / temperature the mean cross-entropy is a valley without bumps. Its slope there is the
    mean logit that the network expects, less the mean logit of the right answers: so halve the
    way to where that is 0, again and again.
    """
    z = logits.astype(np.float64)
    right = z[np.arange(len(z)), labels].mean()
    low, high = 1e-2, 1e2
    for _ in range(60):
        middle = (low * high) ** 0.5
        expected = (Confidence(1 / middle).probabilities(z) * z).sum(axis=1).mean()
        low, high = (middle, high) if expected < right else (low, middle)
    return round(1 / low, 4)


def _threshold(probabilities: np.ndarray, labels: np.ndarray, right: float) -> float:
    """The lowest threshold at which the answers let through are right so often.

    Answers of the same probability pass together or not at all. So many have to pass that one
    mistake among them would be allowed, or all: a few, all right, prove nothing of the others.
    Where no threshold will do, it is just above 1, and nothing passes.
    """
    best = probabilities.max(axis=1)
    order = np.argsort(-best, kind="stable")
    passed = np.arange(1, len(best) + 1)
    wrong = passed - (probabilities.argmax(axis=1) == labels)[order].cumsum()
    best = best[order]
    last_of_its_value = np.append(best[1:] < best[:-1], True)
    allowed = (1 - right) * passed + 1e-9                          # 0.1 * 10 is not quite 1
    enough = np.flatnonzero((wrong <= allowed) & ((allowed >= 1) | (passed == len(best)))
                            & last_of_its_value)
    return float(best[enough[-1]]) if len(enough) else float(np.nextafter(1, 2))


# --- measuring ---------------------------------------------------------------------------


class Bin(NamedTuple):
    """Answers of about one probability: how many, their mean probability, the part right."""

    size: int
    promised: float
    kept: float


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[Bin]:
    """Answers sorted into `bins` ranges of equal width by their probability; empty ones left out.

    probabilities: (N, 10). labels: (N,). A network that means what it says keeps in every bin
    what it promises.
    """
    best, good = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((best * bins).astype(int), bins - 1)
    return [Bin(int(inside.sum()), float(best[inside].mean()), float(good[inside].mean()))
            for inside in (place == number for number in range(bins)) if inside.any()]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """The expected calibration error: by how much promises are missed, on average over answers.

    (Naeini, Cooper and Hauskrecht, 2015; fifteen bins as in Guo et al., 2017.)
    """
    found = reliability(probabilities, labels, bins)
    return sum(each.size * abs(each.promised - each.kept) for each in found) / len(labels)


def told(logits: np.ndarray, labels: np.ndarray, trust: Confidence) -> dict[str, Any]:
    """How calibrated a network is on labelled pictures, and what becomes of its answers."""
    sure = trust.sure(logits)
    good = logits.argmax(axis=1) == labels
    return {"pictures": len(labels), "accuracy": float(good.mean()),
            "error_before": calibration_error(Confidence().probabilities(logits), labels),
            "error_after": calibration_error(trust.probabilities(logits), labels),
            "answered": float(sure.mean()),
            "right_when_answered": float(good[sure].mean()) if sure.any() else None}


def draw(logits: np.ndarray, labels: np.ndarray, trust: Confidence, path: str | Path) -> None:
    """The reliability diagram before and after temperature scaling, into a picture file.

    A dot for each bin, the larger the more answers are in it. On the diagonal, promises are kept.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), layout="constrained")
    for axes, each, name in zip(figure.subplots(1, 2, sharey=True), (Confidence(), trust),
                                ("as trained", f"temperature {trust.temperature:.2f}"),
                                strict=True):
        probabilities = each.probabilities(logits)
        found = reliability(probabilities, labels)
        error = calibration_error(probabilities, labels)
        axes.plot([0, 1], [0, 1], color="#888888", linewidth=2, linestyle="--")
        axes.scatter([bin.promised for bin in found], [bin.kept for bin in found],
                     s=[20 + 1500 * bin.size / len(labels) for bin in found], color="#0072b2",
                     alpha=0.8)
        axes.set(xlim=(0, 1.05), ylim=(0, 1.05), xlabel="promised: probability of the answer",
                 title=f"{name}: calibration error {error:.2%}")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("kept: part of the answers that is right")
    figure.savefig(path, dpi=100)
