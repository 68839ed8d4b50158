"""The stand-in for CuPy: that it has nothing that CuPy has not, and is as strict as it says."""

import json
import subprocess
import sys

import cupy_double as cp
import numpy as np
import pytest
from cupy_double import SilentlyWrong

import tinygrad_mnist as tg
from tinygrad_mnist import backend, cuda

A = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(autouse=True)
def _installed():
    with cp.installed():
        yield


# --- nothing that CuPy has not -----------------------------------------------------------

ASK_CUPY = """
import cupy, inspect, json, sys

def parameters(owner, name):
    found = getattr(owner, name, None)
    if found is None:
        return None
    try:
        return list(inspect.signature(found).parameters)
    except (TypeError, ValueError):
        first = (found.__doc__ or "").strip().splitlines()[:1]
        return first and first[0] or "?"

module, array = json.loads(sys.argv[1])
print(json.dumps([{name: parameters(cupy, name) for name in module},
                  {name: parameters(cupy.ndarray, name) for name in array}]))
"""


def public(owner):
    return {name: value for name, value in vars(owner).items()
            if not name.startswith("_") and name not in cp.OURS and name not in SUBMODULES}


SUBMODULES = {"array", "creation", "kernel", "annotations"}


def parameters(function):
    code = function.__code__
    return code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]


@pytest.fixture(scope="module")
def real():
    """The names and parameters of the CuPy that is installed; asked in a process of its own."""
    names = [list(public(cp)), list(public(cp.ndarray))]
    done = subprocess.run([sys.executable, "-c", ASK_CUPY, json.dumps(names)],
                          capture_output=True, text=True, timeout=120)
    if "No module named 'cupy'" in done.stderr:
        pytest.skip("no CuPy: pip install 'cupy-cuda12x[ctk]' to hold the double against it")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("number", "owner"), [(0, cp), (1, cp.ndarray)],
                         ids=["functions", "methods"])
def test_cupy_has_every_name_and_keyword(number, owner, real):
    for name, value in public(owner).items():
        theirs = real[number][name]
        assert theirs is not None, f"CuPy has no {name}"
        if type(value).__name__ == "function":
            named = {each for each in parameters(value) if each not in ("self", "shape", "axes")}
            missing = {each for each in named if each not in theirs}
            assert not missing or "kwargs" in theirs or "args" in theirs, (name, theirs)


# --- it refuses what CuPy refuses --------------------------------------------------------


@pytest.fixture
def a():
    return cp.asarray(A)


REFUSED = [
    (lambda a: np.asarray(a), TypeError, "Implicit conversion to a NumPy array is not allowed"),
    (lambda a: np.array([a, a]), TypeError, "Implicit conversion"),
    (lambda a: a + A, TypeError, "Unsupported type <class 'numpy.ndarray'>"),
    (lambda a: A + a, TypeError, "Unsupported type <class 'numpy.ndarray'>"),
    (lambda a: a @ A.T, TypeError, "Argument 'b' has incorrect type"),
    (lambda a: a < A, TypeError, "Unsupported type"),
    (lambda a: cp.maximum(a, A), TypeError, "Unsupported type"),
    (lambda a: cp.concatenate([a, A]), TypeError, "Unsupported type"),
    (lambda a: cp.where(A > 0, a, a), TypeError, "Unsupported type"),
    (lambda a: a.__setitem__(0, A[0]), ValueError, "non-scalar numpy.ndarray cannot be used"),
    (lambda a: a.astype("int64").__iadd__(1.5), TypeError, "Cannot cast output operand"),
    (lambda a: cp.exp(a, where=a > 0), TypeError, "where"),
    (lambda a: a.sum(initial=0), TypeError, "initial"),
    (lambda a: cp.errstate(), AttributeError, "errstate"),
    (lambda a: len(a.sum()), TypeError, "unsized"),
    (lambda a: cp.add(a, a, out=np.empty((2, 3))), TypeError, "Unsupported type"),
    (lambda a: cp.matmul(a, a.T, out=cp.empty((2, 3), "f4")), ValueError,
     "Output array has an invalid size"),
    (lambda a: cp.add(a, a, out=cp.empty((2, 2))), ValueError, "Out shape is mismatched"),
    (lambda a: cp.cuda.Device(1).use(), RuntimeError, "invalid device ordinal"),
    (lambda a: hash(a), TypeError, "unhashable"),
]

