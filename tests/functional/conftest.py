"""What the tests of the operations share: all of them run on every device there is."""

import contextlib

import pytest
from comparing import DEVICES, computing_on, here

import tinygrad_mnist as tg

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)  # the pictures are small: more threads would only wait


@pytest.fixture(scope="module", autouse=True, params=DEVICES)
def _device(request):
    """Each test on each device, and the tensors that its module has made moved there."""
    made = [each for each in vars(request.module).values() if isinstance(each, tg.Tensor)]
    before = [each.data for each in made]
    with computing_on(request.param):
        for each in made:
            each.data = here(each.data).data
        yield
    for each, data in zip(made, before, strict=True):
        each.data = data
