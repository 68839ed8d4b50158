"""The ladder: drawings on a page, and what each step of preparing them brings."""

import numpy as np
import pytest

from tinygrad_mnist import (
    TensorDataset,
    datasets,
    handwriting,
    ladder,
    models,
    nn,
    training,
    transforms,
)
from tinygrad_mnist.recipes import Recipe
from tinygrad_mnist.tensor import Tensor
from tinygrad_mnist.transforms import RandomAffine, RandomApply, RandomThickness

SEVEN = [[[0, 0], [60, 0], [25, 90]], [[10, 45], [50, 45]]]


def test_a_drawing_lies_somewhere_on_a_white_page():
    draw = np.random.default_rng(0)
    pages = [ladder.on_a_page(SEVEN, draw) for _ in range(20)]
    for page in pages:
        assert page.shape == (280, 280)
        assert (page.min(), page.max()) == (0, 1)
        ink = np.argwhere(page < 0.5)
        assert 280 / 3 <= np.ptp(ink[:, 0]) <= 280 * 2 / 3 + ladder.BRUSH + 2
        border = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
        assert (border == 1).all()  # all of it fits
    assert len({page.tobytes() for page in pages}) == 20


def test_a_dot_is_drawn_too():
    assert (ladder.on_a_page([[[5, 5]]], np.random.default_rng(0)) < 0.5).any()


@pytest.mark.parametrize("name", ladder.STEPS)
def test_each_step_gives_a_picture_for_the_network(name):
    page = ladder.on_a_page(SEVEN, np.random.default_rng(0))
    picture = ladder.STEPS[name][1](page)
    assert (picture.shape, picture.dtype) == ((28, 28), np.float32)


def test_the_last_step_is_prepare_and_the_one_after_it_rasterize():
    page = ladder.on_a_page(SEVEN, np.random.default_rng(0))
    *_, (_, last) = ladder.STEPS.values()
    np.testing.assert_array_equal(last(page), handwriting.prepare(page))
    assert np.corrcoef(last(page).ravel(), handwriting.rasterize(SEVEN).ravel())[0, 1] > 0.7


class Centred(nn.Module):
    """Says 1 if the centre of mass is where MNIST has it, and the picture is dark, else 0."""

    def __init__(self):
        self.unused = nn.Linear(1, 1)

    def forward(self, pictures):
        array = pictures.numpy()[:, 0]
        rows = (array.sum(axis=2) * np.arange(28)).sum(axis=1) / array.sum(axis=(1, 2))
        good = (abs(rows - 14) <= 0.5) & (array.mean(axis=(1, 2)) < 0.5)
        return Tensor(np.stack([~good, good], axis=1).astype(np.float32))


def test_climbing_measures_each_step():
    strokes = [SEVEN] * 10
    rungs = ladder.climb(Centred(), strokes, np.ones(10, np.int64))
    assert [each["step"] for each in rungs] == [*ladder.STEPS, "same pen"]
    told = {each["step"]: each["accuracy"] for each in rungs}
    assert told["as drawn"] == 0
    assert told["centred"] == told["same pen"] == 1
    assert rungs == ladder.climb(Centred(), strokes, np.ones(10, np.int64))


def test_networks_are_compared():
    data = TensorDataset(np.zeros((4, 1, 28, 28), np.float32), np.arange(4))
    networks = {"linear": models.create("linear")}
    (row,) = ladder.compare(networks, data, [], np.empty(0, np.int64))
    assert (row["model"], row["parameters"], row["mnist"], row["drawn"]) == (
        "linear", 7850, 0.25 if row["mnist"] else 0.0, None)
    (row,) = ladder.compare(networks, data, [SEVEN], np.array([7]))
    assert row["drawn"] in (0, 1)


def test_each_kind_of_pictures_has_a_training_of_its_own(monkeypatch):
    trained = []

    def fit(model, loader, optimizer, epochs, **options):
        trained.append((len(loader.dataset), options["augment"], options["workers"]))

    monkeypatch.setattr(training, "fit", fit)
    recipe = Recipe("linear", epochs=3, augment=(RandomApply([RandomAffine(10), RandomThickness()],
                                                             p=0.25),), habits=1.0, workers=1)
    train = datasets.MNIST(transform=transforms.ToTensor())
    train.images, train.labels = train.images[:200], train.labels[:200]
    test = TensorDataset(*datasets.MNIST(train=False, transform=transforms.ToTensor())[:50])
    rungs = list(ladder.train_each(recipe, train, test, [SEVEN], np.array([7])))
    assert [each["added"] for each in rungs] == [
        "MNIST as it is", "+ RandomAffine", "+ RandomThickness", "+ habits"]
    assert all(0 <= each["mnist"] <= 1 and each["drawn"] in (0, 1) for each in rungs)
    assert [size for size, _, _ in trained[:3]] == [200] * 3
    assert trained[3][0] > 200
    assert trained[0][1] is None
    shown = [repr(augment) for _, augment, _ in trained[1:]]
    assert shown[0].count("Random") == 2  # RandomApply and RandomAffine
    assert "RandomThickness" in shown[1]
    assert shown[1] == shown[2]
    assert "p=0.25" in shown[0]
