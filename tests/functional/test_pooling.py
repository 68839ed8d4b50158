"""Pooling against torch and against loops: who wins a tie, and what lies in the padding.

Black corners make ties the rule in pictures of digits, so the first maximum must get the
gradient, as in torch; otherwise training would drift apart from it.
"""

import numpy as np
import pytest
from comparing import (
    LAYOUTS,
    F,
    against_torch,
    drawn,
    here,
    host,
    random_array,
    refusals,
    same,
    table,
)
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_mnist as tg

EQUAL = np.ones((2, 2, 5, 5))
FEW_VALUES = np.random.default_rng(0).integers(0, 2, (2, 3, 6, 7)).astype(float)
LOWEST = np.full((1, 1, 4, 4), -np.inf)
NAN = np.array([[[[1.0, np.nan, 3.0, 2.0], [np.nan, 0.0, 5.0, 4.0],
                  [6.0, 7.0, np.nan, -np.inf], [8.0, np.inf, -np.inf, -np.inf]]]])

CASES = table(
    (lambda x: F.max_pool2d(x, 2), (2, 3, 6, 8)),
    (lambda x: F.max_pool2d(x, 2), (2, 3, 5, 7)),  # a rest that no window reaches
    (lambda x: F.max_pool2d(x, 3), (1, 2, 7, 8)),
    (lambda x: F.max_pool2d(x, (2, 3)), (2, 3, 6, 6)),
    (lambda x: F.max_pool2d(x, 3, 1), (2, 3, 5, 5)),
    (lambda x: F.max_pool2d(x, 3, stride=2), (2, 3, 7, 8)),
    (lambda x: F.max_pool2d(x, 2, stride=3), (2, 3, 8, 8)),
    (lambda x: F.max_pool2d(x, 2, stride=(1, 2)), (2, 3, 5, 6)),
    (lambda x: F.max_pool2d(x, 2, padding=1), (2, 3, 5, 5)),
    (lambda x: F.max_pool2d(x, 3, 2, 1), (2, 3, 6, 7)),
    (lambda x: F.max_pool2d(x, (3, 5), 2, (0, 2)), (2, 3, 6, 7)),
    (lambda x: F.max_pool2d(x - 9, 3, 2, 1), (2, 3, 6, 7)),  # all below 0, which padding is not
    (lambda x: F.max_pool2d(x, 1), (2, 3, 4, 5)),
    (lambda x: F.max_pool2d(x, 1, 2), (2, 3, 4, 5)),
    (lambda x: F.max_pool2d(x, (4, 5)), (2, 3, 4, 5)),
    (lambda x: F.max_pool2d(x, 2), (1, 1, 2, 2)),
    (lambda x: F.max_pool2d(x, 2), (0, 1, 4, 4)),
    (lambda x: F.max_pool2d(x, 2), EQUAL),
    (lambda x: F.max_pool2d(x, 3, 1), EQUAL),
    (lambda x: F.max_pool2d(x, 3, 2, 1), EQUAL),
    (lambda x: F.max_pool2d(x, 2), FEW_VALUES),
    (lambda x: F.max_pool2d(x, 3, 1), FEW_VALUES),
    (lambda x: F.max_pool2d(x, 3, 2, 1), FEW_VALUES),
    (lambda x: F.avg_pool2d(x, 2), (2, 3, 6, 8)),
    (lambda x: F.avg_pool2d(x, 2), (2, 3, 5, 7)),
    (lambda x: F.avg_pool2d(x, (3, 2)), (2, 3, 6, 6)),
    (lambda x: F.avg_pool2d(x, 3, 1), (2, 3, 5, 5)),
    (lambda x: F.avg_pool2d(x, 3, stride=2), (2, 3, 7, 8)),
    (lambda x: F.avg_pool2d(x, 2, stride=3), (2, 3, 8, 8)),
    (lambda x: F.avg_pool2d(x, 2, padding=1), (2, 3, 5, 5)),
    (lambda x: F.avg_pool2d(x, (3, 5), (2, 1), (1, 2)), (2, 3, 6, 7)),
    (lambda x: F.avg_pool2d(x, 1), (2, 3, 4, 5)),
    (lambda x: F.avg_pool2d(x, (4, 5)), (2, 3, 4, 5)),
    (lambda x: F.avg_pool2d(x, 2), (0, 1, 4, 4)),
    (lambda x: F.avg_pool2d(x, 2), EQUAL),
    (lambda x: F.avg_pool2d(F.max_pool2d(x, 2, 1), 2, 1), (2, 3, 5, 5)),
)

