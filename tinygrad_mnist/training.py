"""The loop of the talk: show the network a batch, see how wrong it was, make it less so.

`fit` trains, `evaluate` measures. A training can be interrupted at any batch and taken up
again as if nothing had happened: `save_state` keeps all that the rest of it depends on.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import backend, checkpoint, functional
from .dataloader import DataLoader
from .nn import Module, device_of, evaluating
from .optim import Optimizer
from .team import Team, forked
from .tensor import Tensor, no_grad


@dataclass(frozen=True)
class Epoch:
    """What came of one pass over the training data.

    loss: the mean loss over its batches, each taken before the step it caused.
    test_accuracy: the part of the test pictures then read rightly; None without a test set.
    seconds: how long the pass took, the test not counted.
    """

    epoch: int
    loss: float
    test_accuracy: float | None
    seconds: float


@dataclass
class Progress:
    """How far a training has come: whole epochs behind it, batches into the present one."""

    epoch: int = 0
    batch: int = 0
    loss_sum: Any = 0.0  # over the present epoch's batches; stays on the device
    seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)


def fit(model: Module, loader: DataLoader, optimizer: Optimizer, epochs: int = 5, *,
        loss_function: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy,
        test: Any = None, scheduler: Any = None,
        augment: Callable[[Tensor], Tensor] | None = None, progress: Progress | None = None,
        on_epoch: Callable[[Epoch], None] = lambda epoch: None,
        should_stop: Callable[[], bool] = lambda: False, workers: int = 1,
        team: Team | None = None) -> list[Epoch]:
    """Train `model` on the batches of `loader` until `epochs` passes have been made.

    loss_function: of logits and labels, the mean over the examples, not the sum: so each of
        several workers' losses counts as much as its share of the batch.
    test: a data set to measure the accuracy on after each epoch (see `evaluate`).
    scheduler: an lr_scheduler whose step() is called after every batch.
    augment: makes other pictures of each batch's, before the network sees them (see
        `transforms`). The pictures that accuracy is measured on stay as they are.
    progress: where to begin, and where the training stands when this returns.
    on_epoch: called after each epoch with what came of it.
    should_stop: asked at every batch; when true, fit returns after it.
    workers: how many processes share each batch (see `team`). The result depends on their
        number only by rounding, and for one number it is the same bit for bit.
    team: the processes that share each batch, where they have been gathered already (see
        `mpi`). Member 0 measures and reports; all return the same, but for the accuracies.

    Returns one Epoch for each pass made. A bar shows the way where stderr is a terminal.
    Raises FloatingPointError if the loss stops being a number.
    """
    if len(loader) == 0:
        raise ValueError("there is nothing to train on: the loader has no batches")
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, not {workers}")
    progress = Progress() if progress is None else progress
    parameters = list(model.parameters())
    with forked(workers, parameters) if team is None else nullcontext(team) as team:
        team.agree(**_beginning(parameters, loader, progress, epochs))
        part = _Part(team, model.train(), parameters, loader, optimizer, loss_function, scheduler,
                     augment, progress, should_stop)
        stopped = False
        while progress.epoch < epochs and not stopped:
            stopped = part.go_through_epoch(f"epoch {progress.epoch + 1}/{epochs}")
            if progress.batch < len(loader):
                break
            done = part.close_epoch(test)
            if team.rank == 0:
                on_epoch(done)
    return progress.history


def _beginning(parameters: Sequence[Tensor], loader: DataLoader, progress: Progress, epochs: int
               ) -> dict[str, Any]:
    """What a training begins with: if it differs among members, they train different networks."""
    weights = 0
    for parameter in parameters:
        weights = zlib.crc32(parameter.numpy().tobytes(), weights)
    return {"weights": weights,
            "batches": (len(loader), loader.batch_size, loader.shuffle, loader.seed),
            "progress": (progress.epoch, progress.batch, epochs)}


@dataclass
class _Part:
    """A team member's part in a training: what it works with, and how."""

    team: Team
    model: Module
    parameters: Sequence[Tensor]
    loader: DataLoader
    optimizer: Optimizer
    loss_function: Callable[[Tensor, Tensor], Tensor]
    scheduler: Any
    augment: Callable[[Tensor], Tensor] | None
    progress: Progress
    should_stop: Callable[[], bool]

    def go_through_epoch(self, name: str) -> bool:
        """Make a step for each batch that is left of the present epoch; true if asked to stop."""
        progress = self.progress
        batches = self.loader.batches(progress.epoch, start=progress.batch)
        with self._behind_bar(batches, name) as bar:
            began, before = time.perf_counter(), progress.seconds
            for batch in bar:
                loss, stop = self.step(batch)
                progress.loss_sum = progress.loss_sum + loss
                progress.batch += 1
                progress.seconds = before + time.perf_counter() - began
                # Seldom, because to read the loss makes a GPU wait.
                if progress.batch % 100 == 0 and self.team.rank == 0:
                    bar.set_postfix(loss=f"{float(progress.loss_sum) / progress.batch:.3f}")
                if stop:
                    return True
        return False

    def _behind_bar(self, batches: Iterable[tuple[Tensor, ...]], name: str) -> Any:
        """The batches, for `with`: behind a progress bar where stderr is a terminal.

        Only member 0 makes one. tqdm has a lock that forked processes share, and a member that is
        ended while it holds it would keep it for ever: the next bar would wait for it.
        """
        if self.team.rank:
            return nullcontext(batches)
        from tqdm import tqdm

        return tqdm(batches, leave=False, disable=None, desc=name, unit="batch",
                    initial=self.progress.batch, total=len(self.loader))

    def step(self, batch: tuple[Tensor, ...]) -> tuple[Any, bool]:
        """Show the network a batch, see how wrong it is, make it less so.

        Returns the loss of the whole batch, and whether to stop.
        """
        self.team.seed(self.loader.seed, self.progress.epoch, self.progress.batch)
        pictures, labels = self.team.share(batch)
        self.optimizer.zero_grad()
        # There may be nothing to show: a batch can be smaller than the team.
        loss = self._see_how_wrong(pictures, labels) if len(labels) else 0.0
        loss, stop = self.team.exchange(self.parameters, loss, len(labels) / len(batch[1]),
                                        self.should_stop())
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        return loss, stop

    def _see_how_wrong(self, pictures: Tensor, labels: Tensor) -> Any:
        """The loss, as an array () on the device; its gradients lie at the parameters."""
        device = self.parameters[0].device
        pictures = pictures.to(device)
        if self.augment is not None:
            pictures = self.augment(pictures)
        loss = self.loss_function(self.model(pictures), labels)  # which checks them on the host
        loss.backward()
        return loss.data

    def close_epoch(self, test: Any) -> Epoch:
        """Measure, write the epoch into the history, and turn to the next one."""
        progress, reporting = self.progress, self.team.rank == 0
        if reporting:
            _check_loss(progress)
        accuracy = evaluate(self.model, test).accuracy if reporting and test is not None else None
        done = Epoch(progress.epoch + 1, float(progress.loss_sum) / len(self.loader), accuracy,
                     progress.seconds)
        progress.history.append(done)
        progress.epoch, progress.batch = done.epoch, 0
        progress.loss_sum, progress.seconds = 0.0, 0.0
        return done


