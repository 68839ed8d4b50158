"""Shaping against torch: the same numbers arranged otherwise, and the way back.

Indexing has the most forms. Torch has no negative steps, so these stand against NumPy, whose
indexing the engine speaks in full.
"""

import numpy as np
import pytest
from comparing import LAYOUTS, F, against_torch, here, host, random_array, refusals, table

import tinygrad_mnist as tg

INTEGERS = np.arange(24).reshape(2, 3, 4)
TRUTHS = np.array([True, False, True])
MASK = np.random.default_rng(0).random((2, 3, 4)) > 0.5
ROWS, COLUMNS = np.array([0, 2, 2, -3]), np.array([1, 1, 1, 0])

CASES = table(
    (lambda x: x.reshape(6, 4), (2, 3, 4)),
    (lambda x: x.reshape((4, 6)), (2, 3, 4)),
    (lambda x: x.reshape([4, -1]), (2, 3, 4)),
    (lambda x: x.reshape(-1), (2, 3, 4)),
    (lambda x: x.reshape(1, 1), ()),
    (lambda x: x.reshape(()), (1, 1)),
    (lambda x: x.reshape(3, 0), (0, 2)),
    (lambda x: x.reshape(-1), (0, 2)),
    (lambda x: x.reshape(2, -1, 2), (2, 3, 4)),
    (lambda x: x.view(3, 8), (2, 3, 4)),
    (lambda x: F.reshape(x, (3, 8)), (2, 3, 4)),
    (lambda i: i.reshape(-1), INTEGERS),
    (lambda x: x.flatten(), (2, 3, 4)),
    (lambda x: x.flatten(1), (2, 3, 4, 2)),
    (lambda x: x.flatten(1, 2), (2, 3, 4, 2)),
    (lambda x: x.flatten(-2), (2, 3, 4)),
    (lambda x: x.flatten(start_dim=0, end_dim=-2), (2, 3, 4)),
    (lambda x: x.flatten(), ()),
    (lambda x: x.flatten(1), (0, 3, 2)),
    (lambda x: F.flatten(x, 1), (2, 3, 4)),
    (lambda x: x.permute(2, 0, 1), (2, 3, 4)),
    (lambda x: x.permute((1, 2, 0)), (2, 3, 4)),
    (lambda x: x.permute(-1, 0, -2), (2, 3, 4)),
    (lambda x: x.permute(0, 2, 3, 1), (2, 3, 4, 5)),
    (lambda x: F.permute(x, (2, 0, 1)), (2, 3, 4)),
    (lambda x: x.transpose(0, 2), (2, 3, 4)),
    (lambda x: x.transpose(-1, 1), (2, 3, 4)),
    (lambda x: F.transpose(x, 0, 1), (2, 3)),
    (lambda x: x.T, (2, 3)),
    (lambda x: x.squeeze(), (1, 3, 1, 2)),
    (lambda x: x.squeeze(0), (1, 3, 1)),
    (lambda x: x.squeeze(-1), (1, 3, 1)),
    (lambda x: x.squeeze(1), (1, 3, 1)),
    (lambda x: x.squeeze(), (1, 1)),
    (lambda x: x.squeeze(), ()),
    (lambda x: F.squeeze(x, 0), (1, 3)),
    (lambda x: x.unsqueeze(0), (2, 3)),
    (lambda x: x.unsqueeze(-1), (2, 3)),
    (lambda x: x.unsqueeze(1), (2, 3)),
    (lambda x: x.unsqueeze(0), ()),
    (lambda x: F.unsqueeze(x, -2), (2, 3)),
    (lambda x, y: F.concatenate([x, y]), (2, 3), (4, 3)),
    (lambda x, y: F.concatenate((x, y), dim=1), (2, 3), (2, 1)),
    (lambda x, y, z: F.concatenate([x, y, z], -1), (2, 3), (2, 1), (2, 0)),
    (lambda x: F.concatenate([x, x]), (2, 3)),
    (lambda x, y: F.cat([x, y], 1), (2, 3), (2, 2)),
    (lambda x: F.cat([x]), (2, 3)),
    (lambda i: F.cat([i, i], 2), INTEGERS),
    (lambda x, y: F.stack([x, y]), (2, 3), (2, 3)),
    (lambda x, y: F.stack((x, y), dim=1), (2, 3), (2, 3)),
    (lambda x, y: F.stack([x, y], -1), (2, 3), (2, 3)),
    (lambda x, y: F.stack([x, y]), (), ()),
    (lambda x: F.pad(x, (1, 2)), (2, 3)),
    (lambda x: F.pad(x, (1, 1, 2, 0)), (2, 3, 4)),
    (lambda x: F.pad(x, (0, 1, 2, 3, 1, 0), value=-1.5), (2, 3, 4)),
    (lambda x: F.pad(x, (0, 0)), (2, 3)),
    (lambda x: F.pad(x, (1, 1), value=float("-inf")), (2, 3)),
    (lambda i: F.pad(i, (1, 1), value=7), INTEGERS),
)

