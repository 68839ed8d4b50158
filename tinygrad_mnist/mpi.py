"""Many machines, one model: a team of processes that `mpiexec` has started.

    mpiexec -n 4 python -m tinygrad_mnist train

MPI, the Message Passing Interface, is how programs on the machines of a cluster have talked
to each other since 1994. `mpiexec` starts the same program several times, here or on other
machines, and tells each copy its number, its rank. What then happens is what `team.py` tells:
each takes its share of every batch, and the gradients are added up over all. MPI does the
adding: `Allreduce` takes a row of numbers from each rank and leaves their sum with every one.

There is one Allreduce in a step. A message costs time before its first number travels, so all
gradients go in one row, and the loss and the wish to stop travel at its end.

    with mpi.joined() as team:
        training.fit(model, loader, optimizer, team=team)

Two things can go wrong only where there are several machines. The ranks may begin with
different numbers, and then train different networks: `agree` compares. And when one fails, the
others would wait for it for ever: `joined` tells the error, and then ends them all.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shutil
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .backend import Array, array_module, device_of, find_device, live_together, manual_seed, move
from .team import Team, cores, matrix_threads, pack, packed_size, unpack
from .tensor import Tensor

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where launchers tell how many they have started: MPICH and Intel, Open MPI, MVAPICH."""


def is_launched() -> bool:
    """Whether this process was started as one rank of several, as by `mpiexec`.

    That is read from the environment, so MPI need not be installed to ask. For a launcher that
    is not known here, set TINYGRAD_MNIST_MPI.
    """
    return any(name in os.environ for name in (*SIZES, "PMIX_RANK", "TINYGRAD_MNIST_MPI"))


def mpiexec() -> str | None:
    """The program that starts ranks; None where it is missing, or mpi4py is.

    pip puts it beside Python, a system's own package somewhere on the PATH.
    """
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which("mpiexec", path=places) if importlib.util.find_spec("mpi4py") else None


def print_error(error: BaseException, rank: int, size: int) -> None:
    """Tell an error as Python does, and whose it is."""
    told = "".join(traceback.format_exception(error))
    print(f"rank {rank} of {size}: {told}", end="", file=sys.stderr)


@contextlib.contextmanager
def joined(tell: Callable[[BaseException, int, int], object] = print_error) -> Iterator[Team]:
    """Inside the block this process is a member of the team of all ranks.

    Ranks on one machine share its cores for their matrix products. An error that leaves the
    block in one rank ends all of them, with exit code 1.

    tell: how such an error is told. It is given the error, the rank, and how many there are.

    Raises RuntimeError if mpi4py or an MPI library is missing, or is not that of `mpiexec`.
    """
    team = _MPITeam(_library())
    if team.rank:  # what rank 0 has to say in the log is enough
        logging.getLogger(__package__).setLevel(logging.ERROR)
    with matrix_threads(team.cores):
        try:
            yield team
        except BaseException as error:
            if team.size > 1:
                team.end_all(error, tell)
            raise