def _check_loss(progress: Progress) -> None:
    if not np.isfinite(float(progress.loss_sum)):
        raise FloatingPointError(f"the loss is not a number any more in epoch "
                                 f"{progress.epoch + 1}: a smaller learning rate helps")


# --- measuring ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Evaluation:
    """What a model made of labelled pictures.

    labels, predictions: int64 (N,). logits: float32 (N, 10). seconds: to predict them all.
    """

    labels: np.ndarray
    logits: np.ndarray
    seconds: float

    @property
    def predictions(self) -> np.ndarray:
        return self.logits.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """The part of the pictures that was read rightly, 0 to 1."""
        return float((self.predictions == self.labels).mean())

    @property
    def confusion(self) -> np.ndarray:
        """int64 (C, C): how often each label (row) was read as each class (column)."""
        C = self.logits.shape[1]
        return np.bincount(self.labels * C + self.predictions, minlength=C * C).reshape(C, C)

    def most_confused(self, count: int = 5) -> list[tuple[int, int, int]]:
        """The commonest mistakes: (label, read as, how often), the most frequent first."""
        mistakes = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
        pairs = zip(*np.unravel_index(order, mistakes.shape), strict=True)
        return [(int(a), int(b), int(mistakes[a, b])) for a, b in pairs if mistakes[a, b]]


def evaluate(model: Module, data: Any, batch_size: int = 200) -> Evaluation:
    """Let `model` read labelled pictures: a data set, or a DataLoader over one."""
    batches = data if isinstance(data, DataLoader) else DataLoader(data, batch_size)
    labels, logits, seconds = [], [], 0.0
    for pictures, right in batches:
        began = time.perf_counter()
        logits.append(predict(model, pictures, batch_size))
        seconds += time.perf_counter() - began
        labels.append(right.numpy())
    if not labels:
        raise ValueError("there is nothing to evaluate: the data set is empty")
    return Evaluation(np.concatenate(labels), np.concatenate(logits), seconds)


