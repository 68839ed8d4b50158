"""Losses against torch: any logits, any way to write the labels, and labels that cannot be."""

import numpy as np
import pytest
from comparing import LAYOUTS, F, against_torch, here, host, random_array, refusals, table

import tinygrad_mnist as tg

LABELS = np.array([3, 0, 3, 1, 2])
HUGE = np.array([[1e4, -1e4, 0.0, 1e4], [-1e4, -1e4, -1e4, -1e4], [0.0, 1e4, 0.0, 0.0],
                 [3e38, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
IMPOSSIBLE = np.array([[0.0, -np.inf, 1.0, 2.0], [1.0, -np.inf, -np.inf, -np.inf],
                       [0.0, -np.inf, 0.0, 1.0], [-np.inf, 0.0, 1.0, 2.0], [1.0, -np.inf, 0.0, 0]])
SPECIAL = np.array([[np.nan, 1.0, 2.0, 0.0], [np.inf, 1.0, 2.0, 0.0], [1.0, np.inf, 2.0, 0.0],
                    [1.0, -np.inf, 2.0, 0.0], [0.0, 1.0, 2.0, 3.0]])

CASES = table(
    (lambda x, t: F.cross_entropy(x, t), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="mean"), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="sum"), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="none"), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, label_smoothing=1.0), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="sum", label_smoothing=0.3), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=0.3), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, target=t), (1, 4), LABELS[:1]),
    (lambda x, t: F.cross_entropy(x, t), (5, 1), LABELS * 0),
    (lambda x, t: F.cross_entropy(x, t), HUGE, LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="none"), HUGE, LABELS),
    (lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), HUGE[:3], LABELS[:3]),
    (lambda x, t: F.cross_entropy(x * 1e4, t), (5, 4), LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="sum"), (0, 4), LABELS[:0]),
    (lambda x, t: F.cross_entropy(x, t, reduction="none"), (0, 4), LABELS[:0]),
    (lambda x, w, t: F.cross_entropy(F.linear(x, w), t), (5, 3), (4, 3), LABELS),
    (lambda x, y: F.mse_loss(x, y), (3, 4), (3, 4)),
    (lambda x, y: F.mse_loss(x, y, reduction="mean"), (3, 4), (3, 4)),
    (lambda x, y: F.mse_loss(x, y, reduction="sum"), (3, 4), (3, 4)),
    (lambda x, y: F.mse_loss(x, y, reduction="none"), (3, 4), (3, 4)),
    (lambda x, y: F.mse_loss(input=x, target=y), (3, 4), (3, 4)),
    (lambda x, y: F.mse_loss(x, y), (), ()),
    (lambda x, y: F.mse_loss(x, y, reduction="sum"), (0, 4), (0, 4)),
    (lambda x: F.mse_loss(x, x * 2), (3, 4)),
)

NOT_FINITE = table(
    (lambda x, t: F.cross_entropy(x, t), IMPOSSIBLE, LABELS),  # a class ruled out, and not asked
    (lambda x, t: F.cross_entropy(x, t, reduction="none"), IMPOSSIBLE, LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="none"), IMPOSSIBLE, LABELS * 0 + 1),
    (lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), IMPOSSIBLE, LABELS),
    (lambda x, t: F.cross_entropy(x, t, reduction="none"), SPECIAL, LABELS * 0),
    (lambda x, y: F.mse_loss(x, y, reduction="none"), SPECIAL, (5, 4)),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("line", "inputs"), CASES)
def test_like_torch(line, inputs, layout):
    against_torch(line, None, *inputs, layout=layout)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, where torch is silent
@pytest.mark.parametrize(("line", "inputs"), NOT_FINITE)
def test_not_finite_like_torch(line, inputs):
    against_torch(line, None, *inputs)


@pytest.mark.parametrize("labels", [
    LABELS.astype("int32"), LABELS.astype("uint8"), LABELS.tolist(), tuple(LABELS.tolist()),
    tg.tensor(LABELS), tg.tensor(LABELS.astype("uint8")), LABELS[::-1][::-1],
], ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}")
def test_labels_in_any_writing(labels):
    torch = pytest.importorskip("torch")
    against_torch(lambda x: tg.functional.cross_entropy(x, labels),
                  lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS)), (5, 4))


def test_the_gradient_is_probabilities_minus_the_right_answer():
    x = here(random_array(5, 4), requires_grad=True)
    tg.functional.cross_entropy(x, LABELS, reduction="sum").backward()
    powers = np.exp(host(x))
    right_answers = np.eye(4)[LABELS]
    np.testing.assert_allclose(host(x.grad), powers / powers.sum(1, keepdims=True) - right_answers,
                               atol=1e-14)


X, Y = tg.tensor(np.zeros((5, 4), "f4")), tg.tensor(np.zeros((4, 5), "f4"))
CAME_IN = r".*came in: float32 \(5, 4\)"
ENTROPY = F.cross_entropy


@pytest.mark.parametrize(("line", "exception", "message"), refusals(
    (lambda: ENTROPY(X, LABELS, Y), ValueError, "^cross_entropy: reduction .* not tensor"),
    (lambda: ENTROPY(X, LABELS + 1), IndexError, rf"^cross_entropy: label 4 .*0 to 3{CAME_IN}"),
    (lambda: ENTROPY(X, LABELS - 1), IndexError, rf"^cross_entropy: label -1 .*{CAME_IN}"),
    (lambda: ENTROPY(X, LABELS[:3]), ValueError, rf"^cross_entropy: .*5 rows.*\(3,\){CAME_IN}"),
    (lambda: ENTROPY(X, LABELS[:, None]), ValueError, rf"^cross_entropy: .*\(5, 1\){CAME_IN}"),
    (lambda: ENTROPY(X, 3), ValueError, rf"^cross_entropy: .*\(\){CAME_IN}"),
    (lambda: ENTROPY(X, LABELS * 1.0), TypeError, rf"^cross_entropy: .*float64{CAME_IN}"),
    (lambda: ENTROPY(X, LABELS > 1), TypeError, rf"^cross_entropy: .*bool{CAME_IN}"),
    (lambda: ENTROPY(X[0], LABELS), ValueError, r"^cross_entropy: .*\(4,\).*came in: .*\(4,\)"),
    (lambda: ENTROPY(X, LABELS, "total"), ValueError, rf"^cross_entropy: .*'total'{CAME_IN}"),
    (lambda: ENTROPY(X, LABELS, "mean", 1.5), ValueError, rf"^cross_entropy: .*1.5{CAME_IN}"),
    (lambda: ENTROPY(X, LABELS, "mean", -0.5), ValueError, rf"^cross_entropy: .*-0.5{CAME_IN}"),
    (lambda: ENTROPY(X[:0], LABELS[:0]), ValueError, r"^cross_entropy: .*no mean"),
    (lambda: F.mse_loss(X[:0], X[:0]), ValueError, r"^mse_loss: there is no mean of no losses"),
    (lambda: F.mse_loss(X, Y), ValueError, rf"^mse_loss: .*{CAME_IN}, float32 \(4, 5\)"),
    (lambda: F.mse_loss(X, X[0]), ValueError, rf"^mse_loss: .*{CAME_IN}, float32 \(4,\)"),
    (lambda: F.mse_loss(X, X, "total"), ValueError, rf"^mse_loss: .*'total'{CAME_IN}"),
    (lambda: F.mse_loss(X, X.double()), TypeError, rf"^mse_loss: .*do not mix{CAME_IN}"),
))
def test_refuses(line, exception, message):
    with pytest.raises(exception, match=message):
        line()
