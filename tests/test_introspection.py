"""Looking inside shows what was computed, and changes nothing."""

import threading

import numpy as np
import pytest

from tinygrad_mnist import introspection, models, nn
from tinygrad_mnist.nn import watching
from tinygrad_mnist.tensor import Tensor

PICTURES = Tensor(np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32))


def test_activations_are_what_each_layer_gives():
    model = models.create("seed")
    seen = introspection.activations(model, PICTURES)
    assert [each.name for each in seen] == [str(place) for place in range(8)]
    expected = PICTURES
    for layer, each in zip(model, seen, strict=True):
        expected = layer(expected)
        np.testing.assert_array_equal(each.output, expected.data)
        assert each.layer is layer
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_module_of_ones_own_is_seen_inside():
    class Own(nn.Module):
        def __init__(self):
            self.first, self.again = nn.Flatten(), nn.Sequential(nn.Linear(784, 4), nn.ReLU())

        def forward(self, x):
            return self.again(self.first(x))

    assert [each.name for each in introspection.activations(Own(), PICTURES)] == [
        "first", "again.0", "again.1"]


def test_watching_ends_with_its_block_and_holds_for_its_thread_only():
    model, seen = models.create("linear"), []
    with watching(lambda module, output: seen.append(module)):
        other = threading.Thread(target=model, args=(PICTURES,))
        other.start()
        other.join()
        assert not seen
        model(PICTURES)
    count = len(seen)
    assert count == 3
    model(PICTURES)
    assert len(seen) == count


def test_the_summary_counts_what_is_learnt():
    lines = introspection.summary(models.create("seed")).splitlines()
    assert lines[1].split() == ["0:", "Conv2d", "16", "x", "28", "x", "28", "160"]
    assert lines[-1].split() == ["30,074"]
    assert sum(int(line.split()[-1].replace(",", "")) for line in lines[1:-1]) == 30_074


@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_is_drawn(name, tmp_path):
    file = tmp_path / "seen.png"
    introspection.draw(models.create(name), PICTURES.data[0, 0], file)
    assert file.read_bytes().startswith(b"\x89PNG")
