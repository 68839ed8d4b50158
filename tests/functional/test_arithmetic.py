"""Arithmetic against torch: every operator in each of its forms, and what may meet what.

Integers, truth values and numbers stand beside floats; shapes broadcast, empty and 0-d ones
too; not-a-number and infinity go where torch lets them go. Two floating dtypes never mix.
"""

import operator

import numpy as np
import pytest
from comparing import LAYOUTS, F, against_torch, drawn, here, positive, refusals, table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import tinygrad_mnist as tg

INTEGERS = np.array([[-3, -1, 0, 2], [1, 2, 3, 4], [5, 6, -7, 8]])
BYTES = np.array([0, 1, 200, 255], dtype=np.uint8)
TRUTHS = np.array([True, False, True, False])
TIES = np.array([[1.0, 2.0, 2.0, -1.0], [0.0, 0.0, -0.5, 0.5]])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, -1.0, 2.5])
DOWN, ACROSS = SPECIAL[:, None], SPECIAL[None, :]  # every pair of them, once broadcast

FUNCTIONS = table(
    (lambda x, y: x + y, (3, 4), (3, 4)),
    (lambda x, y: x - y, (3, 4), (3, 4)),
    (lambda x, y: x * y, (3, 4), (3, 4)),
    (lambda x, y: x / y, (3, 4), positive(3, 4)),
    (lambda x, y: x ** y, positive(3, 4), (3, 4)),
    (lambda x: -x, (3, 4)),
    (lambda x: x.exp(), (3, 4)),
    (lambda x: x.log(), positive(3, 4)),
    (lambda x: x.sqrt(), positive(3, 4)),
    (lambda x: x.abs(), (3, 4)),
    (lambda x: abs(x), (3, 4)),
    (lambda x: x.abs(), TIES),
    (lambda x: F.exp(x), (3, 4)),
    (lambda x: F.abs(x), (3, 4)),
    (lambda x, y: F.add(x, y), (3, 4), (4,)),
    (lambda x, y: F.subtract(x, y), (3, 4), (4,)),
    (lambda x, y: F.multiply(x, y), (3, 4), (4,)),
    (lambda x, y: F.divide(x, y), (3, 4), positive(4)),
    (lambda x: F.negative(x), (3, 4)),
    (lambda x, y: F.maximum(x, y), (3, 4), (3, 4)),
    (lambda x, y: F.minimum(x, y), (3, 4), (3, 4)),
    (lambda x, y: x.maximum(y), (3, 4), (4,)),
    (lambda x, y: F.maximum(x, y), TIES, TIES),
    (lambda x, y: F.minimum(x, y), TIES, TIES[::-1]),
    (lambda x, y: F.where(x > 0, x, y), (3, 4), (3, 4)),
    (lambda x, y: F.where(x > y, x, y), (3, 1), (4,)),
    (lambda c, x, y: F.where(c, x, y), TRUTHS, (3, 1), ()),
    (lambda c, x: F.where(c, x, 0.0), TRUTHS, (3, 4)),
    (lambda c, x: F.where(c, 1, x), TRUTHS, (3, 4)),
    (lambda x: x.clip(-0.5, 0.5), (3, 4)),
    (lambda x: x.clip(min=0.1), (3, 4)),
    (lambda x: x.clip(max=0.1), (3, 4)),
    (lambda x: x.clamp(0, 1), (3, 4)),
    (lambda x: x.clip(-0.5, 0.5), TIES),
    (lambda x: x.clip(0, 2), TIES),
    (lambda x: x.clip(1, -1), (3, 4)),
    (lambda x: F.clip(x, -1, 1), (0, 3)),
)