INDEXING = table(
    (lambda x: x[0], (2, 3, 4)),
    (lambda x: x[-1], (2, 3, 4)),
    (lambda x: x[1, 2, 3], (2, 3, 4)),
    (lambda x: x[1:], (2, 3, 4)),
    (lambda x: x[:, 1], (2, 3, 4)),
    (lambda x: x[:, -2:, ::2], (2, 3, 4)),
    (lambda x: x[:, 1:1], (2, 3, 4)),
    (lambda x: x[5:], (2, 3)),
    (lambda x: x[..., 0], (2, 3, 4)),
    (lambda x: x[...], (2, 3, 4)),
    (lambda x: x[0, ..., 1:], (2, 3, 4)),
    (lambda x: x[None], (2, 3)),
    (lambda x: x[:, None, 1:, None], (2, 3)),
    (lambda x: x[..., None], ()),
    (lambda x: x[()], (2, 3)),
    (lambda x: x[[0, 0, 1]], (2, 3)),
    (lambda x: x[:, [2, 2, 0]], (2, 3)),
    (lambda x: x[[0, 1, 1], [2, 0, 0]], (2, 3)),
    (lambda x, i: x[i], (3, 4), ROWS),
    (lambda x, i: x[i.reshape(2, 2)], (3, 4), ROWS),
    (lambda x, i: x[:, i], (2, 3, 4), ROWS),
    (lambda x, i, j: x[i, j], (3, 4), ROWS, COLUMNS),
    (lambda x, i, j: x[i, :, j], (3, 2, 4), ROWS, COLUMNS),
    (lambda x, i, j: x[i[:, None], j[None, :]], (3, 4), ROWS, COLUMNS),
    (lambda x, i: x[i, None, 1:], (3, 4), ROWS),
    (lambda x, i: x[i], (3, 4), np.array(1)),
    (lambda x: x[(0, 0), (1, 1)], (3, 4)),
    (lambda x: x[[0, 0, 2]], (3, 4)),
    (lambda x: x[1, ..., None], (2, 3, 4)),
    (lambda x, m: x[m], (2, 3, 4), MASK),
    (lambda x, m: x[:, m], (2, 3, 4), TRUTHS),
    (lambda x, m: x[m, 1:], (3, 4), TRUTHS),
    (lambda x, m: x[m], (3,), np.zeros(3, bool)),
    (lambda x: x[x > 0], (2, 3, 4)),
    (lambda x: x[[True, False, True]], (3, 4)),
    (lambda i: i[:, 1], INTEGERS),
)


