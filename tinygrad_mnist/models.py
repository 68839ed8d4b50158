"""The networks, by name. Each is a short list of layers, and that is all it is.

    model = models.create("seed")        a new one, with fresh weights
    model = models.load("my.safetensors")    a trained one, from its file
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import checkpoint
from .nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential


def linear() -> Sequential:
    """One layer: each digit is one weighted sum of all pixels."""
    return Sequential(
        Flatten(),
        Linear(28 * 28, 10),
    )


def mlp() -> Sequential:
    """A small multi-layer perceptron: 64 sums of all pixels, then ten sums of those."""
    return Sequential(
        Flatten(),
        Linear(28 * 28, 64),
        ReLU(),
        Linear(64, 10),
    )


def seed() -> Sequential:
    """The talk's network: two convolutions with pooling, then two fully connected layers."""
    return Sequential(
        Conv2d(1, 16, kernel_size=3, padding=1),    # (N, 16, 28, 28)
        MaxPool2d(2),                               # (N, 16, 14, 14)
        Conv2d(16, 32, kernel_size=3, padding=1),   # (N, 32, 14, 14)
        MaxPool2d(2),                               # (N, 32, 7, 7)
        Flatten(),                                  # (N, 1568)
        Linear(32 * 7 * 7, 16),                     # (N, 16)
        ReLU(),
        Linear(16, 10),                             # (N, 10)
    )


def lenet() -> Sequential:
    """LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998), as it is built today.

    Sizes and order are the paper's. Other than there: max-pooling in place of averages with a
    weight and a bias; ReLU in place of a scaled tanh; every kernel of the second convolution
    sees all six maps; and ten sums end it, in place of distances to ten drawn digits.
    """
    return Sequential(
        Conv2d(1, 6, kernel_size=5, padding=2),     # (N, 6, 28, 28)
        ReLU(),
        MaxPool2d(2),                               # (N, 6, 14, 14)
        Conv2d(6, 16, kernel_size=5),               # (N, 16, 10, 10)
        ReLU(),
        MaxPool2d(2),                               # (N, 16, 5, 5)
        Flatten(),                                  # (N, 400)
        Linear(16 * 5 * 5, 120),                    # (N, 120)
        ReLU(),
        Linear(120, 84),                            # (N, 84)
        ReLU(),
        Linear(84, 10),                             # (N, 10)
    )


def best() -> Sequential:
    """The most accurate: six convolutions, wider the smaller their pictures are.

    Two small kernels in a row see as much as one large one, with fewer weights and a bend
    between (Simonyan and Zisserman, 2014, arXiv:1409.1556). By the sixth convolution a place of
    its maps has seen most of the picture, and one fully connected layer is enough. Dropout keeps
    that one from learning the training pictures by heart.
    """
    return Sequential(
        Conv2d(1, 32, kernel_size=3),               # (N, 32, 26, 26)
        ReLU(),
        Conv2d(32, 32, kernel_size=3),              # (N, 32, 24, 24)
        ReLU(),
        MaxPool2d(2),                               # (N, 32, 12, 12)
        Conv2d(32, 64, kernel_size=3, padding=1),   # (N, 64, 12, 12)
        ReLU(),
        Conv2d(64, 64, kernel_size=3),              # (N, 64, 10, 10)
        ReLU(),
        MaxPool2d(2),                               # (N, 64, 5, 5)
        Conv2d(64, 128, kernel_size=3, padding=1),  # (N, 128, 5, 5)
        ReLU(),
        Conv2d(128, 128, kernel_size=3),            # (N, 128, 3, 3)
        ReLU(),
        Flatten(),                                  # (N, 1152)
        Dropout(0.3),
        Linear(128 * 3 * 3, 10),                    # (N, 10)
    )


MODELS: dict[str, Callable[[], Sequential]] = {
    each.__name__: each for each in (linear, mlp, seed, lenet, best)}


def create(name: str) -> Module:
    """A new network with fresh weights, drawn from the generator that `manual_seed` seeds."""
    if name not in MODELS:
        raise ValueError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    model = MODELS[name]()
    model.name = name
    return model


def load(path: str | Path) -> Module:
    """The trained network in a file, ready to predict: `read` without the header."""
    return read(path)[0]


def read(path: str | Path) -> tuple[Module, dict[str, str]]:
    """The trained network in a file, ready to predict, and what the file's header says of it.

    The header names the network. Where it does not (a file from PyTorch, or from a class of
    one's own), the names and shapes of its weights tell, whatever attribute the layers were
    kept in: "model.0.weight" is as good as "0.weight".
    """
    tensors, header = checkpoint.read(path)
    weights = _without_common_prefix(tensors)
    name = header.get("model")
    for candidate in [name] if name in MODELS else MODELS:
        model = create(candidate)
        if _shapes(model.state_dict()) == _shapes(weights):
            model.load_state_dict(weights)
            return model.eval(), header
    raise ValueError(f"{path} holds none of the models {', '.join(MODELS)}: its weights are "
                     f"{_shapes(tensors)}")


def count_parameters(model: Module) -> int:
    """How many numbers the network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def _shapes(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _without_common_prefix(weights: Mapping[str, Any]) -> Mapping[str, Any]:
    """The weights without the attribute that a class kept all its layers in."""
    prefixes = {name.partition(".")[0] for name in weights}
    if len(prefixes) != 1 or not all(name.count(".") > 1 for name in weights):
        return weights
    return {name.partition(".")[2]: value for name, value in weights.items()}
