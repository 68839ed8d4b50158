"""MyGrad, which like this project is written on NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import mygrad
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.layers import conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy

from ..pictures import Pictures, fresh_weights
from ..stopwatch import Contender, repeated


def describe() -> dict[str, Any]:
    return {"version": mygrad.__version__}


def step(pictures: Pictures) -> Contender:
    """A training step as a user writes it."""
    weights: Any = [(mygrad.tensor(weight), mygrad.tensor(bias))
                    for weight, bias in fresh_weights()]
    endless = itertools.cycle(pictures.batches(64))

    def step() -> None:
        images, labels = next(endless)
        value: Any = images
        for kernels, bias in weights[:2]:
            value = conv_nd(value, kernels, stride=1, padding=1) + bias.reshape(1, -1, 1, 1)
            value = max_pool(value, (2, 2), 2)
        value = value.reshape(len(labels), -1)
        (weight_1, bias_1), (weight_2, bias_2) = weights[2:]
        value = relu(mygrad.matmul(value, weight_1.T) + bias_1)
        softmax_crossentropy(mygrad.matmul(value, weight_2.T) + bias_2, labels).backward()
        for parameter in itertools.chain(*weights):
            parameter.data -= np.float32(0.01) * parameter.grad
            parameter.null_grad()

    return repeated(step)
