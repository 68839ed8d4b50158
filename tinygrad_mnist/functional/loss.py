"""Losses: how wrong the answers are, in one number that can be made smaller."""

from __future__ import annotations

from typing import Any

from ..backend import array_module, as_array, device_of, move
from ..tensor import Tensor, operation, record
from .activation import log_probabilities

REDUCTIONS = ("mean", "sum", "none")


@operation
def cross_entropy(input: Tensor, target: Any, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """How surprised the network is by the right answers: -log of their probabilities.

    input: logits (N, C), any real numbers; softmax is part of the loss.
    target: the right classes (N,), integers from 0 to C - 1. Beside logits on a GPU they are
        best left on the CPU, where they can be checked without waiting; a label that is already
        on the GPU and out of range makes the loss NaN.
    reduction: "mean" over the batch, "sum", or "none" for one loss per example, (N,).
    label_smoothing: what part of the target, 0 to 1, is spread over all classes evenly.

    The gradient is the most beautiful of all: probabilities minus the right answer.
    """
    labels, wrong = _labels(input, target)
    _check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is a part, from 0 to 1, not {label_smoothing}")
    xp = array_module(input.data)
    N, C = input.shape
    right = (xp.arange(N), labels)                                    # where the answers are
    log_p = log_probabilities(xp, input.data, 1)                      # (N, C)
    if wrong is not None:
        log_p = xp.where(wrong[:, None], xp.nan, log_p)
    losses = -log_p[right]                                            # (N,)
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(axis=1)

    def to_logits(grad):
        slope = xp.exp(log_p) - label_smoothing / C                   # (N, C)
        slope[right] -= 1 - label_smoothing
        if reduction == "none":
            return grad[:, None] * slope                              # (N, 1) * (N, C)
        return slope * (grad / N if reduction == "mean" else grad)

    return record(_reduced(losses, reduction), (input, to_logits))


@operation
def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """The squared difference between input and target, of one shape: its mean by default."""
    if input.shape != target.shape:
        raise ValueError(f"input and target must have one shape, not {input.shape} and "
                         f"{target.shape}")
    _check_reduction(reduction)
    difference = input.data - target.data
    value = _reduced(difference * difference, reduction)
    slope = 2 / difference.size if reduction == "mean" else 2
    return record(value,
                  (input, lambda grad: grad * slope * difference),
                  (target, lambda grad: -grad * slope * difference))


def _reduced(losses, reduction: str):
    if reduction == "mean" and not losses.size:
        raise ValueError("there is no mean of no losses: the batch is empty")
    return losses if reduction == "none" else getattr(losses, reduction)()


def _check_reduction(reduction: str) -> None:
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, not {reduction!r}")


def _labels(input: Tensor, target: Any):
    """The labels beside the logits, and which of them are wrong if that is not known yet.

    On the host they are checked, and an error names the first that cannot be. To look at what
    is on a GPU would mean to wait for it.
    """
    if input.ndim != 2:
        raise ValueError(f"the logits must be (N, C), not {input.shape}")
    labels, home = as_array(target.data if isinstance(target, Tensor) else target), input.device
    N, C = input.shape
    if labels.shape != (N,):
        raise ValueError(f"there must be one label for each of the {N} rows of logits, ({N},), but "
                         f"the labels are {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels are integers (the numbers of the classes), not {labels.dtype}")
    wrong = (labels < 0) | (labels >= C)
    if device_of(labels) != "cpu":
        return array_module(labels).where(wrong, 0, labels), wrong
    if wrong.any():
        raise IndexError(f"label {int(labels[wrong][0])} is out of range: the {C} columns of the "
                         f"logits stand for the labels 0 to {C - 1}")
    return move(labels, home), None