@pytest.mark.parametrize(("line", "inputs"), CASES + INDEXING)
def test_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize(("line", "inputs"), table(
    (lambda x: x.reshape(6, 4), (2, 3, 4)),
    (lambda x: x.flatten(1), (4, 3, 2, 2)),
    (lambda x: x.permute(2, 0, 1), (2, 3, 4)),
    (lambda x: F.pad(x, (1, 2, 0, 1)), (2, 3, 4)),
    (lambda x, y: F.cat([x, y], 1), (2, 3), (2, 2)),
    (lambda x, i: x[:, i], (2, 3, 4), ROWS),
    (lambda x: x[:, 1:, ::2], (2, 3, 4)),
))
def test_any_layout(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@pytest.mark.parametrize("key", [
    np.s_[::-1], np.s_[:, ::-2], np.s_[-1:0:-1, ..., 3:0:-2], np.s_[[2, 2], ::-1],
    np.array([0, 2, 2]), (np.array([0, 2, 2]), 1), np.array([[0], [2]]),
    np.array([True, False, True]), [[0, 1], [1, 1]], np.int64(-1),
], ids=repr)
def test_index_like_numpy(key):
    values = random_array(3, 2, 4)
    x = here(values, requires_grad=True)
    result = x[key]
    np.testing.assert_array_equal(host(result), values[key])
    slope = random_array(*result.shape, seed=1)
    result.backward(slope)
    expected = np.zeros_like(values)
    np.add.at(expected, key, slope)  # adds once for each time an element was taken
    np.testing.assert_allclose(host(x.grad), expected, rtol=1e-15)


X, WHOLE = tg.tensor([[1.0, 2.0, 3.0]]), tg.tensor([1, 2, 3])
CAME_IN = r".*came in: float32 \(1, 3\)"


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: X.reshape(2, 2), ValueError, rf"^reshape: .*\(2,\s*2\){CAME_IN}"),
    (lambda: X.reshape(-1, -1), ValueError, rf"^reshape: {CAME_IN}"),
    (lambda: X.flatten(2), IndexError, rf"^flatten: .*dimension 2{CAME_IN}"),
    (lambda: X.flatten(1, 0), ValueError, rf"^flatten: start_dim 1.*end_dim 0{CAME_IN}"),
    (lambda: X.permute(0), ValueError, rf"^permute: {CAME_IN}"),
    (lambda: X.permute(0, 0), ValueError, rf"^permute: {CAME_IN}"),
    (lambda: X.permute(0, 2), IndexError, rf"^permute: .*dimension 2{CAME_IN}"),
    (lambda: X.transpose(0, 2), IndexError, rf"^transpose: .*2{CAME_IN}"),
    (lambda: X.squeeze(-3), IndexError, rf"^squeeze: .*dimension -3{CAME_IN}"),
    (lambda: X.unsqueeze(3), IndexError, rf"^unsqueeze: .*3{CAME_IN}"),
    (lambda: WHOLE.T, IndexError, r"^permute: .*came in: int64 \(3,\)"),
    (lambda: X[1], IndexError, rf"^index: .*index 1 {CAME_IN}"),
    (lambda: X[0, 0, 0], IndexError, rf"^index: {CAME_IN}"),
    (lambda: X[[0, 1]], IndexError, rf"^index: .*index 1 {CAME_IN}"),
    (lambda: X[0.5], IndexError, rf"^index: {CAME_IN}"),
    (lambda: X[WHOLE > 1], IndexError, rf"^index: {CAME_IN}"),
    (lambda: F.concatenate([]), ValueError, r"^concatenate: there is nothing"),
    (lambda: F.concatenate([X, X[0]]), ValueError, rf"^concatenate: {CAME_IN}, float32 \(3,\)"),
    (lambda: F.concatenate([X, X[:, :2]]), ValueError, rf"^concatenate: {CAME_IN}, .*\(1, 2\)"),
    (lambda: F.concatenate([X, X], 2), IndexError, rf"^concatenate: .*dimension 2{CAME_IN}"),
    (lambda: F.concatenate([X, X.double()]), TypeError, rf"^concatenate: .*do not mix{CAME_IN}"),
    (lambda: F.concatenate([X[0], WHOLE]), TypeError, r"^concatenate: float32 and int64 do not"),
    (lambda: F.stack([X, X[0]]), ValueError, rf"^stack: {CAME_IN}, float32 \(3,\)"),
    (lambda: F.stack([X, X], 4), IndexError, rf"^stack: .*4{CAME_IN}"),
    (lambda: F.pad(X, (1,)), ValueError, rf"^pad: .*\(1,\){CAME_IN}"),
    (lambda: F.pad(X, (1, -1)), ValueError, rf"^pad: .*\(1, -1\){CAME_IN}"),
    (lambda: F.pad(X, (1,) * 6), ValueError, rf"^pad: .*up to 2 dim.*\(1, 1, 1, .*{CAME_IN}"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()


@pytest.mark.parametrize("key", [0, -1, (1,), (2, ...)], ids=str)
def test_one_element_is_a_view_as_in_torch(key):
    x = here(np.array([1.0, 2.0, 3.0]))
    x[key].zero_()
    assert np.count_nonzero(x.numpy()) == 2
    with tg.no_grad():
        for each in x:
            each += 10
    assert x.numpy().min() == 10


@pytest.mark.parametrize("key", [((0, 0, 1),), range(-2, 2), ([1, 1], 0)], ids=str)
def test_an_element_that_any_sequence_takes_twice_gets_both_gradients(key):
    x = tg.tensor(np.ones((2, 3)), requires_grad=True)
    x[key].sum().backward()
    taken = np.zeros((2, 3))
    np.add.at(taken, key, 1)
    np.testing.assert_array_equal(x.grad.numpy(), taken)
