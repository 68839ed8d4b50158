"""What the tests of the operations share: all of them run on every device there is."""

import contextlib

import pytest

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)  # the pictures are small: more threads would only wait


@pytest.fixture(scope="module", autouse=True)
def _device(every_device):
    """Here no test has to ask for it."""