def _library() -> Any:
    """mpi4py's module MPI; to import it is to start MPI."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no MPI library
        raise RuntimeError("mpiexec has started this program, but MPI cannot be used from Python: "
                           f"{error}. pip install 'tinygrad-mnist[mpi]' brings mpi4py and MPICH"
                           ) from error
    started = max(int(os.environ.get(name, 1)) for name in SIZES)
    if MPI.COMM_WORLD.size < started:
        library = MPI.Get_library_version().split(",")[0].split("\n")[0]
        raise RuntimeError(f"mpiexec has started {started} ranks, but mpi4py sees "
                           f"{MPI.COMM_WORLD.size}: it belongs to another MPI ({library}). Use "
                           "the mpiexec of that one")
    return MPI


def _cores_of_all(here: Any) -> int:
    """How many cores the ranks of one machine have together; a launcher may bind each to some."""
    has_numbers = hasattr(os, "sched_getaffinity")
    mine = os.sched_getaffinity(0) if has_numbers else set(range(cores()))
    return len(set().union(*here.allgather(mine)))


class _MPITeam(Team):
    """The team of all ranks.

    rank_here: its number among the ranks of its machine.
    cores: how many of the cores are its own; 0 where ranks outnumber them.
    """

    def __init__(self, MPI: Any):  # noqa: N803 - as mpi4py calls it
        self._world, self._in_place = MPI.COMM_WORLD, MPI.IN_PLACE
        self.rank, self.size = self._world.rank, self._world.size
        here = self._world.Split_type(MPI.COMM_TYPE_SHARED)
        self.rank_here, cores_here = here.rank, _cores_of_all(here)
        self.cores = cores_here // here.size
        # All ranks must know it alike: MPI does not let one wait by naps and another without.
        self._crowded = any(self._world.allgather(here.size > cores_here))
        self._row: Array = None

    def device(self, name: str) -> str:
        """As `find_device`, but "cuda" and "auto" give each rank of a machine a card of its own.

        With more ranks than cards, several share one.
        """
        device = find_device(name)
        if device == "cpu" or ":" in name:
            return device
        cards = sys.modules["cupy"].cuda.runtime.getDeviceCount()
        return find_device(f"cuda:{self.rank_here % cards}")

    def agree(self, **facts: Any) -> None:
        """Raise ValueError in each rank whose facts are not those of rank 0."""
        mine = np.array([zlib.crc32(repr(fact).encode()) for fact in facts.values()], np.int64)
        theirs = mine.copy()
        self._world.Bcast(theirs)
        differing = [name for name, equal in zip(facts, mine == theirs, strict=True) if not equal]
        if differing:
            raise ValueError(f"the {' and the '.join(differing)} that this rank begins with are "
                             "not those of rank 0: they would train different networks. Give all "
                             "ranks the same seed (manual_seed) and the same files")

    @contextlib.contextmanager
    def member_0_first(self) -> Iterator[None]:
        if self.rank:
            self._world.Barrier()
        yield
        if not self.rank:
            self._world.Barrier()

    def seed(self, *numbers: int) -> None:
        if self.size > 1:
            manual_seed([*numbers, self.rank])

    def exchange(self, parameters: Sequence[Tensor], loss: Any, weight: float, stop: bool
                 ) -> tuple[Any, bool]:
        """As every team does; but here any member may say `stop`: Ctrl-C reaches all of them.

        The gradients lie in memory that the next exchange will use again.
        """
        row = self._row_for(parameters)
        pack(parameters, row[:-2])
        row[-2] = loss
        row *= weight
        row[-1] = stop
        self._add_up(row)
        unpack(parameters, row[:-2])
        return row[-2].copy(), bool(row[-1])

    def _row_for(self, parameters: Sequence[Tensor]) -> Array:
        """A row for all gradients, the loss and the wish to stop; the same as long as it fits."""
        first, length = parameters[0].data, packed_size(parameters) + 2
        row = self._row
        if row is None or (row.size, row.dtype) != (length, first.dtype) \
                or not live_together(row, first):
            self._row = array_module(first).empty(length, first.dtype)
        return self._row

    def _add_up(self, row: Array) -> None:
        """Make the row of every rank the sum of all ranks' rows.

        An MPI that knows CUDA reads a GPU's memory by itself. Whether this one does, no
        library can be trusted to tell, and one that does not would crash. So the user tells,
        by setting TINYGRAD_MNIST_CUDA_AWARE_MPI=1; else the row travels through the host.
        """
        if array_module(row) is np:
            self._allreduce(row)
        elif os.environ.get("TINYGRAD_MNIST_CUDA_AWARE_MPI") == "1":
            sys.modules["cupy"].cuda.get_current_stream().synchronize()  # MPI does not wait for it
            self._allreduce(row)
        else:
            host_row = move(row, "cpu")
            self._allreduce(host_row)
            row[:] = move(host_row, device_of(row))

    def _allreduce(self, row: Array) -> None:
        """MPI waits by asking again and again, which is quick, but keeps a core busy.

        Where the ranks of a machine outnumber its cores, those that wait would keep the others
        from their work (measured, four ranks on two busy cores took three times as long): so
        they take naps.
        """
        if not self._crowded:
            self._world.Allreduce(self._in_place, row)
            return
        request = self._world.Iallreduce(self._in_place, row)
        while not request.Test():
            time.sleep(20e-6)

    def end_all(self, error: BaseException, tell: Callable[[BaseException, int, int], object]
                ) -> None:
        """Tell an error, and end all ranks: they would wait for this one for ever.

        Most errors befall all ranks alike, a wrong file name for example. Then one of them is
        enough to tell it: the others leave rank 0 the time to end them before they speak.
        """
        if self.rank:
            time.sleep(0.5)
        try:
            tell(error, self.rank, self.size)
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(0.1)  # it is mpiexec that prints, and Abort would throw away what it has not
        finally:
            self._world.Abort(1)
            os._exit(1)  # MPICH's Abort comes back while the end is still under way
