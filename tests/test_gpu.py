"""The whole engine on a GPU, beside the same on the CPU: on the stand-in, and on a real card.

Weights, shuffles, dropout and augmentation are drawn on the host, so two runs begin alike. They
may part by rounding: a GPU adds in another order. `pytest -m gpu` runs this on a real card, with
the tests of every operation (`tests/functional`), of tensors, layers and optimisers, and the
benchmark.
"""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import cupy_double
import numpy as np
import pytest
from comparing import DEVICES, computing_on, host, random_array
from cupy_double import copies

import tinygrad_mnist as tg
from tinygrad_mnist import backend, checkpoint, cli, datasets, introspection, models, training
from tinygrad_mnist.commands import shared
from tinygrad_mnist.functional import softmax
from tinygrad_mnist.transforms import (
    ElasticTransform,
    Normalize,
    RandomAffine,
    RandomApply,
    RandomThickness,
    ToTensor,
)

ROOT = Path(__file__).parent.parent
PICTURES = np.random.default_rng(0).random((64, 1, 28, 28)).astype(np.float32)
LABELS = np.arange(64) % 10
TOLERANCE = 1e-3  # times the largest: what rounding may have become after some steps of Adam


@pytest.fixture(params=DEVICES[1:])
def kind(request):
    """The kind of GPU: a double of one, or a real one."""
    with computing_on(request.param):
        yield request.param


@pytest.fixture
def double():
    with computing_on("double"):
        yield


def batches(size=16, **options):
    return tg.DataLoader(tg.TensorDataset(PICTURES, LABELS), size, **options)


def near(there, here, what=""):
    """Equal up to rounding."""
    there, here = host(there), host(here)
    assert there.dtype == here.dtype
    largest_error = TOLERANCE * np.abs(here).max()
    np.testing.assert_allclose(there, here, rtol=0, atol=largest_error, err_msg=what)


# --- the same training -------------------------------------------------------------------

OPTIMIZERS = {
    "plain": lambda parameters: tg.optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: tg.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True,
                                                weight_decay=1e-3),
    "adam": lambda parameters: tg.optim.Adam(parameters, lr=1e-3, weight_decay=1e-3),
}
AUGMENT = {
    "none": None,
    "affine": RandomAffine(degrees=10, translate=2, scale=0.1, shear=10),
    "elastic": ElasticTransform(1.0, 4.0),
    "thickness": RandomThickness(0.7),
}


def trained(device, model="seed", optimizer="plain", augment="none", epochs=1):
    """A model after a short training, what came of it, and the optimiser."""
    tg.manual_seed(1)
    network = models.create(model).to(device)
    made = OPTIMIZERS[optimizer](network.parameters())
    history = training.fit(network, batches(shuffle=True, seed=2), made, epochs,
                           augment=AUGMENT[augment], test=tg.TensorDataset(PICTURES, LABELS))
    return network, history, made


@pytest.mark.slow
@pytest.mark.parametrize(("model", "optimizer", "augment"), [
    *[(model, "plain", "none") for model in models.MODELS if model != "best"],
    ("best", "adam", "affine"),
    ("seed", "momentum", "affine"), ("seed", "adam", "elastic"), ("mlp", "momentum", "thickness"),
])
def test_training_is_the_same_on_both(kind, model, optimizer, augment):
    there, told_there, _ = trained("cuda", model, optimizer, augment)
    here, told_here, _ = trained("cpu", model, optimizer, augment)
    assert {parameter.device for parameter in there.parameters()} == {"cuda:0"}
    for (name, a), b in zip(there.named_parameters(), here.parameters(), strict=True):
        near(a, b, name)
    assert told_there[0].loss == pytest.approx(told_here[0].loss, rel=1e-4)
    assert told_there[0].test_accuracy == pytest.approx(told_here[0].test_accuracy, abs=1.5 / 64)


