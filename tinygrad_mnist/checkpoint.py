"""Saving and loading: a trained model is names, shapes and numbers, and the file says so.

Files are safetensors: a header in JSON (every tensor's name, dtype, shape and place, and a
few words about the whole), then the numbers, nothing else. PyTorch reads them with
`safetensors.torch.load_file`. Nothing here writes or reads a pickle: a pickle is a program,
and loading one runs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from .nn import Module
from .tensor import Tensor

NORMALISATION = "float32 (N, 1, 28, 28): 0 is paper, 1 is full ink; nothing subtracted or divided"
"""What the networks of this package expect as input, written into every header."""


def save(model: Module | Mapping[str, Any], path: str | Path,
         notes: Mapping[str, str] | None = None) -> None:
    """Write a model's weights (or a state_dict) to `path`, whole or not at all.

    notes: what the header should say besides the model's name, its layers and its input:
        a recipe, a result. The model stays where it is, on whatever device.
    """
    if isinstance(model, Module):
        header = {"model": model.name or type(model).__name__, "layers": repr(model),
                  "input": NORMALISATION, **(notes or {})}
        write(path, model.state_dict(), header)
    elif isinstance(model, Mapping):
        write(path, model, notes or {})
    else:
        raise TypeError(f"save takes a Module or a state_dict, not {type(model).__name__}")


def load(path: str | Path) -> dict[str, Tensor]:
    """The state_dict in a file, for `model.load_state_dict`.

    Unlike torch.load it cannot return the model: a file of numbers holds no program. For a
    network that `models` knows by name, `models.load` gives the whole model.
    """
    tensors, _ = read(path)
    return {name: Tensor(array) for name, array in tensors.items()}


def write(path: str | Path, tensors: Mapping[str, Any], header: Mapping[str, str]) -> None:
    """Write arrays or Tensors and a header of words to a safetensors file, atomically."""
    from safetensors.numpy import save as to_bytes

    arrays = {name: np.asarray(value.numpy() if isinstance(value, Tensor) else value, order="C")
              for name, value in tensors.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name!r} is no array of numbers but {type(tensors[name]).__name__}: "
                            "a file of weights holds arrays by name, and words as its notes")
    written = {"format": "pt", **{key: str(value) for key, value in header.items()}}
    with atomically(path) as file:
        file.write(_in_order(to_bytes(arrays, written)))


def _in_order(file: bytes) -> bytes:
    """The same file with the names in its header sorted.

    The library writes them in another order each time, and the same training shall give the
    same file. A file begins with the header's length, 8 bytes; spaces may fill the header up.
    """
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":"),
                        ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + file[end:]


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the header of a safetensors file.

    Raises FileNotFoundError, or ValueError saying what the file is instead.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    _refuse_others(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            unknown = [f"{name} is {value.dtype}" for name, value in tensors.items()
                       if value.dtype.kind not in "fiub"]
            if unknown:
                raise TypeError(", ".join(unknown))
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error}): it may be cut off or "
                         "of another kind") from error
    except TypeError as error:  # bfloat16, say, of which NumPy knows where a library teaches it
        raise ValueError(f"{path} holds numbers that NumPy does not know ({error}): save them as "
                         "float32") from error


@contextlib.contextmanager
def atomically(path: str | Path) -> Iterator[IO[bytes]]:
    """A file that appears under `path` when it is complete; until then the old one stays."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into")
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _refuse_others(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a file of weights")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with open(path, "rb") as file:
        start = file.read(9)  # in a safetensors file: the header's length, and its first brace
    if start[8:] != b"{" and (start[:2] == b"PK" or start[:1] == b"\x80"):
        raise ValueError(
            f"{path} is a pickle, as torch.save writes it, and loading a pickle runs the program "
            "in it. In PyTorch, write the weights with safetensors.torch.save_file("
            "model.state_dict(), ...) instead")
