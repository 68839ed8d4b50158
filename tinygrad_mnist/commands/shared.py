"""What the commands share: the data, the ways to speak, and errors told in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import handwriting
from ..datasets import MNIST, TensorDataset
from ..transforms import ToTensor

EXPECTED = (OSError, ValueError, KeyError, RuntimeError, ArithmeticError, MemoryError)
"""What a person can cause; it is told in one line."""


def mnist(train: bool) -> MNIST:
    return MNIST(train=train, transform=ToTensor(), download=True)


def speaker(json_only: bool) -> Callable[[str], None]:
    """Prints for people; with --json they read on stderr, and stdout is for programs."""
    return lambda text: print(text, file=sys.stderr if json_only else sys.stdout, flush=True)


def silent(text: str) -> None:
    """What the ranks other than 0 say."""


def sentence(error: BaseException) -> str:
    """What went wrong, in one line, without the decoration that Python puts around it."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    told = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(told).split()) or type(error).__name__


def fail(reason: object, code: int = 1) -> int:
    print(f"tinygrad-mnist: {reason}", file=sys.stderr)
    return code


def check_can_write(*paths: Any) -> None:
    """Better to hear it before the training than after."""
    for path in filter(None, paths):
        if Path(path).is_dir() or not Path(path).absolute().parent.is_dir():
            raise FileNotFoundError(f"{path} cannot be written: it is a folder, or in none")


def measuring_data(drawn: str | None) -> tuple[Any, str]:
    if drawn is None:
        data = mnist(train=False)
        return data, f"MNIST's {len(data):,} test pictures"
    pictures, labels = handwriting.read_drawings(drawn)
    return TensorDataset(pictures[:, None], labels), f"the {len(labels):,} drawings of {drawn}"
