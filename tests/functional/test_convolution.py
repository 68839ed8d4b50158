"""Convolution against torch, and against six loops that anyone can check by eye."""

import itertools

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
from tinygrad_mnist.backend import batch_first, batch_last
from tinygrad_mnist.functional import windows
from tinygrad_mnist.functional.convolution import col2im, im2col
from tinygrad_mnist.functional.windows import slide

CASES = table(
    (lambda x, w, b: F.conv2d(x, w, b), (2, 3, 6, 5), (4, 3, 3, 2), (4,)),
    (lambda x, w: F.conv2d(x, w), (2, 3, 6, 5), (4, 3, 3, 2)),
    (lambda x, w: F.conv2d(x, w, None, 1, 1), (2, 3, 6, 5), (4, 3, 3, 2)),
    (lambda x, w, b: F.conv2d(x, w, bias=b, stride=2), (2, 3, 7, 9), (4, 3, 3, 3), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b, stride=(1, 3)), (2, 2, 6, 9), (3, 2, 2, 2), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, stride=[3, 1]), (2, 2, 9, 6), (3, 2, 2, 2), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, stride=4), (2, 2, 9, 9), (3, 2, 2, 2), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, padding=1), (2, 2, 5, 4), (3, 2, 3, 3), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, padding=(2, 0)), (2, 2, 4, 5), (3, 2, 3, 3), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, dilation=2), (2, 2, 7, 8), (3, 2, 3, 3), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, dilation=(1, 3)), (2, 2, 5, 9), (3, 2, 3, 3), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b, 2, 3, 2), (2, 2, 8, 7), (3, 2, 3, 2), (3,)),
    (lambda x, w, b: F.conv2d(x, w, b), (2, 3, 4, 5), (4, 3, 1, 1), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b, stride=2), (2, 3, 5, 6), (4, 3, 1, 1), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b, padding=1), (2, 3, 2, 2), (4, 3, 1, 1), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b), (2, 3, 4, 5), (4, 3, 4, 5), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b, padding=2), (2, 1, 2, 3), (2, 1, 5, 5), (2,)),
    (lambda x, w, b: F.conv2d(x, w, b, padding=3), (1, 1, 1, 1), (1, 1, 7, 7), (1,)),
    (lambda x, w, b: F.conv2d(x, w, b), (1, 3, 6, 6), (4, 3, 3, 3), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b), (3, 1, 1, 9), (1, 1, 1, 4), (1,)),
    (lambda x, w, b: F.conv2d(x, w, b), (0, 3, 6, 6), (4, 3, 3, 3), (4,)),
    (lambda x, w, b: F.conv2d(x, w, b).relu().sum(), (2, 1, 28, 28), (8, 1, 5, 5), (8,)),
    (lambda x, w: F.conv2d(F.conv2d(x, w, padding=1), w), (2, 2, 6, 6), (2, 2, 3, 3)),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("line", "inputs"), CASES)
