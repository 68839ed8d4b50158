"""Optimisers: they walk the parameters downhill, against their gradients.

All of them read `.grad`, and change `.data` in place. Names, defaults and arithmetic are
torch's. The parameters come in groups, each with options of its own (`lr`, ...), so that a
scheduler can turn the knobs while training runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..backend import Array, array_module
from ..tensor import Tensor, forget_gradients


class Optimizer:
    """The base of all optimisers. A subclass writes `_update`, one step of one parameter."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]):
        if isinstance(params, Tensor):
            raise TypeError(f"{type(self).__name__} takes a list of Tensors, not a Tensor")
        groups = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__} got no parameters to optimise: a generator "
                             "like model.parameters() can be used only once")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.defaults = defaults
        self.param_groups = [{**defaults, **group, "params": _listed(group["params"])}
                             for group in groups]
        self.state: dict[Tensor, dict[str, Any]] = {}
        for group in self.param_groups:
            _check_options(type(self).__name__, group)
            for parameter in group["params"]:
                self._adopt(parameter)
        if not any(parameter.requires_grad for parameter in self.state):
            raise ValueError(f"{type(self).__name__} has nothing to learn: none of its parameters "
                             "requires a gradient")

    def _adopt(self, parameter: Any) -> None:
        name = type(self).__name__
        if not isinstance(parameter, Tensor):
            raise TypeError(f"{name} optimises Tensors, not {type(parameter).__name__}")
        if not parameter.is_leaf:
            raise ValueError(f"{name} can only optimise leaf tensors, not results of operations")
        if parameter in self.state:
            raise ValueError(f"{name} got one parameter (of shape {parameter.shape}) twice")
        self.state[parameter] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients. `backward` adds to them, so each step begins with this.

        set_to_none: False makes zeros of them, of which an optimiser may still make steps.
        """
        forget_gradients(self.state, set_to_none)

    def step(self) -> None:
        """Change every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad.data, self.state[parameter], group)

    def _update(self, parameter: Tensor, grad: Array, state: dict, group: dict) -> None:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on later: the options and the state of each parameter."""
        groups, place = [], 0
        for group in self.param_groups:
            numbers = list(range(place, place := place + len(group["params"])))
            groups.append({**group, "params": numbers})
        return {"state": dict(enumerate(self.state.values())), "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a `state_dict` of an optimiser with the same parameters."""
        theirs, ours = state_dict["param_groups"], self.param_groups
        states = state_dict["state"]
        if [len(group["params"]) for group in theirs] != [len(group["params"]) for group in ours]:
            raise ValueError("the state_dict belongs to an optimiser with other parameter groups")
        for group, saved in zip(ours, theirs, strict=True):
            group.update({key: value for key, value in saved.items() if key != "params"})
        for place, parameter in enumerate(self.state):
            self.state[parameter] = dict(states.get(place, {}))

    def __repr__(self) -> str:
        options = {key: value for key, value in self.param_groups[0].items() if key != "params"}
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in options.items())})"


class SGD(Optimizer):
    """Stochastic gradient descent: a step against the gradient, as long as `lr` says.

    momentum: how much of the last step's direction is kept: a ball that rolls.
    dampening: how much of the new gradient is held back from that direction.
    weight_decay: pull every parameter towards zero, in proportion to itself.
    nesterov: look at the slope ahead of the ball, not under it (Sutskever et al., 2013).
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0,
                 dampening: float = 0, weight_decay: float = 0, nesterov: bool = False):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening")
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                                  "weight_decay": weight_decay, "nesterov": nesterov})

    def _update(self, parameter: Tensor, grad: Array, state: dict, group: dict) -> None:
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * parameter.data
        if group["momentum"]:
            grad = self._direction(grad, state, group)
        parameter.data -= group["lr"] * grad

    def _direction(self, grad: Array, state: dict, group: dict) -> Array:
        """Where the ball rolls: the gradient and what is left of the way before."""
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = grad.copy()
        else:
            state["momentum_buffer"] *= group["momentum"]
            state["momentum_buffer"] += (1 - group["dampening"]) * grad
        if group["nesterov"]:
            return grad + group["momentum"] * state["momentum_buffer"]
        return state["momentum_buffer"]


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, arXiv:1412.6980): each parameter finds a step of its own.

    betas: how long the averages of the gradient and of its square remember.
    eps: keeps the division from blowing up where gradients are tiny.
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps,
                                  "weight_decay": weight_decay})

    def _update(self, parameter: Tensor, grad: Array, state: dict, group: dict) -> None:
        xp = array_module(grad)
        if not state:
            state.update(step=0, exp_avg=xp.zeros_like(grad), exp_avg_sq=xp.zeros_like(grad))
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * parameter.data
        state["step"] += 1
        average, average_square = state["exp_avg"], state["exp_avg_sq"]
        beta1, beta2 = group["betas"]
        average += (1 - beta1) * (grad - average)
        average_square *= beta2
        average_square += (1 - beta2) * (grad * grad)
        # Both averages began at zero; dividing by how much they have seen corrects for that.
        first, second = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
        scale = xp.sqrt(average_square) / math.sqrt(second) + group["eps"]
        parameter.data -= (group["lr"] / first) * average / scale


def _listed(params: Any) -> list:
    return [params] if isinstance(params, Tensor) else list(params)


def _check_options(name: str, group: dict[str, Any]) -> None:
    for option in ("lr", "momentum", "weight_decay", "eps"):
        if not 0 <= group.get(option, 0) < math.inf:
            raise ValueError(f"{name}: {option} must be a number >= 0, not {group[option]}")
    if not all(0 <= beta < 1 for beta in group.get("betas", ())):
        raise ValueError(f"{name}: betas must be from 0 to below 1, not {group['betas']}")
