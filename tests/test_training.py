"""The training loop: it learns, it measures, and it can be interrupted at any batch."""

import dataclasses
import gc
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tinygrad_mnist import (
    DataLoader,
    TensorDataset,
    backend,
    checkpoint,
    datasets,
    manual_seed,
    models,
    nn,
    optim,
    training,
    transforms,
)
from tinygrad_mnist.tensor import Tensor, is_grad_enabled

RECIPE = {"model": "mlp", "lr": 0.1}


@pytest.fixture(scope="module")
def digits():
    """The first 1,000 training pictures, and the first 500 of the test set."""
    return tuple(
        TensorDataset(*datasets.MNIST(train=train, transform=transforms.ToTensor())[:count])
        for train, count in [(True, 1000), (False, 500)])


class Setting:
    """A small training with everything that has a state: momentum, dropout, shuffles, a cycle."""

    def __init__(self, data, optimizer=lambda p: optim.SGD(p, lr=0.1, momentum=0.9), cycle=True):
        manual_seed(0)
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.2),
                                   nn.Linear(32, 10))
        self.optimizer = optimizer(self.model.parameters())
        self.loader = DataLoader(data, 64, shuffle=True, seed=1)
        self.scheduler = cycle and optim.lr_scheduler.OneCycleLR(self.optimizer, 0.1, 48)

    def fit(self, epochs=3, **options):
        return training.fit(self.model, self.loader, self.optimizer, epochs,
                            scheduler=self.scheduler or None, **options)

    def weights(self):
        return {name: value.data.tobytes() for name, value in self.model.state_dict().items()}


def after(batches):
    """A should_stop that says yes after so many batches."""
    seen = iter(range(1, batches))
    return lambda: next(seen, None) is None


def test_only_one_process_of_a_team_makes_bars(digits, monkeypatch, tmp_path):
    import tqdm

    class Noted(tqdm.tqdm):
        def __new__(cls, *arguments, **options):
            (tmp_path / str(os.getpid())).touch()  # a file: the other process cannot tell otherwise
            return super().__new__(cls, *arguments, **options)

    monkeypatch.setattr(tqdm, "tqdm", Noted)
    Setting(digits[0]).fit(epochs=2, workers=2)  # the second epoch begins when all had a first one
    assert [each.name for each in tmp_path.iterdir()] == [str(os.getpid())]


def test_it_learns_and_reports_each_epoch(digits):
    train, test = digits
    told = []
    history = Setting(train).fit(test=test, on_epoch=told.append)
    assert [each.epoch for each in history] == [1, 2, 3]
    assert history == told
    assert history[0].loss > history[1].loss > history[2].loss
    assert history[-1].test_accuracy > 0.7
    assert all(each.seconds > 0 for each in history)


def test_the_reported_loss_is_the_mean_over_the_batches(digits):
    setting = Setting(digits[0], lambda p: optim.SGD(p, lr=0), cycle=False)
    (epoch,) = setting.fit(epochs=1)
    Setting(digits[0])  # seeds again, so that dropout draws what it drew
    batches = setting.loader.batches(0)
    losses = [nn.CrossEntropyLoss()(setting.model(x), y).item() for x, y in batches]
    assert epoch.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert epoch.test_accuracy is None


@pytest.mark.parametrize("optimizer", [
    lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    lambda p: optim.Adam(p, lr=0.01),
], ids=["SGD", "Adam"])
@pytest.mark.parametrize("batches", [1, 7, 16, 17, 40])
def test_interrupted_and_taken_up_equals_uninterrupted(digits, tmp_path, optimizer, batches):
    whole = Setting(digits[0], optimizer)
    whole.fit()

    first, progress = Setting(digits[0], optimizer), training.Progress()
    first.fit(progress=progress, should_stop=after(batches))
    assert (progress.epoch, progress.batch) == divmod(batches, 16)
    file = tmp_path / "state"
    training.save_state(file, first.model, first.optimizer, progress, RECIPE, first.scheduler)

    second = Setting(digits[0], optimizer)
    progress = training.load_state(file, second.model, second.optimizer, RECIPE, second.scheduler)
    history = second.fit(progress=progress)
    assert second.weights() == whole.weights()
    assert len(history) == 3


@pytest.mark.parametrize(("batches", "workers"), [(1, 1), (16, 1), (17, 1), (17, 2)])
def test_a_training_on_augmented_pictures_is_taken_up_as_well(digits, tmp_path, batches, workers):
    options = {"epochs": 2, "augment": transforms.RandomAffine(10, 2), "workers": workers}
    whole = Setting(digits[0])
    whole.fit(**options)

    first, progress = Setting(digits[0]), training.Progress()
    first.fit(progress=progress, should_stop=after(batches), **options)
    training.save_state(tmp_path / "state", first.model, first.optimizer, progress, RECIPE,
                        first.scheduler)
    second = Setting(digits[0])
    progress = training.load_state(tmp_path / "state", second.model, second.optimizer, RECIPE,
                                   second.scheduler)
    second.fit(progress=progress, **options)
    assert second.weights() == whole.weights()


