"""train: a network learns MNIST, alone or in a team, and is saved."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint, confidence, introspection, models, mpi, training
from ..recipes import RECIPES, TALK, Recipe
from ..team import Team, best_size, matrix_threads
from .shared import (
    EXPECTED,
    check_can_write,
    counted,
    fail,
    measuring_data,
    mnist,
    sentence,
    silent,
    speaker,
)


def train(options: argparse.Namespace) -> int:
    """Train a network on MNIST and save it; under mpiexec, all ranks together."""
    with _team(options.traceback) as team:
        return _Run(options, team).train()


class _Run:
    """One training: what is trained, on what, and where it is written."""

    def __init__(self, options: argparse.Namespace, team: Team):
        self.options, self.team = options, team
        self.say = speaker(options.json) if team.rank == 0 else silent
        self.device = team.device(options.device)
        recipe = _recipe(options, self.device, team)
        self.workers = recipe.workers or best_size(recipe.batch_size, self.device)
        self.recipe = recipe = replace(recipe, workers=self.workers)
        self.out = Path(options.out or f"{recipe.model}.safetensors")
        self.resume_file = self.out.with_name(self.out.name + ".resume")
        if team.rank == 0:
            check_can_write(self.out, options.log, picture=options.plot)

        with team.member_0_first():
            self.mnist, self.test_data = mnist(train=True), mnist(train=False)
        self.drawn = measuring_data(options.drawn)[0] if options.drawn else None
        self.model, self.optimizer, self.loader, self.scheduler = recipe.make_training(
            self.mnist, self.device)
        self.progress = training.Progress()

    def train(self) -> int:
        """Do it, and tell how it went; the exit code."""
        self._begin()
        tracing = self.options.trace and self.team.rank == 0
        # More threads round sums otherwise: a recipe shall give the same file on every machine.
        # Of a loss that is not a number any more, one line tells, not NumPy at each operation.
        with (_interrupt() as interrupted, np.errstate(over="ignore", invalid="ignore"),
              matrix_threads(1) if self.options.recipe else nullcontext(),
              introspection.trace(self.say) if tracing else nullcontext()):
            training.fit(self.model, self.loader, self.optimizer, self.recipe.epochs,
                         loss_function=self.recipe.loss_function, test=self.test_data,
                         scheduler=self.scheduler, augment=self.recipe.make_augment(),
                         progress=self.progress, on_epoch=self._close_epoch,
                         should_stop=interrupted, workers=self.workers,
                         team=self.team if mpi.is_launched() else None)
        return 0 if self.team.rank else self._end()  # member 0 saves and reports

    def _begin(self) -> None:
        """Take up what was interrupted, if asked to, and say what is going to happen."""
        options, recipe = self.options, self.recipe
        if options.resume:
            self.progress = training.load_state(self.resume_file, self.model, self.optimizer,
                                                recipe.decisive(), self.scheduler)
            if (self.progress.epoch, self.progress.batch) > (recipe.epochs, 0):
                raise ValueError(f"{self.resume_file} has come further than "
                                 f"{counted(recipe.epochs, 'epoch')}: {self._told()}. Ask for more "
                                 "with --epochs")
            self.say(f"going on from {self.resume_file}: {self._told()}")
        elif options.log and self.team.rank == 0:
            Path(options.log).write_text("", encoding="utf-8")
        self.say(f"training {recipe.model} ({models.count_parameters(self.model):,} parameters) on "
                 f"{self.device} in {self.workers} process{'es' * (self.workers > 1)}: "
                 f"{len(self.loader.dataset):,} pictures, {counted(recipe.epochs, 'epoch')}")

    def _close_epoch(self, epoch: training.Epoch) -> None:
        self._save()
        if self.options.log:
            with open(self.options.log, "a", encoding="utf-8") as file:
                file.write(json.dumps(vars(epoch)) + "\n")
        # Last, because whoever reads it may have gone: nothing is lost with them.
        self.say(f"epoch {epoch.epoch}/{self.recipe.epochs}  loss {epoch.loss:.4f}  "
                 f"test accuracy {epoch.test_accuracy:.2%}  {epoch.seconds:.1f} s")

    def _end(self) -> int:
        stopped = self.progress.epoch < self.recipe.epochs
        if stopped or not self.out.exists():
            self._save()
        if stopped:
            return fail(f"stopped after {self._told()}; saved in {self.out}. The same command with "
                        "--resume goes on from here")
        if self.options.plot:
            training.plot(self.progress.history, self.options.plot)
        self.say(f"saved in {self.out}")
        if self.options.json:
            print(json.dumps(self._summary()))
        return 0

    def _save(self) -> None:
        """Write the weights, and beside them what a resumed training needs.

        In this order: who is interrupted between the two makes the last epoch once more.
        """
        checkpoint.save(self.model, self.out, self._notes())
        training.save_state(self.resume_file, self.model, self.optimizer, self.progress,
                            self.recipe.decisive(), self.scheduler)

    def _notes(self) -> dict[str, str]:
        """What the header of the weights says of their training."""
        progress, recipe = self.progress, self.recipe
        notes = {"recipe": json.dumps(recipe.as_dict()),
                 "trained": json.dumps({"epochs": progress.epoch, "batches": progress.batch})}
        if progress.history:
            notes["test_accuracy"] = str(progress.history[-1].test_accuracy)
        if progress.epoch < recipe.epochs:
            return notes
        if recipe.held_out:
            pictures, labels = recipe.make_held_out(self.mnist)
            notes |= confidence.fit(training.predict(self.model, pictures), labels).notes()
        if self.drawn:
            notes["drawn_accuracy"] = str(training.evaluate(self.model, self.drawn).accuracy)
        return notes

    def _summary(self) -> dict[str, Any]:
        last = self.progress.history[-1]
        seconds = np.median([each.seconds for each in self.progress.history])
        return {**self.recipe.as_dict(), "epochs": last.epoch, "device": self.device,
                "file": str(self.out), "parameters": models.count_parameters(self.model),
                "loss": last.loss, "test_accuracy": last.test_accuracy,
                "seconds_per_epoch": float(seconds),
                "history": [vars(each) for each in self.progress.history]}

    def _told(self) -> str:
        """How far the training has come, in words."""
        batch = self.progress.batch
        part = f" and {batch} of {len(self.loader)} batches" if batch else ""
        return f"{counted(self.progress.epoch, 'epoch')}{part}"


def _team(show_traceback: bool) -> AbstractContextManager[Team]:
    """All ranks, if mpiexec has started this process; else this process alone."""
    def tell(error: BaseException, rank: int, size: int) -> None:
        if isinstance(error, KeyboardInterrupt):
            fail(f"rank {rank} of {size}: stopped")
        elif isinstance(error, EXPECTED) and not show_traceback:
            fail(f"rank {rank} of {size}: {sentence(error)}")
        else:
            mpi.print_error(error, rank, size)

    return mpi.joined(tell) if mpi.is_launched() else nullcontext(Team())


def _recipe(options: argparse.Namespace, device: str, team: Team) -> Recipe:
    """The recipe by its name, the talk's if there is none, with what the options change of it."""
    changes = {key: getattr(options, key)
               for key in ("model", "epochs", "batch_size", "lr", "seed", "workers")
               if getattr(options, key) is not None}
    if mpi.is_launched():  # each rank is a worker
        if changes.setdefault("workers", team.size) != team.size:
            raise ValueError(f"--workers {options.workers} is not the number of ranks that "
                             f"mpiexec has started, {team.size}: leave it out")
    elif device != "cpu":  # a GPU is one worker, whoever asks
        changes["workers"] = 1
    return replace(RECIPES[options.recipe] if options.recipe else TALK, **changes)


@contextmanager
def _interrupt() -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks the training to stop at the next batch; a second one stops it at once."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
