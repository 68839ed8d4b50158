"""Where arrays live and how they lie: device words, views, memory, seeds; and a light import."""

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_mnist as tg
from tinygrad_mnist import backend, cuda

ROOT = Path(__file__).parent.parent


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(cuda, "why_not", lambda: "there is no card in this box")


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine that says it has two cards, and which are taken. Nothing can be moved there."""
    taken = []
    fake_cuda = SimpleNamespace(
        runtime=SimpleNamespace(getDeviceCount=lambda: 2),
        Device=lambda number: SimpleNamespace(use=lambda: taken.append(number)))
    fake = SimpleNamespace(cuda=fake_cuda, ndarray=type("ndarray", (), {}))
    monkeypatch.setattr(cuda, "why_not", lambda: None)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    return taken


# --- devices -----------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "device"), [("cpu", "cpu"), ("auto", "cpu")])
def test_words_without_a_gpu(word, device, no_gpu):
    assert backend.find_device(word) == device
    assert tg.tensor([1.0], device=word).device == device
    assert tg.tensor([1.0]).to(word).device == device


@pytest.mark.parametrize(("word", "device"), [
    ("cpu", "cpu"), ("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:0", "cuda:0"),
    ("cuda:1", "cuda:1")])
def test_words_with_two_gpus(word, device, two_gpus):
    """New arrays are then made on the card that was asked for."""
    assert backend.find_device(word) == device
    assert two_gpus == ([] if device == "cpu" else [int(device[-1])])


@pytest.mark.parametrize("word", ["cuda", "cuda:0", "cuda:7"])
def test_cuda_without_a_gpu_raises_with_the_reason(word, no_gpu):
    for ask in (backend.find_device, tg.tensor([1.0]).to, tg.nn.Linear(2, 2).to,
                lambda word: tg.tensor([1.0], device=word)):
        with pytest.raises(RuntimeError, match=f"{word}.* cannot be used: there is no card"):
            ask(word)


def test_a_card_that_does_not_exist(two_gpus):
    with pytest.raises(RuntimeError, match=r"'cuda:2' does not exist: this machine has 2 GPU"):
        backend.find_device("cuda:2")


@pytest.mark.parametrize("word", ["gpu", "", "CPU", "cuda:x", "cuda:", "cuda:-1", "cuda:0:1",
                                  "cpu:0", "cuda 0", "mps", None, 0])
@pytest.mark.parametrize("machine", ["no_gpu", "two_gpus"])
def test_nonsense_is_told_the_words_there_are(word, machine, request):
    request.getfixturevalue(machine)
    with pytest.raises(ValueError, match=r'no device is called .*"cuda:N" or "auto"'):
        backend.find_device(word)


def test_a_model_that_cannot_move_stays_where_it_is(no_gpu):
    model = tg.nn.Linear(2, 2)
    data = model.weight.data
    with pytest.raises(RuntimeError, match="no card"):
        model.cuda()
    assert model.weight.data is data


def test_arrays_of_numpy_are_known():
    array = np.zeros(3)
    assert backend.is_array(array)
    assert not backend.is_array(array[0])
    assert not backend.is_array([1])
    assert not backend.is_array(tg.tensor(array))
    assert backend.array_module(array) is backend.array_module(array[0]) is np
    assert backend.device_of(array) == "cpu"
    assert backend.move(array, "cpu") is array


# --- how arrays lie ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 3, 2), (5, 1, 3, 2), (0, 2, 2, 2)])
def test_batch_last_and_batch_first_are_views_and_undo_each_other(shape):
    array = np.arange(np.prod(shape)).reshape(shape)
    last = backend.batch_last(array)
    assert last.shape == (*shape[1:], shape[0])
    np.testing.assert_array_equal(last, np.moveaxis(array, 0, -1))
    for view in (backend.batch_first(last), backend.batch_last(backend.batch_first(array))):
        assert view.strides == array.strides
        np.testing.assert_array_equal(view, array)
        assert view.size == 0 or np.shares_memory(view, array)


# --- memory ------------------------------------------------------------------------------


@pytest.fixture
def asked_anew():
    backend.keep_freed_memory.cache_clear()
    yield
    backend.keep_freed_memory.cache_clear()


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_where_there_is_no_glibc_nothing_happens(error, monkeypatch, asked_anew):
    def no_library(name):
        raise error("not here")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    tg.tensor([1.0], requires_grad=True).sum().backward()


def test_a_library_without_mallopt_is_left_alone(monkeypatch, asked_anew):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    backend.keep_freed_memory()


def test_the_first_backward_asks_once(monkeypatch, asked_anew):
    asked = []
    library = SimpleNamespace(mallopt=lambda what, value: asked.append((what, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for _ in range(3):
        tg.tensor([1.0], requires_grad=True).sum().backward()
    assert asked == [(-3, 2**25), (-1, 2**31 - 1)]  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD


# --- random numbers ----------------------------------------------------------------------


def test_a_seed_repeats_weights_dropout_and_shuffles():
    def run(seed):
        tg.manual_seed(seed)
        layer, drop = tg.nn.Linear(4, 30), tg.nn.Dropout(0.5)
        dropped = drop(layer(tg.tensor(np.ones((1, 4), np.float32)))).tolist()
        loader = tg.DataLoader(tg.TensorDataset(np.arange(50), np.arange(50)), 5, shuffle=True)
        return layer.weight.tolist(), dropped, [labels.tolist() for _, labels in loader]

    first, second, other = run(7), run(7), run(8)
    assert first == second
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_numpys_own_generator_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    tg.manual_seed(1)
    tg.nn.Linear(5, 5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


# --- the import --------------------------------------------------------------------------


def test_importing_the_package_imports_numpy_and_nothing_heavier():
    heavy = ["matplotlib", "flask", "PIL", "tqdm", "cupy", "torch", "safetensors"]
    program = f"import sys, tinygrad_mnist; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, timeout=60,
                          capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_view_of_a_file_is_an_array_like_any_other(tmp_path):
    picture = np.random.default_rng(0).random((1, 1, 4, 4))
    np.save(tmp_path / "p.npy", picture)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    tensor = tg.Tensor(mapped)
    assert type(tensor.data) is np.ndarray
    assert np.shares_memory(tensor.data, mapped)
    pooled = tg.functional.max_pool2d(tensor, 2)
    np.testing.assert_array_equal(pooled.data, tg.functional.max_pool2d(tg.Tensor(picture), 2).data)
