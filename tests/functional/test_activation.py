"""Activations against torch, at the corner of relu, far out on sigmoid, and at infinity."""

import numpy as np
import pytest
from comparing import LAYOUTS, F, against_torch, here, host, random_array, refusals, table

import tinygrad_mnist as tg

INTEGERS = np.array([[-3, 0, 2], [1, 0, -1]])
CORNERS = np.array([[-1.0, 0.0, -0.0, 1.0], [2.0, 1e-30, -1e-30, 0.5]])
FAR = np.array([[-1e4, -90.0, -20.0, 0.0], [20.0, 90.0, 1e4, 3e38]])
SPECIAL = np.array([[np.nan, 1.0, 2.0], [np.inf, 0.0, 1.0], [-np.inf, 0.0, 1.0]])

CASES = table(
    (lambda x: F.relu(x), (3, 4)),
    (lambda x: x.relu(), CORNERS),
    (lambda x: x.relu(), FAR),
    (lambda i: i.relu(), INTEGERS),
    (lambda x: F.sigmoid(x), (3, 4)),
    (lambda x: x.sigmoid(), FAR),
    (lambda x: x.sigmoid(), ()),
    (lambda i: i.sigmoid(), INTEGERS),
    (lambda x: F.tanh(x), (3, 4)),
    (lambda x: x.tanh(), FAR),
    (lambda i: i.tanh(), INTEGERS),
    (lambda x: F.softmax(x, 1), (3, 4)),
    (lambda x: F.softmax(x, dim=-1), (2, 3, 4)),
    (lambda x: x.softmax(0), (3, 4)),
    (lambda x: x.softmax(1), (3, 4, 2)),
    (lambda x: x.softmax(1), FAR),
    (lambda x: x.softmax(0), (1,)),
    (lambda x: x.softmax(1), (0, 3)),
    (lambda x: F.log_softmax(x, 1), (3, 4)),
    (lambda x: x.log_softmax(-1), (2, 3, 4)),
    (lambda x: x.log_softmax(0), (3, 4)),
    (lambda x: x.log_softmax(1), FAR),
    (lambda x: F.log_softmax(x * 1e4, 1), (3, 4)),
    (lambda x: F.dropout(x, 0.5, False), (3, 4)),
    (lambda x: F.dropout(x, 0.5, training=False) * 2, (3, 4)),
    (lambda x: F.dropout(x, p=0.0), (3, 4)),
    (lambda x: F.dropout(x, p=1.0), (3, 4)),
)

NOT_FINITE = table(
    (lambda x: x.relu(), SPECIAL),
    (lambda x: x.sigmoid(), SPECIAL),
    (lambda x: x.tanh(), SPECIAL),
    (lambda x: x.softmax(1), SPECIAL),
    (lambda x: x.softmax(0), SPECIAL),
    (lambda x: x.log_softmax(1), SPECIAL),
    (lambda x: x.relu().sqrt(), CORNERS),  # an infinite gradient, which a dead unit stops
)


@pytest.mark.parametrize(("line", "inputs"), CASES)
def test_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, where torch is silent
@pytest.mark.parametrize(("line", "inputs"), NOT_FINITE)
def test_not_finite_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize(("line", "inputs"), table(
    (lambda x: x.relu(), (3, 4, 5, 2)),
    (lambda x: x.sigmoid(), (3, 4, 5)),
    (lambda x: x.softmax(1), (3, 4, 5)),
    (lambda x: x.log_softmax(1), (3, 4)),
))
def test_any_layout(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_a_part_and_scales_the_rest(p, dtype):
    """Of ones, what is left is the mask times the scale; and that is the gradient too."""
    tg.manual_seed(0)
    x = here(np.ones((200, 100), dtype), requires_grad=True)
    result = tg.functional.dropout(x, p)
    assert result.dtype == dtype
    left = host(result)
    assert np.unique(left) == pytest.approx([0, 1 / (1 - p)])
    deviation = np.sqrt(p * (1 - p) / x.numel())
    assert (left == 0).mean() == pytest.approx(p, abs=4 * deviation)
    assert left.mean() == pytest.approx(1, abs=4 * deviation / (1 - p))
    slope = random_array(200, 100).astype(dtype)
    result.backward(slope)
    np.testing.assert_array_equal(host(x.grad), slope * left)


def test_dropout_starts_alike_with_a_seed_and_goes_on_otherwise():
    x = here(np.ones(100, "float32"))
    tg.manual_seed(3)
    first, second = tg.functional.dropout(x).tolist(), tg.functional.dropout(x).tolist()
    tg.manual_seed(3)
    assert tg.functional.dropout(x).tolist() == first
    assert first != second


@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True)])
def test_dropout_that_does_nothing_leaves_the_graph_alone(p, training):
    x = here([1.0, 2.0], requires_grad=True).relu()
    assert tg.functional.dropout(x, p, training).grad_fn.name == "relu"


X = tg.tensor([[1.0, 2.0, 3.0]])
CAME_IN = r".*came in: float32 \(1, 3\)"


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: X.softmax(2), IndexError, rf"^softmax: .*2{CAME_IN}"),
    (lambda: X.log_softmax(-3), IndexError, rf"^log_softmax: .*-3{CAME_IN}"),
    (lambda: F.dropout(X, 1.5), ValueError, rf"^dropout: p .*1.5{CAME_IN}"),
    (lambda: F.dropout(X, -0.1), ValueError, rf"^dropout: p .*-0.1{CAME_IN}"),
    (lambda: F.dropout(X, 2, training=False), ValueError, rf"^dropout: p .*2{CAME_IN}"),
    (lambda: F.dropout(X, float("nan")), ValueError, rf"^dropout: p .*nan{CAME_IN}"),
    (lambda: F.relu("x"), TypeError, r"^relu: .*came in: str"),
    (lambda: F.sigmoid([[1.0], [2.0, 3.0]]), (TypeError, ValueError), r"^sigmoid: .*in: list"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()