SILENT = [
    (lambda a: a[[0, 5]], "the indices 0 to 5 leave an axis of 2"),
    (lambda a: a[:, cp.asarray(np.array([-4]))], "leave an axis of 3"),
    (lambda a: a[..., [3]], "leave an axis of 3"),
    (lambda a: a.take(cp.asarray(np.array([6]))), "leave an axis of 6"),
    (lambda a: cp.take_along_axis(a, cp.asarray(np.array([[3], [0]])), 1), "leave an axis of 3"),
    (lambda a: a[0.5], "takes the index 0.5 for 0"),
    (lambda a: a.__setitem__([0, 0], 1), "written twice"),
    (lambda a: cp.broadcast_to(a, (2, 2, 3)).__setitem__(..., 1), "written twice"),
    (lambda a: cp.broadcast_to(a, (2, 2, 3))[:, 0].__iadd__(1), "written twice"),
    (lambda a: windows(a).__iadd__(1), "written twice"),
    (lambda a: a.astype("int64") ** -1, "negative powers"),
]


STRICTER = [  # CuPy would do these; the engine asks its arrays' own library, and for little of it
    (lambda a: np.exp(a), TypeError),
    (lambda a: np.concatenate([a, a]), TypeError),
    (lambda a: cp.random, AttributeError),
    (lambda a: a.ravel(), AttributeError),
    (lambda a: a[tg.Tensor(a > 0)], TypeError),
]


def windows(a):
    """Two windows of two columns, side by side: the middle column is in both."""
    return cp.lib.stride_tricks.as_strided(a, (2, 2, 2), (a.strides[0], 4, 4))


@pytest.mark.parametrize(("line", "error", "message"), REFUSED)
def test_refuses_in_cupys_words(line, error, message, a):
    with pytest.raises(error, match=message):
        line(a)


@pytest.mark.parametrize(("line", "error"), STRICTER)
def test_does_nothing_that_the_engine_does_not_need(line, error, a):
    with pytest.raises(error):
        line(a)


@pytest.mark.parametrize(("line", "message"), SILENT)
def test_says_what_would_go_wrong_in_silence(line, message, a):
    with pytest.raises(SilentlyWrong, match=message):
        line(a)


def test_one_cell_of_the_windows_may_be_written(a):
    windows(a)[:, :, 0] += 10
    np.testing.assert_array_equal(a.get(), A + np.float32([10, 10, 0]))


def test_results_are_arrays_in_c_order(a):
    assert isinstance(a.sum(), cp.ndarray)
    assert a.sum().shape == a[0, 0].shape == ()
    assert (a.T + 1).flags.c_contiguous
    assert not a.T.flags.c_contiguous
    assert cp.asarray(np.moveaxis(np.zeros((2, 3, 4)), -1, 0)).flags.c_contiguous


def test_nobody_reads_what_nobody_has_written():
    assert np.isnan(cp.empty(2).get()).all()
    assert cp.empty(2, "int32").get().tolist() == [2**31 - 1] * 2


def test_dtypes_are_numpys(a):
    assert (a * 2).dtype == (2.5 * a).dtype == (a + np.float32(1)).dtype == np.float32
    assert (a * np.float64(2)).dtype == (a.sum() * np.float64(2)).dtype == np.float64
    assert (a > 1).dtype == bool
    assert a.argmax().dtype == np.int64


def test_copies_are_counted(a):
    with cp.copies() as count:
        b = cp.asarray(A)
        cp.asarray(3.0)  # travels with the kernel that fills it in
        c = b + 1
    assert (count.up, count.down) == (1, 0)
    with cp.copies() as count:
        float(c.sum())
        bool(c[0, 0])
        c[c > 2]
        c[[0]]
    assert (count.up, count.down) == (1, 3)


# --- the engine takes it for CuPy --------------------------------------------------------


def test_the_probe_believes_it_until_it_is_gone():
    assert cuda.is_available()
    x = tg.tensor([1.0], device="cuda")
    assert backend.array_module(x.data) is cp
    assert repr(x) == "tensor([1.], device=cuda:0)"
    assert backend.find_device("auto") == "cuda:0"