@no_grad()
def predict(model: Module, pictures: Tensor, batch_size: int = 200) -> np.ndarray:
    """The model's logits for pictures (N, 1, 28, 28), as a NumPy array (N, 10).

    Large numbers of pictures go through in batches, which keeps them in the cache. The model
    and all modules in it are left in the mode, training or not, that they were in.
    """
    backend.keep_freed_memory()
    device = device_of(model)
    with evaluating(model) if model.training else nullcontext():
        logits = [model(pictures[start:start + batch_size].to(device)).numpy()
                  for start in range(0, max(1, len(pictures)), batch_size)]
    return np.concatenate(logits)


# --- stopping and going on ---------------------------------------------------------------


def save_state(path: str | Path, model: Module, optimizer: Optimizer, progress: Progress,
               recipe: dict[str, Any], scheduler: Any = None) -> None:
    """Write all that the rest of a training depends on to one safetensors file.

    That is the weights, the optimiser's and scheduler's state, the random generator's, how
    far it has come, and the recipe, so that it is taken up with the same one.
    """
    state = optimizer.state_dict()
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    plain: dict[str, dict[str, Any]] = {}
    for place, values in state["state"].items():
        for name, value in values.items():
            if backend.is_array(value):
                tensors[f"optimizer.{place}.{name}"] = Tensor(value)
            else:
                plain.setdefault(str(place), {})[name] = value
    position = asdict(progress) | {"loss_sum": float(progress.loss_sum)}
    told = {"progress": position, "recipe": recipe, "param_groups": state["param_groups"],
            "optimizer": plain, "scheduler": scheduler.state_dict() if scheduler else None,
            "generator": backend.generator().bit_generator.state}
    checkpoint.write(path, tensors, {key: json.dumps(value) for key, value in told.items()})


def load_state(path: str | Path, model: Module, optimizer: Optimizer, recipe: dict[str, Any],
               scheduler: Any = None) -> Progress:
    """Put everything back as `save_state` found it; returns how far the training had come.

    Raises ValueError if the file was written under another recipe.
    """
    tensors, header = checkpoint.read(path)
    if "progress" not in header:
        raise ValueError(f"{path} does not hold an interrupted training")
    told = {key: json.loads(value) for key, value in header.items() if key != "format"}
    asked = json.loads(json.dumps(recipe))  # in JSON a tuple has become a list
    changed = [f"{key} was {told['recipe'].get(key)}, now {value}"
               for key, value in asked.items() if told["recipe"].get(key) != value]
    if changed:
        raise ValueError(f"{path} belongs to another training: {', '.join(changed)}")
    model.load_state_dict({name.removeprefix("model."): value for name, value in tensors.items()
                           if name.startswith("model.")})
    optimizer.load_state_dict({"param_groups": told["param_groups"],
                               "state": _optimizer_state(tensors, told["optimizer"], model)})
    if scheduler is not None:
        scheduler.load_state_dict(told["scheduler"])
    backend.generator().bit_generator.state = told["generator"]
    position = told["progress"]
    position["history"] = [Epoch(**epoch) for epoch in position["history"]]
    return Progress(**position)


def _optimizer_state(tensors: dict[str, np.ndarray], plain: dict[str, dict[str, Any]],
                     model: Module) -> dict[int, dict[str, Any]]:
    device = device_of(model)
    state: dict[int, dict[str, Any]] = {int(place): dict(values) for place, values in plain.items()}
    for key, array in tensors.items():
        if key.startswith("optimizer."):
            _, place, name = key.split(".", 2)
            state.setdefault(int(place), {})[name] = backend.move(array, device)
    return state


# --- the curve ---------------------------------------------------------------------------


def plot(history: Iterable[Epoch], path: str | Path) -> None:
    """Draw loss and test accuracy by epoch into a picture file (.png, .svg, .pdf)."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    history = list(history)
    epochs = [each.epoch for each in history]
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [each.loss for each in history], "o-", color="#0072b2", linewidth=3)
    left.set(title="Training loss", ylim=(0, None))
    accuracies = [(each.epoch, 100 * each.test_accuracy) for each in history
                  if each.test_accuracy is not None]
    if accuracies:
        right.plot(*zip(*accuracies, strict=True), "s-", color="#d55e00", linewidth=3)
        last = accuracies[-1]
        right.annotate(f"{last[1]:.2f} %", last, xytext=(-8, -18), textcoords="offset points",
                       ha="right")
    right.set(title="Test accuracy (%)")
    for axes in (left, right):
        axes.set(xlabel="epoch", xlim=(0.5, max(epochs, default=1) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
