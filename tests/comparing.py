"""Three judges for the engine: PyTorch, the definition of a derivative, and plain loops.

A case is one line that both libraries run, because the engine's names and arguments are
torch's. `F` finds the library that its arguments belong to:

    (lambda x, w: F.conv2d(x, w, stride=2), (2, 3, 8, 8), (4, 3, 3, 3)),

A table is a list of such lines, each followed by its inputs: a shape, to be filled with
random numbers, or an array. `against_torch` runs the line in float32 and float64 and holds
the value, its shape and dtype, and the gradient of every floating input against torch's.
`numeric_check` needs no torch: it walks a little way along a random direction and looks how
far the result moves. The loops stand in the tests of the windows that they slide.

Inputs can lie in memory in more than one way. To torch's eyes they are equal, so the result
must be too, whatever the layout.

And they can live on more than one device. The same lines run on the CPU, on `cupy_double`, and
on a real GPU where there is one. A test that uses the fixture `every_device` (a whole file
with `pytestmark`) runs on each of them: `here` puts an array there, and `where` says where that
is. A test whose subject is the host itself says so, and why, with `@cpu_alone("...")`.
"""

from __future__ import annotations

import contextlib
import linecache
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import cupy_double
import numpy as np
import pytest
from hypothesis import settings

import tinygrad_mnist as tg
from tinygrad_mnist import backend

LAYOUTS = ("plain", "batch_last", "strided")
TOLERANCES = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}  # times the scale
DEVICES = ["cpu", "double", pytest.param("cuda", marks=pytest.mark.gpu)]

drawn = settings(derandomize=True, deadline=None, database=None, max_examples=40)
"""`@drawn` above `@given`: the same shapes at every run, however slow the machine."""


# --- where ---------------------------------------------------------------------------------

_device = "cpu"


@contextlib.contextmanager
def computing_on(kind: str) -> Iterator[None]:
    """Inside the block, inputs are put on "cpu", on a real "cuda", or on the "double" of one."""
    global _device
    before = _device
    with cupy_double.installed() if kind == "double" else contextlib.nullcontext():
        _device = "cpu" if kind == "cpu" else "cuda:0"
        try:
            yield
        finally:
            _device = before


def where() -> str:
    """The device that is being tried, as `Tensor.device` names it."""
    return _device


def cpu_alone(why: str) -> pytest.MarkDecorator:
    """`@cpu_alone("why")` above a test keeps it from the other devices; its name tells why."""
    return pytest.mark.parametrize("every_device", ["cpu"], indirect=True, ids=[f"cpu: {why}"])


def here(values: Any, requires_grad: bool = False) -> tg.Tensor:
    """An array or numbers as a Tensor on the device that is being tried, in the same layout."""
    array = values if isinstance(values, np.ndarray) else tg.tensor(values).data
    return tg.Tensor(backend.move(array, _device), requires_grad)


def host(value: Any) -> np.ndarray:
    """A Tensor or an array of any device as NumPy's."""
    return backend.move(value.data if isinstance(value, tg.Tensor) else value, "cpu")


class _BothLibraries:
    """`F.relu(x)` is torch's relu for torch's tensors, else the engine's."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            torch = sys.modules.get("torch")
            candidates = [*arguments, *options.values()]
            if arguments and isinstance(arguments[0], (list, tuple)):  # F.stack([x, y])
                candidates = arguments[0]
            if torch is None or not any(isinstance(a, torch.Tensor) for a in candidates):
                return getattr(tg.functional, name)(*arguments, **options)
            home = torch.nn.functional if hasattr(torch.nn.functional, name) else torch
            return getattr(home, name)(*arguments, **options)

        return call


F = _BothLibraries()


def table(*rows: tuple) -> list:
    """The rows as pytest parameters `line, inputs`, each named by its own source text."""
    return [pytest.param(line, inputs, id=_source(line)) for line, *inputs in rows]


def refusals(*rows: tuple) -> list:
    """Rows `line, exception, message` as pytest parameters; `message` is a pattern."""
    return [pytest.param(*row, id=_source(row[0])) for row in rows]


def _source(line: Callable) -> str:
    code = line.__code__
    text = linecache.getline(code.co_filename, code.co_firstlineno)
    text = re.sub(r".*?lambda *[^:]*: *", "", text.partition("  #")[0], count=1)
    return text.strip().removesuffix("),")


# --- inputs ------------------------------------------------------------------------------


def random_array(*shape: int, seed: int = 0) -> np.ndarray:
    """Normally distributed numbers, the same ones for the same shape and seed."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def positive(*shape: int) -> np.ndarray:
    """Numbers from 0.5 to 2, for logarithms and roots."""
    return np.random.default_rng(shape).uniform(0.5, 2, shape)


