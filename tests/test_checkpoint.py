"""Files: what goes in comes out, PyTorch reads the same, and a pickle is never run.

A file is written whole or not at all: whatever fails on the way, the file that was there
before is still there, and nothing lies beside it.
"""

import concurrent.futures
import json
import os
import pickle

import numpy as np
import pytest
import safetensors.numpy

import tinygrad_mnist as tg
from tinygrad_mnist import checkpoint, models, nn

NUMBERS = np.random.default_rng(0).standard_normal((4, 5, 6))

ARRAYS = {
    "float32": NUMBERS.astype(np.float32),
    "float64": NUMBERS,
    "float16": NUMBERS.astype(np.float16),
    "int64": np.arange(-3, 3),
    "uint8": np.arange(256, dtype=np.uint8),
    "bool": NUMBERS > 0,
    "special values": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
    "one number": np.array(2.5),
    "empty": np.zeros((0, 3), np.float32),
    "transposed": NUMBERS.T,
    "permuted": NUMBERS.transpose(2, 0, 1),
    "strided": NUMBERS[::2, 1:4, ::-3],
    "Fortran order": np.asfortranarray(NUMBERS),
    "broadcast": np.broadcast_to(NUMBERS[0, 0], (3, 6)),
    "other byte order": np.arange(5, dtype=">f4"),
    "read-only": np.frombuffer(b"12345678", np.int64),
}


def header_of(path):
    raw = path.read_bytes()
    return json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# --- what goes in comes out --------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda array: array, tg.Tensor], ids=["array", "Tensor"])
@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_comes_back_bit_for_bit(kind, make, path):
    array = ARRAYS[kind]
    tg.save({"a": make(array)}, path)
    back = tg.load(path)["a"]
    assert isinstance(back, tg.Tensor)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    native = array.astype(back.dtype, order="C")
    assert back.data.tobytes() == native.tobytes()


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
def test_a_model_comes_back_bit_for_bit(dtype, path):
    model, other = models.create("seed").to(dtype), models.create("seed").to(dtype)
    tg.save(model, path)
    other.load_state_dict(tg.load(path))
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        assert ours.data.tobytes() == theirs.data.tobytes()


def test_what_is_loaded_can_be_changed_and_outlives_the_file(path):
    tg.save({"a": np.arange(3.0)}, str(path))
    loaded = tg.load(str(path))["a"]
    tg.save({"a": np.zeros(3)}, path)
    np.testing.assert_array_equal(loaded.numpy(), [0, 1, 2])
    loaded.data[0] = 7
    np.testing.assert_array_equal(tg.load(path)["a"].numpy(), [0, 0, 0])


def test_saving_changes_nothing_in_the_model(path):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model[0].weight.data = np.asfortranarray(model[0].weight.data)
    model(tg.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    before = [(p, p.data, p.data.copy(), p.data.strides, p.grad, p.grad.data.copy())
              for p in model.parameters()]
    tg.save(model, path)
    for p, (same, data, values, strides, grad, slope) in zip(model.parameters(), before,
                                                             strict=True):
        assert p is same
        assert p.data is data
        assert p.data.strides == strides
        assert p.grad is grad
        assert p.requires_grad
        np.testing.assert_array_equal(p.data, values)
        np.testing.assert_array_equal(p.grad.data, slope)


# --- the header --------------------------------------------------------------------------


def test_the_header_explains_the_file(path):
    model = models.create("mlp")
    tg.save(model, path, {"recipe": "5 epochs, lr 0.2", "accuracy": 0.98})
    header = header_of(path)
    assert header.pop("__metadata__") == {
        "format": "pt", "model": "mlp", "layers": repr(model), "input": checkpoint.NORMALISATION,
        "recipe": "5 epochs, lr 0.2", "accuracy": "0.98"}
    assert {key: tuple(entry["shape"]) for key, entry in header.items()} == \
        {key: value.shape for key, value in model.state_dict().items()}
    assert {entry["dtype"] for entry in header.values()} == {"F32"}


def test_a_class_of_ones_own_gives_its_name(path):
    class RLS_CNN(nn.Module):  # noqa: N801 - as the talk calls it
        def __init__(self):
            self.model = models.create("linear")

    tg.save(RLS_CNN(), path)
    assert header_of(path)["__metadata__"]["model"] == "RLS_CNN"


def test_the_same_numbers_and_words_give_the_same_file(path):
    notes = {letter: letter for letter in "hgfedcba"}
    files = set()
    for _ in range(5):
        tg.save(dict.fromkeys("zyxw", NUMBERS), path, notes)
        files.add(path.read_bytes())
    assert len(files) == 1
    header = header_of(path)
    assert list(header["__metadata__"]) == sorted([*notes, "format"])
    assert list(header) == sorted(header)


def test_read_gives_arrays_and_words(path):
    tg.save({"a": np.arange(3)}, path, {"who": "我"})
    arrays, words = checkpoint.read(path)
    np.testing.assert_array_equal(arrays["a"], [0, 1, 2])
    assert words["who"] == "我"


def test_headers_of_every_length_are_read(path):
    """The file begins with its header's length, which may look like the start of anything."""
    beginnings = set()
    for length in range(0, 256, 8):  # headers are padded to multiples of 8
        tg.save({"a": np.arange(3)}, path, {"notes": "x" * length})
        beginnings.add(path.read_bytes()[0])
        np.testing.assert_array_equal(tg.load(path)["a"].numpy(), [0, 1, 2])
    assert beginnings == set(range(0, 256, 8))


# --- to and from torch -------------------------------------------------------------------


def seed_in(nn):
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 7 * 7, 16), nn.ReLU(), nn.Linear(16, 10))


