"""Reductions against torch: over everything, one dimension or several, kept or dropped.

Equal elements are the delicate case: without `dim` they share the gradient of a maximum, with
`dim` the first one takes it all.
"""

import numpy as np
import pytest
from comparing import LAYOUTS, F, against_torch, drawn, refusals, table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import tinygrad_mnist as tg

INTEGERS = np.array([[-3, -1, 0, 2], [1, 2, 3, 4], [5, 6, -7, 8]])
BYTES = np.array([0, 1, 200, 255], dtype=np.uint8)
SHORTS = np.array([[0, 1, 200, 255]], dtype=np.int16)
TRUTHS = np.array([[True, False, True], [False, False, False]])
TIES = np.array([[1.0, 2.0, 2.0, 2.0], [0.0, 0.0, -0.5, -0.5], [2.0, -1.0, -1.0, 2.0]])
SPECIAL = np.array([[np.nan, 1.0, np.nan], [np.inf, 2.0, np.inf], [-np.inf, -np.inf, 0.0]])

CASES = table(
    (lambda x: x.sum(), (2, 3, 4)),
    (lambda x: x.sum(0), (2, 3, 4)),
    (lambda x: x.sum(-1), (2, 3, 4)),
    (lambda x: x.sum(dim=1, keepdim=True), (2, 3, 4)),
    (lambda x: x.sum((0, 2)), (2, 3, 4)),
    (lambda x: x.sum(dim=(-1, 0), keepdim=True), (2, 3, 4)),
    (lambda x: x.sum(dim=[0, 1]), (2, 3, 4)),
    (lambda x: x.sum(dim=()), (2, 3)),
    (lambda x: x.sum(), ()),
    (lambda x: x.sum(0), ()),
    (lambda x: x.sum(), (0, 3)),
    (lambda x: x.sum(0), (0, 3)),
    (lambda x: x.sum(1), (0, 3)),
    (lambda i: i.sum(), INTEGERS),
    (lambda i: i.sum(0), INTEGERS),
    (lambda i: i.sum(), BYTES),
    (lambda i: i.sum(1), SHORTS),
    (lambda b: b.sum(), TRUTHS),
    (lambda b: b.sum(1), TRUTHS),
    (lambda x: F.sum(x, 1), (2, 3)),
    (lambda x: x.mean(), (2, 3, 4)),
    (lambda x: x.mean(1), (2, 3, 4)),
    (lambda x: x.mean(dim=-2, keepdim=True), (2, 3, 4)),
    (lambda x: x.mean((1, 2)), (2, 3, 4)),
    (lambda x: x.mean(dim=(0, -1), keepdim=True), (2, 3, 4)),
    (lambda x: x.mean(), ()),
    (lambda x: x.mean(1), (0, 3)),
    (lambda x: F.mean(x), (5,)),
    (lambda x: x.max(), (2, 3, 4)),
    (lambda x: x.max(), TIES),
    (lambda x: x.max(), ()),
    (lambda x: x.max(0), (2, 3, 4)),
    (lambda x: x.max(dim=-1), (2, 3, 4)),
    (lambda x: x.max(dim=1, keepdim=True), (2, 3, 4)),
    (lambda x: x.max(1), TIES),
    (lambda x: x.max(0), TIES),
    (lambda x: x.max(0).values.exp(), (3, 4)),
    (lambda x: x.max(0).indices, (3, 4)),
    (lambda x: x.max(0), ()),
    (lambda x: x.max(1), (0, 3)),
    (lambda x: x.min(), (2, 3, 4)),
    (lambda x: x.min(), TIES),
    (lambda x: x.min(-2), (2, 3, 4)),
    (lambda x: x.min(dim=1, keepdim=True), TIES),
    (lambda x: F.max(x), (3,)),
    (lambda x: F.min(x, 0), (3,)),
    (lambda i: i.max(), INTEGERS),
    (lambda i: i.min(1), INTEGERS),
    (lambda x: x.argmax(), (2, 3, 4)),
    (lambda x: x.argmax(1), (2, 3, 4)),
    (lambda x: x.argmax(dim=-1, keepdim=True), (2, 3, 4)),
    (lambda x: x.argmax(1), TIES),
    (lambda x: x.argmax(), TIES),
    (lambda x: x.argmax(), ()),
    (lambda x: x.argmin(), (2, 3, 4)),
    (lambda x: x.argmin(1), TIES),
    (lambda i: i.argmin(0), INTEGERS),
    (lambda x: F.argmin(x, 0), (4, 3)),
    (lambda x: F.argmax(x, 0), (4, 3)),
    (lambda b: b.any(), TRUTHS),
    (lambda b: b.any(1), TRUTHS),
    (lambda b: b.all(dim=0, keepdim=True), TRUTHS),
    (lambda b: b.all(), TRUTHS),
    (lambda x: x.any((0, 1)), (2, 3)),
    (lambda i: i.all(-1), INTEGERS),
    (lambda b: b.any(), np.zeros((0, 3), bool)),
    (lambda b: b.all(), np.zeros((0, 3), bool)),
    (lambda b: F.any(b, 1), TRUTHS),
    (lambda b: F.all(b, 1), TRUTHS),
)

