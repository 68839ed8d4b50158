"""Every gradient against the definition of a derivative, with no other library to trust.

Walk a little way along a random direction and see how far the result moves. Each public
operation must stand in this table, or among those that have no gradient, with the reason.
"""

import numpy as np
import pytest
from comparing import apart, here, numeric_check, positive

import tinygrad_mnist as tg
from tinygrad_mnist.tensor import record

F = tg.functional
ROWS, MASK = np.array([0, 2, 2, -1]), np.array([[True], [False], [True]])
LABELS = np.array([3, 0, 3, 1, 2])


def seeded_dropout(x):
    tg.manual_seed(0)  # the same elements are dropped at every point that is tried
    return F.dropout(x, 0.4)


DIFFERENTIABLE = {
    "add": [(lambda x, y: F.add(x, y), (3, 4), (4,))],
    "subtract": [(lambda x, y: F.subtract(x, y), (3, 4), (3, 1))],
    "multiply": [(lambda x, y: F.multiply(x, y), (3, 4), (4,)),
                 (lambda x: F.multiply(x, x), (3, 4))],
    "divide": [(lambda x, y: F.divide(x, y), (3, 4), positive(4))],
    "power": [(lambda x, y: F.power(x, y), positive(3, 4), (4,)),
              (lambda x: F.power(x, 3), apart(3, 4))],
    "negative": [(lambda x: F.negative(x), (3, 4))],
    "exp": [(lambda x: F.exp(x), (3, 4))],
    "log": [(lambda x: F.log(x), positive(3, 4))],
    "sqrt": [(lambda x: F.sqrt(x), positive(3, 4))],
    "abs": [(lambda x: F.abs(x), apart(3, 4))],
    "maximum": [(lambda x, y: F.maximum(x, y), apart(3, 4), apart(3, 4)[::-1] + 0.04)],
    "minimum": [(lambda x, y: F.minimum(x, y), apart(3, 4), apart(1, 4) + 0.04)],
    "where": [(lambda x, y: F.where(MASK, x, y), (3, 4), (4,))],
    "clip": [(lambda x: F.clip(x, -0.3, 0.4), apart(3, 4)),
             (lambda x: F.clip(x, max=0.2), apart(3, 4))],
    "sum": [(lambda x: F.sum(x), (2, 3, 4)), (lambda x: F.sum(x, (0, -1)), (2, 3, 4))],
    "mean": [(lambda x: F.mean(x), (2, 3, 4)), (lambda x: F.mean(x, 1, True), (2, 3, 4))],
    "max": [(lambda x: F.max(x), apart(3, 4)), (lambda x: F.max(x, 1), apart(3, 4))],
    "min": [(lambda x: F.min(x), apart(3, 4)), (lambda x: F.min(x, 0, True), apart(3, 4))],
    "reshape": [(lambda x: F.reshape(x, 4, -1), (2, 3, 4))],
    "flatten": [(lambda x: F.flatten(x, 1), (2, 3, 4))],
    "permute": [(lambda x: F.permute(x, 2, 0, 1), (2, 3, 4))],
    "transpose": [(lambda x: F.transpose(x, 0, -1), (2, 3, 4))],
    "squeeze": [(lambda x: F.squeeze(x), (2, 1, 3, 1))],
    "unsqueeze": [(lambda x: F.unsqueeze(x, 1), (2, 3))],
    "index": [(lambda x: F.index(x, ROWS), (3, 4)), (lambda x: x[::-2, None, 1], (3, 4)),
              (lambda x: x[ROWS, ROWS], (3, 4)), (lambda x: x[MASK[:, 0]], (3, 4))],
    "concatenate": [(lambda x, y: F.concatenate([x, y, x], 1), (2, 3), (2, 1))],
    "cat": [(lambda x, y: F.cat([x, y]), (2, 3), (4, 3))],
    "stack": [(lambda x, y: F.stack([x, y], 1), (2, 3), (2, 3))],
    "pad": [(lambda x: F.pad(x, (1, 2, 0, 3), value=5.0), (2, 3))],
    "matmul": [(lambda x, y: F.matmul(x, y), (2, 3, 4), (4, 2)),
               (lambda x, y: F.matmul(x, y), (4,), (2, 4, 3))],
    "linear": [(lambda x, w, b: F.linear(x, w, b), (5, 4), (3, 4), (3,)),
               (lambda x, w, b: F.linear(x, w, b), (2, 3, 4), (2, 4), (2,))],
    "conv2d": [(lambda x, w, b: F.conv2d(x, w, b), (2, 2, 5, 6), (3, 2, 2, 3), (3,)),
               (lambda x, w: F.conv2d(x, w, None, (2, 1), (1, 2), 2), (2, 2, 5, 6), (3, 2, 2, 3))],
    "max_pool2d": [(lambda x: F.max_pool2d(x, 2), apart(2, 2, 5, 6)),
                   (lambda x: F.max_pool2d(x, 3, (1, 2), 1), apart(2, 2, 5, 6))],
    "avg_pool2d": [(lambda x: F.avg_pool2d(x, 2), (2, 2, 5, 6)),
                   (lambda x: F.avg_pool2d(x, 3, (1, 2), 1), (2, 2, 5, 6))],
    "relu": [(lambda x: F.relu(x), apart(3, 4))],
    "sigmoid": [(lambda x: F.sigmoid(x), (3, 4))],
    "tanh": [(lambda x: F.tanh(x), (3, 4))],
    "softmax": [(lambda x: F.softmax(x, 1), (3, 4)), (lambda x: F.softmax(x, 0), (3, 4, 2))],
    "log_softmax": [(lambda x: F.log_softmax(x, -1), (3, 4))],
    "dropout": [(seeded_dropout, (6, 7))],
    "cross_entropy": [
        (lambda x: F.cross_entropy(x, LABELS), (5, 4)),
        (lambda x: F.cross_entropy(x, LABELS, "none", label_smoothing=0.2), (5, 4))],
    "mse_loss": [(lambda x, y: F.mse_loss(x, y), (3, 4), (3, 4)),
                 (lambda x, y: F.mse_loss(x, y, "none"), (3, 4), (3, 4))],
}

