"""A Tensor is an array that remembers how it was made.

Every operation computes a value and leaves, for each of its inputs, one line that says how
a gradient flows back to it. `record` keeps these lines as a `Step`; each result points to
its step, each step to the inputs it came from. That is the whole graph:

    loss --> Step("mean") --> Tensor --> Step("multiply") --> w, x

`backward` visits the steps newest first. A result is always newer than its inputs, so by
the time a step is reached everything that used its result has already added its share.

The lines never mention the result they belong to, so the graph has no cycle: `del loss`
frees it at once. Gradients are plain arrays: there is no gradient of a gradient.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from . import backend
from .backend import Array

Line = Callable[[Array], Array]
"""How a gradient flows back to one input: the result's gradient in, the input's out."""

float32, float64, int64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)

_NUMPYS = (np.ndarray, np.float32, np.float64)  # it computes numbers of arrays of shape ()
_APART = "the inputs live on different devices: move them with .to(device)"

_recording: ContextVar[bool] = ContextVar("recording", default=True)

if TYPE_CHECKING:
    _attached: Any = None


class Tensor:
    """An array, the gradient that has reached it, and the step that made it.

    data: the array itself, NumPy's or CuPy's.
    grad: a Tensor of the same shape once `backward` has reached this one, else None.
    requires_grad: whether operations on this tensor are recorded.
    grad_fn: the Step that made it; None for a leaf, which is what a program makes itself.
    """

    __slots__ = ("__weakref__", "_keeps_grad", "data", "grad", "grad_fn", "requires_grad")
    __array_ufunc__ = None  # array + tensor: let the Tensor do it, not NumPy item by item

    def __init__(self, data: Any, requires_grad: bool = False):
        if data.__class__ is not np.ndarray:  # Python's numbers become what `tensor` makes of them
            data = backend.as_array(data) if hasattr(data, "dtype") else tensor(data).data
        self.data: Array = data
        self.grad: Tensor | None = None
        self.requires_grad = False
        self.grad_fn: Step | None = None
        self._keeps_grad = False
        if requires_grad:
            self.requires_grad_()

    if TYPE_CHECKING:  # what functional/ attaches: the operators, and methods by name
        __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = __matmul__ = _attached
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rmatmul__ = _attached
        __neg__ = __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = _attached

        def __getattr__(self, name: str) -> Any: ...

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def device(self) -> str:
        return backend.device_of(self.data)

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension of it."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """How many elements it has."""
        return self.data.size

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for this tensor's gradient (or stop asking). Only floating point can have one."""
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"only floating-point tensors can require a gradient, not {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep `.grad` on this tensor even though it is not a leaf."""
        self._keeps_grad = True

    # --- from tensor to other things ---

    def numpy(self) -> np.ndarray:
        """The values as a NumPy array (on the CPU: the same memory, not a copy)."""
        return backend.move(self.data, "cpu")

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number."""
        if self.data.size != 1:
            raise ValueError(f"item() needs a tensor of one element, not of shape {self.shape}")
        return self.data.item()

    def tolist(self) -> Any:
        """The values as (nested lists of) Python numbers."""
        return self.data.tolist()

    def detach(self) -> Tensor:
        """The same values, outside the graph."""
        return Tensor(self.data)

    def to(self, *targets: Any, device: str | None = None, dtype: Any = None) -> Tensor:
        """This tensor on another device ("cpu", "cuda", "auto"), in another dtype, or both."""
        result = self
        for target in (*targets, device, dtype):
            if target is None:
                continue
            if isinstance(target, str):
                device = backend.find_device(target)
                result = result if result.device == device else _moved(result, device)
            else:
                dtype = np.dtype(target)
                result = result if result.dtype == dtype else _converted(result, dtype)
        return result

    def float(self) -> Tensor:
        return self.to(float32)

    def double(self) -> Tensor:
        return self.to(float64)

    def long(self) -> Tensor:
        return self.to(int64)

    def cpu(self) -> Tensor:
        return self.to("cpu")

    def cuda(self) -> Tensor:
        return self.to("cuda")

    def __repr__(self) -> str:
        values = np.array2string(self.numpy(), precision=4, separator=", ", prefix="tensor(")
        notes = [f"dtype={self.dtype}"] if self.dtype not in (float32, int64, bool) else []
        notes += [f"device={self.device}"] if self.device != "cpu" else []
        if self.grad_fn is not None:
            notes.append(f"grad_fn=<{self.grad_fn.name}>")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        return f"tensor({', '.join([values, *notes])})"

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("a tensor of shape () has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise ValueError(f"a tensor of shape {self.shape} is neither true nor false: "
                             "use its .any() or .all()")
        return bool(self.data)

    def __float__(self) -> Any:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"only an integer tensor can be an index, not {self.dtype}")
        return self.item()

    def __format__(self, spec: str) -> str:
        return format(self.item() if self.data.size == 1 and (spec or not self.ndim) else str(self),
                      spec)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self.numpy()
        return np.array(values, dtype) if copy else np.asarray(values, dtype)

    __hash__ = object.__hash__  # == compares values, so say that a tensor is itself in a dict

    # --- changing it in place, as an optimiser does ---

    def zero_(self) -> Tensor:
        """Set every element to zero, in place."""
        self[...] = 0
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write values into this tensor's own memory.

        A tensor that has been used must not be written to before `backward`: a line that needs its
        values would read the new ones. Nobody checks that, other than in torch.
        """
        if _recording.get() and (self.requires_grad or getattr(value, "requires_grad", False)):
            raise RuntimeError("a tensor cannot be changed in place while operations are recorded, "
                               "if it or the new value requires a gradient: do it under "
                               "`with no_grad():`")
        if isinstance(value, Tensor):
            value = value.data
        if backend.is_array(value) and not backend.live_together(self.data, value):
            raise RuntimeError(_APART)
        self.data[backend.checked_key(self.data, plain_key(index))] = value

    def update_(self, result: Tensor) -> Tensor:
        """The meaning of `self += ...`: a new tensor while recording, else new values.

        While recording, overwriting values would spoil the lines that still need them, so
        `total += loss` makes `total` the sum's new tensor. A leaf must stay itself.
        """
        if _recording.get():
            if self.requires_grad and self.is_leaf:
                raise RuntimeError("a leaf that requires a gradient cannot be changed in place "
                                   "while operations are recorded: do it under `with no_grad():`")
            return result
        if result.shape != self.shape or not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise ValueError(f"{_described(self)} cannot take the result in place: it is "
                             f"{_described(result)}")
        self.data[...] = result.data
        return self

    # --- gradients ---

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add to the `.grad` of every leaf its share of this tensor's gradient.

        gradient: what to start from, of this tensor's shape; left out, 1, which only a
            tensor of one element may do (a loss).
        retain_graph: keep the graph for another call. Otherwise each step is let go as soon
            as it has been passed, so that its memory serves the next one while hot.

        Raises RuntimeError if nothing was recorded, if a part of the graph has already been
        let go, or if a starting gradient is missing. After an error no `.grad` has changed.
        """
        backend.keep_freed_memory()
        if not self.requires_grad:
            raise RuntimeError("backward: this tensor does not require a gradient: none of its "
                               "inputs did, or it was made under no_grad")
        gradients = {self: self._starting_gradient(gradient)}
        arrived: dict[Tensor, Array] = {}
        remaining = oldest_first(self)
        while remaining:
            _, tensor, step = remaining.pop()
            received = gradients.pop(tensor)
            if tensor._keeps_grad:
                arrived[tensor] = received
            _flow_back(step, received, gradients, retain_graph)
        for leaf, received in (gradients | arrived).items():
            if leaf.grad is None:
                leaf.grad = Tensor(received.copy())  # two leaves may have been handed one array
            else:
                leaf.grad.data += received

    def _starting_gradient(self, gradient: Any) -> Array:
        if gradient is None:
            if self.data.size != 1:
                raise RuntimeError(f"backward: a tensor of shape {self.shape} is not a loss: "
                                   "reduce it to one number, or pass a gradient of its shape")
            return backend.array_module(self.data).ones_like(self.data)
        start = (gradient if isinstance(gradient, Tensor)
                 else tensor(gradient, self.dtype, self.device)).data
        if start.shape != self.shape or start.dtype != self.dtype:
            raise ValueError(f"backward: the starting gradient must be {self.dtype} of shape "
                             f"{self.shape}, not {start.dtype} of shape {start.shape}")
        if not backend.live_together(self.data, start):
            raise RuntimeError(f"backward: {_APART}")
        return start


def tensor(data: Any, dtype: Any = None, device: str = "cpu",
           requires_grad: bool = False) -> Tensor:
    """A new Tensor with a copy of `data`: numbers, nested lists, an array.

    Without `dtype`, Python's floats become float32 and its integers int64, as in torch; an
    array keeps its own dtype.
    """
    if isinstance(data, Tensor):
        data = data.data
    array = data
    if not backend.is_array(data):
        array = np.asarray(data)
        if dtype is None and array.dtype == float64 and not isinstance(data, np.generic):
            dtype = float32
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a tensor holds numbers or truth values, not {array.dtype}")
    copy = array.astype(array.dtype if dtype is None else dtype)
    return Tensor(backend.move(copy, backend.find_device(device)), requires_grad)


def forget_gradients(tensors: Iterable[Tensor], set_to_none: bool = True) -> None:
    """Let go of each tensor's gradient; or, not `set_to_none`, make zeros of those there are."""
    for each in tensors:
        if set_to_none:
            each.grad = None
        elif each.grad is not None:
            each.grad.zero_()