def test_like_torch(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@pytest.mark.parametrize("columns", [1, 20])
@pytest.mark.parametrize(("line", "inputs"), CASES)
def test_any_number_of_blocks(line, inputs, columns, monkeypatch):
    """Large pictures are worked on in blocks of rows. With so few columns, small ones too."""
    monkeypatch.setattr(windows, "columns_at_once", lambda rows, depth, array: columns)
    against_torch(line, None, *inputs, dtype="float64")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some matrix libraries say so
def test_not_a_number_spoils_only_what_has_seen_it():
    picture = random_array(1, 1, 6, 6)
    picture[0, 0, 1, 1] = np.nan
    picture[0, 0, 5, 5] = np.inf
    against_torch(lambda x, w: F.conv2d(x, w), None, picture, (2, 1, 2, 2))


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@drawn
@given(st.tuples(*[st.integers(1, 3)] * 3), pairs, pairs,
       st.tuples(st.integers(0, 3), st.integers(0, 3)), pairs,
       st.tuples(st.integers(0, 5), st.integers(0, 5)), st.sampled_from(LAYOUTS))
def test_any_sizes(counts, kernel, stride, padding, dilation, extra, layout):
    N, C, O = counts
    H, W = (max(1, d * (k - 1) + 1 - 2 * p) + more
            for k, p, d, more in zip(kernel, padding, dilation, extra, strict=True))
    against_torch(lambda x, w, b: F.conv2d(x, w, b, stride, padding, dilation), None,
                  (N, C, H, W), (O, C, *kernel), (O,), dtype="float64", layout=layout)


@pytest.mark.parametrize(("stride", "padding", "dilation"), [
    ((1, 1), (0, 0), (1, 1)), ((2, 1), (1, 2), (1, 1)), ((2, 3), (0, 1), (2, 1)),
])
def test_like_loops(stride, padding, dilation):
    """Each output adds up weight * pixel; each pixel and weight gets back what it gave."""
    x, w, b = (here(random_array(*shape), requires_grad=True)
               for shape in ((2, 2, 5, 6), (3, 2, 2, 3), (3,)))
    result = tg.functional.conv2d(x, w, b, stride, padding, dilation)
    N, O, OH, OW = result.shape
    H, W = x.shape[2:]
    slope = random_array(N, O, OH, OW, seed=1)
    result.backward(slope)

    pixels, weights, biases = map(host, (x, w, b))
    value = np.zeros(result.shape)
    to_x, to_w, to_b = np.zeros(x.shape), np.zeros(w.shape), np.zeros(O)
    for n, o, oh, ow in np.ndindex(N, O, OH, OW):
        value[n, o, oh, ow] += biases[o]
        to_b[o] += slope[n, o, oh, ow]
        for c, i, j in np.ndindex(w.shape[1:]):
            row = oh * stride[0] + i * dilation[0] - padding[0]
            column = ow * stride[1] + j * dilation[1] - padding[1]
            if 0 <= row < H and 0 <= column < W:
                value[n, o, oh, ow] += weights[o, c, i, j] * pixels[n, c, row, column]
                to_w[o, c, i, j] += slope[n, o, oh, ow] * pixels[n, c, row, column]
                to_x[n, c, row, column] += slope[n, o, oh, ow] * weights[o, c, i, j]
    for got, want in ((result, value), (x.grad, to_x), (w.grad, to_w), (b.grad, to_b)):
        same(host(got), want)


def test_columns_hold_patches():
    """A picture of 3 x 3 seen by a window of 2 x 2: each column is one patch, row by row."""
    picture = np.arange(9.0).reshape(1, 1, 3, 3)
    window = slide(picture.shape, 2, 1, 0)
    patches = window.patches(window.framed(picture, 0))
    assert im2col(patches).T.tolist() == [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), [
    (2, 1, 0, 1), (3, 2, 1, 1), ((1, 3), (3, 1), (0, 2), 2),
])
def test_col2im_is_im2col_turned_round(kernel, stride, padding, dilation):
    """<im2col(x), y> = <x, col2im(y)> for any x and y: what it means to be its gradient."""
    x = random_array(2, 3, 6, 7)
    window = slide(x.shape, kernel, stride, padding, dilation)
    columns = im2col(window.patches(window.framed(x, 0)))
    y = random_array(*columns.shape, seed=1)
    framed = window.blank(batch_last(x))
    col2im(y, window, framed)
    back = batch_first(window.unframed(framed))
    assert (columns * y).sum() == pytest.approx((x * back).sum(), rel=1e-12)


@pytest.mark.parametrize("kernel", list(itertools.product((1, 2, 3), (1, 2))))
def test_the_batch_stays_last_in_memory(kernel):
    x = here(np.moveaxis(random_array(2, 6, 7, 4), -1, 0), requires_grad=True)
    result = tg.functional.conv2d(x, here(random_array(3, 2, *kernel)))
    assert batch_last(result.data).flags.c_contiguous


X, K = tg.tensor(np.zeros((2, 3, 5, 6), "f4")), tg.tensor(np.zeros((4, 3, 2, 2), "f4"))
CAME_IN = r".*came in: float32 \(2, 3, 5, 6\), float32 \(4, 3, 2, 2\)"


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: F.conv2d(X[0], K), ValueError, r"^conv2d: .*\(3, 5, 6\).*came in: .*\(3, 5, 6\), "),
    (lambda: F.conv2d(X, K[0]), ValueError, r"^conv2d: weight .*\(3, 2, 2\).*came in: "),
    (lambda: F.conv2d(X[:, :2], K), ValueError, r"^conv2d: input has 2 channels.*\(4, 3, 2, 2\)"),
    (lambda: F.conv2d(X, K, X[0, 0, 0, :3]), ValueError, r"^conv2d: bias .*\(4,\).*\(3,\)"),
    (lambda: F.conv2d(X, K, K[:, 0, 0, :1]), ValueError, r"^conv2d: bias .*\(4, 1\)"),
    (lambda: F.conv2d(X, K, stride=0), ValueError, rf"^conv2d: stride .*0{CAME_IN}"),
    (lambda: F.conv2d(X, K, stride=(1, 1, 1)), ValueError, rf"^conv2d: stride .*{CAME_IN}"),
    (lambda: F.conv2d(X, K, stride=1.5), ValueError, rf"^conv2d: stride .*1.5{CAME_IN}"),
    (lambda: F.conv2d(X, K, padding=-1), ValueError, rf"^conv2d: padding .*-1{CAME_IN}"),
    (lambda: F.conv2d(X, K, padding="same"), ValueError, rf"^conv2d: padding .*'same'{CAME_IN}"),
    (lambda: F.conv2d(X, K, dilation=0), ValueError, rf"^conv2d: dilation .*0{CAME_IN}"),
    (lambda: F.conv2d(X, K, dilation=6), ValueError, rf"^conv2d: .*not fit.*\(5, 6\){CAME_IN}"),
    (lambda: F.conv2d(X.double(), K), TypeError, r"^conv2d: float32 and float64 do not mix"),
    (lambda: F.conv2d(X.long(), K), TypeError, r"^conv2d: float32 and int64 do not mix"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()
