"""The probe for a GPU, on machines that are broken in every way one can think of.

Each machine here is a CuPy that is missing, breaks as it loads, or computes something. The
probe answers in one line, and never raises.
"""

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_mnist as tg
from tinygrad_mnist import backend, cuda

BANNER = """
================================================================
Failed to import CuPy.

Original error:
  ImportError: libcublas.so.12: cannot open shared object file
================================================================
"""


@pytest.fixture(autouse=True)
def _asked_anew():
    cuda.why_not.cache_clear()
    yield
    cuda.why_not.cache_clear()


def loading_raises(error):
    """A machine on which `import cupy` raises."""
    def install(monkeypatch):
        original = importlib.import_module

        def import_module(name, *rest):
            if name == "cupy":
                raise error
            return original(name, *rest)

        monkeypatch.setattr(importlib, "import_module", import_module)

    return install


def computing(**changes):
    """A machine whose CuPy is NumPy with something changed."""
    parts = {"__version__": "14.2", "float32": np.float32, "arange": np.arange, "ones": np.ones,
             "ndarray": type("ndarray", (), {})}
    fake = SimpleNamespace(**(parts | changes))
    return lambda monkeypatch: monkeypatch.setitem(sys.modules, "cupy", fake)


def raises(error):
    def operation(*_, **__):
        raise error
    return operation


MACHINES = [
    ("CuPy is missing", lambda monkeypatch: monkeypatch.setitem(sys.modules, "cupy", None),
     "CuPy is not installed"),
    ("not found", loading_raises(ModuleNotFoundError("No module named 'cupy'", name="cupy")),
     "CuPy is not installed"),
    ("installed, but a library is not", loading_raises(ImportError(BANNER)),
     "CuPy cannot be imported: [^=]"),
    ("a part of it is missing",
     loading_raises(ModuleNotFoundError("No module named 'fastrlock'", name="fastrlock")),
     "fastrlock"),
    ("the driver breaks the import", loading_raises(OSError("driver too old\nand more")),
     "CuPy cannot be imported: driver too old"),
    ("an error without words", loading_raises(ValueError()),
     "CuPy cannot be imported: ValueError"),
    ("no driver", computing(arange=raises(RuntimeError("cudaErrorNoDevice: none\nat line 1"))),
     "CuPy 14.2 finds no usable GPU: cudaErrorNoDevice: none"),
    ("no matrix library", computing(ones=raises(ImportError("libcublas.so.12"))),
     "CuPy 14.2 finds no usable GPU: libcublas"),
    ("a name is missing", computing(ones=None), "CuPy 14.2 finds no usable GPU: "),
    ("a wrong sum", computing(arange=lambda *_, **__: np.zeros(3)),
     "the GPU computes wrongly: 0+1+2 gave 0.0"),
    ("a wrong product", computing(ones=lambda *_: np.full((2, 2), 2.0)),
     "the GPU computes wrongly: .* gave 8.0"),
    ("not a number", computing(arange=lambda *_, **__: np.full(3, np.nan)),
     "the GPU computes wrongly: 0\\+1\\+2 gave nan"),
]


@pytest.mark.parametrize(("install", "reason"),
                         [pytest.param(*row[1:], id=row[0]) for row in MACHINES])
def test_the_reason_is_told_in_one_line_and_only_auto_falls_back(install, reason, monkeypatch):
    install(monkeypatch)
    reason = reason.replace("0+1+2", r"0\+1\+2")
    assert cuda.is_available() is tg.cuda.is_available() is False
    told = cuda.why_not()
    assert "\n" not in told
    with pytest.raises(RuntimeError, match=f"'cuda' cannot be used: .*{reason}"):
        backend.find_device("cuda")
    assert backend.find_device("auto") == "cpu"


def test_a_card_that_computes_rightly_is_believed(monkeypatch):
    computing()(monkeypatch)
    assert cuda.is_available()
    assert cuda.why_not() is None


def test_the_probe_runs_once(monkeypatch):
    runs = []
    computing(arange=lambda *_, **__: runs.append(1) or np.arange(3.0))(monkeypatch)
    assert cuda.is_available()
    assert cuda.is_available()
    assert len(runs) == 1


def test_asking_is_enough_to_know_on_this_machine():
    assert cuda.is_available() is (cuda.why_not() is None)