def test_augment_makes_what_the_network_sees_and_nothing_else(digits):
    """Each batch once; the labels stay theirs; accuracy is measured on pictures as they are."""
    seen = []

    def darkened(pictures):
        seen.append(pictures.numpy().copy())
        return pictures * 0

    setting = Setting(digits[0], lambda p: optim.SGD(p, lr=0), cycle=False)
    (epoch,) = setting.fit(epochs=1, augment=darkened, test=digits[1])
    given = [pictures.numpy() for pictures, _ in setting.loader.batches(0)]
    assert all(np.array_equal(*pair) for pair in zip(seen, given, strict=True))
    assert epoch.test_accuracy == training.evaluate(setting.model, digits[1]).accuracy

    manual_seed(0)
    logits = setting.model.eval()(Tensor(np.zeros((1, 1, 28, 28), np.float32))).numpy()[0]
    blind = np.log(np.exp(logits).sum()) - logits  # the loss of each label, the picture unseen
    labels = digits[0][:][1]
    assert epoch.loss == pytest.approx(blind[np.asarray(labels)].mean(), rel=0.05)


def test_each_member_of_a_team_augments_its_own_share_by_numbers_of_its_own(digits):
    """Were all members' numbers alike, picture n and picture 32 + n would be turned alike."""
    shares = []

    def noted(pictures):
        shares.append((len(pictures), backend.generator().random()))
        return pictures

    setting = Setting(digits[0])
    setting.fit(epochs=1, augment=noted, workers=2)
    assert {count for count, _ in shares} == {32, 20}  # this process is member 0: half of each
    assert len(set(shares)) == 16
    manual_seed([1, 0, 0, 1])  # what member 1 draws at its first step
    assert backend.generator().random() != shares[0][1]


def test_a_state_of_another_recipe_is_refused(digits, tmp_path):
    setting = Setting(digits[0])
    training.save_state(tmp_path / "state", setting.model, setting.optimizer, training.Progress(),
                        RECIPE)
    before = setting.weights()
    with pytest.raises(ValueError, match=r"another training: lr was 0\.1, now 0\.2"):
        training.load_state(tmp_path / "state", setting.model, setting.optimizer,
                            RECIPE | {"lr": 0.2})
    assert setting.weights() == before


def test_a_layer_alone_and_a_recipe_with_tuples_are_taken_up(tmp_path):
    recipe = {"options": {"betas": (0.9, 0.99)}}
    layer = nn.Linear(3, 2)
    optimizer = optim.Adam(layer.parameters())
    layer(Tensor(np.ones((1, 3), np.float32))).sum().backward()
    optimizer.step()
    training.save_state(tmp_path / "s", layer, optimizer, training.Progress(), recipe)
    other = nn.Linear(3, 2)
    again = optim.Adam(other.parameters())
    training.load_state(tmp_path / "s", other, again, recipe)
    assert np.array_equal(other.weight.data, layer.weight.data)
    for mine, theirs in zip(again.state.values(), optimizer.state.values(), strict=True):
        assert all(np.array_equal(mine[key], theirs[key]) for key in theirs)


def test_weights_are_not_a_state(digits, tmp_path):
    setting = Setting(digits[0])
    checkpoint.save(setting.model, tmp_path / "weights")
    with pytest.raises(ValueError, match="does not hold an interrupted training"):
        training.load_state(tmp_path / "weights", setting.model, setting.optimizer, RECIPE)


def test_a_loss_that_is_no_number_is_said(digits):
    setting = Setting(digits[0], lambda p: optim.SGD(p, lr=1e30), cycle=False)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="smaller learning"):
        setting.fit(epochs=5)


def test_evaluate_counts_what_was_read_as_what():
    """A network that gives each picture's first pixel as its answer, on eight made pictures."""
    class Reader(nn.Module):
        def __init__(self):
            self.unused = nn.Linear(1, 1)

        def forward(self, pictures):
            return Tensor(np.eye(10, dtype=np.float32)[pictures.numpy()[:, 0, 0, 0].astype(int)])

    read_as = np.array([3, 3, 5, 1, 1, 1, 0, 9])
    labels = np.array([3, 5, 5, 1, 7, 7, 0, 9])
    pictures = np.zeros((8, 1, 28, 28), np.float32)
    pictures[:, 0, 0, 0] = read_as
    result = training.evaluate(Reader(), TensorDataset(pictures, labels), batch_size=3)
    assert result.accuracy == 5 / 8
    assert result.confusion[7, 1] == 2
    assert result.confusion[5, 3] == 1
    assert result.confusion.sum() == 8
    assert result.most_confused() == [(7, 1, 2), (5, 3, 1)]


