"""Layers, named and defaulted as in torch.nn.

A Module is an object that owns parameters and knows how to turn an input into an output.
There is no registry: a module's parameters and layers are simply its attributes, in the
order in which they were set, and so are their names. `self.conv = Conv2d(1, 16, 3)` makes
the parameters "conv.weight" and "conv.bias".
"""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from . import backend, functional
from .functional.windows import pair
from .tensor import Tensor, float32, float64, forget_gradients

Self = TypeVar("Self", bound="Module")

_watcher: ContextVar[Callable[[Module, Any], None] | None] = ContextVar("watcher", default=None)


@contextlib.contextmanager
def watching(watcher: Callable[[Module, Any], None]) -> Iterator[None]:
    """Inside `with watching(f):` each module of this thread calls f(module, output) when done."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


class Parameter(Tensor):
    """A Tensor that a module learns: it requires a gradient and belongs to the module."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True):
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module:
    """The base of all layers and networks. A subclass writes `forward`."""

    name = ""
    """What it is called. `models.create` sets it, and saved files tell it."""

    training = True
    """Whether the module is being trained: Dropout asks. `train()` and `eval()` set it."""

    def forward(self, *inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward: a Module needs one")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        output = self.forward(*inputs, **options)
        watcher = _watcher.get()
        if watcher is not None:
            watcher(self, output)
        return output

    # --- what it owns ---

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are its attributes, each once, with their names."""
        first_names: dict[Module, str] = {}
        for name, each in self._all_named_children():
            first_names.setdefault(each, name)
        return ((name, each) for each, name in first_names.items())

    def children(self) -> Iterator[Module]:
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Itself and all modules inside, each once, with their full names ("features.0")."""
        seen = set()
        for name, module in self._all_named_modules(prefix):
            if module not in seen:
                seen.add(module)
                yield name, module

    def _all_named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        yield prefix, self
        for name, child in self._all_named_children():
            yield from child._all_named_modules(f"{prefix}.{name}" if prefix else name)

    def _all_named_children(self) -> Iterator[tuple[str, Module]]:
        return ((name, each) for name, each in vars(self).items() if isinstance(each, Module))

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their full names, each once, however often it is used."""
        seen = set()
        for name, parameter in self._all_named_parameters():
            if parameter not in seen:
                seen.add(parameter)
                yield name, parameter

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def _all_named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        for prefix, module in self._all_named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    yield f"{prefix}.{name}" if prefix else name, value

    # --- what one does with it ---

    def train(self: Self, mode: bool = True) -> Self:
        """Prepare for training (or, with False, for predicting), all modules inside too."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Prepare for predicting: Dropout lets everything through."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; or, not `set_to_none`, make zeros of them."""
        forget_gradients(self.parameters(), set_to_none)

    def to(self: Self, *targets: Any, device: str | None = None, dtype: Any = None) -> Self:
        """Move all parameters to a device, or convert them to a dtype, or both, in place."""
        targets = tuple(each for each in (*targets, device, dtype) if each is not None)
        for target in targets:
            if not isinstance(target, str) and np.dtype(target).kind != "f":
                raise TypeError(f"a model learns floating-point numbers, not {np.dtype(target)}")
        for parameter in self.parameters():
            parameter.data = Tensor(parameter.data).to(*targets).data
            if parameter.grad is not None:
                parameter.grad = parameter.grad.to(*targets)
        return self

    def float(self: Self) -> Self:
        return self.to(float32)

    def double(self: Self) -> Self:
        return self.to(float64)

    def cpu(self: Self) -> Self:
        return self.to("cpu")

    def cuda(self: Self) -> Self:
        return self.to("cuda")

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters by name, as Tensors that share their memory. Keys are torch's."""
        return {name: value.detach() for name, value in self._all_named_parameters()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> None:
        """Copy values into the parameters. The values may be Tensors, arrays or torch's.

        Raises KeyError if a key is missing or unknown (unless `strict` is False) and
        ValueError if a shape does not fit, naming every such key; then nothing has changed.
        """
        parameters = dict(self._all_named_parameters())
        missing = [key for key in parameters if key not in state_dict]
        unknown = [key for key in state_dict if key not in parameters]
        if strict and (missing or unknown):
            raise KeyError(_key_mistakes(type(self).__name__, missing, unknown))
        values = {key: _host_array(state_dict[key]).astype(own.dtype, copy=False)
                  for key, own in parameters.items() if key in state_dict}
        misfits = [f"{key} is {values[key].shape}, but the model's is {parameters[key].shape}"
                   for key in values if values[key].shape != parameters[key].shape]
        if misfits:
            raise ValueError(f"load_state_dict of {type(self).__name__}: {'; '.join(misfits)}")
        for key, value in values.items():
            own = parameters[key]
            own.data[...] = backend.move(value, own.device)

    # --- how it is printed ---

    def extra_repr(self) -> str:
        """What stands between the parentheses of a layer without layers inside."""
        return ""

    def __repr__(self) -> str:
        name = type(self).__name__
        inside = [f"  ({key}): " + repr(child).replace("\n", "\n  ")
                  for key, child in self._all_named_children()]
        if not inside:
            return f"{name}({self.extra_repr()})"
        return "\n".join([f"{name}(", *inside, ")"])


def device_of(model: Module) -> str:
    """Where a model's parameters live; "cpu" for a model that has none."""
    return next((parameter.device for parameter in model.parameters()), "cpu")


@contextlib.contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Inside the block all of a model predicts; after it, each module is in the mode it was in."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


class Sequential(Module):
    """Layers one after another, each fed with what the one before gave."""

    def __init__(self, *layers: Any):
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = dict(layers[0])
        else:
            named = {str(place): layer for place, layer in enumerate(layers)}
        for name, layer in named.items():
            if not isinstance(layer, Module):
                raise TypeError(f"Sequential: layer {name} must be a Module (nn.ReLU(), with its "
                                f"parentheses), not {layer!r}")
            if hasattr(self, name):
                raise KeyError(f"Sequential: no layer can be called {name!r}, which is the name of "
                               "something that each Module has")
            setattr(self, name, layer)

    def forward(self, input: Any) -> Any:
        for layer in self:
            input = layer(input)
        return input

    def __iter__(self) -> Iterator[Module]:
        return (layer for _, layer in self._all_named_children())

    def __len__(self) -> int:
        return len([*self._all_named_children()])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Sequential(dict(list(self._all_named_children())[index]))
        return list(self)[index]


class Linear(Module):
    """A fully connected layer: (..., in_features) -> (..., out_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        self.in_features = _size(in_features, "in_features")
        self.out_features = _size(out_features, "out_features")
        self.weight = _drawn((out_features, in_features), fan_in=in_features)
        self.bias = _drawn((out_features,), fan_in=in_features) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (f"in_features={self.in_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")


class Conv2d(Module):
    """A convolution: (N, in_channels, H, W) -> (N, out_channels, OH, OW).

    kernel_size, stride, padding (zeros) and dilation are integers or (height, width) pairs.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, *, bias: bool = True):
        self.in_channels = _size(in_channels, "in_channels")
        self.out_channels = _size(out_channels, "out_channels")
        self.kernel_size = pair(kernel_size, "kernel_size", at_least=1)
        self.stride = pair(stride, "stride", at_least=1)
        self.padding = pair(padding, "padding", at_least=0)
        self.dilation = pair(dilation, "dilation", at_least=1)
        fan_in = in_channels * math.prod(self.kernel_size)
        self.weight = _drawn((out_channels, in_channels, *self.kernel_size), fan_in)
        self.bias = _drawn((out_channels,), fan_in) if bias else None

    def forward(self, input: Tensor) -> Tensor:
        return functional.conv2d(input, self.weight, self.bias,
                                 self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        told = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}",
                f"stride={self.stride}"]
        told += [f"padding={self.padding}"] if self.padding != (0, 0) else []
        told += [f"dilation={self.dilation}"] if self.dilation != (1, 1) else []
        told += ["bias=False"] if self.bias is None else []
        return ", ".join(told)


