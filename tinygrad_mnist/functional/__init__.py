"""The operations, as plain functions with torch's names; and Tensor's operators and methods.

    arithmetic    + - * / **, exp, log, sqrt, abs, maximum, where, clip, comparisons
    reduction     sum, mean, max, min, argmax
    shaping       reshape, flatten, permute, index, concatenate, pad
    matrix        matmul, linear
    convolution   conv2d: im2col and a matrix product
    pooling       max_pool2d, avg_pool2d
    kernels       what a GPU does in their place
    activation    relu, sigmoid, tanh, softmax, dropout
    loss          cross_entropy, mse_loss
"""

from typing import Any

from ..tensor import Tensor
from .activation import dropout, log_softmax, relu, sigmoid, softmax, tanh
from .arithmetic import (
    abs,
    add,
    clip,
    divide,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    sqrt,
    subtract,
    where,
)
from .convolution import conv2d
from .loss import cross_entropy, mse_loss
from .matrix import linear, matmul
from .pooling import avg_pool2d, max_pool2d
from .reduction import all, any, argmax, argmin, max, mean, min, sum
from .shaping import (
    concatenate,
    flatten,
    index,
    pad,
    permute,
    reshape,
    squeeze,
    stack,
    transpose,
    unsqueeze,
)

cat = concatenate

OPERATORS = {"add": add, "sub": subtract, "mul": multiply, "truediv": divide, "pow": power,
             "matmul": matmul}
NAMED = [abs, exp, log, sqrt, tanh, sigmoid, relu, softmax, log_softmax, clip, maximum, minimum,
         sum, mean, max, min, argmax, argmin, any, all, reshape, flatten, permute, transpose,
         squeeze, unsqueeze, matmul]


def _unless_none(compare: Any) -> Any:
    """The comparison as a method; `tensor == None` is not computed, but False, as in torch."""
    return lambda self, other: NotImplemented if other is None else compare(self, other)


OTHERS = {
    "__neg__": negative, "__abs__": abs, "__getitem__": index,
    "__eq__": _unless_none(equal), "__ne__": _unless_none(not_equal),
    "__lt__": less, "__le__": less_equal, "__gt__": greater, "__ge__": greater_equal,
    "view": reshape, "clamp": clip, "T": property(lambda tensor: permute(tensor, 1, 0)),
}


def _attach_operator(name: str, function: Any) -> None:
    """The three forms of an operator: a + b, number + a, a += b."""
    setattr(Tensor, f"__{name}__", function)
    setattr(Tensor, f"__r{name}__", lambda self, other: function(other, self))
    setattr(Tensor, f"__i{name}__", lambda self, other: self.update_(function(self, other)))


for _name, _function in OPERATORS.items():
    _attach_operator(_name, _function)
for _function in NAMED:
    setattr(Tensor, _function.__name__, _function)
for _name, _method in OTHERS.items():
    setattr(Tensor, _name, _method)
