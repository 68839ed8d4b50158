"""CuPy's `lib`, of which the engine needs `stride_tricks`."""

from . import stride_tricks