NOT_FINITE = table(
    (lambda x: F.max_pool2d(x, 2), LOWEST),
    (lambda x: F.max_pool2d(x, 2), NAN),
    (lambda x: F.max_pool2d(x, 3, 1), NAN),
    (lambda x: F.max_pool2d(x, 2, 1, 1), NAN),
    (lambda x: F.avg_pool2d(x, 2), NAN),
    (lambda x: F.avg_pool2d(x, 3, 1, 1), NAN),
    (lambda x: F.max_pool2d(x * 0, 2).sqrt(), (1, 1, 4, 4)),  # an infinite gradient
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("line", "inputs"), CASES)
def test_like_torch(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, where torch is silent
@pytest.mark.parametrize(("line", "inputs"), NOT_FINITE)
def test_not_finite_like_torch(line, inputs):
    against_torch(line, None, *inputs)


kernels = st.tuples(st.integers(1, 4), st.integers(1, 4))


@drawn
@given(st.sampled_from([F.max_pool2d, F.avg_pool2d]), kernels, kernels, st.booleans(),
       st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(0, 99),
       st.sampled_from(LAYOUTS))
def test_any_sizes_and_many_ties(pool, kernel, stride, padded, extra, seed, layout):
    padding = tuple(k // 2 for k in kernel) if padded else (0, 0)
    H, W = (max(1, k - 2 * p) + more for k, p, more in zip(kernel, padding, extra, strict=True))
    pictures = np.random.default_rng(seed).integers(0, 3, (2, 2, H, W)).astype("float64")
    against_torch(lambda x: pool(x, kernel, stride, padding), None, pictures,
                  dtype="float64", layout=layout)


@pytest.mark.parametrize("pictures", [random_array(2, 2, 6, 7), FEW_VALUES], ids=["any", "ties"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [
    ((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (0, 1)), ((3, 3), (2, 1), (1, 1)),
    ((2, 3), (3, 2), (1, 0)),
])
def test_like_loops(pictures, kernel, stride, padding):
    """Window by window: the winner takes the gradient; for the average, all share it."""
    most = here(pictures, requires_grad=True)
    mean = here(pictures, requires_grad=True)
    largest = tg.functional.max_pool2d(most, kernel, stride, padding)
    average = tg.functional.avg_pool2d(mean, kernel, stride, padding)
    slope = random_array(*largest.shape, seed=1)
    largest.backward(slope)
    average.backward(slope)

    values, averages = np.zeros(largest.shape), np.zeros(largest.shape)
    to_winners, to_all = np.zeros(pictures.shape), np.zeros(pictures.shape)
    cells = kernel[0] * kernel[1]
    for n, c, oh, ow in np.ndindex(largest.shape):
        winner = None
        for i, j in np.ndindex(kernel):
            row, column = oh * stride[0] + i - padding[0], ow * stride[1] + j - padding[1]
            if 0 <= row < pictures.shape[2] and 0 <= column < pictures.shape[3]:
                pixel = n, c, row, column
                averages[n, c, oh, ow] += pictures[pixel] / cells
                to_all[pixel] += slope[n, c, oh, ow] / cells
                if winner is None or pictures[pixel] > pictures[winner]:
                    winner = pixel
        values[n, c, oh, ow] = pictures[winner]
        to_winners[winner] += slope[n, c, oh, ow]
    for got, want in ((largest, values), (average, averages),
                      (most.grad, to_winners), (mean.grad, to_all)):
        same(host(got), want)


def test_the_first_of_equals_wins():
    x = here([[[[1.0, 1.0], [1.0, 1.0]]]], requires_grad=True)
    tg.functional.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1.0, 0.0], [0.0, 0.0]]]]


@pytest.mark.parametrize("pool", [tg.functional.max_pool2d, tg.functional.avg_pool2d])
def test_the_result_is_an_array_of_its_own(pool):
    """Even where a window has one cell: changing the result must not change the picture."""
    x = tg.tensor(random_array(1, 1, 3, 3))
    assert not np.shares_memory(pool(x, 1).data, x.data)


X = tg.tensor(np.zeros((2, 3, 5, 6), "f4"))
CAME_IN = r".*came in: float32 \(2, 3, 5, 6\)"


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda pool: pool(X[0], 2), ValueError, r": .*\(3, 5, 6\).*came in: float32 \(3, 5, 6\)"),
    (lambda pool: pool(X, 0), ValueError, rf": kernel_size .*0{CAME_IN}"),
    (lambda pool: pool(X, (2, 2, 2)), ValueError, rf": kernel_size .*\(2, 2, 2\){CAME_IN}"),
    (lambda pool: pool(X, 2.0), ValueError, rf": kernel_size .*2.0{CAME_IN}"),
    (lambda pool: pool(X, 2, 0), ValueError, rf": stride .*0{CAME_IN}"),
    (lambda pool: pool(X, 2, padding=-1), ValueError, rf": padding .*-1{CAME_IN}"),
    (lambda pool: pool(X, 2, padding=2), ValueError, rf": padding .*half{CAME_IN}"),
    (lambda pool: pool(X, (2, 4), padding=(2, 1)), ValueError, rf": padding .*half{CAME_IN}"),
    (lambda pool: pool(X, 6), ValueError, rf": .*\(6, 6\).*not fit.*\(5, 6\){CAME_IN}"),
))
def test_refuses(line, exception, message, name):
    with pytest.raises(exception, match=f"^{name}{message}"):
        line(getattr(tg.functional, name))