def apart(*shape: int) -> np.ndarray:
    """Numbers of both signs in random order, no two nearer than 0.1, and none near 0.

    A derivative does not exist where two numbers compete for a maximum; here none do.
    """
    size = int(np.prod(shape))
    numbers = (np.arange(size) - size // 2 + 0.5) / 10
    return np.random.default_rng(shape).permutation(numbers).reshape(shape)


def laid_out(array: np.ndarray, layout: str) -> np.ndarray:
    """A copy of the array that lies in memory otherwise: see LAYOUTS."""
    if layout == "plain" or array.ndim == 0:
        return np.array(array, order="C")
    if layout == "batch_last":
        return np.moveaxis(np.moveaxis(array, 0, -1).copy(order="C"), -1, 0)
    around = np.full([2 * size + 1 for size in array.shape], 77).astype(array.dtype)
    *front, last = [slice(1, 2 * size + 1, 2) for size in array.shape]
    view = around[*front, last][..., ::-1]  # every second element, the last axis backwards
    view[...] = array
    return view


def _filled(inputs: tuple, dtype: np.dtype) -> list[np.ndarray]:
    """Shapes become random arrays; floats take the dtype, other arrays stay as they are."""
    arrays = [random_array(*given, seed=place) if isinstance(given, tuple) else np.asarray(given)
              for place, given in enumerate(inputs)]
    return [array.astype(dtype) if array.dtype.kind == "f" else array for array in arrays]


# --- torch -------------------------------------------------------------------------------


def against_torch(ours: Callable, torchs: Callable | None, *inputs: Any, dtype: Any = None,
                  layout: str = "plain") -> None:
    """Value, shape, dtype, and the gradient of every floating input, against torch.

    ours, torchs: the same computation; torchs may be None if one line serves both.
    inputs: shapes or arrays; whole numbers and truth values get no gradient.
    dtype: float32 or float64; if left out both, one after the other, on a GPU only float32.
    """
    both = TOLERANCES if _device == "cpu" else (np.dtype(np.float32),)
    for each in both if dtype is None else (np.dtype(dtype),):
        _compare(ours, torchs or ours, _filled(inputs, each), layout)


def _compare(ours: Callable, torchs: Callable, arrays: list[np.ndarray], layout: str) -> None:
    torch = pytest.importorskip("torch")
    mine = [here(laid_out(array, layout), array.dtype.kind == "f") for array in arrays]
    theirs = [torch.tensor(array.copy(), requires_grad=array.dtype.kind == "f") for array in arrays]
    results, expected = _several(ours(*mine)), _several(torchs(*theirs))
    assert len(results) == len(expected)
    for got, want in zip(results, expected, strict=True):
        assert got.device == _device
        same(host(got), want.detach().numpy(), "value")
        assert got.requires_grad == want.requires_grad
    got, want = results[0], expected[0]
    if want.requires_grad:
        slope = random_array(*want.shape, seed=99).astype(got.dtype)
        want.backward(torch.tensor(slope))
        cotangent = here(laid_out(slope, layout))
        for again in (True, False):  # twice: the first pass must not spoil what it used
            got.backward(cotangent, retain_graph=again)
            for place, (x, y) in enumerate(zip(mine, theirs, strict=True)):
                assert (x.grad is None) == (y.grad is None), f"gradient of input {place}"
                if x.grad is not None:
                    same(host(x.grad), y.grad.numpy(), f"gradient of input {place}")
                    x.grad = None
        np.testing.assert_array_equal(host(cotangent), slope, "the cotangent was changed")
    for x, array in zip(mine, arrays, strict=True):
        np.testing.assert_array_equal(host(x), array, "an input was changed")


def _several(result: Any) -> tuple:
    return tuple(result) if isinstance(result, tuple) else (result,)


def same(got: np.ndarray, want: np.ndarray, what: str = "value") -> None:
    """Equal in shape and dtype, and in value up to the dtype's tolerance."""
    assert got.shape == want.shape, f"{what}: shape {got.shape}, not {want.shape}"
    assert got.dtype == want.dtype, f"{what}: dtype {got.dtype}, not {want.dtype}"
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, what)
        return
    scale = np.abs(want, where=np.isfinite(want), out=np.zeros_like(want)).max(initial=1e-3)
    largest_error = TOLERANCES[want.dtype] * float(scale)
    np.testing.assert_allclose(got, want, rtol=0, atol=largest_error, err_msg=what)


# --- the definition of a derivative ------------------------------------------------------


def numeric_check(line: Callable, *inputs: Any, step: float = 1e-5) -> None:
    """Each input's gradient against (f(x + step d) - f(x - step d)) / 2 step, in float64."""
    arrays = _filled(inputs, np.dtype(np.float64))
    tensors = [here(array.copy(), array.dtype.kind == "f") for array in arrays]
    result = _several(line(*tensors))[0]
    slope = random_array(*result.shape, seed=98)
    result.backward(slope)

    def moved(place: int, distance: np.ndarray) -> float:
        points = list(arrays)
        points[place] = points[place] + distance
        with tg.no_grad():
            value = host(_several(line(*map(here, points)))[0])
        return float((value * slope).sum())

    for place, x in enumerate(tensors):
        if x.requires_grad:
            direction = random_array(*x.shape, seed=97 + place)
            rise = (moved(place, step * direction) - moved(place, -step * direction)) / (2 * step)
            assert x.grad is not None, f"no gradient has reached input {place}"
            predicted = float((host(x.grad) * direction).sum())
            assert predicted == pytest.approx(rise, rel=1e-6, abs=1e-7), f"input {place}"
