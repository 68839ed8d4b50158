"""What the tests of the operations share: the harness beside them, and small thread counts."""

import contextlib

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)  # the pictures are small: more threads would only wait
