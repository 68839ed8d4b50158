"""Several processes train one model: the result is that of one process, and nothing is left."""

import os
import signal
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tinygrad_mnist import DataLoader, TensorDataset, manual_seed, nn, optim, team, training
from tinygrad_mnist.tensor import Tensor

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

NUMBERS = np.random.default_rng(0)
PICTURES = NUMBERS.random((70, 1, 6, 6), dtype=np.float32)
LABELS = NUMBERS.integers(0, 4, 70)


def trained(workers, dropout=0.0, batch_size=16, **options):
    """A small network after three passes over 70 pictures: batches of 16, and one of 6."""
    manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Dropout(dropout), nn.Linear(48, 4))
    loader = DataLoader(TensorDataset(PICTURES, LABELS), batch_size, shuffle=True, seed=1)
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    history = training.fit(model, loader, optimizer, 3, workers=workers, **options)
    return model, history


def weights(model):
    return np.concatenate([p.data.reshape(-1) for p in model.parameters()])


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.parametrize("batch_size", [16, 7, 2])
def test_several_train_as_one_does_within_rounding(workers, batch_size):
    """A batch of 2 leaves some of 4 members without any picture."""
    alone, history = trained(1, batch_size=batch_size)
    together, shared_history = trained(workers, batch_size=batch_size)
    np.testing.assert_allclose(weights(together), weights(alone), rtol=0, atol=2e-5)
    np.testing.assert_allclose([each.loss for each in shared_history],
                               [each.loss for each in history], rtol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_one_number_of_workers_gives_the_same_bits_each_time(dropout):
    first, second = (weights(trained(2, dropout)[0]) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_fit_takes_a_team_that_has_been_gathered_already():
    """It asks whether all begin alike, once, and exchanges gradients at each step."""
    class Alone(team.Team):
        facts, exchanges = None, 0

        def agree(self, **facts):
            assert self.facts is None
            self.facts = facts

        def exchange(self, parameters, loss, weight, stop):
            assert weight == 1
            self.exchanges += 1
            return loss, stop

    alone = Alone()
    model, _ = trained(1, team=alone)
    assert alone.exchanges == 3 * 5
    assert alone.facts.keys() == {"weights", "batches", "progress"}
    again = Alone()
    trained(1, team=again, batch_size=7)
    assert again.facts["weights"] == alone.facts["weights"]
    assert again.facts["batches"] != alone.facts["batches"]
    assert weights(model).tobytes() == weights(trained(1)[0]).tobytes()


def test_only_member_0_reports():
    told = []
    trained(3, on_epoch=lambda epoch: told.append(os.getpid()))
    assert told == [os.getpid()] * 3


@pytest.mark.parametrize("batches", [1, 5, 7])
def test_all_stop_when_member_0_is_asked_to(batches):
    asked = iter([False] * (batches - 1) + [True] * 100)
    progress = training.Progress()
    trained(2, progress=progress, should_stop=lambda: next(asked))
    assert 5 * progress.epoch + progress.batch == batches


def test_interrupted_and_taken_up_equals_uninterrupted(tmp_path):
    recipe, file = {"workers": 2}, tmp_path / "state"
    whole, _ = trained(2, dropout=0.5)

    def parts():
        manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(48, 4))
        loader = DataLoader(TensorDataset(PICTURES, LABELS), 16, shuffle=True, seed=1)
        return model, loader, optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    model, loader, optimizer = parts()
    asked, progress = iter([False] * 6 + [True]), training.Progress()
    training.fit(model, loader, optimizer, 3, progress=progress, workers=2,
                 should_stop=lambda: next(asked))
    training.save_state(file, model, optimizer, progress, recipe)
    model, loader, optimizer = parts()
    progress = training.load_state(file, model, optimizer, recipe)
    training.fit(model, loader, optimizer, 3, progress=progress, workers=2)
    assert weights(model).tobytes() == weights(whole).tobytes()


def test_an_error_in_a_child_ends_the_training_and_is_shown(capfd):
    parent = os.getpid()

    class Failing(nn.Linear):
        def forward(self, input):
            if os.getpid() != parent:
                raise ValueError("the child cannot go on")
            return super().forward(input)

    model = nn.Sequential(nn.Flatten(), Failing(36, 4))
    loader = DataLoader(TensorDataset(PICTURES, LABELS), 16)
    with pytest.raises(RuntimeError, match="has ended before its time"):
        training.fit(model, loader, optim.SGD(model.parameters(), lr=0.1), 1, workers=2)
    assert "the child cannot go on" in capfd.readouterr().err


def test_an_error_in_member_0_ends_the_children():
    def fail(epoch):
        raise KeyError("no space left, say")

    with pytest.raises(KeyError, match="no space left"):
        trained(3, on_epoch=fail)


@pytest.mark.slow
def test_children_end_when_their_parent_is_killed(tmp_path):
    """No process is left to burn a core for ever."""
    middle = os.fork()
    if middle == 0:
        with team.forked(2, [Tensor(np.zeros(1, np.float32))]) as member:
            if member.rank:
                (tmp_path / "child").write_text(str(os.getpid()))
                member.exchange([Tensor(np.zeros(1, np.float32))], 0.0, 1.0, False)
            time.sleep(60)
    file = tmp_path / "child"
    while not (file.exists() and file.read_text()):
        time.sleep(0.01)
    child = int(file.read_text())
    os.kill(middle, signal.SIGKILL)
    os.waitpid(middle, 0)
    for _ in range(500):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child lives on")


def test_shares_cover_a_batch():
    batch = (Tensor(np.arange(10)), Tensor(np.arange(10, 20)))
    member = team.Team()
    assert member.share(batch)[0] is batch[0]
    member.size = 3
    shares = []
    for member.rank in range(3):
        numbers, others = member.share(batch)
        np.testing.assert_array_equal(numbers.data + 10, others.data)
        shares.append(numbers.data)
    assert [len(share) for share in shares] == [3, 3, 4]
    np.testing.assert_array_equal(np.concatenate(shares), np.arange(10))


def test_matrix_threads_are_a_share_but_never_more_than_were_allowed():
    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(1, user_api="blas"), team.matrix_threads(8):
        assert threads() == {1}
    with threadpool_limits(2, user_api="blas"), team.matrix_threads(0):
        assert threads() == {1}


def test_a_size_that_pays():
    assert team.best_size(64, "cuda:0") == 1
    assert team.best_size(15, "cpu") == 1
    assert 1 <= team.best_size(64, "cpu") <= 4


def test_a_layer_that_is_not_used_stays_as_it_is():
    """Weight decay would shrink it, if it had a gradient of zeros."""
    class HalfUsed(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(36, 4), nn.Linear(5, 5)

        def forward(self, pictures):
            return self.used(pictures.flatten(1))

    for workers in (1, 2):
        manual_seed(0)
        model = HalfUsed()
        before = model.unused.weight.numpy().copy()
        loader = DataLoader(TensorDataset(PICTURES, LABELS), 16)
        optimizer = optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)
        training.fit(model, loader, optimizer, 1, workers=workers)
        np.testing.assert_array_equal(model.unused.weight.numpy(), before)


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="workers must be 1 or more, not 0"):
        trained(0)
