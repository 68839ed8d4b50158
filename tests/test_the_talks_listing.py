"""The talk's own listing, as it was shown, with only its import lines changed.

The text below is run as a script of its own in an empty folder, as a listener would. One
number is turned for the sake of time: the listing's five epochs are run as one.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_mnist import DataLoader, datasets, models, training, transforms

ROOT = Path(__file__).parent.parent

TORCH_IMPORTS = """\
import torch
from torch import nn, optim, save
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
"""

OUR_IMPORTS = """\
from tinygrad_mnist import nn, optim, save
from tinygrad_mnist import DataLoader
from tinygrad_mnist import datasets, transforms
"""

LISTING = """\
train = datasets.MNIST(root="data", download=True, train=True, transform=transforms.ToTensor())
dataset = DataLoader(train, 64)


class RLS_CNN(nn.Module):
    def __init__(self):
        super(RLS_CNN, self).__init__()
        self.model = nn.Sequential(
            nn.Conv2d(in_channels=1, out_channels=16, kernel_size=(3, 3), stride=(1, 1), padding=1),
            nn.MaxPool2d(kernel_size=2),
            nn.Conv2d(16, 32, 3, 1, 1),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32*7*7, 16),
            nn.ReLU(),
            nn.Linear(16, 10)
        )

    def forward(self, x):
        return self.model(x)


device = "cpu"
model = RLS_CNN().to(device)
loss_fn = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.2)

for epoch in range(5):
    model.train()
    for batch in dataset:
        X, y = batch
        X, y = X.to(device), y.to(device)
        yhat = model(X)
        loss = loss_fn(yhat, y)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    print(f"Epoch {epoch}: loss is {loss.item():.4f}")

save(model, "my_cnn.nn")
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The finished listing: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("talk")
    (folder / "data").symlink_to(ROOT / "data")  # else it would download, as it says
    script = OUR_IMPORTS + LISTING.replace("range(5)", "range(1)")
    (folder / "talk.py").write_text(script)
    done = subprocess.run([sys.executable, "-W", "error", "talk.py"], cwd=folder, timeout=300,
                          env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.mark.slow
def test_it_runs_and_prints_its_loss(run):
    _, printed = run
    assert printed.startswith("Epoch 0: loss is 0.")


@pytest.mark.slow
def test_the_saved_file_holds_a_network_that_reads_digits(run):
    folder, _ = run
    model = models.load(folder / "my_cnn.nn")  # a class of one's own: known by its weights
    test = datasets.MNIST(train=False, transform=transforms.ToTensor())
    assert training.evaluate(model, test).accuracy > 0.95


@pytest.mark.slow
def test_the_saved_file_is_names_shapes_and_numbers(run):
    raw = (run[0] / "my_cnn.nn").read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    assert header.pop("__metadata__")["model"] == "RLS_CNN"
    assert header["model.0.weight"]["shape"] == [16, 1, 3, 3]
    assert len(header) == 8


def test_only_the_import_lines_differ():
    """The same listing is what PyTorch takes: it compiles, and names nothing of ours."""
    compile(TORCH_IMPORTS + LISTING, "talk.py", "exec")
    assert "tinygrad" not in LISTING
    assert imported(OUR_IMPORTS) == imported(TORCH_IMPORTS) - {"torch"}


def imported(lines):
    """The names that import lines make known."""
    return {name for line in lines.splitlines() for name in line.split("import ")[1].split(", ")}


def test_its_first_steps_are_pytorchs():
    """From the same weights the listing's loop gives PyTorch's losses (10 batches)."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    data = datasets.MNIST(train=True, transform=transforms.ToTensor())
    batches = [batch for batch, _ in zip(DataLoader(data, 64), range(10), strict=False)]

    class Theirs:
        nn, optim, tensor = torch.nn, torch.optim, staticmethod(lambda t: torch.tensor(t.numpy()))

    class Ours:
        from tinygrad_mnist import nn, optim
        tensor = staticmethod(lambda t: t)

    def losses(library, weights=None):
        text = LISTING[LISTING.index("class"):LISTING.index("for epoch")]
        names = {"nn": library.nn, "optim": library.optim}
        exec(text, names)
        model, optimizer, loss_fn = names["model"], names["optimizer"], names["loss_fn"]
        before = {key: value.numpy().copy() for key, value in model.state_dict().items()}
        if weights:
            model.load_state_dict(weights)
        told = []
        for X, y in batches:
            loss = loss_fn(model(library.tensor(X)), library.tensor(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            told.append(loss.item())
        return told, before

    theirs, first_weights = losses(Theirs)
    ours, _ = losses(Ours, first_weights)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
