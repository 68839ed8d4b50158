"""Workers from the outside, and the rounds in which they take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

TESTS = Path(__file__).parents[1]
PYTHON_PATH = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])

Name = TypeVar("Name")
TOLERATED = 0.35
"""How many cores others may keep busy. The clocks that tell it disagree by up to 0.25 of a core
when nobody else is there; a program that does work takes at least half of one."""


class CannotMeasureError(RuntimeError):
    """A worker could not do what it was asked: a library is missing, or has failed."""


class Worker:
    """A process of its own in which a contender is prepared and timed (see `worker.py`)."""

    def __init__(self, pictures: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", str(pictures)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": PYTHON_PATH},
            start_new_session=True)  # Ctrl-C reaches the main process alone, and it tidies up

    def ask(self, request: str, *arguments: Any, **options: Any) -> Any:
        """What the worker answers to a request, which is a method of `worker.Workshop`."""
        self.send(request, *arguments, **options)
        return self.receive()

    def send(self, request: str, *arguments: Any, **options: Any) -> None:
        """Make a request, and do not wait for the answer."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # then there will be no answer either
            print(json.dumps([request, arguments, options]), file=self.process.stdin, flush=True)

    def receive(self) -> Any:
        """The answer to the request that was sent."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise CannotMeasureError("the process that was to measure it has ended")
        told = json.loads(line)
        if "error" in told:
            raise CannotMeasureError(told["error"])
        return told["answer"]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Without requests it ends by itself; a step that takes too long is not waited for."""
        try:
            self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@dataclass
class Patience:
    """What is done about other programs that work at the same time.

    They do not slow everyone alike: whoever waits at every step for the slowest of its threads
    loses far more than whoever has only one. So a disturbed round is made again, a little
    later, until so many seconds are lost; from then on it counts like any other.
    """

    seconds: float
    rounds: int = 0      # that count
    disturbed: int = 0   # those of them that were disturbed
    repeated: int = 0    # those that do not count

    def accepts(self, others: float, took: float) -> bool:
        """Whether a round counts: others kept so many cores busy, and it took so many seconds."""
        disturbed = others > TOLERATED
        if disturbed and self.seconds > 0:
            time.sleep(1)
            self.seconds -= took + 1
            self.repeated += 1
            return False
        self.rounds += 1
        self.disturbed += disturbed
        return True


def take_turns(workers: Mapping[Name, Worker], rounds: int, seconds: float, patience: Patience
               ) -> dict[Name, list[float]]:
    """Milliseconds for a step of each contender, in each round, after a round that is not counted.

    Another one begins in every round, so that nobody always works after the same one.
    """
    names = list(workers)
    times: dict[Name, list[float]] = {name: [] for name in names}
    for number in range(-1, rounds) if names else ():
        first = number % len(names)
        order = {name: workers[name] for name in names[first:] + names[:first]}
        turns, others, took = _round(order, seconds)
        while number >= 0 and not patience.accepts(others, took):
            turns, others, took = _round(order, seconds)
        for name in names if number >= 0 else ():
            times[name].append(turns[name])
    return times


def _round(workers: Mapping[Name, Worker], seconds: float
           ) -> tuple[dict[Name, float], float, float]:
    """Each one's milliseconds; how many cores others kept busy at worst; how long it all took."""
    began = time.perf_counter()
    turns = {name: worker.ask("measure", seconds) for name, worker in workers.items()}
    return ({name: milliseconds for name, (milliseconds, _) in turns.items()},
            max(others for _, others in turns.values()), time.perf_counter() - began)
