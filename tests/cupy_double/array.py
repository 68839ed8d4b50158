"""The double's array, its element-by-element functions, and the counting of copies."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

NUMBERS = (bool, int, float, np.generic)


class SilentlyWrong(Exception):  # noqa: N818 - it names what CuPy would have done
    """CuPy would do this without a word, and wrongly."""


@dataclass
class Copies:
    """How many copies went to the device and came back from it. Coming back makes one wait."""

    up: int = 0
    down: int = 0


_counted = Copies()


@contextlib.contextmanager
def copies() -> Iterator[Copies]:
    """Counts inside the block: `with copies() as count:`, then count.up and count.down."""
    global _counted
    before, _counted = _counted, Copies()
    try:
        yield _counted
    finally:
        _counted = before


def upload(values: np.ndarray) -> ndarray:
    """A copy on the device. A single number travels with the kernel that fills it in."""
    if values.ndim:
        _counted.up += 1
    order = "F" if values.flags.fnc else "C"  # CuPy knows no other order to keep
    return ndarray(values.copy(order=order))


def plain(value: Any) -> Any:
    """What NumPy computes with in the place of an argument: CuPy takes its own, and numbers."""
    if isinstance(value, ndarray):
        return value._values
    if not isinstance(value, NUMBERS):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def made(values: Any) -> ndarray:
    """The result of a kernel: in C order, and an array even if it is one number."""
    return ndarray(np.array(values, order="C", copy=None))


class ndarray:  # noqa: N801 - CuPy's name
    """An array on the device. Everything that CuPy's has and the engine does not use is missing."""

    __slots__ = ("__weakref__", "_values", "_window")
    __module__ = "cupy"  # backend.array_module asks
    __hash__ = None

    def __init__(self, values: np.ndarray, window: bool = False):
        assert type(values) is np.ndarray
        self._values = values
        self._window = window  # whether two positions may be one place in memory

    def _view(self, values: np.ndarray) -> ndarray:
        return ndarray(values, self._window)

    # --- what it is ---

    shape = property(lambda self: self._values.shape)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    dtype = property(lambda self: self._values.dtype)
    itemsize = property(lambda self: self._values.itemsize)
    nbytes = property(lambda self: self._values.nbytes)
    strides = property(lambda self: self._values.strides)
    device = property(lambda self: SimpleNamespace(id=0))
    flags = property(lambda self: SimpleNamespace(c_contiguous=self._values.flags.c_contiguous,
                                                  f_contiguous=self._values.flags.f_contiguous))
    T = property(lambda self: self._view(self._values.T))

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return len(self._values)

    # --- back to the host ---

    def get(self) -> np.ndarray:
        _counted.down += 1
        return self._values.copy(order="C")

    def item(self) -> Any:
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __bool__(self) -> bool:
        return bool(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    # --- NumPy keeps its hands off ---

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` "
                        "to construct a NumPy array explicitly.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        for each in inputs:
            plain(each)
        return NotImplemented  # CuPy would compute; the engine asks for its own library's

    def __array_function__(self, *_: Any) -> Any:
        return NotImplemented

    # --- views ---

    def reshape(self, *shape: Any) -> ndarray:
        view = self._values.reshape(*shape)
        if view.size and not np.may_share_memory(view, self._values):
            return made(view)
        return self._view(view)

    def transpose(self, *axes: Any) -> ndarray:
        return self._view(self._values.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        if not all(-self.ndim <= axis < self.ndim for axis in (axis1, axis2)):
            raise ValueError("Axis out of range")
        return self._view(self._values.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> ndarray:
        return self._view(self._values.squeeze(axis))

    def view(self, dtype: Any = None) -> ndarray:
        return self._view(self._values if dtype is None else self._values.view(dtype))

    # --- copies on the device ---

    def copy(self, order: str = "C") -> ndarray:
        return ndarray(self._values.copy(order=order))

    def __deepcopy__(self, memo: dict) -> ndarray:
        return self.copy()

    def astype(self, dtype: Any, copy: bool = True) -> ndarray:
        if not copy and self.dtype == dtype:
            return self
        return ndarray(np.array(self._values.astype(dtype), copy=None))

    def clip(self, min: Any = None, max: Any = None) -> ndarray:
        return made(self._values.clip(*(None if end is None else plain(end)
                                        for end in (min, max))))

    def take(self, indices: Any, axis: int | None = None) -> ndarray:
        places = _index_array(indices)
        _check_range(places, self.size if axis is None else self.shape[axis])
        return made(self._values.take(places, axis))

    # --- many become one ---

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> ndarray:
        return made(self._values.sum(axis=axis, dtype=dtype, keepdims=keepdims))

    def mean(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return made(self._values.mean(axis=axis, keepdims=keepdims))

    def max(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return self._extreme(np.max, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return self._extreme(np.min, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> ndarray:
        return self._extreme(np.argmax, axis, keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> ndarray:
        return self._extreme(np.argmin, axis, keepdims)

    def _extreme(self, function: Callable, axis: Any, keepdims: bool) -> ndarray:
        return made(function(self._values, axis=axis, keepdims=keepdims))

    def any(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return made(self._values.any(axis=axis, keepdims=keepdims))

    def all(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return made(self._values.all(axis=axis, keepdims=keepdims))

    # --- indexing ---

    def __getitem__(self, key: Any) -> ndarray:
        key, advanced = self._key(key)
        taken = self._values[key]
        if advanced:
            return made(taken)
        if not isinstance(taken, np.ndarray):  # one element, which is a view in CuPy
            taken = self._values[(*(key if isinstance(key, tuple) else (key,)), ...)]
        return self._view(taken)

    def __setitem__(self, key: Any, value: Any) -> None:
        key, advanced = self._key(key)
        self._check_written_once(key, advanced)
        if isinstance(value, np.ndarray):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._values[key] = plain(value)

    def fill(self, value: Any) -> None:
        self[...] = value

    def _key(self, key: Any) -> tuple[Any, bool]:
        """The key for NumPy, and whether it is one that copies."""
        parts, advanced, axis = [], False, 0
        given = key if isinstance(key, tuple) else (key,)
        for place, part in enumerate(given):
            if part is Ellipsis:
                used = sum(_axes_used(each) for each in given[place + 1:])
                axis = self.ndim - used
            elif isinstance(part, float):
                raise SilentlyWrong(f"CuPy takes the index {part} for {int(part)}")
            elif isinstance(part, (list, np.ndarray, ndarray, bool, np.bool)):
                advanced = True
                part = _index_array(part)
                if part.dtype.kind == "b":
                    _counted.down += 1  # how many are true decides the shape
                elif axis < self.ndim:
                    _check_range(part, self.shape[axis])
                axis += _axes_used(part)
            elif part is None or isinstance(part, (int, np.integer, slice)):
                axis += _axes_used(part)
            else:
                raise TypeError(f"CuPy would first have to make an array of {type(part)}")
            parts.append(part)
        if sum(isinstance(part, np.ndarray) and part.dtype.kind == "b" for part in parts) > 1:
            raise ValueError("more than one mask: CuPy does not support it")
        return (tuple(parts) if isinstance(key, tuple) else parts[0]), advanced

    def _check_written_once(self, key: Any, advanced: bool) -> None:
        target = self._values[key]
        if advanced:
            numbers = np.arange(self.size).reshape(self.shape)[key]
        elif self._window and isinstance(target, np.ndarray):
            numbers = _addresses(target)
        else:
            return
        if len(np.unique(numbers)) != numbers.size:
            raise SilentlyWrong("an element would be written twice at the same time")

    # --- operators ---

    def _in_place(self, function: ufunc, other: Any) -> ndarray:
        return function(self, other, out=self)

    def __neg__(self) -> ndarray:
        return _computed(np.negative, self)

    def __invert__(self) -> ndarray:
        return _computed(np.invert, self)

    def __abs__(self) -> ndarray:
        return _computed(np.abs, self)


def _index_array(part: Any) -> np.ndarray:
    """An index as an array; lists and the host's arrays are copied up, every time."""
    if isinstance(part, ndarray):
        return part._values
    places = np.asarray(part)
    if places.size == 0 and isinstance(part, list):
        places = places.astype(np.int32)
    return upload(places)._values


def _axes_used(part: Any) -> int:
    """How many axes of the array a part of an index stands for."""
    if isinstance(part, (bool, np.bool)):
        return 0
    values = part._values if isinstance(part, ndarray) else part
    if isinstance(values, (list, np.ndarray)):
        values = np.asarray(values)
        return values.ndim if values.dtype.kind == "b" else 1
    return int(part is not None)


def _check_range(places: np.ndarray, length: int) -> None:
    if places.dtype.kind in "iu" and places.size:
        low, high = places.min(), places.max()
        if low < -length or high >= length:
            raise SilentlyWrong(f"the indices {low} to {high} leave an axis of {length}: CuPy "
                                "wraps them round")


def _addresses(values: np.ndarray) -> np.ndarray:
    """Where each element lies, in bytes from the first."""
    total = np.zeros((1,) * values.ndim, np.int64)
    for axis, (size, stride) in enumerate(zip(values.shape, values.strides, strict=True)):
        shape = [-1 if each == axis else 1 for each in range(values.ndim)]
        total = total + (np.arange(size) * stride).reshape(shape)
    return total


# --- element by element ------------------------------------------------------------------


def _computed(function: Callable, *inputs: Any, out: Any = None) -> Any:
    """function(*inputs), by NumPy: its dtypes are CuPy's. CuPy never warns."""
    with np.errstate(all="ignore"):
        try:
            result = function(*map(plain, inputs))
        except ValueError as error:
            if "negative integer powers" in str(error):
                raise SilentlyWrong("CuPy raises integers to negative powers") from error
            raise
    if out is None:
        return made(result)
    plain(out)
    if result.shape != out.shape:
        raise ValueError("Out shape is mismatched")
    if not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise TypeError(f"Cannot cast output operand from {result.dtype!r} to {out.dtype!r} with "
                        "casting rule 'same_kind'")
    out[...] = made(result)
    return out


class ufunc:  # noqa: N801 - CuPy's name
    """A function of each element; `out` is an array to write into."""

    def __init__(self, function: np.ufunc):
        self._function = function
        self.__name__ = function.__name__

    def __call__(self, *inputs: Any, out: Any = None) -> ndarray:
        return _computed(self._function, *inputs, out=out)

    def at(self, array: ndarray, key: Any, values: Any) -> None:
        """Unlike assignment it may meet an element twice."""
        key, _ = array._key(key)
        self._function.at(array._values, key, plain(values))


abs, exp, floor, isnan, log, sqrt, tanh = map(ufunc, (
    np.abs, np.exp, np.floor, np.isnan, np.log, np.sqrt, np.tanh))
add, divide, maximum, minimum, multiply = map(ufunc, (
    np.add, np.divide, np.maximum, np.minimum, np.multiply))


def _attach(name: str) -> None:
    """The three forms of an operator: a + b, number + a, a += b."""
    function = ufunc(_PLAIN[name])
    setattr(ndarray, f"__{name}__", lambda self, other: function(self, other))
    setattr(ndarray, f"__r{name}__", lambda self, other: function(other, self))
    setattr(ndarray, f"__i{name}__", lambda self, other: function(self, other, out=self))


_PLAIN = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
          "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
for _name in _PLAIN:
    _attach(_name)


_COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
                "gt": np.greater, "ge": np.greater_equal}


def _attach_comparison(name: str) -> None:
    function = ufunc(_COMPARISONS[name])
    setattr(ndarray, f"__{name}__", lambda self, other: function(self, other))


for _name in _COMPARISONS:
    _attach_comparison(_name)


def _matmul(a: ndarray, b: ndarray) -> ndarray:
    for name, each in (("a", a), ("b", b)):
        if not isinstance(each, ndarray):
            raise TypeError(f"Argument '{name}' has incorrect type (expected "
                            f"cupy._core.core._ndarray_base, got {type(each).__name__})")
    return _computed(operator.matmul, a, b)


ndarray.__matmul__ = _matmul  # type: ignore[attr-defined]