def test_first_weights_are_the_same_bit_for_bit(kind):
    for name in models.MODELS:
        tg.manual_seed(5)
        there = models.create(name).to("cuda")
        tg.manual_seed(5)
        for a, b in zip(there.parameters(), models.create(name).parameters(), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_dropout_drops_the_same(kind):
    results = []
    for device in ("cuda", "cpu"):
        tg.manual_seed(3)
        results.append(tg.functional.dropout(tg.tensor(PICTURES).to(device), 0.4).numpy())
    np.testing.assert_array_equal(*results)


# --- what travels ------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_training_step_copies_two_up_and_none_down(double, optimizer):
    """Pictures and labels go up. The loss stays there until somebody wants to see it."""
    model = models.create("seed").to("cuda")
    made = OPTIMIZERS[optimizer](model.parameters())
    counted = []

    def stop():  # fit asks at every batch
        counted.append((count.up, count.down))
        return False

    with copies() as count:
        training.fit(model, batches(8), made, 1, should_stop=stop)
    steps = np.diff(counted, axis=0)
    assert len(steps) == 7
    assert (steps == [2, 0]).all(), steps


def test_a_plain_loop_copies_no_more(double):
    model = models.create("seed").to("cuda")
    optimizer = tg.optim.SGD(model.parameters(), lr=0.1)
    for labels in (tg.tensor(LABELS), tg.tensor(LABELS).to("cuda")):
        pictures = tg.tensor(PICTURES).to("cuda")
        with copies() as count:
            loss = tg.nn.CrossEntropyLoss()(model(pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert (count.up, count.down) == (int(labels.device == "cpu"), 0)


def test_pictures_keep_the_batch_last_on_their_way(kind):
    pictures = ToTensor()((PICTURES[:, 0] * 255).astype(np.uint8))
    there = pictures.to("cuda").data
    assert there.strides == pictures.data.strides
    np.testing.assert_array_equal(host(there), pictures.data)


@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1])
def test_labels_are_checked_on_the_host(kind, labels):
    logits = tg.tensor(random_array(64, 10), device="cuda", requires_grad=True)
    with pytest.raises(IndexError, match="is out of range: the 10 columns"):
        tg.functional.cross_entropy(logits, labels)
    loss = tg.functional.cross_entropy(logits, tg.tensor(labels, device="cuda"), "none")
    wrong = (labels < 0) | (labels > 9)
    np.testing.assert_array_equal(np.isnan(loss.numpy()), wrong)
    loss.sum().backward()
    np.testing.assert_array_equal(np.isnan(logits.grad.numpy()).all(axis=1), wrong)


@pytest.mark.parametrize("key", [[0, 3], np.array([-4]), (slice(None), [2]), 0.5,
                                 np.array([True]), (0, 0, 0)], ids=repr)
def test_indices_are_checked_as_on_the_cpu(kind, key):
    values = np.arange(6.0).reshape(3, 2)
    with pytest.raises(IndexError):
        values[key]
    x = tg.tensor(values, device="cuda")
    with pytest.raises(IndexError, match=r"^index: "):
        x[key]
    if isinstance(key, np.ndarray):
        with pytest.raises(IndexError, match=r"^index: "):
            x[tg.tensor(key, device="cuda")]


# --- tensors and modules -----------------------------------------------------------------


def test_what_a_tensor_can_do(kind):
    x = tg.tensor([[1.0, -2.0], [3.0, 4.0]], device="cuda", requires_grad=True)
    assert (x.device, x.shape, x.dtype) == ("cuda:0", (2, 2), np.float32)
    assert "device=cuda:0" in repr(x)
    assert x.tolist() == [[1, -2], [3, 4]]
    assert [row.tolist() for row in x] == [[1, -2], [3, 4]]
    assert x.sum().item() == float(x.sum()) == 6
    assert f"{x.sum():.1f}" == "6.0"
    assert bool((x > -3).all())
    assert x.argmax().item() == int(x.argmax()) == 3
    np.testing.assert_array_equal(np.asarray(x), x.numpy())
    assert x.double().dtype == np.float64
    (x.cpu() ** 2).sum().backward()  # and back over the way it came
    assert x.grad.device == "cuda:0"
    assert x.grad.tolist() == [[2, -4], [6, 8]]
    (x * 2).backward(np.ones((2, 2)))
    assert x.grad.tolist() == [[4, -2], [8, 10]]
    with tg.no_grad():
        x[0] = tg.tensor([5.0, 6.0], device="cuda")
        x += 1
        x.grad.zero_()
    assert x.tolist() == [[6, 7], [4, 5]]
    assert x.grad.tolist() == [[0, 0], [0, 0]]


def test_devices_do_not_mix(kind):
    there, here = tg.tensor([1.0], device="cuda"), tg.tensor([1.0])
    for line in (lambda: there + here, lambda: here @ there, lambda: there * np.float32([2]),
                 lambda: tg.functional.concatenate([there, here]),
                 lambda: models.create("mlp").to("cuda")(tg.Tensor(PICTURES)),
                 lambda: there.__setitem__(0, here[0]), lambda: here.__setitem__(0, there[0]),
                 lambda: there.requires_grad_().backward(here)):
        with pytest.raises(RuntimeError, match=r"different devices: move them with .to\(device\)"):
            line()


def test_a_model_moves_with_its_gradients_and_back(kind):
    model = models.create("mlp")
    tg.functional.cross_entropy(model(tg.Tensor(PICTURES)), LABELS).backward()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    gradient = model[1].weight.grad.numpy().copy()
    model.cuda()
    assert model[1].weight.grad.device == "cuda:0"
    with tg.no_grad():
        logits = softmax(model(tg.tensor(PICTURES, device="cuda")), 1)
    assert logits.device == "cuda:0"
    model.cpu()
    np.testing.assert_array_equal(model[1].weight.grad.data, gradient)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.data, before[name])


def test_predicting_and_looking_inside(kind):
    tg.manual_seed(0)
    model = models.create("seed")
    here = training.predict(model, tg.Tensor(PICTURES))
    table = introspection.summary(model)
    seen = introspection.activations(model, tg.Tensor(PICTURES))
    model.cuda()
    there = training.predict(model, tg.Tensor(PICTURES), batch_size=24)
    assert type(there) is np.ndarray
    near(there, here)
    assert introspection.summary(model) == table
    for a, b in zip(introspection.activations(model, tg.tensor(PICTURES, device="cuda")), seen,
                    strict=True):
        near(a.output, b.output, a.name)
    with introspection.trace(None) as traced:
        tg.functional.cross_entropy(model(tg.tensor(PICTURES, device="cuda")), LABELS).backward()
    assert "conv2d" in str(traced)


