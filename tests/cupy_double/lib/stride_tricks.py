"""Views with other strides. They are marked: positions may overlap, and then one may not write."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array import ndarray


def as_strided(x: ndarray, shape: Any = None, strides: Any = None) -> ndarray:
    return ndarray(np.lib.stride_tricks.as_strided(x._values, shape, strides), window=True)
