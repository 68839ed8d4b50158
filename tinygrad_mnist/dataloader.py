"""A DataLoader deals a dataset out in batches, like cards: shuffle, then hand by hand.

The order of pass number e is decided by two numbers, the loader's seed and e, and by nothing
that happened before. So a training that was interrupted in the middle of pass 7 can ask for
pass 7 again, skip the batches it has seen, and go on as if nothing had happened.

Indices are cheap and pictures are not: the loader shuffles indices and asks the dataset for
each batch as a whole, `dataset[indices]`. With `read_ahead` a thread prepares the next
batches while the network is busy with this one; what comes out is the same, unless the dataset
draws random numbers: they would be drawn too early. Random transforms belong into `training.fit`,
which calls them `augment`.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from . import backend
from .tensor import Tensor

Batch = tuple[Tensor, ...]


class DataLoader:
    """A dataset in batches: `for pictures, labels in DataLoader(dataset, 64, shuffle=True):`

    dataset: something with a length that gives a tuple of arrays or Tensors for an array of
        indices, as `MNIST` and `TensorDataset` do.
    batch_size: how many examples in a batch; the last one may have fewer.
    shuffle: a new order at every pass. Otherwise the order of the dataset.
    drop_last: leave out a last batch that is not full.
    seed: what decides the orders, an integer from 0. Left out, it is drawn from the generator
        that `manual_seed` seeds.
    read_ahead: how many batches a background thread prepares in advance. Not for a dataset that
        draws random numbers, if a training with it is to be the same each time.

    epoch: the number of the next pass, from 0. It counts up when a pass starts, and may be
        set: pass number e is the same whenever it is run.

    `len(loader)` is the number of batches. Each batch is a tuple of Tensors.

    Raises TypeError or ValueError, naming the argument, if one of them makes no sense;
    TypeError or ValueError at the first batch if the dataset gives something else than a tuple, or
    not one row for each index. What the dataset raises reaches the caller, at the batch where it
    happened.
    """

    def __init__(self, dataset: Any, batch_size: int = 1, shuffle: bool = False,
                 drop_last: bool = False, seed: int | None = None, read_ahead: int = 0):
        _check_dataset(dataset)
        self.dataset = dataset
        self.batch_size = _whole_number("batch_size", batch_size, at_least=1)
        self.shuffle = shuffle
        self.drop_last = drop_last
        if seed is None:
            seed = int(backend.generator().integers(2**63))
        self.seed = _whole_number("seed", seed, at_least=0)
        self.read_ahead = _whole_number("read_ahead", read_ahead, at_least=0)
        self.epoch = 0

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[Batch]:
        """A new pass. Two at once do not disturb each other."""
        epoch = self.epoch
        self.epoch += 1
        return self.batches(epoch)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of pass number `epoch`, from batch number `start` on.

        The batches before `start` are not prepared, so skipping costs nothing. `self.epoch`
        stays as it is.
        """
        epoch = _whole_number("epoch", epoch, at_least=0)
        start = _whole_number("start", start, at_least=0)
        order, size = self._order(epoch), self.batch_size
        hands = (order[number * size:(number + 1) * size] for number in range(start, len(self)))
        return self._reading_ahead(hands) if self.read_ahead else (self._batch(i) for i in hands)

    def _order(self, epoch: int) -> np.ndarray:
        """The indices of all examples, int64 (N,), in the order of pass number `epoch`."""
        length = len(self.dataset)
        if not self.shuffle:
            return np.arange(length)
        return np.random.default_rng([self.seed, epoch]).permutation(length)

    def _reading_ahead(self, hands: Iterator[np.ndarray]) -> Iterator[Batch]:
        """The same batches in the same order, `read_ahead` of them under way in a thread.

        The thread runs in a copy of the caller's context, so `no_grad` holds there as well.
        It ends with the iteration, however that ends: used up, broken off, or by an error.
        """
        from concurrent.futures import ThreadPoolExecutor

        context = contextvars.copy_context()
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read_ahead")
        under_way: deque = deque()
        try:
            for indices in hands:
                under_way.append(worker.submit(context.run, self._batch, indices))
                if len(under_way) > self.read_ahead:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            worker.shutdown(cancel_futures=True)

    def _batch(self, indices: np.ndarray) -> Batch:
        """The examples at `indices`, as Tensors."""
        try:
            rows = self.dataset[indices]
        except (TypeError, ValueError) as error:
            error.add_note(self._whole_batches())
            raise
        if not isinstance(rows, (tuple, list)):
            raise TypeError("a dataset gives a batch as a tuple of arrays, but this "
                            f"{_type(self.dataset)} gave one {_type(rows)}: wrap arrays in "
                            "TensorDataset")
        batch = tuple(part if isinstance(part, Tensor) else Tensor(part) for part in rows)
        for part in batch:
            if part.shape[:1] != indices.shape:
                raise ValueError(f"for {len(indices)} indices this {_type(self.dataset)} gave a "
                                 f"part of shape {part.shape}. {self._whole_batches()}")
        return batch

    def _whole_batches(self) -> str:
        return ("A DataLoader asks for whole batches, dataset[array of indices]. If this "
                f"{_type(self.dataset)} does not take them, wrap arrays in TensorDataset.")

    def __repr__(self) -> str:
        return (f"DataLoader({len(self.dataset):,} examples in {len(self):,} batches of "
                f"{self.batch_size}{', shuffled' if self.shuffle else ''})")


def _check_dataset(dataset: Any) -> None:
    for needed in ("__len__", "__getitem__"):
        if not hasattr(dataset, needed):
            raise TypeError("a dataset has a length and takes indices, but this "
                            f"{_type(dataset)} has no {needed}: wrap arrays in TensorDataset")
    if isinstance(dataset, (list, tuple, range, str, bytes, dict)):
        raise TypeError("a dataset gives a batch for an array of indices, which a "
                        f"{_type(dataset)} cannot: wrap arrays in TensorDataset")


def _whole_number(name: str, value: Any, at_least: int) -> int:
    """An argument as an int, or the error that names it."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be {at_least} or more, not {value}")
    return int(value)


def _type(value: Any) -> str:
    return type(value).__name__