class no_grad(contextlib.ContextDecorator):  # noqa: N801 - torch's name
    """Record nothing inside `with no_grad():` or in a function decorated with `@no_grad()`.

    It holds for the thread that says it, and for no other: a server that predicts in one
    thread does not switch off the training in another.
    """

    def __enter__(self) -> None:
        self._before = _recording.get()
        _recording.set(False)

    def __exit__(self, *exc_info: object) -> None:
        _recording.set(self._before)

    def __call__(self, function: Any) -> Any:
        if not inspect.isgeneratorfunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Iterator[Any]:
            items, end = function(*arguments, **options), object()
            while True:
                with no_grad():  # while it works, not while its caller does
                    item = next(items, end)
                if item is end:
                    return
                yield item

        return call

    def _recreate_cm(self) -> no_grad:  # a decorated function may run in several threads
        return no_grad()


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return _recording.get()


# --- watching ----------------------------------------------------------------------------


class Observer(Protocol):
    """Somebody who watches every operation, and must have it done: see `observed_by`."""

    def forward(self, name: str, inputs: tuple, perform: Callable[[], Tensor]) -> Tensor: ...

    def backward(self, step: Step, source: Tensor, perform: Callable[[], Array]) -> Array: ...


_observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


@contextlib.contextmanager
def observed_by(observer: Observer | None) -> Iterator[None]:
    """Let `observer` watch what this thread computes inside the block; None: let nobody."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


# --- the recorded graph ------------------------------------------------------------------


class Step:
    """How one result was made.

    name: the operation's name.
    lines: for each input that wants a gradient, the pair (input, line); empty once
        `backward` has passed.
    number: its place in the order in which steps were made.
    """

    __slots__ = ("__weakref__", "lines", "name", "number")
    _numbers = itertools.count()

    def __init__(self, lines: list):
        self.name = "?"
        self.lines: list[tuple[Tensor, Line]] = lines
        self.number = next(Step._numbers)


def record(value: Array, *inputs: tuple[Tensor | None, Line]) -> Tensor:
    """The result of an operation: its value, and a line for each input that wants one.

    An input may be None (a layer without bias). Nothing is kept under `no_grad`, or if no
    input requires a gradient, or if the result is no floating-point number that could have one.
    """
    result = Tensor(value)
    if _recording.get():
        lines = []
        for line in inputs:
            if line[0] is not None and line[0].requires_grad:
                lines.append(line)
        if lines and result.data.dtype.kind == "f":
            result.requires_grad = True
            result.grad_fn = Step(lines)
    return result


def oldest_first(tensor: Tensor) -> list[tuple[int, Tensor, Step]]:
    """Every tensor made on the way to `tensor`, itself included, by age: (number, tensor, step).

    A loop with a list of its own, not a recursion: a graph may be deeper than Python's stack.
    """
    visited: set[Tensor] = set()
    found, unvisited = [], [tensor]
    while unvisited:
        made = unvisited.pop()
        step = made.grad_fn
        if step is None or made in visited:  # a leaf, or met before
            continue
        if not step.lines:
            raise RuntimeError(f"the graph behind <{step.name}> has been let go by an "
                               "earlier backward: compute the loss again, or give the earlier "
                               "backward retain_graph=True")
        visited.add(made)
        found.append((step.number, made, step))
        for source, _ in step.lines:
            if source.grad_fn is not None:
                unvisited.append(source)
    return sorted(found)


def _flow_back(step: Step, received: Array, gradients: dict[Tensor, Array], retain: bool) -> None:
    """Pass the gradient that a step's result has received on to the step's inputs."""
    lines, observer = step.lines, _observer.get()
    if not retain:
        step.lines = []
    for source, line in lines:
        try:
            if observer is None:
                gradient = line(received)
            else:
                gradient = observer.backward(step, source, functools.partial(line, received))
            share = _fitted(gradient, source.data)
        except Exception as error:
            raise _explained(error, f"backward of {step.name}", (source,))  # noqa: B904
        before = gradients.get(source)
        gradients[source] = share if before is None else before + share


def _fitted(gradient: Array, data: Array) -> Array:
    """A gradient with broadcasting undone, checked to match the input it is for."""
    if (gradient.__class__ in _NUMPYS and data.__class__ is np.ndarray
            and gradient.dtype is data.dtype and gradient.shape == data.shape):
        return gradient  # as nearly always
    if gradient.shape != data.shape:
        gradient = _unbroadcast(gradient, data.shape)
    if gradient.dtype != data.dtype or not backend.live_together(gradient, data):
        raise TypeError(f"the gradient is {gradient.dtype} on {backend.device_of(gradient)}, but "
                        f"its input is {data.dtype} on {backend.device_of(data)}")
    return gradient


def _unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an input of `shape` was repeated to fit the others."""
    added = gradient.ndim - len(shape)
    if added >= 0:
        repeated = [axis for axis, size in enumerate(shape, added)
                    if size == 1 and gradient.shape[axis] != 1]
        summed = gradient.sum(axis=(*range(added), *repeated), keepdims=True)
        if summed.shape[added:] == shape:
            return summed.reshape(shape)
    raise ValueError(f"a gradient of shape {gradient.shape} does not fit its input")


