"""What MPI brings: a training step in ranks, beside the same step in one process.

    PYTHONPATH=tests python -m benchmarks.ranks [RANKS] [ROUNDS]

The talk's network learns MNIST as the program's `train` lets it, in batches of 64. Contenders
take turns of a second and a half, each in processes that start anew, so that nobody waits while
others work: a rank that waits keeps a core busy. What counts is the median of the rounds' ratios.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from statistics import median

from tinygrad_mnist import (
    DataLoader,
    datasets,
    manual_seed,
    models,
    mpi,
    optim,
    training,
    transforms,
)
from tinygrad_mnist.team import cores

from .comparison import compare
from .rounds import PYTHON_PATH, Patience
from .stopwatch import Contender, timed

SECONDS = 1.5
ONE, ONE_THREAD, FORKED = "one process", "one process, one thread", "forked workers"
TARGET = 0.80


def main(ranks: int = 2, rounds: int = 9) -> None:
    """Take turns, and print what came of them."""
    here = [sys.executable, "-m", f"{__package__}.ranks"]
    name = f"{ranks} ranks"
    mpiexec = mpi.mpiexec()
    if mpiexec is None:
        raise FileNotFoundError("there is no mpiexec, or no mpi4py: pip install mpi4py mpich")
    contenders = {ONE: _turn([*here, "turn", "1"]),
                  ONE_THREAD: _turn([*here, "turn", "1"], OPENBLAS_NUM_THREADS="1"),
                  FORKED: _turn([*here, "turn", str(ranks)]),
                  name: _turn([mpiexec, "-n", str(ranks), *here, "turn", "1"])}
    print(f"{cores()} cores, load {os.getloadavg()[0]:.1f}; rounds of {SECONDS} s each")
    patience, times = Patience(seconds=60), {each: [] for each in contenders}
    while patience.rounds < rounds:
        began = time.perf_counter()
        turns = {each: timed(contender, SECONDS) for each, contender in contenders.items()}
        others = max(others for _, others in turns.values())
        if patience.accepts(others, time.perf_counter() - began):
            for each, (milliseconds, _) in turns.items():
                times[each].append(milliseconds)
            print("  ".join(f"{each} {found[-1]:.2f} ms" for each, found in times.items()),
                  f" (others kept {others:.1f} cores busy)", flush=True)
    for ours, theirs in itertools.product((name, FORKED), (ONE, ONE_THREAD)):
        for compared in compare("training step", times, ours, theirs, TARGET):
            low, high = compared.middle_half
            print(f"{ours} {median(compared.ours):.2f} ms, {theirs} {median(compared.theirs):.2f} "
                  f"ms: ratio {compared.ratio:.2f} (middle half {low:.2f} to {high:.2f})")
    print(f"{patience.disturbed} of {rounds} rounds were disturbed by other programs, "
          f"{patience.repeated} more were repeated")


def _turn(command: list[str], **settings: str) -> Contender:
    """A contender that works in processes of its own, with these settings of the environment."""
    def work(seconds: float) -> list[float]:
        done = subprocess.run([*command, str(seconds)], check=True, capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": PYTHON_PATH} | settings)
        return json.loads(done.stdout)

    return work


def turn(workers: int, seconds: float) -> None:
    """Train for so many seconds; rank 0 prints when each step was done."""
    data = datasets.MNIST(train=True, transform=transforms.ToTensor())
    manual_seed(0)
    model = models.create("seed")
    loader = DataLoader(data, 64, shuffle=True, drop_last=True, seed=0)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    times: list[float] = []

    def should_stop() -> bool:  # fit asks it at every step
        times.append(time.perf_counter())
        return times[-1] >= times[0] + seconds and len(times) >= 4

    with mpi.joined() if mpi.is_launched() else nullcontext(None) as team:
        training.fit(model, loader, optimizer, epochs=100, should_stop=should_stop,
                     workers=workers, team=team)
    if team is None or team.rank == 0:
        print(json.dumps(times))


if __name__ == "__main__":
    if sys.argv[1:2] == ["turn"]:
        turn(int(sys.argv[2]), float(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