@pytest.mark.parametrize("direction", ["to torch", "from torch"])
def test_files_move_both_ways(direction, path):
    torch = pytest.importorskip("torch")
    import safetensors.torch

    ours, theirs = seed_in(nn), seed_in(torch.nn)
    if direction == "to torch":
        tg.save(ours, path)
        theirs.load_state_dict(safetensors.torch.load_file(path))
    else:
        safetensors.torch.save_file(theirs.state_dict(), path)
        ours.load_state_dict(tg.load(path))
    for key, value in theirs.state_dict().items():
        assert value.numpy().tobytes() == ours.state_dict()[key].numpy().tobytes()
    pictures = np.random.default_rng(0).random((5, 1, 28, 28), np.float32)
    np.testing.assert_allclose(ours(tg.Tensor(pictures)).numpy(),
                               theirs(torch.tensor(pictures)).detach().numpy(),
                               rtol=1e-5, atol=1e-5)


def test_torchs_own_state_dict_can_be_saved(path):
    torch = pytest.importorskip("torch")
    tg.save(torch.nn.Linear(3, 2).state_dict(), path)
    assert {key: value.shape for key, value in tg.load(path).items()} == {"weight": (2, 3),
                                                                          "bias": (2,)}


# --- whole or not at all -----------------------------------------------------------------


def fails(*_, **__):
    raise OSError("no space left on device")


@pytest.mark.parametrize(("target", "name"), [(os, "replace"), (os, "fsync"),
                                          (safetensors.numpy, "save")])
@pytest.mark.parametrize("before", [b"the old file", None])
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(target, name, before, path,
                                                                monkeypatch):
    if before is not None:
        path.write_bytes(before)
    monkeypatch.setattr(target, name, fails)
    with pytest.raises(OSError, match="no space"):
        tg.save(models.create("linear"), path)
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == \
        ({} if before is None else {path.name: before})


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_file_half_written_never_appears(error, path):
    path.write_bytes(b"the old file")

    def write_half():
        with checkpoint.atomically(path) as file:
            file.write(b"half of the")
            file.flush()
            assert path.read_bytes() == b"the old file"
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_bytes() == b"the old file"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("value", [np.array(["text"]), np.array([None]), "text", {"0.bias": 1.0}])
def test_what_no_file_can_hold_is_refused_and_the_old_file_stays(value, path):
    path.write_bytes(b"the old file")
    with pytest.raises(TypeError, match=r"'bad' is no array of numbers but (ndarray|str|dict)"):
        tg.save({"good": np.zeros(3), "bad": value}, path)
    assert path.read_bytes() == b"the old file"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("thing", [3, None, [nn.Linear(2, 2)], np.zeros(3), nn.Linear, "model"])
def test_only_a_module_or_a_state_dict_is_saved(thing, path):
    with pytest.raises(TypeError, match="a Module or a state_dict, not"):
        tg.save(thing, path)
    assert not path.exists()


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*missing to write a\.nn into"):
        tg.save({}, tmp_path / "missing" / "a.nn")
    with pytest.raises(IsADirectoryError, match="is a folder: name a file in it"):
        tg.save({}, tmp_path)
    assert not os.listdir(tmp_path)


# --- what is not such a file -------------------------------------------------------------


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere"):
        tg.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is a folder"):
        tg.load(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, -1, -1000])
def test_a_file_cut_off_is_told(kept, path):
    tg.save(models.create("linear"), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        tg.load(path)


@pytest.mark.parametrize("garbage", [
    b"hello, I am a text\n", b"\x00" * 64, b"{}" * 20, b"\xff" * 64,
    b"\x93NUMPY\x01\x00" + b" " * 64, b"\x1f\x8b\x08" + b"1" * 64])
def test_garbage_is_told(garbage, path):
    path.write_bytes(garbage)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        tg.load(path)


class Trap:
    """Loading its pickle makes a folder: proof that a program has run."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def torch_zip(trap, path):
    pytest.importorskip("torch").save({"weight": trap}, path)


def torch_legacy(trap, path):
    pytest.importorskip("torch").save({"weight": trap}, path, _use_new_zipfile_serialization=False)


def plain_pickle(protocol):
    def write(trap, path):
        path.write_bytes(pickle.dumps({"weight": trap}, protocol))
    write.__name__ = f"protocol_{protocol}"
    return write


@pytest.mark.parametrize("write", [torch_zip, torch_legacy, *map(plain_pickle, range(6))],
                         ids=lambda write: write.__name__)
def test_a_pickle_is_refused_and_does_not_run(write, tmp_path):
    marker, path = tmp_path / "the_program_has_run", tmp_path / "model.pt"
    write(Trap(marker), path)
    told = "not a whole safetensors file" if write.__name__[-2:] in ("_0", "_1") else \
        r"is a pickle, .*safetensors\.torch\.save_file"
    for load in (tg.load, models.load, checkpoint.read):
        with pytest.raises(ValueError, match=told):
            load(path)
    assert not marker.exists()


def test_the_trap_would_have_worked(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "run")))
    assert (tmp_path / "run").exists()


def test_threads_that_save_to_one_path_at_once_leave_a_whole_file(tmp_path):
    states = [{"a": np.full(50_000, value)} for value in range(4)]

    def save(state):
        for _ in range(10):
            checkpoint.save(state, tmp_path / "w")

    with concurrent.futures.ThreadPoolExecutor(len(states)) as pool:
        list(pool.map(save, states))  # which raises what a thread has raised
    assert len(set(checkpoint.load(tmp_path / "w")["a"].data)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_numbers_that_numpy_does_not_know_are_told(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2, dtype=torch.bfloat16)}, tmp_path / "w")
    with pytest.raises(ValueError, match=r"w holds numbers .*bfloat16.*: save them as float32"):
        checkpoint.read(tmp_path / "w")