# --- operations --------------------------------------------------------------------------


def operation(function: Callable[..., Tensor] | None = None, *, lifts: bool = False) -> Any:
    """Make a function of Tensors an operation: `@operation`, above its `def`.

    The parameters annotated as Tensor (they come first) may then be given as numbers or
    arrays; a number takes the dtype of the tensors beside it. All must live on one device
    and have one floating dtype; with `lifts`, integers beside floats become such floats.
    Errors name the operation and what came in, and the recorded step gets its name.
    """
    if function is None:
        return functools.partial(operation, lifts=lifts)
    name = function.__name__.strip("_")
    parameters = inspect.signature(function).parameters.values()
    takes = [p for p in parameters if "Tensor" in re.findall(r"\w+", str(p.annotation))]
    names = [p.name for p in takes]
    count = sys.maxsize if any(p.kind is p.VAR_POSITIONAL for p in takes) else len(takes)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Tensor:
        observer = _observer.get()
        if observer is not None:
            arguments = _with_named(arguments, names, options)
            with observed_by(None):  # what an operation is made of is not watched again
                return observer.forward(name, arguments, lambda: call(*arguments, **options))
        if options:
            arguments = _with_named(arguments, names, options)
        try:
            result = function(*_with_tensors(arguments, count, lifts), **options)
        except Exception as error:
            raise _explained(error, name, arguments[:count])  # noqa: B904
        step = getattr(result, "grad_fn", None)
        if step is not None and step.name == "?":  # an operation made of others has theirs
            step.name = name
        return result

    return call


