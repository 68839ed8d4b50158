"""Matrix products against torch: vectors, matrices and stacks of them; the linear layer."""

import numpy as np
import pytest
from comparing import LAYOUTS, F, against_torch, drawn, refusals, table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import tinygrad_mnist as tg

INTEGERS = np.arange(12).reshape(3, 4)

CASES = table(
    (lambda x, y: x @ y, (3, 4), (4, 2)),
    (lambda x, y: F.matmul(x, y), (3, 4), (4, 2)),
    (lambda x, y: x.matmul(y), (3, 4), (4, 2)),
    (lambda x, y: x @ y, (4,), (4,)),
    (lambda x, y: x @ y, (4,), (4, 2)),
    (lambda x, y: x @ y, (3, 4), (4,)),
    (lambda x, y: x @ y, (2, 3, 4), (4,)),
    (lambda x, y: x @ y, (4,), (2, 4, 5)),
    (lambda x, y: x @ y, (2, 3, 4), (2, 4, 5)),
    (lambda x, y: x @ y, (2, 3, 4), (4, 5)),
    (lambda x, y: x @ y, (3, 4), (2, 4, 5)),
    (lambda x, y: x @ y, (2, 1, 3, 4), (5, 4, 2)),
    (lambda x, y: x @ y, (1, 1), (1, 1)),
    (lambda x, y: x @ y, (0, 4), (4, 2)),
    (lambda x, y: x @ y, (3, 0), (0, 2)),
    (lambda x: x @ x.T, (3, 4)),
    (lambda x: x @ x, (3, 3)),
    (lambda i, j: i @ j.T, INTEGERS, INTEGERS),
    (lambda x, w, b: F.linear(x, w, b), (5, 4), (3, 4), (3,)),
    (lambda x, w: F.linear(x, w), (5, 4), (3, 4)),
    (lambda x, w: F.linear(x, w, None), (1, 4), (3, 4)),
    (lambda x, w, b: F.linear(x, weight=w, bias=b), (1, 4), (3, 4), (3,)),
    (lambda x, w, b: F.linear(x, w, b), (4,), (3, 4), (3,)),
    (lambda x, w: F.linear(x, w), (4,), (3, 4)),
    (lambda x, w, b: F.linear(x, w, b), (2, 5, 4), (3, 4), (3,)),
    (lambda x, w, b: F.linear(x, w, b), (2, 1, 5, 4), (1, 4), (1,)),
    (lambda x, w, b: F.linear(x, w, b), (0, 4), (3, 4), (3,)),
    (lambda x, w, b: F.linear(x.flatten(1), w, b), (6, 2, 3, 4), (10, 24), (10,)),
)


@pytest.mark.parametrize(("line", "inputs"), CASES)
def test_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize(("line", "inputs"), table(
    (lambda x, y: x @ y, (3, 4), (4, 2)),
    (lambda x, y: x @ y, (2, 3, 4), (4, 5)),
    (lambda x, w, b: F.linear(x, w, b), (5, 4), (3, 4), (3,)),
    (lambda x, w, b: F.linear(x, w, b), (2, 5, 4), (3, 4), (3,)),
))
def test_any_layout(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@drawn
@given(mutually_broadcastable_shapes(signature="(m?,n),(n,p?)->(m?,p?)", max_dims=2, max_side=4),
       st.sampled_from(LAYOUTS))
def test_any_shapes_that_meet(shapes, layout):
    against_torch(lambda x, y: x @ y, None, *shapes.input_shapes, dtype="float64", layout=layout)


def test_an_array_on_either_side():
    x, array = tg.tensor([[1.0, 2.0]], requires_grad=True), np.float32([[3.0], [4.0]])
    assert (x @ array).tolist() == [[11.0]]
    assert (array @ x).tolist() == [[3.0, 6.0], [4.0, 8.0]]
    (array @ x).sum().backward()
    assert x.grad.tolist() == [[7.0, 7.0]]


X, Y, B = tg.tensor([[1.0, 2.0, 3.0]]), tg.tensor([1.0, 2.0]), tg.tensor([1.0])
CAME_IN = r".*came in: float32 \(1, 3\), "


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: X @ X, ValueError, rf"^matmul: .*3.*1{CAME_IN}float32 \(1, 3\)"),
    (lambda: X @ Y, ValueError, r"^matmul: .*3.*2.*came in: float32 \(1, 3\), float32 \(2"),
    (lambda: Y @ X, ValueError, r"^matmul: .*2.*1.*came in: .*float32 \(1, 3\)"),
    (lambda: X @ X.sum(), ValueError, rf"^matmul: {CAME_IN}float32 \(\)"),
    (lambda: X @ 2.0, (TypeError, ValueError), rf"^matmul: {CAME_IN}float"),
    (lambda: X @ X.T.double(), TypeError, rf"^matmul: float32 and float64 do not.*{CAME_IN}"),
    (lambda: X @ X.T.long(), TypeError, rf"^matmul: float32 and int64 do not.*{CAME_IN}"),
    (lambda: F.linear(X, X[:, :2]), ValueError, rf"^linear: {CAME_IN}float32 \(1, 2\)"),
    (lambda: F.linear(X, Y), ValueError, rf"^linear: {CAME_IN}float32 \(2,\)"),
    (lambda: F.linear(X, X, Y), ValueError, rf"^linear: .*bias{CAME_IN}.*, float32 \(2,\)"),
    (lambda: F.linear(B.sum(), X), ValueError, r"^linear: .*came in: float32 \(\), float32 \(1"),
    (lambda: F.linear(X, X, B.double()), TypeError, rf"^linear: .*do not mix{CAME_IN}.*float64"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()
