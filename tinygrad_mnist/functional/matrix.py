"""Matrix products. The gradient of a product is again two products."""

from __future__ import annotations

from ..tensor import Tensor, operation, record


@operation
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """input @ other: (..., N, K) @ (..., K, M) -> (..., N, M); the dimensions in front broadcast.

    A vector on the left is a row, on the right a column; the result drops that dimension.
    """
    row, column = input.ndim == 1, other.ndim == 1
    product = _matmul(input[None, :] if row else input, other[:, None] if column else other)
    everything = slice(None)
    kept = (..., 0 if row else everything, 0 if column else everything)
    return product[kept] if row or column else product


@operation
def _matmul(input: Tensor, other: Tensor) -> Tensor:
    a, b = input.data, other.data
    if input.ndim < 2 or other.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"the {a.shape[-1:]} columns on the left must meet as many rows on the "
                         f"right, not {b.shape[-2:-1]}")
    return record(a @ b,                                        # (..., N, K) @ (..., K, M)
                  (input, lambda grad: grad @ b.swapaxes(-1, -2)),  # (..., N, M) @ (..., M, K)
                  (other, lambda grad: a.swapaxes(-1, -2) @ grad))  # (..., K, N) @ (..., N, M)


@operation
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A fully connected layer: input @ weight.T + bias.

    input (..., I), weight (O, I), bias (O,) -> (..., O). Each output is a weighted sum of
    all inputs. The products are written with one picture a column, so that the batch stays
    last in memory.
    """
    O, I = weight.shape if weight.ndim == 2 else (-1, -1)
    if input.ndim == 0 or input.shape[-1] != I:
        raise ValueError(f"input must be (..., I) and weight (O, I), with the same I: got input "
                         f"{input.shape} and weight {weight.shape}")
    if bias is not None and bias.shape != (O,):
        raise ValueError(f"bias must be one number per output, ({O},), not {bias.shape}")

    def columns(array, size):
        return array.reshape(-1, size).T                        # (..., size) -> (size, N)

    pictures = columns(input.data, I)                           # (I, N)
    value = weight.data @ pictures                              # (O, I) @ (I, N) -> (O, N)
    if bias is not None:
        value += bias.data[:, None]                             # (O, N) + (O, 1)
    return record(value.T.reshape(*input.shape[:-1], O),        # (O, N) -> (..., O)
                  (input, lambda grad: (weight.data.T @ columns(grad, O)).T.reshape(input.shape)),
                  (weight, lambda grad: columns(grad, O) @ pictures.T),  # (O, N) @ (N, I)
                  (bias, lambda grad: columns(grad, O).sum(axis=1)))