def _with_named(arguments: tuple, names: list[str], options: dict[str, Any]) -> tuple:
    """The arguments, and after them the tensors that were given by name."""
    for name in names[len(arguments):]:
        if name not in options:
            break
        arguments += (options.pop(name),)
    return arguments


def _with_tensors(arguments: tuple, count: int, lifts: bool) -> tuple:
    """The arguments with the first `count` as Tensors that may meet; an optional one is None."""
    first = None
    for each in arguments[:count]:
        if isinstance(each, Tensor):
            data = each.data
            if first is None:
                first = data
            elif data.dtype is not first.dtype or data.__class__ is not first.__class__:
                break
        elif each is not None:
            break
    else:
        return arguments  # they are Tensors alike, as nearly always
    return (*_as_tensors(arguments[:count], lifts), *arguments[count:])


def _as_tensors(inputs: tuple, lifts: bool) -> Sequence[Tensor | None]:
    made = [i if i is None or isinstance(i, Tensor) else _from_plain(i, inputs) for i in inputs]
    arrays = [i.data for i in made if i is not None]
    if not all(backend.live_together(arrays[0], other) for other in arrays[1:]):
        raise RuntimeError(_APART)
    return _with_one_dtype(made, lifts)


def _from_plain(value: Any, inputs: tuple) -> Tensor:
    """A number, list or array as a Tensor. A number takes the dtype of the tensors beside it."""
    partner = next((i.data for i in inputs if isinstance(i, Tensor)), None)
    if partner is None or not isinstance(value, (bool, int, float, np.generic)):
        return Tensor(value) if backend.is_array(value) else tensor(value)
    number = value.item() if isinstance(value, np.generic) else value
    dtype = np.result_type(partner.dtype, number)
    if dtype == float64 and partner.dtype != float64:
        dtype = float32  # an integer tensor beside a float
    return Tensor(backend.array_module(partner).asarray(number, dtype))


