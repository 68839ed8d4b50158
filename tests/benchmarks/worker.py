"""A worker: a process that prepares a contender and times it when it is told to.

It reads requests, one line of JSON each, and answers each with a line. Between requests it
waits for the next line, and takes no time from anyone. Run by `rounds.Worker` as

    python -m benchmarks.worker pictures.npz
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from .pictures import Pictures
from .stopwatch import Contender, timed


class Workshop:
    """What a worker can be asked for: each method is a request."""

    def __init__(self, pictures: Pictures):
        self.pictures = pictures
        self.contender: Contender | None = None

    def describe(self, library: str) -> dict[str, Any]:
        """What is to be known about a library: version, threads."""
        return _library(library).describe()

    def prepare(self, library: str, task: str, **options: Any) -> bool:
        """Make the contender ready; true when it is."""
        self.contender = getattr(_library(library), task)(self.pictures, **options)
        return True

    def measure(self, seconds: float) -> tuple[float, float]:
        """A turn of the contender, of so many seconds: see `stopwatch.timed`."""
        assert self.contender is not None
        return timed(self.contender, seconds)

    def find_out(self, library: str, what: str, **options: Any) -> Any:
        """What a function in the library's file finds out, once."""
        return getattr(_library(library), what)(self.pictures, **options)

    def memory(self, library: str, steps: list[int]) -> list[float]:
        """The highest memory so far, in MB, after each of these numbers of training steps.

        steps: in growing order; 0 is the library imported and the network made.
        """
        work = _library(library).step(self.pictures)
        done, peaks = 0, []
        for target in steps:
            while done < target:
                done += len(work(0)) - 1
            peaks.append(peak_memory())
        return peaks


def _library(library: str) -> Any:
    return importlib.import_module(f"{__package__}.contenders.{library}")


def peak_memory() -> float:
    """The highest resident memory of this process so far, in MB.

    Linux keeps two: ru_maxrss begins with what the parent process had when it started this
    one, a large pytest for example; VmHWM counts this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        words = status.read_text().split()
        return int(words[words.index("VmHWM:") + 1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    workshop = Workshop(Pictures.load(Path(sys.argv[1])))
    for line in sys.stdin:
        request, arguments, options = json.loads(line)
        try:
            answer = {"answer": getattr(workshop, request)(*arguments, **options)}
        except Exception as error:  # the main process decides whether it can do without
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
