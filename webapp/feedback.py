"""Drawings that people give away, so that others can measure on them.

Only on a server that was started with `--collect FILE`, and only when the person presses the
button that says so. A line holds the strokes and the digit, nothing about the person: no
address, no time, no browser. `python -m tinygrad_mnist evaluate MODEL --drawn FILE` reads it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import Refusal


class Collection:
    """A file of drawings, a JSON line each, that never grows beyond `most` bytes.

    Raises OSError, when it is made, if the file cannot be written.
    """

    def __init__(self, file: Path, most: int):
        self.file, self.most = file, most
        self._one_at_a_time = threading.Lock()
        with open(file, "ab"):
            pass  # better to hear it when the server starts than with the first drawing

    def add(self, strokes: Sequence[np.ndarray], label: int) -> None:
        """Write one drawing down; refused once the file is full."""
        drawing = {"label": label, "strokes": [line.tolist() for line in strokes]}
        line = (json.dumps(drawing) + "\n").encode()
        with self._one_at_a_time, open(self.file, "ab") as file:
            if file.tell() + len(line) > self.most:
                raise Refusal("feedback.full", "enough drawings have been collected: this one is "
                              "not kept, but thank you", 403)
            file.write(line)