def _with_one_dtype(inputs: list[Tensor | None], lifts: bool) -> list[Tensor | None]:
    """Integers beside floats become such floats, if the operation allows it at all."""
    dtypes = {i.dtype for i in inputs if i is not None}
    floats = {dtype for dtype in dtypes if dtype.kind == "f"}
    if len(dtypes) == 1:
        return inputs
    if len(floats) > 1 or (floats and not lifts):
        raise TypeError(f"{' and '.join(sorted(map(str, dtypes)))} do not mix here: convert one "
                        "with .to(dtype), for example x.float()")
    if not floats:
        return inputs
    (dtype,) = floats
    return [i if i is None else i.to(dtype) for i in inputs]


def _explained(error: Exception, name: str, inputs: tuple) -> Exception:
    """The error, with the operation's name and what came in put into its message.

    Of operations that are made of operations, the outermost has the word: it is what was asked.
    """
    told = getattr(error, "told", str(error))
    message = f"{name}: {told} (came in: {', '.join(_described(i) for i in inputs)})"
    if isinstance(error, AttributeError) and any(i is None for i in inputs):
        error = TypeError(message)
    error.args = (message,)
    if str(error) != message:  # two of NumPy's compose their text from other attributes than args
        error = (MemoryError if isinstance(error, MemoryError) else IndexError)(message)
    with contextlib.suppress(AttributeError):
        error.told = told  # type: ignore[attr-defined]
    return error


def _described(value: Any) -> str:
    if isinstance(value, Tensor) or backend.is_array(value):
        return f"{value.dtype} {tuple(value.shape)}"
    return "nothing" if value is None else type(value).__name__


def plain_key(key: Any) -> Any:
    """An index in which Tensors have become their arrays, and sequences that are no list, lists."""
    if isinstance(key, tuple):
        return tuple(_plain_part(part) for part in key)
    return _plain_part(key)


def _plain_part(part: Any) -> Any:
    if isinstance(part, (tuple, range)):
        return list(part)
    return part.data if isinstance(part, Tensor) else part


@operation
def _moved(input: Tensor, device: str) -> Tensor:
    home = input.device
    return record(backend.move(input.data, device), (input, lambda grad: backend.move(grad, home)))


@operation
def _converted(input: Tensor, dtype: np.dtype) -> Tensor:
    before = input.dtype
    return record(input.data.astype(dtype), (input, lambda grad: grad.astype(before)))
