"""tinygrad_mnist: a neural network that can be read from the first line to the last.

    import tinygrad_mnist as tg

    train = tg.datasets.MNIST(transform=tg.transforms.ToTensor())
    model = tg.models.create("seed")
    optimizer = tg.optim.SGD(model.parameters(), lr=0.2)
    for pictures, labels in tg.DataLoader(train, batch_size=64, shuffle=True):
        loss = tg.functional.cross_entropy(model(pictures), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

Importing it imports NumPy and nothing heavier; what else a part needs is imported when that
part is used.
"""

__version__ = "0.1.0"

from . import (
    checkpoint,
    cuda,
    datasets,
    functional,
    handwriting,
    introspection,
    models,
    nn,
    optim,
    recipes,
    training,
    transforms,
)
from .backend import manual_seed
from .checkpoint import load, save
from .dataloader import DataLoader
from .datasets import TensorDataset
from .introspection import trace
from .tensor import (
    Tensor,
    float32,
    float64,
    int64,
    is_grad_enabled,
    no_grad,
    operation,
    record,
    tensor,
)