NOT_FINITE = table(
    (lambda x: x.sum(1), SPECIAL),
    (lambda x: x.mean(0), SPECIAL),
    (lambda x: x.max(), SPECIAL),
    (lambda x: x.min(), SPECIAL),
    (lambda x: x[1:].max(), SPECIAL),
    (lambda x: x.max(1), SPECIAL),
    (lambda x: x.min(0), SPECIAL),
    (lambda x: x.argmax(1), SPECIAL),
    (lambda x: x.argmin(), SPECIAL),
    (lambda b: b.any(1), SPECIAL),
    (lambda x: (x * 0).max(1).values.sqrt(), (2, 3)),  # an infinite gradient
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
    (lambda x: x.sum((0, 2)), (3, 4, 5)),
    (lambda x: x.mean(1), (3, 4, 5)),
    (lambda x: x.max(), (3, 4, 5)),
    (lambda x: x.max(1), (3, 4, 5)),
    (lambda x: x.argmax(), (3, 4, 5)),
))
def test_any_layout(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@st.composite
def shapes_and_dims(draw):
    shape = draw(array_shapes(min_dims=1, max_dims=4, max_side=4))
    every = st.integers(-len(shape), len(shape) - 1)
    dims = draw(st.lists(every, min_size=1, unique_by=lambda dim: dim % len(shape)))
    return shape, tuple(dims)


@drawn
@given(shapes_and_dims(), st.sampled_from(["sum", "mean"]), st.booleans(),
       st.sampled_from(LAYOUTS))
def test_any_shape_and_dims(shape_and_dims, name, keepdim, layout):
    shape, dims = shape_and_dims
    against_torch(lambda x: getattr(x, name)(dim=dims, keepdim=keepdim), None, shape,
                  dtype="float64", layout=layout)


@drawn
@given(shapes_and_dims(), st.sampled_from(["max", "min"]), st.booleans(), st.integers(0, 9))
def test_any_shape_with_ties(shape_and_dims, name, keepdim, seed):
    shape, dims = shape_and_dims
    few_values = np.random.default_rng(seed).integers(0, 3, shape).astype("float64")
    against_torch(lambda x: getattr(x, name)(), None, few_values)
    against_torch(lambda x: getattr(x, name)(dim=dims[0], keepdim=keepdim), None, few_values)


X, WHOLE, NONE = tg.tensor([[1.0, 2.0, 3.0]]), tg.tensor([1, 2, 3]), tg.tensor([])


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: X.sum(2), IndexError, r"^sum: .*2.*came in: float32 \(1, 3\)"),
    (lambda: X.sum((0, -3)), IndexError, r"^sum: .*-3.*came in: float32 \(1, 3\)"),
    (lambda: X.sum((0, 0)), ValueError, r"^sum: .*came in: float32 \(1, 3\)"),
    (lambda: X.mean(2), IndexError, r"^mean: .*2.*came in: float32 \(1, 3\)"),
    (lambda: WHOLE.mean(), TypeError, r"^mean: .*int64.*came in: int64 \(3,\)"),
    (lambda: X.max(2), IndexError, r"^max: .*2.*came in: float32 \(1, 3\)"),
    (lambda: X.min(-3), IndexError, r"^min: .*-3.*came in: float32 \(1, 3\)"),
    (lambda: NONE.mean(), ValueError, r"^mean: there is no mean of no elements"),
    (lambda: NONE.max(), ValueError, r"^max: .*came in: float32 \(0,\)"),
    (lambda: NONE.min(), ValueError, r"^min: .*came in: float32 \(0,\)"),
    (lambda: X.argmax(2), IndexError, r"^argmax: .*2.*came in: float32 \(1, 3\)"),
    (lambda: NONE.argmin(), ValueError, r"^argmin: .*came in: float32 \(0,\)"),
    (lambda: X.any(5), IndexError, r"^any: .*5.*came in: float32 \(1, 3\)"),
    (lambda: X.all(5), IndexError, r"^all: .*5.*came in: float32 \(1, 3\)"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()
