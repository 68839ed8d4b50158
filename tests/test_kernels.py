"""The CUDA kernels, without a GPU: each against its NumPy form, and each compiled by NVRTC.

`cupy_double` runs a kernel's own source as C++. NVRTC, the compiler that CuPy uses, needs no
card either: it is given the whole source that CuPy makes of a kernel, with CuPy's options.
"""

import cupy_double
import numpy as np
import pytest
from comparing import computing_on, drawn, here, host, random_array
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_mnist.backend import batch_last
from tinygrad_mnist.functional import convolution, kernels, pooling
from tinygrad_mnist.functional.windows import slide

KERNELS = [kernels.IM2COL, kernels.COL2IM, kernels.LARGEST, kernels.TO_LARGEST]
DIMENSIONS = {"patches": 6, "columns": 6, "framed": 4, "result": 4, "best": 4, "grad": 4}
NAN = np.array([[1.0, np.nan, 3.0, 2.0], [np.nan, 0.0, 5.0, 4.0], [6.0, 7.0, np.nan, -np.inf],
                [8.0, np.inf, -np.inf, -np.inf]])


def both(array):
    """The array for NumPy, and the same on the device."""
    return array, here(array).data


def the_same(on_the_host, on_the_device):
    """Not nearly: both add in the same order."""
    np.testing.assert_array_equal(host(on_the_device), on_the_host)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@drawn
@given(st.tuples(*[st.integers(1, 3)] * 2), pairs, pairs,
       st.tuples(st.integers(0, 3), st.integers(0, 3)), pairs,
       st.tuples(st.integers(0, 5), st.integers(0, 5)), st.integers(0, 3),
       st.sampled_from(["float32", "float64"]))
@computing_on("double")
def test_columns_and_back_like_numpy(counts, kernel, stride, padding, dilation, extra, start,
                                     dtype):
    H, W = (max(1, d * (k - 1) + 1 - 2 * p) + more
            for k, p, d, more in zip(kernel, padding, dilation, extra, strict=True))
    pictures = random_array(*counts, H, W).astype(dtype)
    window = slide(pictures.shape, kernel, stride, padding, dilation)
    rows = slice(min(start, window.places[0] - 1), None)
    patches, patches_there = (window.patches(window.framed(each, 0))[:, :, :, rows]
                              for each in both(pictures))
    columns = convolution.im2col(patches)
    the_same(columns, convolution.im2col(patches_there))

    grad, grad_there = both(random_array(*columns.shape, seed=1).astype(dtype))
    framed, framed_there = (window.blank(batch_last(each)) for each in both(pictures))
    for _ in range(2):  # the second time to what is there already
        convolution.col2im(grad, window, framed, rows)
        convolution.col2im(grad_there, window, framed_there, rows)
        the_same(framed, framed_there)


@drawn
@given(pairs, pairs, st.booleans(), st.tuples(st.integers(0, 4), st.integers(0, 4)),
       st.integers(0, 99), st.sampled_from(["float32", "float64"]))
@computing_on("double")
def test_pooling_like_numpy(kernel, stride, padded, extra, seed, dtype):
    padding = tuple(k // 2 for k in kernel) if padded else (0, 0)
    H, W = (max(1, k - 2 * p) + more for k, p, more in zip(kernel, padding, extra, strict=True))
    values = [-np.inf, 0, 1, 2, np.nan]  # ties are the rule
    pictures = np.random.default_rng(seed).choice(values, (2, 3, H, W)).astype(dtype)
    pooling_alike(pictures, kernel, stride, padding)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 1, 1), (2, 1, 1)])
@computing_on("double")
def test_the_last_of_those_that_are_no_number_wins(kernel, stride, padding):
    pooling_alike(NAN[None, None], kernel, stride, padding)


