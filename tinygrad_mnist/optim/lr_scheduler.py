"""Schedulers: they turn an optimiser's learning rate while training runs.

Each is made after its optimiser, and its `step()` is called after the optimiser's: once an
epoch for StepLR, once a batch for OneCycleLR. Arithmetic and defaults are torch's.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .optimizer import Optimizer


class LRScheduler:
    """The base of all schedulers. A subclass writes `_turn`, which sets the options."""

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self.last_epoch = 0
        self._turn()

    def step(self) -> None:
        """Go on by one epoch, or by one batch."""
        self.last_epoch += 1
        self._turn()

    def _turn(self) -> None:
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """The learning rate of each parameter group, as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """How far it has come; the optimiser's own state_dict holds the options."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.last_epoch = state_dict["last_epoch"]


class StepLR(LRScheduler):
    """The learning rate, multiplied by `gamma` after every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1):
        if step_size < 1:
            raise ValueError(f"StepLR: step_size must be at least 1, not {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def _turn(self) -> None:
        if self.last_epoch and self.last_epoch % self.step_size == 0:
            for group in self.optimizer.param_groups:
                group["lr"] *= self.gamma


class _Phase(NamedTuple):
    """A part of the cycle: up to which step, and between which values."""

    end: float
    lr: tuple[float, float]
    momentum: tuple[float, float]


class OneCycleLR(LRScheduler):
    """The learning rate up to `max_lr` and down to almost nothing, momentum the other way.

    L. N. Smith and N. Topin, "Super-Convergence", 2018, arXiv:1708.07120.

    total_steps: how many batches the whole training has, or epochs * steps_per_epoch.
    pct_start: the part of the way that leads up.
    anneal_strategy: "cos" or "linear", the shape of the way.
    cycle_momentum: whether momentum (Adam: the first beta) goes from max_momentum down to
        base_momentum and back.
    div_factor, final_div_factor: how far below max_lr it starts, and how far below that
        it ends.
    """

    def __init__(self, optimizer: Optimizer, max_lr: float, total_steps: int | None = None,
                 epochs: int | None = None, steps_per_epoch: int | None = None,
                 pct_start: float = 0.3, anneal_strategy: str = "cos", cycle_momentum: bool = True,
                 base_momentum: float = 0.85, max_momentum: float = 0.95,
                 div_factor: float = 25.0, final_div_factor: float = 1e4):
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR needs total_steps, or both epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if total_steps < 1 or not 0 <= pct_start <= 1:
            raise ValueError("OneCycleLR needs at least one step, and a pct_start from 0 to 1, not "
                             f"{total_steps} steps and {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f'anneal_strategy must be "cos" or "linear", not {anneal_strategy!r}')
        start, end = max_lr / div_factor, max_lr / div_factor / final_div_factor
        self.total_steps, self.cycle_momentum = total_steps, cycle_momentum
        self.anneal = _cosine if anneal_strategy == "cos" else _linear
        self.phases = [
            _Phase(pct_start * total_steps - 1, (start, max_lr), (max_momentum, base_momentum)),
            _Phase(total_steps - 1, (max_lr, end), (base_momentum, max_momentum)),
        ]
        super().__init__(optimizer)

    def _turn(self) -> None:
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR was made for {self.total_steps} steps: it cannot go on")
        up, down = self.phases
        phase, begin = (up, 0.0) if self.last_epoch <= up.end else (down, up.end)
        part = (self.last_epoch - begin) / (phase.end - begin) if phase.end > begin else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = self.anneal(*phase.lr, part)
            if self.cycle_momentum:
                _set_momentum(group, self.anneal(*phase.momentum, part))


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (math.cos(math.pi * part) + 1)


def _linear(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


def _set_momentum(group: dict[str, Any], momentum: float) -> None:
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    elif "momentum" in group:
        group["momentum"] = momentum
    else:
        raise ValueError("this optimiser has no momentum to cycle: say cycle_momentum=False")
