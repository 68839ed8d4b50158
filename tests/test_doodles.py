"""Drawings that are no digits, and learning from them that there is something else."""

import numpy as np
import pytest
import torch

from tinygrad_mnist import doodles, functional, handwriting, tensor
from tinygrad_mnist.doodles import NO_DIGIT

KINDS = (doodles.scribble, doodles.hatching, doodles.doodle)


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_drawing_of_its_own_and_the_same_for_the_same_numbers(kind):
    drawn = [kind(np.random.default_rng(seed)) for seed in range(20)]
    pictures = {handwriting.rasterize(each).tobytes() for each in drawn}
    assert len(pictures) == 20
    assert kind(np.random.default_rng(7)) == drawn[7]


@pytest.mark.parametrize("name", doodles.LETTERS)
def test_each_letter_can_be_drawn(name):
    strokes = doodles.letter(np.random.default_rng(0), name)
    assert len(strokes) == doodles.LETTERS[name].count(",") + 1
    assert handwriting.rasterize(strokes).max() == 1


def test_doodles_are_of_every_kind_and_no_letter_is_drawn_that_is_to_stay_strange(monkeypatch):
    seen = []
    for name in ("scribble", "hatching", "letter"):
        monkeypatch.setattr(doodles, name, lambda draw, letter="", name=name: seen.append(
            name + letter))
    draw = np.random.default_rng(0)
    for _ in range(300):
        doodles.doodle(draw)
    assert set(seen) == {"scribble", "hatching", *("letter" + each for each in doodles.TAUGHT)}
    assert set(doodles.TAUGHT) < set(doodles.LETTERS)


def test_samples_are_the_same_each_time():
    once, again = doodles.samples(3), doodles.samples(3)
    assert list(once) == ["scribbles", "hatchings", "letters", "letters never taught"]
    for name, pictures in once.items():
        assert pictures.shape == (3, 1, 28, 28)
        np.testing.assert_array_equal(pictures.data, again[name].data)


def test_doodles_come_after_the_digits_of_a_training_set():
    pictures, labels = np.full((20, 28, 28), 7, np.uint8), np.arange(20) % 10
    made, told = doodles.with_doodles(pictures, labels, 0.25, seed=3)
    assert (made.dtype, made.shape, told.dtype) == (np.uint8, (25, 28, 28), labels.dtype)
    np.testing.assert_array_equal(made[:20], pictures)
    np.testing.assert_array_equal(told, [*labels, *[NO_DIGIT] * 5])
    assert made[20:].max(axis=(1, 2)).tolist() == [255] * 5
    np.testing.assert_array_equal(made, doodles.with_doodles(pictures, labels, 0.25, seed=3)[0])


def test_none_are_added_unless_asked_for():
    pictures, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
    assert doodles.with_doodles(pictures, labels, 0)[0] is pictures


LOGITS = np.random.default_rng(0).standard_normal((5, 4))


@pytest.mark.parametrize("labels", [[0, -1, 3, -1, 2], [1, 2, 3, 0, 0], [-1, -1, -1, -1, -1]])
def test_the_loss_is_cross_entropy_to_the_digit_and_to_all_alike(labels):
    rows = [np.eye(4)[each] if each >= 0 else np.full(4, 0.25) for each in labels]
    target = torch.tensor(np.array(rows))
    theirs = torch.tensor(LOGITS, requires_grad=True)
    loss = torch.nn.functional.kl_div(theirs.log_softmax(1), target, reduction="batchmean")
    loss.backward()
    ours = tensor(LOGITS, requires_grad=True)
    found = doodles.cross_entropy_with_doodles(ours, tensor(labels))
    found.backward()
    assert found.item() == pytest.approx(loss.item())
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_without_doodles_it_is_the_cross_entropy(label_smoothing):
    labels = tensor([1, 2, 3, 0, 0])
    found = doodles.cross_entropy_with_doodles(tensor(LOGITS), labels, label_smoothing)
    assert found.item() == pytest.approx(functional.cross_entropy(
        tensor(LOGITS), labels, label_smoothing=label_smoothing).item())


def test_labels_are_smoothed_those_of_doodles_are_smooth_already():
    digits, doodle = LOGITS[:4], LOGITS[4:]
    smoothed = functional.cross_entropy(tensor(digits), tensor([1, 2, 3, 0]), reduction="sum",
                                        label_smoothing=0.1).item()
    unsure = doodles.cross_entropy_with_doodles(tensor(doodle), tensor([-1])).item()
    found = doodles.cross_entropy_with_doodles(tensor(LOGITS), tensor([1, 2, 3, 0, -1]), 0.1)
    assert found.item() == pytest.approx((smoothed + unsure) / 5)
