"""Activations: what bends the line. Without one, two layers would be no more than one."""

from __future__ import annotations

from ..backend import array_module, generator, where
from ..tensor import Tensor, operation, record
from .arithmetic import floating


@operation
def relu(input: Tensor) -> Tensor:
    """Each element, but at least 0. The gradient passes where the element was positive."""
    return record(array_module(input.data).maximum(input.data, 0),
                  (input, lambda grad: where(~(input.data <= 0), grad)))  # NaN lets it pass, too


@operation
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e**-x): any number becomes one between 0 and 1."""
    xp = array_module(input.data)
    shrunk = xp.exp(-xp.abs(floating(input).data))  # at most 1: nothing can overflow
    value = xp.where(input.data >= 0, 1 / (1 + shrunk), shrunk / (1 + shrunk))
    return record(value, (input, lambda grad: grad * value * (1 - value)))


@operation
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent: any number becomes one between -1 and 1."""
    value = array_module(input.data).tanh(floating(input).data)
    return record(value, (input, lambda grad: grad * (1 - value * value)))


@operation
def softmax(input: Tensor, dim: int) -> Tensor:
    """Numbers into probabilities: positive, and of sum 1 along `dim`."""
    xp = array_module(input.data)
    powers = xp.exp(input.data - input.data.max(axis=dim, keepdims=True))
    value = powers / powers.sum(axis=dim, keepdims=True)

    def to_input(grad):
        return value * (grad - (grad * value).sum(axis=dim, keepdims=True))

    return record(value, (input, to_input))


@operation
def log_softmax(input: Tensor, dim: int) -> Tensor:
    """The logarithm of softmax, computed without ever leaving the range of floats."""
    xp = array_module(input.data)
    value = log_probabilities(xp, input.data, dim)
    return record(value,
                  (input, lambda grad: grad - xp.exp(value) * grad.sum(axis=dim, keepdims=True)))


def log_probabilities(xp, logits, dim: int):
    """log(softmax(logits)). Only differences count, so the largest logit may as well be 0."""
    lowered = logits - logits.max(axis=dim, keepdims=True)
    return lowered - xp.log(xp.exp(lowered).sum(axis=dim, keepdims=True))


@operation
def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Each element set to 0 with probability `p`, the others scaled by 1 / (1 - p).

    So the expected value stays, and nothing is left to do when predicting
    (`training=False`), where the input passes unchanged.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, from 0 to 1, not {p}")
    if not training or p == 0:
        return input
    xp = array_module(input.data)
    drawn = xp.asarray(generator().random(input.shape, dtype="float32"))
    scale = (drawn >= p).astype(input.dtype) * (1 / (1 - p) if p < 1 else 0.0)
    return record(input.data * scale, (input, lambda grad: grad * scale))