def pooling_alike(pictures, kernel, stride, padding):
    window = slide(pictures.shape, kernel, stride, padding)
    framed, framed_there = (window.framed(each, -np.inf) for each in both(pictures))
    best, best_there = pooling.largest(framed, window), pooling.largest(framed_there, window)
    the_same(best, best_there)
    grad, grad_there = both(random_array(*best.shape, seed=1).astype(pictures.dtype))
    result, result_there = (window.blank(batch_last(each)) for each in both(pictures))
    pooling.to_largest(grad, framed, best, window, result)
    pooling.to_largest(grad_there, framed_there, best_there, window, result_there)
    # What is no number is looked for in a second pass by NumPy, so the sums are rounded otherwise.
    np.testing.assert_allclose(host(result_there), result, rtol=1e-6, atol=1e-6)


@computing_on("double")
def test_a_size_that_32_bits_cannot_count_is_refused():
    with pytest.raises(ValueError, match=r"4,294,967,296 elements at once .*smaller batch"):
        kernels._launch(kernels.IM2COL, 2**32, cupy_double.zeros(1))


@computing_on("double")
def test_an_index_that_leaves_its_array_is_noticed():
    wrong = cupy_double.ElementwiseKernel("raw T x", "raw T y", "y[i] = x[i + 1];", "wrong",
                                          no_return=True)
    x, y = cupy_double.zeros(3), cupy_double.zeros(3)
    with pytest.raises(cupy_double.SilentlyWrong, match="kernel wrong has left its array"):
        wrong(x, y, size=3)


# --- NVRTC -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nvrtc():
    """NVRTC as CuPy calls it: a function from a kernel's source to its PTX."""
    pytest.importorskip("cupy", reason="no CuPy: pip install 'cupy-cuda12x[ctk]' compiles kernels")
    from cupy._core import core
    from cupy.cuda import compiler

    headers = "".join(f"#include <{name}>\n" for name in core._cupy_header_list)
    options = (*core.assemble_cupy_compiler_options(()), "-ftz=true", "-arch=compute_75",
               "--device-as-default-execution-space")

    def compile(source):
        program = compiler._NVRTCProgram(headers + source, "kernel.cu", (), (),
                                         name_expressions=None, method="ptx")
        return program.compile(options)[0]

    return compile


def whole_source(kernel, dtype, contiguous):
    """What CuPy itself makes of a kernel, for arrays that lie one way or the other."""
    from cupy._core import _kernel

    made = _kernel.ElementwiseKernel(kernel.inputs, kernel.outputs, kernel.body, kernel.name)
    array, indexer, number = 1, 2, 3  # ARG_KIND_NDARRAY and so on, in _kernel.pxd

    def told(parameter):
        if parameter.name == "_ind":
            return _kernel._ArgInfo(indexer, None, None, 1, True, True)
        if parameter.raw:
            dimensions = DIMENSIONS[parameter.name]
            return _kernel._ArgInfo(array, None, dtype, dimensions, contiguous, True)
        return _kernel._ArgInfo(number, None, np.int32, 0, True, True)

    return _kernel._get_elementwise_kernel_code(
        tuple(map(told, made.params)), _kernel._TypeMap((("T", dtype),)), made.params,
        made.operation, made.name, made.preamble)


@pytest.mark.slow
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_nvrtc_compiles(kernel, dtype, contiguous, nvrtc):
    ptx = nvrtc(whole_source(kernel, dtype, contiguous)).decode()
    assert f".entry {kernel.name}(" in ptx
    assert ".local" not in ptx, "indices belong in registers, not in slow memory"


def test_nvrtc_refuses_what_is_no_cuda(nvrtc):
    from cupy.cuda.compiler import CompileException

    broken = kernels.IM2COL._replace(body=kernels.IM2COL.body.replace("patches[at]", "patch[at]"))
    with pytest.raises(CompileException, match='"patch" is undefined'):
        nvrtc(whole_source(broken, np.float32, True))


def test_every_kernel_is_here():
    assert [each for each in vars(kernels).values()
            if isinstance(each, kernels.Kernel)] == KERNELS
