"""Many requests at once give the answers that one gives, also while a network is trained."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tinygrad_mnist import TensorDataset, datasets, models, optim, training, transforms
from tinygrad_mnist.dataloader import DataLoader

SEVEN = [[[0, 0], [60, 0], [25, 90]], [[10, 45], [50, 45]]]
ONE = [[[0, 0], [3, 90]]]

pytestmark = pytest.mark.slow

QUESTIONS = [
    *(("/api/predict", {"sample": number, "models": list(models.MODELS)}) for number in range(6)),
    ("/api/predict", {"strokes": SEVEN}),
    ("/api/predict", {"strokes": ONE, "steps": {"same_pen": False, "centred": False}}),
    ("/api/predict", {"strokes": ONE, "steps": {"inverted": False}, "models": ["seed"]}),
    ("/api/predict", {"strokes": [[["x", 0]]]}),
    *(("/api/explain", {"sample": number, "model": name}) for number, name
      in enumerate(models.MODELS)),
    ("/api/explain", {"strokes": SEVEN, "model": "seed", "cell": {"layer": "2", "channel": 5}}),
]


@pytest.fixture(scope="module")
def expected(app):
    return [ask(app, question) for question in QUESTIONS]


def ask(app, question):
    """The answer but for its times."""
    path, body = question
    answer = app.test_client().post(path, json=body)
    told = answer.json
    for each in told.get("results", []):
        del each["milliseconds"]
    return answer.status_code, told


def crowd(app, expected):
    """Eight threads ask everything several times, each in an order of its own."""
    def one(number):
        order = list(range(len(QUESTIONS))) * 3
        random.Random(number).shuffle(order)
        return [place for place in order if ask(app, QUESTIONS[place]) != expected[place]]

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))


def test_eight_threads_get_what_one_gets(app, expected):
    assert crowd(app, expected) == [[]] * 8


def test_predictions_go_on_while_a_network_is_trained(app, expected):
    pictures, labels = datasets.MNIST(transform=transforms.ToTensor())[:3200]
    loader = DataLoader(TensorDataset(pictures, labels), 64)

    def trained(stop):
        """A training of 50 steps, then more until told to stop: the losses of the first 50."""
        model = models.create("seed")
        fixed = np.random.default_rng(0)
        for parameter in model.parameters():
            parameter.data[...] = fixed.normal(0, 0.05, parameter.shape)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        history = training.fit(model, loader, optimizer, epochs=1)
        while not stop():
            training.fit(model, loader, optimizer, epochs=1)
        return [epoch.loss for epoch in history]

    alone = trained(lambda: True)
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(trained, done.is_set)
        try:
            assert crowd(app, expected) == [[]] * 8
            assert not beside.done()  # it was trained all the while
        finally:
            done.set()
        np.testing.assert_allclose(beside.result(), alone, rtol=1e-4)
