"""The networks by name: their sizes counted by hand, their logits PyTorch's, their files.

A trained network may come from this package, from a class of one's own, or from PyTorch; the
names and shapes of the weights tell which network it is.
"""

import numpy as np
import pytest

import tinygrad_mnist as tg
from tinygrad_mnist import models, nn

PARAMETERS = {
    "linear": 784 * 10 + 10,
    "mlp": 784 * 64 + 64 + 64 * 10 + 10,
    "seed": 16 * 1 * 9 + 16 + 32 * 16 * 9 + 32 + 32 * 7 * 7 * 16 + 16 + 16 * 10 + 10,
    "lenet": 6 * 25 + 6 + 16 * 6 * 25 + 16 + 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10,
    "best": (32 * 9 + 32 + 32 * 32 * 9 + 32 + 64 * 32 * 9 + 64 + 64 * 64 * 9 + 64
             + 128 * 64 * 9 + 128 + 128 * 128 * 9 + 128 + 10 * 1152 + 10),
}
LAYERS = {
    "linear": lambda nn: [nn.Flatten(), nn.Linear(784, 10)],
    "mlp": lambda nn: [nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)],
    "seed": lambda nn: [nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2),
                        nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(32 * 7 * 7, 16), nn.ReLU(), nn.Linear(16, 10)],
    "lenet": lambda nn: [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 10)],
    "best": lambda nn: [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(),
                        nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(128, 128, 3), nn.ReLU(), nn.Flatten(),
                        nn.Dropout(0.3), nn.Linear(1152, 10)],
}
PICTURES = np.random.default_rng(0).random((5, 1, 28, 28), np.float32)


def wrapped(library, name):
    """A class that keeps all its layers in one attribute, as the talk's does."""
    class Net(library.Module):
        def __init__(self):
            super().__init__()
            self.model = library.Sequential(*LAYERS[name](library))

        def forward(self, x):
            return self.model(x)

    return Net()


def assert_same_network(path, expected, name):
    loaded = models.load(path)
    assert loaded.name == name
    assert not loaded.training
    np.testing.assert_allclose(loaded(tg.Tensor(PICTURES)).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_the_names():
    assert PARAMETERS.keys() == LAYERS.keys() == models.MODELS.keys()
    assert PARAMETERS["seed"] == 30_074
    assert PARAMETERS["lenet"] == 61_706


@pytest.mark.parametrize("name", PARAMETERS)
def test_create(name):
    model = models.create(name)
    assert model.name == name
    assert model.training
    assert models.count_parameters(model) == PARAMETERS[name]
    assert model(tg.Tensor(PICTURES)).shape == (5, 10)


def test_each_is_new():
    one, two = models.create("linear"), models.create("linear")
    assert (one[1].weight.numpy() != two[1].weight.numpy()).all()


@pytest.mark.parametrize("name", ["sead", "", None, "Linear"])
def test_an_unknown_name_is_told_the_known_ones(name):
    with pytest.raises(ValueError, match=r"no model is called .* linear, mlp, seed"):
        models.create(name)


@pytest.mark.parametrize("name", PARAMETERS)
def test_logits_are_torchs(name):
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.Sequential(*LAYERS[name](torch.nn)).eval(), models.create(name).eval()
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(ours(tg.Tensor(PICTURES)).numpy(),
                               theirs(torch.tensor(PICTURES)).detach().numpy(),
                               rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_file_of_ours_comes_back(name, tmp_path):
    model = models.create(name).eval()
    tg.save(model, tmp_path / "model.safetensors")
    assert_same_network(tmp_path / "model.safetensors", model(tg.Tensor(PICTURES)).numpy(), name)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_class_of_ones_own_comes_back_as_the_network_it_is(name, tmp_path):
    model = wrapped(nn, name).eval()
    tg.save(model, tmp_path / "my_cnn.nn")
    assert_same_network(tmp_path / "my_cnn.nn", model(tg.Tensor(PICTURES)).numpy(), name)


@pytest.mark.parametrize("keys", ["0.weight", "model.0.weight"])
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_file_from_torch_comes_back(name, keys, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    theirs = wrapped(torch.nn, name).eval()
    path = tmp_path / "torch.safetensors"
    save_file((theirs if "model" in keys else theirs.model).state_dict(), path)
    assert_same_network(path, theirs(torch.tensor(PICTURES)).detach().numpy(), name)


def test_read_gives_the_network_and_what_the_header_says(tmp_path):
    model = models.create("linear")
    tg.save(model, tmp_path / "model", {"threshold": "0.5"})
    found, header = models.read(tmp_path / "model")
    np.testing.assert_array_equal(found[1].weight.data, model[1].weight.data)
    assert (header["model"], header["threshold"]) == ("linear", "0.5")


def test_a_float64_file_becomes_a_float32_network(tmp_path):
    model = models.create("linear")
    expected = model(tg.Tensor(PICTURES)).numpy()
    tg.save(model.double(), tmp_path / "model")
    assert_same_network(tmp_path / "model", expected, "linear")
    assert models.load(tmp_path / "model")[1].weight.dtype == np.float32


OTHERS = {
    "another network": nn.Sequential(nn.Linear(3, 4)).state_dict(),
    "one layer is missing": {key: value for key, value in models.seed().state_dict().items()
                             if "7" not in key},
    "one shape differs": models.seed().state_dict() | {"7.bias": np.zeros(11, np.float32)},
    "nothing": {},
}


@pytest.mark.parametrize("header", [{}, {"model": "seed"}, {"model": "mlp"}, {"model": "Net"}])
@pytest.mark.parametrize("weights", OTHERS.values(), ids=OTHERS)
def test_something_else_is_refused_with_its_shapes(weights, header, tmp_path):
    tg.save(weights, tmp_path / "other", header)
    with pytest.raises(ValueError, match="holds none of the models linear, mlp, seed") as caught:
        models.load(tmp_path / "other")
    for key, value in weights.items():
        assert f"'{key}': {value.shape}" in str(caught.value)
