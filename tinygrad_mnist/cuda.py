"""Is there a GPU that CuPy can use?  Ask, and believe only an answer.

`import cupy` works on a machine without a driver, so importing proves nothing. The probe
adds three numbers and multiplies two small matrices on the card, and looks at the result:
that needs the driver, the compiler and the matrix library, which is all that we need.
"""

from __future__ import annotations

import functools
import importlib


@functools.cache
def why_not() -> str | None:
    """The reason why no GPU can be used, in one line; None if one can be."""
    try:
        cupy = importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name not in (None, "cupy"):
            return f"CuPy cannot be imported: {_first_line(error)}"
        return "CuPy is not installed (pip install 'tinygrad-mnist[cuda12]' or '[cuda13]')"
    except Exception as error:  # a broken driver can raise anything while CuPy loads
        return f"CuPy cannot be imported: {_first_line(error)}"
    try:
        total = float(cupy.arange(3.0, dtype=cupy.float32).sum())
        product = float((cupy.ones((2, 2), cupy.float32) @ cupy.ones((2, 2), cupy.float32))[0, 0])
    except Exception as error:  # CuPy has an error type of its own for each missing part
        return f"CuPy {cupy.__version__} finds no usable GPU: {_first_line(error)}"
    if (total, product) != (3.0, 2.0):
        return f"the GPU computes wrongly: 0+1+2 gave {total}, 1*1+1*1 gave {product}"
    return None


def is_available() -> bool:
    """True if a tensor can be put on "cuda". Never raises; costs nothing without CuPy."""
    return why_not() is None


def _first_line(error: Exception) -> str:
    words = [line.strip(" =") for line in str(error).splitlines()]
    return next(filter(None, words), type(error).__name__)
