"""An `ElementwiseKernel` of CUDA, compiled as C++ and run on the CPU.

The body is taken as it is. Around it stand a loop over the threads in place of the GPU's
launch, and an `Array` in place of CuPy's CArray: indexed by one number in C order or by one
for each axis, with every index checked. The threads run backwards, since nobody may rely on
their order. C++ divides and converts as CUDA does, so the shim shows whether a kernel is right;
whether CUDA compiles it, only NVRTC can tell.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .array import SilentlyWrong, ndarray

HEAD = """
#include <cstddef>
#include <cstdint>
using std::ptrdiff_t;
typedef std::int32_t int32;

static bool left;                                // whether an index has left its array

struct Given { char* data; ptrdiff_t ndim, shape[8], strides[8]; };

template <typename T> struct Array {
    Given* given;
    T& at(const ptrdiff_t* index) {
        static T nowhere;
        char* place = given->data;
        for (int axis = 0; axis < given->ndim; ++axis) {
            if (index[axis] < 0 || index[axis] >= given->shape[axis]) {
                left = true;
                return nowhere;
            }
            place += index[axis] * given->strides[axis];
        }
        return *reinterpret_cast<T*>(place);
    }
    template <typename I, std::size_t axes> T& operator[](const I (&index)[axes]) {
        ptrdiff_t whole[8];
        left |= axes != (std::size_t)given->ndim;
        for (std::size_t axis = 0; axis < axes; ++axis) whole[axis] = index[axis];
        return at(whole);
    }
    T& operator[](ptrdiff_t number) {
        ptrdiff_t index[8];
        for (int axis = given->ndim - 1; axis > 0; --axis) {
            index[axis] = number % given->shape[axis];
            number /= given->shape[axis];
        }
        index[0] = number;
        return at(index);
    }
};
"""

DTYPES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


class Given(ctypes.Structure):
    """An array as the compiled code takes it."""

    _fields_ = (("data", ctypes.c_void_p), ("ndim", ctypes.c_ssize_t),
                ("shape", ctypes.c_ssize_t * 8), ("strides", ctypes.c_ssize_t * 8))


class ElementwiseKernel:
    """Only what the engine writes: `raw T` arrays and `int32` numbers, and no result to return."""

    def __init__(self, in_params: str, out_params: str, operation: str, name: str = "kernel", *,
                 no_return: bool = False):
        assert no_return, "only kernels that write into their arguments"
        self.parameters = [tuple(parameter.strip().rsplit(" ", 1))
                           for parameter in f"{in_params}, {out_params}".split(",")]
        assert {kind for kind, _ in self.parameters} <= {"raw T", "int32"}
        self.outputs = len(out_params.split(","))
        self.operation, self.name = operation, name

    def __call__(self, *args: Any, size: int) -> None:
        if len(args) != len(self.parameters):
            raise TypeError(f"Wrong number of arguments for {self.name!r}. It must be either "
                            f"{len(self.parameters) - self.outputs} or {len(self.parameters)} "
                            f"(with outputs), but given {len(args)}.")
        arrays = [each for each in args if isinstance(each, ndarray)]
        dtypes = {each.dtype for each in arrays}
        assert len(dtypes) == 1, f"one T has the types {dtypes}"
        for (kind, name), given in zip(self.parameters, args, strict=True):
            if isinstance(given, ndarray) != (kind == "raw T"):
                raise TypeError(f"Unsupported type {type(given)} for {kind} {name}")
        if size == 0:
            return
        given = [_given(each) if isinstance(each, ndarray) else ctypes.c_int32(each)
                 for each in args]
        pointers = (ctypes.c_void_p * len(given))(*map(ctypes.addressof, given))
        run = compiled(self.source(DTYPES[dtypes.pop()])).run
        if run(ctypes.c_ssize_t(size), pointers):
            raise SilentlyWrong(f"an index in the kernel {self.name} has left its array")

    def source(self, ctype: str) -> str:
        """The C++ around the body, for one type of numbers."""
        lines = [f"Array<T> {name} = {{(Given*)given[{place}]}};" if kind == "raw T" else
                 f"const int {name} = *(int*)given[{place}];"
                 for place, (kind, name) in enumerate(self.parameters)]
        return "\n".join([HEAD, f"typedef {ctype} T;",
                          'extern "C" int run(ptrdiff_t threads, void** given) {', "left = false;",
                          *lines, "for (ptrdiff_t i = threads - 1; i >= 0; --i) {", self.operation,
                          "}", "return left;", "}"])


def _given(array: ndarray) -> Given:
    values = array._values
    rest = [0] * (8 - values.ndim)
    return Given(values.ctypes.data, values.ndim, (ctypes.c_ssize_t * 8)(*values.shape, *rest),
                 (ctypes.c_ssize_t * 8)(*values.strides, *rest))


@functools.cache
def compiled(source: str) -> ctypes.CDLL:
    """The library made of a source, once in a session."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler: kernels can be tried on the CPU where there is g++")
    with tempfile.TemporaryDirectory() as folder:
        code, library = Path(folder) / "kernel.cpp", Path(folder) / "kernel.so"
        code.write_text(source)
        subprocess.run([compiler, "-O1", "-Wall", "-Wno-unused-variable", "-Wno-sign-compare",
                        "-Werror", "-shared", "-fPIC", code, "-o", library],
                       check=True, timeout=120)
        return ctypes.CDLL(str(library))  # it stays loaded when the file is gone
