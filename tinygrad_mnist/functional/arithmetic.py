"""Arithmetic, element by element. Inputs of different shapes are broadcast as in NumPy.

Each line is the derivative as a calculus book prints it, times the gradient that comes in.
"""

from __future__ import annotations

import functools
from typing import Any

from ..backend import array_module, ignoring_zeros
from ..tensor import Tensor, float32, operation, record

elementwise = functools.partial(operation, lifts=True)
"""An operation in which an integer may stand beside a float."""


@elementwise
def add(input: Tensor, other: Tensor) -> Tensor:
    """input + other."""
    return record(input.data + other.data,
                  (input, lambda grad: grad),
                  (other, lambda grad: grad))


@elementwise
def subtract(input: Tensor, other: Tensor) -> Tensor:
    """input - other."""
    return record(input.data - other.data,
                  (input, lambda grad: grad),
                  (other, lambda grad: -grad))


@elementwise
def multiply(input: Tensor, other: Tensor) -> Tensor:
    """input * other."""
    return record(input.data * other.data,
                  (input, lambda grad: grad * other.data),
                  (other, lambda grad: grad * input.data))


@elementwise
def divide(input: Tensor, other: Tensor) -> Tensor:
    """input / other. Integers are divided as float32, as in torch."""
    a, b = floating(input), floating(other)
    return record(a.data / b.data,
                  (a, lambda grad: grad / b.data),
                  (b, lambda grad: -grad * (a.data / b.data / b.data)))  # b * b would overflow


@elementwise
def power(input: Tensor, exponent: Tensor) -> Tensor:
    """input ** exponent. Where the formula would say 0 * infinity, the gradient is 0."""
    a, b = input.data, exponent.data
    xp = array_module(a)
    if a.dtype.kind in "iu" and b.dtype.kind == "i" and (b < 0).any():  # CuPy would not say it
        raise ValueError("integers to negative powers are no integers: use .float()")
    value = a ** b

    def to_input(grad):
        with ignoring_zeros():
            return grad * xp.where(b == 0, xp.zeros_like(value), b * a ** (b - 1))

    def to_exponent(grad):
        with ignoring_zeros():
            return grad * xp.where((a == 0) & (b >= 0), xp.zeros_like(value), value * xp.log(a))

    return record(value, (input, to_input), (exponent, to_exponent))


@operation
def negative(input: Tensor) -> Tensor:
    """-input."""
    return record(-input.data, (input, lambda grad: -grad))


@operation
def exp(input: Tensor) -> Tensor:
    """e to the power of each element."""
    value = array_module(input.data).exp(floating(input).data)
    return record(value, (input, lambda grad: grad * value))


@operation
def log(input: Tensor) -> Tensor:
    """Natural logarithm of each element."""
    value = array_module(input.data).log(floating(input).data)
    return record(value, (input, lambda grad: grad / input.data))


@operation
def sqrt(input: Tensor) -> Tensor:
    """Square root of each element."""
    value = array_module(input.data).sqrt(floating(input).data)
    return record(value, (input, lambda grad: grad / (2 * value)))


@operation
def abs(input: Tensor) -> Tensor:
    """Absolute value of each element; its gradient at 0 is 0."""
    a = input.data
    return record(array_module(a).abs(a),
                  (input, lambda grad: grad * ((a > 0).astype(a.dtype) - (a < 0))))


@elementwise
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, element by element; equals share the gradient in halves."""
    a, b = input.data, other.data
    return record(array_module(a).maximum(a, b),
                  (input, lambda grad: _unless_smaller(grad, a, b)),
                  (other, lambda grad: _unless_smaller(grad, b, a)))


@elementwise
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, element by element; equals share the gradient in halves."""
    a, b = input.data, other.data
    return record(array_module(a).minimum(a, b),
                  (input, lambda grad: _unless_smaller(grad, b, a)),
                  (other, lambda grad: _unless_smaller(grad, a, b)))


def _unless_smaller(grad, a, b):
    """The gradient; half of it where a equals b, nothing where a is smaller."""
    xp = array_module(grad)
    return xp.where(a < b, 0, xp.where(a == b, grad / 2, grad))


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """input where `condition` is true, other where it is not."""
    chosen = condition.data if isinstance(condition, Tensor) else condition
    return _where(input, other, chosen)


@elementwise
def _where(input: Tensor, other: Tensor, condition) -> Tensor:
    xp = array_module(input.data)
    condition = xp.asarray(condition, dtype=bool)
    return record(xp.where(condition, input.data, other.data),
                  (input, lambda grad: xp.where(condition, grad, 0)),
                  (other, lambda grad: xp.where(condition, 0, grad)))


@operation
def clip(input: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Each element, but at least `min` and at most `max`; outside, no gradient flows."""
    if min is None and max is None:
        raise ValueError("clip needs min, max or both")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        raise TypeError("min and max are numbers: use maximum(input, min) or minimum(input, max) "
                        "for bounds that are tensors")
    if isinstance(min, float) or isinstance(max, float):
        input = floating(input)
    low, high = (bound if bound is None else input.dtype.type(bound) for bound in (min, max))
    xp, value = array_module(input.data), input.data.clip(low, high)
    return record(value, (input, lambda grad: xp.where(value == input.data, grad, 0)))


# Comparisons: truth values, through which no gradient flows.


@elementwise
def equal(input: Tensor, other: Tensor) -> Tensor:
    """input == other, element by element."""
    return record(input.data == other.data)


@elementwise
def not_equal(input: Tensor, other: Tensor) -> Tensor:
    """input != other, element by element."""
    return record(input.data != other.data)


@elementwise
def less(input: Tensor, other: Tensor) -> Tensor:
    """input < other, element by element."""
    return record(input.data < other.data)


@elementwise
def less_equal(input: Tensor, other: Tensor) -> Tensor:
    """input <= other, element by element."""
    return record(input.data <= other.data)


@elementwise
def greater(input: Tensor, other: Tensor) -> Tensor:
    """input > other, element by element."""
    return record(input.data > other.data)


@elementwise
def greater_equal(input: Tensor, other: Tensor) -> Tensor:
    """input >= other, element by element."""
    return record(input.data >= other.data)


def floating(input: Tensor) -> Tensor:
    """The tensor itself if it is floating point; integers as float32, as torch has it."""
    return input if input.dtype.kind == "f" else input.to(float32)
