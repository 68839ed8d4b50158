"""A recipe says all that a training depends on, so that anyone can cook the same again.

    python -m tinygrad_mnist train --recipe best

makes `best.safetensors`, the file that ships in data/models/. On the same kind of processor,
with the same NumPy, it is the same bit for bit: the recipe fixes the seed, and into how many
processes each batch is divided; each of them has one thread. The header tells the recipe, too.

A recipe is data: to try another one, change a number of it.

    recipe = dataclasses.replace(RECIPES["seed"], epochs=20)
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from . import functional, handwriting, models, optim
from .backend import manual_seed
from .dataloader import DataLoader
from .datasets import MNIST
from .doodles import cross_entropy_with_doodles, with_doodles
from .nn import Module
from .optim.lr_scheduler import OneCycleLR
from .tensor import Tensor
from .transforms import (
    Compose,
    ElasticTransform,
    RandomAffine,
    RandomApply,
    RandomThickness,
    ToTensor,
)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    lr: the learning rate; with `one_cycle`, the highest that it comes to (see OneCycleLR).
    options: what else the optimiser is told.
    augment: transforms that make new pictures of those of each batch.
    habits: what part of the zeros, ones and sevens is shown as others write them, too (see
        `handwriting.with_habits`).
    label_smoothing: what part of each label is spread over all digits (see
        `functional.cross_entropy`), so that what is clear already is learnt from no longer
        (Szegedy et al., 2015, arXiv:1512.00567).
    doodles: how many drawings that are no digits are added, as a part of the training set (see
        `doodles`).
    held_out: how many of the last training pictures are kept back, to find on them how sure the
        network may say it is (see `confidence`).
    workers: how many processes share each batch; None, one for each core.
    """

    model: str = "seed"
    epochs: int = 5
    batch_size: int = 64
    optimizer: str = "SGD"
    lr: float = 0.2
    options: dict[str, Any] = field(default_factory=dict)
    one_cycle: bool = False
    augment: tuple[Callable[[Tensor], Tensor], ...] = ()
    habits: float = 0.0
    label_smoothing: float = 0.0
    doodles: float = 0.0
    held_out: int = 0
    seed: int = 0
    workers: int | None = None

    def make_optimizer(self, parameters: Iterable[Tensor]) -> optim.Optimizer:
        """The optimiser of this recipe, for these parameters."""
        kinds = {"SGD": optim.SGD, "Adam": optim.Adam}
        if self.optimizer not in kinds:
            raise ValueError(f"no optimiser is called {self.optimizer!r}; there are "
                             f"{', '.join(kinds)}")
        return kinds[self.optimizer](parameters, lr=self.lr, **self.options)

    def make_scheduler(self, optimizer: optim.Optimizer, batches: int) -> OneCycleLR | None:
        """The scheduler, for so many batches an epoch; None where the lr stays as it is."""
        if not self.one_cycle:
            return None
        return OneCycleLR(optimizer, self.lr, epochs=self.epochs, steps_per_epoch=batches,
                          cycle_momentum=self.optimizer == "Adam" or "momentum" in self.options)

    def make_training(self, data: MNIST, device: str = "cpu"
                      ) -> tuple[Module, optim.Optimizer, DataLoader, OneCycleLR | None]:
        """All that `training.fit` begins with: a new network, its optimiser, the batches of
        MNIST's training pictures, and the scheduler."""
        manual_seed(self.seed)
        model = models.create(self.model).to(device)
        optimizer = self.make_optimizer(model.parameters())
        train_data = self.make_training_set(data)
        if self.batch_size > len(train_data):
            raise ValueError(f"a batch of {self.batch_size:,} cannot be filled from "
                             f"{len(train_data):,} pictures")
        # A last batch of half the size would make a whole step on half the evidence: measured,
        # that costs some seeds 2 % of accuracy. Each pass leaves out other pictures.
        loader = DataLoader(train_data, self.batch_size, shuffle=True, drop_last=True,
                            seed=self.seed)
        return model, optimizer, loader, self.make_scheduler(optimizer, len(loader))

    def make_training_set(self, data: MNIST) -> MNIST:
        """MNIST's training pictures as this recipe shows them."""
        if not (self.held_out or self.habits or self.doodles):
            return data
        if self.held_out >= len(data):
            raise ValueError(f"{self.held_out:,} pictures cannot be held out of {len(data):,}")
        kept = slice(len(data) - self.held_out)
        pictures, labels = data.images[kept], data.labels[kept]
        written = handwriting.with_habits(pictures, labels, self.habits, self.seed)
        other = (written != pictures).any(axis=(1, 2))
        copies = [handwriting.centred(each) for each in written[other]]
        # Beside the plain ones: a network that has only seen a 7 with its bar misreads it without.
        pictures = np.concatenate([pictures, *(each[None] for each in copies)])
        labels = np.concatenate([labels, labels[other]])
        made = copy.copy(data)
        made.images, made.labels = with_doodles(pictures, labels, self.doodles, self.seed)
        return made

    def make_held_out(self, data: MNIST) -> tuple[Tensor, np.ndarray]:
        """The pictures held out, as they are and as other people would have drawn them.

        (2 held_out, 1, 28, 28), and their labels. The drawn ones have more of other hands' habits
        than those trained on, and MNIST's own preparation.
        """
        manual_seed(self.seed)
        start = len(data) - self.held_out
        pictures, labels = data.images[start:], data.labels[start:]
        written = ToTensor()(handwriting.with_habits(pictures, labels, 0.5, self.seed + 1))
        drawn = DRAWN(written).numpy().clip(0, 1)                            # (N, 1, 28, 28)
        drawn = np.stack([handwriting.centred(each[0]) for each in drawn])[:, None]
        return (Tensor(np.concatenate([ToTensor()(pictures).numpy(), drawn])),
                np.concatenate([labels, labels]))

    @property
    def loss_function(self) -> Callable[[Tensor, Tensor], Tensor]:
        loss = cross_entropy_with_doodles if self.doodles else functional.cross_entropy
        return functools.partial(loss, label_smoothing=self.label_smoothing)

    def make_augment(self) -> Compose | None:
        """One transform that does all of `augment`."""
        return Compose(self.augment) if self.augment else None

    def as_dict(self) -> dict[str, Any]:
        """The recipe in words and numbers, as it goes into JSON and the header of a file."""
        return asdict(self) | {"augment": [repr(each) for each in self.augment]}

    def decisive(self) -> dict[str, Any]:
        """What may not change while a training that was interrupted is taken up again.

        More epochs may be added, unless the learning rate has been going down to reach its
        end with the last; and on another machine other workers may share the batches.
        """
        free = {"workers"} if self.one_cycle else {"workers", "epochs"}
        return {key: value for key, value in self.as_dict().items() if key not in free}


TALK = Recipe()
"""The talk's own recipe: nothing but the talk's network and steps of one size."""

DRAWN = Compose([RandomAffine(degrees=12, translate=1, scale=0.12, shear=15),
                 ElasticTransform(alpha=0.6, sigma=4), RandomThickness(0.4)])
"""Pictures as other people would have drawn them, with other pens."""

_CAREFUL = Recipe(optimizer="Adam", one_cycle=True, held_out=5000, workers=1)
_FOR_DRAWINGS = replace(_CAREFUL, augment=(RandomApply(DRAWN.transforms, p=0.7),), habits=0.3)

RECIPES: dict[str, Recipe] = {
    "linear": replace(_CAREFUL, model="linear", epochs=10, lr=2e-3),
    "mlp": replace(_CAREFUL, model="mlp", epochs=15, lr=4e-3),
    "seed": replace(_FOR_DRAWINGS, model="seed", epochs=20, lr=4e-3),
    "lenet": replace(_FOR_DRAWINGS, model="lenet", epochs=12, lr=3e-3, doodles=0.1),
    "best": replace(_FOR_DRAWINGS, model="best", epochs=20, lr=1e-3, doodles=0.1,
                    label_smoothing=0.05, workers=2),
}
"""How each file in data/models/ was made."""
