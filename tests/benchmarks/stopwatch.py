"""How one turn of work is timed, and how much others have disturbed it.

A contender is a function that works for so many seconds and says when each step was done: a
list of times, the first of them the moment it began. Most contenders are one step, done again
and again; `repeated` makes the function from the step.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

Contender = Callable[[float], list[float]]
AT_ONCE = 20
"""How many steps a GPU is asked for before anybody waits for it."""


def repeated(step: Callable[[], object], wait: Callable[[], object] = lambda: None,
             at_once: int = 1) -> Contender:
    """The contender that does nothing but this step.

    wait: what waits until a step is done, where it is only asked for, as of a GPU. It is called
        after every `at_once` steps, between which that time is divided evenly.
    """
    def work(seconds: float) -> list[float]:
        times = [time.perf_counter()]
        while times[-1] < times[0] + seconds or len(times) < 3:
            before = times[-1]
            for _ in range(at_once):
                step()
            wait()
            took = time.perf_counter() - before
            times += [before + took * number / at_once for number in range(1, at_once + 1)]
        return times

    return work


def timed(work: Contender, seconds: float) -> tuple[float, float]:
    """A turn: milliseconds for a step, and how many cores other programs kept busy meanwhile."""
    everyone, own = _everyones_seconds(), _own_seconds()
    began = time.perf_counter()
    times = work(seconds)
    took = time.perf_counter() - began
    others = (_everyones_seconds() - everyone) - (_own_seconds() - own)
    return milliseconds(times), max(0.0, others / took)


def milliseconds(times: list[float]) -> float:
    """Milliseconds for a step, from when each was done, the first third of the turn left out.

    The first third is where caches fill and threads find their cores. The mean of the rest,
    not the median: what costs time only now and then, as collecting garbage does, belongs to
    the step.
    """
    warm = times[0] + (times[-1] - times[0]) / 3
    kept = [moment for moment in times if moment >= warm]
    kept = kept if len(kept) > 1 else times[-2:]
    return 1e3 * (kept[-1] - kept[0]) / (len(kept) - 1)


def _own_seconds() -> float:
    """Processor time of this process and of the children that it has had."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _everyones_seconds() -> float:
    """Processor time of all programs on this machine; 0 where nothing tells it."""
    facts = Path("/proc/stat")
    if not facts.exists():
        return 0.0
    user, nice, system, _idle, _waiting, interrupts, softly = facts.read_text().split()[1:8]
    return sum(map(int, (user, nice, system, interrupts, softly))) / os.sysconf("SC_CLK_TCK")