def test_evaluate_leaves_the_mode_and_records_nothing(digits):
    setting = Setting(digits[0])
    setting.model.train()
    training.evaluate(setting.model, digits[1])
    assert setting.model.training
    assert is_grad_enabled()
    first = training.predict(setting.model, digits[1][:][0])
    np.testing.assert_array_equal(first, training.predict(setting.model, digits[1][:][0]))


def test_predict_leaves_each_module_in_its_mode_and_takes_no_pictures_at_all():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 3))
    model[1].eval()
    pictures = Tensor(np.ones((2, 1, 2, 2), np.float32))
    assert np.array_equal(training.predict(model, pictures), training.predict(model, pictures))
    assert [each.training for each in model] == [True, False, True]
    assert training.predict(model, pictures[:0]).shape == (0, 3)


def test_a_model_without_parameters_can_predict():
    assert training.predict(nn.Flatten(), Tensor(np.ones((2, 1, 2, 2)))).tolist() == [[1] * 4] * 2


def test_no_data_at_all():
    with pytest.raises(ValueError, match="nothing to evaluate"):
        training.evaluate(models.create("linear"), TensorDataset(np.zeros((0, 1, 28, 28))))
    with pytest.raises(ValueError, match="nothing to train on"):
        Setting(TensorDataset(np.zeros((0, 1, 28, 28)))).fit()


def test_the_batch_size_of_predict_does_not_matter(digits):
    pictures, model = digits[1][:][0], models.create("seed")
    whole = training.predict(model, pictures, batch_size=500)
    np.testing.assert_allclose(training.predict(model, pictures, batch_size=7), whole, atol=1e-5)


@pytest.mark.slow
def test_predicting_in_threads_while_training(digits):
    """Threads that predict neither stop the recording of the one that trains nor disturb it."""
    alone = Setting(digits[0])
    alone.fit()

    pictures, reader = digits[1][:][0], models.create("seed")
    expected = training.predict(reader, pictures)
    stop, wrong = threading.Event(), []

    def predict():
        while not stop.is_set():
            if not np.array_equal(training.predict(reader, pictures), expected):
                wrong.append("a thread predicted otherwise")

    threads = [threading.Thread(target=predict) for _ in range(3)]
    accompanied = Setting(digits[0])
    for thread in threads:
        thread.start()
    accompanied.fit()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert accompanied.weights() == alone.weights()


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_curve_is_drawn(tmp_path, ending):
    history = [training.Epoch(1, 0.3, 0.95, 1.0), training.Epoch(2, 0.2, 0.97, 1.0)]
    file = tmp_path / f"curve.{ending}"
    training.plot(history, file)
    training.plot([dataclasses.replace(history[0], test_accuracy=None)], tmp_path / "one.png")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert file.read_bytes().startswith(start)


@pytest.mark.slow
def test_200_steps_without_garbage_collection_do_not_grow_the_process(digits):
    """A graph has no reference cycle, so it frees itself, and its memory serves the next step."""
    resident = Path("/proc/self/statm")
    if not resident.exists():
        pytest.skip("this system does not tell a process's memory in /proc")
    model = models.create("seed")
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    pictures, labels = digits[0][:32]

    def pages_after(steps):
        for _ in range(steps):
            loss = nn.CrossEntropyLoss()(model(pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return int(resident.read_text().split()[1])

    gc.collect()
    gc.disable()
    try:
        before = pages_after(50)
        assert pages_after(200) - before < 256, "it grew by more than a megabyte"
    finally:
        gc.enable()


@pytest.mark.slow
def test_the_number_of_threads_matters_only_by_rounding(digits):
    """And for one number of threads, the result is the same bit for bit."""
    def weights(threads):
        manual_seed(0)
        model = models.create("seed")
        loader = DataLoader(digits[0], 64, shuffle=True, seed=1)
        with threadpool_limits(threads, user_api="blas"):
            training.fit(model, loader, optim.SGD(model.parameters(), lr=0.01), epochs=1)
        return np.concatenate([p.data.reshape(-1) for p in model.parameters()])

    one, two = weights(1), weights(2)
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-5)
    assert weights(1).tobytes() == one.tobytes()
    assert weights(2).tobytes() == two.tobytes()
