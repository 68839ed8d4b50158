"""JAX, the whole step compiled into one function."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..pictures import Pictures, fresh_weights
from ..stopwatch import Contender, repeated


def describe() -> dict[str, Any]:
    return {"version": jax.__version__}


def forward(weights: Any, images: Any) -> Any:
    """The logits of the talk's network."""
    value = images
    for kernels, bias in weights[:2]:
        value = lax.conv_general_dilated(value, kernels, (1, 1), "SAME") + bias[:, None, None]
        value = lax.reduce_window(value, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    value = value.reshape(len(value), -1)
    (weight_1, bias_1), (weight_2, bias_2) = weights[2:]
    return jax.nn.relu(value @ weight_1.T + bias_1) @ weight_2.T + bias_2


def loss(weights: Any, images: Any, labels: Any) -> Any:
    log_probabilities = jax.nn.log_softmax(forward(weights, images))
    return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1).mean()


@jax.jit
def trained(weights: Any, images: Any, labels: Any) -> Any:
    """The weights after one step, and the loss before it."""
    value, gradients = jax.value_and_grad(loss)(weights, images, labels)
    return jax.tree.map(lambda weight, grad: weight - 0.01 * grad, weights, gradients), value


def step(pictures: Pictures) -> Contender:
    """A training step, compiled."""
    weights = jax.tree.map(jnp.asarray, fresh_weights())
    endless = itertools.cycle([(jnp.asarray(images), jnp.asarray(labels))
                               for images, labels in pictures.batches(64)])

    def step() -> None:
        nonlocal weights
        weights, _ = trained(weights, *next(endless))
        jax.block_until_ready(weights)

    step()  # compile
    return repeated(step)