class _Pool2d(Module):
    """What the two poolings have in common: (N, C, H, W) -> (N, C, OH, OW)."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0):
        pair(kernel_size, "kernel_size", at_least=1)
        pair(kernel_size if stride is None else stride, "stride", at_least=1)
        pair(padding, "padding", at_least=0)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool2d(_Pool2d):
    """The largest pixel of each window; windows lie side by side unless `stride` says else."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.max_pool2d(input, self.kernel_size, self.stride, self.padding)


class AvgPool2d(_Pool2d):
    """The average of each window; windows lie side by side unless `stride` says else."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool2d(input, self.kernel_size, self.stride, self.padding)


class Flatten(Module):
    """Everything but the batch laid out in one row: (N, C, H, W) -> (N, C*H*W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return functional.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class ReLU(Module):
    """max(0, x), element by element."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.relu(input)


class Sigmoid(Module):
    """1 / (1 + e**-x), element by element."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, element by element."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.tanh(input)


class Dropout(Module):
    """While training, each element is set to 0 with probability p and the rest scaled up."""

    def __init__(self, p: float = 0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability, from 0 to 1, not {p}")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class CrossEntropyLoss(Module):
    """The loss of a classifier: logits (N, C) and labels (N,) -> one number."""

    def __init__(self, reduction: str = "mean", label_smoothing: float = 0.0):
        self.reduction, self.label_smoothing = reduction, label_smoothing

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.cross_entropy(input, target, self.reduction, self.label_smoothing)


class MSELoss(Module):
    """The mean squared difference between two tensors of one shape."""

    def __init__(self, reduction: str = "mean"):
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(input, target, self.reduction)


# --- helpers -----------------------------------------------------------------------------


def _drawn(shape: tuple[int, ...], fan_in: int) -> Parameter:
    """A float32 parameter drawn evenly from +-1 / sqrt(fan_in): torch's initial values.

    That is kaiming_uniform with a = sqrt(5) (He et al., 2015, arXiv:1502.01852), which torch
    uses for Linear and Conv2d. fan_in is the number of inputs of one output.
    """
    bound = 1 / math.sqrt(fan_in)
    return Parameter(backend.generator().uniform(-bound, bound, shape).astype(float32))


def _size(value: int, name: str) -> int:
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1, not {value!r}")
    return value


def _host_array(value: Any) -> np.ndarray:
    """A value of a state_dict as a NumPy array: ours, NumPy's, CuPy's or torch's."""
    if isinstance(value, Tensor):
        return value.numpy()
    if backend.is_array(value):
        return backend.move(value, "cpu")
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _key_mistakes(model: str, missing: Iterable[str], unknown: Iterable[str]) -> str:
    """Every key that does not fit, each with the one it was probably meant to be."""
    missing = list(missing)
    told = []
    for key in unknown:
        meant = difflib.get_close_matches(key, missing, n=1)
        told.append(f"unknown key {key!r}" + (f", perhaps meant as {meant[0]!r}" if meant else ""))
    told += [f"missing key {key!r}" for key in missing]
    return f"load_state_dict of {model}: {'; '.join(told)}"
