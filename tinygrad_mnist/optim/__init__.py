"""Optimisers (SGD, Adam) and schedulers of the learning rate, as in torch.optim."""

from . import lr_scheduler
from .optimizer import SGD, Adam, Optimizer
