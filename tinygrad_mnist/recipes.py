"""A recipe says all that a training depends on, so that anyone can cook the same again.

    python -m tinygrad_mnist train --recipe best

makes `best.safetensors`, the file that ships in data/models/. On the same kind of processor,
with the same NumPy, its weights are the same bit for bit: the recipe fixes the seed, and into
how many processes each batch is divided. The file's header tells the recipe, too.

A recipe is data: to try another one, change a number of it.

    recipe = dataclasses.replace(RECIPES["seed"], epochs=20)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from . import optim
from .optim.lr_scheduler import OneCycleLR
from .tensor import Tensor
from .transforms import Compose, ElasticTransform, RandomAffine, RandomThickness


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    lr: the learning rate; with `one_cycle`, the highest that it comes to (see OneCycleLR).
    options: what else the optimiser is told.
    augment: transforms that make new pictures of those of each batch.
    habits: what part of the zeros, ones and sevens is written as elsewhere (see
        `handwriting.with_habits`).
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

DRAWN = (RandomAffine(degrees=12, translate=1, scale=0.12, shear=15),
         ElasticTransform(alpha=0.6, sigma=4), RandomThickness(0.4))
"""Pictures as other people would have drawn them, with other pens."""

RECIPES: dict[str, Recipe] = {
    "linear": Recipe("linear", epochs=10, optimizer="Adam", lr=2e-3, one_cycle=True, workers=1),
    "mlp": Recipe("mlp", epochs=15, optimizer="Adam", lr=4e-3, one_cycle=True, workers=1),
    "seed": Recipe("seed", epochs=15, optimizer="Adam", lr=4e-3, one_cycle=True, augment=DRAWN,
                   habits=0.3, workers=1),
    "lenet": Recipe("lenet", epochs=10, optimizer="Adam", lr=3e-3, one_cycle=True, augment=DRAWN,
                    workers=1),
    "best": Recipe("best", epochs=14, optimizer="Adam", lr=2e-3, one_cycle=True, augment=DRAWN,
                   workers=2),
}
"""How each file in data/models/ was made."""
