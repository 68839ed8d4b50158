"""The trained networks that ship, loaded once and shared by all requests.

Nothing changes a network after it is loaded (it is in the mode for predicting, and `no_grad`
holds for one thread only), so any number of threads may predict with it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_mnist import confidence, introspection, models, training
from tinygrad_mnist.nn import Module
from tinygrad_mnist.tensor import Tensor

from . import reading
from .errors import Refusal

DEFAULT = "best"
"""The network that answers when nobody chooses one; where it is missing, the last one is."""


@dataclass(frozen=True)
class Network:
    """A trained network, and what its file says of it."""

    name: str
    model: Module
    header: Mapping[str, str]
    confidence: confidence.Confidence

    def predict(self, picture: np.ndarray) -> dict[str, Any]:
        """What it reads in a picture, float32 (28, 28), and how long that took, as JSON."""
        began = time.perf_counter()
        logits = training.predict(self.model, as_batch(picture))            # (1, 10)
        milliseconds = 1e3 * (time.perf_counter() - began)
        return {**self.answer(logits), "milliseconds": milliseconds}

    def answer(self, logits: np.ndarray) -> dict[str, Any]:
        """What it says by these logits, (1, 10), as JSON."""
        return {"model": self.name, "digit": int(logits.argmax()),
                "sure": bool(self.confidence.sure(logits)[0]),
                "probabilities": self.confidence.probabilities(logits)[0].tolist()}

    def described(self) -> dict[str, Any]:
        """What there is to know of it before it has read anything, as JSON."""
        blank = np.zeros((28, 28), np.float32)
        times = [self.predict(blank)["milliseconds"] for _ in range(9)]
        return {"name": self.name, "parameters": models.count_parameters(self.model),
                "mnist": self._note("test_accuracy"), "drawn": self._note("drawn_accuracy"),
                "milliseconds": statistics.median(times), "sure_from": self._note("threshold"),
                "layers": [_described(*each) for each in
                           introspection.activations(self.model, as_batch(blank))]}

    def _note(self, key: str) -> float | None:
        return float(self.header[key]) if key in self.header else None


def load_all(folder: Path) -> dict[str, Network]:
    """The networks whose weights lie in `folder`, by name, the smallest first.

    Raises FileNotFoundError if there are none, ValueError if a file is damaged.
    """
    networks = {}
    for name in models.MODELS:
        file = folder / f"{name}.safetensors"
        if file.is_file():
            model, header = models.read(file)
            networks[name] = Network(name, model, header, confidence.of(header))
    if not networks:
        raise FileNotFoundError(
            f"there are no trained weights in {folder.resolve()}: they come with the project, in "
            "data/models (or train them: python -m tinygrad_mnist train --recipe seed --out "
            f"{folder / 'seed.safetensors'})")
    return networks


def default(networks: Mapping[str, Network]) -> str:
    """The name of the network that answers when nobody chooses one."""
    return DEFAULT if DEFAULT in networks else list(networks)[-1]


def chosen(networks: Mapping[str, Network], names: Any) -> list[Network]:
    """The networks that a request names, each once."""
    if not isinstance(names, list) or not names:
        raise Refusal("models.not_a_list", f"models must be a list of names: {', '.join(networks)}")
    wanted = [reading.one_of(name, "model", networks) for name in names]
    if len(set(wanted)) < len(wanted):
        raise Refusal("models.repeated", "models names a model more than once")
    return [networks[name] for name in wanted]


def as_batch(picture: np.ndarray) -> Tensor:
    """One picture (28, 28) as the networks take pictures: (1, 1, 28, 28)."""
    return Tensor(picture[None, None])


def _described(name: str, layer: Module, output: np.ndarray) -> dict[str, Any]:
    return {"name": name, "kind": type(layer).__name__, "text": repr(layer),
            "shape": list(output.shape[1:]),
            "parameters": sum(parameter.numel() for parameter in layer.parameters())}