TRUTH = "gives truth values, which do not move a little way"
PLACE = "gives a place, which does not move a little way"
WITHOUT_GRADIENT = {
    "equal": TRUTH, "not_equal": TRUTH, "less": TRUTH, "less_equal": TRUTH, "greater": TRUTH,
    "greater_equal": TRUTH, "any": TRUTH, "all": TRUTH, "argmax": PLACE, "argmin": PLACE,
}


def public_names():
    return {name for name, value in vars(F).items()
            if not name.startswith("_") and callable(value)
            and value.__module__.startswith(f"{F.__name__}.")}


def test_every_operation_is_here():
    assert public_names() == set(DIFFERENTIABLE) | set(WITHOUT_GRADIENT)


@pytest.mark.parametrize(("line", "inputs"), [
    pytest.param(line, inputs, id=f"{name} {number}")
    for name, cases in DIFFERENTIABLE.items() for number, (line, *inputs) in enumerate(cases)])
def test_like_the_definition(line, inputs):
    numeric_check(line, *inputs)


@pytest.mark.parametrize(("name", "reason"), WITHOUT_GRADIENT.items())
def test_nothing_is_recorded(name, reason):
    x = here([[1.0, 2.0]], requires_grad=True)
    function = getattr(F, name)
    result = function(x) if name in ("any", "all", "argmax", "argmin") else function(x, x)
    assert not result.requires_grad, reason
    assert result.dtype == ("int64" if reason is PLACE else "bool")


def test_the_check_notices_a_wrong_gradient():
    """A judge that acquits everyone is no judge: a slope of 2 where it should be 3."""
    with pytest.raises(AssertionError):
        numeric_check(lambda x: record(3 * x.data, (x, lambda grad: 2 * grad)), (3, 4))
