"""The DataLoader: every example once per pass, in an order that two numbers decide."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_mnist import backend
from tinygrad_mnist.dataloader import DataLoader
from tinygrad_mnist.datasets import TensorDataset
from tinygrad_mnist.tensor import Tensor, is_grad_enabled, no_grad

AHEAD = pytest.mark.parametrize("read_ahead", [0, 1, 3, 100])


def numbered(length):
    """A dataset whose examples are their own numbers, and their squares as labels."""
    return TensorDataset(np.arange(length), np.arange(length) ** 2)


def seen(batches):
    """The numbers of the examples that came out, batch by batch."""
    return [batch[0].tolist() for batch in batches]


class Recorder:
    """A dataset that remembers which indices it was asked for."""

    def __init__(self, length):
        self.length = length
        self.asked = []

    def __len__(self):
        return self.length

    def __getitem__(self, indices):
        self.asked.append(indices.tolist())
        return (indices,)


# --- what comes out ----------------------------------------------------------------------


@AHEAD
def test_without_shuffling_the_order_is_the_datasets(read_ahead):
    assert seen(DataLoader(numbered(5), 2, read_ahead=read_ahead)) == [[0, 1], [2, 3], [4]]


@AHEAD
def test_batches_are_tuples_of_tensors(read_ahead):
    (batch,) = DataLoader(numbered(3), 3, read_ahead=read_ahead)
    assert type(batch) is tuple
    numbers, squares = batch
    assert isinstance(numbers, Tensor)
    assert squares.tolist() == [0, 1, 4]
    assert squares.dtype == np.int64


def test_tensors_are_left_as_they_are():
    made = Tensor(np.ones(2))

    class Ones(Recorder):
        def __getitem__(self, indices):
            return [made]

    ((batch,),) = DataLoader(Ones(2), 2)
    assert batch is made


@given(length=st.integers(0, 40), batch_size=st.integers(1, 50), drop_last=st.booleans(),
       shuffle=st.booleans(), read_ahead=st.integers(0, 3), epoch=st.integers(0, 5))
@settings(deadline=None, max_examples=100)
def test_a_pass_is_every_example_once(length, batch_size, drop_last, shuffle, read_ahead, epoch):
    loader = DataLoader(numbered(length), batch_size, shuffle, drop_last, 3, read_ahead)
    batches = seen(loader.batches(epoch))
    assert len(loader) == len(batches)
    order = np.random.default_rng([3, epoch]).permutation(length) if shuffle else range(length)
    kept = length - length % batch_size if drop_last else length
    assert [number for batch in batches for number in batch] == list(order)[:kept]
    full = batches if drop_last else batches[:-1]
    assert all(len(batch) == batch_size for batch in full)


def test_the_dataset_is_asked_for_whole_batches():
    dataset = Recorder(5)
    list(DataLoader(dataset, 2))
    assert dataset.asked == [[0, 1], [2, 3], [4]]


@AHEAD
def test_an_empty_dataset_has_no_batches(read_ahead):
    loader = DataLoader(numbered(0), 4, shuffle=True, read_ahead=read_ahead)
    assert len(loader) == 0
    assert list(loader) == []


def test_it_says_what_it_is():
    assert repr(DataLoader(numbered(1000), 64, shuffle=True)) == (
        "DataLoader(1,000 examples in 16 batches of 64, shuffled)")


# --- passes ------------------------------------------------------------------------------


def test_each_pass_has_its_own_order_and_its_own_number():
    loader = DataLoader(numbered(50), 50, shuffle=True, seed=7)
    (first,), (second,) = seen(loader), seen(loader)
    assert loader.epoch == 2
    assert first == np.random.default_rng([7, 0]).permutation(50).tolist()
    assert second == np.random.default_rng([7, 1]).permutation(50).tolist()


def test_a_pass_counts_from_when_it_starts():
    loader = DataLoader(numbered(4))
    iter(loader)
    assert loader.epoch == 1


def test_a_pass_can_be_run_again():
    loader = DataLoader(numbered(50), 8, shuffle=True, seed=7)
    passes = [seen(loader) for _ in range(3)]
    loader.epoch = 1
    assert seen(loader) == passes[1]
    assert seen(loader.batches(2)) == passes[2]
    assert loader.epoch == 2


@AHEAD
def test_an_interrupted_pass_goes_on_where_it_stopped(read_ahead):
    dataset = Recorder(50)
    loader = DataLoader(dataset, 8, shuffle=True, seed=7, read_ahead=read_ahead)
    whole = seen(loader.batches(4))
    dataset.asked.clear()
    assert seen(loader.batches(4, start=5)) == whole[5:]
    assert dataset.asked == whole[5:]
    assert seen(loader.batches(4, start=7)) == []


def test_two_loaders_with_one_seed_agree_and_with_others_do_not():
    one, same, other = (seen(DataLoader(numbered(50), 8, shuffle=True, seed=seed))
                        for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_without_a_seed_manual_seed_decides(monkeypatch):
    monkeypatch.setattr(backend, "_generator", backend.generator())  # put back afterwards

    def orders(seed):
        backend.manual_seed(seed)
        return [seen(DataLoader(numbered(50), 50, shuffle=True)) for _ in range(2)]

    assert orders(1) == orders(1)
    assert orders(1) != orders(2)
    first, second = orders(1)
    assert first != second


def test_shuffling_leaves_other_random_numbers_alone():
    loader = DataLoader(numbered(50), 8, shuffle=True)
    before = backend.generator().bit_generator.state
    list(loader)
    assert backend.generator().bit_generator.state == before


@AHEAD
def test_two_iterations_at_once_do_not_disturb_each_other(read_ahead):
    loader = DataLoader(numbered(50), 8, shuffle=True, seed=7, read_ahead=read_ahead)
    alone = [seen(loader.batches(0)), seen(loader.batches(1))]
    together = list(zip(loader, loader, strict=True))
    assert seen(pair[0] for pair in together) == alone[0]
    assert seen(pair[1] for pair in together) == alone[1]


# --- reading ahead -----------------------------------------------------------------------


def test_the_next_batches_are_prepared_meanwhile():
    prepared = threading.Semaphore(0)

    class Counted(Recorder):
        def __getitem__(self, indices):
            rows = super().__getitem__(indices)
            prepared.release()
            return rows

    dataset = Counted(10)
    batches = DataLoader(dataset, 1, read_ahead=2).batches(0)
    next(batches)
    assert all(prepared.acquire(timeout=30) for _ in range(3))
    assert dataset.asked == [[0], [1], [2]]  # the one that was asked for, and two ahead of it
    batches.close()


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("read_ahead")}


def test_no_thread_is_left_behind():
    loader = DataLoader(numbered(20), 1, read_ahead=3)
    for _ in loader:
        assert len(threads()) == 1
        break
    assert threads() == set()
    list(loader)
    assert threads() == set()


def test_what_was_not_begun_is_cancelled(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    shutdown = ThreadPoolExecutor.shutdown

    def shutdown_then_go_on(self, wait=True, *, cancel_futures=False):
        shutdown(self, wait=False, cancel_futures=cancel_futures)
        go_on.set()
        shutdown(self, wait=wait)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown_then_go_on)

    class Slow(Recorder):
        def __getitem__(self, indices):
            rows = super().__getitem__(indices)
            if len(self.asked) == 2:
                begun.set()
                go_on.wait(30)
            return rows

    dataset = Slow(20)
    batches = DataLoader(dataset, 1, read_ahead=10).batches(0)
    next(batches)
    assert begun.wait(30)
    batches.close()
    assert len(dataset.asked) == 2


@AHEAD
def test_an_error_in_the_dataset_arrives_at_its_batch(read_ahead):
    class Broken(Recorder):
        def __getitem__(self, indices):
            if 4 in indices:
                raise OSError("the disk is gone")
            return super().__getitem__(indices)

    batches = iter(DataLoader(Broken(10), 2, read_ahead=read_ahead))
    assert seen([next(batches), next(batches)]) == [[0, 1], [2, 3]]
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)
    assert next(batches, "the end") == "the end"
    assert threads() == set()


@AHEAD
def test_no_grad_holds_in_the_thread_too(read_ahead):
    class Asks(Recorder):
        def __getitem__(self, indices):
            return (np.array([is_grad_enabled()]),)

    loader = DataLoader(Asks(3), 1, read_ahead=read_ahead)
    assert seen(loader) == [[True]] * 3
    with no_grad():
        assert seen(loader) == [[False]] * 3


# --- what it refuses ---------------------------------------------------------------------


@pytest.mark.parametrize(("argument", "value", "error", "reason"), [
    ("batch_size", 0, ValueError, "batch_size must be 1 or more, not 0"),
    ("batch_size", 2.0, TypeError, "batch_size must be an integer, not 2.0"),
    ("batch_size", True, TypeError, "batch_size must be an integer, not True"),
    ("batch_size", None, TypeError, "batch_size must be an integer, not None"),
    ("seed", -1, ValueError, "seed must be 0 or more, not -1"),
    ("seed", "7", TypeError, "seed must be an integer, not '7'"),
    ("read_ahead", -1, ValueError, "read_ahead must be 0 or more, not -1"),
    ("read_ahead", 0.5, TypeError, "read_ahead must be an integer, not 0.5"),
])
def test_arguments_that_make_no_sense_are_named(argument, value, error, reason):
    with pytest.raises(error, match=reason):
        DataLoader(numbered(3), **{argument: value})


@pytest.mark.parametrize(("arguments", "reason"), [
    ({"epoch": -1}, "epoch must be 0 or more"), ({"epoch": 0, "start": -1}, "start must be 0")])
def test_passes_that_make_no_sense_are_named(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        DataLoader(numbered(3)).batches(**arguments)


def test_integers_of_numpy_are_integers():
    assert seen(DataLoader(numbered(3), np.int64(2), seed=np.uint8(1))) == [[0, 1], [2]]


@pytest.mark.parametrize(("dataset", "reason"), [
    (7, "this int has no __len__: wrap arrays in TensorDataset"),
    (iter([1]), "this list_iterator has no __len__"),
    ({1, 2}, "this set has no __getitem__"),
    ([(1, 2), (3, 4)], "for an array of indices, which a list cannot: wrap arrays in"),
    ({0: 1}, "for an array of indices, which a dict cannot: wrap arrays in"),
])
def test_a_dataset_has_a_length_and_takes_indices(dataset, reason):
    with pytest.raises(TypeError, match=reason):
        DataLoader(dataset)


@AHEAD
@pytest.mark.parametrize(("dataset", "reason"), [
    (np.zeros((4, 2)), r"a tuple of arrays, but this ndarray gave one ndarray: wrap arrays in"),
    (Tensor(np.zeros(4)), r"a tuple of arrays, but this Tensor gave one Tensor: wrap arrays in"),
])
def test_a_dataset_gives_a_tuple(dataset, reason, read_ahead):
    with pytest.raises(TypeError, match=reason):
        next(iter(DataLoader(dataset, read_ahead=read_ahead)))


@AHEAD
@pytest.mark.parametrize("rows", [
    lambda indices: (indices, indices.mean()),  # as for one index: all of a batch in one number
    lambda indices: (indices, indices[1:]),
    lambda indices: (indices[None], indices),
])
def test_a_dataset_gives_a_row_for_each_index(rows, read_ahead):
    class Other(Recorder):
        def __getitem__(self, indices):
            return rows(indices)

    with pytest.raises(ValueError, match=r"3 indices this Other gave a part of shape .*\. A Data"):
        next(iter(DataLoader(Other(6), 3, read_ahead=read_ahead)))


def test_a_dataset_that_asks_whether_an_index_is_too_large_is_explained():
    class OneByOne(Recorder):
        def __getitem__(self, index):
            return (index,) if index < 3 else ()

    with pytest.raises(ValueError, match="ambiguous") as caught:
        next(iter(DataLoader(OneByOne(3), 2)))
    assert "dataset[array of indices]" in caught.value.__notes__[0]


@AHEAD
def test_a_dataset_that_takes_single_numbers_only_is_explained(read_ahead):
    class OneByOne(Recorder):
        def __getitem__(self, index):
            return (["a", "b", "c"][index],)

    with pytest.raises(TypeError, match="only integer scalar arrays") as caught:
        next(iter(DataLoader(OneByOne(3), read_ahead=read_ahead)))
    assert caught.value.__notes__ == [
        "A DataLoader asks for whole batches, dataset[array of indices]. If this OneByOne does not "
        "take them, wrap arrays in TensorDataset."]