NUMBERS = table(
    (lambda x: x + 2, (3, 4)),
    (lambda x: 2 + x, (3, 4)),
    (lambda x: x - 1.5, (3, 4)),
    (lambda x: 1.5 - x, (3, 4)),
    (lambda x: x * 3, (3, 4)),
    (lambda x: 3 * x, (3, 4)),
    (lambda x: x / 4, (3, 4)),
    (lambda x: 4 / x, positive(3, 4)),
    (lambda x: x + True, (3, 4)),
    (lambda x: x * False, (3, 4)),
    (lambda x: x ** 2, (3, 4)),
    (lambda x: x ** 3.0, (3, 4)),
    (lambda x: x ** 0, TIES),
    (lambda x: x ** 1, TIES),
    (lambda x: x ** 2, TIES),
    (lambda x: x ** -1, positive(3, 4)),
    (lambda x: x ** 0.5, positive(3, 4)),
    (lambda x: 2 ** x, (3, 4)),
    (lambda x: 0.0 ** x, positive(3, 4)),
    (lambda x: 0.0 ** (x * 0), (3, 4)),
    (lambda x: F.maximum(x, x * 0), (3, 4)),
    (lambda x: x * 1e-3 + 1e3, (3, 4)),
)

MIXED = table(
    (lambda x, i: x + i, (3, 4), INTEGERS),
    (lambda x, i: i - x, (3, 4), INTEGERS),
    (lambda x, i: x * i, (3, 4), INTEGERS),
    (lambda x, i: i / x, positive(3, 4), INTEGERS),
    (lambda x, i: x ** i, positive(3, 4), INTEGERS),
    (lambda x, b: x * b, (3, 4), TRUTHS),
    (lambda x, b: b + x, (3, 4), BYTES),
    (lambda x, i: F.maximum(x, i), (3, 4), INTEGERS),
    (lambda x, i: F.where(i > 0, i, x), (3, 4), INTEGERS),
    (lambda i: i + 1, INTEGERS),
    (lambda i: 2 * i - i, INTEGERS),
    (lambda i: i + True, INTEGERS),
    (lambda i: i * 1.5, INTEGERS),
    (lambda i: 0.5 - i, INTEGERS),
    (lambda i: i / 2, INTEGERS),
    (lambda i: 2 / (i * i + 1), INTEGERS),
    (lambda i, b: i / b, INTEGERS, BYTES // 2 + 1),
    (lambda i: i ** 2, INTEGERS),
    (lambda i: i ** 2.0, INTEGERS),
    (lambda i: -i, INTEGERS),
    (lambda i: i.abs(), INTEGERS),
    (lambda i: (i * i).sqrt(), INTEGERS),
    (lambda i: i.exp(), INTEGERS),
    (lambda i: (i * i + 1).log(), INTEGERS),
    (lambda i: i.clip(0, 3), INTEGERS),
    (lambda i: i.clip(0.5, 3), INTEGERS),
    (lambda i, b: i + b, INTEGERS, BYTES),
    (lambda i, b: i * b, INTEGERS, TRUTHS),
    (lambda b: b + 1, BYTES),
    (lambda b: b * 2, BYTES),
    (lambda b: b / 255, BYTES),
    (lambda b, c: b + c, TRUTHS, TRUTHS[::-1]),
    (lambda b, c: b * c, TRUTHS, TRUTHS[::-1]),
    (lambda b: b + 1, TRUTHS),
    (lambda b: b * 0.5, TRUTHS),
)

BROADCAST = table(
    (lambda x, y: x + y, (3, 4), (4,)),
    (lambda x, y: x - y, (3, 4), (3, 1)),
    (lambda x, y: x * y, (3, 1), (1, 4)),
    (lambda x, y: x / y, (4,), positive(2, 3, 4)),
    (lambda x, y: x + y, (2, 1, 4), (3, 1)),
    (lambda x, y: x * y, (3, 4), ()),
    (lambda x, y: x - y, (), (2, 3)),
    (lambda x, y: x * y, (), ()),
    (lambda x, y: x + y, (1, 1), ()),
    (lambda x, y: x * y, (0, 3), (3,)),
    (lambda x, y: x + y, (0, 3), (1, 1)),
    (lambda x, y: x - y, (2, 0), ()),
    (lambda x, y: F.maximum(x, y), (3, 1), (1, 4)),
)

IN_PLACE = table(  # the new tensor while recording; x * 1 because a leaf must stay itself
    (lambda x, y: operator.iadd(x * 1, y), (3, 4), (4,)),
    (lambda x, y: operator.isub(x * 1, y), (3, 4), (3, 4)),
    (lambda x, y: operator.imul(x * 1, y), (3, 4), (3, 4)),
    (lambda x, y: operator.itruediv(x * 1, y), (3, 4), positive(3, 1)),
    (lambda x: operator.ipow(x * 1, 2), (3, 4)),
    (lambda x, y: operator.imatmul(x * 1, y), (3, 4), (4, 4)),
    (lambda i: operator.iadd(i, 2), INTEGERS),
)

COMPARISONS = table(
    (lambda x, y: x < y, TIES, TIES[::-1]),
    (lambda x, y: x <= y, TIES, TIES[::-1]),
    (lambda x, y: x > y, TIES, TIES[::-1]),
    (lambda x, y: x >= y, TIES, TIES[::-1]),
    (lambda x, y: x == y, TIES, TIES[::-1]),
    (lambda x, y: x != y, TIES, TIES[::-1]),
    (lambda x: x > 0, TIES),
    (lambda x: 0 >= x, TIES),  # noqa: SIM300 - Python asks the tensor for x <= 0
    (lambda x: x == 2, TIES),
    (lambda i: i < 1.5, INTEGERS),
    (lambda x, i: x < i, (3, 4), INTEGERS),
    (lambda b: b == True, TRUTHS),  # noqa: E712 - element by element
    (lambda x, y: x < y, DOWN, ACROSS),
    (lambda x, y: x >= y, DOWN, ACROSS),
    (lambda x, y: x == y, DOWN, ACROSS),
    (lambda x, y: x != y, DOWN, ACROSS),
    (lambda x, y: F.less(x, y), TIES, 2 - TIES),
    (lambda x, y: F.less_equal(x, y), TIES, 2 - TIES),
    (lambda x, y: F.greater(x, y), TIES, 2 - TIES),
    (lambda x, y: F.greater_equal(x, y), TIES, 2 - TIES),
    (lambda x, y: F.not_equal(x, y), TIES, 2 - TIES),
)

NOT_FINITE = table(
    (lambda x, y: x + y, DOWN, ACROSS),
    (lambda x, y: x - y, DOWN, ACROSS),
    (lambda x, y: x * y, DOWN, ACROSS),
    (lambda x, y: x / y, DOWN, ACROSS),
    (lambda x, y: x ** y, DOWN, ACROSS),
    (lambda x: x ** 2, SPECIAL),
    (lambda x: x ** -1, SPECIAL),
    (lambda x: x.exp(), SPECIAL),
    (lambda x: x.log(), SPECIAL),
    (lambda x: x.sqrt(), SPECIAL),
    (lambda x: x.abs(), SPECIAL),
    (lambda x: x.clip(-1, 1), SPECIAL),
    (lambda x, y: F.maximum(x, y), DOWN, ACROSS),
    (lambda x, y: F.minimum(x, y), DOWN, ACROSS),
    (lambda x, y: F.where(x > 0, x, y), DOWN, ACROSS),
)

# The square root's gradient at 0 is infinite. It belongs to the element that was chosen: the
# others get 0, not 0 * infinity.
INFINITE_GRADIENT = table(
    (lambda x: x.clip(0, 1).sqrt(), TIES),
    (lambda x, y: F.maximum(x, y).sqrt(), TIES, np.zeros((2, 4))),
    (lambda x, y: F.where(x > 0, x, y).sqrt(), TIES, np.zeros((2, 4))),
)


@pytest.mark.parametrize(("line", "inputs"), FUNCTIONS + NUMBERS + MIXED + BROADCAST + IN_PLACE
                         + COMPARISONS)
def test_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, where torch is silent
@pytest.mark.parametrize(("line", "inputs"), NOT_FINITE + INFINITE_GRADIENT)
def test_not_finite_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize(("line", "inputs"), table(
    (lambda x, y: x * y, (3, 4, 5), (4, 1)),
    (lambda x, y: x ** y, positive(3, 4, 5), (5,)),
    (lambda x, y: F.where(x > y, x, y), (3, 4), (3, 4)),
    (lambda x: x.clip(-0.5, 0.5).exp(), (3, 4, 5)),
))
def test_any_layout(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@pytest.mark.parametrize("size", [1e25, 1e-25])
def test_the_gradient_of_a_division_by_the_very_large_and_the_very_small(size):
    """In float32: the square of the divisor is infinite, or 0, and is no part of the answer."""
    values = np.array([3.0, -2.0]) * size
    x, y = here(values.astype(np.float32)), here(values[::-1].astype(np.float32).copy())
    y.requires_grad_()
    (x / y).backward(here(np.array([size, size], np.float32)))
    np.testing.assert_allclose(y.grad.numpy(), [-3 / 4, 2 / 9], rtol=1e-5)


def test_power_is_torchs_function_under_another_name():
    against_torch(lambda x, y: tg.functional.power(x, y), lambda x, y: x.pow(y),
                  positive(3, 4), (4,))


def test_equal_is_element_by_element():
    against_torch(lambda x, y: tg.functional.equal(x, y), lambda x, y: x.eq(y), TIES, 2 - TIES)


@drawn
@given(mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=4, max_dims=4),
       st.sampled_from([operator.add, operator.sub, operator.mul, operator.truediv,
                        F.maximum, F.minimum]),
       st.sampled_from(LAYOUTS))
def test_any_shapes_that_broadcast(shapes, function, layout):
    against_torch(function, None, *shapes.input_shapes, dtype="float64", layout=layout)


X, Y = tg.tensor([[1.0, 2.0, 3.0]]), tg.tensor([1.0, 2.0])
DOUBLE, WHOLE = X.double(), tg.tensor([1, 2, 3])
CAME_IN = r".*came in: float32 \(1, 3\), "


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: X + Y, ValueError, rf"^add: {CAME_IN}float32 \(2,\)"),
    (lambda: X - Y, ValueError, rf"^subtract: {CAME_IN}float32 \(2,\)"),
    (lambda: X * Y, ValueError, rf"^multiply: {CAME_IN}float32 \(2,\)"),
    (lambda: X / Y, ValueError, rf"^divide: {CAME_IN}float32 \(2,\)"),
    (lambda: X ** Y, ValueError, rf"^power: {CAME_IN}float32 \(2,\)"),
    (lambda: F.maximum(X, Y), ValueError, rf"^maximum: {CAME_IN}float32 \(2,\)"),
    (lambda: F.where(True, X, Y), ValueError, rf"^where: {CAME_IN}float32 \(2,\)"),
    (lambda: X < Y, ValueError, rf"^less: {CAME_IN}float32 \(2,\)"),
    (lambda: X == Y, ValueError, rf"^equal: {CAME_IN}float32 \(2,\)"),
    (lambda: X + DOUBLE, TypeError, rf"^add: float32 and float64 do not mix{CAME_IN}float64"),
    (lambda: X / DOUBLE, TypeError, r"^divide: float32 and float64 do not mix"),
    (lambda: X > DOUBLE, TypeError, r"^greater: float32 and float64 do not mix"),
    (lambda: F.where(True, X, DOUBLE), TypeError, r"^where: float32 and float64 do not mix"),
    (lambda: X * DOUBLE.data, TypeError, r"^multiply: float32 and float64 do not mix"),
    (lambda: X + "one", TypeError, r"^add: .*came in: float32 \(1, 3\), str"),
    (lambda: X + None, TypeError, r"^add: .*came in: float32 \(1, 3\), nothing"),
    (lambda: WHOLE ** -1, ValueError, r"^power: .*came in: int64 \(3,\), int"),
    (lambda: (WHOLE > 1) - (WHOLE > 2), TypeError, r"^subtract: .*came in: bool \(3,\), bool"),
    (lambda: X.clip(min=Y[0]), TypeError, r"^clip: min and max are numbers: use maximum\("),
    (lambda: X.clip(), ValueError, r"^clip: clip needs min, max or both.*float32 \(1, 3\)"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()
