"""What the commands share: the data, the ways to speak, and errors told in one line."""

from __future__ import annotations

import sys
import tempfile
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


def check_can_write(*files: Any, picture: Any = None) -> None:
    """Better to hear it before the training than after; None for what is not to be written.

    picture: a file that Matplotlib will write, whose ending says in which format.
    """
    asked = [Path(path) for path in (*files, picture) if path]
    for path in asked:
        folder = path.absolute().parent
        if path.is_dir() or not folder.is_dir():
            raise FileNotFoundError(f"{path} cannot be written: it is a folder, or in none")
        if asked.count(path) > 1:
            raise ValueError(f"{path} cannot be two files at once: name another for one of them")
        if path.exists() and not path.is_file():  # /dev/null
            continue
        try:  # most files are written beside their place, and moved there when they are whole
            with tempfile.TemporaryFile(dir=folder):
                if path.exists():
                    open(path, "ab").close()
        except OSError as error:
            raise PermissionError(f"{path} cannot be written: {error.strerror}") from error
    if picture:
        from matplotlib.backend_bases import FigureCanvasBase

        known = FigureCanvasBase.get_supported_filetypes()
        if Path(picture).suffix[1:].lower() not in known:
            raise ValueError(f"{picture} is no name of a picture: it ends in .png, .svg or .pdf")


def a_digit(digit: int) -> str:
    """"a 7", "an 8"."""
    return f"an {digit}" if digit == 8 else f"a {digit}"


def counted(number: int, what: str) -> str:
    """"1 epoch", "2,000 epochs"."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def measuring_data(drawn: str | None) -> tuple[Any, str]:
    if drawn is None:
        data = mnist(train=False)
        return data, f"MNIST's {len(data):,} test pictures"
    pictures, labels = handwriting.read_drawings(drawn)
    name = f"the {counted(len(labels), 'drawing')} of {drawn}"
    return TensorDataset(pictures[:, None], labels), name
