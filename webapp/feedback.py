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
        self._last: tuple[list, int, int] = ([], 0, 0)  # the newest strokes, and their line's place
        with open(file, "ab"):
            pass  # better to hear it when the server starts than with the first drawing

    def add(self, strokes: Sequence[np.ndarray], label: int) -> None:
        """Write one drawing down; refused once the file is full.

        The same strokes once more, before any others, are somebody who has pressed the wrong digit:
        then the new label takes the place of the old one.
        """
        drawn = [line.tolist() for line in strokes]
        line = (json.dumps({"label": label, "strokes": drawn}) + "\n").encode()
        with self._one_at_a_time, open(self.file, "ab") as file:
            before, start, end = self._last
            if drawn != before or file.tell() != end:
                start = file.tell()
            if start + len(line) > self.most:
                raise Refusal("feedback.full", "enough drawings have been collected: this one is "
                              "not kept, but thank you", 403)
            file.truncate(start)
            file.write(line)
            self._last = drawn, start, file.tell()
