"""A team: several processes that train one model together.

All of them run the same loop on the same batches in the same order. Of each batch a member
takes its share, and computes the gradients for it; then the members exchange gradients, and
each makes the same step with the sum of all. So their models stay equal, bit for bit, without
ever being sent. (That is data parallelism; Li et al., "PyTorch Distributed", 2020,
arXiv:2006.15704, tell the same story for many machines.)

Why processes, and not threads? Python lets only one thread at a time run Python, and our
operations are short: two threads would spend their time handing that right to each other.

`Team` is the interface, and a team of one. `forked` makes copies of this process, one for
each core; they exchange gradients through memory that they share. For many machines there is
`mpi.py`.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .backend import Array, array_module, find_device, manual_seed, move
from .tensor import Tensor, float64


class Team:
    """A member's view of its team; this one is alone.

    rank: the member's number; 0 is the one that reports and saves. size: how many there are.
    """

    rank = 0
    size = 1

    def device(self, name: str) -> str:
        """The device that a user's word means to this member (see `backend.find_device`)."""
        return find_device(name)

    def agree(self, **facts: Any) -> None:
        """Before the first step: make sure that all members begin alike.

        facts: what must be equal, under names that an error can tell. Nothing is asked where
        the members are copies of one process.
        """

    @contextlib.contextmanager
    def member_0_first(self) -> Iterator[None]:
        """Do the block only when member 0 has done it: what it downloads, the others find."""
        yield

    def share(self, batch: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """This member's part of a batch: the rows from rank/size to (rank + 1)/size of it."""
        count = len(batch[0])
        rows = slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)
        return tuple(batch) if self.size == 1 else tuple(part[rows] for part in batch)

    def seed(self, *numbers: int) -> None:
        """Before a step that these numbers name: draw other random numbers than the others do."""

    def exchange(self, parameters: Sequence[Tensor], loss: Any, weight: float, stop: bool
                 ) -> tuple[Any, bool]:
        """Make the members' gradients one: each becomes the weighted sum of all members'.

        weight: this member's share of the batch. Returns the loss, likewise summed, and
        whether member 0 has said `stop`.
        """
        return loss, stop


class _ForkedTeam(Team):
    """A team of processes on one machine.

    Gradients meet in shared memory, a row for each member, in two halves used in turn: while
    one is still being read, the next step is written into the other. A member tells each of
    the others that its row is written, and waits until all of theirs are.
    """

    def __init__(self, size: int, parameters: Sequence[Tensor]):
        import multiprocessing

        fork = multiprocessing.get_context("fork")
        self.size = size
        self._gradients = _shared((2, size, packed_size(parameters)), parameters[0].dtype)
        self._told = _shared((2, size, 2), float64)  # loss; member 0: whether to stop
        self._written = {(a, b): fork.Semaphore(0) for a in range(size) for b in range(size)}
        self._step = 0
        self.children: list[int] = []

    def seed(self, *numbers: int) -> None:
        manual_seed([*numbers, self.rank])

    def exchange(self, parameters: Sequence[Tensor], loss: Any, weight: float, stop: bool
                 ) -> tuple[Any, bool]:
        half = self._step % 2
        self._step += 1
        row = self._gradients[half, self.rank]
        pack(parameters, row)
        row *= weight
        self._told[half, self.rank] = float(loss) * weight, stop

        self._wait_for_all()
        unpack(parameters, self._gradients[half].sum(axis=0))
        losses, stops = self._told[half].T
        return losses.sum(), bool(stops[0])

    def _wait_for_all(self) -> None:
        others = [member for member in range(self.size) if member != self.rank]
        for other in others:
            self._written[self.rank, other].release()
        for other in others:
            written = self._written[other, self.rank]
            # To be woken takes longer than the others usually need, so look again and again;
            # only if they are long away (member 0 is measuring, say), sleep.
            if not any(written.acquire(block=False) for _ in range(5000)):
                while not written.acquire(timeout=0.5):
                    self._check_alive()

    def _check_alive(self) -> None:
        """Raise in the parent if a child has ended; end a child whose parent has."""
        if self.rank:
            if os.getppid() != self._parent:
                os._exit(1)
        elif any(os.waitpid(child, os.WNOHANG)[0] for child in self.children):
            raise RuntimeError("a process of the training team has ended before its time")

    def start(self) -> None:
        """Become `size` processes. Each goes on from here with its own rank."""
        import signal

        self._parent = os.getpid()
        for rank in range(1, self.size):
            with warnings.catch_warnings():
                # Python warns of other threads, which here are OpenBLAS's; it expects a fork.
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                self.rank, self.children = rank, []
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for member 0 to obey
                return
            self.children.append(child)

    def end(self) -> None:
        """End the children, wherever they are."""
        import signal

        for child in self.children:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


@contextlib.contextmanager
def forked(size: int, parameters: Sequence[Tensor]) -> Iterator[Team]:
    """Inside the block, `size` processes run instead of one; after it, one again.

    Each has its share of the cores for matrix products. Where there is no fork (Windows), or
    for a size of 1, the team is a team of one.
    """
    if size == 1 or not hasattr(os, "fork"):
        yield Team()
        return
    team = _ForkedTeam(size, parameters)
    with matrix_threads(cores() // size):
        try:
            team.start()
            yield team
        except BaseException:
            if team.rank:
                sys.excepthook(*sys.exc_info())
            raise
        finally:
            if team.rank:  # a child has done its part: it must not go on with the program
                sys.stderr.flush()
                os._exit(0)
            team.end()


@contextlib.contextmanager
def matrix_threads(share: int) -> Iterator[None]:
    """Inside the block, matrix products use so many threads; fewer, if fewer were allowed."""
    from threadpoolctl import threadpool_info, threadpool_limits

    allowed = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    with threadpool_limits(max(1, min([share, *allowed])), user_api="blas"):
        yield


def packed_size(parameters: Sequence[Tensor]) -> int:
    """How long a row `pack` writes: all gradients, and a number for each parameter."""
    return sum(parameter.numel() for parameter in parameters) + len(parameters)


def pack(parameters: Sequence[Tensor], row: Array) -> None:
    """Write all gradients into one row of numbers, one after the other.

    A parameter without a gradient has zeros. At the end of the row there is a 1 for each that
    has one, a 0 for each that has none.
    """
    place = 0
    for parameter in parameters:
        end = place + parameter.numel()
        row[place:end] = 0 if parameter.grad is None else parameter.grad.data.reshape(-1)
        place = end
    row[place:] = array_module(row).asarray([each.grad is not None for each in parameters])


def unpack(parameters: Sequence[Tensor], row: Array) -> None:
    """Make a sum of rows the parameters' gradients; they are views of `row`.

    Who has no gradient in any member (a layer that is not used) has none after it, either: to an
    optimiser that is not the same as zero.
    """
    place, reached = 0, move(row[-len(parameters):], "cpu") != 0
    for parameter, has_gradient in zip(parameters, reached, strict=True):
        end = place + parameter.numel()
        parameter.grad = Tensor(row[place:end].reshape(parameter.shape)) if has_gradient else None
        place = end


def best_size(batch_size: int, device: str) -> int:
    """How many processes pay for batches of this size: one a core, with 16 pictures or more."""
    if device != "cpu" or not hasattr(os, "fork"):
        return 1
    return max(1, min(cores(), batch_size // 16))


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of zeros that stays common to all processes forked from this one."""
    import mmap

    memory = mmap.mmap(-1, max(1, math.prod(shape)) * dtype.itemsize)
    return np.frombuffer(memory, dtype, math.prod(shape)).reshape(shape)