@pytest.mark.parametrize("transform", [
    Normalize(0.1307, 0.3081), RandomAffine(10, 2, 0.1, 10), ElasticTransform(1.0, 4.0),
    RandomThickness(0.7), RandomApply([RandomAffine(10)], 0.5)],
    ids=lambda transform: type(transform).__name__)
def test_transforms(kind, transform):
    results = []
    for device in ("cuda", "cpu"):
        tg.manual_seed(4)
        result = transform(tg.tensor(PICTURES[:5], device=device))
        results.append(result.numpy())
        assert result.device.startswith(device)
    near(*results)


def test_bytes_become_pictures_there_too(kind):
    grey = (PICTURES[:, 0] * 255).astype(np.uint8)
    there = ToTensor()(tg.tensor(grey, device="cuda").data)
    assert there.device == "cuda:0"
    np.testing.assert_array_equal(there.numpy(), ToTensor()(grey).numpy())


# --- files -------------------------------------------------------------------------------


def test_files_are_written_from_there_and_the_model_stays(kind, tmp_path):
    model = models.create("seed").to("cuda")
    checkpoint.save(model, tmp_path / "w.safetensors")
    assert {parameter.device for parameter in model.parameters()} == {"cuda:0"}
    loaded = models.load(tmp_path / "w.safetensors")
    assert {parameter.device for parameter in loaded.parameters()} == {"cpu"}
    again = models.create("seed").to("cuda")
    again.load_state_dict(tg.load(tmp_path / "w.safetensors"))
    again.load_state_dict(model.state_dict())
    for a, b, c in zip(*(each.parameters() for each in (model, loaded, again)), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        np.testing.assert_array_equal(a.numpy(), c.numpy())
        assert c.device == "cuda:0"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupted_training_goes_on_there(kind, tmp_path, optimizer):
    whole, _, _ = trained("cuda", "mlp", optimizer)
    tg.manual_seed(1)
    model = models.create("mlp").to("cuda")
    made, progress, seen = OPTIMIZERS[optimizer](model.parameters()), training.Progress(), []
    training.fit(model, batches(shuffle=True, seed=2), made, 1, progress=progress,
                 should_stop=lambda: seen.append(1) or len(seen) == 2)
    training.save_state(tmp_path / "state", model, made, progress, {})
    assert {parameter.device for parameter in model.parameters()} == {"cuda:0"}

    tg.manual_seed(9)
    model = models.create("mlp").to("cuda")
    made = OPTIMIZERS[optimizer](model.parameters())
    progress = training.load_state(tmp_path / "state", model, made, {})
    assert progress.batch == 2
    training.fit(model, batches(shuffle=True, seed=2), made, 1, progress=progress)
    for a, b in zip(model.parameters(), whole.parameters(), strict=True):
        near(a, b)


@pytest.fixture
def few_pictures(monkeypatch, tmp_path):
    """MNIST, but 64 pictures of it."""
    class Few(datasets.MNIST):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.images, self.labels = self.images[:64], self.labels[:64]

    monkeypatch.setattr(shared, "MNIST", Few)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_the_program_trains_there(kind, few_pictures, capsys):
    assert cli.main(["train", "--device", "cuda", "--epochs", "1", "--batch-size", "16",
                     "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["device"] == "cuda:0"
    assert cli.main(["evaluate", "seed.safetensors"]) == 0


# --- without one -------------------------------------------------------------------------


def test_auto_says_once_why_it_is_the_cpu(monkeypatch, caplog):
    monkeypatch.setattr(backend.cuda, "why_not", lambda: "the box is empty")
    backend._say_why_not.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert [backend.find_device("auto") for _ in range(3)] == ["cpu"] * 3
        assert tg.tensor([1.0]).to("cpu").device == "cpu"
    assert [record.message for record in caplog.records] == [
        'device "auto" is the CPU here: the box is empty']


def test_the_program_says_it_on_stderr(tmp_path):
    """Where the log is not set up by anybody, as in the program itself."""
    program = ("import sys; sys.modules['cupy'] = None\n"
               "from tinygrad_mnist.backend import find_device\n"
               "print(find_device('auto'), find_device('auto'))")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stdout == "cpu cpu\n"
    assert done.stderr == ('device "auto" is the CPU here: CuPy is not installed (pip install '
                           "'tinygrad-mnist[cuda12]' or '[cuda13]')\n")


@pytest.mark.gpu
@pytest.mark.slow
def test_the_benchmark_runs_on_the_card(capsys):
    assert cli.main(["bench", "--device", "cuda", "--quick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["what"] for each in told["comparisons"]} >= {"training step, plain loop"}


def test_the_double_is_no_real_card(double):
    assert backend.array_module(tg.tensor([1.0], device="cuda").data) is cupy_double
